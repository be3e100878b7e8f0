"""Small situations for tests of the pure core: a document in a few words, a kernel as `ip route` text, as evidence.

situation(
    [network("eth0", "10.65.0.7/24", "default 10.65.0.1", "11.11.0.0/16 11.8.0.1"), network("eth1", "11.8.0.9/24")],
    "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24",
)
"""

from __future__ import annotations

import json
from typing import Any, Dict, Iterable, List, Optional, Tuple

from guest_routes.evidence import network_data
from guest_routes.model.document import Document, Provenance
from guest_routes.model.evidence import Evidence, RecordedDefault
from guest_routes.model.network import KernelState, Nic, Route, Rule
from guest_routes.model.network_data import SETTINGS, HostRoute
from guest_routes.model.settings import Settings
from guest_routes.settings.route_values import host_route
from guest_routes.settings.values import Place

from .iproute_text import parse_kernel, parse_route

TWO_NICS = """
nic eth0 fa:16:3e:00:00:00 10.65.0.7/24 fd00:65::7/64
nic eth1 fa:16:3e:00:00:01 11.8.0.9/24 fd00:8::9/64
"""
THREE_NICS = f"{TWO_NICS}nic tun0 02:00:00:00:00:07 10.200.0.2/24 fd00:200::2/64\n"
"""tun0 is none of the metadata's."""


def recorded(routes: Iterable[Route]) -> Tuple[RecordedDefault, ...]:
    """Defaults that passes took away, where nothing is known of their equals but that tun0 is outside the metadata."""
    return tuple(RecordedDefault(route, outside=(4,)) for route in routes)


def mac(nic: str) -> str:
    """The MAC of eth0, eth1, ...; other names have none in these situations' documents."""
    return f"fa:16:3e:00:00:0{nic[-1]}"


def network(nic: str, address: str = "", *routes: str, kind: str = "") -> Dict[str, Any]:
    """A network of a document: its NIC, its address, and its routes as `destination next-hop`."""
    six = ":" in address or any(":" in route for route in routes)
    found: Dict[str, Any] = {"link": nic, "type": kind or ("ipv6" if six else "ipv4")}
    if address:
        ip, _, length = address.partition("/")
        found.update(ip_address=ip, netmask=length)
    entries = []
    for route in routes:
        destination, gateway = route.split()
        destination = {"default": "::/0" if six else "0.0.0.0/0"}.get(destination, destination)
        prefix, _, length = destination.partition("/")
        entries.append({"network": prefix, "netmask": length, "gateway": gateway})
    if routes or not kind:
        found["routes"] = entries
    return found


def document(networks: Iterable[Dict[str, Any]]) -> bytes:
    """A network_data.json of these networks, and of a link for each NIC."""
    listed = [{"id": f"network{index}", **one} for index, one in enumerate(networks)]
    nics = dict.fromkeys(str(one["link"]) for one in listed)
    links = [{"id": nic, "type": "phy", "ethernet_mac_address": mac(nic)} for nic in nics]
    return json.dumps({"links": links, "networks": listed, "services": []}).encode()


def situation(networks: Iterable[Dict[str, Any]], kernel: str = TWO_NICS, source: str = "argument") -> Evidence:
    """The evidence of a document and a kernel."""
    data = document(networks)
    written = parse_kernel(kernel)
    found = Document(data, Provenance(source, "a test"))  # type: ignore[arg-type]
    return Evidence(
        found,
        network_data.parse(data),
        written.state,
        written.recorded,
        known_macs=tuple(written.known_macs),
    )


def with_tables(evidence: Evidence, tables: Iterable[Route] = (), rules: Optional[Iterable[Rule]] = None) -> Evidence:
    """The same with the tables of source routing read, and these rules in place of the kernel's own."""
    kernel = evidence.kernel._replace(tables=tuple(tables))
    return evidence._replace(kernel=kernel if rules is None else kernel._replace(rules=tuple(rules)))


def routes(text: str, state: KernelState) -> Tuple[Route, ...]:
    """Routes, one a line, as `ip route` shows them."""
    return tuple(parse_route(line.strip(), state.nics) for line in text.splitlines() if line.strip())


def wanted(*texts: str) -> Tuple[HostRoute, ...]:
    """Host routes as the settings' file has them: `11.11.0.0/16,11.8.0.1`."""
    places = [Place("/etc/guest-routes.yaml", "routes", index) for index in range(len(texts))]
    return tuple(host_route(text, place)._replace(network=SETTINGS) for text, place in zip(texts, places))


def nic(state: KernelState, name: str) -> Nic:
    """The NIC of that name."""
    found: Optional[Nic] = next((one for one in state.nics if one.name == name), None)
    assert found is not None, name
    return found


def settings(**fields: Any) -> Settings:
    """Settings with these fields."""
    return Settings(**fields)


def texts(operations: Iterable[Any], state: KernelState) -> List[str]:
    """Operations as `Add 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes`."""
    from guest_routes.output.route_text import route_text

    return [f"{type(one).__name__} {route_text(one.route, state.nics)}" for one in operations]
