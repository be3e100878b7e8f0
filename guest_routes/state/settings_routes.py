"""Which of our routes the settings named: /run/guest-routes/settings-routes, a JSON list of their destinations.

Nothing in the kernel tells whose host route one of ours was. What a document lacks may only be missing from it; what
the settings name no more is gone (R6). The file is there only while the settings name routes, or some of them are left.
"""

from __future__ import annotations

from ..json_codec import dumps, loads
from ..model.network import Prefix, parse_prefix
from .files import remove

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .store import State


def destinations(state: State) -> frozenset[Prefix]:
    """Those that passes of this boot have kept; none, with a problem, where the file can't be used."""
    path = state.settings_routes_path
    content = state.content(path)
    if content is None:
        return frozenset()
    try:
        rows = loads(content)
        if not isinstance(rows, list):
            raise ValueError("no list")
        return frozenset(map(parse_prefix, rows))
    except (ValueError, AttributeError, RecursionError):
        state.note(path, "is damaged: no JSON list of prefixes")
        return frozenset()


def keep(state: State, wanted: frozenset[Prefix]) -> None:
    """These are the ones to be known by the next pass.

    Raises:
        StateError: it can't be written, or removed.
    """
    consequence = "routes that are taken out of the settings may stay while the metadata omits some"
    if wanted:
        content = dumps(sorted(map(str, wanted))).encode()
        state.replace(state.settings_routes_path, content, 0o644, consequence)
    else:
        remove(state.settings_routes_path, consequence)
