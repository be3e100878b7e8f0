"""What is written of virtual machines that ran, and of those that didn't."""

from __future__ import annotations

from pathlib import Path

from tests.e2e import glance, matrix, supported
from tests.e2e.plan import MACHINES, NETWORKS, RELEASES
from tests.e2e.results import Case


def case(boot: str, **report: str) -> Case:
    one = MACHINES[0]
    files = {name.replace("_", "-") + ".txt": text for name, text in report.items()}
    return Case(one.suite, one.manager, one.network, boot, files, {}, 0, 60.0, "guest-routes.deb", "2026-01-01")


def test_what_was_not_run_is_shown_as_not_run(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    matrix.write(path, {})
    text = path.read_text()
    assert f"0 of the {len(MACHINES)} planned machines ran" in text
    section = text.partition("## Planned, not run")[2].partition("## ")[0]
    for one in MACHINES:
        assert f"| {RELEASES[one.suite]}, {one.manager} | {NETWORKS[one.network].shown} |" in section


def test_a_boot_that_is_not_right_has_its_cause_in_a_note(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    name = MACHINES[0].name
    matrix.write(path, {(name, "first"): case("first"), (name, "without"): case("without", route="default dev eth1\n")})
    text = path.read_text()
    each = text.partition("## Each machine")[2].splitlines()
    row = next(line for line in each if line.startswith(f"| {RELEASES[MACHINES[0].suite]}, "))
    assert "| NO (1) | not run |" in row and "5 wrong" in row
    assert "\n1. Debian 12, networkd, static, host route under eth0's subnet, first: no report after 1 minutes" in text


def test_the_first_table_has_every_distribution_and_manager_with_every_document() -> None:
    machine = MACHINES[0]
    ran = {(machine.name, boot): case(boot) for boot in ("first", "without")}
    heading, *rows = glance.rows(ran)
    column = list(NETWORKS).index(machine.network) + 1
    assert len(heading) == len(NETWORKS) + 1 and {len(row) for row in rows} == {len(heading)}
    shown = {row[0]: row[column] for row in rows}
    assert shown[f"{RELEASES[machine.suite]}, {machine.manager}"] == "NO 0 of 1, 3 not run"
    assert sum(cell == "not run" for row in rows for cell in row) == len(MACHINES) - 1
    planned = {(one.suite, one.manager, one.network) for one in MACHINES}
    assert sum(cell == "" for row in rows for cell in row) == len(rows) * len(NETWORKS) - len(planned)


def test_docs_have_one_line_for_each_distribution_and_manager(tmp_path: Path) -> None:
    path = tmp_path / "support.md"
    path.write_text(f"before\n{supported.BEGIN}old\n{supported.END}\nafter\n")
    supported.write(path, {(MACHINES[0].name, "first"): case("first", packages="cloud-init 22.4\n")})
    before, table, after = path.read_text().partition(supported.BEGIN)[0], path.read_text(), "after\n"
    assert before == "before\n" and table.endswith(after) and "old" not in table
    assert "| Debian 12 | networkd | 22.4 |" in table
    kinds = {(one.suite, one.manager) for one in MACHINES}
    assert table.count("| not run |") == len(kinds) - 1
