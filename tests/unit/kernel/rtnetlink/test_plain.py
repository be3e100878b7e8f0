"""The usual routes of a dump, which are decoded many at a time; that every way decodes the same is test_decode.py's."""

from __future__ import annotations

from typing import List

import pytest

from guest_routes.kernel.rtnetlink.plain import plain_routes
from guest_routes.model.network import Route
from tests.support.netlink_bytes import attribute, message, rtmsg

from .test_decode import DST, GATEWAY, INET, OIF, TABLE, VIA, decoded

BY_GATEWAY = rtmsg(INET, TABLE + DST + VIA + OIF, dst_len=16, flags=4)
ON_LINK = rtmsg(INET, TABLE + DST + OIF, dst_len=16, scope=253)
SOURCE = attribute(7, GATEWAY)


@pytest.mark.parametrize("usual", [BY_GATEWAY, ON_LINK], ids=["by-gateway", "on-link"])
@pytest.mark.parametrize("other", [
    message(24, BY_GATEWAY, sequence=8), message(24, ON_LINK, sequence=8), message(25, ON_LINK, sequence=7),
    message(24, BY_GATEWAY, flags=0x12, sequence=7), message(24, ON_LINK, flags=0x12, sequence=7),
    message(25, BY_GATEWAY, sequence=7), message(24, rtmsg(INET, TABLE + VIA + OIF), sequence=7),
    message(24, rtmsg(INET, TABLE + DST + SOURCE, dst_len=16), sequence=7), message(3, bytes(4), sequence=7),
    message(24, rtmsg(INET, TABLE + DST + SOURCE + OIF, dst_len=16), sequence=7), b"\x3c\0\0\0", b"\x34\0\0\0", b"",
])  # fmt: skip
def test_usual_routes_at_the_head_of_a_datagram(usual: bytes, other: bytes) -> None:
    """Up to one of another request, of an interrupted dump, or of another kind or form."""
    one = message(24, usual, flags=2, sequence=7)
    data = one + message(24, BY_GATEWAY, flags=2, sequence=7) + one + one
    found: List[Route] = []
    assert plain_routes(data + other + (one if other else b""), 7, found) == len(data)
    assert found == decoded(usual) + decoded(BY_GATEWAY) + 2 * decoded(usual)
    assert plain_routes((one + one)[:-4], 7, []) == len(one)
