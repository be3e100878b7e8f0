"""What is decided for the NICs as the document will have them, for the commands that write configuration."""

from __future__ import annotations

from ..errors import UsageError
from ..evidence.find import find
from ..evidence.gather import gather, snapshot
from ..model.network import PROTOCOL_STATIC, KernelState
from ..routing.decide import decide
from ..routing.project import project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.evidence import Evidence
    from ..model.network import Nic
    from ..model.plan import Decision
    from ..model.settings import Settings
    from ..state.store import State
    from .context import Context

NOWHERE = "/nonexistent"
"""A folder that no system has, by Debian's policy."""


def projected(context: Context) -> tuple[Evidence, Decision]:
    """The evidence with the document that the options and settings name, and what is decided on it.

    Raises:
        GuestRoutesError: no metadata, no kernel.
    """
    settings, kernel = context.settings, context.kernel
    document = find(settings, kernel.nics, context.state, context.options.metadata, context.terminal.progress)
    before = _without_exported(snapshot(settings, context.state, kernel), settings)
    evidence = project(gather(document, settings, context.state, before, fetched=True), settings)
    return evidence, decide(evidence, settings)


def _without_exported(before: KernelState, settings: Settings) -> KernelState:
    """The same without what an earlier export's files made for source routing: theirs is no other program's table."""
    if before.tables is None:
        return before
    priority = settings.source_routing_priority
    rules = (one for one in before.rules if (one.protocol, one.priority) != (PROTOCOL_STATIC, priority))
    tables = (one for one in before.tables if one.protocol != PROTOCOL_STATIC)
    return before._replace(rules=tuple(rules), tables=tuple(tables))


def projected_offline(context: Context) -> tuple[Evidence, Decision]:
    """The same for the NICs that --nic names, of a machine that isn't running: nothing of this machine counts.

    Its kernel is not asked; its state and its DHCP leases are another machine's. Its settings count, unless --settings
    names others.

    Raises:
        GuestRoutesError: no metadata; a NIC is wrong.
    """
    options = context.options
    json_command = options.command if options.json else ""
    if not options.metadata:
        raise UsageError("--nic is for a machine that isn't running: --metadata must name its document", json_command)
    settings, state, nics = _offline_settings(context.settings), _no_state(), _nics(options.nic, json_command)
    document = find(settings, lambda: nics, state, options.metadata, context.terminal.progress)
    before = KernelState(nics, (), tables=() if settings.source_routing else None)
    evidence = project(gather(document, settings, state, before), settings)
    return evidence, decide(evidence, settings)


def _nics(texts: list[str], json_command: str) -> tuple[Nic, ...]:
    from ..settings.offline_nics import parse_nics

    try:
        return parse_nics(texts)
    except ValueError as error:
        raise UsageError(str(error), json_command) from error


def _offline_settings(settings: Settings) -> Settings:
    """Without the sources that are of this machine."""
    return settings._replace(sources=tuple(one for one in settings.sources if one not in ("leases", "last-known-good")))


def _no_state() -> State:
    from ..state.store import State

    return State(f"{NOWHERE}/run", f"{NOWHERE}/lib", root=NOWHERE)
