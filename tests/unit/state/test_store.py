"""The state's files: whole or not at all, this instance's or nobody's."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Tuple

import pytest

from guest_routes.errors import LockError, StateError
from guest_routes.model.network import NextHop, Nic, parse_address
from guest_routes.state.store import State

from .machine import DEFAULT, FETCHED, MACS, NICS, write


def test_what_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "lib").write_text("a file")
    state = State(str(tmp_path / "run"), str(tmp_path / "lib"), root="/nowhere")
    with pytest.raises(StateError) as caught:
        state.keep(FETCHED, MACS, 1.0)
    assert str(caught.value).startswith(f"cannot write {tmp_path}/lib/last-known-good: ")
    assert str(caught.value).endswith("the metadata is not kept for a boot without the metadata service")
    with pytest.raises(StateError, match="so none is taken away"):
        state.record_defaults([DEFAULT], NICS)


def test_a_read_only_root_says_so() -> None:
    state = State("/proc/guest-routes", "/proc/guest-routes", root="/nowhere")
    with pytest.raises(StateError, match=r"cannot write /proc/guest-routes/status: .+ \(E[A-Z]+\)"):
        state.write_status({})
    with state.lock() as unlocked:  # a pass goes on without it
        assert re.match(
            r"cannot open /proc/guest-routes/lock: .+ \(E[A-Z]+\).*; two passes .* not kept apart", unlocked
        )


# ---- recorded defaults (R4) -------------------------------------------------------------------------


def test_recorded_defaults_come_back_until_forgotten(state: State) -> None:
    other = DEFAULT._replace(ifindex=3, metric=100)
    state.record_defaults([DEFAULT], NICS)
    state.record_defaults([other, DEFAULT], NICS)
    assert state.recorded_defaults(NICS) == (DEFAULT, other)
    state.forget_defaults([DEFAULT])
    assert state.recorded_defaults(NICS) == (other,)
    state.forget_defaults()
    assert state.recorded_defaults(NICS) == ()
    state.forget_defaults()


def test_records_of_another_boot_are_nothing(state: State, root: Path) -> None:
    state.record_defaults([DEFAULT], NICS)
    write(root / "proc/sys/kernel/random/boot_id", "boot-2\n")
    assert state.recorded_defaults(NICS) == ()
    state.record_defaults([DEFAULT._replace(metric=5)], NICS)
    assert state.recorded_defaults(NICS) == (DEFAULT._replace(metric=5),)


@pytest.mark.parametrize(
    "now", [(), (Nic(2, "eth0", MACS[1]),), (Nic(2, "eth9", MACS[0]),), (Nic(7, "eth0", MACS[0]),)]
)
def test_a_record_of_another_nic_is_nothing(state: State, now: Tuple[Nic, ...]) -> None:
    state.record_defaults([DEFAULT], NICS)
    assert state.recorded_defaults(now) == ()


def test_every_leg_must_have_its_nic(state: State) -> None:
    nexthops = (NextHop(parse_address("10.65.0.1"), 2), NextHop(parse_address("11.8.0.1"), 3))
    multipath = DEFAULT._replace(gateway=None, ifindex=0, nexthops=nexthops)
    state.record_defaults([multipath], NICS)
    assert state.recorded_defaults(NICS) == (multipath,)
    assert state.recorded_defaults(NICS[:1]) == ()


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"schema": "guest-routes/defaults/1", "boot_id": "boot-1", "records": [1, {}, {"route": {}}]}'],
)
def test_damaged_records_are_nothing(state: State, content: str) -> None:
    write(Path(state.lib_dir, "defaults"), content)
    assert state.recorded_defaults(NICS) == ()
    state.record_defaults([DEFAULT], NICS)
    assert state.recorded_defaults(NICS) == (DEFAULT,)


# ---- agreements, status -----------------------------------------------------------------------------


def count(state: State, data: bytes) -> int:
    fetches = state.agreeing_fetches(data)
    state.count_agreement(data, fetches)
    return fetches


def test_agreements_count_the_same_document_in_a_row(state: State) -> None:
    """R6"""
    assert [count(state, data) for data in (b"a", b"a", b"b", b"a", b"a", b"a")] == [1, 2, 1, 1, 2, 3]
    state.clear_agreements()
    state.clear_agreements()
    assert count(state, b"a") == 1
    Path(state.run_dir, "disputed").write_text("[]")
    assert count(state, b"a") == 1


def test_anybody_may_read_the_status(state: State) -> None:
    assert state.read_status() == {}
    state.write_status({"routes": [1, 2]})
    assert state.read_status() == {"routes": [1, 2]}
    assert stat.S_IMODE(Path(state.run_dir, "status").stat().st_mode) == 0o644
    assert stat.S_IMODE(Path(state.run_dir).stat().st_mode) == 0o755


# ---- the service, and what was withdrawn ------------------------------------------------------------


def test_withdrawn_until_a_pass_is_run(state: State) -> None:
    state.clear_withdrawn()
    assert not state.is_withdrawn()
    state.set_withdrawn()
    assert state.is_withdrawn()
    state.clear_withdrawn()
    assert not state.is_withdrawn()


def test_what_the_service_does_until_it_ends(state: State) -> None:
    assert state.read_service() == {}
    state.write_service({"pid": 5})
    assert state.read_service() == {"pid": 5}
    state.forget_service()
    state.forget_service()
    assert state.read_service() == {}


def test_a_second_service_is_told_that_one_is_enough(state: State) -> None:
    """It does not wait, and a pass may run beside a service."""
    with state.only_service(), state.lock(0.0), pytest.raises(LockError, match="one service is enough"):
        state.only_service().__enter__()
