"""`guest-routes plan`: what `sync` would change."""

from __future__ import annotations

from ...sync import dry_run
from ..report import print_report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """That of the pass; 3 with --check when something would change."""
    settings, options, terminal = context.settings, context.options, context.terminal
    report = dry_run(
        settings, context.state, context.kernel, options.metadata, terminal.tell, options.accept_withdrawals
    )
    if not settings.enabled:
        from ...output.notices import disabled_text

        terminal.note(disabled_text(written=False))
    differs = options.check and settings.enabled and report.changes and report.exit_code in (0, 5)
    code = 3 if differs else report.exit_code
    print_report(context, report, code, written=False)
    return code
