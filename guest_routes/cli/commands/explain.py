"""`guest-routes explain ADDRESS`: which NIC an address leaves by, and why."""

from __future__ import annotations

from ...diagnose.explain import explain
from ...errors import SettingsError
from ...model.network import parse_address, parse_prefix
from ...output.explanation import explanation_json, explanation_lines
from ...sync import dry_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model.network import Address, Prefix
    from ...model.report import Report
    from ..context import Context


def run(context: Context) -> int:
    """0: it leaves as wanted; 1: it doesn't; 2: the settings are wrong, so what is wanted is not known."""
    options, terminal = context.options, context.terminal
    try:
        asked = parse_prefix(options.destination)
    except ValueError as error:
        example = "write 11.11.3.4 or 11.11.0.0/16"
        raise SettingsError(f"cannot explain {options.destination!a}: {error}; {example}") from error
    source = _source(vars(options)["from"], asked)
    settings = context.usable_settings
    context.show_settings_problems("explain")
    report = dry_run(settings, context.state, context.kernel, options.metadata, terminal.tell)
    if source is not None:
        return _explain_source(context, asked, source, report)
    explanation = explain(asked, report, context.kernel.lookup([asked.address])[0])
    code = 2 if context.settings_problems else explanation.exit_code
    if options.json:
        terminal.json({**explanation_json(explanation), "exit_code": code})
    else:
        terminal.lines(explanation_lines(explanation))
    return code


def _source(text: str, asked: Prefix) -> Address | None:
    """The address of --from; None without it.

    Raises:
        SettingsError: it is none, or one of the other family.
    """
    if not text:
        return None
    try:
        source = parse_address(text)
    except ValueError as error:
        raise SettingsError(f"cannot explain --from {text!a}: {error}; write an address of this machine") from error
    if len(source) != len(asked.address):
        raise SettingsError(f"cannot explain --from {text}: {asked} is of the other family")
    return source


def _explain_source(context: Context, asked: Prefix, source: Address, report: Report) -> int:
    """As `run`."""
    from ...diagnose.explain_source import explain_source
    from ...output.source_explanation import source_explanation_json, source_explanation_lines

    explanation = explain_source(asked, source, report, context.kernel.lookup([asked.address], source)[0])
    code = 2 if context.settings_problems else explanation.exit_code
    if context.options.json:
        context.terminal.json({**source_explanation_json(explanation), "exit_code": code})
    else:
        context.terminal.lines(source_explanation_lines(explanation))
    return code
