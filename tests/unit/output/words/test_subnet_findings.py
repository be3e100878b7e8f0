"""`lint` for people and programs."""

from __future__ import annotations

from typing import List

import pytest

from guest_routes.model.network import parse_address, parse_prefix
from guest_routes.model.subnet import Subnet, SubnetRoute
from guest_routes.neutron.check import check
from guest_routes.output.words.subnet_findings import lint_json, lint_lines


def subnet(id: str, name: str, prefix: str, gateway: str, *routes: str) -> Subnet:
    pairs = [route.split(",") for route in routes]
    read = tuple(SubnetRoute(parse_prefix(to), parse_address(by)) for to, by in pairs)
    return Subnet(id, name, "p", parse_prefix(prefix), parse_address(gateway), read)


def lines(*subnets: Subnet) -> List[str]:
    return lint_lines(subnets, check(subnets))


A = ("1", "A", "10.65.0.0/24", "10.65.0.1")
B = ("2", "B", "11.8.0.0/24", "11.8.0.1")


def test_nothing_found() -> None:
    assert lines(subnet(*A, "11.11.0.0/16,11.8.0.1"), subnet(*B)) == ["nothing found in 1 host route of 2 subnets"]


def test_a_finding_with_commands_to_paste() -> None:
    assert lines(subnet(*A, "11.11.0.0/16,11.8.0.99"), subnet(*B)) == [
        "! 11.11.0.0/16,11.8.0.99  (subnet A, ID 1, 10.65.0.0/24)",
        "      11.8.0.99 is in subnet B, 11.8.0.0/24, but its gateway is 11.8.0.1",
        "      openstack subnet set --host-route destination=11.11.0.0/16,gateway=11.8.0.1 1",
        "      openstack subnet unset --host-route destination=11.11.0.0/16,gateway=11.8.0.99 1",
        "",
        "1 finding in 1 host route of 2 subnets",
    ]


def test_every_kind_in_a_sentence() -> None:
    found = lint_json(
        subnets := (
            subnet(*A, "11.11.0.0/16,11.8.0.1", "169.254.0.0/16,11.8.0.1", "1.0.0.0/8,9.9.9.9"),
            subnet(*B, "11.11.0.0/16,11.8.0.1", "11.11.0.0/16,10.65.0.1"),
        ),
        check(subnets),
        1,
    )
    condition = "unset it only if no instance has a NIC in B and none in A"
    one_only = "and an instance can have one of them only"
    assert [(one["kind"], one["text"]) for one in found["findings"]] == [
        ("metadata", "it leads the metadata service's address away, and the instance would lose its metadata"),
        ("no-subnet", "9.9.9.9 is in no subnet of this project, and no gateway of another one, so it names no NIC"),
        ("duplicate", f"subnet A lists it too, and an instance with NICs in both needs it once; {condition}"),
        ("conflict", f"subnet A lists the same destination by 11.8.0.1, {one_only}; {condition}"),
    ]
    twice = (subnet(*A, "11.11.0.0/16,11.8.0.1", "11.11.0.0/16,10.65.0.1"), subnet(*B))
    assert lint_json(twice, check(twice), 1)["findings"][0]["text"] == (
        f"subnet A lists the same destination by 11.8.0.1, {one_only}"
    )
    alone = (subnet(*B, "11.11.0.0/16,11.8.0.1"),)
    assert lint_json(alone, check(alone), 1)["findings"][0]["text"] == (
        "it has no effect: no other subnet has a gateway, so the default route leaves by 11.8.0.1 anyway"
    )


@pytest.mark.parametrize("name", ["2", "-x", "--no-host-route", "a\u202eb", "a\nb", "a\x1b[2J; $(reboot)", "~root", ""])
def test_a_name_is_in_no_command(name: str) -> None:
    """Tenants choose names: another subnet's ID, an option of the client's, or characters that a terminal obeys."""
    subnets = (subnet("1", name, "10.65.0.0/24", "10.65.0.1", "1.0.0.0/8,11.8.0.99"), subnet(*B))
    shown = lines(*subnets)
    assert shown[2:4] == [
        "      openstack subnet set --host-route destination=1.0.0.0/8,gateway=11.8.0.1 1",
        "      openstack subnet unset --host-route destination=1.0.0.0/8,gateway=11.8.0.99 1",
    ]
    assert all(line.isprintable() for line in shown)
    assert lint_json(subnets, check(subnets), 1)["findings"][0]["commands"] == [line.strip() for line in shown[2:4]]


def test_the_heading_has_what_the_commands_have() -> None:
    assert lines(subnet("1", "a\x1b[2J", "10.65.0.0/24", "10.65.0.1", "1.0.0.0/8,9.9.9.9"))[0] == (
        r"! 1.0.0.0/8,9.9.9.9  (subnet a\x1b[2J, ID 1, 10.65.0.0/24)"
    )
    assert "(subnet 3, 10.65.0.0/24)" in lines(subnet("3", "", "10.65.0.0/24", "10.65.0.1", "1.0.0.0/8,9.9.9.9"))[0]
