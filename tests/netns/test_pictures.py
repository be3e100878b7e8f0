"""`plan --graph`, `status --graph` and `plan --diff` on the real kernel, beside what `ip` prints."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Dict, List

import pytest

from tests.support.drawing import dot, mermaid
from tests.support.evil import assert_clean, evil_documents, outputs
from tests.support.lab import MACS, Lab, document, write_document
from tests.support.passes import documented, run

PLAN = ["plan", "--metadata", str(document("documented"))]
AFTER = """\
┌───────────────────┐     ┌───────────┐     ┌────────────────┐
│ eth0              ├──┬──┤ 10.65.0.1 ├─────┤   default      │
│ fa:16:3e:00:00:01 │  │  └───────────┘     └────────────────┘
│ 10.65.0.7/24      │  │  ┌───────────┐     ┌────────────────┐
└───────────────────┘  └──┤ on link   ├─────┤   10.65.0.0/24 │
                          └───────────┘     └────────────────┘
┌───────────────────┐     ┌───────────┐     ┌────────────────┐
│ eth1              ├──┬──┤ 11.8.0.1  ├─────┤ = 11.11.0.0/16 │
│ fa:16:3e:00:00:02 │  │  └───────────┘     └────────────────┘
│ 11.8.0.9/24       │  │  ┌───────────┐     ┌────────────────┐
└───────────────────┘  └──┤ on link   ├─────┤   11.8.0.0/24  │
                          └───────────┘     └────────────────┘
= ours, in place   (no mark) of another program
drift        none
"""
UTF8 = {**os.environ, "LC_ALL": "C.UTF-8"}


def keep_a_document(lab: Lab) -> None:
    """A pass by the metadata service, whose document `status` compares with."""
    lab.metadata_server(document("documented"))
    assert lab.run("sync").returncode == 0


def on_a_terminal(columns: int, *arguments: str) -> List[str]:
    """What the command writes to a terminal of that width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    child = subprocess.Popen([sys.executable, "-m", "guest_routes", *arguments], stdout=slave, env=UTF8)
    os.close(slave)
    found = b""
    while True:
        try:
            found += os.read(master, 65536)
        except OSError:  # The other end is closed.
            break
    os.close(master)
    assert child.wait() == 0
    return found.decode().replace("\r", "").splitlines()


def test_plan_shows_what_goes_where_and_what_would_change(lab: Lab) -> None:
    before = documented(lab)
    ran = lab.run(*PLAN, "--graph", environment=UTF8)
    lines = ran.stdout.splitlines()
    assert ran.returncode == 0
    assert max(map(len, lines)) <= 80
    assert "│ eth1              ├──┬──┤ 11.8.0.1  ├─────┤ - default      │" in lines
    assert "│ fa:16:3e:00:00:02 │  │  └───────────┘     │ + 11.11.0.0/16 │" in lines
    assert lines[-1] == "would change: 1 to add, 1 to remove, 1 route in place"
    assert lab.run(*PLAN, "--graph", "text", environment=UTF8).stdout == ran.stdout
    assert lab.run(*PLAN, "--graph", "--check").returncode == 3
    assert before == [line.replace("proto guest-routes", "proto 121") for line in lab.routes()]


def test_status_shows_the_table_and_what_is_missing(lab: Lab) -> None:
    documented(lab)
    keep_a_document(lab)
    assert lab.run("status", "--graph", environment=UTF8).stdout == AFTER
    lab.ip("route", "del", "11.11.0.0/16")
    ran = lab.run("status", "--graph", environment=UTF8)
    assert ran.returncode == 1
    assert "┤ + 11.11.0.0/16 │" in ran.stdout
    assert "drift        1 change needed" in ran.stdout


def test_a_route_for_packets_from_a_prefix_is_not_ours_in_the_picture_either(lab: Lab) -> None:
    """Whatever its protocol (R1): `withdraw` leaves it."""
    documented(lab)
    lab.ip("-6", "addr", "add", "fd00:8::9/64", "dev", "eth1", "nodad")
    lab.ip(*"-6 route add fd22::/32 from fd00:8::/64 via fd00:8::1 dev eth1 proto 121".split())
    keep_a_document(lab)
    lines = lab.run("status", "--graph", environment=UTF8).stdout.splitlines()
    (drawn,) = [line for line in lines if "fd22::/32" in line]
    assert "= " not in drawn


def test_a_route_that_is_not_programmed_stands_below_the_picture(lab: Lab) -> None:
    documented(lab)
    ran = lab.run("plan", "--graph", "--metadata", str(document("not-a-gateway")), environment=UTF8)
    assert ran.returncode == 5
    assert "│ not programmed" in ran.stdout
    assert "│ ! 11.11.0.0/16,11.8.0.99" in ran.stdout


@pytest.mark.parametrize(
    "own",
    [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "LANG": "C.UTF-8"}, {"LANG": "C"}, {"LANG": ""}, {},
     {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, {"LANG": "C.UTF-8", "PYTHONIOENCODING": "ascii"}],
)  # fmt: skip
def test_plain_ascii_where_the_locale_is_not_utf_8(lab: Lab, own: Dict[str, str]) -> None:
    """Python itself writes UTF-8 in the C locale."""
    documented(lab)
    others = {name: value for name, value in os.environ.items() if name != "LANG" and not name.startswith("LC_")}
    ran = lab.run(*PLAN, "--graph", environment={**others, **own})
    assert ran.stdout.isascii()
    assert "\\u" not in ran.stdout
    assert ran.stdout.startswith("+-------------------+     +-----------+     +----------------+\n")


@pytest.mark.parametrize("columns", [40, 61, 140])
def test_the_picture_fits_the_terminal(lab: Lab, columns: int) -> None:
    documented(lab)
    lines = on_a_terminal(columns, *PLAN, "--graph")
    frames = [line for line in lines if line[:1] in "┌│└"]
    assert max(map(len, frames)) <= columns
    assert any("11.11.0.0/16" in line for line in frames)
    assert any("eth1" in line and "11.8.0.1" in line for line in frames) == (columns == 140)


def test_what_graphviz_and_mermaid_read_is_the_table(lab: Lab) -> None:
    documented(lab)
    words = dot(lab.run(*PLAN, "--graph", "dot").stdout)
    labels = " ".join(word for line in words if line[0] == "node" for word in line)
    assert all(text in labels for text in ("eth0", "11.8.0.1", "11.11.0.0/16", "10.65.0.0/24"))
    nodes: Dict[str, str] = mermaid(lab.run(*PLAN, "--graph", "mermaid").stdout)["nodes"]
    assert {"11.8.0.1", "11.11.0.0/16", "10.65.0.0/24"} <= set(nodes.values())


@pytest.mark.parametrize("name", ['a"b<c>;#', "x\\n\u202ey", "{init}[]|"])
def test_no_name_of_a_nic_breaks_out_of_a_picture(lab: Lab, name: str) -> None:
    documented(lab)
    lab.ip("link", "set", "eth1", "down")
    lab.ip("link", "set", "eth1", "name", name)
    lab.up(name)
    for form in ("text", "dot", "mermaid"):
        assert_clean(lab.run(*PLAN, "--graph", form, environment=UTF8).stdout.encode(), form)
    words = dot(lab.run(*PLAN, "--graph", "dot", environment=UTF8).stdout)
    nodes = mermaid(lab.run(*PLAN, "--graph", "mermaid", environment=UTF8).stdout)["nodes"]
    assert set(nodes) == {line[1] for line in words if line[0] == "node"}
    assert len([text for text in nodes.values() if MACS[1] in text]) == 1


@pytest.mark.parametrize("form", ["text", "mermaid", "dot"])
def test_no_text_of_a_document_moves_the_cursor(lab: Lab, tmp_path: Path, form: str) -> None:
    documented(lab)
    for value in list(evil_documents().values())[::3]:
        path = write_document(tmp_path / "network_data.json", value)
        outputs(f"plan --graph {form} --metadata {path}")


def changed(before: List[str], after: List[str]) -> List[str]:
    """The lines of a diff of two tables that are in one of them only."""
    return sorted(
        [f"-{line}" for line in before if line not in after] + [f"+{line}" for line in after if line not in before]
    )


def of_the_diff(text: str) -> List[str]:
    return sorted(line for line in text.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---"))


def with_names(lines: List[str]) -> List[str]:
    return [line.replace("proto 121", "proto guest-routes").replace(" pref medium", "") for line in lines]


def test_the_diff_is_the_one_of_ip_route_before_and_after(lab: Lab) -> None:
    lab.nic("eth0", "fa:16:3e:00:00:01", "10.65.0.7/24", "fd00:65::7/64", gateways=("10.65.0.1/24", "fd00:65::1/64"))
    lab.nic("eth1", "fa:16:3e:00:00:02", "11.8.0.9/24", "fd00:8::9/64", gateways=("11.8.0.1/24", "fd00:8::1/64"))
    lab.ip("route", "append", "default", "via", "11.8.0.1", "dev", "eth1", "proto", "static")
    arguments = ["--metadata", str(document("dual-stack"))]
    before = [with_names(lab.routes(family)) for family in (4, 6)]
    shown = lab.run("plan", "--diff", *arguments)
    assert lab.run("sync", *arguments).returncode == shown.returncode == 0
    after = [with_names(lab.routes(family)) for family in (4, 6)]
    assert of_the_diff(shown.stdout) == sorted(changed(before[0], after[0]) + changed(before[1], after[1]))
    assert len(of_the_diff(shown.stdout)) > 3
    again = lab.run("plan", "--diff", *arguments)
    assert (again.returncode, again.stdout.strip()) == (0, "")
    assert lab.run("plan", "--diff", "--check", *arguments).returncode == 0


def test_the_diff_has_the_tables_and_rules_of_source_routing(lab: Lab) -> None:
    documented(lab)
    arguments = ["--metadata", str(document("documented")), "--source-routing", "true"]
    shown = lab.run("plan", "--diff", *arguments).stdout
    assert lab.run("sync", *arguments).returncode == 0
    made = with_names(lab.routes(4, "all"))
    tables = [line for line in made if " table " in line and "table local" not in line]
    added = [line[1:] for line in of_the_diff(shown) if " table " in line]
    assert sorted(added) == sorted(tables)
    rules = lab.ip("rule").replace("proto 121", "proto guest-routes")
    for rule in (line for line in of_the_diff(shown) if " lookup " in line):
        words = rule[1:].split()
        assert f"{words[5]}:\tfrom {words[1]} lookup {words[3]}" in rules, rules


@pytest.mark.parametrize(
    "command, words",
    [
        ("plan --graph --json", "--json and --graph can't be used together"),
        ("plan --diff --json", "--json and --diff can't be used together"),
        ("plan --diff --graph", "--graph and --diff can't be used together"),
        ("status --graph --textfile /run/x", "--graph and --textfile can't be used together"),
        ("status --graph png", "must be text or mermaid or dot"),
        ("status --diff", "status has no option --diff"),
    ],
)
def test_mistakes(lab: Lab, command: str, words: str) -> None:
    ran = run(lab, command)
    assert ran.code == 2
    assert words in ran.err
