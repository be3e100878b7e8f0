"""NICs with their routes, as `export` gets them."""

from __future__ import annotations

from typing import Any

from guest_routes.model.network import parse_address
from guest_routes.routing.per_nic import GatewayRoute, NicRoutes

from .reports import ETH0, ETH1, prefix


def gateway_route(destination: str, gateway: str, onlink: bool = False) -> GatewayRoute:
    """One route."""
    return GatewayRoute(prefix(destination), parse_address(gateway), onlink)


def nic_routes(nic: Any = ETH0, **fields: Any) -> NicRoutes:
    """A NIC without any route, but for what is given."""
    found = {"addresses": (), "dynamic": (), "advertised": False, "default": (), "barred": (), "routes": ()}
    return NicRoutes(nic, **{**found, **fields})


DEFAULT_4 = gateway_route("0.0.0.0/0", "10.65.0.1")
DEFAULT_6 = gateway_route("::/0", "fd00:65::1")
HOST = gateway_route("11.11.0.0/16", "11.8.0.1")
HOST_6 = gateway_route("fd00:11:11::/48", "fd00:8::1", onlink=True)
STATIC_ETH0 = nic_routes(
    ETH0, addresses=(prefix("10.65.0.7/24"), prefix("fd00:65::7/64")), default=(DEFAULT_4, DEFAULT_6)
)
STATIC_ETH1 = nic_routes(ETH1, addresses=(prefix("11.8.0.9/24"),), barred=(4, 6), routes=(HOST, HOST_6))
DHCP_ETH0 = nic_routes(ETH0, dynamic=(4,), default=(DEFAULT_4,))
DHCP_ETH1 = nic_routes(ETH1, dynamic=(4,), barred=(4,), routes=(HOST,))
SLAAC_ETH0 = nic_routes(ETH0, dynamic=(4, 6), advertised=True, default=(DEFAULT_4, DEFAULT_6))
SLAAC_ETH1 = nic_routes(ETH1, dynamic=(6,), advertised=True, barred=(4, 6), routes=(HOST_6,))
