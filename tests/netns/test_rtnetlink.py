"""What only the rtnetlink engine meets: lost answers and interrupted dumps, on the real kernel."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections import Counter
from errno import ENETUNREACH
from typing import Iterator, Sequence

import pytest

from guest_routes.errors import KernelError
from guest_routes.kernel.rtnetlink.engine import RtnetlinkKernel
from guest_routes.model.network import MAIN_TABLE, Nic, Prefix, Route, parse_address
from guest_routes.model.operations import Add, Delete, Operation
from tests.support.lab import Lab

GATEWAY = parse_address("11.8.0.1")
NOWHERE = parse_address("192.0.2.1")
SOL_SOCKET, SO_RCVBUF = 1, 8


@pytest.fixture
def kernel(lab: Lab) -> Iterator[RtnetlinkKernel]:
    lab.documented_nics()
    opened = RtnetlinkKernel()
    yield opened
    opened.close()


def numbered(kernel: RtnetlinkKernel, count: int, gateway: bytes = GATEWAY, first: int = 20) -> list[Route]:
    eth1 = next(nic for nic in kernel.nics() if nic.name == "eth1")
    return [Route(Prefix(bytes([first, n >> 8, n & 255, 0]), 24), gateway, eth1.ifindex) for n in range(count)]


def ours(kernel: RtnetlinkKernel) -> set[Route]:
    return {route for route in kernel.snapshot(MAIN_TABLE).routes if route.protocol == 121}


def test_answers_that_overflow_the_receive_buffer_are_asked_for_again(kernel: RtnetlinkKernel) -> None:
    kernel._socket._socket.setsockopt(SOL_SOCKET, SO_RCVBUF, 1)  # the kernel's minimum: two or three answers
    good, bad = numbered(kernel, 600), numbered(kernel, 600, NOWHERE, first=30)
    mixed: list[Operation] = [Add(route) for pair in zip(good, bad) for route in pair]
    failures = kernel.apply(mixed)
    assert [failure.operation.route for failure in failures] == bad
    assert {(failure.errno, failure.text) for failure in failures} == {(ENETUNREACH, "Nexthop has invalid gateway")}
    assert ours(kernel) == set(good)
    assert kernel.apply([Delete(route) for route in (*good, *bad)]) == ()
    assert ours(kernel) == set()


def test_a_lookup_after_lost_answers_gets_its_own(kernel: RtnetlinkKernel) -> None:
    kernel._socket._socket.setsockopt(SOL_SOCKET, SO_RCVBUF, 1)
    kernel.apply([Add(route) for route in numbered(kernel, 500, NOWHERE)])
    answer = kernel.lookup([parse_address("11.8.0.77")])[0]
    assert (answer.address, answer.gateway) == (parse_address("11.8.0.77"), None)
    assert answer.ifindex


def test_an_interrupted_dump_starts_again(lab: Lab, kernel: RtnetlinkKernel) -> None:
    stable = [f"10.9.{n >> 8}.{n & 255}" for n in range(2000)]
    batch = "".join(f"address add {address}/32 dev eth0\n" for address in stable)
    subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True)
    pair = "address add 10.9.200.1/32 dev eth1\naddress del 10.9.200.1/32 dev eth1\n"
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(pair * 2000)
        file.flush()
        other = subprocess.Popen(
            ["sh", "-c", f"while ip -batch {file.name}; do sleep 0.5; done"], start_new_session=True
        )  # A busy machine reads for long: in the pauses it comes to an end.
        try:
            started_again = whole = 0
            deadline = time.monotonic() + 60
            while not (started_again and whole):
                assert time.monotonic() < deadline, f"shows nothing: {started_again} interrupted, {whole} whole"
                before = kernel._socket.sequence
                try:
                    nics = kernel.nics()
                except KernelError as error:
                    assert "changed during each of" in str(error)
                    started_again += 1
                    time.sleep(0.01)
                    continue
                started_again += kernel._socket.sequence - before > 2
                whole += 1
                assert_each_once(nics, stable)
        finally:
            os.killpg(other.pid, signal.SIGKILL)
            other.wait()
    assert_each_once(kernel.nics(), stable)


def assert_each_once(nics: Sequence[Nic], addresses: Sequence[str]) -> None:
    """A dump that was interrupted may lack addresses or have them twice."""
    eth0 = next(nic for nic in nics if nic.name == "eth0")
    seen = Counter(address.address for address in eth0.addresses)
    assert all(seen[parse_address(address)] == 1 for address in addresses)
