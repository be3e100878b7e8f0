"""docs/pictures.md shows what the commands print for the documented example."""

from __future__ import annotations

from pathlib import Path
from typing import List

from guest_routes.output.pictures.boxes import graph_lines
from guest_routes.output.pictures.diff import diff_lines
from guest_routes.output.pictures.graph import graph_of
from guest_routes.output.pictures.mermaid import mermaid_lines
from guest_routes.output.summary import source_line, summary
from tests.support.reports import report

PAGE = Path(__file__).parents[4] / "docs" / "pictures.md"


def indented(lines: List[str]) -> str:
    return "".join(f"    {line}".rstrip() + "\n" for line in lines)


def blocks() -> List[str]:
    """The generated parts of the page: with an older one in it, replace that by what the failed test shows."""
    found = report("wrong-subnet")
    graph = graph_of(found.before, found.plan.operations, found.unprogrammed)
    below = [source_line(found), summary(found, written=False)]
    return [
        "    $ guest-routes plan --graph\n" + indented([*graph_lines(graph, 80), *below]),
        "```mermaid\n" + "\n".join(mermaid_lines(graph)) + "\n```\n",
        "    $ guest-routes plan --diff\n" + indented(diff_lines(found, 254)),
    ]


def test_the_page_is_current() -> None:
    page = PAGE.read_text("utf-8")
    assert [block for block in blocks() if block not in page] == []
