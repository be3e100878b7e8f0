"""Who stands behind a netlink port: from the real /proc, and from ones made up."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterator

import pytest

from guest_routes.model.diagnosis.status import Actor
from guest_routes.state.processes import actor_at, is_of_the_system, process_started
from tests.support.hostile import USER, as_root, public_folder


def process(proc: Path, pid: int, name: bytes, parent: int, started: int = 4711, flags: int = 0x400000) -> None:
    """A process in a made-up /proc. Source: proc(5), stat."""
    rest = [b"S", b"%d" % parent, *[b"0"] * 4, b"%d" % flags, *[b"0"] * 12, b"%d" % started, *[b"0"] * 30]
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "stat").write_bytes(b"%d (%s) " % (pid, name) + b" ".join(rest) + b"\n")


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every user can look into."""
    yield from public_folder()


def as_user(asked: Callable[[], bool]) -> bool:
    """What a child of an ordinary user's is told."""
    pid = os.fork()
    if pid == 0:
        code = 2
        try:
            os.setresuid(USER, USER, USER)
            code = 0 if asked() else 1
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in (0, 1)
    return code == 0


def test_a_real_process_and_who_started_it() -> None:
    child = subprocess.Popen(["sleep", "60"])
    try:
        found = actor_at(child.pid)
        own = Path("/proc/self/comm").read_text().strip()
        assert (found.program, found.pid, found.ancestors[:1]) == ("sleep", child.pid, (own,))
    finally:
        child.kill()
        child.wait()
    assert actor_at(child.pid) == Actor(pid=child.pid)


def test_the_kernel_and_ports_that_are_no_process() -> None:
    assert actor_at(0) == Actor("kernel")
    assert actor_at(0xFFFFF123) == Actor()


def test_when_a_process_started() -> None:
    mine = process_started(os.getpid())
    assert mine.isdigit() and mine == process_started(os.getpid())
    assert process_started(1 << 22) == ""


def test_the_line_up_to_init(tmp_path: Path) -> None:
    for pid, name, parent in ((50, b"ip", 40), (40, b"dhclient-script", 30), (30, b"dhclient", 1), (1, b"systemd", 0)):
        process(tmp_path, pid, name, parent)
    assert actor_at(50, str(tmp_path)) == Actor("ip", 50, ("dhclient-script", "dhclient"))
    assert process_started(50, str(tmp_path)) == "4711"


@pytest.mark.parametrize("state", "ZX")
def test_a_process_that_waits_for_its_parent_has_ended(tmp_path: Path, state: str) -> None:
    process(tmp_path, 50, b"python3", 1)
    stat = tmp_path / "50" / "stat"
    stat.write_bytes(stat.read_bytes().replace(b") S ", f") {state} ".encode()))
    assert f") {state} " in stat.read_text()
    assert process_started(50, str(tmp_path)) == ""


def details(proc: Path, pid: int, uids: str = "0\t0\t0\t0", mode: int = 0o755, permitted: int = (1 << 41) - 1) -> None:
    """What else a made-up /proc tells of a process."""
    folder = proc / str(pid)
    (folder / "status").write_text(f"Name:\tx\nUid:\t{uids}\nCapPrm:\t{permitted:016x}\n")
    (folder / "exe").touch()
    (folder / "exe").chmod(mode)


def test_a_socket_that_systemd_made_is_networkds(tmp_path: Path) -> None:
    process(tmp_path, 1, b"systemd", 0)
    assert actor_at(1, str(tmp_path)) == Actor("systemd", 1)
    process(tmp_path, 261, b"systemd-network", 1)
    details(tmp_path, 261, "998\t998\t998\t998")
    assert actor_at(1, str(tmp_path)) == Actor("systemd-networkd", 261)


@pytest.mark.parametrize("uids, mode", [
    ("4242\t4242\t4242\t4242", 0o755),
    ("4242\t0\t0\t0", 0o755),  # su, which waits for the password.
    ("0\t0\t0\t0", 0o4755),  # sudo, which takes the real uid, too.
    ("0\t0\t0\t0", 0o600),  # The same, after dpkg has replaced it.
])  # fmt: skip
def test_but_not_a_users_process_of_that_name(tmp_path: Path, uids: str, mode: int) -> None:
    """The name is that of the link by which a program was started."""
    process(tmp_path, 1, b"systemd", 0)
    process(tmp_path, 260, b"systemd-network", 1)
    details(tmp_path, 260, uids, mode)
    assert actor_at(1, str(tmp_path)) == Actor("systemd", 1)


SERVICE = "0::/system.slice/systemd-networkd.service\n"


@pytest.mark.parametrize("cgroup, login, its", [
    (SERVICE, "4294967295", True), (SERVICE, "", True),
    ("4:memory:/system.slice/a.service\n1:name=systemd:/system.slice/a.service\n0::/\n", "4294967295", True),
    ("0::/lxc/c1/system.slice/a.service\n", "4294967295", True),
    ("0::/user.slice/user-4242.slice/session-3.scope\n", "4294967295", False),
    ("0::/user.slice/user-4242.slice/user@4242.service/system.slice/a.service\n", "4294967295", False),
    ("0::/system.slice/cron.service\n", "4242", False),
    ("0::/\n", "4294967295", False), ("", "", False),
])  # fmt: skip
def test_whose_it_is_where_its_program_is_not_shown(public: Path, cgroup: str, login: str, its: bool) -> None:
    """The service has no CAP_SYS_PTRACE, nor has an ordinary user."""
    as_root()
    process(public, 260, b"systemd-network", 1)
    details(public, 260)
    (public / "260" / "cgroup").write_text(cgroup)
    (public / "260" / "loginuid").write_text(login)
    locked = public / "locked"
    locked.mkdir(mode=0o700)
    (locked / "program").touch(mode=0o755)
    (public / "260" / "exe").unlink()
    (public / "260" / "exe").symlink_to(locked / "program")
    assert as_user(lambda: is_of_the_system(260, str(public))) is its


def test_a_program_with_the_set_user_id_bit_by_a_users_link(public: Path) -> None:
    """The kernel's own /proc: the name is the link's, the owner root."""
    as_root()
    program, link = public / "su", public / "systemd-networkd"
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o4755)
    link.symlink_to(program)
    child = subprocess.Popen([str(link), "60"], user=USER)
    try:
        until = time.monotonic() + 20
        while Path(f"/proc/{child.pid}/comm").read_text() != "systemd-network\n" and time.monotonic() < until:
            time.sleep(0.01)
        assert os.stat(f"/proc/{child.pid}").st_uid == 0
        assert not is_of_the_system(child.pid)
    finally:
        child.kill()
        child.wait()
    assert is_of_the_system(os.getpid())


def test_who_could_not_have_changed_a_route_is_not_blamed(tmp_path: Path) -> None:
    """A port may be a process id of a container's own, and a user's process here has that one, and any name."""
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "uid_map").write_text("0 0 4294967295\n")
    process(tmp_path, 50, b"NetworkManager", 1)
    (tmp_path / "50" / "uid_map").write_text("0 0 4294967295\n")
    details(tmp_path, 50)
    assert actor_at(50, str(tmp_path)) == Actor("NetworkManager", 50)
    details(tmp_path, 50, permitted=1 << 13)
    assert actor_at(50, str(tmp_path)) == Actor()
    details(tmp_path, 50)
    (tmp_path / "50" / "uid_map").write_text("0 4242 1\n")
    assert actor_at(50, str(tmp_path)) == Actor()


def test_the_kernels_own_processes_are_nobody(tmp_path: Path) -> None:
    """A port is a process id of a container's own, perhaps, and then of somebody else here."""
    process(tmp_path, 2, b"kthreadd", 0, flags=0x208040)
    process(tmp_path, 30, b"kauditd", 2, flags=0x208040)
    assert (actor_at(2, str(tmp_path)), actor_at(30, str(tmp_path))) == (Actor(), Actor())


def test_in_a_container_the_second_process_is_anybody(tmp_path: Path) -> None:
    process(tmp_path, 2, b"dhcpcd", 1)
    process(tmp_path, 30, b"ip", 2)
    assert actor_at(30, str(tmp_path)) == Actor("ip", 30, ("dhcpcd",))


def test_forks_of_one_name_count_once(tmp_path: Path) -> None:
    for pid, name, parent in ((50, b"bash", 40), (40, b"bash", 30), (30, b"sshd", 20), (20, b"sshd", 1)):
        process(tmp_path, pid, name, parent)
    assert actor_at(50, str(tmp_path)).ancestors == ("sshd",)


def test_a_line_without_end(tmp_path: Path) -> None:
    process(tmp_path, 50, b"a", 60)
    process(tmp_path, 60, b"b", 50)
    assert actor_at(50, str(tmp_path)) == Actor("a", 50, ("b", "a", "b", "a"))


@pytest.mark.parametrize("name, shown", [
    (b"a) S 1 (b", "a) S 1 (b"), (b"x\ny\x1b[31m", "x?y?[31m"), (b"\xff\xfe", "\ufffd\ufffd"),
    (b"tmux: server", "tmux: server"),
])  # fmt: skip
def test_names_that_want_to_be_something_else(tmp_path: Path, name: bytes, shown: str) -> None:
    process(tmp_path, 50, name, 1)
    assert actor_at(50, str(tmp_path)) == Actor(shown, 50)


@pytest.mark.parametrize("content, program", [
    (b"", ""), (b"50", ""), (b"50 (", ""), (b"50 (x)", "x"), (b"50 (x) S", "x"),
])  # fmt: skip
def test_a_stat_that_is_cut(tmp_path: Path, content: bytes, program: str) -> None:
    (tmp_path / "50").mkdir()
    (tmp_path / "50" / "stat").write_bytes(content)
    assert actor_at(50, str(tmp_path)).program == program
    assert process_started(50, str(tmp_path)) == ""


@pytest.mark.parametrize("offset, ticks", [(0, "4711"), (3, "4411"), (-1, "4811")])
def test_the_same_start_in_every_time_namespace(tmp_path: Path, offset: int, ticks: str) -> None:
    own = tmp_path / "self" / "ns"
    own.mkdir(parents=True)
    for name in ("time", "time_for_children"):
        (own / name).symlink_to("time:[1]")
    (tmp_path / "self" / "timens_offsets").write_text(f"monotonic 0 0\nboottime {offset} 0\n")
    (tmp_path / "50").mkdir()
    (tmp_path / "50" / "stat").write_text("50 (x) S " + " ".join(["1"] * 18) + " 4711 0\n")
    assert process_started(50, str(tmp_path)) == ticks
