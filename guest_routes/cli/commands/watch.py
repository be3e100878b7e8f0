"""`guest-routes watch`: the service."""

from __future__ import annotations

import gc

from ...service.child.files import read_settings_in_child
from ...service.loop import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """0 once a signal ends it."""
    gc.enable()  # This process stays.
    log = context.terminal.log()
    return watch(
        lambda: read_settings_in_child(context.read_settings),
        context.state,
        context.options.metadata,
        log,
        context.has_file_settings,
    )
