"""`guest-routes sync`: one pass."""

from __future__ import annotations

import os

from ...errors import MetadataError
from ...sync import recorded, sync
from ..report import print_report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """The pass's exit code."""
    settings, options, terminal = context.settings, context.options, context.terminal
    if not settings.enabled:
        from ...output.notices import disabled_json, disabled_text

        terminal.note(disabled_text(written=True))
        if options.json:
            terminal.json(disabled_json())
        return 0
    try:
        report = recorded(
            context.state,
            lambda: sync(
                settings, context.state, context.kernel, options.metadata, terminal.progress, options.accept_withdrawals
            ),
        )
    except MetadataError as error:
        if os.geteuid() == 0:
            raise
        # With a document it would have ended at the lock, which says so.
        raise MetadataError(f"{error}\nand routes are root's to change: run it as root") from error
    code = report.exit_code
    print_report(context, report, code)
    return code
