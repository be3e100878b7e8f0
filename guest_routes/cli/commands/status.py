"""`guest-routes status`: the last pass, and whether its routes are still in place."""

from __future__ import annotations

import os

from ...diagnose.status import inspect
from ...errors import SYSTEM_FAILURES, GuestRoutesError
from ...output.diagnosis.status import status_json, status_lines
from ...output.prometheus import failure_metrics_text, metrics_text
from ..named_file import write_named

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
    try:
        found = _inspect(context) if options.wait is None else _wait(context)
    except (GuestRoutesError, *SYSTEM_FAILURES) as error:
        if options.textfile:
            _write(context, failure_metrics_text(error.exit_code if isinstance(error, GuestRoutesError) else 1))
        raise
    if options.textfile:
        _write(context, metrics_text(found))
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


def _write(context: Context, metrics: str) -> None:
    """Where --textfile says."""
    file, content = context.options.textfile, metrics.encode()
    if file == "-":
        context.terminal.binary(content)
    else:
        advice = "name a file in the collector's directory, which must be there"
        write_named(os.path.abspath(file), content, 0o644, advice)
