"""`guest-routes status`: the last pass, and whether its routes are still in place."""

from __future__ import annotations

import os

from ...diagnose.status import inspect
from ...errors import StateError
from ...output.status import status_json, status_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model.status import Status
    from ..context import Context


def run(context: Context) -> int:
    """That of the last pass; 1 when the routes have drifted."""
    options, terminal = context.options, context.terminal
    found = inspect(context.settings, context.state, context.kernel)
    if options.textfile:
        _write(os.path.abspath(options.textfile), found)
    elif options.json:
        terminal.json(status_json(found))
    else:
        terminal.lines(status_lines(found))
    return found.exit_code


def _write(path: str, found: Status) -> None:
    """Replaces the file; a directory is not made, and what is no file is left alone."""
    from ...output.prometheus import metrics_text
    from ...state.files import replace

    if not os.path.isdir(os.path.dirname(path)):
        raise StateError(f"cannot write {path}: its directory is not there; name a file in the collector's directory")
    if os.path.exists(path) and not os.path.isfile(path):
        raise StateError(f"cannot write {path}: it is no regular file; name a file in the collector's directory")
    replace(path, metrics_text(found).encode(), 0o644, "the old one is still there")
