"""What a process may do once it is confined: in a child process, since there is no way back."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Callable

import pytest

from guest_routes.service.child import privileges, seccomp
from guest_routes.service.child.privileges import MEMORY_BYTES, USERS, confine
from guest_routes.service.child.process import Child, result_of

FIRST_USER = USERS[0]
LIBC = ctypes.CDLL(None, use_errno=True)
MAPPED = sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines()) > FIRST_USER
"""Not so in a user namespace of an ordinary user: there root stays root, without capabilities."""
ROOT = pytest.mark.skipif(os.geteuid() != 0 or not MAPPED, reason="it takes root, and all user ids")
PARENT = os.getpid()


def field(status: str, name: str) -> str:
    """A field of a /proc/PID/status."""
    return next(line.partition(":")[2].strip() for line in status.splitlines() if line.startswith(name + ":"))


def confined(work: Callable[[], object]) -> str:
    """What it returns, as text, or the name of the error that it gets, in a confined child."""

    def child() -> bytes:
        confine()
        try:
            return str(work()).encode()
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, str(error)).encode()
        except (MemoryError, RuntimeError) as error:
            return type(error).__name__.encode()

    return result_of(child, 1 << 20).decode()


def call(name: str, *arguments: object) -> int:
    """A function of the C library."""
    result = int(getattr(LIBC, name)(*arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def test_no_capability_is_left_and_none_can_come_back() -> None:
    status = confined(Path("/proc/self/status").read_text)
    names = ("CapInh", "CapPrm", "CapEff", "CapAmb", *(["CapBnd"] if os.geteuid() == 0 else []))
    assert [int(field(status, name), 16) for name in names] == [0] * len(names)
    assert (field(status, "NoNewPrivs"), field(status, "Seccomp")) == ("1", "2")


@ROOT
def test_root_becomes_a_user_of_no_name_in_no_group() -> None:
    def work() -> bytes:
        os.setgroups([4])
        confine()
        return Path("/proc/self/status").read_bytes()

    status = result_of(work, 100_000).decode()
    for name in ("Uid", "Gid"):
        assert set(field(status, name).split()) == {str(FIRST_USER)}
    assert field(status, "Groups") == ""


@ROOT
@pytest.mark.parametrize("mapped, user", [("0 0 65536", "65534"), ("0 0 1", "0")])
def test_in_a_user_namespace_it_becomes_whom_there_is(mapped: str, user: str) -> None:
    """nobody, where the first user has no id; where only root has one, it is an ordinary user outside."""
    program = (
        "import ctypes, os, sys; from guest_routes.service.child.privileges import confine; pipe = int(sys.argv[1]);"
        "ctypes.CDLL(None).unshare(0x10000000); os.write(pipe, b'!'); input(); confine();"
        "os.write(pipe, open('/proc/self/status', 'rb').read())"
    )
    reading, writing = os.pipe()
    command = [sys.executable, "-c", program, str(writing)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(writing,)) as child:
        os.close(writing)
        assert os.read(reading, 1) == b"!"
        for file in ("uid_map", "gid_map"):
            Path(f"/proc/{child.pid}/{file}").write_text(mapped)
        child.communicate(b"\n", timeout=20)
    status = os.read(reading, 1 << 16).decode()
    os.close(reading)
    assert field(status, "Uid").split() == [user] * 4 and field(status, "Seccomp") == "2"
    assert [int(field(status, name), 16) for name in ("CapPrm", "CapEff", "CapBnd")] == [0] * 3


@ROOT
@pytest.mark.parametrize("missing", ["setuid", "setgid", "setpcap"])
def test_root_that_cannot_be_confined_is_refused(missing: str) -> None:
    program = "from guest_routes.service.child.privileges import confine\n" \
        "try: confine()\nexcept OSError as error: raise SystemExit(error.errno)"  # fmt: skip
    kept = [name for name in ("setuid", "setgid", "setpcap") if name != missing]
    bounding = f"--bounding-set=-all,{','.join('+' + name for name in kept)}"
    ran = subprocess.run(["setpriv", bounding, sys.executable, "-c", program], timeout=20)
    assert ran.returncode == errno.EPERM


def test_a_machine_whose_system_calls_are_unknown_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "machine_here", lambda: "vax")
    before = os.getsid(0)
    with pytest.raises(OSError, match="system calls of vax are unknown"):
        confine()
    assert os.getsid(0) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes capabilities to have any dropped")
def test_capabilities_go_also_where_another_user_would_keep_them() -> None:
    """Mostly the kernel clears them with root's id. Source: capabilities(7), SECBIT_NO_SETUID_FIXUP."""

    def work() -> bytes:
        set_securebits, no_setuid_fixup = 28, 1 << 2
        assert LIBC.prctl(set_securebits, no_setuid_fixup, 0, 0, 0) == 0
        confine()
        return Path("/proc/self/status").read_bytes()

    status = result_of(work, 100_000).decode()
    assert [int(field(status, name), 16) for name in ("CapPrm", "CapEff", "CapBnd")] == [0, 0, 0]


# ---- limits -----------------------------------------------------------------------------------------


def test_the_kernel_bounds_what_it_takes() -> None:
    def limits() -> str:
        names = ("CPU", "NOFILE", "FSIZE", "CORE", "NPROC")
        return " ".join(str(resource.getrlimit(getattr(resource, "RLIMIT_" + name))) for name in names)

    threads = "(128, 128)" if os.geteuid() == 0 and MAPPED else confined(limits).rpartition(") ")[2]
    assert confined(limits) == f"(20, 20) (256, 256) (0, 0) (0, 0) {threads}"


def test_memory_has_an_end() -> None:
    """Beyond its bound it can only take what this process has had and given back."""
    assert confined(lambda: len(bytearray(MEMORY_BYTES // 2))) == str(MEMORY_BYTES // 2)
    assert confined(lambda: len(bytearray(1 << 30))) == "MemoryError"


def test_processor_time_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "CPU_SECONDS", 1)

    def work() -> bytes:
        confine()
        while True:
            continue

    started = time.monotonic()
    child = Child(work, 100)
    os.set_blocking(child.fileno(), True)
    while not child.read():
        continue
    assert child.end() == b"" and 0.8 < time.monotonic() - started < 15


@pytest.mark.parametrize("parent, answer", [(lambda: os.getppid(), b"goes on"), (lambda: os.getpid(), b"ended")])
def test_a_parent_that_ended_before_its_child_was_confined(parent: Callable[[], int], answer: bytes) -> None:
    """The kernel's signal comes only for one that ends afterwards."""

    def child() -> bytes:
        try:
            confine(parent=parent())
        except ProcessLookupError:
            return b"ended"
        return b"goes on"

    assert result_of(child, 100) == answer


def test_it_is_killed_first_when_memory_is_short() -> None:
    assert confined(Path("/proc/self/oom_score_adj").read_text) == "1000\n"


def test_it_leads_a_session_and_cannot_be_looked_into() -> None:
    pr_get_dumpable = 3
    session, leader, dumpable = confined(
        lambda: f"{os.getsid(0)} {os.getpid()} {LIBC.prctl(pr_get_dumpable, 0, 0, 0, 0)}"
    ).split()
    assert session == leader and dumpable == "0"


def test_none_of_the_parents_files_but_the_pipe_is_open(tmp_path: Path) -> None:
    """Also those with high numbers. The pipe has the number 3; 0 to 2 lead nowhere."""
    with (tmp_path / "secret").open("w") as file:
        high = os.dup2(file.fileno(), 700)

        def closed() -> str:
            found = []
            for number in range(1000):
                try:
                    found.append((number, os.fstat(number).st_rdev))
                except OSError:
                    continue
            return str(found)

        null = os.stat("/dev/null").st_rdev
        assert confined(closed) == str([(0, null), (1, null), (2, null), (3, 0)])
        os.close(high)


def test_threads_start_and_processes_do_not() -> None:
    def work() -> str:
        done = []
        thread = threading.Thread(target=lambda: done.append("thread"))
        thread.start()
        thread.join()
        return done[0]

    assert confined(work) == "thread"
    assert confined(os.fork) == "EPERM"


# ---- attacks ----------------------------------------------------------------------------------------


def unix_socket(kind: int = socket.SOCK_STREAM) -> None:
    socket.socket(socket.AF_UNIX, kind)


def _udp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


VICTIM, LEFT = f"/tmp/guest-routes-victim-{os.getpid()}", f"/tmp/guest-routes-attack-{os.getpid()}"
"""In /tmp, where another user may write; one pair for each run of the tests."""
ATTACKS: dict[str, Callable[[], object]] = {
    "a UNIX socket": unix_socket,
    "a UNIX socket for datagrams": lambda: unix_socket(socket.SOCK_DGRAM),
    "a pair of UNIX sockets": socket.socketpair,
    "a packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "a server": lambda: socket.socket(socket.AF_INET).listen(),
    "a signal to the parent": lambda: os.kill(PARENT, signal.SIGCONT),
    "a question about the parent": lambda: os.kill(PARENT, 0),
    "a signal by a descriptor, to whom": lambda: fcntl.fcntl(_udp(), fcntl.F_SETOWN, PARENT),
    "a signal by a descriptor, which": lambda: fcntl.fcntl(_udp(), 10, signal.SIGKILL),
    "a signal by a descriptor, to a thread": lambda: fcntl.fcntl(_udp(), 15, struct.pack("ii", 1, PARENT)),
    "a signal by a socket": lambda: fcntl.ioctl(_udp(), 0x8902, struct.pack("i", PARENT)),
    "a program": lambda: os.execv("/bin/true", ["true"]),
    "tracing": lambda: call("ptrace", 16, PARENT, 0, 0),
    "a mount": lambda: call("mount", b"none", b"/mnt", b"tmpfs", 0, None),
    "a user namespace": lambda: call("unshare", 0x10000000),
    "another root directory": lambda: os.chroot("/"),
    "keys": lambda: call("syscall", 250, 0, 0) if os.uname().machine == "x86_64" else call("syscall", 219, 0, 0),
    "a new file": lambda: os.open(LEFT, os.O_WRONLY | os.O_CREAT),
    "a file without a name": lambda: os.open("/tmp", os.O_RDWR | 0o20200000),
    "an open for writing": lambda: os.open("/dev/null", os.O_WRONLY),
    "an open that cuts": lambda: os.open("/dev/null", os.O_RDONLY | os.O_TRUNC),
    "a directory": lambda: os.mkdir(LEFT),
    "a removed file": lambda: os.unlink(VICTIM),
    "a renamed file": lambda: os.rename(VICTIM, LEFT),
    "a link": lambda: os.symlink("/etc/shadow", LEFT),
    "a named pipe": lambda: os.mkfifo(LEFT),
    "another mode": lambda: os.chmod(VICTIM, 0o777),
    "another owner": lambda: os.chown(VICTIM, 0, 0),
    "another time": lambda: os.utime(VICTIM),
    "memory as a file": lambda: call("memfd_create", b"x", 0),
    "root's id": lambda: os.setresuid(0, 0, 0),
}
"""Each is permitted to a process of that user without the confinement, or would matter most if it were."""


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_from_inside_fails(attack: str) -> None:
    victim, left = Path(VICTIM), Path(LEFT)
    victim.write_text("as it was")
    victim.chmod(0o666)
    try:
        if attack == "root's id" and not MAPPED:
            pytest.skip("root stays root, without capabilities")
        assert confined(ATTACKS[attack]) == "EPERM"
        assert victim.read_text() == "as it was" and not left.exists()
    finally:
        victim.unlink()


@pytest.mark.parametrize("number", [425, 437, 435, 1000, 0x40000000 + 41])
def test_calls_whose_arguments_are_in_memory_or_that_are_newer_do_not_exist(number: int) -> None:
    """io_uring_setup, openat2, clone3, one to come, and socket by the numbers of x32."""
    assert confined(lambda: call("syscall", number, 0, 0, 0, 0)) == "ENOSYS"


@ROOT
@pytest.mark.parametrize("path", ["/etc/shadow", "/proc/PARENT/environ", "/proc/PARENT/maps"])
def test_what_only_root_may_read_is_not_read(path: str) -> None:
    assert confined(lambda: os.open(path.replace("PARENT", str(PARENT)), os.O_RDONLY)) in ("EACCES", "EPERM")


@ROOT
def test_files_of_the_service_are_out_of_reach(tmp_path: Path) -> None:
    kept = tmp_path / "last-known-good"
    kept.write_text("x")
    kept.chmod(0o600)
    assert confined(lambda: os.open(kept, os.O_RDONLY)) == "EACCES"


def test_a_file_that_is_open_already_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def work() -> bytes:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        confine()
        try:
            os.write(descriptor, b"x")
        except OSError as error:
            return (error.strerror or "").encode()
        return b"written"

    assert result_of(work, 100) == b"File too large"
    assert path.read_bytes() == b""


def test_what_a_fetch_needs_is_left() -> None:
    def work() -> str:
        for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK):
            socket.socket(family, socket.SOCK_RAW if family == socket.AF_NETLINK else socket.SOCK_STREAM).close()
        anonymous = mmap.mmap(-1, 1 << 16)
        anonymous.close()
        return Path("/proc/self/comm").read_text() and "all"

    assert confined(work) == "all"


def test_the_answer_can_still_be_sent() -> None:
    def work() -> bytes:
        confine()
        return b"x" * 100_000

    assert result_of(work, 200_000) == b"x" * 100_000


def is_running(status: Path) -> bool:
    """By its /proc/PID/status; a process may end while that is read."""
    try:
        return not field(status.read_text(), "State").startswith("Z")
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_process_ends_with_its_parent() -> None:
    def asks() -> bytes:
        confine()
        os.write(3, b"!")  # a child's end of its pipe
        time.sleep(60)
        return b""

    def parent() -> bytes:
        child = Child(asks, 100)
        poll = select.poll()
        poll.register(child.fileno(), select.POLLIN)
        poll.poll(5000)
        return str(child.pid).encode()

    path = Path(f"/proc/{int(result_of(parent, 100))}/status")
    deadline = time.monotonic() + 5
    while is_running(path):
        assert time.monotonic() < deadline, "it outlived its parent"
        time.sleep(0.01)
