"""Any route that the kernel can have, for tests of what writes and reads routes."""

from __future__ import annotations

from typing import Dict, Union

from hypothesis import strategies as st

from guest_routes.model.network import UNICAST, NextHop, Prefix, Route

U8, U32, IFINDEX = st.integers(0, 255), st.integers(0, 2**32 - 1), st.integers(1, 2**31 - 1)
IPV4, IPV6 = st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16)
WEIGHT = st.integers(1, 256)
NEXT_HOP = st.builds(NextHop, st.none() | IPV4 | IPV6, IFINDEX, WEIGHT, st.booleans(), st.just(0) | U32)


@st.composite
def _prefix(draw: st.DrawFn, addresses: st.SearchStrategy[bytes]) -> Prefix:
    """A default route's address is the unspecified one: messages leave it out."""
    address = draw(addresses)
    length = draw(st.integers(0, len(address) * 8))
    return Prefix(address if length else bytes(len(address)), length)


@st.composite
def any_route(draw: st.DrawFn) -> Route:
    """All shapes about as often: to a gateway, of the other family, on link, multipath, by a nexthop object."""
    shape = draw(st.sampled_from(["gateway", "gateway", "via", "on link", "nexthops", "object"]))
    own = draw(st.sampled_from([IPV4, IPV6])) if shape in ("gateway", "on link", "object") else IPV4
    route = Route(
        draw(_prefix(own)), None, 0, draw(U32), draw(U8), draw(st.integers(1, 2**32 - 1)),
        kind=draw(st.sampled_from([1, 3, 5, 6, 9])), scope=draw(U8), tos=draw(U8),
    )  # fmt: skip
    if draw(st.booleans()):
        metrics: Dict[int, Union[int, str]] = {**draw(st.dictionaries(st.integers(1, 15), U32, max_size=3))}
        if draw(st.booleans()):
            metrics[16] = draw(st.sampled_from(["reno", "cubic"]))
        route = route._replace(
            source=draw(st.none() | own), metrics=tuple(metrics.items()), preference=draw(st.sampled_from([0, 1, 3])),
            realms=draw(st.just(0) | U32),
        )  # fmt: skip
    if shape == "nexthops":
        return route._replace(nexthops=tuple(draw(st.lists(NEXT_HOP, min_size=1, max_size=3))))
    if shape == "object":
        return route._replace(nexthop_id=draw(st.integers(1, 2**32 - 1)), kind=UNICAST)  # To the kernel it always is.
    gateways = {"gateway": own, "via": IPV6, "on link": st.none()}
    weight = draw(WEIGHT) if route.family == 6 and shape == "gateway" else 1
    return route._replace(
        gateway=draw(gateways[shape]), ifindex=draw(IFINDEX), onlink=draw(st.booleans()), weight=weight
    )
