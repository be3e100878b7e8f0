"""Made-up machines as evidence: the differential check's situations with DHCP leases and a property beside them.

No kernel and no files: what a pass would have gathered, for tests of what is decided and said. The same seed, the same
world.
"""

from __future__ import annotations

import json
import random
from typing import List, NamedTuple, Sequence

from guest_routes.evidence import network_data
from guest_routes.leases.choose import host_routes
from guest_routes.model.document import Document, Provenance
from guest_routes.model.evidence import Evidence
from guest_routes.model.lease import Lease, LeaseRoute, LeaseSet, Option
from guest_routes.model.network import KernelState, Nic, Route, parse_address, parse_prefix
from guest_routes.model.network_data import PROPERTIES, HostRoute
from guest_routes.model.settings import GatewaySetting, Selector, Settings
from guest_routes.routing.bind import Present, find_nic
from tests.differential.situation import DESTINATIONS, MACS, NicSpec, Situation, gateway, make
from tests.support.iproute_text import KERNELS_OWN_RULES, connected_routes

NOW = 1_000_000.0


class World(NamedTuple):
    """What a pass starts from."""

    evidence: Evidence
    settings: Settings


def odd_world(seed: int) -> World:
    """The seed's situation, its first document."""
    situation, dice = make(seed), random.Random(f"odd {seed}")
    nics = tuple(_nic(2 + index, one) for index, one in enumerate(situation.nics))
    state = KernelState(nics, tuple(_routes(situation, nics)), KERNELS_OWN_RULES)
    document = json.dumps(situation.documents[0]).encode()
    data = network_data.parse(document)
    found = Evidence(Document(document, Provenance("argument", "made up")), data, state, problems=data.problems)
    leases = _leases(found, dice)
    told = [route for lease in leases for route in host_routes(lease)[0]]
    omits = any(network.omits_routes for network in data.networks)
    found = found._replace(
        leases=LeaseSet(tuple(leases), now=NOW) if omits else None,
        lease_routes=tuple(told),
        properties=tuple(_property(dice)) if dice.random() < 0.2 else (),
    )
    return World(found, _settings(situation))


def _nic(ifindex: int, one: NicSpec) -> Nic:
    name, up, carrier, addresses = one
    mac = bytes.fromhex(MACS[name].replace(":", ""))
    own = tuple(parse_prefix(address) for address in (*addresses, f"fe80::{ifindex}/64"))
    return Nic(ifindex, name, mac, up, up and carrier, permanent_mac=mac, addresses=own if up else own[:-1])


def _routes(situation: Situation, nics: Sequence[Nic]) -> List[Route]:
    names = {nic.name: nic for nic in nics}
    found = [route for nic in nics if nic.up for route in connected_routes(nic)]
    for row in situation.rows:
        nic = names.get(row.dev)
        if nic is not None and nic.up and not (row.proto == 9 and not nic.running):
            metric = row.metric or (1024 if row.family == 6 else 0)
            destination = parse_prefix(row.destination)
            found.append(
                Route(
                    destination,
                    parse_address(row.via) if row.via else None,
                    nic.ifindex,
                    metric,
                    row.proto,
                    onlink=row.onlink,
                )
            )
    return found


def _leases(found: Evidence, dice: random.Random) -> List[Lease]:
    """Of most networks that the document omits."""
    links = {link.id: link for link in found.data.links}
    leases = []
    for network in found.data.networks:
        link = links.get(network.link)
        nic = find_nic(link, links, Present(found.kernel.nics)) if link else None
        own = next((a for a in nic.addresses if len(a.address) == 4), None) if nic else None
        if not network.omits_routes or nic is None or own is None or dice.random() < 0.3:
            continue
        mine = own.address[:3] + b"\x01"
        routes = [
            LeaseRoute(parse_prefix(dice.choice(DESTINATIONS[4])), parse_address(gateway(dice.randrange(4), 4)))
            for _ in range(dice.choice([0, 1, 2]))
        ]
        default = dice.choice([mine, mine, parse_address(gateway(dice.randrange(4), 4))])
        if dice.random() < 0.6:
            routes.append(LeaseRoute(parse_prefix("0.0.0.0/0"), default))
        classless = Option(tuple(routes)) if routes else None
        leases.append(
            Lease("dhclient", "/a", own.address, nic.name, nic.mac, nic.ifindex, (mine,), classless, obtained=NOW)
        )
    return leases


def _property(dice: random.Random) -> List[HostRoute]:
    return [
        HostRoute(
            parse_prefix(dice.choice(DESTINATIONS[4])),
            parse_address(gateway(dice.randrange(4), 4)),
            "meta_data.json",
            PROPERTIES,
            index,
        )
        for index in range(dice.choice([1, 2]))
    ]


def _settings(situation: Situation) -> Settings:
    told = situation.settings
    gateways = tuple(
        GatewaySetting(Selector(nic=nic), parse_address(address), f"gateways[{nic}]")
        for nic, address in told.get("gateways", {}).items()
    )
    plain = {key: told[key] for key in ("default_mode", "next_hops") if key in told}
    return Settings(default=Selector(nic=told["nic"]) if "nic" in told else None, gateways=gateways, **plain)
