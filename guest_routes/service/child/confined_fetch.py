"""The process that asks the metadata service: what it is asked, what it answers, and its unit under systemd (R16).

Under systemd it is a unit of its own, guest-routes-fetch@.service, with a user that exists as long as it runs: so the
service needs no capability to become another user. systemd starts it with a connection to a socket that only root may
open. The service sends a request, one JSON object, and closes its half; the answer is the frame of `framed`. Without
that unit the process is a child that confines itself and changes its user (privileges.py).
"""

from __future__ import annotations

import os
import sys
import time

from ...json_codec import dumps, loads
from ...model.document import Document
from ...model.namedtuple import NamedTuple
from ...model.settings import Settings
from ...output.service_log import child_fault_text, long_url_text, no_unit_text, not_confined_text
from .process import LINE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...evidence.instance import KnownInstance

SOCKET_PATH = "/run/guest-routes/fetch"
REQUEST_BYTES = 1 << 20
STACK_BYTES = 1 << 20
"""Of each thread of the process."""
REASON_CHARACTERS = 4096
_AF_UNIX, _SOCK_STREAM_CLOEXEC, _SHUT_WR = 1, 1 | 0o2000000, 1


class Request(NamedTuple):
    """What the metadata service is to be asked for."""

    urls: tuple[str, ...]
    deadline_seconds: float
    ends: float
    """The same by the clock that counts from the machine's start: a unit that starts late has less time."""
    ignore_nics: tuple[str, ...]
    bind: bool
    """Whether each URL is asked through every NIC."""
    uuid: str
    location: str
    nics: tuple[str, ...]
    """As in KnownInstance, from uuid on."""


def request_for(settings: Settings, known: KnownInstance, metadata_argument: str) -> Request:
    """The request of one fetch, whose time begins now."""
    urls = (metadata_argument,) if metadata_argument else settings.metadata_urls
    deadline = settings.deadline_seconds
    return Request(urls, deadline, time.monotonic() + deadline, settings.ignore_nics, not metadata_argument, *known)


def fetch_confined(request: Request, parent: int = 0) -> bytes:
    """Confines this process for good, and asks, unless that parent has ended; the answer, framed."""
    from ...evidence import http as metadata_http
    from ...evidence.instance import KnownInstance
    from ...kernel.open import open_kernel
    from .privileges import confine

    # Files are read before the privileges go: only this user may be permitted to read them.
    try:
        metadata_http.load()
    except ImportError as error:
        return framed(f"{error}; install requests (Debian's python3-requests)")
    kernel = open_kernel("rtnetlink")
    threads = min(len(request.urls) * len(kernel.nics()), metadata_http.MOST_AT_ONCE)
    try:
        confine(threads * STACK_BYTES, parent)
    except OSError as error:
        return framed(not_confined_text(error))
    settings = Settings()._replace(ignore_nics=request.ignore_nics, deadline_seconds=request.deadline_seconds)
    known = KnownInstance(request.uuid, request.location, request.nics)
    try:
        metadata_http.set_stack_size(STACK_BYTES)
        got = metadata_http.fetch(request.urls, settings, kernel.nics, lambda text: None, request.bind, known)
        return framed(got)
    except Exception as error:  # noqa: BLE001  # standard error is closed: only the reason can be passed on
        return framed(child_fault_text("failed", f"{type(error).__name__}: {error}"))


def framed(got: Document | str) -> bytes:
    """What the process sends of a fetch: a line of JSON, and the document if there is one."""
    if isinstance(got, str):
        return dumps({"reason": got[:REASON_CHARACTERS]}).encode() + b"\n"
    provenance = {"location": got.provenance.location, "nics": got.provenance.nics}
    about = {"uuid": got.uuid, "properties": str(got.properties), "expected_uuid": got.expected_uuid}
    line = dumps({**provenance, **about}).encode()
    if len(line) > LINE_BYTES:
        line = dumps({"reason": long_url_text(len(got.provenance.location), LINE_BYTES)}).encode()
    return line + b"\n" + got.data


# ---- the unit ---------------------------------------------------------------------------------------


def has_unit() -> bool:
    """Whether another process asks: this one, root's, may not change its user, and systemd listens."""
    from .privileges import may_change_user

    return os.geteuid() == 0 and not may_change_user() and os.path.exists(SOCKET_PATH)


def relayed(request: Request, limit_bytes: int) -> bytes:
    """Has the unit fetch; its answer as it came, cut behind the limit, or framed why there is none."""
    import _socket

    connection = _socket.socket(_AF_UNIX, _SOCK_STREAM_CLOEXEC, 0)
    parts: list[bytes] = []
    try:
        connection.settimeout(request.deadline_seconds)
        connection.connect(SOCKET_PATH)
        connection.sendall(dumps(request._asdict()).encode())
        connection.shutdown(_SHUT_WR)
        connection.settimeout(None)  # Whoever waits for this process ends it.
        size = 0
        while size <= limit_bytes and (part := connection.recv(1 << 16)):
            parts.append(part)
            size += len(part)
    except OSError as error:
        return framed(no_unit_text(error))
    finally:
        connection.close()
    return b"".join(parts)


def main() -> None:
    """The unit: a request from standard input, which is the connection; the answer to it."""
    try:
        request = _request(_all_of(0, REQUEST_BYTES))
    except (ValueError, TypeError, AttributeError, RecursionError):
        from ...output.notices import NO_REQUEST

        sys.exit(NO_REQUEST)
    remaining = round(request.ends - time.monotonic(), 1)
    # In another time namespace than the service's the clock says nothing.
    at_least, at_most = request.deadline_seconds / 2, request.deadline_seconds
    request = request._replace(deadline_seconds=min(max(remaining, at_least), at_most))
    connection = os.dup(0)  # Confined, standard input leads nowhere.
    _end_with_the_reader(connection)
    answer = memoryview(fetch_confined(request))
    while answer:
        answer = answer[os.write(connection, answer) :]


def _all_of(descriptor: int, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size <= limit_bytes and (part := os.read(descriptor, 1 << 16)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _request(data: bytes) -> Request:
    """The service's request; it is root's."""
    sent: dict[str, Any] = loads(data)
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in sent.items()}
    return Request(**fields)


def _end_with_the_reader(connection: int) -> None:
    """A service that stops waiting closes the connection: that signal ends this process. Source: fcntl(2), O_ASYNC."""
    import fcntl

    fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(connection, fcntl.F_SETFL, fcntl.fcntl(connection, fcntl.F_GETFL) | os.O_ASYNC)
