"""`guest-routes explain ADDRESS`: which NIC an address leaves by, and why."""

from __future__ import annotations

from ...diagnose.explain import explain
from ...errors import SettingsError
from ...model.network import parse_prefix
from ...output.explanation import explanation_json, explanation_lines
from ...sync import dry_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """0: it leaves as wanted; 1: it doesn't; 2: the settings are wrong, so what is wanted is not known."""
    options, terminal = context.options, context.terminal
    try:
        asked = parse_prefix(options.destination)
    except ValueError as error:
        example = "write 11.11.3.4 or 11.11.0.0/16"
        raise SettingsError(f"cannot explain {options.destination!a}: {error}; {example}") from error
    settings = context.usable_settings
    context.show_settings_problems("what is right in them is used, and no pass runs until they are corrected")
    report = dry_run(settings, context.state, context.kernel, options.metadata, terminal.tell)
    explanation = explain(asked, report, context.kernel.lookup([asked.address])[0])
    code = 2 if context.settings_problems else explanation.exit_code
    if options.json:
        terminal.json({**explanation_json(explanation), "exit_code": code})
    else:
        terminal.lines(explanation_lines(explanation))
    return code
