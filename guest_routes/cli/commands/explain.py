"""`guest-routes explain TARGET...`: which NIC an address leaves by, and why."""

from __future__ import annotations

from ...diagnose.explain import address_in, explain
from ...diagnose.names import target
from ...errors import MetadataError, NetworkDataError, SettingsError
from ...model.diagnosis.status import obstacle_of
from ...model.network import address_text, parse_address
from ...output.diagnosis.explanation import explanation_json, explanation_lines, explanations_json, resolved_text
from ...sync import dry_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence

    from ...diagnose.names import Target
    from ...model.network import Address, KernelState, Lookup
    from ...model.report import Report
    from ..context import Context

    Shown = tuple[list[str], dict[str, Any], int]
    """Its lines, its JSON, its exit code."""


def run(context: Context) -> int:
    """0: all leaves as wanted; 1: something doesn't; 2: a target or the settings are wrong; 4: there is no metadata."""
    options, terminal = context.options, context.terminal
    source = _source(vars(options)["from"])
    targets, unknown = _targets(options.destinations, source)
    settings = context.usable_settings
    context.show_settings_problems("explain")
    try:
        report = dry_run(settings, context.state, context.kernel, options.metadata, terminal.progress)
    except (MetadataError, NetworkDataError) as error:
        return _without_metadata(context, targets, unknown, source, error)
    shown = [_shown(context, one, source, report) for one in targets]
    code = 2 if context.settings_problems or unknown else max(code for _, _, code in shown)
    if options.json:
        documents = [document for _, document, _ in shown]
        alone = len(options.destinations) == 1
        terminal.json({**(documents[0] if alone else explanations_json(documents, unknown)), "exit_code": code})
    else:
        terminal.lines([line for lines, _, _ in shown for line in ("", *lines)][1:])
    for message in unknown.values():
        terminal.failure(message)
    return code


def _targets(asked: Sequence[str], source: Address | None) -> tuple[list[Target], dict[str, str]]:
    """What the words of the command line name, and by word what is wrong with the others.

    Raises:
        SettingsError: none of them names anything.
    """
    targets: list[Target] = []
    unknown: dict[str, str] = {}
    for text in asked:
        try:
            targets.append(_of_family(target(text, source), source))
        except SettingsError as error:
            unknown[text] = str(error)
    if not targets:
        raise SettingsError("\n".join(unknown.values()))
    return targets, unknown


def _of_family(asked: Target, source: Address | None) -> Target:
    """The same; raises SettingsError for a target of the other family than the packets' source."""
    if source is not None and len(source) != len(asked.prefix.address):
        raise SettingsError(f"cannot explain --from {address_text(source)}: {asked.prefix} is of the other family")
    return asked


def _without_metadata(
    context: Context,
    targets: Sequence[Target],
    unknown: Mapping[str, str],
    source: Address | None,
    error: MetadataError | NetworkDataError,
) -> int:
    """What the kernel does now is known all the same (R18); 4, or 2 where a target or the settings are wrong."""
    from ...evidence.gather import snapshot
    from ...output.diagnosis.explanation import kernel_only_json, kernel_only_lines

    before = snapshot(context.usable_settings, context.state, context.kernel)
    answers = [_lookup(context, one, source, before) for one in targets]
    code = 2 if context.settings_problems or unknown else error.exit_code
    failures = [str(error), *unknown.values()]
    if context.options.json:
        asked = [(one.prefix, answer) for one, answer in zip(targets, answers)]
        context.terminal.json(kernel_only_json(asked, before.nics, code, "\n".join(failures)))
    else:
        for one, answer in zip(targets, answers):
            name = [resolved_text(one.name, one.prefix)] if one.name else []
            context.terminal.lines([*name, *kernel_only_lines(one.prefix, source, answer, before.nics)])
    for message in failures:
        context.terminal.failure(message)
    return code


def _lookup(context: Context, asked: Target, source: Address | None, before: KernelState) -> Lookup:
    """The kernel's own way for one target."""
    return context.kernel.lookup([address_in(asked.prefix, before)], *(() if source is None else (source,)))[0]


def _source(text: str) -> Address | None:
    """The address of --from; None without it.

    Raises:
        SettingsError: it is none.
    """
    if not text:
        return None
    try:
        return parse_address(text)
    except ValueError as error:
        raise SettingsError(f"cannot explain --from {text!a}: {error}; write an address of this machine") from error


def _shown(context: Context, asked: Target, source: Address | None, report: Report) -> Shown:
    obstacle = obstacle_of(context.settings_problems, context.settings_hidden, context.usable_settings.enabled)
    answer = _lookup(context, asked, source, report.before)
    if source is None:
        found = explain(asked.prefix, report, answer, obstacle)
        lines, document = explanation_lines(found, context.options.verbose), explanation_json(found)
        code = found.exit_code
    else:
        from ...diagnose.explain_source import explain_source
        from ...output.diagnosis.source_explanation import source_explanation_json, source_explanation_lines

        by_source = explain_source(asked.prefix, source, report, answer, obstacle)
        lines, document = source_explanation_lines(by_source), source_explanation_json(by_source)
        code = by_source.exit_code
    if asked.name:
        lines, document = [resolved_text(asked.name, asked.prefix), *lines], {**document, "name": asked.name}
    return lines, document, code
