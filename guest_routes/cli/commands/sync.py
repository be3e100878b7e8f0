"""`guest-routes sync`: one pass."""

from __future__ import annotations

from ...sync import recorded, sync
from ..report import print_report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """The pass's exit code."""
    settings, options, terminal = context.settings, context.options, context.terminal
    if not settings.enabled:
        terminal.note("disabled by the settings (`enabled: false`); nothing was done")
        if options.json:
            terminal.json({"schema": "guest-routes/sync/1", "exit_code": 0, "disabled": True})
        return 0
    report = recorded(
        context.state,
        lambda: sync(
            settings, context.state, context.kernel, options.metadata, terminal.tell, options.accept_withdrawals
        ),
    )
    print_report(context, report, report.exit_code)
    return report.exit_code
