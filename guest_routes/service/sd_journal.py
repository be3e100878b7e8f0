"""Sends a line with fields to systemd's journal, by its native protocol.

Source: systemd's documentation, "Native Journal Protocol"; systemd.journal-fields(7).
"""

from __future__ import annotations

from ..errors import as_value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence, TypeAlias

    Field: TypeAlias = tuple[str, str]
    """Its name, of capitals, digits and underscores, and its value. A name may come more than once."""
    Log: TypeAlias = Callable[[str, str, Sequence[Field]], None]
    """Gets a level, a text, and fields, which only a journal keeps."""

SOCKET = "/run/systemd/journal/socket"
PRIORITIES = {"error": 3, "warning": 4, "info": 6}
"""Source: syslog(3)."""
_AF_UNIX, _SOCK_DGRAM_CLOEXEC, _MSG_DONTWAIT = 1, 2 | 0o2000000, 0x40


def send(level: str, text: str, fields: Sequence[Field], address: str = SOCKET) -> OSError | None:
    """One entry of the journal; why it didn't take it, or None. Never waits.

    Args:
        level: one of PRIORITIES.
    """
    import _socket

    entry = (
        ("MESSAGE", text),
        ("PRIORITY", str(PRIORITIES[level])),
        ("SYSLOG_IDENTIFIER", "guest-routes"),
        *fields,
    )
    try:
        sender = _socket.socket(_AF_UNIX, _SOCK_DGRAM_CLOEXEC, 0)
        try:
            sender.sendto(b"".join(map(_encoded, entry)), _MSG_DONTWAIT, address)
        finally:
            sender.close()
    except OSError as error:
        return as_value(error)
    return None


def _encoded(field: Field) -> bytes:
    """NAME=value on a line; a value that has line breaks of its own comes with its length."""
    name, value = field[0].encode(), field[1].encode("utf-8", "backslashreplace")
    if b"\n" not in value:
        return name + b"=" + value + b"\n"
    return name + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"
