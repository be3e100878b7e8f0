"""The sentence for each reason: right NIC, right place, right remedy."""

from __future__ import annotations

from typing import Any, Sequence

import pytest

from guest_routes.model.decision import (
    Binding,
    Elected,
    Note,
    NotElected,
    Override,
    Resolved,
    ResolvedNextHop,
    Unresolved,
)
from guest_routes.model.evidence import GatewayEvidence
from guest_routes.model.network import Lookup, parse_address
from guest_routes.model.network_data import PROPERTIES, SETTINGS, HostRoute, Link, Network, Problem
from guest_routes.model.operations import Add, Delete, RemoveForeignDefault
from guest_routes.model.plan import PlannedRoute, Suspicion
from guest_routes.model.report import Discrepancy, Overruled, RolledBack
from guest_routes.model.settings import Selector
from guest_routes.output.words import reasons
from tests.support.reports import ETH0, ETH1, prefix, report, route

NICS = (ETH0, ETH1)
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
            "on link: outside every prefix of eth1",
        ),
    ],
)
def test_why_a_host_route_leaves_by_its_nic(hop: ResolvedNextHop, text: str) -> None:
    assert reasons.resolved_reason(Resolved(HOST, hop)) == f"networks[0].routes[1]: {text}"


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
        "(type ipv4); set it in the settings: `gateways: {eth1: ADDRESS}`",
    ),
    (
        Unresolved(BAD, "unknown-gateway", Binding(None, None, ETH1), SUBNET),
        "11.8.0.99 is in eth1's subnet 11.8.0.0/24, whose gateway is unknown: no source names it; set it in the "
        "settings: `gateways: {eth1: ADDRESS}`",
    ),
    (
        Unresolved(BAD, "no-subnet", gateways=(Binding(NETWORK, None, ETH0, parse_address("10.65.0.1")), BINDING)),
        "11.8.0.99 is in no NIC's subnet; use a gateway of 10.65.0.1 (eth0) or 11.8.0.1 (eth1)",
    ),
    (
        Unresolved(BAD, "no-subnet", gateways=(BINDING,) * 4000),
        "11.8.0.99 is in no NIC's subnet; use a gateway of 11.8.0.1 (eth1) or 11.8.0.1 (eth1) or 11.8.0.1 (eth1) or "
        "11.8.0.1 (eth1) or 3,996 more",
    ),
    (Unresolved(BAD, "no-subnet"), "11.8.0.99 is in no NIC's subnet; use a gateway of a NIC (none is known)"),
    (
        Unresolved(HOST, "absent", ABSENT),
        "11.8.0.1 is the gateway of the NIC with MAC fa:16:3e:00:00:02, which is not present (yet); programmed once "
        "it appears",
    ),
    (
        Unresolved(HOST, "down", BINDING),
        "11.8.0.1 is eth1's gateway, and eth1 is down; `ip link set eth1 up` fixes it",
    ),
    (
        Unresolved(HOST, "no-address", BINDING),
        "11.8.0.1 is eth1's gateway, and eth1 has no IPv4 address (yet); programmed once it has one",
    ),
    (Unresolved(HOST, "ignored", BINDING), "11.8.0.1 is eth1's gateway, and ignore_nics covers it"),
    (Unresolved(HOST, "ignored"), "ignore_destinations covers it"),
    (
        Unresolved(HOST, "refused", own="next-hop", owner="eth1"),
        "refused: 11.8.0.1 is eth1's own address, not a gateway",
    ),
    (Unresolved(HOST, "refused", own="address", owner="eth1"), "refused: 11.11.0.0/16 is eth1's own address"),
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


# ---- defaults ---------------------------------------------------------------------------------------


def test_why_a_nic_has_the_default_route() -> None:
    found = report().elections[0]
    rule = "the first network with a gateway on a NIC that is up: networks[0], eth0; its gateway: networks[0].routes[0]"
    assert reasons.election_reason(found) == rule


def test_a_default_of_the_settings_with_what_is_odd_about_it() -> None:
    waiting = (Binding(NETWORK, None, ETH0), ABSENT)
    one = Elected(4, Binding(None, None, ETH1, GATEWAY, KNOWN), ETH1, GATEWAY, True, Selector(nic="eth1"), waiting)
    assert reasons.election_reason(one) == (
        "the settings choose nic eth1: eth1, eth1; its gateway: networks[1].routes[0]; on link: 11.8.0.1 is outside "
        "every prefix of eth1; eth0, the NIC with MAC fa:16:3e:00:00:02 has no IPv4 address (yet)"
    )


@pytest.mark.parametrize(
    "kind, why",
    [
        ("no-network", "no IPv4 network of the metadata fits"),
        ("absent", "the NIC with MAC fa:16:3e:00:00:02 is not present"),
        ("down", "the NIC with MAC fa:16:3e:00:00:02 is down"),
        ("no-address", "the NIC with MAC fa:16:3e:00:00:02 has no IPv4 address (yet)"),
        ("unknown-gateway", "the NIC with MAC fa:16:3e:00:00:02 has no known IPv4 gateway"),
    ],
)
def test_why_the_settings_choice_can_not_be_had(kind: Any, why: str) -> None:
    binding = None if kind == "no-network" else ABSENT
    one = NotElected(4, kind, Selector(mac=ETH1.mac), binding, True)
    assert reasons.election_reason(one) == (
        f"the settings choose mac fa:16:3e:00:00:02 for the default route, but {why}; the default routes stay "
        f"as they are"
    )


def test_why_no_nic_has_a_default_route() -> None:
    text = "no network has an IPv6 gateway on a NIC that is up and has an address"
    assert reasons.election_reason(NotElected(6, "no-gateway")) == text


# ---- operations -------------------------------------------------------------------------------------


def test_why_a_route_is_written_or_removed() -> None:
    found = report()
    add, remove = found.plan.operations
    assert reasons.operation_reason(add) == "networks[0].routes[1]: 11.8.0.1 is eth1's gateway (networks[1].routes[0])"
    assert isinstance(remove, RemoveForeignDefault)
    assert reasons.operation_reason(remove) == "one default too many: eth0 has it"
    elected = found.elections[0]
    assert isinstance(elected, Elected)
    assert reasons.operation_reason(Add(route("default via 10.65.0.1 dev eth0"), elected)) == (
        reasons.election_reason(elected)
    )


@pytest.mark.parametrize(
    "reason, text",
    [
        ("", ""),
        ("not-in-document", "no longer in the metadata"),
        ("equal-serves", "another program's equal route is used"),
        ("shadowed", "another program's route wins"),
        ("not-elected", "not the elected default"),
        ("withdrawn", "withdrawn"),
        ("recorded", "recorded when it was removed"),
        ("handed-over", "kept without our protocol: it is the only default route"),
        ("nexthops-outside", "next hops through NICs outside the metadata are kept"),
        ("demoted", "an extra default, kept at a worse metric"),
        ("whole-route-back", "the whole multipath route is back"),
        ("rolled-back", "rolled back"),
    ],
)
def test_every_other_reason_of_an_operation(reason: Any, text: str) -> None:
    assert reasons.operation_reason(Delete(route("default via 11.8.0.1 dev eth1"), reason)) == text


# ---- what is not in the kernel ----------------------------------------------------------------------

PLANNED = PlannedRoute("shadowed", route("11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"), Resolved(HOST, HOP))
RIVAL = route("11.11.0.0/16 via 10.65.0.1 dev eth0 proto static")
ANSWER = Lookup(parse_address("11.11.0.1"), 2, parse_address("10.65.0.1"), 100)


@pytest.mark.parametrize(
    "one, text",
    [
        (Problem("networks[1].routes[0]", "no gateway", True), "networks[1].routes[0]: no gateway"),
        (
            NotElected(4, "no-gateway", wanted=True),
            "IPv4 default: no network has an IPv4 gateway on a NIC that is up and has an address",
        ),
        (
            Unresolved(HOST, "ignored"),
            "11.11.0.0/16,11.8.0.1  (networks[0].routes[1]): ignore_destinations covers it",
        ),
        (
            PLANNED._replace(competitor=RIVAL),
            "11.11.0.0/16,11.8.0.1  (networks[0].routes[1]): shadowed by 11.11.0.0/16 via 10.65.0.1 dev eth0 "
            "proto static",
        ),
        (PLANNED, "11.11.0.0/16,11.8.0.1  (networks[0].routes[1]): shadowed by another route"),
        (
            Overruled(prefix("11.11.0.0/16"), ANSWER.address, ANSWER),
            "11.11.0.0/16: programmed, but the kernel sends 11.11.0.1 via 10.65.0.1 dev eth0 (table 100); see "
            "`ip rule`",
        ),
        (
            Overruled(prefix("11.11.0.0/16"), ANSWER.address, Lookup(ANSWER.address, 0, error="No route to host")),
            "11.11.0.0/16: programmed, but the kernel sends 11.11.0.1 nowhere: No route to host; see `ip rule`",
        ),
    ],
)
def test_what_of_the_document_is_not_in_the_kernel(one: Any, text: str) -> None:
    assert reasons.unprogrammed_text(one, NICS) == text


@pytest.mark.parametrize(
    "answer, text",
    [
        (ANSWER, "via 10.65.0.1 dev eth0"),
        (ANSWER._replace(gateway=None, ifindex=1), "dev lo"),
        (ANSWER._replace(gateway=None, ifindex=77), "dev if77"),
        (Lookup(ANSWER.address, 0, error="Network is unreachable"), "Network is unreachable"),
    ],
)
def test_what_the_kernel_does_with_an_address(answer: Lookup, text: str) -> None:
    assert reasons.lookup_text(answer, NICS) == text


@pytest.mark.parametrize(
    "error, text",
    [
        (
            Discrepancy("missing", RIVAL),
            "missing after the pass: 11.11.0.0/16 via 10.65.0.1 dev eth0 proto static",
        ),
        (
            Discrepancy("still-there", RIVAL),
            "still there after the pass: 11.11.0.0/16 via 10.65.0.1 dev eth0 proto static",
        ),
        (
            RolledBack("not-put-back"),
            "the kernel refused to restore a route of ours; the routes are as they were before the pass",
        ),
        (
            RolledBack("metadata-unreachable", 2),
            "the metadata service can't be reached since the routes were written; the routes are as they were before "
            "the pass, except 2 that the kernel refused",
        ),
    ],
)
def test_why_a_pass_failed(error: Any, text: str) -> None:
    assert reasons.pass_error_text(error, NICS) == text


@pytest.mark.parametrize(
    "one, text",
    [
        (Suspicion("no-networks"), "it has no networks"),
        (
            Suspicion("nics-lost", nics=(("eth1", ETH1.mac), ("eth2", ETH0.mac))),
            "it no longer describes eth1 (fa:16:3e:00:00:02), eth2 (fa:16:3e:00:00:01), which is present",
        ),
        (
            Suspicion("routes-omitted", bindings=(BINDING, ABSENT), gone=3),
            "it omits the routes of eth1, the NIC with MAC fa:16:3e:00:00:02, and 3 of our routes would go",
        ),
        (Suspicion("many-routes", gone=7, ours=9), "7 of our 9 routes would go at once"),
        (Suspicion("many-routes", gone=1, ours=1), "1 of our 1 route would go at once"),
    ],
)
def test_why_a_document_may_be_partial(one: Suspicion, text: str) -> None:
    assert reasons.suspicion_text(one) == text
