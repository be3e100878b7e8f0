"""The state's files: whole or not at all, this instance's or nobody's."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import List, Tuple

import pytest

from guest_routes.errors import LockError, StateError
from guest_routes.model.evidence import RecordedDefault
from guest_routes.model.network import NextHop, Nic, Prefix, Route, parse_address, parse_prefix
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
        state.record_defaults([RecordedDefault(DEFAULT)], NICS)


def test_a_read_only_root_says_so() -> None:
    state = State("/proc/guest-routes", "/proc/guest-routes", root="/nowhere")
    with pytest.raises(StateError, match=r"cannot write /proc/guest-routes/status: .+ \(E[A-Z]+\)"):
        state.write_status({})
    with state.lock() as unlocked:  # a pass goes on without it
        assert re.match(
            r"cannot open /proc/guest-routes/lock: .+ \(E[A-Z]+\).*; two passes .* not kept apart", unlocked
        )


# ---- recorded defaults (R4) -------------------------------------------------------------------------


def record(state: State, *routes: Route) -> None:
    state.record_defaults([RecordedDefault(route, (route,)) for route in routes], NICS)


def recorded(state: State, nics: Tuple[Nic, ...] = NICS) -> List[Route]:
    """Those whose NICs are there."""
    return [one.route for one in state.recorded_defaults(nics) if not one.absent]


def test_recorded_defaults_come_back_until_forgotten(state: State) -> None:
    """The last recorded come first."""
    other = DEFAULT._replace(ifindex=3, metric=100)
    record(state, DEFAULT)
    record(state, other)
    assert recorded(state) == [other, DEFAULT]
    record(state, DEFAULT, other)
    assert recorded(state) == [DEFAULT, other]
    state.keep_defaults([other], NICS)
    assert recorded(state) == [other]
    state.keep_defaults([], NICS)
    assert recorded(state) == []
    state.keep_defaults([], NICS)


def test_the_order_among_equals_is_recorded(state: State) -> None:
    """A NIC of the order that is not there any more is no obstacle."""
    equal, gone = DEFAULT._replace(ifindex=3), DEFAULT._replace(ifindex=9)
    state.record_defaults([RecordedDefault(equal, (gone, equal, DEFAULT), outside=(2, 9))], NICS)
    assert state.recorded_defaults(NICS) == (RecordedDefault(equal, (gone, equal, DEFAULT), outside=(2,)),)


def test_a_lifetime_goes_on(state: State) -> None:
    expiring = DEFAULT._replace(destination=Prefix(bytes(16), 0), gateway=bytes(15) + b"\1", expires=600)
    record(state, expiring)
    (one,) = state.recorded_defaults(NICS)
    assert 598 <= one.route.expires <= 600 and not one.expired
    state.keep_defaults([one.route._replace(expires=590)], NICS)
    assert len(state.recorded_defaults(NICS)) == 1
    path = Path(state.lib_dir, "defaults")
    document = json.loads(path.read_text())
    document["records"][0]["at"] -= 700
    path.write_text(json.dumps(document))
    (one,) = state.recorded_defaults(NICS)
    assert one.expired


def test_records_of_another_boot_are_nothing(state: State, root: Path) -> None:
    record(state, DEFAULT)
    write(root / "proc/sys/kernel/random/boot_id", "boot-2\n")
    assert recorded(state) == []
    record(state, DEFAULT._replace(metric=5))
    assert recorded(state) == [DEFAULT._replace(metric=5)]


@pytest.mark.parametrize("now", [(), (Nic(2, "eth0", MACS[1]),), (Nic(2, "eth9", b""),)])
def test_a_record_of_a_nic_that_is_not_there(state: State, now: Tuple[Nic, ...]) -> None:
    record(state, DEFAULT)
    assert recorded(state, now) == []
    assert [one.absent for one in state.recorded_defaults(now)] == [(Nic(2, "eth0"),)]


@pytest.mark.parametrize(
    "now, ifindex",
    [
        ((Nic(2, "eth9", MACS[0]),), 2),
        ((Nic(7, "eth0", MACS[0]),), 7),
        ((Nic(7, "ens7", MACS[0]),), 7),
        ((Nic(7, "eth0.5", MACS[0]), Nic(8, "eth0", MACS[0])), 8),
        ((Nic(2, "ens2", MACS[0]), Nic(8, "eth0", MACS[0])), 2),
    ],
)
def test_a_nic_is_its_mac(state: State, now: Tuple[Nic, ...], ifindex: int) -> None:
    """Whatever its name and index are now; of several with one MAC that of the same index, or name."""
    record(state, DEFAULT)
    assert recorded(state, now) == [DEFAULT._replace(ifindex=ifindex)]
    (one,) = state.recorded_defaults(now)
    assert one.order == (one.route,)


PORT, BOND = Nic(2, "eth0", MACS[0], master=7), Nic(7, "bond0", MACS[0], kind="bond", master=8)
OWN, NEW, SIX, LINK_LOCAL = map(parse_prefix, ("10.65.0.7/24", "10.65.0.9/24", "fd00:65::7/64", "fe80::7/64"))


@pytest.mark.parametrize(
    "now, ifindex",
    [
        ((Nic(2, "eth0", MACS[0], master=7), Nic(7, "br0", MACS[0], addresses=(OWN,))), 7),
        ((Nic(2, "eth0", MACS[0], master=7), Nic(7, "br0", MACS[1], addresses=(OWN,))), 7),
        ((Nic(2, "eth0", MACS[0], master=7, addresses=(SIX,)), Nic(7, "br0", MACS[1], addresses=(OWN,))), 7),
        ((Nic(2, "eth0", MACS[0], master=7, addresses=(SIX,)), Nic(7, "br0", MACS[0], addresses=(NEW,))), 7),
        ((Nic(2, "eth0", MACS[0], master=7, addresses=(LINK_LOCAL,)), Nic(7, "br0", MACS[1], addresses=(NEW,))), 7),
        ((Nic(2, "eth0", MACS[0], master=7, addresses=(OWN,)), Nic(7, "vrf0", b"", addresses=(NEW,))), 2),
        ((Nic(2, "eth0", MACS[0], master=7), Nic(7, "br0", MACS[0])), 2),
        # A bridge over a bond of it, each with the same MAC.
        ((PORT, BOND, Nic(8, "br0", MACS[0], addresses=(OWN,))), 8),
        ((PORT, BOND, Nic(8, "br0", MACS[0], addresses=(NEW,))), 8),
        ((PORT, BOND, Nic(8, "br0", MACS[1], addresses=(NEW,))), 8),
        ((PORT, BOND._replace(addresses=(NEW,)), Nic(8, "br0", MACS[0], addresses=(SIX,))), 7),
        ((PORT, BOND, Nic(8, "br0", MACS[0], addresses=(LINK_LOCAL,))), 2),
        # A VRF's own address is no bridge's.
        ((Nic(2, "eth0", MACS[0], master=7), Nic(7, "vrf0", b"", kind="vrf", addresses=(NEW,))), 2),
        ((Nic(2, "eth0", MACS[0], addresses=(NEW,)), Nic(7, "eth0.5", MACS[0], addresses=(NEW,))), 2),
        ((Nic(2, "eth0", MACS[0], addresses=(OWN,)), Nic(7, "kube", MACS[1], addresses=(OWN,))), 2),
        ((Nic(5, "ens5", MACS[1], addresses=(OWN,)), Nic(3, "eth1", b"", addresses=(NEW,))), 5),
    ],
)
def test_a_nic_is_where_its_addresses_are(state: State, now: Tuple[Nic, ...], ifindex: int) -> None:
    state.record_defaults([RecordedDefault(DEFAULT)], (NICS[0]._replace(addresses=(OWN, SIX)), NICS[1]))
    assert recorded(state, now) == [DEFAULT._replace(ifindex=ifindex)]


def test_two_nics_of_one_mac_are_not_separated(state: State) -> None:
    record(state, DEFAULT)
    assert recorded(state, (Nic(7, "a", MACS[0]), Nic(8, "b", MACS[0]))) == []


def test_every_leg_must_have_its_nic(state: State) -> None:
    nexthops = (NextHop(parse_address("10.65.0.1"), 2), NextHop(parse_address("11.8.0.1"), 3))
    multipath = DEFAULT._replace(gateway=None, ifindex=0, nexthops=nexthops)
    record(state, multipath)
    assert recorded(state) == [multipath]
    assert recorded(state, NICS[:1]) == []
    moved = Nic(9, "ens9", NICS[1].mac)
    assert [[hop.ifindex for hop in one.nexthops] for one in recorded(state, (NICS[0], moved))] == [[2, 9]]


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"schema": "guest-routes/defaults/2", "boot_id": "boot-1", "records": [1, {}, {"route": {}}]}'],
)
def test_damaged_records_are_nothing_and_stay(state: State, content: str) -> None:
    """They may be the only ones of what is to come back."""
    path = Path(state.lib_dir, "defaults")
    write(path, content)
    assert recorded(state) == []
    with pytest.raises(StateError, match="none is taken away; move it away"):
        record(state, DEFAULT)
    assert path.read_text() == content


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
