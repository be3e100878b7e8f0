"""A command takes one snapshot of the kernel for each moment that it reports, and reads the last known good once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import pytest

from guest_routes.cli import context as module
from guest_routes.cli.context import Context
from guest_routes.cli.main import _command
from guest_routes.cli.parser import parse
from guest_routes.diagnose.rehearse import EXAMPLE
from guest_routes.model.network import KernelState, Nic, Route, parse_prefix
from guest_routes.state import last_known_good
from guest_routes.state.store import State
from tests.support.model_kernel import ModelKernel

NICS = tuple(
    Nic(index, f"eth{index - 2}", bytes.fromhex(mac), addresses=(parse_prefix(address),))
    for index, mac, address in ((2, "fa163e000001", "10.65.0.7/24"), (3, "fa163e000002", "11.8.0.9/24"))
)


class CountingKernel(ModelKernel):
    """Counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__(KernelState(NICS, ()))
        self.snapshots = 0

    def snapshot(self, table: int, expected: Sequence[Route] = ()) -> KernelState:
        """Counts."""
        self.snapshots += 1
        return super().snapshot(table, expected)

    def tables(self, numbers: Sequence[int]) -> Tuple[Route, ...]:
        """Routes alone, which don't count: what source routing would find."""
        return tuple(route for number in numbers for route in super(CountingKernel, self).snapshot(number).routes)

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "network_data.json"
    path.write_bytes(EXAMPLE)
    return path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> List[str]:
    """The last known good's path, once for each time that it was read."""
    monkeypatch.setattr(module, "SETTINGS_PATHS", (str(tmp_path / "none.yaml"),))
    found: List[str] = []
    load = last_known_good.load

    def counting(path: str, *rest: Any) -> Any:
        found.append(path)
        return load(path, *rest)

    monkeypatch.setattr(last_known_good, "load", counting)
    return found


def run(tmp_path: Path, arguments: List[str]) -> CountingKernel:
    context, kernel = Context(parse(arguments)), CountingKernel()
    state = State(str(tmp_path / "run"), str(tmp_path / "lib"), root=str(tmp_path))
    vars(context).update(_kernel=kernel, _state=state)
    _command(arguments[0])(context)
    return kernel


LOCAL = ["--sources", "last-known-good"]
SNAPSHOTS: Dict[str, int] = {
    "sync": 2,  # before, and after what was written
    "plan": 1,
    "explain 11.11.0.1": 1,
    "export --format networkd": 1,
    "doctor": 1,
}
BRIEF = ["--deadline-seconds", "0.1"]


@pytest.mark.parametrize("command", SNAPSHOTS)
def test_a_document_that_is_named(tmp_path: Path, document: Path, reads: List[str], command: str) -> None:
    made = run(tmp_path, [*command.split(), *LOCAL, *BRIEF, "--metadata", str(document)])
    assert made.snapshots == SNAPSHOTS[command]
    assert len(reads) == 1


@pytest.mark.parametrize("command", [*SNAPSHOTS, "status"])
def test_the_last_known_good(tmp_path: Path, document: Path, reads: List[str], command: str) -> None:
    run(tmp_path, ["sync", *LOCAL, *BRIEF, "--metadata", str(document)])
    del reads[:]
    words = LOCAL if command == "status" else [*LOCAL, *BRIEF]
    assert run(tmp_path, [*command.split(), *words]).snapshots == SNAPSHOTS.get(command, 1)
    assert len(reads) == 1


@pytest.mark.parametrize("command", ["plan", "doctor"])
def test_sources_that_have_nothing_before_one_that_has(
    tmp_path: Path, document: Path, reads: List[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """HTTP asks who this instance is; then leases replace a document: what was read of the last known good is known."""
    lease = tmp_path / "run/systemd/netif/leases/2"
    lease.parent.mkdir(parents=True)
    lease.write_text("ADDRESS=10.65.0.7\n")
    run(tmp_path, [command, "--sources", "last-known-good,leases", "--deadline-seconds", "0.1"])
    assert len(reads) == 1
