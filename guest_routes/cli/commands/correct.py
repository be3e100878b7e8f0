"""`guest-routes correct`: what cloud-init rendered for the network manager, put right before it is read."""

from __future__ import annotations

from ...managers.rewrite import rewrite
from ...output.configuration import rewrite_error_text, rewritten_json, rewritten_lines
from ..projected import projected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """0; 1 when a file couldn't be read or written; 3 with --check when something would change."""
    settings, options, terminal = context.settings, context.options, context.terminal
    off = "" if settings.enabled else "`enabled: false`"
    off = off if settings.correct_rendered else "`correct_rendered: false`"
    done = None if off else rewrite(settings, lambda: projected(context)[1], write=not options.check)
    if options.json:
        terminal.json(rewritten_json(done))
    elif done is None:
        terminal.error(f"switched off by the settings ({off}); nothing was done")
    else:
        terminal.lines(rewritten_lines(done, options.verbose))
    for error in done.errors if done else ():
        terminal.error(rewrite_error_text(error))
    return done.exit_code if done else 0
