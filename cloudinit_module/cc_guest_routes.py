"""cloud-init's entry: a pass of guest-routes, with the `guest_routes:` stanza of the merged configuration.

Nothing that happens here makes cloud-init fail: `handle` never raises, and at the top stands only the standard
library, since an error at import would take every other module of the section along.

What is logged, and how loud: cloud-init from 23.4 on turns `cloud-init status` to "degraded", exit code 2, for every
WARNING of any logger. So a route that can't be resolved, a document in doubt, or no metadata at all are INFO here; a
WARNING says that the settings can't be read or that the pass failed. `guest-routes status` has the whole picture.

Source: cloud-init's documentation, "Module creation"; cloudinit/config/modules.py, 22.4 to 26.2: up to 23.1 `handle`
gets (name, cfg, cloud, log, args), later name, cfg, cloud and args by name. Only this signature suits both.
"""

from __future__ import annotations

import json
import logging
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from guest_routes.kernel.engine import Kernel
    from guest_routes.model.report import Report
    from guest_routes.model.settings import Settings
    from guest_routes.state.store import State

meta = {"distros": ["all"], "frequency": "always"}

STANZA = "guest_routes"
STANZA_PATH = "/run/guest-routes/stanza.json"
"""Where every later pass finds the stanza; guest_routes.settings.load reads it after the files."""
DATASOURCE_PATH = "/run/guest-routes/datasource/network_data.json"
SHOWN = 50
"""So many lines of a kind are logged; beyond, only their number."""
LOG = logging.getLogger(__name__)


def handle(name: str, cfg: dict[str, Any], *rest: object, **kw: object) -> None:
    """Leaves the stanza for later passes, and runs one now."""
    cloud = kw["cloud"] if "cloud" in kw else rest[0] if rest else None
    try:
        _keep_stanza(cfg.get(STANZA))
        _pass(cloud)
    except Exception as error:  # noqa: BLE001  # an exception would make cloud-init's status "error"
        LOG.warning("guest-routes: %s", _shown(error))


def _keep_stanza(stanza: object) -> None:
    """Replaces the file as a whole; without a stanza there is none."""
    if stanza is None:
        if os.path.lexists(STANZA_PATH):
            os.unlink(STANZA_PATH)
        return
    _write(STANZA_PATH, json.dumps(stanza))


def _pass(cloud: object) -> None:
    from guest_routes.errors import MetadataError
    from guest_routes.kernel.open import open_kernel
    from guest_routes.settings import load
    from guest_routes.state.store import State
    from guest_routes.sync import recorded

    settings = load.read({})
    if not settings.enabled:
        LOG.info("guest-routes: disabled by the settings (`enabled: false`); nothing was done")
        return
    state = State()
    kernel = open_kernel(settings.engine)
    try:
        report = recorded(state, lambda: _sync(settings, state, kernel, cloud))
    except MetadataError as error:
        LOG.info("guest-routes: %s", _shown(error))
        return
    finally:
        kernel.close()
    _log(report)


def _sync(settings: Settings, state: State, kernel: Kernel, cloud: object) -> Report:
    """A pass on what the settings' sources have, else on the datasource's copy, which is of the first boot."""
    from guest_routes.errors import MetadataError
    from guest_routes.sync import sync

    datasource = getattr(cloud, "datasource", None)
    document = getattr(datasource, "network_json", None)
    # Other datasources have text or a marker there, or nothing.
    if not isinstance(document, dict) or "cloud-init" not in settings.sources:
        return sync(settings, state, kernel)
    try:
        # The copy is better than DHCP leases, which are used where there is no document at all.
        return sync(settings, state, kernel, fallback=False)
    except MetadataError:
        pass
    about = getattr(datasource, "metadata", None)
    uuid = about.get("uuid") if isinstance(about, dict) else None
    folder = os.path.dirname(DATASOURCE_PATH)
    LOG.info("guest-routes: no source has network_data.json; taking the datasource's copy, which is of the first boot")
    _write(os.path.join(folder, "meta_data.json"), json.dumps({"uuid": uuid} if isinstance(uuid, str) else {}))
    _write(DATASOURCE_PATH, json.dumps(document))
    try:
        return sync(settings, state, kernel, DATASOURCE_PATH)
    finally:
        for left in ("meta_data.json", "network_data.json"):
            os.unlink(os.path.join(folder, left))
        os.rmdir(folder)


def _log(report: Report) -> None:
    """One line per change, and per route that isn't programmed."""
    from guest_routes.output.report import failure_text
    from guest_routes.output.route_text import route_text
    from guest_routes.output.summary import source_line, summary, verb_of
    from guest_routes.output.words.outcomes import operation_reason, pass_error_text, unprogrammed_text
    from guest_routes.output.words.warnings import warning_texts

    nics = report.before.nics
    refused = {id(failure.operation) for failure in report.outcome.failures}
    changes = [] if report.errors else [op for op in report.plan.operations if id(op) not in refused]
    _lines(logging.INFO, [f"{verb_of(op)} {route_text(op.route, nics)}: {operation_reason(op)}" for op in changes])
    _lines(logging.INFO, [f"not programmed: {unprogrammed_text(one, nics)}" for one in report.unprogrammed])
    _lines(logging.INFO, warning_texts(report))
    _lines(logging.WARNING, [failure_text(failure, nics) for failure in report.outcome.failures])
    _lines(logging.WARNING, [pass_error_text(error, nics) for error in report.errors])
    _lines(logging.INFO, [f"{summary(report)} ({source_line(report)})"])


def _shown(error: Exception) -> str:
    """An error's message, which may have several lines."""
    try:
        from guest_routes.output.escape import escaped_lines
    except ImportError:  # The package itself is what is missing.
        return ascii(str(error))
    return "\n".join(escaped_lines(str(error))) or type(error).__name__


def _lines(level: int, lines: list[str]) -> None:
    from guest_routes.output.escape import escaped

    for line in lines[:SHOWN]:
        LOG.log(level, "guest-routes: %s", escaped(line))
    if len(lines) > SHOWN:
        LOG.log(level, "guest-routes: ... and %d more; `guest-routes status` has them", len(lines) - SHOWN)


def _write(path: str, text: str) -> None:
    """The old content or the new one, never a part; /run needs no fsync."""
    for folder in (os.path.dirname(STANZA_PATH), os.path.dirname(path)):
        os.makedirs(folder, 0o755, exist_ok=True)
    temporary = path + ".new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w") as file:
        file.write(text)
    os.rename(temporary, path)
