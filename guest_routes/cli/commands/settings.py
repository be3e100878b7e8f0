"""`guest-routes settings`: the settings in effect with their origins; a file checked before it is installed."""

from __future__ import annotations

from ...errors import UsageError
from ...output.settings.effective import checked_text, settings_json, settings_lines
from ...settings.load import KEYS, read_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """0; 2 where something is wrong, and what is right is shown all the same."""
    options, terminal = context.options, context.terminal
    if options.check and (options.settings or context.flags):
        raise UsageError("--check takes its FILE alone: no other settings")
    found = read_all({}, options.check, stanza="") if options.check else read_all(context.flags, options.settings)
    for problem in found.problems:
        terminal.error(problem)
    if options.json:
        terminal.json(settings_json(found.settings, found.origins, found.problems))
    elif not options.check:
        helps = {key.name: key.help for key in KEYS}
        terminal.lines(settings_lines(found.settings, found.origins, helps, options.verbose))
    elif not found.problems:
        terminal.lines([checked_text(options.check, found.origins)])
    return 2 if found.problems else 0
