"""Who changed a route or rule, and what the service changed of source routing for it (R21), in words. Pure."""

from __future__ import annotations

from ..escape import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Sequence

    from ...model.diagnosis.status import Actor, ForeignRoute, SourceChange
    from ...model.network import Nic
    from ...model.source_routing import SourceConflict, SourceOperation


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


def foreign_routes(
    conflicts: Sequence[SourceConflict],
    made: Sequence[SourceChange | None],
    before: Iterable[ForeignRoute],
    nics: Sequence[Nic],
) -> tuple[ForeignRoute, ...]:
    """Other programs' routes that stand in tables of source routing, each with who has added it; "": unknown.

    Args:
        made: for each conflict the change that made it, as far as it came since the last pass.
        before: what the last pass knew.
    """
    from ...model.diagnosis.status import ForeignRoute
    from ..route_text import route_text

    known = {one.route: one.actor for one in before}
    texts = [route_text(one.route, nics) if one.route is not None else "" for one in conflicts]
    return tuple(
        ForeignRoute(text, known.get(text, "") if change is None else actor_text(change.actor))
        for text, change in zip(texts, made)
    )
