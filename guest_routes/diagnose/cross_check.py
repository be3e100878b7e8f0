"""What other libraries read of the same NICs and routes: netifaces by getifaddrs(3), pyroute2 by its own decoder.

Both are optional; without them there is no comparison, and one that fails is a finding. Where pyroute2 is the engine,
ours is what it is compared with.
"""

from __future__ import annotations

from ..model.diagnosis.inspection import CrossCheck, Difference
from ..model.network import address_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator, Literal, Mapping, Sequence, TypeAlias

    from ..model.network import Nic, Route

Entries: TypeAlias = "Sequence[Mapping[str, str]]"
"""What netifaces has for a NIC and an address family."""


def netifaces_check(nics: Sequence[Nic]) -> CrossCheck:
    """Names, MACs and addresses; netifaces-plus from PyPI comes under the same name."""
    try:
        return CrossCheck("netifaces", "NIC", len(nics), tuple(_netifaces_differences(nics)))
    except ModuleNotFoundError:
        return CrossCheck("netifaces", "NIC")
    except (ImportError, OSError) as error:
        return failed("netifaces", "NIC", error)


def _netifaces_differences(nics: Sequence[Nic]) -> Iterator[Difference]:
    import netifaces

    names = set(netifaces.interfaces())
    yield from extra_nics(names, nics)
    for nic in nics:
        read: Any = netifaces.ifaddresses(nic.name) if nic.name in names else {}
        addresses = [*read.get(netifaces.AF_INET, ()), *read.get(netifaces.AF_INET6, ())]
        yield from nic_differences(nic, read.get(netifaces.AF_LINK, ()), addresses if read else None)


def failed(library: str, subject: Literal["NIC", "route"], error: Exception) -> CrossCheck:
    """A library that is there, and could not read."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return CrossCheck(library, subject, 0, (Difference("unread", reason=reason),))


def extra_nics(names: Iterable[str], nics: Sequence[Nic]) -> Iterator[Difference]:
    """NICs that netlink doesn't show; getifaddrs(3) has labels (`eth0:1`)."""
    for name in sorted({name.partition(":")[0] for name in names} - {"lo", *(nic.name for nic in nics)}):
        yield Difference("extra-nic", name)


def nic_differences(nic: Nic, links: Entries, addresses: Entries | None) -> Iterator[Difference]:
    """What differs in a NIC's MAC and addresses.

    Args:
        links: none where the library reads no MAC.
        addresses: None: the library doesn't have the NIC. getifaddrs(3) leaves out those without any address.
    """
    macs = {entry.get("addr", "").lower() for entry in links}
    if macs and any(nic.mac) and nic.mac.hex(":") not in macs:
        yield Difference("mac", nic.name, macs=tuple(sorted(macs)), mac=nic.mac)
    if addresses is None:
        return
    theirs = {entry["addr"].partition("%")[0] for entry in addresses if "addr" in entry}
    odd = theirs ^ {address_text(address.address) for address in nic.addresses}
    if odd:
        yield Difference("addresses", nic.name, addresses=tuple(sorted(odd)))


def engine_check(ours: Sequence[Route], table: int, engine: str) -> CrossCheck:
    """The routes of our table, as the other engine reads them.

    Args:
        ours: as the settings' engine has just read them.
        engine: that one.
    """
    from ..errors import EngineMissingError, KernelError
    from ..kernel.open import open_kernel

    name = "rtnetlink" if engine == "pyroute2" else "pyroute2"
    try:
        other = open_kernel(name)
        try:
            theirs = other.snapshot(table)
        finally:
            other.close()
    except EngineMissingError:
        return CrossCheck(name, "route")
    except (KernelError, OSError) as error:
        return failed(name, "route", error)
    return CrossCheck(name, "route", len(ours), tuple(route_differences(ours, theirs.routes)))


def route_differences(ours: Sequence[Route], theirs: Sequence[Route]) -> Iterator[Difference]:
    """Routes that only one of the two has; lifetimes run on between the two looks."""
    own, others = set(map(_lasting, ours)), set(map(_lasting, theirs))
    for route in ours:
        if _lasting(route) not in others:
            yield Difference("missing-route", route=route)
    for route in theirs:
        if _lasting(route) not in own:
            yield Difference("extra-route", route=route)


def _lasting(route: Route) -> Route:
    return route._replace(expires=1) if route.expires else route
