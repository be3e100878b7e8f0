"""Which NICs have source routing, with which gateway and table."""

from __future__ import annotations

from typing import Any, List, Sequence, Tuple

from guest_routes.model.evidence import Evidence
from guest_routes.model.network import Prefix, Route, Rule, address_text, parse_address
from guest_routes.model.settings import Settings
from guest_routes.routing.decide import decide
from guest_routes.routing.source_routing.nics import gateways, sources, table_of, tables_to_read
from tests.support.situations import THREE_NICS, TWO_NICS, network, nic, situation

ETH0 = network("eth0", "10.65.0.7/24", "default 10.65.0.1")
ETH1 = network("eth1", "11.8.0.9/24", "default 11.8.0.1", "11.11.0.0/16 11.8.0.1")
ON = Settings(source_routing=True)


def found(evidence: Evidence, settings: Settings = ON, present: Sequence[Route] = ()) -> List[Tuple[str, int, str]]:
    decision = decide(evidence, settings)
    known = gateways(decision.resolution.bindings, decision.elections, present, settings)
    return [(one.nic.name, one.family, address_text(one.gateway)) for one in known]


def test_each_usable_nic_with_a_gateway_once_a_family() -> None:
    second = network("eth1", "11.9.0.9/24", "default 11.9.0.1")
    assert found(situation([ETH0, ETH1, second])) == [("eth0", 4, "10.65.0.1"), ("eth1", 4, "11.8.0.1")]
    six = [network("eth1", "fd00:8::9/64", "default fd00:8::1")]
    assert found(situation([*six, ETH0])) == [("eth1", 6, "fd00:8::1"), ("eth0", 4, "10.65.0.1")]
    down = TWO_NICS.replace("11.8.0.9/24 fd00:8::9/64", "down")
    assert found(situation([ETH0, ETH1], down)) == [("eth0", 4, "10.65.0.1")]
    assert found(situation([network("eth0", "10.65.0.7/24")])) == []
    assert found(situation([ETH0, ETH1]), ON._replace(ignore_nics=("eth1",))) == [("eth0", 4, "10.65.0.1")]


def test_the_elected_default_s_gateway_comes_first() -> None:
    """eth1's own entry names its gateway; eth0's names another router of eth1."""
    first = network("eth0", "10.65.0.7/24", "default 11.8.0.1")
    assert found(situation([first, ETH1])) == [("eth1", 4, "11.8.0.1")]


def test_a_network_that_omits_its_routes_keeps_the_gateway_of_its_table() -> None:
    omitted = {"link": "eth1", "type": "ipv4_dhcp"}
    evidence = situation([ETH0, omitted])
    assert found(evidence) == [("eth0", 4, "10.65.0.1")]
    had = Route(Prefix(bytes(4), 0), parse_address("11.8.0.1"), 3, 1024, table=12103)
    assert found(evidence, present=[had]) == [("eth0", 4, "10.65.0.1"), ("eth1", 4, "11.8.0.1")]
    assert found(evidence, present=[had._replace(table=13003)])[1:] == [("eth1", 4, "11.8.0.1")]  # The number moves.
    assert found(evidence, present=[had._replace(ifindex=4)])[1:] == []  # Another NIC's, whatever its table.
    assert found(evidence, present=[had._replace(protocol=4)]) == [("eth0", 4, "10.65.0.1")]
    isolated = situation([ETH0, network("eth1", "11.8.0.9/24")])
    assert found(isolated, present=[had]) == [("eth0", 4, "10.65.0.1")]  # The document says that it has none.


def test_a_renumbered_nic_has_the_gateway_that_came_with_its_address() -> None:
    kernel = TWO_NICS.replace("11.8.0.9/24", "12.8.0.9/24")
    assert found(situation([ETH0, ETH1], kernel)) == [("eth0", 4, "10.65.0.1"), ("eth1", 4, "11.8.0.1")]
    came = kernel + "default via 12.8.0.1 dev eth1 proto dhcp\n"
    assert found(situation([ETH0, ETH1], came)) == [("eth0", 4, "10.65.0.1"), ("eth1", 4, "12.8.0.1")]


def test_the_sources_of_a_nic() -> None:
    evidence = situation(
        [ETH0], "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24 10.65.0.8/24 169.254.9.9/16 127.5.5.5/8 fe80::1/64 fd00::7/64"
    )
    own = nic(evidence.kernel, "eth0")
    assert [address_text(one) for one in sources(own, 4)] == ["10.65.0.7", "10.65.0.8"]
    assert [address_text(one) for one in sources(own, 6)] == ["fd00::7"]


def test_a_nic_s_table_and_those_to_read() -> None:
    evidence: Any = situation([ETH0, ETH1], THREE_NICS)
    assert table_of(nic(evidence.kernel, "eth1"), ON) == 12103
    assert tables_to_read(evidence.kernel, ON, ()) == (12102, 12103, 12104)
    assert tables_to_read(evidence.kernel, ON._replace(source_routing_table=500), ()) == (502, 503, 504)
    left = evidence.kernel._replace(
        rules=(Rule(4, 32765, 700, False, 121, Prefix(bytes(4), 32)), Rule(4, 5, 77, True, 4))
    )
    bare = left._replace(nics=tuple(one._replace(addresses=()) for one in left.nics))
    assert tables_to_read(bare, Settings(), (600, 700)) == (600, 700)
