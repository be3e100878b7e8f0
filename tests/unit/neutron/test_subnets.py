"""Subnets read: the client's columns and the API's names, and errors that name the place."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest

from guest_routes.errors import SettingsError
from guest_routes.model.network import parse_address, parse_prefix
from guest_routes.model.subnet import Subnet, SubnetRoute
from guest_routes.neutron.subnets import parse

COLUMNS: Dict[str, Any] = {
    "ID": "d3f4", "Name": "A", "Network": "a9bc", "Subnet": "10.65.0.0/24", "Project": "p", "DHCP": False,
    "Host Routes": [{"destination": "11.11.0.0/16", "nexthop": "11.8.0.1"}], "IP Version": 4, "Gateway": "10.65.0.1",
}  # fmt: skip
API: Dict[str, Any] = {
    "id": "d3f4", "name": "A", "network_id": "a9bc", "cidr": "10.65.0.0/24", "project_id": "p", "enable_dhcp": False,
    "host_routes": [{"destination": "11.11.0.0/16", "nexthop": "11.8.0.1"}], "gateway_ip": "10.65.0.1",
}  # fmt: skip
READ = Subnet(
    "d3f4", "A", "p", parse_prefix("10.65.0.0/24"), parse_address("10.65.0.1"),
    (SubnetRoute(parse_prefix("11.11.0.0/16"), parse_address("11.8.0.1")),),
)  # fmt: skip


@pytest.mark.parametrize("document", [[COLUMNS], [API], {"subnets": [API]}])
def test_the_client_and_the_api_say_the_same(document: object) -> None:
    assert parse(json.dumps(document), "x") == (READ,)
    assert parse(json.dumps(document).encode(), "x") == (READ,)


@pytest.mark.parametrize("gateway", [None, ""])
def test_a_subnet_without_a_gateway_or_a_name(gateway: object) -> None:
    (found,) = parse(json.dumps([{**COLUMNS, "Gateway": gateway, "Name": "", "Host Routes": []}]), "x")
    assert (found.gateway, str(found), found.routes) == (None, "d3f4", ())


def test_the_other_family_and_a_route_as_the_client_shows_it_to_people() -> None:
    routes = [{"destination": "fd00:77:1::/32", "gateway": "fe80::1"}]
    (found,) = parse(
        json.dumps([{**COLUMNS, "Subnet": "fd00:65::/64", "Gateway": "fe80::1", "Host Routes": routes}]), "x"
    )
    assert [str(one.destination) for one in found.routes] == ["fd00:77::/32"], "host bits are none of the prefix"
    assert found.routes[0].next_hop == found.gateway == parse_address("fe80::1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "x:1:1: not JSON: Expecting value; `openstack subnet list --long -f json` prints what is wanted"),
        ("[" * 100_000, "x: not JSON: "),
        ("9" * 5_000, "x: "),
        (b"\xff", "x: not JSON: "),
        ("3", "x: not a list of subnets; `openstack subnet list"),
        ("{}", "x: not a list of subnets"),
        ("[3]", r"x: \[0\]: not an object"),
        ('[{"ID": "1"}]', r"x: \[0\]: has no 'Name' or 'name'; `openstack subnet list --long"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_subnets(text: object, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse(text, "x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"Subnet": "10.65.0.0/33"}, r"x: \[1\].Subnet: must be a prefix such as 10.65.0.0/24, not '10.65.0.0/33'"),
        ({"Subnet": 3}, r"\[1\].Subnet: must be a prefix"),
        ({"Gateway": "here"}, r"\[1\].Gateway: must be an IP address, not 'here'"),
        ({"Host Routes": "a,b"}, r"\[1\].Host Routes: must be a list, not 'a,b'"),
        ({"Host Routes": [3]}, r"\[1\].Host Routes\[0\]: must be an object with destination and nexthop, not 3"),
        ({"Host Routes": [{"destination": "\x1b[2J", "nexthop": "11.8.0.1"}]},
         r"Routes\[0\].destination: must be a prefix such as 11.11.0.0/16, not '\\x1b\[2J'"),
        ({"Host Routes": [{"destination": "11.11.0.0/16"}]}, r"Routes\[0\].nexthop: must be an IP address, not None"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_place(change: Dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse(json.dumps([COLUMNS, {**COLUMNS, **change}]), "x")
