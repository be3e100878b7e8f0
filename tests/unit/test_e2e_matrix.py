"""What is written of virtual machines that ran, and of those that didn't."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from guest_routes.evidence import document_file
from tests.e2e import glance, machine, matrix, record, supported
from tests.e2e.hypervisor import SERVER
from tests.e2e.plan import BOOTS, MACHINES, NETWORKS, RELEASES
from tests.e2e.record import Records
from tests.e2e.results import Case
from tests.e2e.run import left
from tests.support import raw_answers


def case(boot: str, **report: str) -> Case:
    one = MACHINES[0]
    files = {name.replace("_", "-") + ".txt": text for name, text in report.items()}
    return Case(one.suite, one.manager, one.network, boot, files, {}, 0, 60.0, "guest-routes.deb", "2026-01-02")


def kept(*cases: Case) -> Records:
    return {one.key: one for one in map(record.of, cases)}


def test_the_metadata_service_of_the_machines_starts_without_the_package() -> None:
    """`make e2e` runs on the system's Python, with nothing of ours installed."""
    done = subprocess.run([sys.executable, "-S", "-E", str(SERVER), "--help"], stdout=subprocess.PIPE, check=True)
    assert b"--network-data" in done.stdout
    assert raw_answers.LIMIT_BYTES == document_file.LIMIT_BYTES


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
    matrix.write(path, kept(case("first"), case("without", route="default dev eth1\n")))
    text = path.read_text()
    each = text.partition("## Each machine")[2].splitlines()
    row = next(line for line in each if line.startswith(f"| {RELEASES[MACHINES[0].suite]}, "))
    assert "| NO (1) | not run |" in row and "5 wrong" in row
    assert "\n1. Debian 12, networkd, static, host route under eth0's subnet, first: no report after 1 minutes" in text


def test_the_first_table_has_every_distribution_and_manager_with_every_document() -> None:
    machine = MACHINES[0]
    heading, *rows = glance.rows(kept(case("first"), case("without")))
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
    supported.write(path, kept(case("first", packages="cloud-init 22.4\n")))
    before, table, after = path.read_text().partition(supported.BEGIN)[0], path.read_text(), "after\n"
    assert before == "before\n" and table.endswith(after) and "old" not in table
    of_first = next(line for line in table.splitlines() if line.startswith("| Debian 12 | networkd | 22.4 |"))
    planned = sum(
        boot != "without" for one in MACHINES if one.name.startswith("bookworm-networkd-") for boot in one.boots
    )
    assert of_first.endswith(f"| 0 of 1 | 0 of 1 | {planned - 1} | 2026-01-02 |")
    kinds = {(one.suite, one.manager) for one in MACHINES}
    assert table.count("| not run |") == len(kinds) - 1


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("23.317s (kernel) + 3min 37.510s (userspace) = 4min 828ms", "241"),
        ("1s (kernel) + 900ms (userspace) = 1.9s", "1.9"),
        ("3s (kernel) + 1h 2.1s (userspace) = 1h 5.100s", "3605"),
    ],
)
def test_how_long_a_boot_took_by_systemd_analyze(said: str, shown: str) -> None:
    assert record.of(case("first", time=f"Startup finished in {said}\ngraphical.target reached")).boot_seconds == shown


def test_a_run_elsewhere_keeps_what_others_have_run(tmp_path: Path) -> None:
    """The reports stay on the machine that made them; what they came to is a file of the repository."""
    name, other = MACHINES[0].name, MACHINES[1]
    first, reboot = case("first"), case("reboot", route="default dev eth1\n", packages="systemd 252\n")
    record.keep(tmp_path, {(name, "first"): first, (name, "reboot"): reboot})
    elsewhere = first._replace(suite=other.suite, manager=other.manager, network=other.network)
    record.keep(tmp_path, {(other.name, "first"): elsewhere})
    assert record.load(tmp_path) == kept(first, reboot, elsewhere)
    again = first._replace(package="another.deb")
    record.keep(tmp_path, {(name, "first"): again})
    assert record.load(tmp_path) == kept(again, reboot, elsewhere)


def test_of_one_boot_the_later_is_kept(tmp_path: Path) -> None:
    boot = (MACHINES[0].name, "first")
    for day, package in (("2026-01-02", "one"), ("2026-01-02", "again"), ("2026-01-01", "old"), ("2026-01-03", "new")):
        record.keep(tmp_path, {boot: case("first")._replace(day=day, package=package)})
        expected = "again" if package == "old" else package
        assert record.load(tmp_path)[boot].package == expected


def test_a_run_takes_up_where_the_one_before_was_ended() -> None:
    begun, older, done, new = MACHINES[0], MACHINES[-1], MACHINES[-2], MACHINES[3]
    plan = [("now", begun, ("first",)), ("before", older, older.boots), ("now", done, done.boots)]
    ran = kept(
        *(
            case(boot)._replace(suite=one.suite, manager=one.manager, network=one.network, package=package)
            for package, one, boots in plan
            for boot in boots
        )
    )
    assert left([older, begun, done, new], BOOTS, ran, "now") == [
        (new, new.boots), (begun, begun.boots), (older, older.boots)
    ]  # fmt: skip
    assert left([begun], ["first", "without"], ran, "now") == [(begun, ("without",))]
    assert left([begun], ["module"], ran, "now") == [(begun, ("first", "module"))]
    assert left([begun, done], ["first"], ran, "now") == []


def _package(folder: Path, name: str, **files: str) -> Path:
    control = "Package: one\nVersion: 1\nArchitecture: all\nMaintainer: no one <no@one.invalid>\nDescription: one\n"
    written = {"DEBIAN/control": control, "usr/bin/one": "as it was", "usr/share/doc/one/page.md": "as it was"}
    for path, text in {**written, **files}.items():
        (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / name / path).write_text(text)
    (folder / name / "DEBIAN").chmod(0o755)
    package = folder / "one.deb"
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(len(list(folder.iterdir())))}
    build = ["dpkg-deb", "--build", "--root-owner-group", str(folder / name), str(package)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL, env=environment)
    return package


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")
def test_a_package_with_other_pages_and_of_another_day_is_the_same_to_the_machines(tmp_path: Path) -> None:
    """Their own results are written into a page that is packaged, and a commit of that changes every date."""
    one = machine.named(_package(tmp_path, "one"))
    assert machine.named(_package(tmp_path, "page", **{"usr/share/doc/one/page.md": "otherwise"})) == one
    assert machine.named(_package(tmp_path, "program", **{"usr/bin/one": "otherwise"})) != one
    assert machine.named(_package(tmp_path, "script", **{"DEBIAN/conffiles": "/usr/bin/one\n"})) != one


def test_what_is_kept_in_the_repository_is_what_the_documents_say(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    ran = record.load(root / "tests/e2e/kept")
    assert {name for name, _ in ran} <= {one.name for one in MACHINES}
    matrix.write(tmp_path / "RESULTS.md", ran)
    assert (tmp_path / "RESULTS.md").read_text() == (root / "tests/e2e/RESULTS.md").read_text()
    (tmp_path / "support.md").write_text((root / "docs/support.md").read_text())
    supported.write(tmp_path / "support.md", ran)
    assert (tmp_path / "support.md").read_text() == (root / "docs/support.md").read_text()
