"""Whatever TOS main's routes and the packets have, a NIC's table sends them as main would without the other NICs."""

from __future__ import annotations

from typing import Dict, Iterator, List, Optional, Sequence, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guest_routes.model.network import THROW, Address, Route, contains, parse_address
from guest_routes.model.source_routing import NicTable
from guest_routes.routing.decide import decide
from tests.support.examples import examples

from .test_tables import ON, evidence, table

DESTINATIONS = ("10.0.0.0/8", "10.50.0.0/16", "10.50.0.0/24", "10.50.0.0/25", "10.50.0.7/32")
HOPS = ("via 10.65.0.1 dev eth0", "via 10.65.0.50 dev eth0", "via 11.8.0.1 dev eth1", "via 11.8.0.50 dev eth1",
        "dev tun0 scope link")  # fmt: skip
MANAGED = {2, 3}


def matching(routes: Sequence[Route], address: Address, tos: int) -> Iterator[Route]:
    """What a packet meets, the longest prefix first, in it its own TOS first, as the kernel's trie has them."""
    found = [one for one in routes if contains(one.destination, address) and one.tos in (0, tos)]
    yield from sorted(found, key=lambda one: (-one.destination.length, -one.tos, one.metric))


def expected(of: NicTable, main: Sequence[Route], address: Address, tos: int) -> Optional[Tuple[object, int]]:
    """Where a packet goes by the rule's text; None: as main says."""
    met = list(matching(main, address, tos))
    if not met[0].ifindex or met[0].ifindex not in MANAGED:
        return None
    own = (one for one in met if one.ifindex == of.nic.ifindex and one.destination.length)
    first = next(own, None)
    return (first.gateway, first.ifindex) if first else (of.gateway, of.nic.ifindex)


@settings(max_examples=examples(200), deadline=None)
@given(st.dictionaries(st.tuples(st.sampled_from(DESTINATIONS), st.sampled_from(("", " tos 0x10", " tos 0x08"))),
                       st.sampled_from(HOPS)))  # fmt: skip
def test_packets_of_each_tos_go_as_the_rule_says(chosen: Dict[Tuple[str, str], str]) -> None:
    lines = "".join(f"{destination}{tos} {hop} proto static\n" for (destination, tos), hop in chosen.items())
    world = evidence(lines)
    decision = decide(world, ON)
    assert decision.source_routing is not None
    planned = [one.route for one in decision.plan.additions]
    main = [one for one in (*world.kernel.routes, *planned) if one.family == 4]
    for of in decision.source_routing.tables:
        for text in ("10.50.0.7", "10.50.0.9", "10.50.0.200", "10.50.3.4", "10.9.9.9") if of.family == 4 else ():
            for tos in (0, 8, 16):
                address = parse_address(text)
                met = next(matching(of.routes, address, tos))
                wanted = expected(of, main, address, tos)
                got = None if met.kind == THROW else (met.gateway, met.ifindex)
                assert got == wanted, (of.nic.name, text, tos, lines)


INSIDE = [
    pytest.param(["10.50.0.0/16 tos 0x10 dev tun0 scope link", "10.50.1.0/24 via 11.8.0.50 dev eth1"],
                 ["throw 10.50.0.0/16 tos 0x10", "10.50.1.0/24 tos 0x10 via 10.65.0.1 dev eth0"], id="throw of a TOS"),
    pytest.param(["10.50.0.0/16 dev tun0 scope link", "10.50.1.0/24 tos 0x10 via 11.8.0.50 dev eth1"],
                 ["throw 10.50.0.0/16", "10.50.1.0/24 tos 0x10 via 10.65.0.1 dev eth0"], id="exception of a TOS"),
    pytest.param(["10.50.0.0/16 dev tun0 scope link", "10.50.0.0/16 tos 0x10 via 11.8.0.50 dev eth1"],
                 ["throw 10.50.0.0/16", "10.50.0.0/16 tos 0x10 via 10.65.0.1 dev eth0"], id="at the same prefix"),
    pytest.param(["10.50.0.0/16 tos 0x10 via 10.65.0.50 dev eth0"],
                 ["10.50.0.0/16 tos 0x10 via 10.65.0.50 dev eth0"], id="of a TOS alone"),
]  # fmt: skip


@pytest.mark.parametrize("main, wanted", INSIDE)
def test_a_packet_of_none_is_not_sent_otherwise(main: List[str], wanted: List[str]) -> None:
    found = table("eth0", evidence("\n".join(f"{line} proto static" for line in main)))
    assert sorted(line for line in found if "10.50." in line) == sorted(wanted)
