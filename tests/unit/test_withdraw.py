"""What `withdraw` takes for refused by the kernel."""

from __future__ import annotations

from guest_routes.model.evidence import RecordedDefault
from guest_routes.model.plan import NotRestored, Plan
from guest_routes.withdraw import _refused
from tests.support.iproute_text import parse_route
from tests.support.situations import TWO_NICS, situation


def test_a_recorded_default_that_is_not_back_and_not_named_was_refused() -> None:
    after = situation([], f"{TWO_NICS}default via 11.8.0.1 dev eth1 proto static\n").kernel
    named, back, refused = (
        parse_route(text, after.nics)
        for text in ("default via 11.9.0.1 dev eth1", "default via 11.8.0.1 dev eth1 proto static", "default dev eth0")
    )
    plan = Plan((), (), not_restored=(NotRestored(named, "no-subnet"),))
    assert _refused(plan, [RecordedDefault(one, (one,)) for one in (named, back, refused)], after) == [refused]
