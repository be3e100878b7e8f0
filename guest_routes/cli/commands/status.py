"""`guest-routes status`: the last pass, and whether its routes are still in place."""

from __future__ import annotations

import os

from ...diagnose.status import inspect
from ...errors import GuestRoutesError, StateError
from ...output.prometheus import failure_metrics_text, metrics_text
from ...output.status import status_json, status_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """See Status.exit_code."""
    options, terminal = context.options, context.terminal
    path = os.path.abspath(options.textfile) if options.textfile else ""
    try:
        settings = context.usable_settings
        found = inspect(settings, context.state, context.kernel, context.settings_problems)
    except GuestRoutesError as error:
        if path:
            _write(path, failure_metrics_text(error.exit_code))
        raise
    if path:
        _write(path, metrics_text(found))
        context.show_settings_problems("status")
    elif options.json:
        terminal.json(status_json(found))
    else:
        terminal.lines(status_lines(found))
    return found.exit_code


def _write(path: str, metrics: str) -> None:
    """Replaces the file; a directory is not made, and what is no file is left alone."""
    from ...state.files import replace

    if not os.path.isdir(os.path.dirname(path)):
        raise StateError(f"cannot write {path}: its directory is not there; name a file in the collector's directory")
    if os.path.exists(path) and not os.path.isfile(path):
        raise StateError(f"cannot write {path}: it is no regular file; name a file in the collector's directory")
    replace(path, metrics.encode(), 0o644, "the old one is still there")
