"""`guest-routes withdraw`: our routes go, recorded default routes come back."""

from __future__ import annotations

from ...output.json_documents import withdrawal_json
from ...output.report import failure_text, left_texts, withdrawal_lines
from ...withdraw import withdraw

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """0, or 1 when something was refused or is left."""
    options, terminal = context.options, context.terminal
    settings = context.usable_settings
    context.show_settings_problems("withdraw")
    named = {"table", "protocol"} & set(context.flags)  # Then there, and nowhere else.
    done = withdraw(settings, context.state, context.kernel, everywhere=not named)
    if options.json:
        terminal.json(withdrawal_json(done))
    else:
        terminal.lines(withdrawal_lines(done, options.verbose))
    for failure in done.outcome.failures:
        terminal.error(failure_text(failure, done.before.nics))
    if done.source_outcome is not None:
        from ...output.source_routing import source_failure_text

        for refused in done.source_outcome.failures:
            terminal.error(source_failure_text(refused, done.before.nics))
    for text in left_texts(done):
        terminal.error(text)
    return done.exit_code
