"""What `doctor` finds: every kind where it is so, and not where it isn't."""

from __future__ import annotations

from typing import Any, Dict, List

import pytest

from guest_routes.diagnose.findings import findings
from guest_routes.model.configuration import ConfiguredRoute, CorrectedFile, Correction, RouteVerdict
from guest_routes.model.decision import Binding, Unresolved
from guest_routes.model.diagnosis.inspection import CrossCheck, Difference, Finding, Holder, Inspection, NicView
from guest_routes.model.diagnosis.status import ConflictRecord, StatusRecord
from guest_routes.model.document import Provenance
from guest_routes.model.lease import Lease
from guest_routes.model.network import Lookup, Rule, parse_address
from guest_routes.model.network_data import Network
from guest_routes.model.report import Overruled
from tests.support.reports import BOTH_DEFAULTS, ETH0, ETH1, IN_PLACE, NICS, prefix, report, route, with_rules

FINE = report("wrong-subnet", IN_PLACE)
ROUTE = ConfiguredRoute(ETH0, prefix("11.11.0.0/16"), parse_address("11.8.0.1"), "/a", (3,))
UNKNOWN = Binding(Network(1, "n", "l", "ipv4_dhcp", 4, omits_routes=True), None, ETH1)
ISOLATED = Binding(Network(1, "n", "l", "ipv4", 4), None, ETH1)
NETWORKD, MANAGER = Holder("systemd-networkd", 2, "configured", "/a"), Holder("NetworkManager", 2, "", "/b")


def view(nic: Any = ETH0, **fields: Any) -> NicView:
    found: Dict[str, Any] = {
        "bindings": (), "holders": (), "lease": None, "metadata": None, "rp_filter": 0, "takes_routes": False,
    }  # fmt: skip
    return NicView(nic, **{**found, **fields})


def found(*views: NicView, **fields: Any) -> List[Finding]:
    seen: Dict[str, Any] = {
        "report": FINE, "no_metadata": "", "running": (), "correction": None, "cross_checks": (), "route_command": True
    }  # fmt: skip
    return list(findings(Inspection(views or (view(ETH0), view(ETH1)), **{**seen, **fields})))


def test_nothing_where_nothing_is_wrong() -> None:
    held = view(ETH0, holders=(NETWORKD,), rp_filter=2)
    same = (CrossCheck("netifaces", "NIC", 2), CrossCheck("pyroute2", "route"))
    assert (
        found(held, view(ETH1), cross_checks=same, running=("systemd-networkd",), correction=Correction((), ())) == []
    )


def test_what_a_pass_would_change_and_can_not_do() -> None:
    assert found(report=report("wrong-subnet", BOTH_DEFAULTS)) == [
        Finding("extra-default", route=route("default via 11.8.0.1 dev eth1 proto static")),
        Finding("missing-routes", missing=1),
    ]
    ruled = tuple(Rule(family, 0, table, True) for family, table in ((4, 255), (4, 100), (6, 255)))
    unused = report("wrong-subnet", IN_PLACE)
    unused = with_rules(unused, ruled)
    assert found(report=unused) == [Finding("no-rule", route=unused.plan.defaults[0].route)]
    # What follows from that is no finding of its own: routes that can't be added, lookups that find nothing.
    nowhere = Overruled(prefix("11.11.0.0/16"), b"\x0b\x0b\0\1", Lookup(b"\x0b\x0b\0\1", 0), unruled=True)
    lacking = with_rules(report("wrong-subnet", NICS), ruled)
    lacking = lacking._replace(overruled=(nowhere,))
    assert found(report=lacking) == [Finding("no-rule", route=lacking.plan.defaults[0].route, missing=2)]
    looked_up = with_rules(unused, (*ruled, Rule(4, 9, 254, False)))
    assert found(report=looked_up) == []
    bad = report("not-a-gateway", NICS)
    assert Finding("not-programmed", unprogrammed=bad.unprogrammed) in found(report=bad)


def test_without_metadata_that_comes_first() -> None:
    blind = found(view(ETH0, takes_routes=True), view(ETH1, bindings=(UNKNOWN,)), report=None, no_metadata="none")
    assert [one.kind for one in blind] == ["no-metadata", "no-gateway"]
    assert blind[0].text == "none"


def test_two_managers_of_one_nic() -> None:
    both = view(ETH0, holders=(NETWORKD, MANAGER))
    assert found(both, view(ETH1)) == [Finding("two-managers", ("eth0",), ("NetworkManager", "systemd-networkd"))]
    assert found(view(ETH0, holders=(NETWORKD, NETWORKD)), view(ETH1)) == []


def test_a_manager_that_runs_and_configures_no_nic() -> None:
    running = ("NetworkManager", "dhclient", "systemd-networkd")
    assert found(view(ETH0, holders=(NETWORKD,)), running=running) == [
        Finding("idle-manager", managers=("NetworkManager", "systemd-networkd"))
    ]
    assert found(view(ETH0, holders=(NETWORKD,)), view(ETH1, holders=(MANAGER,)), running=running) == []
    assert found(running=running) == []


def test_wrong_routes_in_what_cloud_init_wrote() -> None:
    verdicts = [RouteVerdict(ROUTE, one, "resolved") for one in ("kept", "moved", "removed", "left")]
    kept, moved, removed, left = verdicts
    assert found(correction=Correction((), tuple(verdicts))) == [
        Finding("wrong-configuration", verdicts=(moved, removed)),
        Finding("wrong-configuration-left", verdicts=(left,)),
    ]
    assert found(correction=Correction((), (kept,))) == []


@pytest.mark.parametrize("calls, installed, count", [(True, False, 1), (True, True, 0), (False, False, 0)])
def test_ifupdown_needs_its_route_command(calls: bool, installed: bool, count: int) -> None:
    files = (CorrectedFile("/a", "ifupdown", "x", "x", calls), CorrectedFile("/b", "ifupdown", "x", "x"))
    made = found(correction=Correction(files, ()), route_command=installed)
    assert made == [Finding("no-route-command")] * count


@pytest.mark.parametrize("state, count", [("configuring", 1), ("failed", 1), ("pending", 1), ("configured", 0)])
def test_a_nic_that_networkd_has_not_configured(state: str, count: int) -> None:
    held = view(ETH0, holders=(NETWORKD._replace(state=state),))
    assert found(held, view(ETH1)) == [Finding("not-configured", ("eth0",), ("systemd-networkd",), state)] * count


def test_a_default_route_of_a_dhcp_server_for_another_nic_than_the_elected_one() -> None:
    assert found(view(ETH0, takes_routes=True), view(ETH1, takes_routes=True)) == [Finding("use-routes", ("eth1",))]


@pytest.mark.parametrize(
    "manager, protocol, kinds",
    [
        ("NetworkManager", "dhcp", ["extra-default", "dhcp-default"]),
        ("ConnMan", "dhcp", ["extra-default"]),
        ("NetworkManager", "static", ["extra-default"]),
    ],
)
def test_a_default_that_a_dhcp_client_made(manager: str, protocol: str, kinds: List[str]) -> None:
    extra = report("wrong-subnet", f"{IN_PLACE}\ndefault via 11.8.0.1 dev eth1 proto {protocol} metric 101\n")
    made = found(view(ETH0), view(ETH1, holders=(Holder(manager, 3, "", ""),)), report=extra)
    assert [one.kind for one in made] == kinds
    assert made[-1].managers == (("NetworkManager",) if len(kinds) > 1 else ())


def test_a_gateway_that_no_source_names() -> None:
    assert found(view(ETH0), view(ETH1, bindings=(UNKNOWN,))) == [Finding("no-gateway", ("eth1",), binding=UNKNOWN)]
    assert found(view(ETH0), view(ETH1, bindings=(UNKNOWN._replace(network=None),))) == []
    assert found(view(ETH0), view(ETH1, bindings=(ISOLATED,))) == []  # an isolated network has none


def test_a_gateway_that_a_next_hop_would_have_to_be() -> None:
    resolution = FINE.resolution
    one = resolution.bindings[1]._replace(gateway=None, evidence=None)
    missed = Unresolved(resolution.resolved[0].host, "unknown-gateway", one, prefix("11.8.0.0/24"))
    decision = FINE.decision._replace(resolution=resolution._replace(unresolved=(missed,)))
    kinds = [
        one.kind for one in found(view(ETH0), view(ETH1, bindings=(one,)), report=FINE._replace(decision=decision))
    ]
    assert kinds[-1] == "no-gateway"


def test_leases_that_are_not_read() -> None:
    unread = Finding("unread-lease", ("eth1",), ("wicked",))
    running = ("dhclient", "wicked")
    assert unread in found(view(ETH0), view(ETH1, bindings=(UNKNOWN,)), running=running)
    assert unread not in found(view(ETH0), view(ETH1, bindings=(UNKNOWN,)), running=("dhclient",))
    assert unread not in found(view(ETH0), view(ETH1, bindings=(ISOLATED,)), running=running)
    lease = Lease("dhclient", "/a", parse_address("11.8.0.9"))
    assert unread not in found(view(ETH0), view(ETH1, bindings=(UNKNOWN,), lease=lease), running=running)


def test_strict_reverse_path_filters_of_documented_nics() -> None:
    known = tuple(FINE.resolution.bindings[:1])
    strict = view(ETH0, bindings=known, rp_filter=1)
    assert found(strict, view(ETH1, rp_filter=1)) == [Finding("rp-filter", ("eth0",))]
    assert found(strict) == []
    assert found(strict._replace(rp_filter=2), view(ETH1)) == []


def test_what_another_library_reads_otherwise() -> None:
    extra = Difference("extra-nic", "eth5")
    assert found(cross_checks=(CrossCheck("netifaces", "NIC", 2, (extra,)),)) == [
        Finding("cross-check", managers=("netifaces",), difference=extra)
    ]


def test_settings_that_are_wrong_come_first() -> None:
    made = found(settings_problems=("a", "b"), report=None, no_metadata="none")
    assert made[:2] == [Finding("settings-wrong", text="a"), Finding("settings-wrong", text="b")]


def test_a_metadata_service_that_answers_nobody() -> None:
    silent = [view(ETH0, metadata="HTTP 500"), view(ETH1, metadata="HTTP 500")]
    kept = FINE._replace(
        evidence=FINE.evidence._replace(
            document=FINE.document._replace(provenance=Provenance("last-known-good", first=FINE.document.provenance))
        )
    )
    wanted = Finding("metadata-unreachable", ("eth0", "eth1"), text="HTTP 500")
    assert found(*silent, report=kept, asks_http=True) == [wanted]
    assert found(*silent, report=kept) == []  # the settings don't ask it
    assert found(*silent, report=FINE, asks_http=True) == []  # another source has the document
    answering = view(ETH1, metadata=Provenance("http", "http://169.254.169.254", ("eth1",)))
    assert found(silent[0], answering, report=kept, asks_http=True) == []
    assert found(report=kept, asks_http=True) == [Finding("metadata-unreachable")]


def test_the_service() -> None:
    conflict = ConflictRecord(0.0, "11.11.0.0/16", 7, "ip", "end it")
    record = StatusRecord(7, "1", 0.0, conflicts=(conflict,))
    assert found(service=record, service_runs=True, unit="enabled") == [Finding("conflict", conflict=conflict)]
    calm = record._replace(conflicts=())
    assert found(service=calm, service_runs=True, service_overdue=True) == [Finding("service-overdue")]
    assert found(service=record, unit="enabled") == [Finding("service-ended")]
    assert found(unit="enabled") == [Finding("service-not-running")]
    assert found(unit="not-enabled") == [Finding("service-not-enabled")]
    assert found(withdrawn=True) == [Finding("withdrawn")]
