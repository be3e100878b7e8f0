"""Where routes of ours may be besides where the settings say: each table and protocol that a pass of this boot had.

Settings change, and the routes of a pass with others stay where they are (R1). `withdraw` looks there too, and a pass
names what is left (R18). Nothing is kept while every pass had the defaults, so that such a pass reads nothing here.
"""

from __future__ import annotations

from ..json_codec import dumps, loads
from ..model.settings import Settings
from .files import read, remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from .store import State

Place: TypeAlias = "tuple[int, int]"
"""A routing table and a route protocol."""
MOST = 64
"""So many are kept, the first ones go: each costs `withdraw` a dump."""


def place_of(settings: Settings) -> Place:
    """Where these settings have our routes."""
    return settings.table, settings.protocol


def remember(state: State, settings: Settings) -> None:
    """Keeps the place of a pass that is about to write, and that of the pass before.

    Raises:
        StateError: it can't be written.
    """
    known = _places(state)
    if place_of(settings) == place_of(Settings()) and not known:
        return
    last = state.read_status()
    before = (last.get("table"), last.get("protocol"))
    wanted = dict.fromkeys([*known, *([before] if all(type(one) is int for one in before) else []), place_of(settings)])
    if tuple(wanted) != known:
        consequence = "after a change of `table` or `protocol`, `guest-routes withdraw` would not find these routes"
        state.replace(state.places_path, dumps(list(wanted)[-MOST:]).encode(), 0o600, consequence)


def elsewhere(state: State, settings: Settings) -> tuple[Place, ...]:
    """The places but that of the settings."""
    return tuple(place for place in _places(state) if place != place_of(settings))


def forget(state: State) -> None:
    """Nothing of ours is left anywhere.

    Raises:
        StateError: the file can't be removed.
    """
    remove(state.places_path, "`guest-routes withdraw` looks into more tables than it must")


def _places(state: State) -> tuple[Place, ...]:
    """Those kept; what is damaged, or others could have written, is none."""
    try:
        rows = loads(read(state.places_path) or b"[]")
    except (ValueError, RecursionError):
        return ()
    rows = rows if isinstance(rows, list) else []
    found = [tuple(row) for row in rows if isinstance(row, list) and len(row) == 2]
    return tuple((row[0], row[1]) for row in found if all(type(one) is int and 0 < one < 1 << 32 for one in row))
