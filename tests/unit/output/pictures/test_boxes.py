"""A picture as text: boxes within the terminal's width, by Unicode or by ASCII."""

from __future__ import annotations

from typing import List

import pytest

from guest_routes.output.pictures.boxes import graph_lines
from guest_routes.output.pictures.graph import Destination, Gateway, Graph, GraphNic, graph_of
from tests.support.iproute_text import parse_kernel
from tests.support.reports import NICS, assert_fits, report


def of_the_example(width: int = 80, unicode: bool = True) -> List[str]:
    found = report()
    return graph_lines(graph_of(found.before, found.plan.operations, found.unprogrammed), width, unicode)


def test_side_by_side() -> None:
    assert of_the_example() == [
        "┌───────────────────┐     ┌───────────┐     ┌────────────────┐",
        "│ eth0              ├──┬──┤ 10.65.0.1 ├─────┤   default      │",
        "│ fa:16:3e:00:00:01 │  │  └───────────┘     └────────────────┘",
        "│ 10.65.0.7/24      │  │  ┌───────────┐     ┌────────────────┐",
        "└───────────────────┘  └──┤ on link   ├─────┤   10.65.0.0/24 │",
        "                          └───────────┘     └────────────────┘",
        "┌───────────────────┐     ┌───────────┐     ┌────────────────┐",
        "│ eth1              ├──┬──┤ 11.8.0.1  ├─────┤ - default      │",
        "│ fa:16:3e:00:00:02 │  │  └───────────┘     │ + 11.11.0.0/16 │",
        "│ 11.8.0.9/24       │  │                    └────────────────┘",
        "└───────────────────┘  │  ┌───────────┐     ┌────────────────┐",
        "                       └──┤ on link   ├─────┤   11.8.0.0/24  │",
        "                          └───────────┘     └────────────────┘",
        "+ a pass adds it   - a pass removes it   (no mark) of another program",
    ]


def test_the_same_in_ascii() -> None:
    plain = of_the_example(unicode=False)
    assert "\n".join(plain).isascii()
    translated = str.maketrans("┌┐└┘├┤┬─│", "+++++++-|")
    assert plain == [line.translate(translated) for line in of_the_example()]


def test_one_below_the_other_where_the_columns_do_not_fit() -> None:
    assert of_the_example(61) == [
        "┌───────────────────┐",
        "│ eth0              │",
        "│ fa:16:3e:00:00:01 │",
        "│ 10.65.0.7/24      │",
        "│ via 10.65.0.1     │",
        "│     default       │",
        "│ on link           │",
        "│     10.65.0.0/24  │",
        "└───────────────────┘",
        "┌───────────────────┐",
        "│ eth1              │",
        "│ fa:16:3e:00:00:02 │",
        "│ 11.8.0.9/24       │",
        "│ via 11.8.0.1      │",
        "│   - default       │",
        "│   + 11.11.0.0/16  │",
        "│ on link           │",
        "│     11.8.0.0/24   │",
        "└───────────────────┘",
        "+ a pass adds it   - a pass removes it",
        "(no mark) of another program",
    ]
    assert of_the_example(62)[1].count("eth0") == 1
    assert "10.65.0.1" in of_the_example(62)[1]


LONG = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"


@pytest.mark.parametrize("width", [40, 41, 60, 79, 80, 139, 140, 200])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_lost(width: int, unicode: bool) -> None:
    found = report("not-a-gateway")
    name = "a-long-name-eth0"
    kernel = f"nic {name} fa:16:3e:00:00:01 {LONG}/128\n{LONG}/128 via fe80::1 dev {name}\n"
    graph = graph_of(parse_kernel(kernel).state, (), found.unprogrammed)
    lines = graph_lines(graph, width, unicode)
    assert_fits(lines, width)
    text = "".join("".join(line.strip("│| ") for line in lines).split())
    for wanted in ("a-long-name-eth0", f"{LONG}/128", "fe80::1", "11.11.0.0/16,11.8.0.99", "notprogrammed"):
        assert wanted in text


def test_a_nic_with_three_gateways_has_a_line_to_each() -> None:
    ways = tuple(Gateway(f"10.0.0.{n}", (Destination(f"10.{n}.0.0/16", "="),)) for n in (1, 2, 3))
    lines = graph_lines(Graph((GraphNic("eth0", (), ways),)), 80)
    assert [line.split("┤")[0][-4:] for line in lines if "10.0.0." in line] == ["──┬──"[1:], "  ├──"[1:], "  └──"[1:]]


def test_a_nic_without_routes_is_a_box_alone() -> None:
    assert graph_lines(Graph((GraphNic("eth0", ("down",), ()),)), 80) == [
        "┌──────┐",
        "│ eth0 │",
        "│ down │",
        "└──────┘",
    ]


def test_an_empty_table_has_no_picture() -> None:
    assert graph_lines(Graph(()), 80) == []


def test_what_is_not_programmed_stands_below() -> None:
    lines = graph_lines(Graph((), ("11.11.0.0/16,11.8.0.99",)), 80)
    assert lines[1:3] == ["│ not programmed           │", "│ ! 11.11.0.0/16,11.8.0.99 │"]


def test_the_destinations_of_a_tall_box_keep_the_line_to_the_next_gateway() -> None:
    kernel = NICS + "".join(f"172.16.{n}.0/24 via 11.8.0.1 dev eth1\n" for n in range(6))
    lines = graph_lines(graph_of(parse_kernel(kernel).state), 80)
    second = lines[lines.index(next(line for line in lines if "eth1" in line)) :]
    column = second[0].index("┬")
    last = next(row for row, line in enumerate(second) if "on link" in line)
    assert [line[column] for line in second[: last + 1]] == ["┬", *"│" * (last - 1), "└"]
    assert last > 6
