"""Who takes our routes away again and again, and when the service gives in for a while. Pure: the clock is given.

A quarrel is about one destination. A route taken away now and then is put back at once, however often; FIGHT_TIMES
within FIGHT_SECONDS is a fight: it is said once, with what would end it, and the next repairs wait, longer each time.
Times are seconds of the monotonic clock.
"""

from __future__ import annotations

from .model import Prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, NamedTuple
else:
    from .values import NamedTuple

FIGHT_TIMES = 5
FIGHT_SECONDS = 30.0
LONGEST_SECONDS = 10.0
"""The longest that a repair waits in a fight: the first waits a second, the next two, four, eight."""
PEACE_SECONDS = 120.0
"""A quarrel of which nothing more is seen for so long is over."""
KEPT = 1000
"""So many quarrels are remembered; the oldest goes."""


class Rival(NamedTuple):
    """Who changed a route, as far as it can be told."""

    program: str = ""
    """The name of its process: "dhclient"; "kernel" for the kernel itself; "" when it has gone already."""
    pid: int = 0
    ancestors: tuple[str, ...] = ()
    """Names of the processes that started it, nearest first."""

    def __str__(self) -> str:
        if self.program == "kernel":
            return "the kernel"
        if not self.program:
            return f"a process that has ended (pid {self.pid})" if self.pid else "somebody unknown"
        started = f", started by {' of '.join(self.ancestors)}" if self.ancestors else ""
        return f"{self.program} (pid {self.pid}{started})"


class Quarrel(NamedTuple):
    """What happened to the route to one destination."""

    times: tuple[float, ...]
    """The last repairs, at most FIGHT_TIMES."""
    total: int
    rival: Rival
    rounds: int = 0
    """How many repairs have waited; 0 while it isn't a fight."""
    wait_until: float = 0.0

    @property
    def fighting(self) -> bool:
        """Whether this is a fight."""
        return self.rounds > 0


def at_peace(quarrels: Mapping[Prefix, Quarrel], now: float) -> tuple[Prefix, ...]:
    """The destinations of which nothing more was seen for so long that their quarrels are over."""
    return tuple(one for one, quarrel in quarrels.items() if now - quarrel.times[-1] >= PEACE_SECONDS)


def repaired(
    quarrels: Mapping[Prefix, Quarrel], destination: Prefix, rival: Rival, now: float
) -> dict[Prefix, Quarrel]:
    """The quarrels after one more repair of that destination's route."""
    over = at_peace(quarrels, now)
    left = {one: quarrel for one, quarrel in quarrels.items() if one not in over}
    old = left.pop(destination, Quarrel((), 0, rival))
    times = (*old.times, now)[-FIGHT_TIMES:]
    hot = old.fighting or (len(times) == FIGHT_TIMES and now - times[0] <= FIGHT_SECONDS)
    rounds = old.rounds + 1 if hot else 0
    wait_until = now + min(2.0 ** (rounds - 1), LONGEST_SECONDS) if hot else 0.0
    if len(left) >= KEPT:
        del left[next(iter(left))]
    known = rival if rival.program or not old.rival.program else old.rival
    left[destination] = Quarrel(times, old.total + 1, known, rounds, wait_until)
    return left


def waits(quarrels: Mapping[Prefix, Quarrel], destination: Prefix, now: float) -> float:
    """Until when the repair of that destination's route waits; 0 when it doesn't."""
    quarrel = quarrels.get(destination)
    return quarrel.wait_until if quarrel is not None and quarrel.wait_until > now else 0.0
