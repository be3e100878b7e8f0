"""What a picture shows of a table: every route by its NIC and gateway, with what becomes of it."""

from __future__ import annotations

from typing import Dict, List

from guest_routes.model.network import parse_prefix
from guest_routes.model.operations import Add, Delete
from guest_routes.model.settings import Settings
from guest_routes.output.pictures.graph import Graph, graph_of
from tests.support.iproute_text import parse_kernel
from tests.support.reports import BOTH_DEFAULTS, NICS, report


def picture(kernel: str, verbose: bool = False) -> Graph:
    return graph_of(parse_kernel(kernel).state, verbose=verbose)


def shown(graph: Graph) -> Dict[str, Dict[str, List[str]]]:
    return {
        nic.name: {way.text: [f"{one.mark} {one.text}" for one in way.destinations] for way in nic.gateways}
        for nic in graph.nics
    }


def test_what_a_pass_adds_removes_and_leaves() -> None:
    found = report()
    graph = graph_of(found.before, found.plan.operations, found.unprogrammed)
    assert shown(graph) == {
        "eth0": {"10.65.0.1": ["  default"], "on link": ["  10.65.0.0/24"]},
        "eth1": {"11.8.0.1": ["- default", "+ 11.11.0.0/16"], "on link": ["  11.8.0.0/24"]},
    }
    assert graph.nics[0].details == ("fa:16:3e:00:00:01", "10.65.0.7/24")
    assert graph.missing == ()
    assert graph.marks == ("+", "-", " ")


def test_ours_are_known_by_the_settings_protocol() -> None:
    state = parse_kernel(f"{NICS}11.11.0.0/16 via 11.8.0.1 dev eth1 proto 77\n").state
    assert shown(graph_of(state, protocol=77))["eth1"]["11.8.0.1"] == ["= 11.11.0.0/16"]
    assert shown(graph_of(state))["eth1"]["11.8.0.1"] == ["  11.11.0.0/16"]


def test_routes_of_the_document_that_are_not_programmed() -> None:
    found = report("not-a-gateway")
    assert [text.partition("  (")[0] for text in graph_of(found.before, (), found.unprogrammed).missing] == [
        "11.11.0.0/16,11.8.0.99"
    ]


def test_a_metric_is_named_where_it_tells_routes_apart() -> None:
    graph = picture(
        f"{NICS}default via 10.65.0.1 dev eth0 metric 100\ndefault via 10.65.0.2 dev eth0 metric 200\n"
        "11.11.0.0/16 via 11.8.0.1 dev eth1 metric 50\n"
    )
    assert shown(graph)["eth0"]["10.65.0.1"] == ["  default metric 100"]
    assert shown(graph)["eth0"]["10.65.0.2"] == ["  default metric 200"]
    assert shown(graph)["eth1"]["11.8.0.1"] == ["  11.11.0.0/16"]


def test_both_families_and_no_housekeeping_of_ipv6() -> None:
    graph = picture(
        "nic eth0 fa:16:3e:00:00:01 10.65.0.7/24 fd00:65::7/64 fe80::1/64\n"
        "default via 10.65.0.1 dev eth0\ndefault via fe80::9 dev eth0\nfe80::/64 dev eth0\n"
    )
    assert shown(graph) == {
        "eth0": {
            "10.65.0.1": ["  default"],
            "fe80::9": ["  default (IPv6)"],
            "on link": ["  10.65.0.0/24", "  fd00:65::/64"],
        }
    }
    assert graph.nics[0].details == ("fa:16:3e:00:00:01", "10.65.0.7/24", "fd00:65::7/64")


def test_each_next_hop_of_a_multipath_route_is_in_it() -> None:
    hops = "nexthop via 10.65.0.1 dev eth0 weight 1 nexthop via 11.8.0.1 dev eth1 weight 1"
    graph = picture(f"{NICS}10.9.0.0/16 {hops}\n")
    assert shown(graph)["eth0"]["10.65.0.1"] == ["  10.9.0.0/16"]
    assert shown(graph)["eth1"]["11.8.0.1"] == ["  10.9.0.0/16"]


def test_what_leads_through_no_nic_comes_last() -> None:
    graph = picture(f"{NICS}blackhole 10.99.0.0/16\nunreachable 10.98.0.0/16\n")
    assert list(shown(graph)) == ["eth0", "eth1", "no NIC"]
    assert shown(graph)["no NIC"] == {"blackhole": ["  10.99.0.0/16"], "unreachable": ["  10.98.0.0/16"]}


def test_the_state_of_a_nic_and_nics_that_have_nothing() -> None:
    graph = picture(
        "nic eth0 fa:16:3e:00:00:01 10.65.0.7/24\nnic eth1 fa:16:3e:00:00:02 11.8.0.9/24 down\n"
        "nic eth2 fa:16:3e:00:00:03\n"
    )
    assert [(nic.name, nic.details[0]) for nic in graph.nics] == [("eth0", "fa:16:3e:00:00:01"), ("eth1", "down")]


def test_a_route_through_a_nic_that_has_gone_is_shown_by_its_index() -> None:
    state = parse_kernel(BOTH_DEFAULTS).state
    assert list(shown(graph_of(state._replace(nics=state.nics[:1])))) == ["eth0", "if3"]


def test_many_routes_are_counted_unless_verbose() -> None:
    routes = "".join(f"172.16.{number}.0/24 via 11.8.0.1 dev eth1\n" for number in range(40))
    destinations = shown(picture(NICS + routes))["eth1"]["11.8.0.1"]
    assert len(destinations) == 13
    assert destinations[-1] == "  ... and 28 more"
    assert len(shown(picture(NICS + routes, verbose=True))["eth1"]["11.8.0.1"]) == 40
    thirteen = "".join(f"172.16.{number}.0/24 via 11.8.0.1 dev eth1\n" for number in range(13))
    assert len(shown(picture(NICS + thirteen))["eth1"]["11.8.0.1"]) == 13


def test_of_many_routes_those_are_shown_that_would_change() -> None:
    routes = "".join(f"172.16.{number}.0/24 via 11.8.0.1 dev eth1\n" for number in range(40))
    state = parse_kernel(NICS + routes).state
    going = Delete(state.routes[-1])
    coming = Add(state.routes[-1]._replace(destination=parse_prefix("192.0.2.0/24")))
    destinations = shown(graph_of(state, (coming, going)))["eth1"]["11.8.0.1"]
    assert sorted(destinations[:2]) == sorted(["+ 192.0.2.0/24", f"- {going.route.destination}"])
    assert len(destinations) == 13


def test_many_routes_that_are_not_programmed_are_counted() -> None:
    found = report("not-a-gateway")
    graph = graph_of(found.before, (), found.unprogrammed * 40)
    assert len(graph.missing) == 13
    assert graph.missing[-1] == "... and 28 more routes"
    assert len(graph_of(found.before, (), found.unprogrammed * 40, Settings().protocol, True).missing) == 40
