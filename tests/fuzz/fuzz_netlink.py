"""Fuzz target: no datagram of netlink's ends the service: neither a notification nor an answer to the engine.

The first byte says whose; what the engine can't decode must be an error of the kinds that it handles.
"""

from __future__ import annotations

from _socket import AF_INET, AF_INET6

import atheris

from tests.fuzz.harness import fuzz

with atheris.instrument_imports(include=["guest_routes"]):
    from guest_routes.kernel.monitor import changes_in
    from guest_routes.kernel.netlink import attribute, message, messages
    from guest_routes.kernel.rtnetlink import decode, nics
    from guest_routes.kernel.rtnetlink.dump import RouteDump

UNDECODABLE = decode.UNDECODABLE
ROUTE = bytes((2, 16, 0, 0, 254, 121, 0, 1)) + bytes(4)
SEEDS = (
    message(
        24, 0, 1, ROUTE + attribute(1, b"\x0b\x0b\0\0") + attribute(5, b"\x0b\x08\0\1") + attribute(4, b"\3\0\0\0")
    ),
    message(24, 0, 1, ROUTE + attribute(9, b"\x10\0\0\0\3\0\0\0" + attribute(5, b"\x0b\x08\0\1"))),
    message(
        24,
        0,
        1,
        b"\x0a"
        + ROUTE[1:]
        + attribute(15, b"\xfe\0\0\0")
        + attribute(1, bytes(16))
        + attribute(6, b"\1\0\0\0")
        + attribute(4, b"\3\0\0\0")
        + attribute(12, bytes(32))
        + attribute(20, b"\0"),
    ),
    message(25, 0, 1, b"\x0a" + ROUTE[1:] + attribute(1, bytes(16)) + attribute(8, attribute(1, b"\1\0\0\0"))),
    message(
        16, 0, 1, bytes(16) + attribute(3, b"eth0\0") + attribute(1, bytes(6)) + attribute(18, attribute(1, b"vlan\0"))
    ),
    message(20, 0, 1, bytes((2, 24, 0, 0)) + bytes(4) + attribute(2, b"\x0a\x41\0\7")),
    message(32, 0, 1, ROUTE + attribute(6, bytes(4)) + attribute(15, b"\xfe\0\0\0")),
    message(2, 0x300, 1, b"\xea\xff\xff\xff" + bytes(16) + attribute(1, b"no\0")),
)


def one_input(data: bytes) -> None:
    """What libFuzzer calls."""
    changes_in(data, 254, 7)
    for family in (AF_INET, AF_INET6):
        try:
            dumped = RouteDump(family, 254)
            for _, _, _, _, start, end in dumped.others(data + data):
                dumped.decode(data + data, start, end)
        except UNDECODABLE:
            continue
    for _, flags, _, _, start, end in messages(data, len(data)):
        for read in (
            nics.decode_link, nics.decode_address, decode.decode_rule,
            decode.decode_route, decode.decode_lookup,
        ):  # fmt: skip
            try:
                str(read(data, start, end))
            except UNDECODABLE:
                continue
        try:
            decode.decode_error(data, start, end, flags)
        except UNDECODABLE:
            continue


if __name__ == "__main__":
    fuzz(one_input, SEEDS)
