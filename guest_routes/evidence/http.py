"""The metadata service asked through every NIC, until the first valid answer (R11).

Each endpoint (a URL through a NIC) is asked by a thread of its own, a little after the one before; the one that
answered last is the first. All lead to one service: where it refuses, one of them at a time asks again. Where the
instance's uuid is known, an answer that doesn't name it waits until the deadline for one that does. One GET is
http_get.py's. Both are imported only where metadata is fetched, and requests within them.
A server can answer byte by byte for ever, so the deadline is kept by the one who waits, not by the threads.
"""

from __future__ import annotations

import os
import time

from ..model.document import Document, Progress, ServerProperty
from ..model.network_data import NETWORK_DATA
from ..model.settings import Settings
from .document_file import LATEST, META_DATA, about
from .http_endpoints import Endpoint, Pace, endpoints_for, usable_nics
from .http_get import Failed, get_object, open_session
from .instance import KnownInstance
from .mailbox import Mailbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from typing import Iterable, Mapping, Sequence, TypeAlias

    import requests

    from ..model.document import ProgressKind
    from .document_file import Nics, Tell

    Answer: TypeAlias = "bytes | tuple[str, ServerProperty] | Failed"
    """A thread's: network_data.json, then the uuid and the properties beside it; or why not."""

BACKOFF_SECONDS = (0.2, 2.0)
"""The pause after a first failure, and what its doubling ends at."""
TICK_SECONDS = 0.5
"""How often new NICs are looked for, and what is being waited for is reported."""
UUID_SECONDS = 2.0
MOST_AT_ONCE = 64
"""Endpoints that are waited for at a time; a machine with more NICs has the others asked as these fail."""


def load() -> None:
    """Imports all that `fetch` needs, for a process that can't import later because it gives up its privileges.

    Raises:
        ImportError: requests isn't installed.
    """
    import encodings.idna  # noqa: F401  # for host names
    import threading  # noqa: F401

    import requests.adapters  # noqa: F401
    import urllib3.connection  # noqa: F401


def set_stack_size(stack_bytes: int) -> None:
    """How much address space each of the threads takes for its stack."""
    import threading

    threading.stack_size(stack_bytes)


def fetch(
    urls: Sequence[str],
    settings: Settings,
    nics: Nics,
    tell: Tell,
    bind: bool = True,
    known: KnownInstance = KnownInstance(),  # noqa: B008  # a frozen value
) -> Document | str:
    """Ask each endpoint a little after the one before, until one answers, all have failed for good, or the deadline.

    The threads are daemons: nobody waits for a thread that still waits for an answer.
    """
    try:
        import requests  # noqa: F401  # once, before the threads would do it all at a time
    except ImportError as error:
        return f"{error}; install it (pip install requests, or Debian's python3-requests)"
    return _Race(urls, settings, nics, tell, bind, known).run()


class _Race:
    """The endpoints asked so far, what each has answered, and which are asked next."""

    def __init__(
        self, urls: Sequence[str], settings: Settings, nics: Nics, tell: Tell, bind: bool, known: KnownInstance
    ) -> None:
        import threading

        self._urls, self._settings, self._nics, self._tell, self._bind = urls, settings, nics, tell, bind
        self._known = known
        self._started = self._next_scan = time.monotonic()
        self._pace = Pace(self._started)
        self._until = self._started + settings.deadline_seconds
        self._answers = Mailbox()
        self._asked: dict[Endpoint, Failed | None] = {}
        self._waiting: list[Endpoint] = []
        """Not asked yet."""
        self._refused: list[Endpoint] = []
        """To be asked again, one after the other."""
        self._held: dict[Endpoint, Document] = {}
        """Documents that don't, or not yet, name the known uuid."""
        self._over = threading.Event()
        self._may_ask_uuid = threading.Semaphore(MOST_AT_ONCE if known.uuid else 1)
        """Without a known uuid only the first answer's own is of interest: two requests an instance."""

    def run(self) -> Document | str:
        """The first document that may be this instance's, or why there is none by the deadline."""
        try:
            while (now := time.monotonic()) < self._until:
                if now >= self._next_scan:
                    self._find_endpoints(now)
                if self._may_start() and now >= self._pace.due:
                    self._ask_next(now)
                endpoint, got = self._next_answer() or (None, None)
                if endpoint and got is not None and not isinstance(got, Failed):
                    document = self._document(endpoint, got)
                    if document is not None:
                        return document
                if endpoint and isinstance(got, Failed) and got.reason is not None:
                    self._failed(endpoint, got, now)
                    if self._all_failed():
                        break
        finally:
            self._over.set()
        return self._second_best() or _no_answer(self._asked, self._settings.deadline_seconds)

    def _document(self, endpoint: Endpoint, got: bytes | tuple[str, ServerProperty]) -> Document | None:
        """The document that an answer completes, unless it is to be held; with the uuid, if that comes soon."""
        if isinstance(got, bytes):
            document = Document(got, endpoint.provenance)
            if not self._known.uuid:
                uuid, properties = _await_about(self._answers, endpoint, self._until)
                return document._replace(uuid=uuid, properties=properties)
        else:
            document = self._held[endpoint]._replace(uuid=got[0], properties=got[1])
            if document.uuid.lower() == self._known.uuid:
                return document
        self._held[endpoint] = document
        return None

    def _second_best(self) -> Document | None:
        """At the deadline: a document without a uuid, else one of another instance; None without any.

        Of equal ones that of the endpoint which answered last time, not that of whoever was fastest.
        """
        if not self._held:
            return None
        best = min(self._held, key=lambda endpoint: (bool(self._held[endpoint].uuid), self._is_unproven(endpoint)))
        document = self._held[best]
        return document._replace(expected_uuid=self._known.uuid)

    def _find_endpoints(self, now: float) -> None:
        """Look for NICs that have come, and report what is being waited for."""
        deadline_seconds, waited = self._settings.deadline_seconds, now - self._started
        if self._asked or waited >= TICK_SECONDS:
            self._tell(_progress(self._asked, waited, deadline_seconds))
        self._next_scan = now + TICK_SECONDS
        found = endpoints_for(self._urls, usable_nics(self._nics(), self._settings.ignore_nics), self._bind)
        self._waiting = [endpoint for endpoint in found if endpoint not in self._asked]
        self._waiting.sort(key=self._is_unproven)

    def _is_unproven(self, endpoint: Endpoint) -> bool:
        """Whether another endpoint answered last."""
        provenance = endpoint.provenance
        return (provenance.location, provenance.nics) != (self._known.location, self._known.nics)

    def _failed(self, endpoint: Endpoint, failed: Failed, now: float) -> None:
        self._asked[endpoint] = failed
        if failed.refused:
            self._refused.append(endpoint)
            unasked, chance = len(self._waiting), os.urandom(1)[0] / 255
            self._pace = self._pace.refused(now, self._until, unasked, len(self._asked) + unasked, chance)
        else:
            self._pace = self._pace.failed(now)

    def _may_start(self) -> bool:
        running = sum(failed is None or not failed.final for failed in self._asked.values()) - len(self._refused)
        return bool(self._waiting or self._refused) and running < MOST_AT_ONCE

    def _ask_next(self, now: float) -> None:
        import threading

        endpoint = (self._waiting or self._refused).pop(0)
        self._asked.setdefault(endpoint, None)
        arguments = (endpoint, self._until, self._over, self._may_ask_uuid, self._answers)
        try:
            threading.Thread(target=_ask, args=arguments, daemon=True).start()
        except RuntimeError as error:  # Its word for EAGAIN: no memory for the stack, or too many.
            raise MemoryError from error
        self._pace = self._pace.asked(now)

    def _next_answer(self) -> tuple[Endpoint, Answer] | None:
        """An answer that comes before there is anything else to do."""
        wake = min(self._next_scan, self._until)
        if self._may_start():
            wake = min(wake, self._pace.due)
        answer: tuple[Endpoint, Answer] | None = self._answers.take(wake)
        return answer

    def _all_failed(self) -> bool:
        """Whether nobody is left who may still answer."""
        return not self._waiting and all(failed is not None and failed.final for failed in self._asked.values())


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
    over: threading.Event,
    may_ask_uuid: threading.Semaphore,
    answers: Mailbox,
) -> None:
    """A thread: ask one endpoint until it answers or refuses, then for the uuid, if `may_ask_uuid` is to be had."""
    base = endpoint.url.rstrip("/")
    base = base[: -len(NETWORK_DATA)] if base.endswith(NETWORK_DATA) else f"{base}/{LATEST}/"
    pause, longest = BACKOFF_SECONDS
    with open_session(endpoint, until) as session:
        while not over.is_set():
            got = get_object(session, base + NETWORK_DATA, until)
            if isinstance(got, bytes):
                answers.put((endpoint, got))
                if may_ask_uuid.acquire(blocking=False):
                    meta = _meta_data(session, base + META_DATA, min(until, time.monotonic() + UUID_SECONDS))
                    answers.put((endpoint, about(meta)))
                return
            answers.put((endpoint, got))
            # From half of the pause to the whole: not together with all the others that failed just now.
            wait = pause * (0.5 + os.urandom(1)[0] / 510)
            if got.final or got.refused or time.monotonic() + wait >= until:
                return
            time.sleep(wait)
            pause = min(pause * 2, longest)


def _meta_data(session: requests.Session, url: str, until: float) -> bytes:
    """The meta_data.json; b"" when it doesn't come in time."""
    pause = BACKOFF_SECONDS[0]
    while isinstance(meta := get_object(session, url, until), Failed):
        if meta.final or time.monotonic() + pause >= until:
            return b""
        time.sleep(pause)
        pause *= 2
    return meta


def _await_about(answers: Mailbox, winner: Endpoint, until: float) -> tuple[str, ServerProperty]:
    """The uuid and properties that the winner's thread asks for next; unknown when they don't come soon."""
    until = min(until, time.monotonic() + UUID_SECONDS)
    answer: tuple[Endpoint, Answer] | None
    while (answer := answers.take(until)) is not None:
        endpoint, got = answer
        if endpoint == winner and isinstance(got, tuple):
            return got
    return "", ServerProperty()


def _progress(asked: Iterable[Endpoint], waited_seconds: float, deadline_seconds: float) -> Progress:
    """Whom the endpoints asked so far stand for, each named once."""
    hosts = tuple(dict.fromkeys(endpoint.host.strip("[]") for endpoint in asked))
    nics = tuple(dict.fromkeys(endpoint.nic for endpoint in asked if endpoint.nic))
    kind: ProgressKind = "asked" if hosts else "no-nic"
    return Progress(kind, hosts=hosts, nics=nics, waited_seconds=waited_seconds, deadline_seconds=deadline_seconds)
