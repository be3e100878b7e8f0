"""network_data.json to values. Pure: bytes in, NetworkData out; every fault becomes a Problem naming its place (R12).

Only NetworkDataError comes out of here, and only for bytes that are no JSON object at all; whatever else is
wrong costs the one link, network or route it stands in. Checks that need the machine's NICs are in routing/resolve.py.

Source: OpenStack Nova, doc/api_schemas/network_data.json, and the oddities of published samples (netmasks as
prefix lengths, capitals in MACs, links without a type, services inside routes).
"""

from __future__ import annotations

import json
from _socket import AF_INET, AF_INET6, inet_pton

from ..errors import NetworkDataError
from ..model.network import Address, Prefix, address_text, family_of, network_of, parse_address
from ..model.network_data import HostRoute, Link, Network, NetworkData, Problem
from .json_fields import SUSPECT, Fault, kind_of, mac_of, next_hop_of, object_of, refuse_special, show, text_of

SOURCE = "network_data.json"
_IPV4_KINDS = ("ipv4", "ipv4_dhcp")
_HOST_BITS = {bits // 8: [(1 << bits - length) - 1 for length in range(bits + 1)] for bits in (32, 128)}
"""By address size in bytes and prefix length: the mask of the host's part."""


def parse(data: bytes) -> NetworkData:
    """The document's values, in document order, with a problem for each thing wrong in it.

    Raises:
        NetworkDataError: `data` is not JSON, or not a JSON object.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NetworkDataError(f"{SOURCE} is not JSON: {_written(error)}; no route was changed") from error
    if not isinstance(document, dict):
        raise NetworkDataError(f"{SOURCE} is not a JSON object but {kind_of(document)}; no route was changed")
    return _Reader().read(document)


class _Reader:
    """Reads one document, collecting problems and remembering addresses and netmasks it has parsed."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.routes: list[HostRoute] = []
        self._gateways: dict[str, Address] = {}
        self._lengths: dict[tuple[str, int], int] = {}

    def read(self, document: dict[str, object]) -> NetworkData:
        links: list[Link] = []
        for index, entry in enumerate(self._list(document, "links", "links")):
            try:
                links.append(_link(index, entry))
            except Fault as bad:
                self._note(f"links[{index}]{bad.field}", bad.text)
        ids: dict[str, Link] = {}
        for link in links:
            if link.id in ids:
                self._note(
                    f"links[{link.index}].id", f"{link.id!a} is links[{ids[link.id].index}]'s too; that one counts"
                )
            ids.setdefault(link.id, link)
        networks: list[Network] = []
        for index, entry in enumerate(self._list(document, "networks", "networks")):
            try:
                networks.append(self._network(index, entry, ids))
            except Fault as bad:
                self._note(f"networks[{index}]{bad.field}", bad.text)
        return NetworkData(tuple(ids.values()), tuple(networks), tuple(self.routes), tuple(self.problems))

    def _network(self, index: int, entry: object, links: dict[str, Link]) -> Network:
        place = f"networks[{index}]"
        entry = object_of(entry)
        link = entry.get("link")
        if not isinstance(link, str) or link not in links:
            self._note(f"{place}.link", f"must be the id of an entry of links, not {show(link)}")
            link = ""
        kind = entry.get("type")
        if not isinstance(kind, str):
            kind = ""
        address = None
        if entry.get("ip_address") is not None:
            try:
                address = self._own_address(entry)
            except Fault as bad:
                self._note(place + bad.field, bad.text)
        family = family_of(address.address) if address else 4 if kind in _IPV4_KINDS or not kind else 6
        if address and kind and (kind in _IPV4_KINDS) != (family == 4):
            self._note(f"{place}.type", f"{show(kind)} does not fit the address {address}, which counts")
        known = len(self.routes)
        gateway, gateway_place = self._routes(index, family, entry)
        dynamic = "dhcp" in kind or "slaac" in kind
        listed = len(self.routes) > known or gateway is not None
        if address is None and "ip_address" not in entry and not dynamic:
            self._note(f"{place}.ip_address", "missing; the NIC's own addresses are taken from the kernel")
        return Network(
            index=index,
            id=text_of(entry.get("id")) or f"network{index}",
            link=link,
            kind=kind,
            family=family,
            address=address,
            gateway=gateway,
            gateway_place=gateway_place,
            network_id=text_of(entry.get("network_id")),
            omits_routes=dynamic and not listed,
        )

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
        return Prefix(address, self._length(netmask, len(address) * 8))

    def _routes(self, network: int, family: int, entry: dict[str, object]) -> tuple[Address | None, str]:
        """Appends the network's host routes; returns its default route's gateway and where that stands."""
        gateway: Address | None = None
        gateway_place = ""
        place = f"networks[{network}].routes"
        routes, lengths, gateways, make = self.routes, self._lengths, self._gateways, tuple.__new__
        for index, route in enumerate(self._list(entry, "routes", place, needed=False)):
            try:
                # Nearly every route: a netmask and gateway seen before, and nothing to say about it.
                text = route["network"]  # type: ignore[index]
                address = inet_pton(AF_INET6 if ":" in text else AF_INET, text)
                size = len(address)
                length = lengths[route["netmask"], size]  # type: ignore[index]
                next_hop = gateways[route["gateway"]]  # type: ignore[index]
                host_bits = int.from_bytes(address, "big") & _HOST_BITS[size][length]
                if length and not host_bits and size == len(next_hop) and address[0] not in SUSPECT:
                    destination = make(Prefix, (address, length))
                    routes.append(make(HostRoute, (destination, next_hop, SOURCE, network, index)))
                    continue
            except (LookupError, TypeError, ValueError, OSError):
                pass  # What is wrong is said below, in full.
            try:
                written, next_hop = self._route(route)
                if written.length:
                    destination = written
                    if int.from_bytes(written.address, "big") & _HOST_BITS[len(written.address)][written.length]:
                        destination = network_of(written)
                        self._note(f"{place}[{index}].network", f"host bits masked off: {written} is {destination}")
                    routes.append(HostRoute(destination, next_hop, SOURCE, network, index))
                elif len(next_hop) * 8 != (32 if family == 4 else 128):
                    raise Fault(".gateway", f"IPv{family_of(next_hop)} default route in an IPv{family} network")
                elif gateway is None:
                    gateway, gateway_place = next_hop, f"{place}[{index}]"
                elif gateway != next_hop:
                    raise Fault("", f"second default route; {gateway_place} via {address_text(gateway)} counts")
            except Fault as bad:
                self._note(f"{place}[{index}]{bad.field}", bad.text, refused=True)
        return gateway, gateway_place

    def _route(self, route: object) -> tuple[Prefix, Address]:
        """Destination as written, host bits included, and next hop; raises Fault for a route that can't be one."""
        route = object_of(route)
        network = route.get("network")
        try:
            address = parse_address(network)  # type: ignore[arg-type]
        except (ValueError, TypeError):
            raise Fault(".network", f"must be an IP address, not {show(network)}") from None
        netmask = route.get("netmask")
        # The cache key would take True for 1 and 1.0 for 1: only text is looked up.
        key = (netmask, len(address)) if isinstance(netmask, str) else None
        length = self._lengths.get(key) if key else None
        if length is None:
            length = self._length(netmask, len(address) * 8)
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

    def _length(self, netmask: object, bits: int) -> int:
        """A netmask as the prefix length: dotted, IPv6, or a number of bits."""
        if isinstance(netmask, int) and not isinstance(netmask, bool) and 0 <= netmask <= bits:
            return netmask
        if isinstance(netmask, str):
            if netmask.isascii() and netmask.isdigit() and len(netmask) <= 3 and int(netmask) <= bits:
                return int(netmask)
            try:
                mask = parse_address(netmask)
            except ValueError:
                mask = b""
            if len(mask) * 8 == bits:
                number = int.from_bytes(mask, "big")
                length = bin(number).count("1")
                if number == (1 << bits) - (1 << bits - length):
                    return length
                raise Fault(".netmask", f"{show(netmask)} has ones after zeros; write a prefix length or a netmask")
        example = "255.255.0.0 or 16" if bits == 32 else "ffff:ffff:ffff:: or 48"
        raise Fault(".netmask", f"must be a netmask or prefix length such as {example}, not {show(netmask)}")

    def _list(self, entry: dict[str, object], key: str, place: str, needed: bool = True) -> list[object]:
        value = entry.get(key)
        if isinstance(value, list):
            return value
        if value is not None or needed:
            self._note(place, f"must be a list, not {show(value) if key in entry else 'absent'}")
        return []

    def _note(self, place: str, text: str, refused: bool = False) -> None:
        self.problems.append(Problem(place, text, refused))


def _link(index: int, entry: object) -> Link:
    entry = object_of(entry)
    id_ = entry.get("id")
    if not isinstance(id_, str):
        raise Fault(".id", f"must be text, not {show(id_)}")
    kind = text_of(entry.get("type"))
    field = "vlan_mac_address" if entry.get("vlan_mac_address") is not None else "ethernet_mac_address"
    mac = b""
    if entry.get(field) is not None or kind != "bond":
        mac = mac_of(entry.get(field), "." + field)
    bond_links = entry.get("bond_links")
    vlan_id = entry.get("vlan_id")
    if isinstance(vlan_id, str) and vlan_id.isascii() and vlan_id.isdigit() and len(vlan_id) <= 4:
        vlan_id = int(vlan_id)
    if kind == "vlan" and not (isinstance(vlan_id, int) and not isinstance(vlan_id, bool) and 0 < vlan_id < 4095):
        raise Fault(".vlan_id", f"must be 1 to 4094, not {show(vlan_id)}")
    return Link(
        index=index,
        id=id_,
        kind=kind,
        mac=mac,
        bond_links=tuple(filter(None, map(text_of, bond_links))) if isinstance(bond_links, list) else (),
        vlan_id=vlan_id if kind == "vlan" and isinstance(vlan_id, int) else None,
        vlan_link=text_of(entry.get("vlan_link")),
    )


def _written(error: BaseException) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else ascii(str(error))[1:-1]
