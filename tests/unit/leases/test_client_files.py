"""Lease files to leases: what the real clients of Debian 12 wrote, and what is wrong, cut off, or nobody's.

tests/data/leases has the files of the cross-NIC case, taken from tests/netns/test_dhcp_clients.py's clients.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.evidence.network_data import parse
from guest_routes.leases.choose import choose, document_of, host_routes
from guest_routes.leases.client_files import cloud_init, dhclient, dhcpcd, network_manager, networkd, udhcpc
from guest_routes.leases.options import LeaseFault, Packet, routes_of_numbers, routes_of_octets, routes_of_pairs
from guest_routes.model.lease import Lease, LeaseRoute, Option, RouterOption
from guest_routes.model.network import Nic, Prefix, parse_address, parse_prefix
from guest_routes.model.network_data import HostRoute

DATA = Path(__file__).parents[2] / "data" / "leases"
Read = Callable[[bytes, str, float], List[Lease]]
READERS: Dict[str, Read] = {
    "networkd": networkd, "networkmanager": network_manager, "dhclient": dhclient, "dhcpcd": dhcpcd, "udhcpc": udhcpc,
    "cloud-init-udhcpc": cloud_init,
}  # fmt: skip
CAPTURES: Dict[str, Read] = {
    "networkd-cross": networkd,
    "networkd-257-cross": networkd,
    "networkmanager-cross": network_manager,
    "networkmanager-dhclient-cross": network_manager,
    "dhclient-cross": dhclient,
    "dhcpcd-cross": dhcpcd,
    "udhcpc-cross": udhcpc,
    "cloud-init-udhcpc-cross": cloud_init,
}
NOW = 1_795_490_000.0


def route(text: str) -> LeaseRoute:
    destination, _, next_hop = text.partition(",")
    return LeaseRoute(parse_prefix(destination), parse_address(next_hop))


def one(found: List[Lease]) -> Lease:
    assert len(found) == 1
    return found[0]


# ---- what the clients wrote -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", CAPTURES)
def test_captures(name: str) -> None:
    lease = one(CAPTURES[name]((DATA / f"{name}.eth0").read_bytes(), "/some/2", NOW))
    assert lease.address == parse_address("10.65.0.7")
    assert lease.routers == (parse_address("10.65.0.1"),)
    assert lease.classless == Option((route("11.11.0.0/16,11.8.0.1"), route("0.0.0.0/0,10.65.0.1")))
    if "cloud-init" not in name:
        assert lease.expires is not None and lease.expires - lease.obtained == 3600
    assert lease.router is not None and lease.router.gateway == parse_address("10.65.0.1")
    assert [str(host) for host in host_routes(lease)[0]] == ["11.11.0.0/16,11.8.0.1"]
    assert lease.tells_routes


def test_what_tells_whose_a_lease_is() -> None:
    found = {name: one(read((DATA / f"{name}.eth0").read_bytes(), "/some/2", NOW)) for name, read in CAPTURES.items()}
    assert {name for name, lease in found.items() if lease.ifindex == 2} == {
        "networkd-cross", "networkd-257-cross", "networkmanager-cross", "networkmanager-dhclient-cross",
    }  # fmt: skip
    assert found["dhcpcd-cross"].mac.hex(":") == "fa:16:3e:00:00:01"
    assert {name for name, lease in found.items() if lease.nic == "eth0"} == {
        "dhclient-cross", "udhcpc-cross", "cloud-init-udhcpc-cross",
    }  # fmt: skip


def test_dhclients_dates_are_utc() -> None:
    lease = one(dhclient((DATA / "dhclient-cross.eth0").read_bytes(), "", 0.0))
    import datetime

    written = datetime.datetime(2026, 11, 24, 4, 54, 31, tzinfo=datetime.timezone.utc)
    assert lease.expires == written.timestamp()


@given(
    st.datetimes(
        min_value=__import__("datetime").datetime(1970, 1, 1), max_value=__import__("datetime").datetime(2105, 1, 1)
    )
)
def test_every_date(when: Any) -> None:
    import datetime

    text = when.strftime("%w %Y/%m/%d %H:%M:%S")
    body = f'lease {{\n  interface "eth0";\n  fixed-address 10.65.0.7;\n  expire {text};\n}}\n'
    expected = when.replace(microsecond=0, tzinfo=datetime.timezone.utc).timestamp()
    assert one(dhclient(body.encode(), "", 0.0)).expires == expected


@pytest.mark.parametrize(
    ("written", "expires"),
    [("epoch 1795493735; # Tue", 1795493735.0), ("never", None), ("2 2026/13/45 99:00:00", None), ("soon", None)],
)
def test_dates_that_are_otherwise(written: str, expires: Optional[float]) -> None:
    body = f'lease {{\n  interface "eth0";\n  fixed-address 10.65.0.7;\n  expire {written};\n}}\n'
    assert one(dhclient(body.encode(), "", 5.0)).expires == expires


def test_dhclients_last_whole_lease_of_each_nic_counts() -> None:
    def lease(nic: str, address: str, end: str = "}\n") -> str:
        return f'lease {{\n  interface "{nic}";\n  fixed-address {address};\n{end}'

    text = (
        lease("eth0", "10.65.0.6")
        + lease("eth1", "11.8.0.9")
        + lease("eth0", "10.65.0.7")
        + lease("eth0", "10.65.0.8", "")
    )
    assert {found.nic: found.address[3] for found in dhclient(text.encode(), "", 0.0)} == {"eth0": 7, "eth1": 9}


@pytest.mark.parametrize(
    "statement",
    [
        "option rfc3442-classless-static-routes 16,11,11,11,8,0,1;",
        "option classless-static-routes 16,11,11,11,8,0,1;",
        "option unknown-121 10:b:b:b:8:0:1;",
        'option unknown-121 "\\020\\013\\013\\013\\010\\000\\001";',
    ],
)
def test_dhclients_spellings_of_option_121(statement: str) -> None:
    text = f'lease {{\n  interface "eth0";\n  fixed-address 10.65.0.7;\n  {statement}\n}}\n'
    assert one(dhclient(text.encode(), "", 0.0)).classless == Option((route("11.11.0.0/16,11.8.0.1"),))


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("3600", 3600), ("1h", 3600), ("52min 30s", 3150), ("1month 2w 1d", 2629800 + 15 * 86400), ("infinity", None),
        ("4294967295", None), ("", None), ("h", None), ("1 h", None), ("1x", None),
    ],
)  # fmt: skip
def test_networkds_lifetimes(written: str, seconds: Optional[int]) -> None:
    """systemd 252 writes seconds, 257 a time span."""
    text = f"ADDRESS=10.65.0.7\nLIFETIME={written}\n"
    assert one(networkd(text.encode(), "/l/2", 100.0)).expires == (None if seconds is None else 100.0 + seconds)


def test_a_device_of_networkmanager_without_dhcp_has_no_lease() -> None:
    assert network_manager(b"[device]\nmanaged=true\n", "/run/NetworkManager/devices/2", 0.0) == []


# ---- RFC 3442 -------------------------------------------------------------------------------------------

prefixes = st.builds(
    lambda number, length: Prefix((number >> 32 - length << 32 - length).to_bytes(4, "big"), length),
    st.integers(0, 2**32 - 1), st.integers(0, 32),
)  # fmt: skip
entries = st.lists(st.builds(LeaseRoute, prefixes, st.binary(min_size=4, max_size=4)), min_size=1, max_size=8)


def encoded(routes: List[LeaseRoute]) -> bytes:
    """RFC 3442's form."""
    parts = [bytes([d.length]) + d.address[: (d.length + 7) // 8] + next_hop for d, next_hop in routes]
    return b"".join(parts)


@given(entries)
def test_octets_come_back_whatever_the_spelling(routes: List[LeaseRoute]) -> None:
    octets = encoded(routes)
    expected = Option(tuple(routes))
    assert routes_of_octets(octets) == expected
    assert routes_of_numbers(",".join(map(str, octets))) == expected
    assert routes_of_numbers(" ".join(map(str, octets))) == expected
    assert routes_of_numbers(":".join(f"{octet:x}" for octet in octets), 16) == expected
    words = [f"{r.destination},{'.'.join(map(str, r.next_hop))}" for r in routes]
    assert routes_of_pairs(words) == expected
    assert routes_of_pairs(" ".join(words).replace(",", " ").split()) == expected


@given(entries, st.data())
def test_what_is_cut_off_keeps_the_whole_entries(routes: List[LeaseRoute], data: Any) -> None:
    octets = encoded(routes)
    end = data.draw(st.integers(0, len(octets) - 1))
    read = routes_of_octets(octets[:end])
    assert read.routes == tuple(routes[: len(read.routes)])
    assert bool(read.fault) == (len(encoded(list(read.routes))) != end or end == 0)


@pytest.mark.parametrize(
    ("octets", "routes", "fault"),
    [
        ("", 0, "is empty"),
        ("21 0b000000 0b080001", 0, "entry 0 has a prefix length of 33, and 32 is the most"),
        ("10 0b0b 0b080001 ff", 1, "entry 1 has a prefix length of 255, and 32 is the most"),
        ("10 0b0b 0b0800", 0, "entry 0 is cut off: it has 6 of 7 octets"),
        ("00 0a410001", 1, ""),
        ("20 a9fea9fe 0b080002", 1, ""),
    ],
)
def test_octets(octets: str, routes: int, fault: str) -> None:
    read = routes_of_octets(bytes.fromhex(octets))
    assert (len(read.routes), read.fault) == (routes, fault)


@pytest.mark.parametrize("text", ["16,11,11,11,8,0,256", "16 11 x", "16,-1", "1000"])
def test_numbers_that_are_no_octets(text: str) -> None:
    assert routes_of_numbers(text).fault.endswith("is no octet")


@pytest.mark.parametrize(
    "text", ["11.11.0.0/16", "11.11.0.0 11.8.0.1", "fd00::/8,fd00::1", "11.11.0.0/33,11.8.0.1", "x,y"]
)
def test_pairs_that_are_none(text: str) -> None:
    assert routes_of_pairs(text.split()).fault


# ---- damaged files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CAPTURES)
@given(data=st.data())
def test_readers_raise_nothing_but_their_fault(name: str, data: Any) -> None:
    whole = (DATA / f"{name}.eth0").read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    broken = whole[:start] + data.draw(st.binary(max_size=12)) + whole[start + data.draw(st.integers(0, 40)) :]
    try:
        for lease in CAPTURES[name](broken, "/some/2", NOW):
            host_routes(lease._replace(nic="eth0"))
    except LeaseFault as fault:
        assert str(fault)


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@given(data=st.binary(max_size=400))
def test_readers_take_any_bytes(read: Read, data: bytes) -> None:
    try:
        read(data, "/some/2", NOW)
    except LeaseFault as fault:
        assert str(fault)


@pytest.mark.parametrize("name", [name for name in CAPTURES if "manager" not in name])
def test_every_half_written_file_is_refused_or_has_what_it_says(name: str) -> None:
    whole = (DATA / f"{name}.eth0").read_bytes()
    expected = one(CAPTURES[name](whole, "/some/2", NOW))
    for end in range(1, len(whole) - 1):
        try:
            found = CAPTURES[name](whole[:end], "/some/2", NOW)
        except LeaseFault:
            continue
        for lease in found:
            # A shorter file may lack an option, but never has a wrong one.
            assert lease.address == expected.address
            assert lease.classless in (None, expected.classless)


@pytest.mark.parametrize(
    ("read", "data", "fault"),
    [
        (networkd, b"ADDRESS=10.65.0.7\nROUTER=10.65", "is cut off: its last line has no end"),
        (networkd, b"NETMASK=255.0.0.0\n", "is no lease, or cut off: it has no ADDRESS"),
        (networkd, b"ADDRESS=fd00::1\n", "'fd00::1' is no IPv4 address"),
        (networkd, b"\0" * 30, "is damaged: it has NUL bytes"),
        (dhclient, b"hello", "has no lease in it"),
        (dhclient, b"lease {\n fixed-address 1.2.3.4;\n", "is cut off: no whole lease in it"),
        (dhcpcd, b"x" * 100, "is cut off: 100 bytes, and a DHCP message has 240 at least"),
        (dhcpcd, b"x" * 300, "is no answer of a DHCP server"),
        (cloud_init, b'{"interface": "eth0"', "is not JSON, or cut off"),
        (cloud_init, b"[]", "is no JSON object"),
        (udhcpc, b"ip=10.65.0.7\n", "is no lease, or cut off: it has no interface"),
    ],
)
def test_complaints(read: Read, data: bytes, fault: str) -> None:
    with pytest.raises(LeaseFault) as raised:
        read(data, "/some/2", NOW)
    assert str(raised.value) == fault


def test_an_option_in_several_parts_is_one() -> None:
    """RFC 3396."""
    octets = encoded([route("11.11.0.0/16,11.8.0.1"), route("12.0.0.0/8,11.8.0.1")])
    packet = bytearray(236) + bytes([99, 130, 83, 99])
    packet[0:3] = bytes([2, 1, 6])
    for part in (octets[:5], octets[5:]):
        packet += struct.pack("BB", 121, len(part)) + part
    assert Packet(bytes(packet) + b"\xff").options[121] == octets


# ---- what it comes to -----------------------------------------------------------------------------------


def lease(classless: Tuple[str, ...] = (), fault: str = "", **more: Any) -> Lease:
    option = Option(tuple(map(route, classless)), fault) if classless or fault else None
    made = Lease("dhclient", "/l", parse_address("10.65.0.7"), nic="eth0", ifindex=2, classless=option)
    return made._replace(**more)


ROUTERS = (parse_address("10.65.0.1"),)


def test_option_3_is_ignored_where_option_121_is_there() -> None:
    """RFC 3442, "DHCP Client Behavior"."""
    both = lease(("0.0.0.0/0,10.65.0.254",), routers=ROUTERS)
    assert both.router == RouterOption(parse_address("10.65.0.254"), 121, 0)
    assert lease(("11.11.0.0/16,11.8.0.1",), routers=ROUTERS).router is None
    assert lease(routers=ROUTERS).router == RouterOption(ROUTERS[0], 3)
    cut_off = lease(("11.11.0.0/16,11.8.0.1",), "entry 1 is cut off", routers=ROUTERS)
    assert cut_off.router is not None and cut_off.router.gateway == ROUTERS[0]


def test_entries_that_are_none_of_ours() -> None:
    written = (
        "10.66.0.0/24,0.0.0.0", "169.254.169.254/32,10.65.0.2", "224.0.0.0/4,10.65.0.1", "12.0.0.0/8,127.0.0.1",
        "11.11.3.4/16,11.8.0.1",
    )  # fmt: skip
    routes, notes = host_routes(lease(written))
    place = "eth0's DHCP lease (dhclient, /l), option 121"
    assert routes == [HostRoute(parse_prefix("11.11.0.0/16"), parse_address("11.8.0.1"), place, -3, 4)]
    assert routes[0].place == f"{place}[4]" and routes[0].origin == "leases"
    assert [str(note) for note in notes] == [
        f"{place}[0]: 10.66.0.0/24 on link: the DHCP client's own, not ours",
        f"{place}[1]: 169.254.169.254/32, the metadata service: left to the DHCP client",
        f"{place}[2]: refused: 224.0.0.0/4 is multicast, no destination for a host route",
        f"{place}[3]: refused: 127.0.0.1 can't be a gateway",
        f"{place}[4]: host bits masked off: 11.11.3.4/16 is 11.11.0.0/16",
    ]


def test_option_249_adds_what_121_does_not_have() -> None:
    both = lease(
        ("11.11.0.0/16,11.8.0.1",), microsoft=Option((route("11.11.0.0/16,11.8.0.1"), route("12.0.0.0/8,11.8.0.1")))
    )
    assert [(str(host), host.place[-6:]) for host in host_routes(both)[0]] == [
        ("11.11.0.0/16,11.8.0.1", "121[0]"), ("12.0.0.0/8,11.8.0.1", "249[1]"),
    ]  # fmt: skip


NICS = (
    Nic(2, "eth0", bytes.fromhex("fa163e000001"), addresses=(parse_prefix("10.65.0.7/24"),)),
    Nic(3, "eth1", bytes.fromhex("fa163e000002"), addresses=(parse_prefix("11.8.0.9/24"),)),
)


def test_the_newest_lease_of_each_nic_whose_address_it_has() -> None:
    old = lease(nic="eth0", ifindex=0, obtained=5.0)
    new = lease(nic="eth0", ifindex=0, obtained=6.0, client="dhcpcd")
    captured = lease(nic="eth0", ifindex=0, obtained=9.0, address=parse_address("10.65.0.99"))
    told = choose([new, captured, old], NICS, 7.0)
    assert [(found.nic, found.ifindex, found.client) for found in told.leases] == [("eth0", 2, "dhcpcd")]


def test_only_a_lease_that_holds_and_speaks_of_routes_tells_them() -> None:
    spoken = lease(("0.0.0.0/0,10.65.0.1",), expires=10.0)
    assert choose([spoken], NICS, 9.0).has_routes == {2}
    assert choose([spoken], NICS, 11.0).has_routes == frozenset()
    assert choose([lease(routers=ROUTERS)], NICS, 9.0).has_routes == frozenset()
    assert choose([lease(("0.0.0.0/0,10.65.0.1",), "entry 1 is cut off")], NICS, 9.0).has_routes == frozenset()


def test_the_document_in_place_of_one_is_silent_about_each_nic() -> None:
    vlan = Nic(4, "eth0.5", NICS[0].mac, kind="vlan", parent=2, vlan_id=5, addresses=(parse_prefix("10.5.0.7/24"),))
    leases = [lease(), lease(nic="eth0.5", ifindex=4, address=parse_address("10.5.0.7"))]
    data = parse(document_of(leases, (*NICS, vlan)))
    assert [(network.link, network.omits_routes, network.family) for network in data.networks] == [
        ("eth0", True, 4), ("eth0.5", True, 4),
    ]  # fmt: skip
    assert [link.vlan_id for link in data.links] == [None, 5]
    assert data.problems == ()
    json.loads(document_of([], ()))
