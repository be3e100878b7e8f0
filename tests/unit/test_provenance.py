"""Every reader of evidence, settings and state refuses a file that others could have written, and says why."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path
from typing import Callable, Iterator, List, NamedTuple

import pytest

from guest_routes.errors import SettingsError
from guest_routes.evidence import find
from guest_routes.leases.find import read_leases
from guest_routes.managers.detect import holders
from guest_routes.managers.files import ManagerFiles
from guest_routes.managers.networkd_config import takes_default_route
from guest_routes.managers.rewrite import rewrite
from guest_routes.model.diagnosis.inspection import Holder
from guest_routes.model.document import Document, Known
from guest_routes.model.evidence import RecordedDefault
from guest_routes.model.network import Nic, parse_prefix
from guest_routes.model.settings import Settings
from guest_routes.output.words.verdicts import rewrite_error_text
from guest_routes.settings.load import read as read_settings
from guest_routes.settings.load import read_all
from guest_routes.state.identity import instance_uuid
from guest_routes.state.store import State
from guest_routes.trusted import USERS, Untrusted, read_trusted
from tests.support.hostile import HOSTILE, USER, as_root, written_meanwhile
from tests.support.lab import DATA
from tests.unit.state.machine import DEFAULT, FETCHED, MACHINE, MACS, NICS

LEASE = b"interface=eth0\nip=10.65.0.7\nrouter=10.65.0.1\n"
DHCPCD = (DATA / "leases/dhcpcd-cross.eth0").read_bytes()
NIC = Nic(2, "eth0", MACS[0], addresses=(parse_prefix("10.65.0.7/24"),))
SYSTEM_USER = 1
"""Who has a name in every passwd, and is no program's user."""


class Reader(NamedTuple):
    """One kind of file: where it is, and what comes of it."""

    path: str
    """Below the machine's root."""
    make: Callable[[Path], None]
    used: Callable[[Path], bool]
    """Whether it decides anything; a file that is refused does not."""
    said: Callable[[Path], str]
    """What the operator gets to read."""


def _put(content: bytes) -> Callable[[Path], None]:
    def put(path: Path) -> None:
        path.write_bytes(content)

    return put


def _settings(root: Path) -> Settings | str:
    try:
        return read_settings({}, "", str(root / "etc"), str(root / "run/guest-routes/stanza.json"))
    except SettingsError as error:
        return str(error)


def _is_set(root: Path) -> bool:
    got = _settings(root)
    return isinstance(got, Settings) and got.metric == 7


def _leased(root: Path) -> bool:
    return bool(read_leases([NIC], str(root)).leases)


def _lease_problems(root: Path) -> str:
    return "\n".join(map(str, read_leases([NIC], str(root)).problems))


def _state(root: Path) -> State:
    return State(str(root / "run/guest-routes"), str(root / "var/lib/guest-routes"), root=str(root))


def _state_problems(root: Path) -> str:
    state = _state(root)
    state.last_known_good(NICS), state.recorded_defaults(NICS), state.read_status(), state.read_service()
    state.agreeing_fetches(b"x")
    return "\n".join(map(str, state.problems))


def _crawled(root: Path) -> object:
    return find._crawled(str(root / "run/cloud-init/instance-data.json"))


def _correct(root: Path) -> List[str]:
    done = rewrite(Settings(), lambda: pytest.fail("nothing is decided"), root=str(root))
    return [*map(rewrite_error_text, done.errors), *(one.path for one in done.correction.files)]


def _holders(root: Path) -> tuple[tuple[Holder, ...], ManagerFiles]:
    files = ManagerFiles()
    return holders([NIC], files, str(root / "run"), str(root / "etc")), files


def _held(root: Path) -> bool:
    """By one manager, and for NetworkManager with its profile."""
    return any(one.state or one.file or one.manager == "ifupdown" for one in _holders(root)[0])


def _manager_problems(root: Path) -> str:
    return "\n".join(map(str, _holders(root)[1].problems))


def _takes(root: Path) -> tuple[bool, ManagerFiles]:
    files = ManagerFiles()
    holder = Holder("systemd-networkd", 2, "configured", str(root / "etc/systemd/network/1.network"))
    return takes_default_route(holder, files, str(root)), files


def _network_manager_profile(path: Path) -> None:
    path.write_text("[connection]\nuuid=u\n")
    device = path.parents[3] / "run/NetworkManager/devices/2"
    device.parent.mkdir(parents=True)
    device.write_text("[device]\nmanaged=true\nconnection-uuid=u\n")


def _kept(path: Path) -> None:
    _state(path.parents[3]).keep(FETCHED, MACS, 1.0)


def _recorded(path: Path) -> None:
    _state(path.parents[3]).record_defaults([RecordedDefault(DEFAULT)], NICS)


READERS = {
    "settings": Reader("etc/guest-routes.yaml", _put(b"metric: 7\n"), _is_set, lambda r: str(_settings(r))),
    "drop-in": Reader("etc/guest-routes.d/1.yaml", _put(b"metric: 7\n"), _is_set, lambda r: str(_settings(r))),
    "stanza": Reader("run/guest-routes/stanza.json", _put(b'{"metric": 7}'), _is_set, lambda r: str(_settings(r))),
    "lease": Reader("run/guest-routes/leases/eth0", _put(LEASE), _leased, _lease_problems),
    "dhcpcd's lease": Reader("var/lib/dhcpcd/eth0.lease", _put(DHCPCD), _leased, _lease_problems),
    "networkd's lease": Reader(
        "run/systemd/netif/leases/2", _put(b"ADDRESS=10.65.0.7\nROUTER=10.65.0.1\n"), _leased, _lease_problems
    ),
    "lease by ifindex": Reader(
        "run/NetworkManager/devices/2", _put(b"[dhcp4]\ndhcp4.ip_address=10.65.0.7\n"), _leased, _lease_problems
    ),
    "cloud-init's copy": Reader(
        "run/cloud-init/instance-data.json", _put(b'{"ds": {"network_json": {"links": []}}}'),
        lambda r: isinstance(_crawled(r), Document), lambda r: str(_crawled(r)).replace("is a dir", "Is a dir"),
    ),
    "last known good": Reader(
        "var/lib/guest-routes/last-known-good", _kept, lambda r: isinstance(_state(r).known(NICS), Known),
        _state_problems,
    ),
    "recorded defaults": Reader(
        "var/lib/guest-routes/defaults", _recorded, lambda r: bool(_state(r).recorded_defaults(NICS)), _state_problems
    ),
    "status": Reader(
        "run/guest-routes/status", _put(b'{"exit_code": 0}'), lambda r: bool(_state(r).read_status()), _state_problems
    ),
    "service": Reader(
        "run/guest-routes/service", _put(b'{"pid": 1}'), lambda r: bool(_state(r).read_service()), _state_problems
    ),
    "networkd's NIC": Reader(
        "run/systemd/netif/links/2", _put(b"ADMIN_STATE=configured\n"), _held, _manager_problems
    ),
    "ifupdown's NICs": Reader("run/network/ifstate", _put(b"eth0=eth0\n"), _held, _manager_problems),
    "NetworkManager's profile": Reader(
        "etc/NetworkManager/system-connections/a", _network_manager_profile, _held, _manager_problems
    ),
    "networkd's file": Reader(
        "etc/systemd/network/1.network", _put(b"[Network]\nDHCP=yes\n"), lambda r: _takes(r)[0],
        lambda r: "\n".join(map(str, _takes(r)[1].problems)),
    ),
    "networkd's drop-in": Reader(
        "run/systemd/network/1.network.d/a.conf", _put(b"[Network]\nDHCP=yes\n"), lambda r: _takes(r)[0],
        lambda r: "\n".join(map(str, _takes(r)[1].problems)),
    ),
    "rendered": Reader(
        "etc/systemd/network/10-cloud-init-eth0.network", _put(b"[Network]\nDHCP=yes\n"),
        lambda r: "/etc/systemd/network/10-cloud-init-eth0.network" in _correct(r), lambda r: "\n".join(_correct(r)),
    ),
}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A machine's files."""
    (tmp_path / "root/sys/class/dmi/id").mkdir(parents=True)
    (tmp_path / "root/sys/class/dmi/id/product_uuid").write_text(MACHINE)
    boot = tmp_path / "root/proc/sys/kernel/random/boot_id"
    boot.parent.mkdir(parents=True)
    boot.write_text("boot-1")
    yield tmp_path / "root"
    shutil.rmtree(tmp_path / "root")


def _made(reader: Reader, root: Path) -> Path:
    path = root / reader.path
    path.parent.mkdir(parents=True, exist_ok=True)
    reader.make(path)
    assert path.exists()
    return path


@pytest.mark.parametrize("name", READERS)
def test_a_file_of_roots_is_used(root: Path, name: str) -> None:
    _made(READERS[name], root)
    assert READERS[name].used(root)


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("name", READERS)
def test_a_file_that_others_could_have_written_is_not(root: Path, name: str, what: str) -> None:
    reader, (spoil, reason) = READERS[name], HOSTILE[what]
    path = _made(reader, root)
    spoil(path)
    assert not reader.used(root)
    said = reader.said(root)
    of_folder = reason.replace("which ", "").replace("where ", "can be written by ").replace(" can write", "")
    assert reason in said or f"{path.parent}: {of_folder}" in said
    assert str(path) in said or str(path.parent) in said


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_changes_while_it_is_read_is_no_traceback(root: Path, name: str) -> None:
    """What is written decides nothing: it is no form of any reader's."""
    path = _made(READERS[name], root)
    with written_meanwhile(path):
        for _ in range(3):
            READERS[name].used(root)
            assert isinstance(READERS[name].said(root), str)


def test_a_file_that_never_has_the_size_it_says_is_not_used() -> None:
    with pytest.raises(Untrusted, match="changes while it is read"):
        read_trusted(f"/proc/{os.getpid()}/status", 1 << 20)


OWNERS = {
    "networkd's lease": "systemd-networkd",
    "networkd's NIC": "systemd-networkd",
    "networkd's file": "systemd-networkd",
    "networkd's drop-in": "systemd-networkd",
    "rendered": "systemd-networkd",
    "dhcpcd's lease": "dhcpcd",
}
"""The readers of files that their program's own user may own: cloud-init gives networkd's files to networkd's."""


@pytest.mark.parametrize("program", USERS)
@pytest.mark.parametrize("name", READERS)
def test_a_file_of_a_programs_own_user(root: Path, name: str, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is used where its program's user owns it, and nowhere else."""
    as_root()
    monkeypatch.setitem(USERS, program, (pwd.getpwuid(SYSTEM_USER).pw_name,))
    path = _made(READERS[name], root)
    os.chown(path, SYSTEM_USER, SYSTEM_USER)
    own = OWNERS.get(name) == program
    assert READERS[name].used(root) is own
    assert ("belongs to the user" in READERS[name].said(root)) is not own
    path.chmod(0o664)
    assert not READERS[name].used(root)


@pytest.mark.parametrize("name", READERS)
def test_a_second_name_of_roots_own_file_changes_nothing(root: Path, name: str) -> None:
    """Else a user who links /etc/guest-routes.yaml into a folder of its own would switch it off."""
    path = _made(READERS[name], root)
    as_root()
    folder = root / "home"
    folder.mkdir()
    os.chown(folder, USER, USER)
    os.link(path, folder / "planted")
    assert READERS[name].used(root)


@pytest.mark.parametrize("name", READERS)
def test_a_link_of_roots_to_the_folder_is_followed(root: Path, name: str) -> None:
    """Some systems have /var/lib elsewhere."""
    path = _made(READERS[name], root)
    path.parent.rename(root / "moved")
    path.parent.symlink_to(root / "moved", target_is_directory=True)
    assert READERS[name].used(root)
    (root / "moved").chmod(0o777)
    assert not READERS[name].used(root)


def test_the_instance_uuid_too(root: Path) -> None:
    path = root / "run/cloud-init/.instance-id"
    path.parent.mkdir(parents=True)
    path.write_text(MACHINE)
    assert instance_uuid(str(root)) == MACHINE
    as_root()
    os.chown(path, USER, USER)
    assert instance_uuid(str(root)) == ""


def test_withdrawn_by_hand_is_said_by_root_only(root: Path) -> None:
    state = _state(root)
    state.set_withdrawn()
    assert state.is_withdrawn()
    as_root()
    os.chown(root / "run/guest-routes/withdrawn", USER, USER)
    assert not state.is_withdrawn()


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o775])
def test_an_optional_file_that_is_missing_is_absent_wherever_it_would_be(root: Path, mode: int) -> None:
    """A folder that others can write to makes no problem as long as nothing is in it."""
    for folder in {reader.path.rpartition("/")[0] for reader in READERS.values()}:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path in root.rglob("*"):
        if path.is_dir():
            path.chmod(mode)
    root.chmod(mode)
    assert isinstance(_settings(root), Settings)
    assert _state_problems(root) + _lease_problems(root) + _manager_problems(root) + "".join(_correct(root)) == ""


@pytest.mark.parametrize("at, said", [
    ("etc/guest-routes.d", "etc/guest-routes.d: can be written by everybody; its files are not read"),
    ("etc", "etc/guest-routes.d: is in {root}/etc, where everybody can write; its files are not read"),
])  # fmt: skip
def test_a_folder_is_not_in_itself(root: Path, at: str, said: str) -> None:
    folder = root / "etc/guest-routes.d"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text("metric: 7\n")
    (root / at).chmod(0o777)
    problems = read_all({}, etc=f"{root}/etc", stanza="").problems
    assert f"{root}/{said.format(root=root)}" in problems


def test_a_masked_drop_in_is_no_problem(root: Path) -> None:
    path = _made(READERS["networkd's file"], root)
    masked = root / "etc/systemd/network/1.network.d/a.conf"
    masked.parent.mkdir()
    masked.symlink_to("/dev/null")
    assert path.exists()
    taken, files = _takes(root)
    assert (taken, files.problems) == (True, [])
