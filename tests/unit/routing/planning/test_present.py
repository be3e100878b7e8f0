"""What a family's default routes are to the elected one."""

from __future__ import annotations

from typing import List

import pytest

from guest_routes.model.settings import Settings
from guest_routes.routing.planning.present import Present, classify, outside_of
from tests.support.iproute_text import parse_route
from tests.support.situations import THREE_NICS, situation

NICS = situation([], THREE_NICS).kernel.nics
MANAGED = frozenset({2, 3})
WANTED = parse_route("default via fd00:65::1 dev eth0 proto guest-routes metric 1023", NICS)
RIGHT, EXTRA = "default via fd00:65::1 dev eth0 metric 9", "default via fd00:8::1 dev eth1 metric 9"
ROUTER, REJECTING = "default via fe80::1 dev eth0 proto ra metric 9", "unreachable ::/0 metric 9"
VPN = "default via fd00:200::1 dev tun0 metric 5"


def classified(*texts: str) -> Present:
    return classify([parse_route(text, NICS) for text in texts], WANTED, MANAGED, Settings())


@pytest.mark.parametrize(
    ("there", "equal", "extras", "stays"),
    [
        ([], "", [], []),
        ([RIGHT, EXTRA], RIGHT, [EXTRA], []),
        ([EXTRA, REJECTING], "", [], [EXTRA]),
        ([REJECTING, EXTRA], "", [EXTRA], []),
        ([RIGHT, REJECTING, ROUTER], RIGHT, [], []),  # What leads where the elected one does is none too many.
        ([VPN, RIGHT], RIGHT, [], []),
    ],
)
def test_each_by_what_it_is(there: List[str], equal: str, extras: List[str], stays: List[str]) -> None:
    found = classified(*there)
    assert found.equal == (parse_route(equal, NICS) if equal else None)
    assert [*found.extras] == [parse_route(one, NICS) for one in extras]
    assert [*found.unwritable] == [parse_route(one, NICS) for one in stays]
    assert set(found.unwritable) <= set(found.displaced)


def test_ours_and_what_is_outside() -> None:
    found = classified(VPN, "default via fd00:65::1 dev eth0 proto guest-routes metric 1023")
    assert (len(found.ours), len(found.outside)) == (1, 1)
    prefix = parse_route(EXTRA, NICS)._replace(unwritable="source", kind=0)
    assert outside_of([prefix, WANTED], MANAGED, Settings()) == (prefix,)
