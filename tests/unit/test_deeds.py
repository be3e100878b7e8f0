"""When a change of ours is a repair that somebody made necessary, and when it has its own reason."""

from __future__ import annotations

from typing import Optional

import pytest

from guest_routes.deeds import Deed, deed_text, undone, worsened
from guest_routes.fights import Rival
from guest_routes.model import Add, Delete, Operation, Route, TakeDefault, parse_address, parse_prefix
from guest_routes.plan_default import EQUAL_SERVES

IP, KERNEL = Rival("ip", 50), Rival("kernel")
HOST = Route(parse_prefix("11.11.0.0/16"), parse_address("11.8.0.1"), 3)
DEFAULT = Route(parse_prefix("0.0.0.0/0"), parse_address("10.65.0.1"), 2)
EXTRA = Route(parse_prefix("0.0.0.0/0"), parse_address("11.8.0.1"), 3, protocol=4)


@pytest.mark.parametrize("operation, deed, text", [
    (Add(HOST, "wanted"), Deed(IP, 3, True), "deleted by ip (pid 50)"),
    (Add(HOST, "wanted"), Deed(IP, 0, True), "deleted by ip (pid 50)"),  # a multipath route
    (Add(HOST, "wanted"), Deed(IP, 2, False), "replaced by ip (pid 50)"),
    (TakeDefault(EXTRA, "too many"), Deed(IP, 3, False), "added by ip (pid 50)"),
    (TakeDefault(EXTRA, "too many"), Deed(KERNEL, 3, False), "added by the kernel"),  # a router announced itself
    (Delete(HOST, "wrong way"), Deed(IP, 3, False), "added by ip (pid 50)"),
    # What has another reason.
    (Add(HOST, "wanted"), None, ""),
    (Add(HOST, "wanted"), Deed(KERNEL, 3, True), ""),  # the NIC lost its address, and has it again
    (Add(DEFAULT, "elected"), Deed(IP, 3, True), ""),  # the default moves from NIC 3 to NIC 2
    (Delete(HOST, EQUAL_SERVES), Deed(IP, 3, False), ""),
])  # fmt: skip
def test_each_deed(operation: Operation, deed: Optional[Deed], text: str) -> None:
    found = undone(operation, deed, worsened([operation]))
    assert (deed_text(operation, found) if found else "") == text


def test_the_other_half_of_a_default_made_worse_is_no_repair() -> None:
    copy = Add(EXTRA._replace(protocol=121, metric=1000), "kept at a worse metric")
    done = [copy, TakeDefault(EXTRA, "too many")]
    deed = Deed(IP, 3, False)
    assert [undone(one, deed, worsened(done)) for one in done] == [None, deed]
