"""`lint` for people and programs."""

from __future__ import annotations

from typing import List

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
        "! 11.11.0.0/16,11.8.0.99  (subnet A, 10.65.0.0/24)",
        "      11.8.0.99 is in subnet B, 11.8.0.0/24, but its gateway is 11.8.0.1",
        "      openstack subnet set --host-route destination=11.11.0.0/16,gateway=11.8.0.1 A",
        "      openstack subnet unset --host-route destination=11.11.0.0/16,gateway=11.8.0.99 A",
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
    assert [(one["kind"], one["text"]) for one in found["findings"]] == [
        ("metadata", "it leads the metadata service's address away, and the instance would lose its metadata"),
        ("no-subnet", "9.9.9.9 is in no subnet of this project, so it names no NIC"),
        ("duplicate", "subnet A lists it already"),
        ("conflict", "subnet A lists the same destination by 11.8.0.1, and an instance can have one of them only"),
    ]
    alone = (subnet(*B, "11.11.0.0/16,11.8.0.1"),)
    assert lint_json(alone, check(alone), 1)["findings"][0]["text"] == (
        "it has no effect: no other subnet has a gateway, so the default route leaves by 11.8.0.1 anyway"
    )


def test_a_name_that_is_not_one_subnets_alone_is_not_used() -> None:
    twice = (subnet(*A, "1.0.0.0/8,9.9.9.9"), subnet("2", "A", "11.8.0.0/24", "11.8.0.1"))
    assert lines(*twice)[-3].endswith(",gateway=9.9.9.9 1")
    assert lines(subnet("3", "", "10.65.0.0/24", "10.65.0.1", "1.0.0.0/8,9.9.9.9"))[-3].endswith(" 3")


def test_a_hostile_name_is_one_word_and_moves_no_cursor() -> None:
    shown = lines(subnet("1", "a\x1b[2J; $(reboot)", "10.65.0.0/24", "10.65.0.1", "1.0.0.0/8,9.9.9.9"))
    assert shown[-3].endswith(r" 'a\x1b[2J; $(reboot)'")
    assert "\x1b" not in shown[1] + shown[-3]
