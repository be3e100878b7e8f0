"""The order among equals: where it was, and what brings it back."""

from __future__ import annotations

from typing import List, Sequence

import pytest

from guest_routes.model.evidence import RecordedDefault
from guest_routes.model.network import OUR_PROTOCOL, KernelState, Nic, Route, parse_address, parse_prefix
from guest_routes.model.operations import (
    Add,
    Delete,
    MoveDefault,
    Operation,
    Outcome,
    RemoveForeignDefault,
    RestoreDefault,
)
from guest_routes.routing.planning.restoration import as_before, former_order, restorations, undoable

MANAGED = frozenset({2, 3})


def v4(name: str) -> Route:
    """a and b through eth0, c and d through eth1, v and w through a NIC outside the metadata."""
    ifindex = {"a": 2, "b": 2, "c": 3, "d": 3, "v": 9, "w": 9}[name]
    return Route(parse_prefix("0.0.0.0/0"), bytes([10, 0, 0, ord(name)]), ifindex, protocol=4)


def v6(name: str, weight: int = 1) -> Route:
    gateway = parse_address(f"fd00::{name}")
    return Route(parse_prefix("::/0"), gateway, {"a": 2, "c": 3, "d": 9}[name], 1024, 4, weight=weight)


def recorded(routes: str, order: str) -> List[RecordedDefault]:
    """As one pass recorded them."""
    return [RecordedDefault(v4(name), tuple(map(v4, order))) for name in routes]


@pytest.mark.parametrize("there, passes, order", [
    ("a", ["c.ca"], "ca"),
    ("a", ["c.ac"], "ac"),
    ("a", ["cd.cda"], "cda"),
    ("a", ["dc.cad"], "cad"),
    ("b", ["c.cb", "a.acb"], "acb"),
    ("b", ["a.ab", "c.acb"], "acb"),
    ("vb", ["c.cb"], "cvb"),
    ("", ["ac.ac"], "ac"),
])  # fmt: skip
def test_the_former_order(there: str, passes: Sequence[str], order: str) -> None:
    """Each pass wrote down what it took and what it found; the last pass comes first."""
    found = [one for written in passes for one in recorded(*written.split("."))]
    assert former_order([*map(v4, there)], found) == [*map(v4, order)]


def test_where_nothing_is_known_it_comes_last() -> None:
    assert former_order([v4("a")], [RecordedDefault(v4("c"))]) == [v4("a"), v4("c")]


def test_an_ipv6_weight_is_as_recorded() -> None:
    one = RecordedDefault(v6("c", 2), (v6("c", 2), v6("a", 3)))
    assert former_order([v6("a")], [one]) == [v6("c", 2), v6("a", 3)]


def carried_out(there: str, order: str) -> str:
    """The order that the operations lead to."""
    names = list(there)
    for operation in restorations([*map(v4, there)], [*map(v4, order)], MANAGED, "recorded"):
        name = chr((operation.route.gateway or b"?")[-1])
        if isinstance(operation, MoveDefault):
            names.remove(name)
        names.insert(0 if operation.before else len(names), name)  # type: ignore[union-attr]
        assert names
    return "".join(names)


@pytest.mark.parametrize("there", ["a", "b", "v", "av", "vb", "ab", "ac", "cb", "avb", ""])
@pytest.mark.parametrize("order", ["cav", "acv", "avc", "vca", "cavbd", "cdavb", "acvb"])
def test_the_order_comes_back(there: str, order: str) -> None:
    present = "".join(name for name in order if name in there)
    assert carried_out(present, order) == order


def test_those_between_two_that_are_not_moved_come_back_behind_them_and_before_the_rest() -> None:
    assert carried_out("vw", "vabwcd") == "vwabcd"
    assert carried_out("vbw", "vabwcd") == "vbwacd"


def test_none_is_moved_where_another_would_be_deleted_for_it() -> None:
    """Behind an encapsulated one by its next hop: the former order doesn't come back, and nothing is lost."""
    ahead = v4("c")._replace(kind=0, unwritable="encap")
    order = [ahead, v4("a"), v4("c")]
    (back,) = restorations([ahead, v4("c")], order, MANAGED, "recorded")
    assert (type(back), back.route) == (RestoreDefault, v4("a"))


def test_what_is_outside_or_can_not_be_written_is_never_moved() -> None:
    order = [*map(v4, "vcv")]
    order[2] = order[2]._replace(gateway=bytes([10, 0, 0, ord("w")]))
    made = restorations([order[0], order[2]], order, MANAGED, "recorded")
    assert [(type(one).__name__, one.route) for one in made] == [("RestoreDefault", v4("c"))]


def test_nothing_is_moved_where_nothing_is_missing() -> None:
    assert restorations([v4("a"), v4("c")], [v4("c"), v4("a")], MANAGED, "recorded") == []


def test_an_ipv6_route_is_replaced_where_adding_would_give_another_order() -> None:
    (one,) = restorations([v6("a")], [v6("c", 2), v6("a", 3)], MANAGED, "recorded")
    assert (type(one).__name__, one.instead, one.reason) == ("RestoreDefault", True, "recorded")  # type: ignore[union-attr]
    assert [hop[:3] for hop in one.route.nexthops] == [(v6("c").gateway, 3, 2), (v6("a").gateway, 2, 3)]
    assert (one.route.gateway, one.route.ifindex, one.route.weight) == (None, 0, 1)


@pytest.mark.parametrize("there, order", [
    ([v6("a")], [v6("a"), v6("c")]),
    ([], [v6("c"), v6("a")]),
    ([v6("a")._replace(protocol=9)], [v6("c"), v6("a")]),  # It would lose what it has of its own.
    ([v6("a")._replace(expires=9)], [v6("c"), v6("a")]),
    ([v6("a"), v6("d")], [v6("c"), v6("a")]),  # Another one has come.
    ([v6("a")], [v6("c")._replace(nexthop_id=7), v6("a")]),
])  # fmt: skip
def test_else_what_is_missing_is_added(there: List[Route], order: List[Route]) -> None:
    made = restorations(there, order, MANAGED, "recorded")
    assert made
    assert all(not one.instead for one in made)  # type: ignore[union-attr]
    assert {one.route.gateway for one in made} == {one.gateway for one in order} - {one.gateway for one in there}


def test_a_pass_is_undone_in_the_order_that_it_found() -> None:
    nics = (Nic(2, "eth0"), Nic(3, "eth1"))
    before = KernelState(nics, (v4("c"), v4("a"), v6("a"), v4("d")))
    removed = [RemoveForeignDefault(v4("c")), RemoveForeignDefault(v4("d"))]
    made = as_before(removed, KernelState(nics, (v4("a"),)), before)
    assert [(one.route, one.before) for one in made] == [(v4("c"), True), (v4("d"), False)]  # type: ignore[union-attr]
    assert {one.reason for one in made} == {"rolled-back"}


@pytest.mark.parametrize("order, place", [("oa", "before"), ("ao", "behind")])
def test_ours_come_back_before_or_behind_their_equals(order: str, place: str) -> None:
    """Ours is adopted away while another program's equal of its metric stays."""
    nics = (Nic(2, "eth0"), Nic(3, "eth1"))
    ours = v4("c")._replace(protocol=OUR_PROTOCOL)
    before = KernelState(nics, tuple(ours if one == "o" else v4(one) for one in order))
    made = as_before([Delete(ours)], KernelState(nics, (v4("a"),)), before)
    assert made == [Add(ours, "rolled-back", place)]  # type: ignore[arg-type]


def test_ours_alone_are_none_of_the_order() -> None:
    ours = v4("c")._replace(protocol=OUR_PROTOCOL)
    assert as_before([Delete(ours)], KernelState((), ()), KernelState((), (ours, v6("a")))) == []


OURS = Route(parse_prefix("0.0.0.0/0"), bytes([10, 0, 0, 1]), 2, protocol=OUR_PROTOCOL)
HOST = Route(parse_prefix("11.11.0.0/16"), bytes([10, 0, 0, 1]), 2, protocol=OUR_PROTOCOL)


@pytest.mark.parametrize("done, before, there, kept", [
    ([Add(OURS), Add(HOST)], "a", [OURS, HOST], True),
    ([Add(OURS), Add(HOST)], "a", [OURS, HOST, v4("a")], False),
    ([Add(OURS), Add(HOST)], "a", [OURS, HOST, v4("v")], False),
    ([Add(OURS), Add(HOST)], "", [OURS, HOST], False),
    ([Add(OURS), RemoveForeignDefault(v4("a"))], "a", [OURS], False),
    ([Add(OURS), Delete(HOST)], "a", [OURS], True),
])  # fmt: skip
def test_a_roll_back_leaves_a_default_that_others_made_the_last(
    done: List[Operation], before: str, there: List[Route], kept: bool
) -> None:
    """But where there was none before, or where the pass itself took the other one, which then comes back."""
    outcome = undoable(Outcome(tuple(done)), KernelState((), tuple(map(v4, before))), KernelState((), tuple(there)))
    assert list(outcome.done) == [one for one in done if not (kept and one == Add(OURS))]
