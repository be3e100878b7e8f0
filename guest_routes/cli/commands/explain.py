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
    """0."""
    options, terminal = context.options, context.terminal
    try:
        asked = parse_prefix(options.destination)
    except ValueError as error:
        example = "write 11.11.3.4 or 11.11.0.0/16"
        raise SettingsError(f"cannot explain {options.destination!a}: {error}; {example}") from error
    report = dry_run(context.settings, context.state, context.kernel, options.metadata, terminal.tell)
    explanation = explain(asked, report, context.kernel.lookup([asked.address])[0])
    if options.json:
        terminal.json(explanation_json(explanation))
    else:
        terminal.lines(explanation_lines(explanation))
    return 0
