"""The `--json` documents against their published schemas, and what stands in them."""

from __future__ import annotations

from errno import EINVAL
from typing import Any, Dict

import pytest

from guest_routes.model.lease import Lease, LeaseSet
from guest_routes.model.network import parse_address
from guest_routes.model.network_data import SETTINGS, HostRoute, Problem
from guest_routes.model.operations import Add, Delete, Failure, Outcome, Promote, RemoveForeignDefault, RestoreDefault
from guest_routes.model.report import Discrepancy, Report, Withdrawal
from guest_routes.model.settings import Settings
from guest_routes.output.json_documents import (
    operation_json,
    report_json,
    unresolved_json,
    withdrawal_json,
)
from guest_routes.routing.decide import decide
from guest_routes.routing.planning.withdrawal import plan_withdrawal
from tests.support.iproute_text import parse_kernel
from tests.support.reports import ETH0, ETH1, IN_PLACE, assert_valid, evidence, prefix, report, route
from tests.support.situations import recorded

WAY = "networks[0].routes[1]: 11.8.0.1 is eth1's gateway (networks[1].routes[0])"
OVERRIDING = HostRoute(prefix("11.11.0.0/16"), parse_address("10.65.0.1"), "/etc/a.yaml", SETTINGS, 0)


def documented(command: str = "sync") -> Dict[str, Any]:
    value = report_json(report(), command)
    assert_valid(command, value)
    return value


@pytest.mark.parametrize("command", ["sync", "plan"])
def test_a_pass_fits_its_schema(command: str) -> None:
    assert documented(command)["schema"] == f"guest-routes/{command}/1"


def test_a_pass() -> None:
    value = documented()
    assert value["exit_code"] == 0
    assert value["metadata"] == {
        "source": "http",
        "where": "http://169.254.169.254 through eth0",
        "age_seconds": 0.0,
        "uuid": "",
    }
    (default,) = value["defaults"]
    assert default["verdict"] == "adopted"
    assert default["route"]["text"] == "default via 10.65.0.1 dev eth0 proto static"
    assert [one["text"] for one in default["extras"]] == ["default via 11.8.0.1 dev eth1 proto static"]
    assert value["routes"] == [
        {
            "verdict": "add",
            "route": {
                "text": "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes",
                "family": 4,
                "dst": "11.11.0.0/16",
                "gateway": "11.8.0.1",
                "dev": "eth1",
                "protocol": "guest-routes",
                "metric": 0,
                "flags": [],
            },
            "destination": "11.11.0.0/16",
            "next_hop": "11.8.0.1",
            "nic": "eth1",
            "source": "metadata",
            "place": "networks[0].routes[1]",
            "reason": WAY,
            "evidence": {"kind": "document", "text": "networks[1].routes[0]"},
            "competitor": None,
        }
    ]
    assert [(one["operation"], one["route"]["text"], one["reason"]) for one in value["changes"]] == [
        ("add", "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes", WAY),
        (
            "remove-foreign-default",
            "default via 11.8.0.1 dev eth1 proto static",
            "one default too many: eth0 has it",
        ),
    ]
    empty = (
        "unresolved",
        "overrides",
        "leases",
        "problems",
        "notes",
        "held",
        "staying",
        "failures",
        "unprogrammed",
        "warnings",
        "errors",
    )
    assert {name: value[name] for name in empty} == {name: [] for name in empty}


def test_everything_that_can_be_wrong_in_a_pass() -> None:
    old = Lease("dhclient", "/a", parse_address("11.8.0.9"), "eth1", ifindex=3, obtained=5.0, expires=40.0)
    found = report(
        "not-a-gateway", f"{IN_PLACE}\n11.11.0.0/16 via 10.65.0.9 dev eth0 proto static metric 5",
        Settings(routes=(OVERRIDING,)),
        leases=LeaseSet((old,), now=100.0), problems=(Problem("networks[1].routes[0]", "no gateway", True),),
        notes=(Problem("links[0]", "odd"),),
    )  # fmt: skip
    refused = Failure(Add(found.plan.routes[0].route), EINVAL, "Nexthop has invalid gateway")
    found = found._replace(
        outcome=Outcome(failures=(refused,)), errors=(Discrepancy("missing", found.plan.routes[0].route),)
    )
    value = report_json(found, "sync")
    assert_valid("sync", value)
    text = "11.11.0.0/16 via 10.65.0.1 dev eth0 proto guest-routes"
    (failure,) = value["failures"]
    assert (failure["errno"], failure["error"]) == (EINVAL, "Nexthop has invalid gateway")
    assert failure["route"]["text"] == text
    assert value["errors"] == [f"missing after the pass: {text}"]
    assert value["problems"] == [{"place": "networks[1].routes[0]", "text": "no gateway", "refused": True}]
    assert value["notes"] == ["links[0]: odd"]
    assert value["leases"] == [
        {
            "nic": "eth1",
            "client": "dhclient",
            "path": "/a",
            "obtained": 5.0,
            "expires": 40.0,
            "expired": True,
            "tells_routes": False,
        }
    ]
    assert [one["kind"] for one in value["unresolved"]] == ["overridden"]
    assert value["unresolved"][0]["by_choice"] is True
    assert value["overrides"] == [
        {
            "destination": "11.11.0.0/16",
            "chosen": {"next_hop": "10.65.0.1", "source": "settings", "place": "routes[0] of /etc/a.yaml"},
            "other": {"next_hop": "11.8.0.99", "source": "metadata", "place": "networks[1].routes[1]"},
            "rule": "settings go before metadata (`sources`)",
        }
    ]
    assert value["routes"][0]["competitor"]["text"] == "11.11.0.0/16 via 10.65.0.9 dev eth0 proto static metric 5"
    assert value["unprogrammed"] == ["networks[1].routes[0]: no gateway"]
    assert value["exit_code"] == 1


def test_held_routes_and_warnings() -> None:
    value = report_json(report({"links": [], "networks": []}, IN_PLACE), "plan")
    assert_valid("plan", value)
    assert [one["text"] for one in value["held"]] == ["11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"]
    assert len(value["warnings"]) == 1


def test_a_route_that_stays() -> None:
    """Its network is missing from the document, and another one still lists it."""
    whole = evidence("wrong-subnet", IN_PLACE)
    found = whole._replace(data=whole.data._replace(networks=whole.data.networks[:1]))
    value = report_json(Report(found, decide(found, Settings()), found.kernel), "sync")
    assert_valid("sync", value)
    (one,) = value["staying"]
    assert one["route"]["text"] == "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"
    assert one["reason"] == "networks[0].routes[1] lists it"


def test_a_host_route_without_a_nic() -> None:
    (missed,) = report("not-a-gateway").resolution.unresolved
    value = unresolved_json(missed)
    assert (value["kind"], value["by_choice"], value["next_hop"]) == ("not-a-gateway", False, "11.8.0.99")
    assert (value["source"], value["place"]) == ("metadata", "networks[1].routes[1]")


@pytest.mark.parametrize(
    "kind, name",
    [
        (Add, "add"),
        (Delete, "delete"),
        (Promote, "promote"),
        (RemoveForeignDefault, "remove-foreign-default"),
        (RestoreDefault, "restore-default"),
    ],
)
def test_what_operations_are_called(kind: Any, name: str) -> None:
    value = operation_json(kind(route("default via 11.8.0.1 dev eth1"), "rolled-back"), (ETH0, ETH1))
    assert (value["operation"], value["reason"]) == (name, "rolled back")
    assert value["route"]["text"] == "default via 11.8.0.1 dev eth1 proto boot"


def test_what_withdraw_did() -> None:
    written = parse_kernel(f"{IN_PLACE}\nrecorded default via 11.8.0.1 dev eth1 proto static\n")
    plan = plan_withdrawal(written.state, recorded(written.recorded), Settings())
    left = (plan.removals[0].route,)
    outcome = Outcome(plan.additions, failures=(Failure(plan.removals[0], EINVAL, "no"),))
    value = withdrawal_json(Withdrawal(plan, outcome, written.state, written.state, left))
    assert_valid("withdraw", value)
    assert value["exit_code"] == 1
    assert [one["operation"] for one in value["changes"]] == ["restore-default"]
    assert value["failures"][0]["error"] == "no"
    assert value["warnings"] == [
        "still there: 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes",
        "to remove by hand what is left: `ip -4 route flush table 254 proto 121`",
    ]
