"""Where routes of ours may be besides where the settings say: each table and protocol that a pass of this boot had.

Settings change, and the routes of a pass with others stay where they are (R1). `withdraw` looks there too, and a pass
names what is left (R18). The last pass's status names one; nothing else is kept while every pass had the defaults and
has come to its end, so that the next one reads nothing here.

Source routing's tables have a file of their own: a rule tells of the table that it looks up, and nothing in the kernel
does of one whose rules were deleted, or whose NIC has gone. A table is in it from before it is written until it has no
route of ours any more.
"""

from __future__ import annotations

from ..json_codec import dumps, loads
from ..model.settings import Settings, has_room_for_ours
from .files import remove
from .store import NO_PLACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, TypeAlias

    from .store import State

Place: TypeAlias = "tuple[int, int]"
"""A routing table and a route protocol."""


def place_of(settings: Settings) -> Place:
    """Where these settings have our routes."""
    return settings.table, settings.protocol


def remember(state: State, settings: Settings) -> None:
    """Keeps the place of a pass that is about to write, and that of the pass before.

    Raises:
        StateError: it can't be written, or removed.
    """
    known, last = _places(state), _last_place(state)
    wanted = tuple(dict.fromkeys([*known, *last, place_of(settings)]))
    if last and set(wanted) == {place_of(Settings())}:
        if known:
            forget(state)  # It was of a first pass, which may not have come to its end.
    elif wanted != known:
        consequence = "after a change of `table` or `protocol`, `guest-routes withdraw` would not find these routes"
        state.replace(state.places_path, dumps(wanted).encode(), 0o600, consequence)


def elsewhere(state: State, settings: Settings) -> tuple[Place, ...]:
    """The places but that of the settings."""
    found = dict.fromkeys([*_places(state), *_last_place(state)])
    return tuple(place for place in found if place != place_of(settings))


def is_recorded(state: State) -> bool:
    """Whether any record says where a pass of this boot was."""
    return bool(_places(state) or _last_place(state))


def forget(state: State) -> None:
    """Nothing of ours is left anywhere.

    Raises:
        StateError: a file can't be removed.
    """
    for path in (state.places_path, state.source_tables_path):
        remove(path, "`guest-routes withdraw` looks into more tables than it must")


def source_tables(state: State, protocol: int) -> tuple[int, ...]:
    """The tables that source routing's passes with this protocol have written, and that may not be empty."""
    return tuple(table for table, of in _pairs(state, state.source_tables_path) if of == protocol)


def keep_source_tables(state: State, protocol: int, tables: Iterable[int]) -> None:
    """These are the tables with that protocol.

    Raises:
        StateError: it can't be written, or removed.
    """
    known = _pairs(state, state.source_tables_path)
    wanted = sorted({(table, protocol) for table in tables} | {one for one in known if one[1] != protocol})
    consequence = "what is left in a table that no rule looks up may not be removed"
    if not wanted:
        remove(state.source_tables_path, consequence)
    elif wanted != sorted(known):
        state.replace(state.source_tables_path, dumps(wanted).encode(), 0o644, consequence)


UNPLACED = (
    "a pass of this boot has taken default routes away, and no record says which table and protocol it had: routes of"
    " it may be left; `ip route show table all` and `ip rule` show them"
)


def unusable_texts(state: State) -> list[str]:
    """Why the records that `elsewhere` went by can't be used, and what that means."""
    consequence = "routes of passes with other settings may be left: `ip route show table all` shows them"
    own = (state.places_path, state.source_tables_path, state.status_path)
    return [f"{problem.place}: {problem.text}; {consequence}" for problem in state.problems if problem.place in own]


def _last_place(state: State) -> list[Place]:
    """The last pass's; [] where it is unknown."""
    last = state.read_status()
    return [(last["table"], last["protocol"])] if "table" in last and "protocol" in last else []


def _places(state: State) -> tuple[Place, ...]:
    """Those kept."""
    return _pairs(state, state.places_path)


def _pairs(state: State, path: str) -> tuple[Place, ...]:
    """The places in a file; what is damaged, or others could have written, is none, and is a problem."""
    content = state.content(path)
    if content is None:
        return ()
    try:
        rows = loads(content)
        if not isinstance(rows, list):
            raise ValueError("no list")
    except (ValueError, RecursionError):
        state.note(path, "is damaged: no JSON list")
        return ()
    found = [(row[0], row[1]) for row in rows if isinstance(row, list) and len(row) == 2 and has_room_for_ours(*row)]
    if len(found) < len(rows):
        state.note(path, f"is damaged: {NO_PLACE}")
    return tuple(found)
