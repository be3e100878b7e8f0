"""`guest-routes plan`: what `sync` would change."""

from __future__ import annotations

from ...sync import dry_run
from ..report import print_remarks, print_report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model.report import Report
    from ..context import Context


def run(context: Context) -> int:
    """That of the pass; 3 with --check when something would change."""
    settings, options, terminal = context.settings, context.options, context.terminal
    report = dry_run(
        settings, context.state, context.kernel, options.metadata, terminal.progress, options.accept_withdrawals
    )
    if not settings.enabled:
        from ...output.notices import disabled_text

        terminal.note(disabled_text(written=False))
    differs = options.check and settings.enabled and report.changes and report.exit_code in (0, 5)
    code = 3 if differs else report.exit_code
    if options.graph:
        _draw(context, report)
        print_remarks(context, report)
    elif options.diff:
        terminal.verbatim(_diff(context, report))
        print_remarks(context, report)
    else:
        print_report(context, report, code, written=False)
    return code


def _draw(context: Context, report: Report) -> None:
    """The table with what would change, and below a picture as text the plan's last line."""
    from ...output.pictures.graph import graph_of
    from ...output.summary import source_line, summary
    from ..pictures import draw

    state, operations, missing = report.before, report.plan.operations, report.unprogrammed
    graph = graph_of(state, operations, missing, context.settings.protocol, context.options.verbose)
    draw(context, graph, [source_line(report), summary(report, written=False)])


def _diff(context: Context, report: Report) -> list[str]:
    from ...output.pictures.diff import diff_lines

    return diff_lines(report, context.settings.table)
