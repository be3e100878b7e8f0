"""A program on a real pseudo-terminal of a chosen size, as somebody at a keyboard meets it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from typing import Dict, List, Optional

from . import sandbox

PATIENCE_SECONDS = 20.0
INTERRUPT = b"\x03"
"""^C"""
_ESCAPES = re.compile(r"\033\[[0-9;]*[A-Za-z]")


class OnTerminal:
    """`guest-routes` with these words, its standard streams on a terminal that is its own."""

    def __init__(
        self, *words: str, columns: int = 80, rows: int = 24, environment: Optional[Dict[str, str]] = None
    ) -> None:
        sandbox.assert_private()
        self.written = ""
        """All that it has written."""
        self._master, slave = pty.openpty()
        self.resize(columns, rows)
        self._process = subprocess.Popen(
            ["setsid", "--ctty", sys.executable, "-m", "guest_routes", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm", **(environment or {})},
        )
        os.close(slave)
        self.pid = self._process.pid

    def resize(self, columns: int, rows: int) -> None:
        """Another size; the kernel sends SIGWINCH."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: bytes) -> None:
        """What a keyboard sends."""
        os.write(self._master, keys)

    def read_until(self, text: str, times: int = 1) -> None:
        """Reads until it has written that text so often."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self.written.count(text) < times:
            assert self._read(until), self.written

    def end(self) -> int:
        """Reads to its end; the exit code."""
        until = time.monotonic() + PATIENCE_SECONDS
        try:
            while self._read(until):
                pass
            return self._process.wait(1)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._master)

    @property
    def screens(self) -> List[List[str]]:
        """The lines of each picture that it has drawn, or all its lines where it only writes."""
        return [_plain(part).split("\n")[:-1] for part in self.written.split("\033[H") if part != "\033[2J"]

    def _read(self, until: float) -> bool:
        """Whether there is more to come."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, until - time.monotonic()))
        if not ready:
            self._process.kill()
            raise AssertionError(f"nothing more comes: {self.written}")
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: nobody has the terminal open any more.
            return False
        self.written += data.decode()
        return bool(data)


def _plain(text: str) -> str:
    """Without escape sequences and carriage returns."""
    return _ESCAPES.sub("", text).replace("\r", "")


def lines_on_terminal(*words: str, columns: int = 80, environment: Optional[Dict[str, str]] = None) -> List[str]:
    """The lines that it leaves, with their colours, whatever its exit code."""
    program = OnTerminal(*words, columns=columns, environment=environment)
    program.end()
    lines = program.written.replace("\r\n", "\n").split("\n")[:-1]
    return [line.split("\r\033[K")[-1] for line in lines]
