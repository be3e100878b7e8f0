"""R20: what is a copy of a host route through the wrong NIC, and what becomes of it."""

from __future__ import annotations

from typing import List, Optional, Tuple

import pytest

from guest_routes.model.evidence import Evidence
from guest_routes.model.lease import Lease, LeaseRoute, LeaseSet, Option
from guest_routes.model.network import parse_address, parse_prefix
from guest_routes.model.plan import Plan
from guest_routes.model.settings import Settings
from guest_routes.routing.decide import decide
from tests.support.situations import THREE_NICS, network, situation, texts

NETWORKS = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1", "11.11.0.0/16 11.8.0.1"),
    network("eth1", "11.8.0.9/24", "default 11.8.0.1"),
]
DEFAULT = "default via 10.65.0.1 dev eth0 proto static"
OURS = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"
COPY, ON_LINK = "11.11.0.0/16 via 11.8.0.1 dev eth0 proto dhcp", "11.8.0.1 dev eth0 proto dhcp scope link"


def plan_of(
    *routes: str, settings: Optional[Settings] = None, leases: Optional[LeaseSet] = None, nics: str = THREE_NICS
) -> Tuple[Evidence, Plan]:
    text = nics + "".join(f"{route}\n" for route in (DEFAULT, *routes))
    evidence = situation(NETWORKS, text)._replace(copied_leases=leases)
    return evidence, decide(evidence, settings or Settings()).plan


def going(*routes: str, leases: Optional[LeaseSet] = None, nics: str = THREE_NICS) -> List[str]:
    evidence, plan = plan_of(*routes, leases=leases, nics=nics)
    assert [one.route for one in plan.copies] == [one.route for one in plan.removals]
    return [text.partition(" ")[2] for text in texts(plan.removals, evidence.kernel)]


def test_a_copy_goes_before_the_route_on_link_to_its_gateway() -> None:
    assert going(ON_LINK, COPY) == [COPY, ON_LINK]
    evidence, plan = plan_of(ON_LINK, COPY)
    assert texts(plan.additions, evidence.kernel) == [f"Add {OURS}"]
    assert [one.competitor for one in plan.routes] == [None]


def test_each_alone() -> None:
    assert going(OURS, ON_LINK) == [ON_LINK]
    assert going(OURS, COPY) == [COPY]


def test_one_at_a_better_metric_than_ours_changes_ours_in_nothing() -> None:
    evidence, plan = plan_of(f"{OURS} metric 500", f"{COPY} metric 100", settings=Settings(metric=500))
    assert plan.additions == ()
    assert texts(plan.removals, evidence.kernel) == [f"RemoveForeignDefault {COPY} metric 100"]


@pytest.mark.parametrize(
    "route",
    [
        COPY.replace("dhcp", "static"),  # Nobody says that a DHCP client made it.
        COPY.replace("eth0", "tun0"),  # A NIC that the metadata doesn't describe.
        COPY.replace("eth0", "eth1"),  # The right one.
        COPY.replace("11.8.0.1", "10.65.0.9"),
        COPY.replace("11.11.0.0/16", "11.11.0.0/17"),
        COPY.replace("11.11.0.0/16 ", "11.11.0.0/16 tos 0x10 "),
        "11.11.0.0/16 dev eth0 proto dhcp scope link metric 5",
        ON_LINK.replace("dhcp", "kernel"),
        ON_LINK.replace("11.8.0.1", "11.8.0.2"),
        ON_LINK.replace("11.8.0.1", "11.8.0.0/28"),
        "unreachable 11.8.0.1 proto dhcp",
        "11.11.0.0/16 proto dhcp nexthop via 11.8.0.1 dev eth0 weight 1 nexthop via 10.65.0.1 dev eth0 weight 1",
    ],
)
def test_what_is_none(route: str) -> None:
    _, plan = plan_of(OURS, route)
    assert plan.copies == ()


def test_none_where_the_nic_reaches_the_next_hop() -> None:
    nics = THREE_NICS.replace("10.65.0.7/24", "10.65.0.7/24 11.8.0.77/24")
    assert going(COPY, ON_LINK, nics=nics) == []


def test_nothing_goes_in_mode_observe_or_on_the_word_of_a_partial_document() -> None:
    evidence, plan = plan_of(COPY, ON_LINK, settings=Settings(default_mode="observe"))
    assert (len(plan.copies), plan.removals) == (2, ())
    assert plan.routes[0].competitor is not None
    suspected = evidence._replace(known_macs=(*evidence.known_macs, parse_address("1.2.3.4")))
    assert decide(suspected, Settings()).plan.copies == plan.copies


def lease(*entries: str, ifindex: int = 2, microsoft: bool = False) -> LeaseSet:
    pairs = (entry.split() for entry in entries)
    option = Option(tuple(LeaseRoute(parse_prefix(to), parse_address(via)) for to, via in pairs))
    made = Lease("dhclient", "/var/lib/dhcp/x", parse_address("10.65.0.7"), ifindex=ifindex)
    return LeaseSet((made._replace(microsoft=option) if microsoft else made._replace(classless=option),))


BY_SCRIPT = (COPY.replace("dhcp", "boot"), ON_LINK.replace("dhcp", "boot"))


@pytest.mark.parametrize("microsoft", [False, True])
def test_those_of_scripts_are_known_by_the_lease_of_their_nic(microsoft: bool) -> None:
    assert going(*BY_SCRIPT, leases=lease("11.11.3.4/16 11.8.0.1", microsoft=microsoft)) == list(BY_SCRIPT)


@pytest.mark.parametrize(
    "leases", [None, lease("11.11.0.0/16 11.8.0.1", ifindex=3), lease("11.12.0.0/16 11.8.0.2"), LeaseSet()]
)
def test_not_by_another_lease(leases: Optional[LeaseSet]) -> None:
    assert going(*BY_SCRIPT, leases=leases) == []
