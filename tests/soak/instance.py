"""What runs on the soak's instance: the service, restarted as systemd would, commands by hand, the metadata server."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

from tests.support.faulty_calls import FaultyCalls
from tests.support.lab import Lab

from . import world

WORK = Path("/run/soak")
REAPED_SECONDS = 3.0
"""The service waits for a child once it has come to its turn on a busy machine."""
SETTINGS = Path("/etc/guest-routes.yaml")
RECORD = Path("/run/guest-routes/service")
START_SECONDS = 30.0
COMMAND_SECONDS = 60.0
COMMAND = [sys.executable, "-m", "guest_routes"]


class Instance:
    """Everything that has a process; `faults` is what went wrong with them."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.calls = FaultyCalls(WORK)
        """What the disk, the system and the clock do to the service, and to the commands."""
        self.faults: List[str] = []
        self.ours: Set[int] = set()
        """Process ids of every guest-routes that was started."""
        self.away: List[Tuple[float, float]] = []
        """When the service didn't run."""
        self.settings = "plain"
        self.document = "full"
        self._service: Optional[subprocess.Popen[bytes]] = None
        self._stopped = time.monotonic()
        self._commands: List[Tuple[subprocess.Popen[bytes], str, float, Path]] = []
        self._server: Optional[subprocess.Popen[bytes]] = None
        self.log = WORK / "service.log"
        (WORK / "meta_data.json").write_text(json.dumps({"uuid": world.UUID}))

    # -- the service ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """The service, until it says that it runs, which takes a disk and processes."""
        self.calls.permit()
        self.calls.refuse_forks(0)
        with self.log.open("ab") as log:
            self._service = subprocess.Popen([*COMMAND, "watch"], stderr=log, stdout=log, env=self.calls.environment)
        self.ours.add(self._service.pid)
        until = time.monotonic() + START_SECONDS
        while self.record().get("pid") != self._service.pid:
            if self._service.poll() is not None or time.monotonic() > until:
                self.faults.append(f"the service didn't start (exit {self._service.poll()})")
                break
            time.sleep(0.02)
        self.away.append((self._stopped, time.monotonic()))

    @property
    def pid(self) -> int:
        """The service's."""
        assert self._service is not None
        return self._service.pid

    def signal(self, number: int) -> None:
        """To the service."""
        os.kill(self.pid, number)

    def end(self, number: int) -> None:
        """Ends the service; by SIGTERM that must be in good order."""
        assert self._service is not None
        self._stopped = time.monotonic()
        self._service.send_signal(number)
        try:
            code = self._service.wait(10)
        except subprocess.TimeoutExpired:
            self.faults.append("the service didn't end within 10 s of SIGTERM")
            self._service.kill()
            code = self._service.wait()
        if number == signal.SIGTERM and code:
            self.faults.append(f"the service ended with {code} on SIGTERM")

    def check_service(self) -> None:
        """It must not have ended by itself."""
        if self._service is not None and self._service.poll() is not None:
            self.faults.append(f"the service ended by itself with {self._service.poll()}")
            self._stopped = time.monotonic()
            self.start()

    def record(self) -> Dict[str, Any]:
        """What the service leaves for `status`."""
        try:
            found: Dict[str, Any] = json.loads(RECORD.read_text())
        except (OSError, ValueError):
            return {}
        return found

    def size(self) -> str:
        """The service's memory, open files and children, for the report."""
        status = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        rss = next(line.split()[1] for line in status if line.startswith("VmRSS"))
        files = len(os.listdir(f"/proc/{self.pid}/fd"))
        return f"{int(rss):,} KiB, {files} files"

    def children(self) -> List[int]:
        """Of the service."""
        return [int(one) for one in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def zombies(self) -> int:
        """Children of the service that ended REAPED_SECONDS ago at least and that nobody waited for."""
        deadline = time.monotonic() + REAPED_SECONDS
        ended = [child for child in self.children() if _has_ended(child)]
        while ended and time.monotonic() < deadline:
            time.sleep(0.05)
            ended = [child for child in ended if _has_ended(child)]
        return len(ended)

    def set_settings(self, name: str) -> None:
        """Writes the settings file; a reload is another thing."""
        self.settings = name
        SETTINGS.write_text(world.COMMON_SETTINGS + world.SETTINGS[name])

    def break_settings(self, text: str) -> None:
        """A file that is wrong; the service keeps the settings it has."""
        SETTINGS.write_text(text)

    # -- commands by hand ----------------------------------------------------------------------------------

    def command(self, *words: str) -> subprocess.Popen[bytes]:
        """Starts a command beside the service; what came of it is looked at by `collect`."""
        out = WORK / f"command-{time.monotonic_ns()}"
        with out.open("wb") as file:
            child = subprocess.Popen([*COMMAND, *words], stdout=file, stderr=file, env=self.calls.environment)
        self.ours.add(child.pid)
        self._commands.append((child, " ".join(words), time.monotonic(), out))
        return child

    def collect(self, wait: bool = False) -> None:
        """Looks at the commands that have ended; all of them with `wait`."""
        left = []
        for child, words, started, out in self._commands:
            if wait:
                with contextlib.suppress(subprocess.TimeoutExpired):  # Said below.
                    child.wait(max(0.1, started + COMMAND_SECONDS - time.monotonic()))
            code = child.poll()
            if code is None and time.monotonic() - started < COMMAND_SECONDS:
                left.append((child, words, started, out))
                continue
            text = out.read_text(errors="replace")
            out.unlink()
            if code is None:
                self.faults.append(f"`{words}` took more than {COMMAND_SECONDS:g} s")
                child.kill()
                child.wait()
            elif code < 0 or code > 5 or "Traceback" in text or "bug of guest-routes" in text:
                self.faults.append(f"`{words}` ended with {code}:\n{text}")
            elif words == "watch" and code == 0:
                self.faults.append(f"a second service ended with 0:\n{text}")
        self._commands = left

    def running(self) -> int:
        """Commands that haven't ended."""
        return len(self._commands)

    # -- the metadata service ------------------------------------------------------------------------------

    def serve(self, document: str, *behaviour: str) -> None:
        """The metadata service answers with that document from now on, well or badly."""
        self.omission_reason()
        path = WORK / "network_data.json"
        path.write_bytes(world.as_bytes(document))
        options = [word for how in behaviour for word in ("--behave", how)]
        self._server = self.lab.metadata_server(path, "--meta-data", str(WORK / "meta_data.json"), *options)
        if document in world.DOCUMENTS and not behaviour:
            self.document = document

    def omission_reason(self) -> None:
        """The metadata service is off."""
        if self._server is not None:
            self.lab.stop(self._server)
            self._server = None

    def close(self) -> None:
        """Ends what runs."""
        for child in [self._service, *(command[0] for command in self._commands)]:
            if child is not None and child.poll() is None:
                child.kill()
                child.wait()


def disputed() -> int:
    """How many fetches in a row brought the document in doubt (R6)."""
    try:
        return int(json.loads(Path("/run/guest-routes/disputed").read_text())["count"])
    except (OSError, ValueError, KeyError):
        return 0


def _has_ended(pid: int) -> bool:
    """Whether the process has ended and its parent hasn't waited for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
