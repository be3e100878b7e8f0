"""Lease files to leases: what the real clients of Debian 12 wrote, and what is wrong, cut off, or nobody's.

tests/data/leases has the files of the cross-NIC case, taken from tests/netns/test_dhcp_clients.py's clients.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.leases.choose import host_routes
from guest_routes.leases.client_files import cloud_init, dhclient, dhcpcd, network_manager, networkd, udhcpc
from guest_routes.leases.options import LeaseFault
from guest_routes.model.lease import Lease, LeaseRoute, Option
from guest_routes.model.network import parse_address, parse_prefix

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
    assert lease.default_routers[0].gateway == parse_address("10.65.0.1")
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


@pytest.mark.parametrize("option", ["message", "root-path"])
def test_a_servers_text_begins_no_lease(option: str) -> None:
    """dhclient writes a server's printable text as it is, in quotes."""
    text = (DATA / "dhclient-cross.eth0").read_text()
    forged = text.replace("  option routers", f'  option {option} "lease {{ interface eth1";\n  option routers')
    assert forged != text
    assert dhclient(forged.encode(), "", 0.0) == dhclient(text.encode(), "", 0.0)


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
def test_problems(read: Read, data: bytes, fault: str) -> None:
    with pytest.raises(LeaseFault) as raised:
        read(data, "/some/2", NOW)
    assert str(raised.value) == fault
