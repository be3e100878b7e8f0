"""The last accepted document (R10): whole or not at all, and of this instance or nobody's."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.model.document import Known, LastKnownGood, OtherInstance, Provenance, Unusable
from guest_routes.model.network import Nic
from guest_routes.state.store import State

from .machine import CLONE, FETCHED, MACHINE, MACS, NICS, write


def kept_file(state: State) -> Path:
    return Path(state.lib_dir, "last-known-good")


def kept(state: State, nics: Tuple[Nic, ...] = NICS) -> LastKnownGood:
    found = state.last_known_good(nics)
    assert isinstance(found, LastKnownGood)
    return found


def refused(state: State, nics: Tuple[Nic, ...] = NICS) -> Unusable:
    found = state.last_known_good(nics)
    assert isinstance(found, Unusable)
    return found


def test_what_was_kept_comes_back(state: State) -> None:
    state.keep(FETCHED, MACS, 1_000_000.5)
    about = len(FETCHED.data), zlib.crc32(FETCHED.data)
    known = Known(FETCHED.provenance, 1_000_000.5, MACHINE, MACS, checksum=about)
    assert state.last_known_good(NICS) == LastKnownGood(FETCHED.data, known)


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
    assert kept(state).known.fetched == 2.0
    state.keep(FETCHED._replace(data=b"{}"), MACS, 3.0)
    assert kept(state).data == b"{}"


def test_none_was_kept(state: State) -> None:
    assert state.last_known_good(NICS) == Unusable("absent", str(kept_file(state)))


def test_an_image_of_another_machine_is_harmless(state: State, root: Path) -> None:
    state.keep(FETCHED, MACS, 1.0)
    write(root / "sys/class/dmi/id/product_uuid", CLONE)
    other = OtherInstance("machine", MACHINE, CLONE)
    assert state.last_known_good(NICS) == Unusable("other-instance", str(kept_file(state)), other=other)


@pytest.mark.parametrize("by", ["instance-data.json", ".instance-id"])
def test_an_image_of_another_instance_is_harmless(state: State, root: Path, by: str) -> None:
    """Where there is no DMI (or nobody may read it), cloud-init's word counts."""
    (root / "sys/class/dmi/id/product_uuid").unlink()
    state.keep(FETCHED, MACS, 1.0)
    write(
        root / "run/cloud-init" / by,
        CLONE if by == ".instance-id" else json.dumps({"ds": {"meta_data": {"uuid": CLONE}}}),
    )
    assert refused(state).other == OtherInstance("instance", MACHINE, CLONE)
    write(root / "run/cloud-init" / by, "i-0001" if by == ".instance-id" else "{")
    assert kept(state)


def test_other_macs_are_another_instance(state: State) -> None:
    state.keep(FETCHED, MACS, 1.0)
    others = (Nic(2, "eth0", bytes.fromhex("fa163e000009")),)
    assert refused(state, others).other == OtherInstance("macs", macs=MACS)
    assert refused(state, ()).other == OtherInstance("macs", macs=MACS)


def test_a_nic_may_be_missing_on_a_machine_known_to_be_the_same(state: State, root: Path) -> None:
    state.keep(FETCHED, MACS, 1.0)
    assert kept(state, NICS[:1])
    (root / "sys/class/dmi/id/product_uuid").unlink()
    assert kept(state, NICS[:1])  # the boot proves it, too
    write(root / "proc/sys/kernel/random/boot_id", "boot-2\n")
    assert refused(state, NICS[:1]).other == OtherInstance("unproven", macs=MACS[1:])
    assert kept(state)


def test_a_further_nic_is_no_matter(state: State) -> None:
    state.keep(FETCHED, MACS[:1], 1.0)
    assert kept(state)


def test_a_bonds_port_is_known_by_its_permanent_mac(state: State) -> None:
    state.keep(FETCHED, MACS, 1.0)
    ports = (Nic(2, "eth0", MACS[0]), Nic(3, "eth1", MACS[0], permanent_mac=MACS[1]))
    assert kept(state, ports)


def test_a_damaged_file_is_a_reason(state: State) -> None:
    state.keep(FETCHED, MACS, 1.0)
    path = kept_file(state)
    whole = path.read_bytes()
    line, _, data = whole.partition(b"\n")
    header = json.loads(line)
    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        assert refused(state).kind == ("cut-off" if length > len(line) else "no-header")
    path.write_bytes(line + b"\n" + data.replace(b"l", b"L"))
    assert refused(state) == Unusable("cut-off", str(path), lengths=(len(data), str(len(data))))
    for change in ({"macs": ["zz"]}, {"macs": None}, {"macs": [1]}, {"macs": 3}, {"schema": "other/2"}):
        path.write_bytes(json.dumps({**header, **change}).encode() + b"\n" + data)
        assert refused(state)
    for content in (b"[]\n", b"null\n", b"[" * 100_000, b"\xff\xfe\n{}"):
        path.write_bytes(content)
        assert refused(state).kind == "no-header"
    path.unlink()
    path.mkdir()
    assert refused(state) == Unusable("unreadable", str(path), "cannot be read: Is a directory")


@given(content=st.binary(max_size=200))
def test_any_bytes_are_no_more_than_a_reason(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    state = State("/nowhere", str(tmp_path_factory.getbasetemp()), root="/nowhere")
    kept_file(state).write_bytes(content)
    assert refused(state)


def test_a_writer_killed_at_any_time_leaves_the_old_or_the_new(state: State, root: Path) -> None:
    program = f"""
import itertools, sys
from guest_routes.state.store import State
from tests.unit.state.machine import FETCHED, MACS
state = State({state.run_dir!r}, {state.lib_dir!r}, root={str(root)!r})
print("ready", flush=True)
for number in itertools.count():
    state.keep(FETCHED._replace(data=b"%d" % number * 20000), MACS, 1.0)
"""
    state.keep(FETCHED, MACS, 1.0)
    for attempt in range(12):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(0.001 * attempt)
            child.send_signal(signal.SIGKILL)
        assert kept(state)
    state.keep(FETCHED, MACS, 1.0)
    assert os.listdir(state.lib_dir) == ["last-known-good"]


def test_a_pass_reads_it_once(state: State) -> None:
    """What `find` has read is not read again by `gather`, as long as it is the same file, for the same NICs."""
    state.keep(FETCHED, MACS, 1.0)
    before = kept(state).known
    os.utime(kept_file(state).parent)
    assert state.known(NICS) is before
    assert state.known(NICS) is not before  # the next pass reads it again
    kept(state)
    state.keep(FETCHED._replace(data=b"{}"), MACS[:1], 1.0)
    about = 2, zlib.crc32(b"{}")
    assert state.known(NICS) == Known(FETCHED.provenance, 1.0, MACHINE, MACS[:1], checksum=about)
    kept(state)
    assert isinstance(state.known(()), Unusable)
    kept_file(state).unlink()
    assert state.known(NICS) == state.known(NICS) == Unusable("absent", str(kept_file(state)))
