"""IPv6 defaults that no dump shows, by the kernel's list of routes."""

from __future__ import annotations

from typing import List, Optional, Tuple

import pytest

from guest_routes.kernel.hidden import _between, _multipath
from guest_routes.model.network import Route
from tests.unit.kernel.rtnetlink.test_encode import route

Hop = Tuple[Optional[bytes], int]
ONE, TWO, THREE = ((bytes([n]), 3) for n in (1, 2, 3))
OBJECT: Hop = (None, 4)


@pytest.mark.parametrize(
    ("listed", "between"),
    [
        ([ONE, OBJECT, TWO, THREE], [(0, OBJECT)]),
        ([ONE, TWO, OBJECT, THREE], [(1, OBJECT)]),
        ([OBJECT, ONE, TWO, THREE, OBJECT], []),  # A dump shows these.
        ([ONE, TWO, THREE, ONE, OBJECT, TWO, THREE], [(0, OBJECT)]),  # Another table's come first.
        ([ONE, OBJECT, TWO, ONE, TWO, THREE], []),
        ([ONE, OBJECT, TWO], []),  # The third has gone meanwhile.
        ([], []),
    ],
)
def test_what_is_between(listed: List[Hop], between: List[Tuple[int, Hop]]) -> None:
    assert _between(listed, [ONE, TWO, THREE]) == between


def test_next_hops_are_in_a_row() -> None:
    """A route by an object that a dump shows ends a row, and so does another metric."""
    made: List[Route] = [
        route("::/0", f"fd00:8::{n}", 3)._replace(metric=metric, nexthop_id=used)
        for n, metric, used in ((1, 5, 0), (2, 5, 0), (3, 5, 7), (4, 5, 0), (5, 6, 0), (6, 6, 0), (7, 7, 7))
    ]
    others = [route("fd11::/16", "fd00:8::1", 3), route("0.0.0.0/0", "11.8.0.1", 3)]
    assert _multipath([*others, *made]) == [made[:2], made[4:6]]
