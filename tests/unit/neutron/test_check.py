"""What is found among subnets, and that nothing is found once the commands have been run."""

from __future__ import annotations

import random
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

import pytest

from guest_routes.model.network import address_text, parse_address, parse_prefix
from guest_routes.model.subnet import Correction, Subnet, SubnetRoute
from guest_routes.neutron.check import check


def route(text: str) -> SubnetRoute:
    destination, next_hop = text.split(",")
    return SubnetRoute(parse_prefix(destination), parse_address(next_hop))


def subnet(name: str, prefix: str, gateway: Optional[str], *routes: str, project: str = "p") -> Subnet:
    """One subnet; its id is its project and name."""
    by = parse_address(gateway) if gateway else None
    return Subnet(f"{project}-{name}", name, project, parse_prefix(prefix), by, tuple(map(route, routes)))


def a(*routes: str) -> Subnet:
    return subnet("A", "10.65.0.0/24", "10.65.0.1", *routes)


def b(*routes: str) -> Subnet:
    return subnet("B", "11.8.0.0/24", "11.8.0.1", *routes)


def shown(one: Correction) -> str:
    verb = "set" if one.add else "unset"
    return f"{verb} {one.route.destination},{address_text(one.route.next_hop)} {one.subnet}"


def found(*subnets: Subnet) -> List[Tuple[str, str, List[str]]]:
    """Kind, subnet, and commands of each finding."""
    return [(one.kind, str(one.subnet), [shown(fix) for fix in one.corrections]) for one in check(subnets)]


RIGHT, WRONG = "11.11.0.0/16,11.8.0.1", "11.11.0.0/16,11.8.0.99"


@pytest.mark.parametrize(
    "subnets",
    [
        (a(), b(RIGHT)),
        (a(RIGHT), b()),
        (a("0.0.0.0/0,11.8.0.1"), b()),
        (a("169.254.169.254/32,10.65.0.2"), b()),  # Neutron's DHCP port
        (a("10.1.0.0/16,10.66.0.9"), b(), subnet("C", "10.66.0.0/24", None)),  # R3: nobody names another gateway
        (subnet("A", "fd00:65::/64", "fe80::1"), subnet("B", "fd00:8::/64", "fd00:8::1", "fd00:77::/32,fe80::1")),
        (a(RIGHT)._replace(project="q"), b()._replace(project="q")),
        (),
    ],
)  # fmt: skip
def test_nothing_is_found_where_nothing_is_wrong(subnets: Sequence[Subnet]) -> None:
    assert found(*subnets) == []


def test_a_next_hop_that_is_not_the_gateway_of_its_subnet() -> None:
    fix = ["set 11.11.0.0/16,11.8.0.1 A", "unset 11.11.0.0/16,11.8.0.99 A"]
    assert found(a(WRONG), b()) == [("no-gateway", "A", fix)]
    assert found(b(WRONG), a()) == [("no-gateway", "B", [one.replace(" A", " B") for one in fix])]


def test_it_only_goes_where_the_right_one_is_listed_or_proposed() -> None:
    gone = "unset 11.11.0.0/16,11.8.0.99"
    assert found(a(WRONG, RIGHT), b()) == [("no-gateway", "A", [f"{gone} A"])]
    assert found(a(WRONG), b(RIGHT)) == [("no-gateway", "A", [f"{gone} A"])]
    both = found(a(WRONG), b(WRONG))
    assert both == [
        ("no-gateway", "A", ["set 11.11.0.0/16,11.8.0.1 A", f"{gone} A"]),
        ("no-gateway", "B", [f"{gone} B"]),
    ]


def test_a_next_hop_in_no_subnet() -> None:
    fix = ["unset 11.11.0.0/16,11.8.0.1 A"]
    assert found(a(RIGHT)) == [("no-subnet", "A", fix)]
    assert found(a(RIGHT), subnet("B", "11.8.0.0/24", "11.8.0.9", project="q")) == [("no-subnet", "A", fix)]


def test_another_projects_network_may_be_shared_with_this_one() -> None:
    shared = subnet("S", "11.8.0.0/24", "11.8.0.1", project="admin")
    assert found(a(RIGHT), shared) == [], "its gateway is a next hop"
    assert found(a("11.11.0.0/16,10.65.0.1"), shared) == [], "its gateway may have the default route"
    six = subnet("S", "fd00:8::/64", "fd00:8::1", project="admin")
    assert found(b(RIGHT), six) == [("no-effect", "B", ["unset 11.11.0.0/16,11.8.0.1 B"])], "of its family"


def test_the_longest_prefix_is_the_next_hops_subnet() -> None:
    wide = subnet("W", "11.0.0.0/8", "11.0.0.1")
    assert found(a(WRONG), wide, b())[0][2][0] == "set 11.11.0.0/16,11.8.0.1 A"


def test_twice_and_by_another_gateway() -> None:
    assert found(a(RIGHT), b(RIGHT)) == [("duplicate", "B", ["unset 11.11.0.0/16,11.8.0.1 B"])]
    other = "11.11.0.0/16,10.65.0.1"
    assert found(a(other), b(RIGHT)) == [("conflict", "B", ["unset 11.11.0.0/16,11.8.0.1 B"])]
    assert found(a(RIGHT, other), b()) == [("conflict", "A", ["unset 11.11.0.0/16,10.65.0.1 A"])]


@pytest.mark.parametrize("destination", ["169.254.0.0/16", "169.254.169.254/31", "128.0.0.0/1"])
def test_the_metadata_address_is_led_away(destination: str) -> None:
    assert found(a(), b(f"{destination},11.8.0.1")) == [("metadata", "B", [f"unset {destination},11.8.0.1 B"])]


def test_a_subnet_alone() -> None:
    fix = ["unset 11.11.0.0/16,11.8.0.1 B"]
    assert found(b(RIGHT)) == [("no-effect", "B", fix)]
    six = subnet("S", "fd00:8::/64", "fd00:8::1")
    assert found(b(RIGHT), six, subnet("N", "10.66.0.0/24", None)) == [("no-effect", "B", fix)], "of its family"
    assert found(b(WRONG)) == [("no-gateway", "B", ["unset 11.11.0.0/16,11.8.0.99 B"])], "nothing to put in its place"


# ---- followed -----------------------------------------------------------------------------------------


def followed(subnets: Iterable[Subnet], corrections: Iterable[Correction]) -> List[Subnet]:
    """The subnets after the commands, as Neutron carries them out: `set` appends, `unset` takes away."""
    by_id: Dict[str, Subnet] = {one.id: one for one in subnets}
    for one in corrections:
        now = by_id[one.subnet.id]
        if one.add:
            assert one.route not in now.routes, "Neutron refuses a second one"
            routes = (*now.routes, one.route)
        else:
            assert one.route in now.routes, "Neutron refuses to take away what is not there"
            routes = tuple(route for route in now.routes if route != one.route)
        by_id[one.subnet.id] = now._replace(routes=routes)
    return list(by_id.values())


@pytest.mark.parametrize("seed", range(300))
def test_once_the_commands_have_been_run_nothing_is_found(seed: int) -> None:
    dice = random.Random(seed)
    destinations = ["11.11.0.0/16", "11.12.0.0/16", "169.254.0.0/16", "169.254.169.254/32", "0.0.0.0/0"]
    next_hops = ["10.65.0.1", "10.65.0.9", "11.8.0.1", "11.8.0.9", "10.66.0.5", "9.9.9.9"]
    subnets: List[Subnet] = []
    kinds: List[Tuple[str, str, List[Optional[str]]]] = [
        ("A", "10.65.0.0/24", ["10.65.0.1", None]), ("B", "11.8.0.0/24", ["11.8.0.1", None]),
        ("C", "10.66.0.0/24", [None]),
        ("D", "11.8.0.0/16", ["11.8.200.1"]),
    ]  # fmt: skip
    for name, prefix, gateways in kinds:
        pairs = {f"{dice.choice(destinations)},{dice.choice(next_hops)}" for _ in range(dice.randrange(5))}
        if dice.random() < 0.8:
            subnets.append(subnet(name, prefix, dice.choice(gateways), *sorted(pairs), project=dice.choice("pq")))
    findings = check(subnets)
    assert [one for one in findings if not one.corrections] == []
    assert check(followed(subnets, (fix for one in findings for fix in one.corrections))) == []
