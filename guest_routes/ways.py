"""Which metadata URL is asked through which NIC, how a socket is bound to one, and whether any way is open.

Known hazards: the zone of fe80::a9fe:a9fe must not get into the Host header. A container may answer on its own
veth, so where there are plain NICs only they, and what stands on them, are asked.
"""

from __future__ import annotations

import os
import time

from .model import Nic, address_text
from .policy import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple, Sequence
else:
    from .values import NamedTuple

AGAIN_SECONDS = 0.2
"""The pause between two rounds of `probe`."""


class Way(NamedTuple):
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

    def __str__(self) -> str:
        return self.url.rstrip("/") + (f" through {self.nic}" if self.nic else "")


def usable_nics(nics: Sequence[Nic], ignored: Sequence[str]) -> tuple[Nic, ...]:
    """The NICs through which the metadata service may be asked: up, with a carrier, no port of another one.

    Where the machine has plain NICs (kind ""), only they and the VLANs, bonds and bridges on them count.
    """
    from fnmatch import fnmatchcase

    trusted = {nic.ifindex for nic in nics if not nic.kind and any(nic.mac)}
    if trusted:
        for _ in nics:  # a VLAN on a bond on a NIC: one step of the ladder at a time
            trusted |= {nic.master for nic in nics if nic.ifindex in trusted and nic.master}
            trusted |= {nic.ifindex for nic in nics if nic.kind == "vlan" and nic.parent in trusted}
    return tuple(
        nic
        for nic in nics
        if (nic.up and nic.running and not nic.master and any(nic.mac))
        and (not trusted or nic.ifindex in trusted)
        and not any(fnmatchcase(nic.name, pattern) for pattern in ignored)
    )


def ways_to(urls: Sequence[str], nics: Sequence[Nic], bind: bool = True) -> tuple[Way, ...]:
    """Each URL through each NIC; without `bind`, or where that isn't permitted, by the routing table's choice.

    A link-local URL goes through each NIC in any case. Its zone never stands in the URL, where it would get into
    the Host header (and urllib3 reads it differently from version to version): the kernel takes it from the NIC
    or the source address that the socket is bound to.
    """
    ways: dict[Way, None] = {}
    for url in urls:
        link_local = Way(url).host.lower().startswith(("[fe8", "[fe9", "[fea", "[feb"))
        if not (bind or link_local):
            ways[Way(url)] = None
            continue
        for nic in nics:
            if _may_bind(nic.name):
                ways[Way(url, nic.name, bound=True)] = None
            elif not link_local:
                ways[Way(url)] = None
            else:
                own = next((address_text(a.address) for a in nic.addresses if a.address[:2] == b"\xfe\x80"), "")
                if own:
                    ways[Way(url, nic.name, source=(own, 0, 0, nic.ifindex))] = None
    return tuple(ways)


def device_option(nic: str) -> tuple[int, int, bytes]:
    """The socket option which binds to a NIC. Source: socket(7), SO_BINDTODEVICE."""
    import socket

    return socket.SOL_SOCKET, socket.SO_BINDTODEVICE, os.fsencode(nic) + b"\0"


def _may_bind(nic: str) -> bool:
    """Before Linux 5.7, and in some sandboxes, SO_BINDTODEVICE asks for CAP_NET_RAW."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        try:
            tried.setsockopt(*device_option(nic))
        except PermissionError:
            return False
        except OSError:
            return True  # the NIC has just gone: the attempt will say so
    return True


def probe(settings: Settings, nics: Sequence[Nic], deadline_seconds: float) -> bool:
    """Whether a TCP connection to any metadata address can be made now, through any NIC or unbound (R8).

    All are tried at once, and again until the deadline, so that a service being restarted isn't taken for a
    way that is cut.
    """
    import selectors

    until = time.monotonic() + deadline_seconds
    urls, usable = settings.metadata_urls, usable_nics(nics, settings.ignore_nics)
    while True:
        with selectors.DefaultSelector() as selector:
            try:
                for way in dict.fromkeys(ways_to(urls, usable) + ways_to(urls, usable, bind=False)):
                    connecting = _start_connecting(way)
                    if connecting is not None:
                        selector.register(connecting, selectors.EVENT_WRITE)
                while selector.get_map() and time.monotonic() < until:
                    for key, _ in selector.select(max(0.0, until - time.monotonic())):
                        if _connected(key.fileobj):
                            return True
                        selector.unregister(key.fileobj)
                        key.fileobj.close()  # type: ignore[union-attr]
            finally:
                for key in list(selector.get_map().values()):
                    key.fileobj.close()  # type: ignore[union-attr]
        if time.monotonic() + AGAIN_SECONDS >= until:
            return False
        time.sleep(AGAIN_SECONDS)


def _start_connecting(way: Way) -> Any | None:
    import socket
    from urllib.parse import urlsplit

    made = None
    try:
        parts = urlsplit(way.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        kind, _, _, _, address = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(kind, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        if way.bound:
            made.setsockopt(*device_option(way.nic))
        if way.source[0]:
            made.bind(way.source)
        made.connect(address)
    except BlockingIOError:
        return made
    except (OSError, ValueError):
        if made is not None:
            made.close()
        return None
    return made


def _connected(connecting: Any) -> bool:
    import socket

    return bool(connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0)
