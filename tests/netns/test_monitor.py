"""The kernel's notifications as they come from a real socket."""

from __future__ import annotations

import os
import select
import socket
import subprocess
from typing import Iterator

import pytest

from guest_routes.errors import KernelError
from guest_routes.kernel.monitor import Monitor, Notifications
from guest_routes.kernel.open import open_kernel
from guest_routes.model.network import MAIN_TABLE, Route, parse_address, parse_prefix
from guest_routes.model.operations import Add
from guest_routes.model.settings import ENGINES
from tests.support.lab import MACS, Lab
from tests.support.netlink_bytes import attribute, message, number, rtmsg

NOBODY = 0xFFFFFF00


def coming(events: Monitor, seconds: float = 5) -> bool:
    """Whether something comes within that time."""
    poll = select.poll()
    poll.register(events.fileno(), select.POLLIN)
    return bool(poll.poll(seconds * 1000))


@pytest.fixture
def events(lab: Lab) -> Iterator[Monitor]:
    """A socket that listens, and a NIC to route through."""
    lab.nic("eth0", MACS[0], "10.65.0.7/24", "fd00:65::7/64", gateways=("10.65.0.1/24", "fd00:65::1/64"))
    made = Monitor(MAIN_TABLE, NOBODY)
    # A new NIC's link-local address comes by itself, a little later, and its route with it.
    while "scope link" not in lab.ip("-6", "address", "show", "dev", "eth0"):
        assert coming(made), "no link-local address"
    while coming(made, 0.2):
        made.read()
    yield made
    made.close()


def test_a_route_that_comes_and_goes(lab: Lab, events: Monitor) -> None:
    lab.ip("route", "add", "11.11.0.0/16", "via", "10.65.0.1", "proto", "121")
    lab.ip("-6", "route", "add", "fd00:11::/32", "via", "fd00:65::1", "proto", "static")
    lab.ip("route", "delete", "11.11.0.0/16")
    seen = events.read()
    assert (seen.changed, seen.elsewhere, seen.number) == (True, False, 3)
    assert [(str(one.destination), one.deleted, one.protocol) for one in seen.routes] == [
        ("11.11.0.0/16", False, 121),
        ("fd00:11::/32", False, 4),
        ("11.11.0.0/16", True, 121),
    ]
    assert len({one.port for one in seen.routes}) == 3  # three `ip`s
    assert events.read() == Notifications()


def test_whose_port_it_is(lab: Lab, events: Monitor) -> None:
    running = subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE, text=True)
    running.communicate("route add 11.11.0.0/16 via 10.65.0.1\n")
    assert [one.port for one in events.read().routes] == [running.pid]


@pytest.mark.parametrize("table, read", [("99", False), ("70000", False), ("main", True)])
def test_another_table_is_no_news(lab: Lab, events: Monitor, table: str, read: bool) -> None:
    lab.ip("route", "add", "11.11.0.0/16", "via", "10.65.0.1", "table", table)
    assert events.read().changed == read


def test_a_table_of_a_large_number(lab: Lab, events: Monitor) -> None:
    large = Monitor(70000, NOBODY)
    lab.ip("route", "add", "11.11.0.0/16", "via", "10.65.0.1", "table", "70000")
    assert [one.destination for one in large.read().routes] == [parse_prefix("11.11.0.0/16")]
    large.close()


@pytest.mark.parametrize("command", [
    "link set eth0 mtu 1400", "address add 10.65.0.8/24 dev eth0", "-6 address add fd00:65::8/64 dev eth0 nodad",
    "rule add to 11.11.0.0/16 lookup 99", "-6 rule add to fd00:11::/32 lookup 99",
])  # fmt: skip
def test_whatever_else_changes_is_elsewhere(lab: Lab, events: Monitor, command: str) -> None:
    lab.ip(*command.split())
    assert coming(events)  # An IPv6 address is announced by a worker of the kernel's.
    assert events.read().elsewhere


def test_our_own_changes_are_no_news(lab: Lab, events: Monitor) -> None:
    running = subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE, text=True)
    own = Monitor(MAIN_TABLE, running.pid)
    running.communicate("route add 11.11.0.0/16 via 10.65.0.1\n")
    assert own.read() == Notifications()
    assert events.read().changed
    own.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engines_changes_are_no_news_from_the_first_on(lab: Lab, events: Monitor, engine: str) -> None:
    kernel = open_kernel(engine)
    own = Monitor(MAIN_TABLE, kernel.port)
    (eth0,) = (nic for nic in kernel.nics() if nic.name == "eth0")
    route = Route(parse_prefix("11.11.0.0/16"), parse_address("10.65.0.1"), eth0.ifindex, protocol=121)
    assert kernel.apply([Add(route, "")]) == ()
    assert own.read() == Notifications()
    assert [one.port for one in events.read().routes] == [kernel.port]
    own.close()
    kernel.close()


def added(number: int) -> None:
    """So many routes, by another program."""
    lines = "".join(f"route add 198.18.{n // 256}.{n % 256}/32 via 10.65.0.1\n" for n in range(number))
    subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)


def test_many_notifications_are_not_read_in_one_go(lab: Lab, events: Monitor) -> None:
    """Other things have their turn."""
    added(600)
    assert [events.read().number for _ in range(4)] == [256, 256, 88, 0]


def test_lost_notifications_are_a_change_of_everything(lab: Lab, events: Monitor) -> None:
    added(3000)
    seen = events.read()
    assert (seen.changed, seen.elsewhere) == (True, True)
    assert events.read() == Notifications()  # The rest of the queue went with it.


@pytest.mark.parametrize("engine", ENGINES)
def test_after_an_overrun_by_an_engine_the_next_change_is_told(lab: Lab, events: Monitor, engine: str) -> None:
    """F3: the kernel drops on without a word until the queue is empty, and an engine's own changes are no news."""
    kernel = open_kernel(engine)
    own = Monitor(MAIN_TABLE, kernel.port)
    (eth0,) = (nic for nic in kernel.nics() if nic.name == "eth0")
    wanted = Route(parse_prefix("11.11.0.0/16"), parse_address("10.65.0.1"), eth0.ifindex, protocol=121)
    burst = [wanted._replace(destination=parse_prefix(f"198.18.{n // 256}.{n % 256}")) for n in range(3000)]
    kernel.apply([Add(one, "") for one in burst])
    first = own.read()
    assert (first.routes, first.elsewhere) == ((), True)
    lab.ip("route", "delete", "198.18.0.1")
    assert [(str(one.destination), one.deleted) for one in own.read().routes] == [("198.18.0.1/32", True)]
    own.close()
    kernel.close()


@pytest.mark.parametrize("command", ["del id 10", "flush"])
def test_a_nexthop_object_that_goes(lab: Lab, events: Monitor, command: str) -> None:
    """K3: IPv4 routes go with it, of which nothing else tells."""
    lab.ip("nexthop", "add", "id", "10", "via", "10.65.0.1", "dev", "eth0")
    lab.ip("route", "add", "default", "nhid", "10")
    while events.read().changed:
        pass
    lab.ip("nexthop", *command.split())
    assert events.read() == Notifications(1, elsewhere=True)


def test_a_socket_that_is_lost(events: Monitor) -> None:
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, events.fileno())
    os.close(null)
    with pytest.raises(KernelError, match="the kernel's notifications ended: "):
        events.read()


# ---- other senders ----------------------------------------------------------------------------------


def port_of(monitor: Monitor) -> int:
    """The netlink port of a monitor's socket."""
    copy = socket.socket(fileno=os.dup(monitor.fileno()))
    try:
        return int(copy.getsockname()[0])
    finally:
        copy.close()


def send_to(port: int, *datagrams: bytes) -> None:
    """What a process with CAP_NET_ADMIN can send to another's socket."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, (port, 0))


FORGED = message(24, rtmsg(2, attribute(1, bytes([11, 11, 0, 0])) + number(4, 1), dst_len=16), port=0)
MALFORMED = message(24, rtmsg(2, attribute(1, bytes(3)), dst_len=200), port=0)


def test_only_the_kernel_is_read(lab: Lab, events: Monitor) -> None:
    """F9: neither a forged route nor what can't be read is taken for the kernel's; both are counted."""
    send_to(port_of(events), FORGED, MALFORMED, b"\xff" * 40, b"x")
    assert coming(events)
    assert events.read() == Notifications(forged=4)
    lab.ip("route", "add", "11.11.0.0/16", "via", "10.65.0.1", "proto", "121")
    assert coming(events)
    seen = events.read()
    assert (seen.number, seen.forged, len(seen.routes)) == (1, 0, 1)


@pytest.mark.parametrize("engine", ["rtnetlink", "pyroute2"])
def test_the_engine_gets_only_the_kernels_answers(lab: Lab, events: Monitor, engine: str) -> None:
    """A dump's end that another process sends would cut the dump short: Linux refuses to deliver it."""
    lab.ip("route", "add", "11.11.0.0/16", "via", "10.65.0.1", "proto", "121")
    kernel = open_kernel(engine)
    try:
        expected = kernel.snapshot(MAIN_TABLE)
        done = [message(3, bytes(4), sequence=number) for number in range(1, 60)]
        for datagram in (*done, FORGED, MALFORMED):
            with pytest.raises(ConnectionRefusedError):
                send_to(kernel.port, datagram)
        assert kernel.snapshot(MAIN_TABLE) == expected
        with pytest.raises(ConnectionRefusedError):
            send_to(kernel.port, message(2, bytes(20), sequence=20))
        assert kernel.lookup([parse_address("11.11.3.4")])[0].error == ""
        assert expected.routes
    finally:
        kernel.close()
