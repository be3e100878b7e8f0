"""What commands say beside their data, and the documents of commands that have no report to show. Pure."""

from __future__ import annotations

from .folding import first_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, Sequence

    from ..model.report import Report, Withdrawal
    from ..model.settings import Settings
    from ..model.source_routing import SourceOperation

DISABLED = "disabled by the settings (`enabled: false`)"
NO_REQUEST = "guest-routes: standard input is no request of the service; guest-routes-fetch@.service starts this"
INTERRUPTED = "interrupted; what was written stays; run it again"
REPORTING = "running status, plan, doctor and correct --check, then ip and what the managers have"
SHOWN = 20
"""So many refusals and errors are shown one by one."""


def disabled_text(written: bool) -> str:
    """`sync` and `plan` with `enabled: false`.

    Args:
        written: the command writes, as `sync` does.
    """
    return f"{DISABLED}; nothing was done" if written else f"{DISABLED}: sync would change nothing"


def disabled_json() -> dict[str, Any]:
    """`sync --json` with `enabled: false`."""
    return {"schema": "guest-routes/sync/1", "exit_code": 0, "disabled": True}


def failed_json(command: str, code: int, text: str) -> dict[str, Any]:
    """A command that could do nothing."""
    return {"schema": f"guest-routes/{command}/1", "exit_code": code, "error": text}


def not_corrected_text(settings: Settings) -> str:
    """`correct` with `enabled: false` or `correct_rendered: false`."""
    off = [f"`{name}: false`" for name in ("enabled", "correct_rendered") if not getattr(settings, name)]
    return f"switched off by the settings ({', '.join(off)}); nothing was done"


def settings_wrong_text(
    problems: Sequence[str], command: Literal["explain", "status", "withdraw"], settings: Settings, hidden: bool = False
) -> str:
    """What is wrong in the settings, for a command that works all the same (R18).

    Args:
        settings: those that it works with.
        hidden: this user may not read them, and nothing else is wrong.
    """
    if hidden:
        known = "what this user can read of them is used"
        return "\n".join([f"the settings cannot be read by this user; {known}", *problems])
    refused = "`guest-routes sync` refuses them, and a service that runs keeps those that it has read"
    consequence = {
        "explain": f"what is right in them is used here; {refused}",
        "status": refused,
        "withdraw": f"routes of protocol {settings.protocol} in table {settings.table} are withdrawn",
    }[command]
    return "\n".join([f"the settings are wrong; {consequence}", *problems])


def error_texts(report: Report) -> list[str]:
    """What the kernel refused and what else failed, each with its reason; of many the first, and how many more."""
    from .report import failure_text
    from .words.outcomes import pass_error_text

    nics = report.before.nics
    refused = [failure_text(failure, nics) for failure in report.outcome.failures]
    failed = [pass_error_text(error, nics) for error in report.errors]
    more = "; --json has all"
    return [*first_of(refused, f"refusals{more}", SHOWN), *first_of(failed, f"errors{more}", SHOWN)]


def withdrawal_error_texts(done: Withdrawal) -> list[str]:
    """What the kernel refused `withdraw`, and what is left; of many the first, and how many more."""
    from .report import failure_text, left_texts

    refused = [failure_text(failure, done.before.nics) for failure in done.outcome.failures]
    if done.source_outcome is not None:
        from .source_routing import source_failure_text

        refused += [source_failure_text(one, done.before.nics) for one in done.source_outcome.failures]
    left = [*left_texts(done, SHOWN), *source_left_texts(done, SHOWN)]
    return [*first_of(refused, "refusals; --json has all", SHOWN), *left]


def source_left_texts(done: Withdrawal, shown: int = 0) -> list[str]:
    """What `withdraw` could not remove of source routing, and how that goes by hand: rules before their tables.

    Args:
        shown: so many rules and routes one by one, and how many more there are; 0: all.
    """
    remaining = done.source_outcome.remaining if done.source_outcome is not None else ()
    if not remaining:
        return []
    from .source_routing import source_text

    left = [f"still there: {source_text(one, done.after.nics)}" for one in remaining]
    by_hand = ", ".join(f"`{command}`" for command in _flush_commands(remaining))
    more = "rules and routes of source routing are still there; --json has all"
    return [*first_of(left, more, shown or len(left)), f"to remove by hand what is left of source routing: {by_hand}"]


def _flush_commands(removals: Sequence[SourceOperation]) -> list[str]:
    """The commands of iproute2 that remove rules, and then routes, by protocol."""
    from ..model.source_routing import RemoveRoute, RemoveRule

    rules = {(one.rule.family, one.rule.protocol) for one in removals if isinstance(one, RemoveRule)}
    routes = [one.route for one in removals if isinstance(one, RemoveRoute)]
    tables = {(route.family, route.table, route.protocol) for route in routes}
    return [
        *(f"ip -{family} rule flush protocol {protocol}" for family, protocol in sorted(rules)),
        *(f"ip -{family} route flush table {table} proto {protocol}" for family, table, protocol in sorted(tables)),
    ]


def unwritten_text(fault: str) -> str:
    """Standard output didn't take the result.

    Args:
        fault: the system's words.
    """
    return f"cannot write the result to standard output: {fault}; what was done stays done"


def bundle_text(path: str, size_bytes: int, redacted: bool) -> str:
    """`report`: where it is, and what is in it."""
    secret = "addresses, MACs and uuids in it are replaced" if redacted else "it has addresses: see --redact"
    return f"{path}: {size_bytes >> 10:,} KiB; {secret}; secrets are left out"


def bundle_json(path: str, size_bytes: int, missing: Sequence[str]) -> dict[str, Any]:
    """`report --json`."""
    return {
        "schema": "guest-routes/report/1",
        "exit_code": 0,
        "path": path,
        "bytes": size_bytes,
        "missing": list(missing),
    }
