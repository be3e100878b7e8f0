"""How long the service sleeps."""

from __future__ import annotations

from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.service.loop import poll_milliseconds

times = st.floats(0, 1e6)


@pytest.mark.parametrize("due, milliseconds", [
    ([], None),
    ([10.0], 1),  # due now: rounded up
    ([10.0004], 1),
    ([10.25, 99.0], 251),
    ([99.0, 10.25], 251),
    ([3.0], 0),  # late
])  # fmt: skip
def test_until_the_first_thing_that_is_due(due: List[float], milliseconds: object) -> None:
    assert poll_milliseconds(due, 10.0) == milliseconds


@given(st.lists(times, min_size=1), times)
def test_it_wakes_once_and_not_before(due: List[float], now: float) -> None:
    waited = poll_milliseconds(due, now)
    assert waited is not None
    assert now + waited / 1000 >= min(due) - 1e-6
    assert waited <= max(0.0, (min(due) - now) * 1000) + 1
