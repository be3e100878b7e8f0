"""The routes that cloud-init leaves, in the private network of rehearse.

Every network's default route, and each host route through the NIC that lists it.
"""

from __future__ import annotations

from ..kernel.rtnetlink.engine import RtnetlinkKernel
from ..model.network import DEFAULT_PREFIX, PROTOCOL_STATIC, Route
from ..model.operations import Add, RestoreDefault
from ..model.report import NotMade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.network_data import NetworkData
    from ..model.operations import Operation


def make_routes(data: NetworkData, ifindexes: dict[str, int]) -> list[NotMade]:
    """Programs what cloud-init would; those that the kernel refuses."""
    operations: list[Operation] = []
    places: list[str] = []
    for network in data.networks:
        ifindex = ifindexes.get(network.link, 0)
        for entry in network.defaults if ifindex else ():
            default = Route(DEFAULT_PREFIX[network.family], entry.gateway, ifindex, entry.metric, PROTOCOL_STATIC)
            operations.append(RestoreDefault(default))
            places.append(entry.place)
    networks = {network.index: network for network in data.networks}
    for host in data.routes:
        listed = networks.get(host.network)
        ifindex = ifindexes.get(listed.link, 0) if listed else 0
        if ifindex:
            operations.append(Add(Route(host.destination, host.next_hop, ifindex, protocol=PROTOCOL_STATIC)))
            places.append(host.place)
    kernel = RtnetlinkKernel()
    try:
        failures = kernel.apply(operations)
    finally:
        kernel.close()
    listed_at = {id(operation): place for operation, place in zip(operations, places)}
    return [
        NotMade("route-refused", listed_at[id(one.operation)], route=one.operation.route, error=one.text)
        for one in failures
    ]
