"""Which metadata URL is asked through which NIC, and when; how a socket is bound to one, and whether any answers.

Known hazards: the zone of fe80::a9fe:a9fe must not get into the Host header. A container may answer on its own
veth, so where there are plain NICs, only they and what stands on them are asked.
"""

from __future__ import annotations

import _socket  # socket itself brings enum, selectors and more, which would stay in the service
import time

from ..model.document import Provenance
from ..model.namedtuple import NamedTuple
from ..model.network import Nic, address_text
from ..model.settings import Settings, is_ignored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

AGAIN_SECONDS = 0.2
"""The pause between two rounds of `probe`."""

APART_SECONDS = 0.25
"""The next endpoint is asked this long after the last one, or once one has failed: mostly the first answers.
Source: RFC 8305, section 5 (Connection Attempt Delay)."""
PATIENT_SECONDS = 3.0
"""The same once the service has refused something: a slow answer from a long queue would only be made slower."""
ROUND_SECONDS = 2.0
"""Where the service refuses, every endpoint has been asked once after so long, or after half of the deadline."""
REFUSED_SECONDS = (2.0, 4.0)
"""From then on: the pause before what was refused is asked again, and what its doubling ends at."""


class Endpoint(NamedTuple):
    """One metadata URL through one NIC."""

    url: str
    nic: str = ""
    """"" for whichever NIC the routing table says."""
    bound: bool = False
    """By SO_BINDTODEVICE: the NIC is used whatever the routing table says."""
    source: tuple[str, int, int, int] = ("", 0, 0, 0)
    """Where a link-local URL's socket can't be bound to the NIC: the NIC's own link-local address, with its zone."""

    @property
    def host(self) -> str:
        """The URL's host, IPv6 in brackets, with the port when it has one."""
        return self.url.partition("://")[2].partition("/")[0].rpartition("@")[2]

    @property
    def provenance(self) -> Provenance:
        """Of a document that it answers with."""
        return Provenance("http", self.url.rstrip("/"), (self.nic,) if self.nic else ())

    def __str__(self) -> str:
        return self.url.rstrip("/") + (f" through {self.nic}" if self.nic else "")


class Pace(NamedTuple):
    """When the next attempt comes. Times are seconds of the monotonic clock; chance is a number from 0 to 1.

    Ten thousand instances that boot together are served as fast as ever, with a quarter of the requests in the worst
    second and half of the refusals (`make bench-storm`). The price: an endpoint that refuses delays the next one.
    """

    due: float
    free_at: float = 0.0
    """No attempt before, because the service has refused one; 0 while it hasn't."""
    pause: float = 0.0

    def asked(self, now: float) -> Pace:
        """An attempt has begun; the next one comes if nothing is heard of it."""
        return self._replace(due=now + (PATIENT_SECONDS if self.free_at else APART_SECONDS))

    def failed(self, now: float) -> Pace:
        """One has failed for another reason than a refusal."""
        return self._replace(due=max(now, self.free_at))

    def refused(self, now: float, until: float, unasked: int, endpoints: int, chance: float) -> Pace:
        """The service has refused one; `until` is the deadline."""
        pause = self.pause if unasked else min(2 * self.pause or REFUSED_SECONDS[0], REFUSED_SECONDS[1])
        wait = min(ROUND_SECONDS / endpoints, (until - now) / 2 / unasked) if unasked else pause
        free_at = max(now, self.free_at) + wait * (0.5 + 0.5 * chance)
        return Pace(free_at, free_at, pause)


def usable_nics(nics: Sequence[Nic], ignored: Sequence[str]) -> tuple[Nic, ...]:
    """The NICs through which the metadata service may be asked: up, with a carrier, no port of another one.

    Where the machine has plain NICs (kind ""), only they and the VLANs, bonds and bridges on them count.
    """
    trusted = _on_plain_nics(nics)
    return tuple(
        nic
        for nic in nics
        if _is_usable(nic) and (not trusted or nic.ifindex in trusted) and not is_ignored(nic, ignored)
    )


def _on_plain_nics(nics: Sequence[Nic]) -> frozenset[int]:
    """ifindexes of the plain NICs, and of the VLANs, bonds and bridges on them."""
    trusted = {nic.ifindex for nic in nics if not nic.kind and any(nic.mac)}
    for _ in nics if trusted else ():  # a VLAN on a bond on a NIC: one step of the ladder at a time
        trusted |= {nic.master for nic in nics if nic.ifindex in trusted and nic.master}
        trusted |= {nic.ifindex for nic in nics if nic.kind == "vlan" and nic.parent in trusted}
    return frozenset(trusted)


def _is_usable(nic: Nic) -> bool:
    return nic.up and nic.running and not nic.master and any(nic.mac)


def endpoints_for(urls: Sequence[str], nics: Sequence[Nic], bind: bool = True) -> tuple[Endpoint, ...]:
    """Each URL through each NIC; without `bind`, or where that isn't permitted, by the routing table's choice.

    A link-local URL goes through each NIC in any case. Its zone never stands in the URL, where it would get into
    the Host header (and urllib3 reads it differently from version to version): the kernel takes it from the NIC
    or the source address that the socket is bound to.
    """
    endpoints: dict[Endpoint, None] = {}
    for url in urls:
        link_local = Endpoint(url).host.lower().startswith(("[fe8", "[fe9", "[fea", "[feb"))
        if not (bind or link_local):
            endpoints[Endpoint(url)] = None
            continue
        for nic in nics:
            if _may_bind(nic.name):
                endpoints[Endpoint(url, nic.name, bound=True)] = None
            elif not link_local:
                endpoints[Endpoint(url)] = None
            else:
                own = next((address_text(a.address) for a in nic.addresses if a.address[:2] == b"\xfe\x80"), "")
                if own:
                    endpoints[Endpoint(url, nic.name, source=(own, 0, 0, nic.ifindex))] = None
    return tuple(endpoints)


def device_option(nic: str) -> tuple[int, int, bytes]:
    """The socket option which binds to a NIC. Source: socket(7), SO_BINDTODEVICE."""
    return _socket.SOL_SOCKET, _socket.SO_BINDTODEVICE, nic.encode("utf-8", "replace") + b"\0"


def _may_bind(nic: str) -> bool:
    """Before Linux 5.7, and in some sandboxes, SO_BINDTODEVICE asks for CAP_NET_RAW."""
    tried = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        tried.setsockopt(*device_option(nic))
    except PermissionError:
        return False
    except OSError:
        return True  # the NIC has just gone: the attempt will say so
    finally:
        tried.close()
    return True


def probe(settings: Settings, nics: Sequence[Nic], deadline_seconds: float) -> bool:
    """Whether a TCP connection to any metadata address can be made now, through any NIC or unbound (R8).

    All are tried at once, and again until the deadline, so that a service that restarts isn't taken for one that
    can't be reached.
    """
    import select

    until = time.monotonic() + deadline_seconds
    urls, usable = settings.metadata_urls, usable_nics(nics, settings.ignore_nics)
    while True:
        poll = select.poll()
        connecting: dict[int, _socket.socket] = {}
        try:
            for endpoint in dict.fromkeys(endpoints_for(urls, usable) + endpoints_for(urls, usable, bind=False)):
                started = _start_connecting(endpoint)
                if started is not None:
                    connecting[started.fileno()] = started
                    poll.register(started, select.POLLOUT)
            while connecting and (now := time.monotonic()) < until:
                for descriptor, _ in poll.poll((until - now) * 1000):
                    if connecting[descriptor].getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR) == 0:
                        return True
                    poll.unregister(descriptor)
                    connecting.pop(descriptor).close()
        finally:
            for left in connecting.values():
                left.close()
        if time.monotonic() + AGAIN_SECONDS >= until:
            return False
        time.sleep(AGAIN_SECONDS)


def _start_connecting(endpoint: Endpoint) -> _socket.socket | None:
    """A socket that connects to an endpoint's host; None where that fails at once."""
    scheme, _, _ = endpoint.url.partition("://")
    host, colon, port = endpoint.host.rpartition(":")
    if not colon or not port.isdigit():
        host, port = endpoint.host, "443" if scheme.lower() == "https" else "80"
    made = None
    try:
        # As bytes: for text the codec of international names is loaded, with all that it needs.
        name = host.strip("[]")
        found = _socket.getaddrinfo(name.encode("ascii" if name.isascii() else "idna"), port, 0, _socket.SOCK_STREAM)
        kind, _, _, _, address = found[0]
        made = _socket.socket(kind, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK | _socket.SOCK_CLOEXEC)
        if endpoint.bound:
            made.setsockopt(*device_option(endpoint.nic))
        if endpoint.source[0]:
            made.bind(endpoint.source)
        made.connect(address)
    except BlockingIOError:
        return made
    except (OSError, ValueError):
        if made is not None:
            made.close()
        return None
    return made
