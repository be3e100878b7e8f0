"""`guest-routes status`: the last pass, and whether its routes are still in place."""

from __future__ import annotations

import os

from ...diagnose.status import inspect
from ...errors import SYSTEM_FAILURES, GuestRoutesError, StateError
from ...output.diagnosis.status import status_json, status_lines
from ...output.prometheus import failure_metrics_text, metrics_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model.diagnosis.status import Status
    from ..context import Context


def run(context: Context) -> int:
    """See Status.exit_code."""
    options, terminal = context.options, context.terminal
    if options.watch:
        from ..live import watch

        return watch(options, _inspect, terminal)
    path = os.path.abspath(options.textfile) if options.textfile else ""
    try:
        found = _inspect(context) if options.wait is None else _wait(context)
    except (GuestRoutesError, *SYSTEM_FAILURES) as error:
        if path:
            _write(path, failure_metrics_text(error.exit_code if isinstance(error, GuestRoutesError) else 1))
        raise
    if path:
        _write(path, metrics_text(found))
        context.show_settings_problems("status")
    elif options.json:
        terminal.json(status_json(found))
    elif options.graph:
        _draw(context, found)
        context.show_settings_problems("status")
    else:
        terminal.lines(status_lines(found, options.verbose))
    return found.exit_code


def _inspect(context: Context) -> Status:
    return inspect(
        context.usable_settings,
        context.state,
        context.kernel,
        context.settings_problems,
        context.settings_hidden,
        context.file_settings,
    )


def _wait(context: Context) -> Status:
    from ..live import wait

    return wait(context.options, _inspect, context.terminal)


def _draw(context: Context, found: Status) -> None:
    """The table, with what a pass on the last good metadata would change."""
    from ...output.diagnosis.status import drift_heads
    from ...output.pictures.graph import graph_of
    from ..pictures import draw

    protocol, verbose = context.usable_settings.protocol, context.options.verbose
    draw(context, graph_of(found.state, found.drift, found.unprogrammed, protocol, verbose), drift_heads(found))


def _write(path: str, metrics: str) -> None:
    """Replaces the file; a directory is not made, and what is no file is left alone."""
    from ...state.files import refusal, replace

    try:
        os.stat(os.path.dirname(path) + "/")
    except OSError as error:
        raise refusal("write", path, error, "name a file in the collector's directory, which must be there") from error
    if os.path.exists(path) and not os.path.isfile(path):
        raise StateError(f"cannot write {path}: it is no regular file; name a file in the collector's directory")
    replace(path, metrics.encode(), 0o644, "it has no figures of now")
