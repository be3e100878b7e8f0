"""Who changed a route or rule, and what the service changed of source routing for it (R21), in words. Pure."""

from __future__ import annotations

from ..escape import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.diagnosis.status import Actor, SourceChange
    from ...model.network import Nic
    from ...model.source_routing import SourceOperation


_ACTOR = "GUEST_ROUTES_ACTOR"
"""A field of systemd's journal."""


def actor_text(actor: Actor) -> str:
    """Who changed a route: "dhclient (pid 812, started by systemd)"."""
    if actor.program == "kernel":
        return "the kernel"
    if not actor.program:
        return f"a process that has ended (pid {actor.pid})" if actor.pid else "an unknown process"
    started = f", started by {' under '.join(actor.ancestors)}" if actor.ancestors else ""
    return f"{actor.program} (pid {actor.pid}{started})"


def actor_fields(actor: Actor | None) -> list[tuple[str, str]]:
    """The name of the program; nothing where it is not known."""
    return [(_ACTOR, escaped(actor.program))] if actor is not None and actor.program else []


def source_change_line(operation: SourceOperation, reverted: SourceChange | None, nics: Sequence[Nic]) -> str:
    """A change for the log: "added rule from 11.8.0.9 lookup 12103: deleted by ip (pid 50); source routing"."""
    from ..source_routing import source_text

    return escaped(f"{source_verb(operation)} {source_text(operation, nics)}: {source_reason(operation, reverted)}")


def source_verb(operation: SourceOperation) -> str:
    """Whether it added or removed something, as a word."""
    from ..source_routing import is_source_removal

    return "removed" if is_source_removal(operation) else "added"


def source_reason(operation: SourceOperation, reverted: SourceChange | None) -> str:
    """Why a pass changed a rule, or a route in a NIC's table."""
    if reverted is None:
        return "source routing"
    did = "deleted" if reverted.deleted else "added" if source_verb(operation) == "removed" else "replaced"
    return f"{did} by {actor_text(reverted.actor)}; source routing"
