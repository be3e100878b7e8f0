"""The sentence for each reason: right NIC, right place, right remedy."""

from __future__ import annotations

from typing import Any, Sequence

import pytest

from guest_routes.model.decision import (
    Binding,
    Note,
    Override,
    Resolved,
    ResolvedNextHop,
    Unresolved,
)
from guest_routes.model.evidence import GatewayEvidence
from guest_routes.model.network import parse_address
from guest_routes.model.network_data import PROPERTIES, SETTINGS, HostRoute, Link, Network, Problem
from guest_routes.output.words import reasons
from tests.support.reports import ETH0, ETH1, prefix

GATEWAY, OTHER = parse_address("11.8.0.1"), parse_address("11.8.0.99")
KNOWN = GatewayEvidence("document", "networks[1].routes[0]")
NETWORK = Network(1, "network1", "tap1", "ipv4", 4, prefix("11.8.0.9/24"))
BINDING = Binding(NETWORK, None, ETH1, GATEWAY, KNOWN)
ABSENT = Binding(NETWORK, Link(1, "tap1", "ovs", bytes.fromhex("fa163e000002")), None, GATEWAY, KNOWN)
OMITTED = BINDING._replace(network=NETWORK._replace(omits_routes=True), gateway=None, evidence=None)
HOST = HostRoute(prefix("11.11.0.0/16"), GATEWAY, "network_data.json", 0, 1)
BAD = HOST._replace(next_hop=OTHER)
OF_SETTINGS = HostRoute(prefix("11.11.0.0/16"), OTHER, "/etc/a.yaml", SETTINGS, 0)
OF_PROPERTIES = HostRoute(prefix("11.11.0.0/16"), GATEWAY, "meta_data.json", PROPERTIES, 0)
SUBNET = prefix("11.8.0.0/24")
HOP = ResolvedNextHop(ETH1, GATEWAY, KNOWN)


@pytest.mark.parametrize(
    "hop, text",
    [
        (HOP, "11.8.0.1 is eth1's gateway (networks[1].routes[0])"),
        (
            ResolvedNextHop(ETH1, OTHER, None, "link-local-gateway", SUBNET),
            "11.8.0.99 is in eth1's subnet 11.8.0.0/24, whose gateway is known by its link-local address only",
        ),
        (
            ResolvedNextHop(ETH1, OTHER, None, "no-gateway", SUBNET),
            "11.8.0.99 is in eth1's subnet 11.8.0.0/24, whose network lists routes and no gateway",
        ),
        (
            ResolvedNextHop(ETH1, OTHER, None, "as-listed", SUBNET),
            "11.8.0.99 is in eth1's subnet 11.8.0.0/24, as the document lists it for the metadata service",
        ),
        (
            ResolvedNextHop(ETH1, OTHER, None, "on-link", SUBNET),
            "11.8.0.99 is in eth1's subnet 11.8.0.0/24 (next_hops: on-link)",
        ),
        (
            HOP._replace(shared_with=("eth0", "eth2"), onlink=True),
            "11.8.0.1 is eth1's gateway (networks[1].routes[0]); ambiguous: it is the gateway of eth0, eth2 too; "
            "on link: eth1 has no route to its subnet",
        ),
        (
            HOP._replace(nic=ETH1._replace(addresses=(prefix("11.8.0.9/32"),)), onlink=True),
            "11.8.0.1 is eth1's gateway (networks[1].routes[0]); on link: outside every prefix of eth1",
        ),
    ],
)
def test_why_a_host_route_leaves_by_its_nic(hop: ResolvedNextHop, text: str) -> None:
    assert reasons.resolved_reason(Resolved(HOST, hop)) == f"networks[0].routes[1]: {text}"


DEFAULT = BAD._replace(destination=prefix("0.0.0.0/0"))
UNRESOLVED = [
    (
        Unresolved(BAD, "not-a-gateway", BINDING, SUBNET),
        "11.8.0.99 is in eth1's subnet 11.8.0.0/24, but its gateway is 11.8.0.1; fix it in Neutron: "
        "`openstack subnet set --host-route destination=11.11.0.0/16,gateway=11.8.0.1 SUBNET`, then "
        "`openstack subnet unset --host-route destination=11.11.0.0/16,gateway=11.8.0.99 SUBNET` removes this one",
    ),
    (
        Unresolved(BAD, "unknown-gateway", OMITTED, SUBNET),
        "11.8.0.99 is in eth1's subnet 11.8.0.0/24, whose gateway is unknown: the metadata omits eth1's routes "
        "(type ipv4); if it is 11.8.0.99, set it in the settings: `gateways: {eth1: 11.8.0.99}`",
    ),
    (
        Unresolved(BAD, "unknown-gateway", Binding(None, None, ETH1), SUBNET),
        "11.8.0.99 is in eth1's subnet 11.8.0.0/24, whose gateway is unknown: no source names it; if it is 11.8.0.99, "
        "set it in the settings: `gateways: {eth1: 11.8.0.99}`",
    ),
    (
        Unresolved(BAD, "no-subnet", gateways=(Binding(NETWORK, None, ETH0, parse_address("10.65.0.1")), BINDING)),
        "11.8.0.99 is in no NIC's subnet; use a gateway of 10.65.0.1 (eth0) or 11.8.0.1 (eth1)",
    ),
    (
        Unresolved(BAD, "no-subnet", gateways=(BINDING,), unaddressed=(ETH0._replace(name="eth2"),)),
        "11.8.0.99 is in no NIC's subnet, and eth2 has no IPv4 address (yet); unless 11.8.0.99 is its gateway, use a "
        "gateway of 11.8.0.1 (eth1)",
    ),
    (
        Unresolved(BAD, "no-subnet", gateways=(BINDING,) * 4000),
        "11.8.0.99 is in no NIC's subnet; use a gateway of 11.8.0.1 (eth1) or 11.8.0.1 (eth1) or 11.8.0.1 (eth1) or "
        "11.8.0.1 (eth1) or 3,996 more",
    ),
    (
        Unresolved(BAD, "no-subnet", Binding(None, None, ETH1), SUBNET, (BINDING,)),
        "11.8.0.99 is in eth1's subnet 11.8.0.0/24, and the metadata has no network there; if 11.8.0.99 is its "
        "gateway, set it in the settings: `gateways: {eth1: 11.8.0.99}`; else use a gateway of 11.8.0.1 (eth1)",
    ),
    (
        Unresolved(BAD, "redundant", winner=HOST),
        "networks[0].routes[1] is used, and one way to the metadata service is enough",
    ),
    (
        Unresolved(BAD, "no-subnet", Binding(None, None, ETH1)),
        "11.8.0.99 is eth1's gateway, and in no subnet of it; to choose eth1, set `default: {nic: eth1}` in its place",
    ),
    (Unresolved(BAD, "no-subnet"), "11.8.0.99 is in no NIC's subnet; use a gateway of a NIC (none is known)"),
    (
        Unresolved(HOST, "absent", ABSENT),
        "11.8.0.1 is the gateway of the NIC with MAC fa:16:3e:00:00:02, which is not present (yet); programmed once "
        "it appears",
    ),
    (
        Unresolved(HOST, "down", BINDING),
        "11.8.0.1 is eth1's gateway, and eth1 is down; `ip link set dev eth1 up` fixes it",
    ),
    (
        Unresolved(HOST, "no-address", BINDING),
        "11.8.0.1 is eth1's gateway, and eth1 has no IPv4 address (yet); programmed once it has one",
    ),
    (Unresolved(HOST, "ignored", BINDING), "11.8.0.1 is eth1's gateway, and ignore_nics covers it"),
    # A network with routes and without a gateway; a way to the metadata service.
    (
        Unresolved(BAD, "absent", ABSENT),
        "11.8.0.99 is in the subnet of the NIC with MAC fa:16:3e:00:00:02, which is not present (yet); programmed once "
        "it appears",
    ),
    (
        Unresolved(BAD, "down", BINDING),
        "11.8.0.99 is in eth1's subnet, and eth1 is down; `ip link set dev eth1 up` fixes it",
    ),
    (Unresolved(HOST, "ignored"), "ignore_destinations covers it"),
    (
        Unresolved(HOST, "refused", own="next-hop", owner="eth1"),
        "refused: 11.8.0.1 is eth1's own address, not a gateway",
    ),
    (
        Unresolved(BAD, "refused", own="broadcast", owner="11.8.0.0/24"),
        "refused: 11.8.0.99 is the broadcast address of 11.8.0.0/24, not a gateway",
    ),
    (Unresolved(HOST, "refused", own="address", owner="eth1"), "refused: 11.11.0.0/16 is eth1's own address"),
    (
        Unresolved(HOST, "refused", own="gateway", owner="eth1"),
        "refused: 11.11.0.0/16 is eth1's gateway, which IPv6 must reach on link",
    ),
    (
        Unresolved(HOST, "refused", own="subnet", owner="networks[0]"),
        "refused: 11.11.0.0/16 is networks[0]'s own subnet, which needs no gateway",
    ),
    (
        Unresolved(BAD, "conflict", winner=HOST),
        "networks[0].routes[1] has the same destination with the next hop 11.8.0.1, and is listed first; keep "
        "one: `openstack subnet unset --host-route destination=11.11.0.0/16,gateway=11.8.0.99 SUBNET` removes this one",
    ),
    (
        Unresolved(HOST, "overridden", winner=OF_SETTINGS),
        "routes[0] of /etc/a.yaml has the same destination with the next hop 11.8.0.99; settings go before metadata "
        "(`sources`)",
    ),
    (
        Unresolved(DEFAULT, "conflict", winner=DEFAULT._replace(next_hop=HOST.next_hop, index=2)),
        "networks[0].routes[2] has the same destination with the next hop 11.8.0.1, and that is networks[0]'s own "
        "gateway; keep one: `openstack subnet unset --host-route destination=0.0.0.0/0,gateway=11.8.0.99 SUBNET` "
        "removes this one; where it is the subnet's own gateway, `openstack subnet set --no-gateway SUBNET` does",
    ),
    (
        Unresolved(DEFAULT, "conflict", winner=DEFAULT._replace(next_hop=HOST.next_hop, index=-1)),
        "networks[0].gateway has the same destination with the next hop 11.8.0.1, and that is networks[0]'s own "
        "gateway; keep one: `openstack subnet unset --host-route destination=0.0.0.0/0,gateway=11.8.0.99 SUBNET` "
        "removes this one; where it is the subnet's own gateway, `openstack subnet set --no-gateway SUBNET` does",
    ),
    (
        Unresolved(DEFAULT._replace(index=-1), "conflict", winner=DEFAULT._replace(next_hop=HOST.next_hop)),
        "networks[0].routes[1] has the same destination with the next hop 11.8.0.1, and is listed first; keep one: "
        "take the key gateway out where the document is made; Neutron writes none",
    ),
    (
        Unresolved(DEFAULT._replace(index=-1), "not-a-gateway", BINDING, SUBNET),
        "11.8.0.99 is in eth1's subnet 11.8.0.0/24, but its gateway is 11.8.0.1; take the key gateway out where the "
        "document is made; Neutron writes none",
    ),
    (
        Unresolved(OF_SETTINGS, "not-elected", BINDING, owner="eth1"),
        f"networks[{BINDING.network and BINDING.network.index}]'s own default comes first; to choose eth1, set "
        "`default: {nic: eth1}`",
    ),
    (
        Unresolved(OF_SETTINGS, "not-elected", winner=DEFAULT, owner="a'b"),
        f"{DEFAULT.place} comes first; to choose a'b, set `default: {{nic: \"a'b\"}}`",
    ),
    (
        Unresolved(HOST, "overridden", winner=BAD),
        f"{BAD.place} has the same destination with the next hop 11.8.0.99 and a better metric",
    ),
]


@pytest.mark.parametrize("one, text", UNRESOLVED, ids=lambda value: getattr(value, "kind", ""))
def test_why_a_host_route_is_not_programmed(one: Unresolved, text: str) -> None:
    assert reasons.unresolved_reason(one) == text


def test_which_of_two_host_routes_is_used() -> None:
    first = Override(BAD, HOST)
    assert reasons.override_rule(first) == "it is listed first"
    assert reasons.override_rule(Override(OF_PROPERTIES, HOST)) == "metadata goes before properties (`sources`)"
    assert reasons.override_text(Override(OF_PROPERTIES, OF_SETTINGS)) == (
        "11.11.0.0/16,11.8.0.1  (meta.guest_routes[0] of meta_data.json): not used; 11.11.0.0/16,11.8.0.99 "
        "(routes[0] of /etc/a.yaml) is: settings go before properties (`sources`)"
    )


@pytest.mark.parametrize(
    "note, parts",
    [
        (Problem("networks[1].routes[0].netmask", "not a mask"), ("networks[1].routes[0].netmask", "not a mask")),
        (
            Note("duplicate", HOST._replace(network=1), HOST),
            ("networks[1].routes[1]", "11.11.0.0/16,11.8.0.1 is listed at networks[0].routes[1] already"),
        ),
        (
            Note("one-nic"),
            (
                "networks",
                "there is only one NIC, so host routes make no difference; they are programmed anyway",
            ),
        ),
    ],
)
def test_notes(note: Any, parts: Sequence[str]) -> None:
    assert reasons.note_parts(note) == parts
