"""The metadata service asked through every NIC, until the first valid answer (R11).

The only module that speaks HTTP; it is imported when that is needed, and requests within it.

Known hazards: a proxy or a redirect would send the question elsewhere, so both are off whatever the environment
says. A server can trickle for ever, so the deadline is kept by the one who waits, not by socket timeouts.
"""

from __future__ import annotations

import json
import os
import time

from ..model.document import Document
from ..model.namedtuple import NamedTuple
from ..model.settings import Settings
from .document_file import LATEST, LIMIT_BYTES, META_DATA, NETWORK_DATA, about
from .http_endpoints import Endpoint, device_option, usable_nics, ways_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    import queue
    import threading
    from typing import Any, Mapping, Sequence

    import requests

    from .document_file import Nics, Tell

BACKOFF_SECONDS = (0.2, 2.0)
"""The pause after a first failure, and what its doubling ends at."""
TICK_SECONDS = 0.5
"""How often new NICs are looked for, and told what is being waited for."""
APART_SECONDS = 0.25
"""The next way is asked so long after the last one, or once one has failed: mostly the first one's answer is enough.
Source: RFC 8305, section 5 (Connection Attempt Delay)."""
UUID_SECONDS = 2.0


class Failed(NamedTuple):
    """Why an attempt brought nothing."""

    reason: str
    """"" when the time was up."""
    final: bool
    """Another attempt would bring the same."""


def load() -> None:
    """Imports all that `fetch` needs, for a process that can't do it later: one that gives up its privileges.

    Raises:
        ImportError: requests isn't installed.
    """
    import encodings.idna  # noqa: F401  # for host names
    import queue  # noqa: F401
    import threading  # noqa: F401

    import requests.adapters  # noqa: F401
    import urllib3.connection  # noqa: F401


def fetch(urls: Sequence[str], settings: Settings, nics: Nics, tell: Tell, bind: bool = True) -> Document | str:
    """Ask every way, each a little after the one before, until one answers, all have failed for good, or the deadline.

    The threads are daemons: whatever one of them still waits for, nobody waits for it.
    """
    try:
        import requests  # noqa: F401  # once, before the threads would do it all at a time
    except ImportError as error:
        return f"{error}; install it (pip install requests, or Debian's python3-requests)"
    import queue
    import threading

    started = time.monotonic()
    until = started + settings.deadline_seconds
    answers: queue.SimpleQueue[tuple[Endpoint, bytes | tuple[str, str] | Failed]] = queue.SimpleQueue()
    asked: dict[Endpoint, Failed | None] = {}
    stop, won = threading.Event(), threading.Lock()
    waiting: list[Endpoint] = []
    next_look = next_start = started
    try:
        while (now := time.monotonic()) < until:
            if now >= next_look:
                if asked or now - started >= TICK_SECONDS:
                    tell(_waiting_text(asked, now - started, settings.deadline_seconds))
                next_look = now + TICK_SECONDS
                open_ = ways_to(urls, usable_nics(nics(), settings.ignore_nics), bind)
                waiting = [endpoint for endpoint in open_ if endpoint not in asked]
            if waiting and now >= next_start:
                endpoint = waiting.pop(0)
                asked[endpoint] = None
                threading.Thread(target=_ask, args=(endpoint, until, stop, won, answers), daemon=True).start()
                next_start = now + APART_SECONDS
            wake = min(next_look, until, next_start) if waiting else min(next_look, until)
            try:
                endpoint, got = answers.get(timeout=max(0.0, wake - time.monotonic()))
            except queue.Empty:
                continue
            if isinstance(got, bytes):
                return Document(got, endpoint.provenance, 0.0, *_await_about(answers, endpoint, until))
            if isinstance(got, Failed) and got.reason:
                asked[endpoint] = got
                next_start = now
                if not waiting and all(failed is not None and failed.final for failed in asked.values()):
                    break
    finally:
        stop.set()
    return _no_answer(asked, settings.deadline_seconds)


def _no_answer(asked: Mapping[Endpoint, Failed | None], deadline_seconds: float) -> str:
    """Why no document came, by NIC."""
    if not asked:
        return f"no NIC to ask through was up and running within {deadline_seconds:g} s"
    late = Failed(f"no answer within {deadline_seconds:g} s", False)
    return "; ".join(
        f"{endpoint.nic or 'any NIC'}: {(failed or late).reason} ({endpoint.host})"
        for endpoint, failed in asked.items()
    )


def _ask(
    endpoint: Endpoint,
    until: float,
    stop: threading.Event,
    won: threading.Lock,
    answers: queue.SimpleQueue[tuple[Endpoint, bytes | tuple[str, str] | Failed]],
) -> None:
    """A thread: try one way until it answers; the first of all to hold `won` also asks for the uuid."""
    base = endpoint.url.rstrip("/")
    base = base[: -len(NETWORK_DATA)] if base.endswith(NETWORK_DATA) else f"{base}/{LATEST}/"
    pause, longest = BACKOFF_SECONDS
    with _session(endpoint) as session:
        while not stop.is_set():
            got = _get(session, base + NETWORK_DATA, until)
            if isinstance(got, bytes):
                if won.acquire(blocking=False):
                    answers.put((endpoint, got))
                    until = min(until, time.monotonic() + UUID_SECONDS)
                    meta = _get(session, base + META_DATA, until)
                    while isinstance(meta, Failed) and not meta.final and time.monotonic() + pause < until:
                        time.sleep(pause)
                        meta = _get(session, base + META_DATA, until)
                    answers.put((endpoint, about(meta if isinstance(meta, bytes) else b"")))
                return
            answers.put((endpoint, got))
            # From half of the pause to the whole: not together with all the others that were refused just now.
            wait = pause * (0.5 + os.urandom(1)[0] / 510)
            if got.final or time.monotonic() + wait >= until or stop.wait(wait):
                return
            pause = min(pause * 2, longest)


def _await_about(answers: queue.SimpleQueue[Any], winner: Endpoint, until: float) -> tuple[str, str]:
    """The uuid and properties that the winner's thread asks for next; unknown when they don't come soon."""
    import queue

    until = min(until, time.monotonic() + UUID_SECONDS)
    while True:
        try:
            endpoint, got = answers.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return "", ""
        if endpoint == winner and type(got) is tuple:
            return got


def _session(endpoint: Endpoint) -> requests.Session:
    """A session bound to the way's NIC that nothing in the environment can lead elsewhere (R11)."""
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

    session = requests.Session()
    session.trust_env = False  # no proxies, no netrc
    session.headers.update({"Connection": "close", "Accept-Encoding": "identity"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, BoundAdapter())
    return session


def _get(session: requests.Session, url: str, until: float) -> bytes | Failed:
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
                return Failed(f"HTTP {response.status_code}", not passing)
            return _body(response, until)
    except requests.exceptions.SSLError as error:
        return Failed(f"TLS failed: {error}", True)
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        return Failed(str(error), True)
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        return Failed("", False)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return Failed(_network_reason(error), False)


def _body(response: requests.Response, until: float) -> bytes | Failed:
    """The body of an answer, within the limits of size and time."""
    too_large = Failed(f"more than {LIMIT_BYTES >> 20} MiB", True)
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and int(announced) > LIMIT_BYTES:
        return too_large
    parts: list[bytes] = []
    size = 0
    response.raw.enforce_content_length = False  # said below, the same with every version of urllib3
    # Not decoded: a compressed body, which wasn't asked for, could be of any size.
    for part in response.raw.stream(65536, decode_content=False):
        parts.append(part)
        size += len(part)
        if size > LIMIT_BYTES:
            return too_large
        if time.monotonic() >= until:
            return Failed(f"no more than {size} bytes in time", False)
    if announced.isdigit() and size < int(announced):
        return Failed(f"answer ends after {size} of {announced} bytes", False)
    data = b"".join(parts)
    problem = _not_an_object(data)
    return Failed(f"answer is {problem}", True) if problem else data


def _not_an_object(data: bytes) -> str:
    """What is wrong with bytes that should be a JSON object; "" when nothing is."""
    try:
        value = json.loads(data)
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at byte {len(error.doc[: error.pos].encode())}"
    except UnicodeDecodeError as error:
        return f"not JSON: {error.reason} at byte {error.start}"
    except RecursionError:
        return "not JSON: nested too deeply"
    return "" if isinstance(value, dict) else f"not a JSON object but {ascii(value)[:40]}"


def _network_reason(error: BaseException) -> str:
    """What the system said, from under the wrappings of requests and urllib3."""
    innermost: BaseException | None = error
    while innermost is not None:
        if isinstance(innermost, OSError) and innermost.errno:
            return (innermost.strerror or os.strerror(innermost.errno)).lower()
        if type(innermost).__name__ in ("RemoteDisconnected", "IncompleteRead"):
            return "connection closed before the end of an answer"
        innermost = innermost.__cause__ or innermost.__context__
    return str(error)


def _waiting_text(asked: dict[Endpoint, Failed | None], waited: float, deadline: float) -> str:
    time_text = f"({waited:.1f} s of {deadline:g} s)"
    if not asked:
        return f"waiting for a NIC that is up and running {time_text}"
    hosts = " and ".join(dict.fromkeys(endpoint.host.strip("[]") for endpoint in asked))
    names = ", ".join(dict.fromkeys(endpoint.nic for endpoint in asked if endpoint.nic))
    return f"asking {hosts}" + (f" through {names}" if names else "") + f" {time_text}"
