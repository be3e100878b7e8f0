"""A picture in Graphviz' language, laid out by the real `dot`."""

from __future__ import annotations

from guest_routes.output.pictures.dot import dot_lines
from guest_routes.output.pictures.graph import graph_of
from guest_routes.output.pictures.nodes import edges_of, node_lines
from tests.support.drawing import dot
from tests.support.reports import report

from .test_mermaid import ODD


def test_the_example() -> None:
    found = report()
    lines = dot_lines(graph_of(found.before, found.plan.operations))
    assert lines[0] == "digraph routes {"
    assert '  nic1 [label="eth1\\lfa:16:3e:00:00:02\\l11.8.0.9/24\\l"];' in lines
    assert '  gateway1_0 -> to1_0_0 [style=dashed, label="a pass removes it"];' in lines
    assert '  gateway1_0 -> to1_0_1 [style=bold, label="a pass adds it"];' in lines
    assert lines[-1] == "}"


def test_a_quote_and_a_backslash_are_letters() -> None:
    text = "\n".join(dot_lines(ODD))
    assert '"a\\"b<c>#;|[]\\l' in text
    assert '"d\\\\n&amp;\\l"' in text


def test_graphviz_lays_out_every_node_and_edge() -> None:
    found = report("not-a-gateway")
    for graph in (graph_of(found.before, found.plan.operations, found.unprogrammed), ODD):
        words = dot("\n".join(dot_lines(graph)))
        assert {line[1] for line in words if line[0] == "node"} == set(node_lines(graph))
        styles = {"+": "bold", "-": "dashed", "=": "solid", " ": "solid"}
        assert sorted((line[1], line[2], line[-2]) for line in words if line[0] == "edge") == sorted(
            (one.start, one.end, styles[one.mark]) for one in edges_of(graph)
        )
