"""When a change of ours is a repair that somebody made necessary, and when it has its own reason."""

from __future__ import annotations

from typing import List, Optional

import pytest

from guest_routes.model.diagnosis.status import Actor, Change, RouteKey, SourceChange
from guest_routes.model.network import Nic, Route, Rule, parse_address, parse_prefix
from guest_routes.model.operations import Add, Delete, Operation, Promote, RemoveForeignDefault
from guest_routes.model.source_routing import (
    AddRule,
    RemoveRoute,
    RemoveRule,
    SetRoute,
    SourceConflict,
    SourceOperation,
    key_of,
)
from guest_routes.service.attribution import attribute, attribute_conflicts, attribute_source

IP, KERNEL = Actor("ip", 50), Actor("kernel")
ETH0, ETH1 = parse_address("10.65.0.1"), parse_address("11.8.0.1")
HOST = Route(parse_prefix("11.11.0.0/16"), ETH1, 3)
DEFAULT = Route(parse_prefix("0.0.0.0/0"), ETH0, 2)
ADOPTED = DEFAULT._replace(protocol=16, metric=100)
EXTRA = Route(parse_prefix("0.0.0.0/0"), ETH1, 3, protocol=4)
FOREIGN = HOST._replace(gateway=parse_address("11.8.0.9"), protocol=3)
DEFAULT6 = Route(parse_prefix("::/0"), parse_address("fd00:8::1"), 3, metric=1024, protocol=3)


def added(route: Route, actor: Actor = IP) -> Change:
    return Change(actor, RouteKey(route.destination, route.gateway, route.ifindex, route.metric, route.protocol), False)


def deleted(route: Route, actor: Actor = IP) -> Change:
    return added(route, actor)._replace(deleted=True)


def multipath(change: Change) -> Change:
    """As the kernel tells of a route of several next hops."""
    return change._replace(route=change.route._replace(gateway=None, ifindex=0))


@pytest.mark.parametrize("operation, change", [
    (Add(HOST), deleted(HOST)),
    (Add(DEFAULT), deleted(ADOPTED)),  # another program's, that had been adopted
    (Add(DEFAULT), multipath(deleted(ADOPTED))),
    (Add(HOST), added(FOREIGN)),  # `ip route replace`
    (Promote(HOST), added(FOREIGN)),
    (RemoveForeignDefault(EXTRA), added(EXTRA)),
    (RemoveForeignDefault(EXTRA), added(EXTRA, KERNEL)),  # a router announced itself
    (RemoveForeignDefault(DEFAULT6), multipath(added(DEFAULT6))),
    (Delete(HOST, "not-in-document"), added(HOST)),
])  # fmt: skip
def test_the_change_of_the_route_in_question(operation: Operation, change: Change) -> None:
    assert attribute([operation], [change]) == (change,)


@pytest.mark.parametrize("operation, change", [
    (Add(HOST), None),
    (Add(HOST), deleted(HOST, KERNEL)),  # the NIC lost its address, and has it again
    (Add(DEFAULT), deleted(EXTRA)),  # the default moves from eth1 to eth0
    (Add(HOST), deleted(FOREIGN)),  # through another gateway
    (Add(HOST), added(FOREIGN._replace(metric=500))),  # behind ours: no reason to add it
    (Add(HOST), added(HOST)),  # equal
    (Delete(HOST, "equal-serves"), added(HOST)),
    (Delete(HOST, "not-in-document"), added(FOREIGN)),
    (RemoveForeignDefault(EXTRA), added(EXTRA._replace(metric=50))),  # another one through that NIC
    (RemoveForeignDefault(EXTRA), added(DEFAULT._replace(protocol=4))),
    (RemoveForeignDefault(EXTRA), deleted(EXTRA)),
    (RemoveForeignDefault(DEFAULT6), multipath(added(DEFAULT6._replace(metric=256)))),
])  # fmt: skip
def test_its_own_reason(operation: Operation, change: Optional[Change]) -> None:
    assert attribute([operation], [change] if change else []) == (None,)


def test_who_deleted_ours_counts_before_who_added_another() -> None:
    by_dhclient = added(FOREIGN, Actor("dhclient", 9))
    done: List[Operation] = [Add(HOST)]
    assert attribute(done, [deleted(HOST), by_dhclient]) == (deleted(HOST),)
    assert attribute(done, [by_dhclient, deleted(HOST)]) == (deleted(HOST),)


def test_ours_before_one_that_led_the_same_way() -> None:
    theirs = deleted(HOST._replace(protocol=4), Actor("networkd", 7))
    assert attribute([Add(HOST)], [deleted(HOST), theirs]) == (deleted(HOST),)


def test_a_better_metric_of_ours_answers_who_got_in_front() -> None:
    """IPv6: theirs at 512, so ours moves from 1023 to 511; the removal of the old one has its own reason."""
    mine = Route(parse_prefix("fd11::/16"), parse_address("fd00:8::1"), 3, metric=1023)
    theirs = added(mine._replace(gateway=parse_address("fd00:65::1"), ifindex=2, metric=512, protocol=3))
    done: List[Operation] = [Add(mine._replace(metric=511)), Delete(mine)]
    assert attribute(done, [theirs]) == (theirs, None)


def test_the_other_half_of_a_default_made_worse_is_no_repair() -> None:
    copy = Add(EXTRA._replace(protocol=121, metric=1000), "demoted")
    done: List[Operation] = [copy, RemoveForeignDefault(EXTRA)]
    assert attribute(done, [added(EXTRA)]) == (None, added(EXTRA))


def test_each_route_has_its_own_change() -> None:
    other = HOST._replace(destination=parse_prefix("11.12.0.0/16"))
    done: List[Operation] = [Add(HOST), Add(other), Delete(HOST, "equal-serves")]
    assert attribute(done, [deleted(HOST)]) == (deleted(HOST), None, None)
    assert attribute(done, []) == (None, None, None)
    assert attribute([], [deleted(HOST)]) == ()
    both: List[Operation] = [Add(DEFAULT), RemoveForeignDefault(EXTRA)]
    assert attribute(both, [added(EXTRA), deleted(DEFAULT)]) == (deleted(DEFAULT), added(EXTRA))


RULE = Rule(4, 32765, 12103, False, 121, parse_prefix("11.8.0.9/32"))
OWN = HOST._replace(table=12103)


def changed(operation: SourceOperation, deleted: bool, actor: Actor = IP) -> SourceChange:
    return SourceChange(actor, key_of(operation), deleted)


@pytest.mark.parametrize("operation, reverted_by", [
    (AddRule(RULE), [True]), (RemoveRule(RULE), [False]), (SetRoute(OWN), [True, False]), (RemoveRoute(OWN), [False]),
])  # fmt: skip
def test_a_change_of_a_rule_or_a_nic_s_table(operation: SourceOperation, reverted_by: List[bool]) -> None:
    for deleted in (True, False):
        one = changed(operation, deleted)
        assert attribute_source([operation], [one]) == ((one if deleted in reverted_by else None),)
        assert attribute_source([operation], [one._replace(actor=KERNEL)]) == (None,)


def test_of_several_changes_of_a_rule_the_last_one_counts_and_others_are_not_its() -> None:
    adopted = AddRule(RULE._replace(protocol=4))  # Another program's equal one, which had been adopted.
    first, last = changed(adopted, True), changed(adopted, True, Actor("nft", 9))
    other = changed(AddRule(RULE._replace(table=12102)), True)
    assert attribute_source([AddRule(RULE), SetRoute(OWN)], [first, last, other]) == (last, None)


def test_who_has_added_a_route_to_a_nic_s_table() -> None:
    """The one of its table, destination and metric; who deleted ours before it, or added another one, has not."""
    nic = Nic(3, "eth1", b"\xfa\x16\x3e\0\0\2", True)
    theirs = OWN._replace(gateway=parse_address("11.8.0.50"), protocol=4)
    found = [
        SourceConflict("foreign-route", nic, 12103, route=theirs),
        SourceConflict("overruled", nic, 12103, rule=RULE),
    ]
    made = changed(SetRoute(theirs), False)
    others = [changed(SetRoute(theirs._replace(metric=9)), False), changed(AddRule(RULE), False)]
    assert attribute_conflicts(found, [*others, made]) == (made, None)
    assert attribute_conflicts(found, [*others, made._replace(deleted=True)]) == (None, None)
