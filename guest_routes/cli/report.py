"""The report of a pass on the terminal, for the commands that run one."""

from __future__ import annotations

from ..output.summary import is_remarkable, short_lines
from ..output.words.warnings import warning_texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.report import Report
    from .context import Context


def print_report(context: Context, report: Report, code: int, written: bool = True) -> None:
    """The report as the options ask for it; warnings, refusals and errors beside it."""
    options, terminal, context.report = context.options, context.terminal, report
    if options.json:
        from ..output.json_documents import report_json

        terminal.json({**report_json(report, options.command), "exit_code": code})
    elif options.verbose or is_remarkable(report):
        from ..output.report import report_lines

        terminal.lines(report_lines(report, options.verbose, written))
    else:
        terminal.lines(short_lines(report, written))
    print_remarks(context, report)


def print_remarks(context: Context, report: Report) -> None:
    """Warnings, refusals and errors, on standard error."""
    terminal = context.terminal
    texts = warning_texts(report)
    for text in texts[: len(texts) - len(report.state_errors)]:
        terminal.warning(text)
    for text in report.state_errors:
        terminal.error(text)
    if report.outcome.failures or report.errors:
        from ..output.notices import error_texts

        for text in error_texts(report):
            terminal.error(text)
    if report.source_outcome is not None or report.source_conflicts:
        from ..output.source_routing import remark_texts

        for text in remark_texts(report):
            terminal.error(text)
