"""A picture as a Mermaid flowchart, read again by Mermaid's own parser."""

from __future__ import annotations

import re

from guest_routes.output.pictures.graph import Destination, Gateway, Graph, GraphNic, graph_of
from guest_routes.output.pictures.mermaid import mermaid_lines
from guest_routes.output.pictures.nodes import edges_of, node_lines
from tests.support.drawing import mermaid
from tests.support.reports import report

ODD = Graph(
    (GraphNic('a"b<c>#;|[]', ("%%{init}", "end"), (Gateway("`x`", (Destination("d\\n&amp;", "+"),)),)),), ("! {no}",)
)
"""A NIC may be called anything without spaces and slashes."""


def test_the_example() -> None:
    found = report()
    lines = mermaid_lines(graph_of(found.before, found.plan.operations))
    assert lines[0] == "flowchart LR"
    assert '  nic1["eth1<br/>fa:16:3e:00:00:02<br/>11.8.0.9/24"]' in lines
    assert "  gateway1_0 -.->|a pass removes it| to1_0_0" in lines
    assert "  gateway1_0 ==>|a pass adds it| to1_0_1" in lines


def test_no_letter_of_a_name_means_anything_to_mermaid() -> None:
    labels = [line for line in mermaid_lines(ODD) if '["' in line]
    assert labels[0] == '  nic0["a#34;b#60;c#62;#35;#59;#124;#91;#93;<br/>#37;#37;#123;init#125;<br/>end"]'


def test_mermaid_reads_every_node_and_edge() -> None:
    found = report("not-a-gateway")
    for graph in (graph_of(found.before, found.plan.operations, found.unprogrammed), ODD):
        parsed = mermaid("\n".join(mermaid_lines(graph)))
        # Mermaid keeps entity codes in a form of its own until it draws.
        texts = {
            name: re.sub(r"ﬂ°°?(\d+)¶ß", lambda code: chr(int(code[1])), text.replace("<br>", "<br/>")).split("<br/>")
            for name, text in parsed["nodes"].items()
        }
        assert texts == node_lines(graph)
        strokes = {"+": "thick", "-": "dotted", "=": "normal", " ": "normal"}
        assert [edge[:3] for edge in parsed["edges"]] == [
            [one.start, one.end, strokes[one.mark]] for one in edges_of(graph)
        ]
