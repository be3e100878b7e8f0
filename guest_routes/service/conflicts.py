"""Who takes our routes away again and again, and when the service gives in for a while. Pure: the clock is given.

A quarrel is about one destination. A route taken away now and then is put back at once, however often; FIGHT_TIMES
within FIGHT_SECONDS is a fight: it is said once, with what would end it, and the next repairs wait, longer each time.
Times are seconds of the monotonic clock.
"""

from __future__ import annotations

from ..model.namedtuple import NamedTuple
from ..model.network import Prefix
from ..model.status import Actor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping

CONFLICT_CHANGES = 5
CONFLICT_SECONDS = 30.0
LONGEST_SECONDS = 10.0
"""The longest that a repair waits in a fight: the first waits a second, the next two, four, eight."""
RESOLVED_SECONDS = 120.0
"""A quarrel of which nothing more is seen for so long is over."""
KEPT = 1000
"""So many quarrels are remembered; the oldest goes."""


class Conflict(NamedTuple):
    """What happened to the route to one destination."""

    times: tuple[float, ...]
    """The last repairs, at most FIGHT_TIMES."""
    total: int
    actor: Actor
    rounds: int = 0
    """How many repairs have waited; 0 while it isn't a fight."""
    wait_until: float = 0.0

    @property
    def active(self) -> bool:
        """Whether this is a fight."""
        return self.rounds > 0


def resolved(conflicts: Mapping[Prefix, Conflict], now: float) -> tuple[Prefix, ...]:
    """The destinations of which nothing more was seen for so long that their quarrels are over."""
    return tuple(one for one, conflict in conflicts.items() if now - conflict.times[-1] >= RESOLVED_SECONDS)


def repaired(
    conflicts: Mapping[Prefix, Conflict], destination: Prefix, actor: Actor, now: float
) -> dict[Prefix, Conflict]:
    """The quarrels after one more repair of that destination's route."""
    over = resolved(conflicts, now)
    left = {one: conflict for one, conflict in conflicts.items() if one not in over}
    old = left.pop(destination, Conflict((), 0, actor))
    times = (*old.times, now)[-CONFLICT_CHANGES:]
    hot = old.active or (len(times) == CONFLICT_CHANGES and now - times[0] <= CONFLICT_SECONDS)
    rounds = old.rounds + 1 if hot else 0
    wait_until = now + min(2.0 ** (rounds - 1), LONGEST_SECONDS) if hot else 0.0
    if len(left) >= KEPT:
        del left[next(iter(left))]
    known = actor if actor.program or not old.actor.program else old.actor
    left[destination] = Conflict(times, old.total + 1, known, rounds, wait_until)
    return left


def waits(conflicts: Mapping[Prefix, Conflict], destination: Prefix, now: float) -> float:
    """Until when the repair of that destination's route waits; 0 when it doesn't."""
    conflict = conflicts.get(destination)
    return conflict.wait_until if conflict is not None and conflict.wait_until > now else 0.0
