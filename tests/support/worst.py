"""The worst documents of a megabyte: much work, or much to say, for what they hold."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from .lab import MACS

SIZE = 1 << 20


def _links() -> List[Dict[str, Any]]:
    return [{"id": f"tap{n}", "type": "tap", "ethernet_mac_address": mac} for n, mac in enumerate(MACS[:2])]


def _network(number: int, **fields: Any) -> Dict[str, Any]:
    base = {"id": f"n{number}", "type": "ipv4", "link": "tap0", "ip_address": "10.65.0.7", "netmask": "255.255.255.0"}
    return {**base, "routes": [], **fields}


def _document(networks: List[Any], links: List[Any] | None = None, **more: Any) -> bytes:
    links = _links() if links is None else links
    return json.dumps({"links": links, "networks": networks, "services": [], **more}, separators=(",", ":")).encode()


def _first(gateway: str = "10.65.0.1") -> Dict[str, Any]:
    route = {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": gateway}
    return _network(0, routes=[route])


def _hosts(count: int, **fields: str) -> List[Dict[str, str]]:
    return [
        {"network": f"11.{n >> 8 & 255}.{n & 255}.0", "netmask": "255.255.255.0",
         "gateway": f"11.9.{n >> 8 & 255}.{n & 255}", **fields} for n in range(count)
    ]  # fmt: skip


def worst_documents() -> Dict[str, bytes]:
    """By name; none is larger than SIZE."""
    bad_link = {"id": "x", "type": "tap"}
    bad_route = {"network": "x"}
    second = _network(1, link="tap1", ip_address="11.8.0.9", routes=_hosts(11_000))
    one_destination = {**second, "routes": _hosts(11_000, network="11.11.0.0")}
    nested = b'"more":' + b"[" * 450_000 + b"]" * 450_000
    same_id = {"id": "x" * 300_000, "type": "tap", "ethernet_mac_address": MACS[1]}
    bond = {"id": "b", "type": "bond", "bond_links": ["x"] * 900, "ethernet_mac_address": "fa:16:3e:00:00:09"}
    chain = [{"id": f"v{n}", "type": "vlan", "vlan_link": f"v{n + 1}", "vlan_id": n % 4094 + 1,
              "vlan_mac_address": MACS[1]} for n in range(9000)]  # fmt: skip
    found = {
        "bad links": _document([_first()], [*_links(), *[bad_link] * 43_000]),
        "no links": _document([_first()], [*_links(), *[1] * 520_000]),
        "bad networks": _document([_first(), *[{"id": "x"}] * 90_000]),
        "no networks": _document([_first(), *[1] * 520_000]),
        "networks and next hops": _document(
            [*(_network(n, routes=[{**_hosts(1)[0], "gateway": f"11.9.{n >> 8}.{n & 255}"}]) for n in range(2200))]
        ),
        "bad routes": _document([_network(0, routes=[bad_route] * 65_000)]),
        "no routes": _document([_network(0, routes=[1] * 520_000)]),
        "unknown next hops": _document([_first(), second]),
        "one destination": _document([_first(), one_destination]),
        "omitted routes": _document([_network(n, type="ipv4_dhcp", routes=None) for n in range(9000)]),
        "gateways": _document([_network(n, gateway=f"10.65.{n >> 8 & 255}.{n & 255}") for n in range(7500)]),
        "defaults": _document([
            _network(n, routes=[{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": f"10.65.{n >> 8}.{n & 255}"}])
            for n in range(5000)
        ]),
        "networks of one subnet": _document([
            {**_first(f"10.65.{n + 1 >> 8}.{n + 1 & 255}"), "id": f"n{n}",
             "ip_address": f"10.65.{n >> 8}.{n & 255}", "netmask": "255.255.0.0"}
            for n in range(2, 5000)
        ]),
        "bonds": _document([_first()], [*_links(), *[bond] * 180]),
        "chain of VLANs": _document([_first(), _network(1, link="v0")], [*_links(), *chain]),
        "loop of VLANs": _document([_first(), _network(1, link="v0")],
                                   [*_links(), *chain[:-1], {**chain[-1], "vlan_link": "v0"}]),
        "one id": _document([_network(n, id="x") for n in range(8000)]),
        "long id": _document([_first(), _network(1, id="x" * 300_000, link="y" * 300_000, type="z" * 300_000)]),
        "long values": _document([_network(1, routes=[
            {"network": "1" * 200_000, "netmask": "255.255.0.0", "gateway": "2" * 200_000},
            {"network": "11.0.0.0", "netmask": "f" * 200_000, "gateway": "2" * 200_000},
        ])]),
        "long control characters": _document([_network(1, type="\x1b" * 150_000)]),
        "deep": b"[" * SIZE,
        "deep objects": b'{"a":' * (SIZE // 5),
        "deep within": _document([_first()], None, more=0).replace(b'"more":0', nested),
        "one long id": _document([_first()], [*_links(), same_id, same_id]),
        "large numbers": _document([_network(n, link=int("9" * 4000)) for n in range(200)]),
    }  # fmt: skip
    assert all(len(one) <= SIZE for one in found.values()), {name: len(one) for name, one in found.items()}
    return found
