"""What guest-routes-fetch.socket does under systemd: a process of another user for each connection."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import List, Sequence

from . import sandbox

PATH = Path("/run/guest-routes/fetch")
USER = 61_200
"""One of those that systemd gives out with DynamicUser=."""
PROGRAM = (
    # The checkout may be root's alone; the process gives the capability up as any other.
    "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search", sys.executable, "-m", "guest_routes", "fetch-for-service",
)  # fmt: skip


class FetchUnit:
    """Listens until `close`; starts the program for each connection.

    Args:
        program: in place of the real one; its standard input and output are the connection.
    """

    def __init__(self, program: Sequence[str] = PROGRAM) -> None:
        sandbox.assert_private()
        PATH.parent.mkdir(exist_ok=True)
        self.started: List[subprocess.Popen[bytes]] = []
        self._program = program
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(PATH))
        PATH.chmod(0o600)
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                ends = connection.fileno()
                self.started.append(subprocess.Popen(self._program, stdin=ends, stdout=ends))

    def close(self) -> None:
        """No more connections; what was started is ended."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        PATH.unlink()
        for process in self.started:
            process.kill()
            process.wait()
