"""systemd-networkd asked for its leases over its socket: a server of the test's own, with a real one's answers."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, List

import pytest

from guest_routes.leases import networkd_socket
from guest_routes.leases.client_files import networkd_answer
from guest_routes.leases.find import read_leases
from guest_routes.model.network import Nic, parse_prefix

DATA = Path(__file__).parents[2] / "data" / "leases"
ANSWER = (DATA / "networkd-262-cross.eth0.json").read_bytes().strip()
UNKNOWN = b'{"error":"org.varlink.service.MethodNotFound","parameters":{"method":"Describe"}}'
NICS = (
    Nic(2, "eth0", bytes.fromhex("fa163e000001"), addresses=(parse_prefix("10.65.0.7/24"),)),
    Nic(3, "eth1", bytes.fromhex("fa163e000002"), addresses=(parse_prefix("11.8.0.9/24"),)),
)


@contextmanager
def serving(root: Path, *answers: bytes) -> Iterator[List[bytes]]:
    """networkd's socket below that root; the questions it was asked."""
    folder = root / "run/systemd/netif"
    folder.mkdir(parents=True)
    asked: List[bytes] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "io.systemd.Network"))
    listener.listen()

    def serve() -> None:
        with suppress(OSError):  # Nobody asks, or hangs up in the middle.
            for answer in answers:
                with listener.accept()[0] as one:
                    asked.append(one.recv(4096))
                    one.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        listener.close()


def test_the_lease_of_a_networkd_without_files(tmp_path: Path) -> None:
    with serving(tmp_path, ANSWER + b"\0", b'{"parameters":{"Interface":{"Index":3}}}\0') as asked:
        found = read_leases(NICS, str(tmp_path))
    assert found.problems == ()
    (lease,) = found.leases
    assert (lease.client, lease.nic, lease.address) == ("systemd-networkd", "eth0", bytes((10, 65, 0, 7)))
    assert lease.routers == (bytes((10, 65, 0, 1)),) and lease.of_this_boot
    assert lease.classless is not None
    assert [(str(one.destination), one.next_hop) for one in lease.classless.routes] == [
        ("11.11.0.0/16", bytes((11, 8, 0, 1))), ("0.0.0.0/0", bytes((10, 65, 0, 1))),
    ]  # fmt: skip
    questions = [json.loads(question[:-1]) for question in asked]
    assert questions == [
        {"method": "io.systemd.Network.Link.Describe", "parameters": {"InterfaceIndex": index}} for index in (2, 3)
    ]


def test_a_nic_with_a_lease_file_is_not_asked_about(tmp_path: Path) -> None:
    with serving(tmp_path, UNKNOWN + b"\0") as asked:
        leases = tmp_path / "run/systemd/netif/leases"
        leases.mkdir()
        (leases / "2").write_text("ADDRESS=10.65.0.7\nROUTER=10.65.0.1\n")
        found = read_leases(NICS, str(tmp_path))
    assert [lease.nic for lease in found.leases] == ["eth0"]
    assert len(asked) == 1 and b'"InterfaceIndex": 3' in asked[0]


def test_an_elder_networkd_has_nothing_to_say(tmp_path: Path) -> None:
    with serving(tmp_path, UNKNOWN + b"\0", UNKNOWN + b"\0"):
        found = read_leases(NICS, str(tmp_path))
    assert (found.leases, found.problems) == ((), ())


def test_times_are_counted_from_the_boot() -> None:
    booted = 1_700_000_000.0
    (lease,) = networkd_answer(ANSWER, "socket", booted)
    taken = json.loads(ANSWER)["parameters"]["Interface"]["DHCPv4Client"]["Lease"]["LeaseTimestampUSec"] / 1e6
    assert lease.obtained == booted + taken
    assert lease.expires == lease.obtained + 3600


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ANSWER[:-300], "its answer is cut off"),
        (ANSWER[:-300] + b"\0", "is not JSON, or cut off"),
        (b"[]\0", "is no JSON object"),
        (ANSWER.replace(b'"yiaddr"', b'"other"') + b"\0", "has a lease in a form that is not known"),
        (ANSWER.replace(b'"0a410007"', b'"0a41"') + b"\0", "has a lease without an address"),
        (ANSWER.replace(b'"Index":2', b'"Index":"2"') + b"\0", "has a lease without its NIC or its time"),
        (
            ANSWER.replace(b'"LeaseTimestampUSec":', b'"LeaseTimestampUSec":1' + b"0" * 400) + b"\0",
            "has a lease without its NIC or its time",
        ),
        (ANSWER.replace(b'"LeaseTimestampUSec"', b'"other"') + b"\0", "has a lease without its NIC or its time"),
    ],
)
def test_an_answer_that_cannot_be_used_is_a_problem(tmp_path: Path, answer: bytes, reason: str) -> None:
    with serving(tmp_path, answer):
        found = read_leases(NICS[:1], str(tmp_path))
    assert found.leases == ()
    assert [problem.text for problem in found.problems] == [f"{reason}; ignored"]


def test_a_long_option_comes_in_parts() -> None:
    whole = b'{"tag":121,"data":"100b0b0b080001000a410001"}'
    parts = b'{"tag":121,"data":"100b0b0b0800"},{"tag":121,"data":"01000a410001"}'
    assert whole in ANSWER
    assert networkd_answer(ANSWER.replace(whole, parts), "s", 0.0) == networkd_answer(ANSWER, "s", 0.0)


def test_a_networkd_that_is_stopped_holds_a_pass_up_for_a_moment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networkd_socket, "WAIT_SECONDS", 0.2)
    (tmp_path / "run/systemd/netif").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "run/systemd/netif/io.systemd.Network"))
        listener.listen()
        start = time.monotonic()
        found = read_leases(NICS, str(tmp_path))
    assert time.monotonic() - start < 2
    assert [problem.text for problem in found.problems] == ["no answer within 0 s; ignored"]


def test_an_endless_answer_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networkd_socket, "LIMIT_BYTES", 1 << 20)
    with serving(tmp_path, b" " * (2 << 20)):
        found = read_leases(NICS[:1], str(tmp_path))
    assert [problem.text for problem in found.problems] == ["its answer is larger than 1 MiB; ignored"]


def test_nobody_listens(tmp_path: Path) -> None:
    (tmp_path / "run/systemd/netif").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "run/systemd/netif/io.systemd.Network"))
    found = read_leases(NICS, str(tmp_path))
    assert [problem.text for problem in found.problems] == ["cannot be asked: Connection refused; ignored"]


def test_a_socket_that_others_can_have_made_is_not_asked(tmp_path: Path) -> None:
    with serving(tmp_path, ANSWER + b"\0") as asked:
        os.chmod(tmp_path / "run/systemd/netif", 0o777)
        found = read_leases(NICS[:1], str(tmp_path))
    assert asked == [] and found.leases == ()
    assert ["can be written by everybody" in problem.text for problem in found.problems] == [True]
