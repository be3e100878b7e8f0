"""A document of a megabyte, however it is made, is linear work with at most 100 MB, and ends in at most 50 lines.

`make bench` has the seconds.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.cost import Cost, cost
from tests.support.lab import Lab
from tests.support.passes import documented
from tests.support.service import Start
from tests.support.worst import worst_documents

DOCUMENTS = worst_documents()
YARDSTICKS = 20
"""About 6 s where ten million turns of a loop take 0.3 s; the worst of these documents takes a third of it."""
MEGABYTES = 100
LINES = 50
LONGEST = 1000
"""Characters of a line."""
COMMANDS = ("plan", "explain 11.11.3.4", "doctor --deadline-seconds 0.2", "correct --check", "rehearse", "status")
EVERYWHERE = (
    "bad links", "bad networks", "networks and next hops", "bad routes", "omitted routes", "gateways",
    "long control characters", "chain of VLANs", "deep",
)  # fmt: skip
"""With these, every command."""


def assert_bounded(got: Cost, lines: int = LINES) -> None:
    assert got.yardsticks < YARDSTICKS
    assert got.megabytes < MEGABYTES
    assert len(got.err) <= LINES, got.err[:3]
    assert len(got.out) <= lines, got.out[:3]
    assert max(map(len, got.out + got.err), default=0) <= LONGEST


@pytest.fixture
def written(lab: Lab, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The document in a file, on a machine like the documented one."""
    documented(lab)
    path = tmp_path / "network_data.json"
    path.write_bytes(DOCUMENTS[request.param])
    return path


@pytest.mark.parametrize("written", DOCUMENTS, indirect=True)
def test_a_pass_is_bounded(written: Path) -> None:
    assert_bounded(cost("sync", "--metadata", str(written)), 2 * LINES)
    assert_bounded(cost("status"), 2 * LINES)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("written", EVERYWHERE, indirect=True)
def test_every_command_is(written: Path, command: str) -> None:
    assert_bounded(cost(*command.split(), *(["--metadata", str(written)] if command != "status" else [])), 2 * LINES)


@pytest.mark.parametrize(
    ("written", "asked"),
    [("one destination", "11.11.3.4"), ("networks of one subnet", "8.8.8.8"), ("defaults", "8.8.8.8")],
    indirect=["written"],
)
def test_explain_is_where_many_host_routes_cover_an_address(written: Path, asked: str) -> None:
    """It reads the document once, and shows a dozen; JSON has them all."""
    assert_bounded(cost("explain", asked, "--metadata", str(written)), 2 * LINES)
    everything = cost("explain", asked, "--json", "--metadata", str(written))
    assert everything.yardsticks < YARDSTICKS


@pytest.mark.parametrize("written", ["no links", "no networks", "no routes"], indirect=True)
def test_rehearse_reads_it_once(written: Path) -> None:
    """For the NICs that it makes, and for the pass."""
    assert_bounded(cost("rehearse", "--metadata", str(written)), 2 * LINES)


@pytest.mark.parametrize("written", EVERYWHERE, indirect=True)
def test_what_is_exported_is_the_routes_and_little_more(written: Path) -> None:
    got = cost("export", "--format", "networkd", "--metadata", str(written))
    assert_bounded(got, 20_000)


@pytest.mark.parametrize("written", EVERYWHERE, indirect=True)
def test_the_journal_has_fifty_lines_at_most(written: Path, start: Start) -> None:
    service = start("--metadata", str(written))
    service.wait(lambda: service.record, what="a record")
    service.reload()
    service.wait_said("the settings were reloaded")
    service.stop()
    assert len(service.log.splitlines()) <= LINES + 5  # What it is about to do, and the reload.
    assert max(map(len, service.log.splitlines())) <= LONGEST


@pytest.mark.parametrize(
    "content",
    [b"", b"\x1b[2J" * 200, b"interface=eth0\nip=10.65.0.7\nrouter=10.65.0.1\n"],
    ids=["empty", "control characters", "of another NIC"],
)
def test_many_leases_are(lab: Lab, tmp_path: Path, content: bytes) -> None:
    documented(lab)
    path = tmp_path / "network_data.json"
    path.write_bytes(DOCUMENTS["omitted routes"])
    folder = Path("/run/guest-routes/leases")
    folder.mkdir(parents=True)
    for number in range(3000):
        (folder / f"eth{number}").write_bytes(content)
    for command in ("sync", "plan", "doctor --deadline-seconds 0.2"):
        assert_bounded(cost(*command.split(), "--metadata", str(path)), 2 * LINES)
    assert_bounded(cost("status"), 2 * LINES)
    assert os.listdir(folder)
