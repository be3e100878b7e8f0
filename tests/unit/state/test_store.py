"""The state's files: whole or not at all, this instance's or nobody's."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.errors import LockError, StateError
from guest_routes.model.document import Document, Provenance
from guest_routes.model.network import NextHop, Nic, Prefix, Route, parse_address, parse_prefix
from guest_routes.state.route_json import route_from_json, route_to_json
from guest_routes.state.store import State

MACS = (bytes.fromhex("fa163e000001"), bytes.fromhex("fa163e000002"))
NICS = (Nic(2, "eth0", MACS[0]), Nic(3, "eth1", MACS[1]))
MACHINE = "7c6f0d2e-5b6a-4c9e-9a3f-0f6c6a5b1e11"
CLONE = "11111111-2222-4333-8444-555555555555"
DEFAULT = Route(parse_prefix("0.0.0.0/0"), parse_address("10.65.0.1"), 2, protocol=4)
FETCHED = Document(
    b'{"links": []}\n\x00 and any byte\n', Provenance("http", "http://169.254.169.254", ("eth0",)), uuid=MACHINE
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where a machine says who it is."""
    path = tmp_path / "root"
    write(path / "sys/class/dmi/id/product_uuid", MACHINE.upper() + "\n")
    write(path / "proc/sys/kernel/random/boot_id", "boot-1\n")
    return path


@pytest.fixture
def state(tmp_path: Path, root: Path) -> State:
    return State(str(tmp_path / "run"), str(tmp_path / "lib"), root=str(root))


def write(path: Path, text: str) -> None:
    """A file with its directories."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def kept_file(state: State) -> Path:
    return Path(state.lib_dir, "last-known-good")


# ---- last known good (R10) --------------------------------------------------------------------------


def test_what_was_kept_comes_back(state: State) -> None:
    state.keep(FETCHED, MACS, 1_000_000.5)
    kept = state.last_known_good(NICS)
    assert (kept.reason, kept.data, kept.provenance) == ("", FETCHED.data, FETCHED.provenance)
    assert (kept.fetched, kept.uuid, kept.macs) == (1_000_000.5, MACHINE, MACS)


def test_nobody_else_may_read_it(state: State) -> None:
    old = os.umask(0)
    try:
        state.keep(FETCHED, MACS, 1.0)
    finally:
        os.umask(old)
    assert stat.S_IMODE(kept_file(state).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(state.lib_dir).stat().st_mode) == 0o700
    assert os.listdir(state.lib_dir) == ["last-known-good"]


def test_the_same_again_only_gets_younger(state: State) -> None:
    """R9: whichever NIC answered first this time."""
    state.keep(FETCHED, MACS, 1.0)
    before = kept_file(state).stat().st_ino
    state.keep(FETCHED._replace(provenance=Provenance("http", "http://169.254.169.254", ("eth1",))), MACS, 2.0)
    assert kept_file(state).stat().st_ino == before
    assert state.last_known_good(NICS).fetched == 2.0
    state.keep(FETCHED._replace(data=b"{}"), MACS, 3.0)
    assert state.last_known_good(NICS).data == b"{}"


def test_none_was_kept(state: State) -> None:
    assert state.last_known_good(NICS).reason == f"none was kept in {state.lib_dir}"


def test_an_image_of_another_machine_is_harmless(state: State, root: Path) -> None:
    state.keep(FETCHED, MACS, 1.0)
    write(root / "sys/class/dmi/id/product_uuid", CLONE)
    kept = state.last_known_good(NICS)
    assert kept.data == b""
    expected = f"it was kept on machine {MACHINE}, this is {CLONE}; harmless in a captured image"
    assert kept.reason == f"{kept_file(state)} is not of this instance: {expected}"


@pytest.mark.parametrize("by", ["instance-data.json", ".instance-id"])
def test_an_image_of_another_instance_is_harmless(state: State, root: Path, by: str) -> None:
    """Where there is no DMI (or nobody may read it), cloud-init's word counts."""
    (root / "sys/class/dmi/id/product_uuid").unlink()
    state.keep(FETCHED, MACS, 1.0)
    write(
        root / "run/cloud-init" / by,
        CLONE if by == ".instance-id" else json.dumps({"ds": {"meta_data": {"uuid": CLONE}}}),
    )
    assert f"kept on instance {MACHINE}, this is {CLONE}" in state.last_known_good(NICS).reason
    write(root / "run/cloud-init" / by, "i-0001" if by == ".instance-id" else "{")
    assert not state.last_known_good(NICS).reason


def test_other_macs_are_another_instance(state: State) -> None:
    state.keep(FETCHED, MACS, 1.0)
    others = (Nic(2, "eth0", bytes.fromhex("fa163e000009")),)
    assert (
        "describes fa:16:3e:00:00:01, fa:16:3e:00:00:02, which no NIC here has" in state.last_known_good(others).reason
    )
    assert state.last_known_good(()).reason


def test_a_nic_may_be_missing_on_a_machine_known_to_be_the_same(state: State, root: Path) -> None:
    state.keep(FETCHED, MACS, 1.0)
    assert not state.last_known_good(NICS[:1]).reason
    (root / "sys/class/dmi/id/product_uuid").unlink()
    assert state.last_known_good(NICS[:1]).reason == ""  # the boot proves it, too
    write(root / "proc/sys/kernel/random/boot_id", "boot-2\n")
    assert "no DMI uuid proves that the machine is the same" in state.last_known_good(NICS[:1]).reason
    assert not state.last_known_good(NICS).reason


def test_a_further_nic_is_no_matter(state: State) -> None:
    state.keep(FETCHED, MACS[:1], 1.0)
    assert not state.last_known_good(NICS).reason


def test_a_bonds_port_is_known_by_its_permanent_mac(state: State) -> None:
    state.keep(FETCHED, MACS, 1.0)
    ports = (Nic(2, "eth0", MACS[0]), Nic(3, "eth1", MACS[0], permanent_mac=MACS[1]))
    assert not state.last_known_good(ports).reason


def test_a_damaged_file_is_a_reason(state: State) -> None:
    state.keep(FETCHED, MACS, 1.0)
    path = kept_file(state)
    whole = path.read_bytes()
    line, _, data = whole.partition(b"\n")
    header = json.loads(line)
    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        assert "is damaged" in state.last_known_good(NICS).reason
    path.write_bytes(line + b"\n" + data.replace(b"l", b"L"))
    assert "is damaged" in state.last_known_good(NICS).reason
    for change in ({"macs": ["zz"]}, {"macs": None}, {"macs": [1]}, {"macs": 3}, {"schema": "other/2"}):
        path.write_bytes(json.dumps({**header, **change}).encode() + b"\n" + data)
        assert state.last_known_good(NICS).reason
    for content in (b"[]\n", b"null\n", b"[" * 100_000, b"\xff\xfe\n{}"):
        path.write_bytes(content)
        assert "is damaged" in state.last_known_good(NICS).reason
    path.unlink()
    path.mkdir()
    assert "cannot read" in state.last_known_good(NICS).reason


@given(content=st.binary(max_size=200))
def test_any_bytes_are_no_more_than_a_reason(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    state = State("/nowhere", str(tmp_path_factory.getbasetemp()), root="/nowhere")
    kept_file(state).write_bytes(content)
    assert state.last_known_good(NICS).reason


def test_a_writer_killed_at_any_time_leaves_the_old_or_the_new(state: State, root: Path) -> None:
    program = f"""
import itertools, sys
from guest_routes.state.store import State
from tests.unit.test_state import FETCHED, MACS
state = State({state.run_dir!r}, {state.lib_dir!r}, root={str(root)!r})
print("ready", flush=True)
for number in itertools.count():
    state.keep(FETCHED._replace(data=b"%d" % number * 20000), MACS, 1.0)
"""
    state.keep(FETCHED, MACS, 1.0)
    for attempt in range(12):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(0.001 * attempt)
            child.send_signal(signal.SIGKILL)
        assert not state.last_known_good(NICS).reason
    state.keep(FETCHED, MACS, 1.0)
    assert os.listdir(state.lib_dir) == ["last-known-good"]


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
    with (
        pytest.raises(StateError, match=r"cannot open /proc/guest-routes/lock: .+ \(E[A-Z]+\).*run it as root"),
        state.lock(),
    ):
        pass


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


numbers = st.integers(0, 2**32 - 1)
addresses = st.one_of(st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16))
prefixes = addresses.flatmap(lambda a: st.builds(Prefix, st.just(a), st.integers(0, len(a) * 8)))
nexthops = st.builds(NextHop, st.none() | addresses, numbers, numbers, st.booleans())
routes = st.builds(
    Route,
    prefixes,
    st.none() | addresses,
    *[numbers] * 6,
    tos=numbers,
    onlink=st.booleans(),
    source=st.none() | addresses,
    metrics=st.lists(st.tuples(numbers, numbers), max_size=3).map(tuple),
    nexthops=st.lists(nexthops, max_size=3).map(tuple),
    nexthop_id=numbers,
    preference=numbers,
)


@given(route=routes)
def test_a_route_survives_json(route: Route) -> None:
    assert route_from_json(json.loads(json.dumps(route_to_json(route)))) == route


@pytest.mark.parametrize(
    "change",
    [
        {"metric": "5"}, {"metric": 5.0}, {"metric": True}, {"metric": None}, {"onlink": 1}, {"more": 1},
        {"gateway": "10.65.0.1/24"}, {"gateway": 7}, {"destination": "default"}, {"destination": None},
        {"metrics": [[1]]}, {"metrics": [["a", 1]]}, {"metrics": None}, {"nexthops": [{}]}, {"nexthops": "x"},
        {"nexthops": [{"gateway": None, "ifindex": 2, "weight": 1, "onlink": 0}]},
    ],
)  # fmt: skip
def test_a_route_is_read_strictly(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not"):
        route_from_json({**route_to_json(DEFAULT), **change})


def test_a_route_without_a_field_is_none() -> None:
    for name in Route._fields:
        value = route_to_json(DEFAULT)
        del value[name]
        with pytest.raises(ValueError, match="not a route"):
            route_from_json(value)


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


# ---- the lock ---------------------------------------------------------------------------------------

HOLDER = """
import sys, time
from guest_routes.state.store import State
with State(sys.argv[2], sys.argv[3]).lock():
    print("ready", flush=True)
    time.sleep(60)
"""


def test_the_lock_names_its_holder_and_ends_with_it(state: State) -> None:
    command = [sys.executable, "-c", HOLDER, "watch", state.run_dir, state.lib_dir]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        started = time.monotonic()
        with pytest.raises(LockError) as caught, state.lock(0.2):
            pass
        assert 0.2 <= time.monotonic() - started < 2
        assert f"held by pid {child.pid} (guest-routes watch {state.run_dir} {state.lib_dir}) for " in str(caught.value)
        child.send_signal(signal.SIGKILL)
    with state.lock(0.2):
        assert stat.S_IMODE(Path(state.run_dir, "lock").stat().st_mode) == 0o600
    with state.lock(0.0):
        pass


def test_the_lock_is_released_when_a_pass_fails(state: State) -> None:
    with pytest.raises(ZeroDivisionError), state.lock():
        raise ZeroDivisionError
    with state.lock(0.0):
        pass
