"""Notifies systemd of the service's state, where systemd started it. Source: sd_notify(3)."""

from __future__ import annotations

import os

from ..errors import as_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping

_AF_UNIX, _SOCK_DGRAM_CLOEXEC = 1, 2 | 0o2000000
SEND_SECONDS = 1.0
"""A systemd that hangs, its queue full, delays a repair by at most this."""


class Notifier:
    """Does nothing where systemd doesn't listen (NOTIFY_SOCKET isn't set)."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        own = environment.get("WATCHDOG_PID", "") in ("", str(os.getpid()))
        microseconds = environment.get("WATCHDOG_USEC", "")
        self.watchdog_seconds = int(microseconds) / 1e6 if own and microseconds.isdigit() else 0.0
        """systemd restarts a service that sends no WATCHDOG=1 for so long; 0: it doesn't."""

    def send(self, *assignments: str) -> OSError | None:
        """Sends READY=1, STATUS=..., WATCHDOG=1, RELOADING=1 or STOPPING=1; why it can't be delivered, or None."""
        if not self._address:
            return None
        import _socket

        name = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            sender = _socket.socket(_AF_UNIX, _SOCK_DGRAM_CLOEXEC, 0)
            try:
                sender.settimeout(SEND_SECONDS)
                sender.connect(name)
                sender.send("\n".join(assignments).encode())
            finally:
                sender.close()
        except OSError as error:
            return as_value(error)
        return None
