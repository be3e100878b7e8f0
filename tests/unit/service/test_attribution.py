"""When a change of ours is a repair that somebody made necessary, and when it has its own reason."""

from __future__ import annotations

from typing import List, Optional

import pytest

from guest_routes.model.network import Route, parse_address, parse_prefix
from guest_routes.model.operations import Add, Delete, Operation, RemoveForeignDefault
from guest_routes.model.status import Actor, Change
from guest_routes.output.service_log import change_reason
from guest_routes.service.attribution import attribute, demoted_keys, reverted

IP, KERNEL = Actor("ip", 50), Actor("kernel")
HOST = Route(parse_prefix("11.11.0.0/16"), parse_address("11.8.0.1"), 3)
DEFAULT = Route(parse_prefix("0.0.0.0/0"), parse_address("10.65.0.1"), 2)
EXTRA = Route(parse_prefix("0.0.0.0/0"), parse_address("11.8.0.1"), 3, protocol=4)


@pytest.mark.parametrize("operation, change, text", [
    (Add(HOST), Change(IP, 3, True), "deleted by ip (pid 50)"),
    (Add(HOST), Change(IP, 0, True), "deleted by ip (pid 50)"),  # a multipath route
    (Add(HOST), Change(IP, 2, False), "replaced by ip (pid 50)"),
    (RemoveForeignDefault(EXTRA), Change(IP, 3, False), "added by ip (pid 50)"),
    (RemoveForeignDefault(EXTRA), Change(KERNEL, 3, False), "added by the kernel"),  # a router announced itself
    (Delete(HOST, "not-in-document"), Change(IP, 3, False), "added by ip (pid 50)"),
    # What has another reason.
    (Add(HOST), None, ""),
    (Add(HOST), Change(KERNEL, 3, True), ""),  # the NIC lost its address, and has it again
    (Add(DEFAULT), Change(IP, 3, True), ""),  # the default moves from NIC 3 to NIC 2
    (Delete(HOST, "equal-serves"), Change(IP, 3, False), ""),
])  # fmt: skip
def test_each_operation(operation: Operation, change: Optional[Change], text: str) -> None:
    found = reverted(operation, change, demoted_keys([operation]))
    assert (change_reason(operation, found) if found else "") == text


def test_the_other_half_of_a_default_made_worse_is_no_repair() -> None:
    copy = Add(EXTRA._replace(protocol=121, metric=1000), "demoted")
    done: List[Operation] = [copy, RemoveForeignDefault(EXTRA)]
    change = Change(IP, 3, False)
    assert attribute(done, {EXTRA.destination: change}) == (None, change)


def test_each_destination_has_its_own_change() -> None:
    other = HOST._replace(destination=parse_prefix("11.12.0.0/16"))
    change = Change(IP, 3, True)
    done: List[Operation] = [Add(HOST), Add(other), Delete(HOST, "equal-serves")]
    assert attribute(done, {HOST.destination: change}) == (change, None, None)
    assert attribute(done, {}) == (None, None, None)
    assert attribute([], {HOST.destination: change}) == ()
