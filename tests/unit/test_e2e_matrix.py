"""What is written of virtual machines that ran, and of those that didn't."""

from __future__ import annotations

from pathlib import Path

from tests.e2e import matrix, supported
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
    row = next(line for line in text.splitlines() if line.startswith(f"| {RELEASES[MACHINES[0].suite]}, "))
    assert "| NO (1) | not run |" in row and "5 wrong" in row
    assert "\n1. Debian 12, networkd, static, host route under eth0's subnet, first: no report after 1 minutes" in text


def test_docs_have_one_line_for_each_distribution_and_manager(tmp_path: Path) -> None:
    path = tmp_path / "support.md"
    path.write_text(f"before\n{supported.BEGIN}old\n{supported.END}\nafter\n")
    supported.write(path, {(MACHINES[0].name, "first"): case("first", packages="cloud-init 22.4\n")})
    before, table, after = path.read_text().partition(supported.BEGIN)[0], path.read_text(), "after\n"
    assert before == "before\n" and table.endswith(after) and "old" not in table
    assert "| Debian 12 | networkd | 22.4 |" in table
    kinds = {(one.suite, one.manager) for one in MACHINES}
    assert table.count("| not run |") == len(kinds) - 1
