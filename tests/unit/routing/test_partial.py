"""R6: when a document may be partial, so that nothing is withdrawn on its word."""

from __future__ import annotations

from typing import Any, List, Optional

import pytest

from guest_routes.model.decision import Binding
from guest_routes.model.evidence import Evidence
from guest_routes.model.lease import Lease, LeaseRoute, LeaseSet, Option
from guest_routes.model.network import parse_address, parse_prefix
from guest_routes.model.network_data import Problem
from guest_routes.model.plan import Suspicion
from guest_routes.model.settings import Selector, Settings
from guest_routes.routing.decide import decide
from guest_routes.routing.elect import elect
from guest_routes.routing.partial import _is_on, suspicion
from guest_routes.routing.resolve import resolve
from tests.support.situations import TWO_NICS, network, situation, texts, wanted

ETH0 = network("eth0", "10.65.0.7/24", "default 10.65.0.1")
ETH1 = network("eth1", "11.8.0.9/24", "default 11.8.0.1", "11.11.0.0/16 11.8.0.1")
ETH0_WITH_ETH1S = network("eth0", "10.65.0.7/24", "default 10.65.0.1", "11.11.0.0/16 10.65.0.1")
OMITTED = network("eth1", kind="ipv4_dhcp")
OURS = f"{TWO_NICS}11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes\n"
AND_ETH0S = "11.12.0.0/16 via 10.65.0.1 dev eth0 proto guest-routes\n"
NOTHING_SET = Settings()
FIRST, SECOND, ABSENT = (bytes.fromhex(f"fa163e0000{n}") for n in ("00", "01", "09"))


def found(evidence: Evidence, settings: Settings = NOTHING_SET) -> Optional[Suspicion]:
    resolution = resolve(evidence, settings)
    elections = [elect(resolution, settings, family) for family in (4, 6)]
    return suspicion(evidence, resolution, elections, settings)


def test_a_whole_document() -> None:
    assert found(situation([ETH0, ETH1], OURS)) is None
    assert found(situation([ETH0], OURS)) is None  # one route of one: fewer than ten


def test_no_networks() -> None:
    assert found(situation([], OURS)) == Suspicion("no-networks")
    assert found(situation([])) == Suspicion("no-networks")


def test_a_present_nic_that_is_no_longer_described() -> None:
    evidence = situation([ETH0])
    assert found(evidence._replace(known_macs=(FIRST, SECOND))) == Suspicion("nics-lost", (("eth1", SECOND),))
    assert found(evidence._replace(known_macs=(FIRST, ABSENT))) is None
    assert found(situation([ETH0, ETH1])._replace(known_macs=(FIRST, SECOND))) is None


OUR_DEFAULT = f"{TWO_NICS}default via 10.65.0.1 dev eth0 proto guest-routes\n"
BRIDGED = "nic br0 fa:16:3e:00:00:00 kind bridge 10.65.0.7/24\n" + OUR_DEFAULT.replace("10.65.0.7/24", "10.99.0.7/24")
OWN_BRIDGE = BRIDGED.replace("br0 fa:16:3e:00:00:00", "br0 8e:00:00:00:00:00").replace("dev eth0", "dev br0")
OWN_BRIDGE = OWN_BRIDGE.replace("eth0 fa:16:3e:00:00:00 10.99.0.7/24", "eth0 fa:16:3e:00:00:00 master br0")
OTHER_MAC_NOW = OUR_DEFAULT.replace("eth0 fa:16:3e:00:00:00", "eth0 8e:00:00:00:00:00 perm fa:16:3e:00:00:00")


@pytest.mark.parametrize(
    ("networks", "kernel", "settings", "lost"),
    [
        ([ETH1], OUR_DEFAULT, Settings(), True),
        ([ETH1], OUR_DEFAULT.replace("proto guest-routes", "proto static"), Settings(), False),  # Not ours.
        ([ETH1], OUR_DEFAULT.replace("10.65.0.7/24", ""), Settings(), False),  # It can't be used.
        ([ETH1], OUR_DEFAULT, Settings(ignore_nics=("eth0",)), False),
        ([ETH1], OUR_DEFAULT, Settings(default=Selector(nic="eth1")), False),  # The operator's choice.
        ([network("eth0", "10.65.0.7/24"), ETH1], OUR_DEFAULT, Settings(), False),  # Whole, and without a default.
        ([ETH0, ETH1], BRIDGED, Settings(), False),  # Its network is on the bridge over it.
        ([ETH0], OURS, Settings(), True),
        ([ETH0_WITH_ETH1S], OURS + AND_ETH0S, Settings(), False),  # Its host route leads through another NIC now.
        ([ETH0], OURS + AND_ETH0S, Settings(), True),
        ([ETH1], OWN_BRIDGE, Settings(), True),  # Of a bridge with a MAC of its own: its port was described.
        ([ETH1], OTHER_MAC_NOW, Settings(), True),
    ],
)
def test_a_network_is_missing_and_its_link_is_there(
    networks: List[Any], kernel: str, settings: Settings, lost: bool
) -> None:
    evidence = situation(networks, kernel)
    whole = situation([ETH0, ETH1], kernel)
    evidence = evidence._replace(data=evidence.data._replace(links=whole.data.links), known_macs=(FIRST, SECOND))
    suspected = found(evidence, settings)
    assert (suspected.kind if suspected else "") == ("networks-lost" if lost else "")


ADOPTED = OUR_DEFAULT.replace("proto guest-routes", "proto static")


@pytest.mark.parametrize(
    ("networks", "accepted", "kernel", "kind"),
    [
        ([ETH1], [ETH0, ETH1], ADOPTED, "networks-lost"),
        ([ETH1], [ETH1, ETH0], ADOPTED, ""),  # It was one too many.
        ([ETH0, ETH1], [ETH1, ETH0], ADOPTED, ""),
        ([network("eth0", kind="ipv4_dhcp"), ETH1], [ETH0, ETH1], ADOPTED, ""),  # Nobody else says what is there.
        ([ETH1], [ETH0, ETH1], TWO_NICS, ""),
        ([network("eth1", "11.8.0.9/24", "default 192.0.2.300")], [ETH0, ETH1], ADOPTED, ""),  # It stays in any case.
    ],
)
def test_another_program_s_default_that_the_accepted_document_elects(
    networks: List[Any], accepted: List[Any], kernel: str, kind: str
) -> None:
    evidence, whole = situation(networks, kernel), situation(accepted, kernel)
    evidence = evidence._replace(data=evidence.data._replace(links=whole.data.links), known_macs=(FIRST, SECOND))
    assert found(evidence) is None
    suspected = found(evidence._replace(known_data=whole.data))
    assert (suspected.kind if suspected else "") == kind


def test_it_is_held_too_where_its_network_is_left_to_routers_since() -> None:
    six = [network("eth0", "fd00:65::7/64", "default fd00:65::1"), network("eth1", "fd00:8::9/64", "default fd00:8::1")]
    kernel = TWO_NICS.replace("10.65.0.7/24", "fd00:65::7/64").replace("11.8.0.9/24", "fd00:8::9/64")
    kernel += "default via fd00:65::1 dev eth0 proto static\n"
    evidence = situation([network("eth0", kind="ipv6_dhcpv6-stateful"), six[1]], kernel)
    assert found(evidence) is None
    suspected = found(evidence._replace(known_data=situation(six, kernel).data))
    assert suspected is not None and suspected.kind == "default-omitted"


def test_which_nic_a_network_is_on() -> None:
    """Its own, another device with its MAC, one that it is a port of; where it is on none, that of its link's MAC."""
    eth0, eth1 = nics = situation([ETH0, ETH1]).kernel.nics
    (link, _), bare = situation([ETH0, ETH1]).data.links, Binding(situation([ETH0]).data.networks[0], None, None)
    assert not _is_on(bare, eth0, nics)
    assert _is_on(bare._replace(link=link), eth0, nics) and not _is_on(bare._replace(link=link), eth1, nics)
    over = eth0._replace(ifindex=9)
    assert _is_on(bare._replace(nic=eth0), eth0, nics) and _is_on(bare._replace(nic=eth0), over, nics)
    assert not _is_on(bare._replace(nic=eth0), eth1, nics)
    assert not _is_on(bare._replace(network=None, nic=eth0), eth0, nics)
    assert not _is_on(bare._replace(link=link, nic=eth1), eth0, nics)
    bridge = eth1._replace(ifindex=9, mac=ABSENT)
    assert _is_on(bare._replace(nic=bridge), eth0._replace(master=9), (*nics, bridge))


def test_a_nic_is_known_by_its_permanent_mac_too() -> None:
    kernel = "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\nnic eth1 fa:16:3e:00:00:05 perm fa:16:3e:00:00:01\n"
    evidence = situation([ETH0], kernel)._replace(known_macs=(SECOND,))
    assert found(evidence) == Suspicion("nics-lost", (("eth1", SECOND),))


def test_omitted_routes_matter_where_some_would_go() -> None:
    suspected = found(situation([ETH0, OMITTED], OURS))
    assert suspected is not None
    assert (suspected.kind, suspected.gone, suspected.ours) == ("routes-omitted", 1, 1)
    assert [one.nic.name for one in suspected.bindings if one.nic] == ["eth1"]
    assert found(situation([ETH0, OMITTED])) is None


def leases(expires: Optional[float] = None, fault: Optional[str] = None) -> LeaseSet:
    route = LeaseRoute(parse_prefix("12.0.0.0/8"), parse_address("11.8.0.1"))
    lease = Lease("dhclient", "/l", b"", "eth1", ifindex=3, classless=Option((route,), fault), expires=expires)
    return LeaseSet((lease,), now=100.0)


def test_a_lease_that_holds_tells_what_the_document_omits() -> None:
    evidence = situation([ETH0, OMITTED], OURS)
    assert found(evidence._replace(leases=leases())) is None
    assert found(evidence._replace(leases=leases(expires=200.0))) is None
    assert found(evidence._replace(leases=leases(expires=50.0))) is not None
    assert found(evidence._replace(leases=leases(fault="cut off"))) is not None


def test_where_a_lease_can_t_be_used_no_number_of_fetches_is_enough() -> None:
    unread = LeaseSet((), (Problem("/l", "can be written by the group 0; ignored"),), now=100.0)
    evidence = situation([ETH0, OMITTED], OURS)._replace(agreeing_fetches=100)
    assert decide(evidence, Settings()).suspicion is None
    held = decide(evidence._replace(leases=unread), Settings())
    assert held.suspicion is not None and held.suspicion.leases == unread.problems
    assert not held.plan.removals
    assert decide(evidence._replace(leases=unread), Settings(), accept_withdrawals=True).plan.removals


def test_a_lease_says_nothing_of_ipv6() -> None:
    kernel = f"{TWO_NICS}fd11::/16 via fd00:8::1 dev eth1 proto guest-routes metric 1023\n"
    evidence = situation([ETH0, network("eth1", kind="ipv6_slaac")], kernel)
    suspected = found(evidence._replace(leases=leases()))
    assert suspected is not None
    assert suspected.kind == "routes-omitted"


@pytest.mark.parametrize(
    ("ours", "kept", "suspected"),
    [(10, 0, True), (9, 0, False), (20, 10, False), (21, 10, True), (30, 18, False)],
)
def test_many_routes_at_once(ours: int, kept: int, suspected: bool) -> None:
    """More than half of ours, and at least ten (R6)."""
    lines = [f"20.{n}.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes" for n in range(ours)]
    listed = [f"20.{n}.0.0/16 11.8.0.1" for n in range(kept)]
    networks = [ETH0, network("eth1", "11.8.0.9/24", "default 11.8.0.1", *listed)]
    result = found(situation(networks, TWO_NICS + "\n".join(lines) + "\n"))
    assert result == (Suspicion("many-routes", gone=ours - kept, ours=ours) if suspected else None)


def test_defaults_and_other_programs_routes_do_not_count() -> None:
    kernel = f"{TWO_NICS}default via 11.8.0.1 dev eth1 proto guest-routes\n" + "".join(
        f"20.{n}.0.0/16 via 11.8.0.1 dev eth1 proto static\n" for n in range(20)
    )
    assert found(situation([ETH0, OMITTED], kernel)) is None


def test_of_the_last_known_good_only_the_omission_counts() -> None:
    evidence = situation([ETH0, OMITTED], OURS, "last-known-good")
    suspected = found(evidence)
    assert suspected is not None
    assert suspected.kind == "routes-omitted"
    assert found(situation([], OURS, "last-known-good")) is None
    assert found(situation([ETH0], source="last-known-good")._replace(known_macs=(SECOND,))) is None


def test_a_default_of_ours_whose_lease_has_gone() -> None:
    """eth0's network is left to DHCP, and its lease is there no more; eth1's default is documented."""
    both = [network("eth0", kind="ipv4_dhcp"), ETH1]
    ours = f"{TWO_NICS}default via 10.65.0.1 dev eth0 proto guest-routes\n"
    suspected = found(situation(both, ours))
    assert suspected is not None and suspected.kind == "default-omitted"
    assert [one.nic.name for one in suspected.bindings if one.nic] == ["eth0"]
    lease = Lease("dhclient", "/a", b"\x0a\x41\x00\x07", "eth0", ifindex=2, routers=(b"\x0a\x41\x00\x01",))
    classless = lease._replace(classless=Option(()))
    assert found(situation(both, ours)._replace(leases=LeaseSet((lease,)))) is None  # it stays
    assert found(situation(both, ours)._replace(leases=LeaseSet((classless,)))) is None  # the server names none
    assert found(situation([ETH0, ETH1], ours.replace("10.65.0.1", "10.65.0.9"))) is None  # the document says so
    down = ours.replace("10.65.0.7/24", "down").replace("default via 10.65.0.1 dev eth0 proto guest-routes\n", "")
    assert found(situation(both, down)) is None


def test_what_the_settings_ignore_makes_no_document_suspicious() -> None:
    """The document omits routes; the settings, not it, take ours away."""
    networks = [network("eth0", kind="ipv4_dhcp"), network("eth1", kind="ipv4_dhcp")]
    kernel = f"{TWO_NICS}12.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes\n"
    evidence = situation(networks, kernel)
    listed = Settings(routes=wanted("12.0.0.0/8,11.8.0.1"))
    ignored = listed._replace(ignore_destinations=(parse_prefix("12.0.0.0/8"),))
    assert decide(evidence, Settings()).suspicion is not None
    assert decide(evidence, listed).suspicion is None  # Its gateway is unknown: it stays, whatever the document omits.
    decision = decide(evidence, ignored)
    assert decision.suspicion is None
    assert texts(decision.plan.removals, evidence.kernel) == [
        "Delete 12.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes"
    ]
