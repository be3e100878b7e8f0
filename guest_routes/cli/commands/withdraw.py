"""`guest-routes withdraw`: our routes go, recorded default routes come back."""

from __future__ import annotations

from ...output.json_documents import withdrawal_json
from ...output.report import withdrawal_lines
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
    if done.exit_code:
        from ...output.notices import withdrawal_error_texts

        for text in withdrawal_error_texts(done):
            terminal.error(text)
    return done.exit_code
