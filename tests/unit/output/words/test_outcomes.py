"""Why an operation is there, what is not in the kernel, and why a pass failed or a document may be partial."""

from __future__ import annotations

from typing import Any

import pytest

from guest_routes.model.decision import (
    Binding,
    Elected,
    NotElected,
    Resolved,
    ResolvedNextHop,
    Unresolved,
)
from guest_routes.model.evidence import GatewayEvidence
from guest_routes.model.network import Lookup, Rule, parse_address
from guest_routes.model.network_data import HostRoute, Link, Network, Problem
from guest_routes.model.operations import Add, Delete, RemoveForeignDefault
from guest_routes.model.plan import PlannedDefault, PlannedRoute, Suspicion
from guest_routes.model.report import Discrepancy, Overruled, RolledBack
from guest_routes.output.words.elections import election_reason
from guest_routes.output.words.outcomes import (
    lookup_text,
    operation_reason,
    pass_error_text,
    suspicion_text,
    unprogrammed_text,
)
from tests.support.reports import ETH0, ETH1, prefix, report, route

NICS = (ETH0, ETH1)
GATEWAY, OTHER = parse_address("11.8.0.1"), parse_address("11.8.0.99")
KNOWN = GatewayEvidence("document", "networks[1].routes[0]")
NETWORK = Network(1, "network1", "tap1", "ipv4", 4, prefix("11.8.0.9/24"))
BINDING = Binding(NETWORK, None, ETH1, GATEWAY, KNOWN)
ABSENT = Binding(NETWORK, Link(1, "tap1", "ovs", bytes.fromhex("fa163e000002")), None, GATEWAY, KNOWN)
HOST = HostRoute(prefix("11.11.0.0/16"), GATEWAY, "network_data.json", 0, 1)
HOP = ResolvedNextHop(ETH1, GATEWAY, KNOWN)


def test_why_a_route_is_written_or_removed() -> None:
    found = report()
    add, remove = found.plan.operations
    assert operation_reason(add) == "networks[0].routes[1]: 11.8.0.1 is eth1's gateway (networks[1].routes[0])"
    assert isinstance(remove, RemoveForeignDefault)
    assert operation_reason(remove) == "one default too many: eth0 has it"
    elected = found.elections[0]
    assert isinstance(elected, Elected)
    assert operation_reason(Add(route("default via 10.65.0.1 dev eth0"), elected)) == (election_reason(elected))


@pytest.mark.parametrize(
    "reason, text",
    [
        ("", ""),
        ("not-in-document", "nothing lists it any more"),
        ("equal-serves", "another program's equal route is used"),
        ("shadowed", "another program's route wins"),
        ("not-elected", "not the elected default"),
        ("ours-serves", "replaced: another one of ours leads the same way"),
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
    assert operation_reason(Delete(route("default via 11.8.0.1 dev eth1"), reason)) == text


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
            PlannedDefault(NotElected(6, "no-gateway"), "shadowed", competitor=route("default dev eth0 metric 9")),
            "IPv6 default: shadowed by default dev eth0 proto boot metric 9",
        ),
        (
            Overruled(prefix("11.11.0.0/16"), ANSWER.address, ANSWER),
            "11.11.0.0/16: programmed, but the kernel sends 11.11.0.1 via 10.65.0.1 dev eth0 (table 100); see "
            "`ip rule`",
        ),
        (
            Overruled(prefix("0.0.0.0/0"), ANSWER.address, ANSWER, RIVAL, Rule(4, 220, 100, True)),
            "IPv4 default: programmed, but 11.11.0.0/16 via 10.65.0.1 dev eth0 proto static wins by rule 220 "
            "(`ip rule`); the kernel sends 11.11.0.1 via 10.65.0.1 dev eth0 (table 100)",
        ),
        (
            Overruled(prefix("11.11.0.0/16"), ANSWER.address, ANSWER, RIVAL),
            "11.11.0.0/16: programmed, but 11.11.0.0/16 via 10.65.0.1 dev eth0 proto static wins; the kernel sends "
            "11.11.0.1 via 10.65.0.1 dev eth0 (table 100)",
        ),
        (
            Overruled(prefix("0.0.0.0/0"), ANSWER.address, ANSWER, RIVAL, shares=True),
            "IPv4 default: programmed, but 11.11.0.0/16 via 10.65.0.1 dev eth0 proto static is a next hop of the same "
            "route, and gets a part of the traffic",
        ),
        (
            Overruled(prefix("11.11.0.0/16"), ANSWER.address, Lookup(ANSWER.address, 0), unruled=True),
            "11.11.0.0/16: programmed, but no rule looks up table main for IPv4: none of its routes is used; "
            "the kernel sends 11.11.0.1 nowhere",
        ),
        (
            Overruled(prefix("11.11.0.0/16"), ANSWER.address, ANSWER, RIVAL, pending=True),
            "11.11.0.0/16: not programmed yet, and 11.11.0.0/16 via 10.65.0.1 dev eth0 proto static wins; the kernel "
            "sends 11.11.0.1 via 10.65.0.1 dev eth0 (table 100)",
        ),
        (
            Overruled(prefix("11.11.0.0/16"), ANSWER.address, ANSWER, None, Rule(4, 220, 0, False)),
            "11.11.0.0/16: programmed, but rule 220 (`ip rule`) wins; the kernel sends 11.11.0.1 via 10.65.0.1 dev "
            "eth0 (table 100)",
        ),
        (
            Overruled(prefix("11.11.0.0/16"), ANSWER.address, Lookup(ANSWER.address, 0, error="No route to host")),
            "11.11.0.0/16: programmed, but the kernel sends 11.11.0.1 nowhere: No route to host; see `ip rule`",
        ),
    ],
)
def test_what_of_the_document_is_not_in_the_kernel(one: Any, text: str) -> None:
    assert unprogrammed_text(one, NICS) == text


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
    assert lookup_text(answer, NICS) == text


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
        (
            RolledBack("metadata-unreachable", kept=1),
            "the metadata service can't be reached since the routes were written; the routes are as they were before "
            "the pass; a default of ours stays, since another program has taken away the one that was there",
        ),
    ],
)
def test_why_a_pass_failed(error: Any, text: str) -> None:
    assert pass_error_text(error, NICS) == text


@pytest.mark.parametrize(
    "one, text",
    [
        (Suspicion("no-networks"), "it has no networks"),
        (
            Suspicion("nics-lost", nics=(("eth1", ETH1.mac), ("eth2", ETH0.mac))),
            "it no longer describes eth1 (fa:16:3e:00:00:02), eth2 (fa:16:3e:00:00:01), which is present",
        ),
        (
            Suspicion("routes-omitted", bindings=(BINDING, BINDING, ABSENT), gone=3),  # Both families of eth1.
            "it omits the routes of eth1, the NIC with MAC fa:16:3e:00:00:02, and 3 of our routes would go",
        ),
        (
            Suspicion("networks-lost", nics=(("eth1", ETH1.mac), ("eth2", ETH0.mac))),
            "a network of eth1, eth2 is missing or damaged in it, and routes of ours, or the default, would leave "
            "eth1, eth2",
        ),
        (
            Suspicion("default-omitted", bindings=(BINDING,)),
            "it omits the routes of eth1, and the default route would leave it",
        ),
        (Suspicion("many-routes", gone=7, ours=9), "7 of our 9 routes would go at once"),
        (Suspicion("many-routes", gone=1, ours=1), "1 of our 1 route would go at once"),
        (Suspicion("many-routes", gone=2500, ours=4000), "2,500 of our 4,000 routes would go at once"),
    ],
)
def test_why_a_document_may_be_partial(one: Suspicion, text: str) -> None:
    assert suspicion_text(one) == text
