"""`doctor` for people and as JSON."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

import pytest

from guest_routes.model.decision import Binding
from guest_routes.model.diagnosis.inspection import (
    CrossCheck,
    Difference,
    Finding,
    Holder,
    Inspection,
    NicView,
    SourceAnswer,
)
from guest_routes.model.document import Provenance
from guest_routes.model.lease import Lease, LeaseRoute, Option
from guest_routes.model.network import Lookup, Nic, parse_address
from guest_routes.output.diagnosis.doctor import doctor_json, doctor_lines
from guest_routes.output.folding import laid_out
from tests.support.iproute_text import parse_route
from tests.support.reports import ETH0, ETH1, IN_PLACE, assert_fits, assert_valid, prefix, report, route

REPORT = report("wrong-subnet", IN_PLACE)
LEASE = Lease("dhclient", "/a", parse_address("11.8.0.9"), "eth1", routers=(parse_address("11.8.0.1"),))
ANSWERS = Provenance("http", "http://169.254.169.254", ("eth0",))
SAME = (CrossCheck("netifaces", "NIC", 2), CrossCheck("pyroute2", "route", 1))


def bindings(nic: Nic) -> tuple[Binding, ...]:
    return tuple(one for one in REPORT.resolution.bindings if one.nic and one.nic.ifindex == nic.ifindex)


def view(nic: Nic, **fields: Any) -> NicView:
    found: Dict[str, Any] = {
        "nic": nic, "bindings": bindings(nic), "holders": (), "lease": None, "metadata": None, "rp_filter": 0,
        "takes_routes": False,
    }  # fmt: skip
    return NicView(**{**found, **fields})


def inspection(*views: NicView, **fields: Any) -> Inspection:
    found: Dict[str, Any] = {
        "report": REPORT, "no_metadata": "", "running": (), "correction": None, "cross_checks": SAME,
        "route_command": True,
    }  # fmt: skip
    return Inspection(views, **{**found, **fields})


def lines_of(seen: Inspection, found: Sequence[Finding] = ()) -> List[str]:
    lines = laid_out(doctor_lines(seen, found))
    assert_fits(lines)
    assert_valid("doctor", doctor_json(seen, found))
    return lines


def test_a_machine_with_nothing_wrong() -> None:
    eth0 = view(ETH0, holders=(Holder("systemd-networkd", 2, "configured", "/etc/a.network"),), metadata=ANSWERS)
    eth1 = view(ETH1, lease=LEASE, metadata="eth1: no answer within 5 s")
    assert lines_of(inspection(eth0, eth1, running=("dhclient", "systemd-networkd"))) == [
        "metadata     http://169.254.169.254 through eth0, just now",
        "default      IPv4 10.65.0.1 dev eth0: the first network with a documented",
        "             default on a NIC that is up: networks[0], eth0; its gateway:",
        "             networks[0].routes[0]",
        "running      dhclient, systemd-networkd",
        "",
        "eth0         fa:16:3e:00:00:01  10.65.0.7/24",
        "  gateway    10.65.0.1 (networks[0].routes[0])",
        "  manager    systemd-networkd configured by /etc/a.network",
        "  metadata   answers (http://169.254.169.254 through eth0)",
        "",
        "eth1         fa:16:3e:00:00:02  11.8.0.9/24",
        "  gateway    11.8.0.1 (networks[1].routes[0])",
        "  manager    unknown",
        "  lease      11.8.0.9, router 11.8.0.1 (dhclient, /a)",
        "  metadata   no answer: eth1: no answer within 5 s",
        "",
        "cross-check  netifaces reads the same 2 NICs; pyroute2 reads the same 1 route",
        "",
        "nothing found",
    ]


def test_the_same_as_json() -> None:
    eth0 = view(ETH0, holders=(Holder("ifupdown", 2, "", ""),), metadata=ANSWERS, rp_filter=2)
    value = doctor_json(inspection(eth0, view(ETH1, lease=LEASE, metadata="no"), view(ETH1)), ())
    assert_valid("doctor", value)
    assert (value["exit_code"], value["findings"]) == (0, [])
    assert value["defaults"][0]["nic"] == "eth0"
    assert value["nics"][0]["managers"] == [{"manager": "ifupdown", "state": "", "file": ""}]
    assert [nic["metadata_answers"] for nic in value["nics"]] == [True, False, False]
    assert [nic["metadata"] for nic in value["nics"]] == [
        "answers (http://169.254.169.254 through eth0)", "no answer: no", ""
    ]  # fmt: skip
    assert [nic["lease"] for nic in value["nics"]] == [None, "eth1's DHCP lease (dhclient, /a)", None]
    assert value["cross_checks"][0] == {"library": "netifaces", "installed": True, "differs": []}


@pytest.mark.parametrize(
    "classless, said",
    [
        (None, "router 11.8.0.1, 11.8.0.2"),
        ((), "router none, since option 121 does away with 11.8.0.1, 11.8.0.2"),
        ((LeaseRoute(prefix("0.0.0.0/0"), parse_address("11.8.0.3")),), "router 11.8.0.3"),
    ],
)
def test_the_router_of_a_lease_is_the_one_that_its_default_leads_by(classless: Any, said: str) -> None:
    option = None if classless is None else Option(classless)
    routers = (parse_address("11.8.0.1"), parse_address("11.8.0.2"))
    lines = lines_of(inspection(view(ETH1, lease=LEASE._replace(routers=routers, classless=option))))
    assert f"  lease      11.8.0.9, {said} (dhclient, /a)" in " ".join(lines).replace("              ", " ")


def test_a_nic_that_nothing_is_known_of() -> None:
    down = ETH0._replace(up=False, addresses=(prefix("fe80::1/64"),))
    unknown = bindings(ETH1)[0]._replace(gateway=None, evidence=None)
    no_routers = LEASE._replace(routers=())
    lines = lines_of(
        inspection(view(down, bindings=()), view(ETH1._replace(running=False), bindings=(unknown,), lease=no_routers))
    )
    assert lines[6:11] == [
        "eth0         fa:16:3e:00:00:01  no address  down",
        "  gateway    no network of the metadata is on this NIC",
        "  manager    unknown",
        "  metadata   not asked: down, or a port of another NIC",
        "",
    ]
    assert "running      no known network manager or DHCP client" in lines
    assert "eth1         fa:16:3e:00:00:02  11.8.0.9/24  no carrier" in lines
    assert "  gateway    unknown" in lines
    assert "  lease      11.8.0.9, router none (dhclient, /a)" in lines
    value = doctor_json(inspection(view(ETH1, bindings=(unknown,))), ())
    assert value["nics"][0]["gateways"] == [{"family": 4, "gateway": None, "evidence": ""}]


def test_a_nic_that_ignore_nics_covers() -> None:
    lines = lines_of(inspection(view(ETH0, bindings=(), metadata=None, ignored=True)))
    assert "  gateway    not looked for: `ignore_nics` covers this NIC" in lines
    assert "  metadata   not asked: `ignore_nics` covers it" in lines


def test_findings_each_with_what_to_do() -> None:
    found = (Finding("missing-routes", missing=1), Finding("rp-filter", ("eth0",)))
    lines = lines_of(inspection(view(ETH0)), found)
    assert lines[-7:] == [
        "2 findings:",
        "! 1 route of the document not in place",
        "      -> `guest-routes sync`; `guest-routes plan` shows which",
        "! strict rp_filter on eth0: packets are dropped whose replies leave by another",
        "  NIC",
        "      -> `sysctl -w net.ipv4.conf.all.rp_filter=2`, and the same in",
        "         /etc/sysctl.d",
    ]
    value = doctor_json(inspection(view(ETH0)), found)
    assert value["exit_code"] == 1
    assert [one["kind"] for one in value["findings"]] == ["missing-routes", "rp-filter"]
    assert value["findings"][0]["remedy"] == "`guest-routes sync`; `guest-routes plan` shows which"


def test_without_metadata() -> None:
    extra = Difference("extra-route", route=route("default via 10.65.0.1 dev eth0"))
    checks = (CrossCheck("netifaces", "NIC"), CrossCheck("pyroute2", "route", 3, (extra,)))
    blind = inspection(view(ETH0, bindings=()), report=None, no_metadata="cannot find it", cross_checks=checks)
    found = (Finding("no-metadata", text="cannot find it"),)
    lines = lines_of(blind, found)
    assert lines[0] == "metadata     none; the first finding says why"
    assert "not checked  netifaces not installed, or too old" in lines
    assert [line for line in lines if line.startswith(("cross-check", "default"))] == []
    assert "1 finding:" in lines
    value = doctor_json(blind, found)
    assert (value["metadata"], value["no_metadata"], value["defaults"]) == (None, "cannot find it", [])
    assert value["cross_checks"] == [
        {"library": "netifaces", "installed": False, "differs": []},
        {
            "library": "pyroute2",
            "installed": True,
            "differs": ["has a further route: default via 10.65.0.1 dev eth0 proto boot"],
        },
    ]


def test_a_library_that_fails_is_a_finding() -> None:
    failed = CrossCheck("pyroute2", "route", 0, (Difference("unread", reason="Too many open files"),))
    found = (Finding("cross-check", managers=("pyroute2",), difference=failed.differences[0]),)
    seen = inspection(view(ETH0), cross_checks=(SAME[0], failed))
    lines = lines_of(seen, found)
    assert "cross-check  netifaces reads the same 2 NICs" in lines
    assert [line for line in lines if "not installed" in line] == []
    value = doctor_json(seen, found)
    assert value["cross_checks"][1]["installed"] is True
    assert value["findings"][0]["what"] == "pyroute2 is installed and can't be used: Too many open files"
    assert "report it as a bug" not in value["findings"][0]["remedy"]


@pytest.mark.parametrize(
    "main, said",
    [
        ("default dev eth9 scope link", "which sends them through no NIC of the metadata"),
        ("unreachable default", "which sends them through no NIC of the metadata"),
        (
            "default nexthop via 10.65.0.1 dev eth0 nexthop via 10.9.0.1 dev eth9",
            "whose route leads through eth0 and eth9, and the metadata doesn't describe eth9",
        ),
        ("default via 10.65.0.1 dev eth0 src 11.8.0.9", "whose route through eth0 is for them"),
    ],
)
def test_why_source_routing_leaves_answers_to_main(main: str, said: str) -> None:
    nics = (ETH0, ETH1, ETH0._replace(ifindex=9, name="eth9"))
    seen = REPORT._replace(evidence=REPORT.evidence._replace(kernel=REPORT.before._replace(nics=nics)))
    host = parse_address("203.0.113.9")
    answer = SourceAnswer(parse_address("11.8.0.9"), host, Lookup(host, 2), thrown=parse_route(main, nics))
    text = " ".join(" ".join(lines_of(inspection(view(ETH1, answers=(answer,)), report=seen))).split())
    assert f"leave by eth0; source routing leaves them to the main table, {said} " in text
