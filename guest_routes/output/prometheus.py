"""The status as Prometheus text, for node_exporter's textfile collector. Pure.

Source: Prometheus documentation, "Exposition formats", text-based format; "Metric and label naming".
"""

from __future__ import annotations

from ..model.diagnosis.status import Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Iterator, TypeAlias

Metric: TypeAlias = "tuple[str, str, float, str]"
"""Name without the prefix, type, value, and help."""


def metrics_text(found: Status) -> str:
    """Every metric with its help and type; those that aren't known are left out."""
    return _text(_metrics(found))


def failure_metrics_text(exit_code: int) -> str:
    """All that is known where the status could not be read."""
    return _text([_exit_code(exit_code)])


def _exit_code(code: int) -> Metric:
    return "exit_code", "gauge", code, "What guest-routes status exits with: 0 when all is in place."


def _text(metrics: Iterable[Metric]) -> str:
    lines = []
    for name, kind, value, text in metrics:
        full = f"guest_routes_{name}"
        lines += [f"# HELP {full} {text}", f"# TYPE {full} {kind}", f"{full} {value:.17g}"]
    return "\n".join(lines) + "\n"


def _metrics(found: Status) -> Iterator[Metric]:
    last, service = found.last, found.service
    yield _exit_code(found.exit_code)
    valid = found.settings_hidden or not found.settings_problems
    yield "settings_valid", "gauge", valid, "Whether the settings can be used."
    yield "routes", "gauge", len(found.ours), "Routes of ours in the table."
    yield "drift_known", "gauge", found.unknown is None, "Whether it is known if the routes are in place."
    if found.unknown is None:
        changes = found.comparison.changes
        yield "drift_changes", "gauge", changes, "Changes a pass on the last good metadata would make."
    if last:
        yield "last_pass_timestamp_seconds", "gauge", last["finished"], "When the last pass ended."
        fetched = last["finished"] - last["metadata"]["age_seconds"]
        yield "metadata_timestamp_seconds", "gauge", fetched, "When the metadata in use was fetched."
    if found.unknown is None:
        missing = len(found.unprogrammed)
        about = "Routes of the metadata that are not in effect, and defaults too many that stay."
        yield "unprogrammed_routes", "gauge", missing, about
    yield "withdrawn", "gauge", found.withdrawn, "Whether the routes were withdrawn by hand."
    yield (
        "service_running",
        "gauge",
        found.service_runs and not found.service_overdue,
        "Whether guest-routes watch runs.",
    )
    if service is not None and found.service_runs:
        yield "service_start_timestamp_seconds", "gauge", service.started, "When the service was started."
        if service.settings and not found.settings_problems:
            current = not found.settings_unread
            yield "service_settings_current", "gauge", current, "Whether the service goes by the settings as they are."
        yield "passes_total", "counter", service.passes, "Passes of the service."
        yield "events_total", "counter", service.events, "Kernel notifications that the service looked at."
        foreign, malformed = service.foreign_messages, service.malformed_messages
        yield "netlink_foreign_total", "counter", foreign, "Netlink messages of other processes, which were ignored."
        yield "netlink_malformed_total", "counter", malformed, "Kernel notifications that could not be read."
        yield "repairs_total", "counter", service.repairs, "Changes made because somebody changed routes."
        yield "conflicts", "gauge", len(service.conflicts), "Routes that somebody changes again and again."
        yield "metadata_failures", "gauge", service.failures, "Fetches in a row that brought nothing."
