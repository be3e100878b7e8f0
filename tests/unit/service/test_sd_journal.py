"""The journal's native protocol, on a real datagram socket that reads it as systemd's documentation says."""

from __future__ import annotations

import errno
import socket
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

from guest_routes.service.sd_journal import send


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listener:
        listener.bind(str(tmp_path / "socket"))
        yield listener


def fields(datagram: bytes) -> List[Tuple[str, str]]:
    """A datagram read by the protocol: NAME=value and a line's end, or NAME, its end, 64 bits of length, the value."""
    found = []
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            length = int.from_bytes(rest[:8], "little")
            value, rest = rest[8 : 8 + length], rest[8 + length :]
            assert rest[:1] == b"\n"
            rest = rest[1:]
        found.append((name.decode(), value.decode()))
        datagram = rest
    return found


def sent(journal: socket.socket, level: str, text: str, *more: Tuple[str, str]) -> List[Tuple[str, str]]:
    assert send(level, text, more, journal.getsockname()) is None
    return fields(journal.recv(1 << 16))


def test_an_entry(journal: socket.socket) -> None:
    assert sent(journal, "info", "added 11.11.0.0/16", ("GUEST_ROUTES_NIC", "eth1"), ("GUEST_ROUTES_NIC", "a=b")) == [
        ("MESSAGE", "added 11.11.0.0/16"),
        ("PRIORITY", "6"),
        ("SYSLOG_IDENTIFIER", "guest-routes"),
        ("GUEST_ROUTES_NIC", "eth1"),
        ("GUEST_ROUTES_NIC", "a=b"),
    ]


@pytest.mark.parametrize("level, number", [("error", "3"), ("warning", "4"), ("info", "6")])
def test_priorities_are_syslog_s(journal: socket.socket, level: str, number: str) -> None:
    assert ("PRIORITY", number) in sent(journal, level, "text")


def test_line_breaks_and_lone_surrogates_make_no_field_of_their_own(journal: socket.socket) -> None:
    odd = "one\nPRIORITY=0\n\ntwo \udcff"
    found = sent(journal, "info", odd, ("GUEST_ROUTES_NIC", "\n"))
    assert found[0] == ("MESSAGE", "one\nPRIORITY=0\n\ntwo \\udcff")
    assert found[-1] == ("GUEST_ROUTES_NIC", "\n")
    assert [name for name, _ in found] == ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "GUEST_ROUTES_NIC"]


def refusal(error: OSError | None) -> int | None:
    return error.errno if error is not None else None


def test_a_journal_that_is_not_there_or_takes_no_more_is_told_at_once(journal: socket.socket, tmp_path: Path) -> None:
    assert refusal(send("info", "text", (), str(tmp_path / "nowhere"))) == errno.ENOENT
    for _ in range(10_000):
        error = send("info", "text", (), journal.getsockname())
        if error is not None:
            break
    assert refusal(error) == errno.EAGAIN
    name = journal.getsockname()
    journal.close()
    assert refusal(send("info", "text", (), name)) == errno.ECONNREFUSED
