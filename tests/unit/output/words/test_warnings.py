"""What an operator should know although nothing failed."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from guest_routes.model.document import Document, Provenance
from guest_routes.model.lease import Lease, LeaseRoute, LeaseSet, Option
from guest_routes.model.network import parse_address
from guest_routes.model.network_data import Problem
from guest_routes.output.words.warnings import warning_texts
from tests.support.lab import document
from tests.support.reports import IN_PLACE, NICS, prefix, report

DHCP_0 = (
    "the metadata omits eth0's routes (networks[0], type ipv4_dhcp; Nova 27.3 and later omit routes of DHCP subnets); "
)
DHCP_1 = "the metadata omits eth1's routes (networks[1], type ipv4_dhcp); "


def lease(nic: str, expires: float = 200.0) -> Lease:
    ifindex, gateway = {"eth0": (2, "10.65.0.1"), "eth1": (3, "11.8.0.1")}[nic]
    option = Option((LeaseRoute(prefix("0.0.0.0/0"), parse_address(gateway)),))
    path = f"/var/lib/dhcp/{nic}"
    return Lease("dhclient", path, parse_address(gateway), nic, ifindex=ifindex, classless=option, expires=expires)


def test_a_pass_with_nothing_odd_warns_of_nothing() -> None:
    assert warning_texts(report()) == []


def test_without_leases_it_asks_for_the_gateways() -> None:
    setting = (
        "its gateway and its host routes are unknown (no DHCP lease found); set the gateway: `gateways: {%s: ADDRESS}`"
    )
    found = report("dhcp", NICS, leases=LeaseSet())
    assert warning_texts(found) == [DHCP_0 + setting % "eth0", DHCP_1 + setting % "eth1"]


def test_what_is_used_instead_of_what_the_metadata_omits() -> None:
    kernel = f"{NICS}\ndefault via 11.8.0.1 dev eth1 proto dhcp\n"
    found = report("dhcp", kernel, leases=LeaseSet((lease("eth0"),), now=100.0))
    assert warning_texts(found) == [
        f"{DHCP_0}using its DHCP lease (dhclient, /var/lib/dhcp/eth0), option 121[0]",
        f"{DHCP_1}using the kernel's default route: default via 11.8.0.1 dev eth1; its host routes are unknown",
    ]


def test_a_lease_that_names_no_gateway_is_not_asked_for() -> None:
    no_routes = lease("eth0")._replace(classless=None)
    found = report("dhcp", NICS, leases=LeaseSet((no_routes, lease("eth1")), now=100.0))
    assert warning_texts(found)[0] == f"{DHCP_0}its gateway and its host routes are unknown"
    assert warning_texts(report("dhcp", NICS))[1] == f"{DHCP_1}its gateway and its host routes are unknown"


def test_a_lease_whose_router_can_be_none() -> None:
    own = Option((LeaseRoute(prefix("0.0.0.0/0"), parse_address("10.65.0.7")),))
    found = report("dhcp", NICS, leases=LeaseSet((lease("eth0")._replace(classless=own), lease("eth1")), now=100.0))
    label = "10.65.0.7, the router of its DHCP lease (dhclient, /var/lib/dhcp/eth0)"
    assert warning_texts(found)[0] == f"{DHCP_0}{label}, is eth0's own address, so its gateway is unknown"
    only_router = lease("eth0")._replace(classless=None, routers=(parse_address("224.0.0.1"),))
    found = report("dhcp", NICS, leases=LeaseSet((only_router, lease("eth1")), now=100.0))
    label = "224.0.0.1, the router of its DHCP lease (dhclient, /var/lib/dhcp/eth0)"
    unknown = "can't be its gateway, so its gateway is unknown; its host routes are unknown"
    assert warning_texts(found)[0] == f"{DHCP_0}{label}, {unknown}"


def test_leases_that_have_expired() -> None:
    found = report("dhcp", NICS, leases=LeaseSet((lease("eth0", 50.0), lease("eth1")), now=100.0))
    assert warning_texts(found)[2:] == [
        "eth0's DHCP lease (dhclient, /var/lib/dhcp/eth0) has expired and is still used; its DHCP client may "
        "have stopped"
    ]


def test_leases_in_place_of_the_metadata() -> None:
    data = document("dhcp").read_bytes()
    found = report("dhcp", NICS, document=Document(data, Provenance("leases", "", ("eth0", "eth1"))), leases=LeaseSet())
    assert warning_texts(found) == [
        "no metadata: using the DHCP leases of eth0, eth1; `guest-routes sync` uses the metadata once it can be fetched"
    ]


def without_host_routes() -> Dict[str, Any]:
    value: Dict[str, Any] = json.loads(document("wrong-subnet").read_text())
    for network in value["networks"]:
        network["routes"] = [one for one in network["routes"] if one["network"] == "0.0.0.0"]
    return value


def held(count: int) -> List[str]:
    others = "\n".join(
        f"11.{number}.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes" for number in range(20, 19 + count)
    )
    return warning_texts(report(without_host_routes(), f"{IN_PLACE}\n{others}\n"))


def test_routes_of_ours_stay_where_the_document_may_be_partial() -> None:
    assert held(12) == [
        "the document may be partial: 12 of our 12 routes would go at once; 12 routes of ours stay until 3 "
        "fetches in a "
        "row agree (or --accept-withdrawals)"
    ]


def test_an_empty_document() -> None:
    (only,) = warning_texts(report({"links": [], "networks": []}, IN_PLACE))
    assert "may be partial: it has no networks; 1 route of ours stays until 3 fetches" in only
    (none,) = warning_texts(report({"links": [], "networks": []}, NICS))
    assert "it has no networks; nothing is withdrawn until 3 fetches" in none


def test_oddities_and_what_could_not_be_kept() -> None:
    problems = (Problem("links[0]", "no MAC"), Problem("networks[1].routes[0]", "no gateway", True))
    found = report(problems=problems)._replace(state_errors=("cannot write /var/lib/guest-routes/a: full",))
    assert warning_texts(found) == ["links[0]: no MAC", "cannot write /var/lib/guest-routes/a: full"]
