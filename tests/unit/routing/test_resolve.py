"""R2, R3, R12-R14: each host route with its NIC, or the reason why it has none."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import pytest

from guest_routes.model.decision import Note, Resolution
from guest_routes.model.lease import Lease, LeaseRoute, LeaseSet, Option
from guest_routes.model.network import address_text, parse_address, parse_prefix
from guest_routes.model.network_data import LEASES
from guest_routes.model.settings import GatewaySetting, Selector, Settings
from guest_routes.routing.next_hops import needs_onlink
from guest_routes.routing.resolve import resolve
from tests.support.situations import THREE_NICS, TWO_NICS, network, nic, situation, wanted

BASE = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
    network("eth1", "11.8.0.9/24", "default 11.8.0.1", "11.11.0.0/16 11.8.0.1"),
]


def base(*routes: str, first: Tuple[str, ...] = ()) -> List[Dict[str, Any]]:
    """The documented networks with further routes on eth1, and on eth0."""
    return [
        network("eth0", "10.65.0.7/24", "default 10.65.0.1", *first),
        network("eth1", "11.8.0.9/24", "default 11.8.0.1", *routes),
    ]


def resolved(found: Resolution) -> List[Tuple[str, str, str]]:
    return [
        (str(one.host.destination), address_text(one.next_hop.gateway), one.next_hop.nic.name) for one in found.resolved
    ]


def reasons(found: Resolution) -> List[Tuple[str, str]]:
    return [(str(one.host.destination), one.kind) for one in found.unresolved]


def one_reason(routes: List[Dict[str, Any]], kernel: str = TWO_NICS, settings: Optional[Settings] = None):  # type: ignore[no-untyped-def]
    (found,) = resolve(situation(routes, kernel), settings or Settings()).unresolved
    return found


@pytest.mark.parametrize("listed", ["eth0", "eth1"])
def test_the_next_hop_names_the_nic_whichever_network_lists_it(listed: str) -> None:
    route = "11.11.0.0/16 11.8.0.1"
    networks = base(route) if listed == "eth1" else base(first=(route,))
    found = resolve(situation(networks), Settings())
    assert resolved(found) == [("11.11.0.0/16", "11.8.0.1", "eth1")]
    assert (found.unresolved, found.notes, found.overrides) == ((), (), ())
    assert found.resolved[0].next_hop.evidence is not None
    assert found.resolved[0].next_hop.evidence.place == "networks[1].routes[0]"


def test_next_hops_are_shared() -> None:
    found = resolve(situation(base("11.11.0.0/16 11.8.0.1", "11.12.0.0/16 11.8.0.1")), Settings())
    first, second = found.resolved
    assert first.next_hop is second.next_hop


def test_not_a_gateway() -> None:
    found = one_reason(base("11.11.0.0/16 11.8.0.99"))
    assert (found.kind, str(found.subnet), found.binding.nic.name) == ("not-a-gateway", "11.8.0.0/24", "eth1")


def test_the_longest_subnet_is_the_home() -> None:
    kernel = "nic eth0 fa:16:3e:00:00:00 10.0.0.7/8\nnic eth1 fa:16:3e:00:00:01 10.65.0.7/24\n"
    networks = [
        network("eth0", "10.0.0.7/8", "default 10.0.0.1", "11.0.0.0/8 10.65.0.99"),
        network("eth1", "10.65.0.7/24"),
    ]
    found = one_reason(networks, kernel)
    assert (found.kind, str(found.subnet), found.binding.nic.name) == ("unknown-gateway", "10.65.0.0/24", "eth1")


def test_no_subnet_names_the_gateways_of_the_family() -> None:
    dual = [*base("11.11.0.0/16 12.0.0.1"), network("eth1", "fd00:8::9/64", "default fd00:8::1")]
    found = one_reason(dual)
    assert found.kind == "no-subnet"
    assert [address_text(one.gateway) for one in found.gateways if one.gateway] == ["10.65.0.1", "11.8.0.1"]


def test_unknown_gateway() -> None:
    """The document describes the network, and no route of it."""
    networks = [*base(first=("11.11.0.0/16 11.8.0.1",))[:1], network("eth1", "11.8.0.9/24")]
    found = one_reason(networks)
    assert (found.kind, found.binding.gateway, str(found.subnet)) == ("unknown-gateway", None, "11.8.0.0/24")


def test_a_network_with_routes_and_no_gateway_is_where_its_next_hops_are() -> None:
    """Rackspace's and IBM's private networks; whoever lists the route."""
    private = network("eth1", "11.8.0.9/24", "11.11.0.0/16 11.8.0.77")
    found = resolve(situation([BASE[0], private]), Settings())
    assert resolved(found) == [("11.11.0.0/16", "11.8.0.77", "eth1")]
    next_hop = found.resolved[0].next_hop
    assert (next_hop.rule, str(next_hop.subnet), next_hop.evidence) == ("no-gateway", "11.8.0.0/24", None)
    by_the_other = [*base(first=("12.0.0.0/8 11.8.0.78",))[:1], private]
    assert len(resolve(situation(by_the_other), Settings()).resolved) == 2
    # The kernel's own default through it may be there for a moment only; an entry of the settings stays.
    evidence = situation([BASE[0], private], f"{TWO_NICS}default via 11.8.0.1 dev eth1\n")
    assert resolved(resolve(evidence, Settings())) == [("11.11.0.0/16", "11.8.0.77", "eth1")]
    entry = GatewaySetting(Selector(nic="eth1"), parse_address("11.8.0.1"), "gateways[eth1]")
    assert reasons(resolve(evidence, Settings(gateways=(entry,)))) == [("11.11.0.0/16", "not-a-gateway")]
    down = "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\nnic eth1 fa:16:3e:00:00:01 11.8.0.9/24 down\n"
    assert one_reason([BASE[0], private], down).kind == "down"


def test_the_metadata_service_is_programmed_as_listed() -> None:
    """Neutron's own route to it leads through a DHCP port."""
    found = resolve(situation(base(first=("169.254.169.254/32 10.65.0.2",))), Settings())
    assert resolved(found) == [("169.254.169.254/32", "10.65.0.2", "eth0")]
    assert found.resolved[0].next_hop.rule == "as-listed"
    elsewhere = base("169.254.169.254/32 10.65.0.2")
    assert reasons(resolve(situation(elsewhere), Settings())) == [("169.254.169.254/32", "not-a-gateway")]
    wider = base(first=("169.254.169.0/24 10.65.0.2",))
    assert reasons(resolve(situation(wider), Settings())) == [("169.254.169.0/24", "not-a-gateway")]


def test_the_family_of_a_home_is_that_of_the_next_hop() -> None:
    """D7: eth0's IPv4 network is not where an IPv6 next hop is at home, though it is the same NIC's."""
    networks = [
        network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
        network("eth0", "fd00:65::7/64"),
        network("eth1", "fd00:8::9/64", "default fd00:8::1", "fd00:77::/32 fd00:65::99"),
    ]
    found = one_reason(networks)
    assert (found.kind, found.binding.network.index, found.binding.gateway) == ("unknown-gateway", 1, None)


def test_a_link_local_next_hop_is_of_the_network_that_lists_it() -> None:
    networks = [
        network("eth0", "fd00:65::7/64", "default fd00:65::1"),
        network("eth1", "fd00:8::9/64", "default fd00:8::1", "fd00:77::/32 fe80::f001"),
    ]
    kernel = "nic eth0 fa:16:3e:00:00:00 fd00:65::7/64 fe80::1/64\nnic eth1 fa:16:3e:00:00:01 fd00:8::9/64 fe80::2/64\n"
    found = one_reason(networks, kernel)
    assert (found.kind, found.binding.nic.name) == ("not-a-gateway", "eth1")


# ---- default entries ----------------------------------------------------------------------------------


def named(found: Resolution) -> List[Tuple[str, str]]:
    return [(one.host.place, one.next_hop.nic.name) for one in found.defaults]


def test_a_default_entry_by_another_nics_gateway_names_that_nic() -> None:
    networks = [network("eth0", "10.65.0.7/24", "default 11.8.0.1"), BASE[1]]
    found = resolve(situation(networks), Settings())
    assert named(found) == [("networks[0].routes[0]", "eth1")]
    assert [one.gateway for one in found.bindings] == [None, bytes((11, 8, 0, 1))]
    assert found.unresolved == ()


def test_a_gateway_key_is_a_default_entry() -> None:
    networks = [{**network("eth0", "10.65.0.7/24"), "gateway": "11.8.0.1"}, BASE[1]]
    assert named(resolve(situation(networks), Settings())) == [("networks[0].gateway", "eth1")]
    own = [{**network("eth0", "10.65.0.7/24"), "gateway": "10.65.0.1"}, BASE[1]]
    first = resolve(situation(own), Settings()).bindings[0]
    assert (first.gateway, first.offers) == (bytes((10, 65, 0, 1)), "documented")


def test_of_two_own_entries_the_first_counts() -> None:
    networks = [network("eth0", "10.65.0.7/24", "default 10.65.0.1", "default 10.65.0.2"), BASE[1]]
    found = resolve(situation(networks), Settings())
    assert found.bindings[0].gateway == bytes((10, 65, 0, 1))
    (second,) = found.unresolved
    assert (second.kind, second.host.place) == ("conflict", "networks[0].routes[1]")
    assert second.winner is not None
    assert second.winner.place == "networks[0].routes[0]"


def test_an_own_entry_and_one_that_names_another_nic() -> None:
    networks = [network("eth0", "10.65.0.7/24", "default 11.8.0.1", "default 10.65.0.1"), BASE[1]]
    found = resolve(situation(networks), Settings())
    assert found.bindings[0].gateway == bytes((10, 65, 0, 1))
    assert named(found) == [("networks[0].routes[0]", "eth1")]


def test_gateways_outside_every_prefix_are_the_networks_own() -> None:
    kernel = "nic eth0 fa:16:3e:00:00:00 10.65.0.7/32\nnic eth1 fa:16:3e:00:00:01 11.8.0.9/32\n"
    shared = [
        network("eth0", "10.65.0.7/32", "default 169.254.1.1"),
        network("eth1", "11.8.0.9/32", "default 169.254.1.1"),
    ]
    found = resolve(situation(shared, kernel), Settings())
    assert [one.gateway for one in found.bindings] == [bytes((169, 254, 1, 1))] * 2
    assert found.defaults == ()
    # Where a network has one already, another's gateway is another's.
    both = [
        network("eth0", "10.65.0.7/32", "default 10.65.0.1", "default 11.8.0.1"),
        network("eth1", "11.8.0.9/32", "default 11.8.0.1"),
    ]
    assert named(resolve(situation(both, kernel), Settings())) == [("networks[0].routes[1]", "eth1")]


def test_a_default_entry_that_names_no_gateway() -> None:
    networks = [network("eth0", "10.65.0.7/24", "default 11.8.0.99"), BASE[1]]
    found = resolve(situation(networks), Settings())
    assert (found.bindings[0].gateway, found.defaults) == (None, ())
    assert reasons(found) == [("0.0.0.0/0", "not-a-gateway")]


@pytest.mark.parametrize("listed", [0, 1])
def test_which_network_lists_what_is_no_gateway(listed: int) -> None:
    """Not the one in whose subnet the next hop is: the remedy is about the other."""
    route = "11.11.0.0/16 11.8.0.99"
    one = one_reason(base(route) if listed else base(first=(route,)))
    assert (one.kind, one.binding.nic.name) == ("not-a-gateway", "eth1")
    assert one.listing.network.index == listed


def test_whose_lease_lists_what_is_no_gateway() -> None:
    lease = Lease("dhclient", "/l", b"", "eth0", ifindex=2)
    networks = [network("eth0", kind="ipv4_dhcp"), BASE[1]]
    host, other = (
        one._replace(network=LEASES, source=source)
        for one, source in zip(
            wanted("11.12.0.0/16,11.8.0.99", "11.13.0.0/16,11.8.0.99"),
            (f"{lease.place}, option 121", "eth7's DHCP lease (/l), option 121"),
        )
    )
    leased = situation(networks)._replace(leases=LeaseSet((lease,)), lease_routes=(host, other))
    first, second = resolve(leased, Settings()).unresolved
    assert first.listing is not None and first.listing.nic is not None
    assert (first.host.origin, first.listing.nic.name) == ("leases", "eth0")
    assert second.listing is None


def test_what_no_subnet_lists_names_none() -> None:
    found = resolve(situation(BASE), Settings(routes=wanted("12.0.0.0/8,11.8.0.99")))
    assert [(one.kind, one.listing) for one in found.unresolved] == [("not-a-gateway", None)]


def test_a_lease_names_nics_too() -> None:
    leased = Lease(
        "dhclient", "/l", b"", "eth0", ifindex=2,
        classless=Option((LeaseRoute(parse_prefix("0.0.0.0/0"), bytes((11, 8, 0, 1))),)),
    )  # fmt: skip
    networks = [network("eth0", kind="ipv4_dhcp"), BASE[1]]
    found = resolve(situation(networks)._replace(leases=LeaseSet((leased,))), Settings())
    assert found.bindings[0].gateway is None
    assert [(one.host.origin, one.next_hop.nic.name) for one in found.defaults] == [("leases", "eth1")]


@pytest.mark.parametrize(
    ("listed", "fault", "expires", "kind"),
    [
        (("12.0.0.0/8",), None, None, ""),
        (("12.0.0.0/8",), None, 50.0, "unknown-gateway"),  # It has run out.
        (("12.0.0.0/8",), "cut off", None, "unknown-gateway"),
        (("0.0.0.0/0", "12.0.0.0/8"), None, None, "not-a-gateway"),  # Its default names another one.
        ((), None, None, "unknown-gateway"),
    ],
)
def test_a_lease_with_host_routes_and_no_router(listed: Any, fault: Any, expires: Any, kind: str) -> None:
    routes = tuple(LeaseRoute(parse_prefix(one), parse_address("11.8.0.9" + one[0])) for one in listed)
    leased = Lease("dhclient", "/l", b"", "eth1", ifindex=3, classless=Option(routes, fault), expires=expires)
    networks = [BASE[0], network("eth1", kind="ipv4_dhcp")]
    evidence = situation(networks)._replace(leases=LeaseSet((leased,), now=100.0))
    found = resolve(evidence, Settings(routes=wanted("13.0.0.0/8,11.8.0.7")))
    assert (reasons(found), len(found.resolved)) == ([("13.0.0.0/8", kind)] if kind else [], not kind)
    assert [one.next_hop.rule for one in found.resolved] == ([] if kind else ["no-gateway"])


@pytest.mark.parametrize(
    ("eth1", "kind"),
    [
        ("nic eth1 fa:16:3e:00:00:01 11.8.0.9/24 down", "down"),
        ("nic eth1 fa:16:3e:00:00:01", "no-address"),
        ("", "absent"),
    ],
)
def test_the_nic_that_it_means_cannot_be_used(eth1: str, kind: str) -> None:
    found = one_reason(BASE, f"nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\n{eth1}\n")
    assert found.kind == kind
    assert found.binding.network.index == 1


def test_a_nic_without_an_address_serves_a_projection() -> None:
    evidence = situation(BASE, "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\nnic eth1 fa:16:3e:00:00:01\n")
    found = resolve(evidence._replace(projected=True), Settings())
    assert resolved(found) == [("11.11.0.0/16", "11.8.0.1", "eth1")]
    # A NIC that is down stays down, also there: project() says that it is up.
    down = situation(BASE, "nic eth1 fa:16:3e:00:00:01 11.8.0.9/24 down\n")._replace(projected=True)
    assert reasons(resolve(down, Settings())) == [("11.11.0.0/16", "down")]


def test_ignored_by_nic_and_by_destination() -> None:
    by_nic = one_reason(BASE, settings=Settings(ignore_nics=("eth1",)))
    assert (by_nic.kind, by_nic.binding.ignored) == ("ignored", "eth1")
    covered = Settings(ignore_destinations=(parse_prefix("11.0.0.0/8"),))
    by_destination = one_reason(BASE, settings=covered)
    assert (by_destination.kind, by_destination.binding) == ("ignored", None)
    exact = Settings(ignore_destinations=(parse_prefix("11.11.0.0/16"),))
    assert one_reason(BASE, settings=exact).kind == "ignored"
    narrower = Settings(ignore_destinations=(parse_prefix("11.11.0.0/17"), parse_prefix("12.0.0.0/8")))
    assert resolve(situation(BASE), narrower).unresolved == ()


@pytest.mark.parametrize(
    ("route", "own", "owner"),
    [
        ("11.11.0.0/16 11.8.0.9", "next-hop", "eth1"),
        ("11.8.0.9/32 10.65.0.1", "address", "eth1"),
        ("11.8.0.0/24 10.65.0.1", "subnet", "eth1"),
        ("10.65.0.0/24 11.8.0.1", "subnet", "eth0"),
    ],
)
def test_this_machine_itself_is_no_destination(route: str, own: str, owner: str) -> None:
    found = one_reason(base(route))
    assert (found.kind, found.own, found.owner) == ("refused", own, owner)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("gateway", ["default fd00:65::1", "fd12::/48 fd00:65::1"])
def test_another_nics_gateway_is_no_destination_of_ipv6(gateway: str, order: int) -> None:
    """Documented as such, or the next hop of a network without one (R3)."""
    own = network("eth0", "fd00:65::7/64", gateway)
    other = network("eth1", "fd00:8::9/64", "default fd00:8::1", "fd00:65::1/128 fd00:8::1")
    (found,) = resolve(situation([own, other][::order]), Settings()).unresolved
    assert (found.kind, found.own, found.owner) == ("refused", "gateway", "eth0")
    itself = network("eth0", "fd00:65::7/64", gateway, "fd00:65::1/128 fd00:65::1")
    assert resolve(situation([itself]), Settings()).unresolved == ()


def test_a_described_subnet_is_own_before_it_is_configured() -> None:
    kernel = "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\n"
    found = one_reason(base("11.8.0.0/24 10.65.0.1"), kernel)
    assert (found.own, found.owner) == ("subnet", "networks[1]")
    inside = resolve(situation(base("11.8.0.128/25 10.65.0.1")), Settings())
    assert resolved(inside) == [("11.8.0.128/25", "10.65.0.1", "eth0")]


def test_two_for_one_destination() -> None:
    found = resolve(situation(base("11.11.0.0/16 11.8.0.1", first=("11.11.0.0/16 10.65.0.1",))), Settings())
    assert resolved(found) == [("11.11.0.0/16", "10.65.0.1", "eth0")]
    assert reasons(found) == [("11.11.0.0/16", "conflict")]
    assert found.unresolved[0].winner == found.resolved[0].host
    (override,) = found.overrides
    assert (override.host.place, override.chosen.place) == ("networks[1].routes[1]", "networks[0].routes[1]")


def test_the_same_twice_is_a_note() -> None:
    found = resolve(situation(base("11.11.0.0/16 11.8.0.1", first=("11.11.0.0/16 11.8.0.1",))), Settings())
    assert resolved(found) == [("11.11.0.0/16", "11.8.0.1", "eth1")]
    assert (found.unresolved, found.overrides) == ((), ())
    (note,) = found.notes
    assert note.kind == "duplicate"
    assert note.host is not None and note.host.place == "networks[1].routes[1]"
    assert note.first is not None and note.first.place == "networks[0].routes[1]"


def test_sources_in_their_order() -> None:
    evidence = situation(BASE)._replace(properties=wanted("11.11.0.0/16,10.65.0.1"))
    first = evidence._replace(properties=tuple(one._replace(network=-2) for one in evidence.properties))
    found = resolve(first, Settings())
    assert resolved(found) == [("11.11.0.0/16", "10.65.0.1", "eth0")]
    assert reasons(found) == [("11.11.0.0/16", "overridden")]
    later = Settings(sources=("http", "properties"))
    assert resolved(resolve(first, later)) == [("11.11.0.0/16", "11.8.0.1", "eth1")]
    by_settings = Settings(routes=wanted("11.11.0.0/16,11.8.0.1"))
    assert resolve(first, by_settings).resolved[0].host.origin == "settings"


def test_a_document_counts_although_no_source_of_documents_is_wanted() -> None:
    found = resolve(situation(BASE), Settings(sources=("settings",)))
    assert resolved(found) == [("11.11.0.0/16", "11.8.0.1", "eth1")]


def test_lease_routes_come_last() -> None:
    leased = tuple(one._replace(network=-3) for one in wanted("11.11.0.0/16,10.65.0.1", "12.0.0.0/8,10.65.0.1"))
    found = resolve(situation(BASE)._replace(lease_routes=leased), Settings())
    assert resolved(found) == [("11.11.0.0/16", "11.8.0.1", "eth1"), ("12.0.0.0/8", "10.65.0.1", "eth0")]
    assert reasons(found) == [("11.11.0.0/16", "overridden")]


SHARED = "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\nnic eth1 fa:16:3e:00:00:01 10.65.0.8/24\n"


@pytest.mark.parametrize(("listed", "other"), [(0, "eth1"), (1, "eth0")])
def test_a_gateway_that_two_nics_share(listed: int, other: str) -> None:
    """The NIC whose network lists the route; either way noted."""
    networks = [
        network(
            f"eth{index}",
            f"10.65.0.{7 + index}/24",
            "default 10.65.0.1",
            *(["11.0.0.0/8 10.65.0.1"] * (index == listed)),
        )
        for index in (0, 1)
    ]
    found = resolve(situation(networks, SHARED), Settings())
    assert resolved(found) == [("11.0.0.0/8", "10.65.0.1", f"eth{listed}")]
    assert found.resolved[0].next_hop.shared_with == (other,)


def test_a_shared_gateway_listed_by_neither() -> None:
    networks = [network(f"eth{n}", f"10.65.0.{7 + n}/24", "default 10.65.0.1") for n in (0, 1)]
    found = resolve(situation(networks, SHARED), Settings(routes=wanted("11.0.0.0/8,10.65.0.1")))
    assert resolved(found) == [("11.0.0.0/8", "10.65.0.1", "eth0")]


@pytest.mark.parametrize("lost", ["", "down"])
def test_a_shared_gateway_whose_nic_cannot_be_used_just_now(lost: str) -> None:
    """Another NIC's router of the same address may be another machine (R2); an absent NIC is none."""
    networks = [network("eth0", "10.65.0.7/24", "default 10.65.0.1", "11.0.0.0/8 10.65.0.1")]
    networks += [network("eth1", "10.65.0.8/24", "default 10.65.0.1")]
    first = "nic eth0 fa:16:3e:00:00:00\n" if not lost else "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24 down\n"
    second = "nic eth1 fa:16:3e:00:00:01 10.65.0.8/24\n"
    found = resolve(situation(networks, first + second), Settings())
    assert reasons(found) == [("11.0.0.0/8", lost or "no-address")]
    assert resolved(resolve(situation(networks, second), Settings())) == [("11.0.0.0/8", "10.65.0.1", "eth1")]


def test_two_networks_of_one_nic_with_one_gateway_are_not_ambiguous() -> None:
    networks = [
        network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
        network("eth0", "10.65.0.8/24", "default 10.65.0.1", "11.0.0.0/8 10.65.0.1"),
        network("eth1", "11.8.0.9/24"),
    ]
    found = resolve(situation(networks), Settings())
    assert found.resolved[0].next_hop.shared_with == ()


def test_one_nic_only_is_noted() -> None:
    kernel = "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\n"
    one = [network("eth0", "10.65.0.7/24", "default 10.65.0.1", "11.0.0.0/8 10.65.0.1")]
    assert resolve(situation(one, kernel), Settings()).notes == (Note("one-nic"),)
    without = [network("eth0", "10.65.0.7/24", "default 10.65.0.1")]
    assert resolve(situation(without, kernel), Settings()).notes == ()
    assert resolve(situation(BASE), Settings()).notes == ()


ON_LINK = Settings(next_hops="on-link")


def test_on_link_programs_any_next_hop_in_a_subnet() -> None:
    found = resolve(situation(base("11.11.0.0/16 11.8.0.99")), ON_LINK)
    assert resolved(found) == [("11.11.0.0/16", "11.8.0.99", "eth1")]
    next_hop = found.resolved[0].next_hop
    assert (str(next_hop.subnet), next_hop.evidence, next_hop.onlink) == ("11.8.0.0/24", None, False)
    assert one_reason(base("11.11.0.0/16 12.0.0.1"), settings=ON_LINK).kind == "no-subnet"
    down = "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\nnic eth1 fa:16:3e:00:00:01 11.8.0.9/24 down\n"
    assert one_reason(base("11.11.0.0/16 11.8.0.99"), down, ON_LINK).kind == "down"
    assert one_reason(base("11.11.0.0/16 11.8.0.99"), down).kind == "not-a-gateway"


def test_on_link_before_the_address_is_there() -> None:
    kernel = "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\nnic eth1 fa:16:3e:00:00:01\n"
    evidence = situation(base("11.11.0.0/16 11.8.0.99"), kernel)._replace(projected=True)
    (found,) = resolve(evidence, ON_LINK).resolved
    assert (found.next_hop.nic.name, found.next_hop.onlink) == ("eth1", True)


@pytest.mark.parametrize(
    ("addresses", "gateway", "onlink"),
    [
        ("10.65.0.7/24", "10.65.0.1", False),
        ("10.65.0.7/32", "10.65.0.1", True),
        ("10.65.0.7/32 11.0.0.2/8", "11.8.0.1", False),
        ("fd00:65::7/128", "fd00:65::1", True),
        ("fd00:65::7/128", "fe80::1", False),
        ("", "10.65.0.1", True),
    ],
)
def test_gateways_outside(addresses: str, gateway: str, onlink: bool) -> None:
    from guest_routes.model.network import parse_address

    state = situation([], f"nic eth0 fa:16:3e:00:00:00 {addresses}\n").kernel
    assert needs_onlink(nic(state, "eth0"), parse_address(gateway)) is onlink


def test_a_gateway_of_the_settings_is_the_best_evidence() -> None:
    setting = GatewaySetting(Selector(nic="eth1"), bytes((11, 8, 0, 254)), "gateways[eth1] of a file")
    found = resolve(situation(base("11.11.0.0/16 11.8.0.254")), Settings(gateways=(setting,)))
    assert resolved(found) == [("11.11.0.0/16", "11.8.0.254", "eth1")]


def test_the_same_next_hop_on_two_nics_is_no_repetition() -> None:
    """Both NICs have that gateway, and each network's route leads through its own NIC: the operator has to choose."""
    kernel = TWO_NICS.replace("11.8.0.9/24", "10.65.0.8/24")
    lists = ("default 10.65.0.1", "11.11.0.0/16 10.65.0.1")
    networks = [network("eth0", "10.65.0.7/24", *lists), network("eth1", "10.65.0.8/24", *lists)]
    found = resolve(situation(networks, kernel), Settings())
    assert [one.next_hop.nic.name for one in found.resolved] == ["eth0"]
    assert [note.kind for note in found.notes] == []
    assert [one.kind for one in found.unresolved] == ["conflict"]


def test_a_nic_that_only_the_settings_name_beside_a_default_that_names_another() -> None:
    networks = [network("eth0", "10.65.0.7/24", "default 11.8.0.1"), network("eth1", "11.8.0.9/24", "default 11.8.0.1")]
    gateways = (GatewaySetting(Selector(nic="tun0"), parse_address("10.200.0.1"), "/etc/a.yaml"),)
    found = resolve(
        situation(networks, THREE_NICS), Settings(gateways=gateways, routes=wanted("12.0.0.0/8,10.200.0.1"))
    )
    assert [one.next_hop.nic.name for one in (*found.resolved, *found.defaults)] == ["tun0", "eth1"]


@pytest.mark.parametrize("at", [1, 255, 256, 700, 998])
def test_a_thousand_are_taken_as_each_by_itself(at: int) -> None:
    """Many at a time where they have one next hop and destinations of their own; wherever one has not."""
    entries = [f"20.{n >> 8}.{n & 255}.0/24 11.8.0.1" for n in range(1000)]
    own, twice, other, nobody = (
        "11.8.0.0/24 11.8.0.1", "20.0.0.0/24 11.8.0.1", "20.0.0.0/24 10.65.0.1", "203.0.113.0/24 11.8.0.77",
    )  # fmt: skip
    for entry, kind in ((own, "refused"), (twice, "duplicate"), (other, "conflict"), (nobody, "not-a-gateway")):
        found = resolve(situation(base(*entries[:at], entry, *entries[at:])), Settings())
        assert resolved(found) == [(one.split()[0], "11.8.0.1", "eth1") for one in entries]
        assert [*(note.kind for note in found.notes), *(why for _, why in reasons(found))] == [kind]
        (host,) = [note.host for note in found.notes] or [one.host for one in found.unresolved]
        assert host is not None
        assert host.place == f"networks[1].routes[{at + 1}]"
