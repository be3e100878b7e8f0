"""The routes of a document as configuration for a network manager: what each format's module makes of them. Pure.

Two things in one: no further default route, and, for sites that want no service, the routes themselves. NICs are
matched by MAC. What a manager's own files hold already can't be taken away by further files; notes say where.
"""

from __future__ import annotations

from ...model.configuration import Export, ExportNote
from ...model.evidence import BY_DEFAULTS
from ...model.network import MAIN_TABLE
from ...routing.per_nic import NicRoutes, nic_routes
from .networkd import netplan, networkd
from .networkmanager import networkmanager
from .nmstate import nmstate
from .scripts import ifupdown, script
from .source_routing import has_unsayable_metrics, without_unsayable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterator, Mapping, Sequence

    from ...model.lease import LeaseSet
    from ...model.plan import Decision
    from ...model.settings import Settings

FORMATS: dict[str, Callable[[Sequence[NicRoutes], Mapping[int, str]], Export]] = {
    "networkd": networkd,
    "netplan": netplan,
    "networkmanager": networkmanager,
    "nmstate": nmstate,
    "ifupdown": ifupdown,
    "ip": script,
}
NO_THROW = ("nmstate",)
"""Formats that know no route of type throw, without which a NIC's table is not as ours."""
NO_MULTIPATH = ("netplan", "networkmanager")
"""Formats whose routes have one next hop."""
STACKED = ("vlan", "bond", "bridge")
"""Kinds of NIC that share a MAC with another."""


def offline(made: Export) -> Export:
    """An export for a machine that isn't running: no manager has to read it now."""
    return made._replace(notes=tuple(note for note in made.notes if note.kind != "apply"))


def unknown_routes(decision: Decision, leases: LeaseSet | None, families: Sequence[int] = (4, 6)) -> tuple[str, ...]:
    """The NICs whose routes are in no file: the document omits them, and neither a lease nor the settings have any.

    A default route in the kernel tells a gateway, and no host routes of DHCP's.
    """
    found = [
        one.nic.name
        for one in decision.resolution.bindings
        if one.family in families and one.nic is not None and one.network is not None and one.network.omits_routes
        and (one.gateway is None or (one.evidence is not None and one.evidence.kind in BY_DEFAULTS and one.family == 4))
        and (leases is None or leases.of(one.nic.ifindex) is None)
    ]  # fmt: skip
    return tuple(dict.fromkeys(found))


def export(decision: Decision, settings: Settings, format_name: str, network_files: Mapping[int, str]) -> Export:
    """The files of one format.

    Args:
        network_files: the .network file that systemd-networkd has applied to a NIC, by ifindex.
    """
    every = nic_routes(decision, settings)
    sayable = [without_unsayable(one, format_name) for one in every]
    made = FORMATS[format_name]([one for one, _ in sayable if one.nic.kind not in STACKED], network_files)
    notes = [*made.notes, *_left_out(every, settings), *_of_source_routing(every, settings, format_name)]
    less = tuple(one.nic.name for one, is_less in sayable if is_less)
    if less and format_name not in NO_THROW:
        notes.append(ExportNote("unsayable-routes", less))
    return made._replace(notes=tuple(notes))


def _left_out(every: Sequence[NicRoutes], settings: Settings) -> Iterator[ExportNote]:
    """What no format has."""
    for one in every:
        if one.nic.kind in STACKED:
            yield ExportNote("shares-mac", (one.nic.name,), nic_kind=one.nic.kind)
    if settings.table != MAIN_TABLE:
        yield ExportNote("other-table", table=settings.table)


def _of_source_routing(every: Sequence[NicRoutes], settings: Settings, format_name: str) -> Iterator[ExportNote]:
    """What of source routing the format has not, or not for long."""
    if format_name in NO_THROW:
        if settings.source_routing:
            yield ExportNote("no-source-routing")
        return
    moving = tuple(one.nic.name for one in every if one.by_source and one.dynamic)
    if moving:
        yield ExportNote("source-dynamic", moving)
    multipath = tuple(one.nic.name for one in every if _has_multipath(one))
    if multipath and format_name in NO_MULTIPATH:
        yield ExportNote("first-next-hop", multipath)
    metrics = tuple(one.nic.name for one in every if has_unsayable_metrics(one, format_name))
    if metrics:
        yield ExportNote("mtu-alone", metrics)


def _has_multipath(one: NicRoutes) -> bool:
    return any(route.nexthops for table in one.by_source for route in table.routes)
