"""The evidence of a pass, gathered in one place: the document and what supplements it.

    document    what it says (network_data.py); found by find.py
    property    guest_routes in the meta_data.json that came with it, else what the last known good has (properties.py)
    leases      of the NICs whose routes the document omits (leases/)
    kernel      NICs, routes and rules, in one snapshot
    state       defaults that passes took away (R4); what the last accepted document described (R6)

A document that has no property and omits no NIC's routes needs neither leases nor properties, nor their modules.
"""

from __future__ import annotations

import os

from ..model.document import UUID_CHARACTERS, Unusable
from ..model.evidence import Elsewhere, Evidence
from ..model.network import MAIN_TABLE, OUR_PROTOCOL, PROTOCOL_DHCP, Prefix
from ..model.network_data import Problem
from ..model.settings import is_ignored
from ..routing.bind import Present, find_nic_of
from ..routing.compare import defaults_of, to_any
from ..routing.ownership import is_our_rule, is_ours, others_of, separated
from ..routing.subnets import with_unrouted
from . import network_data

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..kernel.engine import Kernel
    from ..model.document import Document, Known
    from ..model.lease import LeaseSet
    from ..model.network import Address, KernelState, Nic, Route
    from ..model.network_data import NetworkData
    from ..model.settings import Settings
    from ..state.store import State


def snapshot(settings: Settings, state: State, kernel: Kernel) -> KernelState:
    """What the kernel has, as a pass needs it: with the tables of source routing, where it is on or something is left.

    Raises:
        KernelError: the kernel refused a dump.
    """
    now = table_snapshot(settings, kernel)
    now = with_unrouted(now) if settings.table == MAIN_TABLE else now
    written = source_tables(settings, state)
    if not (settings.source_routing or written or any(is_our_rule(rule, settings) for rule in now.rules)):
        return now
    from ..routing.source_routing.nics import tables_to_read

    return now._replace(tables=kernel.tables(tables_to_read(now, settings, written)))


def source_tables(settings: Settings, state: State) -> tuple[int, ...]:
    """The tables of source routing that passes have written, and that may not be empty."""
    if not os.path.exists(state.source_tables_path):
        return ()
    from ..state.places import source_tables as written

    return written(state, settings.protocol)


def table_snapshot(settings: Settings, kernel: Kernel, expected: Sequence[Route] = ()) -> KernelState:
    """The settings' table alone, with other programs' next hops separated from ours; NICs and rules.

    Args:
        expected: see Kernel.

    Raises:
        KernelError: the kernel refused a dump.
    """
    return separated(kernel.snapshot(settings.table, expected), settings)


def gather(
    document: Document,
    settings: Settings,
    state: State,
    before: KernelState,
    fetched: bool = False,
    parsed: NetworkData | None = None,
) -> Evidence:
    """The evidence of one pass, or of one reconcile.

    Args:
        before: a snapshot, as `snapshot` takes it.
        fetched: the document was fetched for this pass, and counts among those that agree (R6).
        parsed: what is in the document, where that is known already.

    Raises:
        NetworkDataError: the document is not JSON, or not an object.
    """
    data = parsed or network_data.parse(document.data, document.provenance.location)
    recorded = tuple(one.route for one in state.recorded_defaults(before.nics) if not one.absent)
    problems = (*document.unused, *_uuid_problems(document), *data.problems)
    evidence = Evidence(document, data, before, recorded, problems=problems)
    if document.source == "argument" or (
        document.source != "last-known-good" and "last-known-good" in settings.sources
    ):
        known = state.known(before.nics)
        if not isinstance(known, Unusable):
            evidence = _with_known(evidence, known)._replace(known_data=_known_data(evidence, known, settings, state))
    evidence = evidence._replace(problems=(*evidence.problems, *state.problems))
    evidence = _with_property(evidence, settings)
    evidence = _with_leases(evidence, settings, state.root)
    evidence = _with_copied_leases(evidence, settings, state.root)
    if os.path.exists(state.settings_routes_path):
        from ..state.settings_routes import destinations

        evidence = evidence._replace(settings_routes=destinations(state))
    if fetched:
        evidence = evidence._replace(agreeing_fetches=state.agreeing_fetches(disputable(evidence)))
    return evidence


def with_routes_left(evidence: Evidence, settings: Settings, state: State, kernel: Kernel) -> Evidence:
    """The same, and what a pass with another table or protocol has left in the kernel."""
    if always_here(settings, state):
        return evidence
    left = left_elsewhere(settings, state, kernel)
    wrong = [problem for problem in state.problems if problem not in evidence.problems]
    return evidence._replace(problems=(*evidence.problems, *wrong), elsewhere=left)


def always_here(settings: Settings, state: State) -> bool:
    """Whether every pass of this boot wrote where these settings say, which are the defaults, and came to its end."""
    has_defaults = (settings.table, settings.protocol) == (MAIN_TABLE, OUR_PROTOCOL)
    return has_defaults and os.path.exists(state.status_path) and not os.path.exists(state.places_path)


def left_elsewhere(settings: Settings, state: State, kernel: Kernel) -> tuple[Elsewhere, ...]:
    """The tables with routes of ours that no pass by these settings looks at: `withdraw` removes them (R18)."""
    from ..state.places import elsewhere

    found: list[Elsewhere] = []
    for table, protocol in elsewhere(state, settings):
        there = settings._replace(table=table, protocol=protocol)
        now = table_snapshot(there, kernel)
        routes = sum(is_ours(route, there) for route in now.routes)
        counted = protocol == settings.protocol or protocol in [one.protocol for one in found]
        rules = 0 if counted else sum(is_our_rule(rule, there) for rule in now.rules)
        if routes or rules:
            found.append(Elsewhere(table, protocol, routes, rules))
    return tuple(found)


def gather_again(evidence: Evidence, settings: Settings, state: State, now: KernelState) -> Evidence:
    """The evidence of a pass during which the kernel has changed: of the same document, and no fetch more (R6)."""
    again = gather(evidence.document, settings, state, now, parsed=evidence.data)
    return again._replace(agreeing_fetches=evidence.agreeing_fetches)


def disputable(evidence: Evidence) -> bytes:
    """The bytes that two fetches must have in common to agree (R6)."""
    return evidence.document.data + " ".join(map(str, evidence.lease_routes)).encode()


def _with_known(evidence: Evidence, known: Known) -> Evidence:
    """What the last accepted document described, and the property that came with it."""
    evidence = evidence._replace(known_macs=known.macs, replaceable=True)
    document = evidence.document
    if document.source != "leases" and not document.properties.known:
        # No meta_data.json came, or a file has none beside it: its last known value is better than none.
        return evidence._replace(document=document._replace(properties=known.properties))
    return evidence


def _known_data(evidence: Evidence, known: Known, settings: Settings, state: State) -> NetworkData | None:
    """What the last accepted document said, where this isn't the same one, and another program has a default."""
    defaults = defaults_of(evidence.kernel.routes)
    if all(is_ours(route, settings) for route in defaults):
        return None
    from ..state.last_known_good import checksum

    if tuple(checksum(evidence.document.data).values()) == known.checksum:
        return None
    kept = state.last_known_good(evidence.kernel.nics)
    if isinstance(kept, Unusable):
        return None
    return network_data.parse(kept.data, kept.known.provenance.location)


def _uuid_problems(document: Document) -> tuple[Problem, ...]:
    if len(document.uuid) <= UUID_CHARACTERS:
        return ()
    from ..output.words.evidence import long_uuid_text

    return (Problem("meta_data.json", long_uuid_text(UUID_CHARACTERS)),)


def _with_property(evidence: Evidence, settings: Settings) -> Evidence:
    """The host routes of the property that came with the document."""
    written = evidence.document.properties.json
    if written is None or "properties" not in settings.sources:
        return evidence
    from .properties import host_routes

    routes, problems = host_routes(written)
    everything = (*evidence.problems, *problems)
    return evidence._replace(properties=tuple(routes), property_damage=tuple(problems), problems=everything)


def _with_leases(evidence: Evidence, settings: Settings, root: str) -> Evidence:
    """The leases of the NICs whose routes the document omits.

    Args:
        root: where the leases' files are looked for.
    """
    leases = leases_of(_omitted(evidence.data, evidence.kernel.nics, settings), settings, root)
    if leases is None:
        return evidence
    from ..leases.choose import host_routes

    problems, notes, routes = [*evidence.problems, *leases.problems], [*evidence.notes], []
    for lease in leases.leases:
        found, remarks = host_routes(lease)
        routes += found
        notes += remarks
    return evidence._replace(leases=leases, lease_routes=tuple(routes), notes=tuple(notes), problems=tuple(problems))


def leases_of(nics: Sequence[Nic], settings: Settings, root: str) -> LeaseSet | None:
    """What DHCP clients keep for these NICs; None without any NIC, or where the settings turn leases off."""
    if not nics or "leases" not in settings.sources:
        return None
    from ..leases.find import read_leases

    return read_leases(nics, root)


def _with_copied_leases(evidence: Evidence, settings: Settings, root: str) -> Evidence:
    """The leases of the NICs with routes that may be copies of host routes, and that only a lease can tell as such."""
    foreign = others_of(evidence.kernel.routes, settings, PROTOCOL_DHCP)
    if all(one.destination.is_default for one in foreign):
        return evidence
    hosts = (*settings.routes, *evidence.properties, *evidence.data.routes, *evidence.lease_routes)
    listed: set[tuple[Prefix, Address | None]] = {(host.destination, host.next_hop) for host in hosts}
    listed |= {(Prefix(host.next_hop, 8 * len(host.next_hop)), None) for host in hosts}
    near = to_any({destination for destination, _ in listed}, foreign)
    suspected = {route.ifindex for route in near if (route.destination, route.gateway) in listed}
    nics = [nic for nic in evidence.kernel.nics if nic.ifindex in suspected]
    return evidence._replace(copied_leases=leases_of(nics, settings, root))


def _omitted(data: NetworkData, nics: Sequence[Nic], settings: Settings) -> list[Nic]:
    """The NICs of IPv4 networks whose routes the document omits."""
    networks = [network for network in data.networks if network.omits_routes and network.family == 4]
    if not networks:
        return []
    links, present = {link.id: link for link in data.links}, Present(nics)
    found: dict[int, Nic] = {}
    for network in networks:
        nic = find_nic_of(network, links, present)
        if nic is not None and not is_ignored(nic, settings.ignore_nics):
            found[nic.ifindex] = nic
    return list(found.values())
