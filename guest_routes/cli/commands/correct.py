"""`guest-routes correct`: what cloud-init rendered for the network manager, put right before it is read."""

from __future__ import annotations

from ...managers.rewrite import rewrite
from ...output.configuration import rewritten_json, rewritten_lines
from ...output.words.verdicts import rewrite_error_text
from ..projected import projected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """The exit code, as BY_COMMAND has it."""
    if context.options.undo:
        return _undo(context)
    return _correct(context)


def _undo(context: Context) -> int:
    from ...managers.undo import undo
    from ...output.configuration import reverted_json, reverted_lines

    done = undo()
    if context.options.json:
        context.terminal.json(reverted_json(done))
    else:
        context.terminal.lines(reverted_lines(done))
    for error in done.errors:
        context.terminal.error(rewrite_error_text(error))
    return done.exit_code


def _correct(context: Context) -> int:
    settings, options, terminal = context.settings, context.options, context.terminal
    on = settings.enabled and settings.correct_rendered
    done = rewrite(settings, lambda: projected(context)[1], write=not options.check) if on else None
    if options.json:
        terminal.json(rewritten_json(done))
    elif done is None:
        from ...output.notices import not_corrected_text

        terminal.note(not_corrected_text(settings))
    else:
        terminal.lines(rewritten_lines(done, options.verbose))
    for error in done.errors if done else ():
        terminal.error(rewrite_error_text(error))
    return done.exit_code if done else 0
