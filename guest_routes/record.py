"""What the service tells `status` of itself, as a value and as a file's content. Pure.

Times are seconds since the epoch, for people; the service itself goes by the monotonic clock.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from .values import NamedTuple

SCHEMA = "guest-routes/service/1"
RECENT = 10
"""So many repairs and fights are shown."""


class Repair(NamedTuple):
    """A route that was put back, or one in its way that was taken away."""

    when: float
    route: str
    what: str
    """"added" or "removed"."""
    why: str


class Fight(NamedTuple):
    """A destination that somebody changes again and again."""

    since: float
    destination: str
    times: int
    rival: str
    remedy: str


class Record(NamedTuple):
    """The service, as others may know it."""

    pid: int
    process_started: str
    """Field 22 of /proc/PID/stat, so that another process of that id isn't taken for it."""
    started: float
    doing: str = ""
    """One readable line."""
    refreshed: float = 0.0
    """When a document was last accepted; 0 when never."""
    next_refresh: float = 0.0
    failing_since: float = 0.0
    """Since when the metadata can't be had; 0 while it can."""
    failures: int = 0
    failure: str = ""
    doubt: str = ""
    """Why the last document isn't believed yet (R6); "" when it is."""
    passes: int = 0
    events: int = 0
    repairs: int = 0
    recent: tuple[Repair, ...] = ()
    """The last ones, oldest first."""
    fights: tuple[Fight, ...] = ()
    trouble: str = ""
    """Why the last pass of its own failed; "" when it didn't."""

    def repaired(self, repair: Repair) -> Record:
        """One more repair."""
        return self._replace(repairs=self.repairs + 1, recent=(*self.recent, repair)[-RECENT:])

    def fought(self, fight: Fight) -> Record:
        """A fight that has begun, or goes on."""
        same = [one for one in self.fights if one.destination == fight.destination]
        others = [one for one in self.fights if one.destination != fight.destination]
        since = same[0].since if same else fight.since
        return self._replace(fights=(*others, fight._replace(since=since))[-RECENT:])

    def at_peace(self, destination: str) -> Record:
        """A fight is over."""
        return self._replace(fights=tuple(one for one in self.fights if one.destination != destination))


def record_json(record: Record) -> dict[str, Any]:
    """The file's content."""
    return {"schema": SCHEMA, **service_json(record)}


def service_json(record: Record) -> dict[str, Any]:
    """The record as `status --json` shows it."""
    value = record._asdict()
    value["recent"] = [one._asdict() for one in record.recent]
    value["fights"] = [one._asdict() for one in record.fights]
    return value


def record_from_json(value: dict[str, Any]) -> Record | None:
    """The record in a file's content; None when there is none, or it is another version's."""
    if value.get("schema") != SCHEMA:
        return None
    try:
        fields = {name: value[name] for name in Record._fields}
        fields["recent"] = tuple(Repair(**one) for one in fields["recent"])
        fields["fights"] = tuple(Fight(**one) for one in fields["fights"])
        return Record(**fields)
    except (KeyError, TypeError):
        return None
