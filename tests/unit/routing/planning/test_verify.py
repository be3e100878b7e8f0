"""R8: whether the kernel now has what the plan meant it to have."""

from __future__ import annotations

from typing import List, Tuple

import pytest

from guest_routes.model.evidence import Evidence
from guest_routes.model.operations import Failure, Outcome
from guest_routes.model.plan import Plan
from guest_routes.model.report import Discrepancy
from guest_routes.model.settings import Settings
from guest_routes.output.route_text import route_text
from guest_routes.routing.decide import decide
from guest_routes.routing.planning.verify import discrepancies
from tests.support.iproute_text import parse_route
from tests.support.situations import TWO_NICS, network, situation

NETWORKS = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
    network("eth1", "11.8.0.9/24", "default 11.8.0.1", "11.11.0.0/16 11.8.0.1"),
]
DEFAULT = "default via 10.65.0.1 dev eth0 proto static"
OURS = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"
STALE = "20.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes"


def kernel(*routes: str) -> Evidence:
    return situation(NETWORKS, TWO_NICS + "".join(f"{route}\n" for route in routes))


def plan_of(*routes: str) -> Plan:
    return decide(kernel(*routes), Settings()).plan


def found(plan: Plan, outcome: Outcome, *after: str) -> List[Tuple[str, str]]:
    state = kernel(*after).kernel
    return [(one.kind, route_text(one.route, state.nics)) for one in discrepancies(plan, outcome, state)]


def test_what_came_true() -> None:
    plan = plan_of(DEFAULT, STALE)
    done = Outcome(plan.operations)
    assert found(plan, done, DEFAULT, OURS) == []
    assert found(plan, done, DEFAULT) == [("missing", OURS)]
    assert found(plan, done, OURS) == [("missing", DEFAULT)]
    assert found(plan, done, DEFAULT, OURS, STALE) == [("still-there", STALE)]


def test_what_was_kept_or_adopted_must_be_there_too() -> None:
    kept = plan_of(DEFAULT, OURS)
    assert found(kept, Outcome(), DEFAULT) == [("missing", OURS)]
    adopted = plan_of(DEFAULT, "11.11.0.0/16 via 11.8.0.1 dev eth1 proto static")
    assert found(adopted, Outcome(), DEFAULT) == [("missing", "11.11.0.0/16 via 11.8.0.1 dev eth1 proto static")]


def test_the_next_hops_of_an_adopted_route_must_be_the_same() -> None:
    several = "11.11.0.0/16 proto static nexthop via 11.8.0.1 dev eth1 weight 1 nexthop via 11.8.0.1 dev eth1 weight {}"
    plan = plan_of(DEFAULT, several.format(2))
    assert [one.verdict for one in plan.routes] == ["adopted"]
    assert found(plan, Outcome(), DEFAULT, several.format(2)) == []
    assert [kind for kind, _ in found(plan, Outcome(), DEFAULT, several.format(3))] == ["missing"]


@pytest.mark.parametrize(
    "other",
    [
        "11.11.0.0/16 via 11.8.0.2 dev eth1 proto guest-routes",
        "11.11.0.0/16 via 11.8.0.1 dev eth0 proto guest-routes onlink",
        "11.11.0.0/16 via 11.8.0.1 dev eth1 proto static",
        "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes metric 5",
        "11.11.0.0/16 tos 0x10 via 11.8.0.1 dev eth1 proto guest-routes",
        "11.11.0.0/17 via 11.8.0.1 dev eth1 proto guest-routes",
    ],
)
def test_another_route_does_not_stand_for_it(other: str) -> None:
    plan = plan_of(DEFAULT)
    assert found(plan, Outcome(plan.operations), DEFAULT, other) == [("missing", OURS)]


OURS_6 = "fd11:11::/32 via fd00:8::1 dev eth1 proto guest-routes metric 1023"


@pytest.mark.parametrize("other", [
    "fd11:11::/32 via fd00:8::2 dev eth1 proto guest-routes metric 1023",
    "fd11:11::/32 via fd00:8::1 dev eth0 proto guest-routes metric 1023 onlink",
    "fd11:11::/32 via fd00:8::1 dev eth1 proto guest-routes metric 1024",
    "fd11:11::/33 via fd00:8::1 dev eth1 proto guest-routes metric 1023",
])  # fmt: skip
def test_nor_does_another_one_of_ipv6s(other: str) -> None:
    six = [network("eth1", "fd00:8::9/64", "default fd00:8::1", "fd11:11::/32 fd00:8::1")]
    nics = f"{TWO_NICS}default via fd00:8::1 dev eth1 proto static metric 1024\n"
    evidence = situation(six, nics)
    plan = decide(evidence, Settings()).plan
    for line, missing in ((OURS_6, []), (other, [OURS_6]), (f"{OURS_6}\n{other}", [])):
        after = situation(six, f"{nics}{line}\n").kernel
        got = discrepancies(plan, Outcome(plan.operations), after)
        assert [route_text(one.route, after.nics) for one in got] == missing
    for_some = [one._replace(unwritable="source") for one in situation(six, f"{nics}{OURS_6}\n").kernel.routes]
    after = situation(six, nics).kernel._replace(routes=tuple(for_some))
    assert len(discrepancies(plan, Outcome(plan.operations), after)) == 2


def test_what_the_kernel_refused_is_told_once() -> None:
    """By its failure, not as missing."""
    plan = plan_of(DEFAULT)
    (addition,) = plan.additions
    refused = Outcome((), (Failure(addition, 1, "Operation not permitted"),))
    assert found(plan, refused, DEFAULT) == []
    assert found(plan, refused) == [("missing", DEFAULT)]


def test_a_shadowed_route_need_not_be_there() -> None:
    six = [
        network("eth0", "fd00:65::7/64", "default fd00:65::1"),
        network("eth1", "fd00:8::9/64", "fd11::/16 fd00:65::1"),
    ]
    text = f"{TWO_NICS}default via fd00:65::1 dev eth0\nfd11::/16 via fd00:8::9 dev eth1 metric 1\n"
    evidence = situation(six, text)
    plan = decide(evidence, Settings()).plan
    assert plan.routes[0].verdict == "shadowed"
    assert discrepancies(plan, Outcome(), evidence.kernel) == ()


def test_additions_and_restored_defaults_are_not_still_there() -> None:
    plan = plan_of(DEFAULT, "default via 11.8.0.1 dev eth1 proto static metric 5", STALE)
    left = "default via 11.8.0.1 dev eth1 proto static metric 5"
    assert found(plan, Outcome(plan.operations), DEFAULT, OURS, left) == [("still-there", left)]
    assert (
        Discrepancy("missing", parse_route(OURS, kernel().kernel.nics))
        == discrepancies(plan, Outcome(), kernel(DEFAULT).kernel)[0]
    )


def test_one_that_differs_by_attributes_is_not_the_one_that_was_removed() -> None:
    """IPv4 has both; of IPv6's next hops only gateways and NICs are known."""
    extra = "default via 11.8.0.1 dev eth1 proto static"
    plan = plan_of(DEFAULT, extra)
    assert found(plan, Outcome(plan.operations), DEFAULT, OURS, f"{extra} mtu 1400") == []
    nics = kernel().kernel.nics
    encapsulated = parse_route(extra, nics)._replace(kind=0, unwritable="encap")
    after = kernel(DEFAULT, OURS).kernel
    assert discrepancies(plan, Outcome(plan.operations), after._replace(routes=(*after.routes, encapsulated))) == ()
    assert found(plan, Outcome(plan.operations), DEFAULT, OURS, extra) == [("still-there", extra)]
