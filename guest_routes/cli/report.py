"""The report of a pass on the terminal, for the commands that run one."""

from __future__ import annotations

from ..output.report import failure_text, report_lines
from ..output.words.warnings import warning_texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.report import Report
    from .context import Context

SHOWN = 20
"""So many refusals and errors are shown one by one."""


def print_report(context: Context, report: Report, code: int, written: bool = True) -> None:
    """The report as the options ask for it; warnings, refusals and errors beside it."""
    options, terminal, nics = context.options, context.terminal, report.before.nics
    if options.json:
        from ..output.json_documents import report_json

        terminal.json({**report_json(report, options.command), "exit_code": code})
    else:
        terminal.lines(report_lines(report, options.verbose, written))
    for warning in warning_texts(report):
        (terminal.error if warning in report.state_errors else terminal.warning)(warning)
    failures = report.outcome.failures
    for failure in failures[:SHOWN]:
        terminal.error(failure_text(failure, nics))
    if len(failures) > SHOWN:
        terminal.error(f"... and {len(failures) - SHOWN:,} more refusals; --json has all")
    if report.errors:
        from ..output.words.outcomes import pass_error_text

        for error in report.errors[:SHOWN]:
            terminal.error(pass_error_text(error, nics))
    if report.decision.source_routing is not None:
        from ..output.source_routing import conflict_text, source_error_texts

        for text in (*source_error_texts(report), *(conflict_text(one, nics) for one in report.source_conflicts)):
            terminal.error(text)
