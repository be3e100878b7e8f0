"""network_data.json to values. Pure: bytes in, NetworkData out; every fault becomes a Problem naming its place (R12).

Only NetworkDataError comes out of here, and only for bytes that are no JSON object at all; whatever else is
wrong costs the one link, network or route it stands in. Checks that need the machine's NICs are in routing/resolve.py.

Source: OpenStack Nova, doc/api_schemas/network_data.json, and the oddities of published samples (netmasks as
prefix lengths, capitals in MACs, links without a type, services inside routes).
"""

from __future__ import annotations

from itertools import repeat

from ..errors import NetworkDataError
from ..json_codec import loads
from ..model.network import DEFAULT_PREFIX, Address, Prefix, address_text, family_of, network_of, parse_address
from ..model.network_data import NETWORK_DATA, DefaultEntry, HostRoute, Network, NetworkData, Problem, unset_metric
from .json_fields import (
    SUSPECT,
    Fault,
    family_of_gateways,
    kind_of,
    legible,
    length_of,
    metric_of,
    next_hop_of,
    object_of,
    refuse_ends,
    refuse_special,
    show,
    text_of,
    usual_routes,
)
from .links import Links

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

_PIECE = 256
"""So many routes are read at once, where there is nothing to say about any of them."""
_FEW = 8
"""Fewer are read one by one."""
PROBLEMS_KEPT = 1000
"""The first problems of a document; the others are counted. A document of a megabyte can have half a million."""


def parse(data: bytes, where: str = "") -> NetworkData:
    """The document's values, in document order, with a problem for each thing wrong in it.

    Args:
        where: what the document was read from, for the error; "" when unknown.

    Raises:
        NetworkDataError: `data` is not JSON, or not a JSON object.
    """
    what = where or NETWORK_DATA
    try:
        document = loads(data)
    except (ValueError, RecursionError) as error:
        raise NetworkDataError(f"{what} is not JSON: {_written(error)}; no route was changed") from error
    if not isinstance(document, dict):
        raise NetworkDataError(f"{what} is not a JSON object but {kind_of(document)}; no route was changed")
    return _Reader().read(document)


class _Reader:
    """Reads one document, collecting problems and remembering addresses and netmasks it has parsed."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._left_out = {False: 0, True: 0}
        """How many problems are not kept, of notes and of refused routes."""
        self._lacking = ""
        """The place of the first refused entry of the network that may be a default."""
        self.routes: list[HostRoute] = []
        self._gateways: dict[str, Address] = {}
        self._lengths: dict[tuple[str, int], int] = {}

    def read(self, document: dict[str, object]) -> NetworkData:
        links = Links(self._note)  # Not kept: two that hold each other would stay when both are done.
        links.read(self._list(document, "links", "links"))
        networks: list[Network] = []
        for index, entry in enumerate(self._list(document, "networks", "networks")):
            try:
                networks.append(self._network(index, entry, links))
            except Fault as bad:
                self._note(f"networks[{index}]{bad.field}", bad.text)
        for refused, number in self._left_out.items():
            if number:
                text = f"{number:,} more {'of its routes are refused' if refused else 'things are wrong with it'}"
                self.problems.insert(0, Problem("the document", text, refused))
        return NetworkData(links.links, tuple(networks), tuple(self.routes), tuple(self.problems))

    def _network(self, index: int, entry: object, links: Links) -> Network:
        place = f"networks[{index}]"
        entry = object_of(entry)
        link = links.id_for(place, entry)
        kind = text_of(entry.get("type"))
        address = self._address(place, entry)
        family = self._family(place, kind, address, entry)
        known, self._lacking = len(self.routes), ""
        defaults = self._possible(self._routes(index, family, entry), address)
        # ipv4_dhcp, ipv6_slaac, ipv6_dhcpv6-stateful; by a word of it, so that the next of the kind counts, too.
        dynamic = "dhcp" in kind.lower() or "slaac" in kind.lower()
        omits = not entry.get("routes") and not entry.get("gateway")  # One that lists what is refused speaks.
        if address is None and "ip_address" not in entry and not dynamic:
            self._note(f"{place}.ip_address", "missing; the NIC's own addresses are taken from the kernel")
        return Network(
            index=index,
            id=text_of(entry.get("id")) or f"network{index}",
            link=link,
            kind=kind,
            family=family,
            address=address,
            defaults=defaults,
            lists_routes=len(self.routes) > known or any(one.index >= 0 for one in defaults),
            lacks_default="" if defaults else self._lacking,
            network_id=text_of(entry.get("network_id")),
            omits_routes=dynamic and omits,
            dynamic=dynamic,
        )

    def _address(self, place: str, entry: dict[str, object]) -> Prefix | None:
        """The network's own address; None where it has none that can be read."""
        if entry.get("ip_address") in (None, ""):
            return None
        try:
            address = self._own_address(entry)
        except Fault as bad:
            self._note(place + bad.field, bad.text)
            return None
        if not address.length:  # Every next hop would be in its subnet.
            self._note(f"{place}.netmask", f"{address} would have every address in its subnet; taken for a single one")
            return Prefix(address.address, len(address.address) * 8)
        return address

    def _family(self, place: str, kind: str, address: Prefix | None, entry: dict[str, object]) -> int:
        """That of the address, else of the type, else of the first gateway."""
        typed = 6 if "6" in kind or "slaac" in kind.lower() else 4 if "4" in kind else 0
        if address is None:
            return typed or family_of_gateways(entry)
        family = family_of(address.address)
        if typed not in (0, family):
            self._note(f"{place}.type", f"{show(kind)} does not fit the address {address}, which counts")
        return family

    def _own_address(self, entry: dict[str, object]) -> Prefix:
        value = entry["ip_address"]
        text, slash, tail = value.partition("/") if isinstance(value, str) else (value, "", "")
        try:
            address = parse_address(text)  # type: ignore[arg-type]
        except (ValueError, TypeError):
            raise Fault(".ip_address", f"must be an IP address, not {show(value)}") from None
        netmask = tail if slash else entry.get("netmask")
        if netmask is None:
            return Prefix(address, len(address) * 8)
        return Prefix(address, length_of(netmask, len(address) * 8))

    def _possible(self, defaults: list[DefaultEntry], address: Prefix | None) -> tuple[DefaultEntry, ...]:
        """The default entries by addresses that a router can have, each once: the best metric first."""
        kept: dict[Address, DefaultEntry] = {}
        for one in sorted(defaults, key=lambda default: default.metric):
            try:
                refuse_ends(one.gateway, address)
                kept.setdefault(one.gateway, one)
            except Fault as bad:
                self._refuse(
                    one.place + (bad.field if one.index >= 0 else ""), bad.text, DEFAULT_PREFIX[family_of(one.gateway)]
                )
        return tuple(kept.values())

    def _routes(self, network: int, family: int, entry: dict[str, object]) -> list[DefaultEntry]:
        """Appends the network's host routes; returns its default entries, its key `gateway` last."""
        defaults: list[DefaultEntry] = []
        place = f"networks[{network}].routes"
        usual = self._metric(f"networks[{network}]", entry, unset_metric(family))
        for index, route in self._unusual(network, self._list(entry, "routes", place, needed=False)):
            try:
                written, next_hop = self._route(route)
                if written.length:
                    destination = network_of(written)
                    if destination != written:
                        self._note(f"{place}[{index}].network", f"host bits masked off: {written} is {destination}")
                    self.routes.append(HostRoute(destination, next_hop, NETWORK_DATA, network, index))
                elif any(written.address):
                    default = "0.0.0.0/0" if len(written.address) == 4 else "::/0"
                    raise Fault(".netmask", f"{written} is no destination; the default route is {default}")
                elif len(next_hop) * 8 != (32 if family == 4 else 128):
                    raise Fault(".gateway", f"IPv{family_of(next_hop)} default route in an IPv{family} network")
                else:
                    metric = self._metric(f"{place}[{index}]", object_of(route), usual)
                    defaults.append(DefaultEntry(next_hop, f"{place}[{index}]", index, metric))
            except Fault as bad:
                self._refuse(f"{place}[{index}]{bad.field}", bad.text, *legible(route))
        return defaults + self._gateway_key(network, family, entry, usual)

    def _unusual(self, network: int, entries: list[object], first: int = 0) -> Iterator[tuple[int, object]]:
        """Appends the host routes of a list; those about which something may be said come out, each with its index."""
        count = len(entries)
        found = usual_routes(entries, self._lengths, self._gateways) if _FEW <= count <= _PIECE else None
        if found is not None:
            rest = repeat(NETWORK_DATA), repeat(network), range(first, first + count)
            self.routes.extend(map(tuple.__new__, repeat(HostRoute), zip(*found, *rest)))
        elif count < _FEW:
            yield from enumerate(entries, first)
        else:
            for start in range(0, count, size := min(_PIECE, (count + 1) // 2)):
                yield from self._unusual(network, entries[start : start + size], first + start)

    def _metric(self, place: str, values: dict[str, object], usual: int) -> int:
        """The key `metric` of a default entry or of its network, which cloud-init honours, too."""
        try:
            return metric_of(values["metric"]) if values.get("metric") is not None else usual
        except Fault as bad:
            self._note(place + bad.field, bad.text)
            return usual

    def _gateway_key(self, network: int, family: int, entry: dict[str, object], metric: int) -> list[DefaultEntry]:
        """The network's key `gateway`, which some clouds write beside its routes or in their place."""
        value = entry.get("gateway")
        if value is None or value == "":
            return []
        place = f"networks[{network}]"
        try:
            gateway = next_hop_of(value)
            if len(gateway) * 8 != (32 if family == 4 else 128):
                raise Fault(".gateway", f"IPv{family_of(gateway)} gateway of an IPv{family} network")
        except Fault as bad:
            self._refuse(place + bad.field, bad.text, DEFAULT_PREFIX[family])
            return []
        return [DefaultEntry(gateway, f"{place}.gateway", metric=metric)]

    def _route(self, route: object) -> tuple[Prefix, Address]:
        """Destination as written, host bits included, and next hop; raises Fault for a route that can't be one."""
        route = object_of(route)
        network = route.get("network")
        text, slash, tail = network.partition("/") if isinstance(network, str) else (network, "", "")
        try:
            address = parse_address(text)  # type: ignore[arg-type]
        except (ValueError, TypeError):
            raise Fault(".network", f"must be an IP address, not {show(network)}") from None
        netmask = tail if slash else route.get("netmask")
        # The cache key would take True for 1 and 1.0 for 1: only text is looked up.
        key = (netmask, len(address)) if isinstance(netmask, str) else None
        length = self._lengths.get(key) if key else None
        if length is None:
            length = length_of(netmask, len(address) * 8)
            if key:
                self._lengths[key] = length
        gateway = route.get("gateway")
        next_hop = self._gateways.get(gateway) if isinstance(gateway, str) else None
        if next_hop is None:
            next_hop = next_hop_of(gateway)
            self._gateways[gateway] = next_hop  # type: ignore[index]
        if len(next_hop) != len(address):
            raise Fault("", f"IPv4 and IPv6 mixed: {address_text(address)}/{length} via {gateway}")
        if length and address[0] in SUSPECT:
            refuse_special(Prefix(address, length))
        return Prefix(address, length), next_hop

    def _list(self, entry: dict[str, object], key: str, place: str, needed: bool = True) -> list[object]:
        value = entry.get(key)
        if isinstance(value, list):
            return value
        text = f"must be a list, not {show(value) if key in entry else 'absent'}"
        if value and not needed:
            self._refuse(place, text)
        elif value is not None or needed:
            self._note(place, text)
        return []

    def _refuse(
        self, place: str, text: str, destination: Prefix | None = None, next_hop: Address | None = None
    ) -> None:
        """A route that can't be used, with what can be read of it."""
        if destination is None or destination.is_default:
            self._lacking = self._lacking or place
        self._note(place, text, True, destination, next_hop)

    def _note(
        self, place: str, text: str, refused: bool = False, to: Prefix | None = None, by: Address | None = None
    ) -> None:
        if len(self.problems) < PROBLEMS_KEPT:
            self.problems.append(Problem(place, text, refused, to, by))
        else:
            self._left_out[refused] += 1


def _written(error: BaseException) -> str:
    import json

    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}: line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 text, at byte {error.start + 1}"
    # Whatever else the library refuses is a number of thousands of digits, which it won't convert.
    return "nested too deeply" if isinstance(error, RecursionError) else "a number has too many digits"
