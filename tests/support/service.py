"""`guest-routes watch` as a real process: started with settings, asked for its words and files, ended by its id.

Nothing here sleeps and hopes: `wait` looks until something is so, and fails with the log when it doesn't become so.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, TypeVar

from . import sandbox
from .lab import Lab, document
from .passes import HOST_ROUTE, documented, table

SETTINGS = Path("/etc/guest-routes.yaml")
RECORD = Path("/run/guest-routes/service")
WATCHED = ("WATCHDOG_USEC", "WATCHDOG_PID", "NOTIFY_SOCKET", "JOURNAL_STREAM")
Result = TypeVar("Result")
Start = Callable[..., "Service"]
"""The fixture of tests/netns/conftest.py."""
FAST = {"refresh_seconds": 0.3, "deadline_seconds": 2, "metadata_urls": ["http://169.254.169.254"]}
"""Settings of a service that asks again and again."""


class Service:
    """One service; `stop` or `kill` ends it.

    Args:
        settings: of /etc/guest-routes.yaml.
        notify: where systemd would listen: "path", "abstract", or "" for a machine without systemd.
        before: the command that starts it, such as setpriv with options.
    """

    def __init__(
        self,
        *arguments: str,
        settings: Optional[Dict[str, Any]] = None,
        notify: str = "",
        before: Sequence[str] = (),
        environment: Optional[Dict[str, str]] = None,
    ) -> None:
        sandbox.assert_private()
        self.directory = Path(tempfile.mkdtemp(prefix="guest-routes-service-"))
        if settings is not None:
            write_settings(**settings)
        self._log_path = self.directory / "log"
        own = {name: value for name, value in os.environ.items() if name not in WATCHED}
        own.update(environment or {})
        self._notified: List[str] = []
        self._listener: Optional[socket.socket] = None
        if notify:
            name = str(self.directory / "notify")
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            self._listener.bind("\0" + name if notify == "abstract" else name)
            own["NOTIFY_SOCKET"] = "@" + name if notify == "abstract" else name
        with self._log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [*before, sys.executable, "-m", "guest_routes", "watch", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=own,
            )
        self.pid = self._process.pid

    # -- what it says --------------------------------------------------------------------------------

    @property
    def log(self) -> str:
        """All that it has said."""
        return self._log_path.read_text()

    def said(self, words: str) -> int:
        """How many lines of the log have these words."""
        return sum(words in line for line in self.log.splitlines())

    def notified(self) -> List[str]:
        """What systemd was told, datagram by datagram, from the beginning."""
        assert self._listener is not None
        while True:
            try:
                self._notified.append(self._listener.recv(1 << 16).decode())
            except BlockingIOError:
                return self._notified

    @property
    def record(self) -> Dict[str, Any]:
        """What it tells `status` of itself; {} when nothing."""
        try:
            value: Dict[str, Any] = json.loads(RECORD.read_text())
        except FileNotFoundError:
            return {}
        return value

    # -- its life ------------------------------------------------------------------------------------

    def wait(self, so: Callable[[], Optional[Result]], seconds: float = 15, what: str = "") -> Result:
        """Waits until `so` returns something true, which it returns."""
        deadline = time.monotonic() + seconds
        while True:
            found = so()
            if found:
                return found
            assert self._process.poll() is None, f"the service ended by itself; its log:\n{self.log}"
            assert time.monotonic() < deadline, f"{what or 'it'} isn't so after {seconds} s; the log:\n{self.log}"
            time.sleep(0.01)

    def wait_said(self, words: str, times: int = 1, seconds: float = 15) -> None:
        """Waits until so many lines of the log have these words."""
        self.wait(lambda: self.said(words) >= times, seconds, f"{words!r} said {times} times")

    def signal(self, number: int) -> None:
        """Sends a signal."""
        os.kill(self.pid, number)

    def reload(self, **settings: Any) -> None:
        """Other settings, and SIGHUP."""
        if settings:
            write_settings(**settings)
        self.signal(signal.SIGHUP)

    def children(self) -> List[int]:
        """Its child processes. Source: proc_pid_task_children(5)."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def status_of(self, pid: int) -> Dict[str, str]:
        """A process's /proc/PID/status, by field; {} when it has gone."""
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            return {}
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def lost_notifications(self) -> int:
        """How many datagrams its sockets couldn't take. Source: net/netlink/af_netlink.c, /proc/net/netlink."""
        inodes = set()
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            inodes.add(os.readlink(descriptor).partition("socket:[")[2].rstrip("]"))
        rows = [line.split() for line in Path(f"/proc/{self.pid}/net/netlink").read_text().splitlines()[1:]]
        return sum(int(row[8]) for row in rows if row[9] in inodes)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
        return self._ended()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._ended()

    def ended(self) -> int:
        """Waits for its end; its exit code."""
        return self._process.wait(15)

    def close(self) -> None:
        """Ends it, whatever state it is in, and forgets it."""
        if self._process.poll() is None:
            self.kill()
        if self._listener is not None:
            self._listener.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _ended(self) -> int:
        try:
            return self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"it didn't end; its log:\n{self.log}") from None


def write_settings(**settings: Any) -> None:
    """/etc/guest-routes.yaml, of which the tests have one of their own; JSON is YAML."""
    sandbox.assert_private()
    temporary = SETTINGS.with_suffix(".new")
    temporary.write_text(json.dumps(settings))
    temporary.replace(SETTINGS)


def settled(lab: Lab, start: Start, defaults: str = "eth0 eth1", **options: Any) -> Service:
    """A service that has fetched its first document and made the documented table; the metadata service goes on."""
    documented(lab, defaults)
    lab.metadata_server(options.pop("document", document("documented")), *options.pop("server", ()))
    service = start(**options)
    service.wait(lambda: service.record.get("refreshed"), what="a refresh")
    assert HOST_ROUTE in table(lab)
    return service


def one_nic() -> Dict[str, Any]:
    """The documented document before the second NIC was attached."""
    value: Dict[str, Any] = json.loads(document("documented").read_text())
    del value["links"][1], value["networks"][1]
    return value
