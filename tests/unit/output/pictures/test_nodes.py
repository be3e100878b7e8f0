"""A picture as nodes and edges."""

from __future__ import annotations

from guest_routes.output.pictures.graph import graph_of
from guest_routes.output.pictures.nodes import edges_of, node_lines
from tests.support.reports import report


def test_a_node_for_each_nic_each_gateway_and_the_destinations_of_each_mark() -> None:
    found = report()
    graph = graph_of(found.before, found.plan.operations)
    assert node_lines(graph) == {
        "nic0": ["eth0", "fa:16:3e:00:00:01", "10.65.0.7/24"],
        "gateway0_0": ["10.65.0.1"],
        "to0_0_0": ["default"],
        "gateway0_1": ["on link"],
        "to0_1_0": ["10.65.0.0/24"],
        "nic1": ["eth1", "fa:16:3e:00:00:02", "11.8.0.9/24"],
        "gateway1_0": ["11.8.0.1"],
        "to1_0_0": ["default"],
        "to1_0_1": ["11.11.0.0/16"],
        "gateway1_1": ["on link"],
        "to1_1_0": ["11.8.0.0/24"],
    }
    assert [(one.start, one.end, one.mark) for one in edges_of(graph)][4:] == [
        ("nic1", "gateway1_0", " "),
        ("gateway1_0", "to1_0_0", "-"),
        ("gateway1_0", "to1_0_1", "+"),
        ("nic1", "gateway1_1", " "),
        ("gateway1_1", "to1_1_0", " "),
    ]


def test_what_is_not_programmed_is_a_node_without_edges() -> None:
    found = report("not-a-gateway")
    graph = graph_of(found.before, (), found.unprogrammed)
    assert node_lines(graph)["missing"][0] == "not programmed"
    assert {"missing"} & {name for one in edges_of(graph) for name in (one.start, one.end)} == set()
