"""What another program keeps changing, routes or rules, and how long repairs wait then. Pure: the clock is given.

A conflict is about the route to one destination, or one rule or route of source routing. What is changed now and then
is repaired at once, however often.
CONFLICT_CHANGES repairs within CONFLICT_SECONDS begin a conflict: from then on each repair waits, 1 s at first, then
twice as long each time, up to LONGEST_SECONDS. RESOLVED_SECONDS without a repair end it. Times are seconds of the
monotonic clock.
"""

from __future__ import annotations

from ..model.diagnosis.status import Actor
from ..model.namedtuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, TypeAlias

    from ..model.network import Prefix
    from ..model.source_routing import SourceKey

    Contested: TypeAlias = Prefix | SourceKey
    """What a conflict is about: the route to a destination, or a rule or route of source routing (R21)."""

CONFLICT_CHANGES = 5
CONFLICT_SECONDS = 30.0
LONGEST_SECONDS = 10.0
"""The longest that a repair waits."""
RESOLVED_SECONDS = 120.0
"""A destination that needs no repair for so long is forgotten."""
KEPT = 1000
"""So many destinations are remembered; past that, the one whose repair is the longest ago is forgotten."""


class Conflict(NamedTuple):
    """The repairs of the route to one destination; a conflict once there were many within a short time."""

    times: tuple[float, ...]
    """When the last repairs were made, at most CONFLICT_CHANGES of them."""
    total: int
    """How many repairs there were."""
    actor: Actor
    rounds: int = 0
    """How many repairs have had to wait; 0 while it is no conflict."""
    wait_until: float = 0.0

    @property
    def active(self) -> bool:
        """Whether it is a conflict."""
        return self.rounds > 0

    @property
    def begins(self) -> bool:
        """Whether the last repair began the conflict."""
        return self.rounds == 1


def resolved(conflicts: Mapping[Contested, Conflict], now: float) -> tuple[Contested, ...]:
    """Those that needed no repair for RESOLVED_SECONDS."""
    return tuple(one for one, conflict in conflicts.items() if now - conflict.times[-1] >= RESOLVED_SECONDS)


def repaired(
    conflicts: Mapping[Contested, Conflict], contested: Contested, actor: Actor, now: float
) -> dict[Contested, Conflict]:
    """The conflicts after one more repair of that route or rule; those that are over are left out."""
    over = resolved(conflicts, now)
    left = {one: conflict for one, conflict in conflicts.items() if one not in over}
    old = left.pop(contested, Conflict((), 0, actor))
    times = (*old.times, now)[-CONFLICT_CHANGES:]
    active = old.active or (len(times) == CONFLICT_CHANGES and now - times[0] <= CONFLICT_SECONDS)
    rounds = old.rounds + 1 if active else 0
    wait_until = now + min(2.0 ** min(rounds - 1, 20), LONGEST_SECONDS) if active else 0.0
    if len(left) >= KEPT:
        del left[next(iter(left))]
    known = actor if actor.program or not old.actor.program else old.actor
    left[contested] = Conflict(times, old.total + 1, known, rounds, wait_until)
    return left


def waits(conflicts: Mapping[Contested, Conflict], contested: Contested, now: float) -> float:
    """Until when the repair of that route or rule waits; 0 when it doesn't."""
    conflict = conflicts.get(contested)
    return conflict.wait_until if conflict is not None and conflict.wait_until > now else 0.0
