"""Documented defaults by the document's metrics; what has none keeps its place."""

from __future__ import annotations

from typing import List, NamedTuple, Optional

import pytest

from guest_routes.routing.metrics import in_order


class One(NamedTuple):
    name: str
    metric: Optional[int]


@pytest.mark.parametrize(
    ("metrics", "order"),
    [
        ([], ""),
        ([100, 50], "ba"),
        ([50, 50, 0], "cab"),
        ([None, None], "ab"),
        ([100, None, 50], "cba"),  # b comes from a lease
        ([None, 100, 50], "acb"),
    ],
)
def test_the_order(metrics: List[Optional[int]], order: str) -> None:
    those = [One(name, metric) for name, metric in zip("abc", metrics)]
    assert "".join(one.name for one in in_order(those)) == order
