"""One GET of a JSON object through one NIC, within limits of size and time (R11).

Known hazards: a proxy or a redirect would send the question elsewhere, so both are off whatever the environment
says. requests reads and decompresses the body of a redirect that it doesn't follow; here it sees none. A server can
answer byte by byte for ever, so the deadline is checked here, not only by socket timeouts. http.client and urllib3
read some lines (chunk sizes before urllib3 2.7, interim answers) without a limit, so the bytes are counted below them,
where they leave the socket.
"""

from __future__ import annotations

import _thread
import os
import time

from ..model.namedtuple import NamedTuple
from .document_file import LIMIT_BYTES, too_many
from .http_endpoints import Endpoint, device_option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import requests


class Failed(NamedTuple):
    """Why an attempt brought nothing."""

    reason: str | None
    """None when the time was up."""
    final: bool
    """Another attempt would bring the same."""
    refused: bool = False
    """The service, or what stands before it, has refused: it may be overloaded."""


ANSWER_BYTES = LIMIT_BYTES + (1 << 20)
"""With headers and what chunked transfer adds."""
_OBJECT: dict[str, object] = {}
"""Stands for every object while an answer is checked: nothing is looked up in it."""
_CHECKING = _thread.allocate_lock()
"""Two answers that are parsed at the same time would take twice the memory."""
MOST_DIGITS = len(str(LIMIT_BYTES))
"""Of an announced length; int() refuses some thousand."""
TOO_LARGE = Failed(f"more than {LIMIT_BYTES >> 20} MiB", True)


class _Cut(Exception):  # noqa: N818  # not of any kind that urllib3 would catch and wrap
    """The server has sent enough, or for long enough."""

    def __init__(self, failed: Failed) -> None:
        self.failed = failed


def open_session(endpoint: Endpoint, until: float) -> requests.Session:
    """A session bound to the endpoint's NIC that nothing in the environment can lead elsewhere (R11).

    Whatever an answer is made of, no more than ANSWER_BYTES of it are read, and nothing after `until`.
    """
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection

    class BoundAdapter(HTTPAdapter):
        """Connections whose sockets are bound to the NIC."""

        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            if endpoint.bound:
                options["socket_options"] = [*HTTPConnection.default_socket_options, device_option(endpoint.nic)]
            if endpoint.source[0]:
                options["source_address"] = endpoint.source
            super().init_poolmanager(*args, **options)
            pools = self.poolmanager.pool_classes_by_scheme.items()
            self.poolmanager.pool_classes_by_scheme = {scheme: _limited_pool(pool, until) for scheme, pool in pools}

    class NoRedirects(requests.Session):
        """A session for which no answer is a redirect."""

        def get_redirect_target(self, resp: requests.Response) -> None:
            return None

    session = NoRedirects()
    session.trust_env = False  # no proxies, no netrc
    session.headers.update({"Connection": "close", "Accept-Encoding": "identity"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, BoundAdapter())
    return session


def _limited_pool(pool: Any, until: float) -> Any:
    """A pool class of urllib3's, whose connections read answers within the limits."""
    import io

    class Limited(io.RawIOBase):
        """What comes from a socket, up to the limits."""

        def __init__(self, raw: io.RawIOBase) -> None:
            self._raw, self._left = raw, ANSWER_BYTES

        def readable(self) -> bool:
            return True

        def fileno(self) -> int:
            return self._raw.fileno()

        def readinto(self, buffer: Any) -> int | None:
            if time.monotonic() >= until:
                raise _Cut(Failed(None, False))
            count = self._raw.readinto(buffer)
            self._left -= count or 0
            if self._left < 0:
                raise _Cut(TOO_LARGE)
            return count

        def close(self) -> None:
            self._raw.close()
            super().close()

    class Response(pool.ConnectionCls.response_class):  # type: ignore[misc]  # http.client's
        """An answer that is read through the limits, its status line and headers too."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.fp: io.BufferedReader = io.BufferedReader(Limited(self.fp.detach()))

    connection = type("Connection", (pool.ConnectionCls,), {"response_class": Response})
    return type("Pool", (pool,), {"ConnectionCls": connection})


def get_object(session: requests.Session, url: str, until: float) -> bytes | Failed:
    """One GET of a JSON object: its bytes, or why not."""
    import requests
    import urllib3

    remaining = max(0.01, until - time.monotonic())
    try:
        with session.get(url, timeout=remaining, allow_redirects=False, stream=True) as response:
            if response.is_redirect or response.is_permanent_redirect:
                return Failed(f"redirect to {ascii(response.headers['Location'])[1:-1][:200]} refused", True)
            if response.status_code != 200:
                passing = response.status_code >= 500 or response.status_code in (408, 425, 429)
                return Failed(f"HTTP {response.status_code}", not passing, refused=passing)
            return _body(response, until)
    except requests.exceptions.SSLError as error:
        return Failed(f"TLS failed: {error}", True)
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        return Failed(str(error), True)
    except _Cut as cut:
        return cut.failed
    except (MemoryError, SystemError):  # SystemError: see errors.SYSTEM_FAILURES
        return Failed("an answer takes more memory than is allowed", True)
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        return Failed(None, False)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        reason, refused = _network_reason(error)
        return Failed(reason, False, refused)


def _body(response: requests.Response, until: float) -> bytes | Failed:
    """The body of an answer, within the limits of size and time."""
    announced = response.headers.get("Content-Length", "")
    is_number = announced.isascii() and announced.isdigit()
    if is_number and (len(announced) > MOST_DIGITS or int(announced) > LIMIT_BYTES):
        return TOO_LARGE
    parts: list[bytes] = []
    size = 0
    response.raw.enforce_content_length = False  # checked below, the same with every version of urllib3
    # Not decoded: a compressed body, which wasn't asked for, could be of any size.
    for part in response.raw.stream(65536, decode_content=False):
        parts.append(part)
        size += len(part)
        if size > LIMIT_BYTES:
            return TOO_LARGE
        if time.monotonic() >= until:
            return Failed(f"no more than {size} bytes in time", False)
    if is_number and size < int(announced):
        return Failed(f"answer ends after {size} of {announced} bytes", False)
    data = b"".join(parts)
    parts.clear()
    with _CHECKING:
        problem = _not_an_object(data)
    return Failed(f"answer is {problem}", True) if problem else data


def _not_an_object(data: bytes) -> str:
    """What is wrong with bytes that should be a JSON object; "" when nothing is."""
    import json

    excess = too_many(data)
    if excess:
        return f"too large: {excess}"
    try:
        value = json.loads(data, object_pairs_hook=lambda pairs: _OBJECT)
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at byte {len(error.doc[: error.pos].encode())}"
    except UnicodeDecodeError as error:
        return f"not JSON: {error.reason} at byte {error.start}"
    except RecursionError:
        return "not JSON: nested too deeply"
    return "" if isinstance(value, dict) else f"not a JSON object but {'null' if value is None else ascii(value)[:40]}"


def _network_reason(error: BaseException) -> tuple[str, bool]:
    """What the system said, from under the wrappings of requests and urllib3; and whether the other side refused."""
    innermost: BaseException | None = error
    while innermost is not None:
        if isinstance(innermost, OSError) and innermost.errno:
            refused = isinstance(innermost, (ConnectionRefusedError, ConnectionResetError))
            return (innermost.strerror or os.strerror(innermost.errno)).lower(), refused
        if type(innermost).__name__ in ("RemoteDisconnected", "IncompleteRead"):
            return "connection closed before the end of an answer", True
        innermost = innermost.__cause__ or innermost.__context__
    return str(error), False
