"""Golden scenarios: whole passes over a document and a kernel, both written down, in `ip route` text.

Each folder of tests/scenarios has `network_data.json` (or `network_data.txt`, which names a document of tests/data),
`kernel.txt` (tests/support/iproute_text.py says how to read it), perhaps `settings.yaml`, `meta_data.json` and the
machine's files with DHCP leases in `root`, and `plan.txt`, written by
hand from the rules:

    # What is shown here, and by which rules.
    + 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes
        11.8.0.1 is eth1's gateway
    ...
    table:
    default via 10.65.0.1 dev eth0 proto static
    exit 0

`+` is added, `^` moved before others of its key, `-` removed, `=` in place (ours or adopted), `?` left though it isn't
as wanted, `!` not programmed and why, `*` a note or a warning, of which a part is enough. Indented lines below are
parts of the because. The order is free but for additions before removals. The table after `table:` is the whole of it
but for the kernel's own routes.

It is the real pass, sync.sync, on the model of the kernel.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple, Union

import pytest

from guest_routes.model.decision import Note
from guest_routes.model.network import KernelState, Route
from guest_routes.model.network_data import Problem
from guest_routes.model.operations import Add, Delete, Promote, RemoveForeignDefault, RestoreDefault
from guest_routes.model.report import Report
from guest_routes.model.settings import Settings
from guest_routes.output.route_text import route_text, table_text
from guest_routes.output.words.elections import election_reason
from guest_routes.output.words.outcomes import operation_reason, overruled_text
from guest_routes.output.words.reasons import note_parts, resolved_reason, unresolved_reason
from guest_routes.output.words.warnings import warning_texts
from guest_routes.settings import load as settings
from guest_routes.state.store import State
from guest_routes.sync import dry_run, sync
from guest_routes.withdraw import withdraw
from tests.support.boots import write_boot_id
from tests.support.iproute_text import KERNEL_PROTOCOL, Written, parse_kernel
from tests.support.model_kernel import ModelKernel
from tests.support.situations import recorded

SCENARIOS = Path(__file__).parent.parent / "scenarios"
DATA = Path(__file__).parent.parent / "data"
NAMES = sorted(folder.name for folder in SCENARIOS.iterdir() if folder.is_dir())
MARKS = {Add: "+", RestoreDefault: "+", Promote: "^", Delete: "-", RemoveForeignDefault: "-"}


class Golden(NamedTuple):
    """plan.txt: the lines, the parts of each line's because, the notes' parts, the table and the exit code."""

    heads: List[str]
    because: Dict[str, List[str]]
    notes: List[str]
    table: List[str]
    exit_code: int


def golden(text: str) -> Golden:
    heads: List[str] = []
    because: Dict[str, List[str]] = {}
    notes: List[str] = []
    table: List[str] = []
    exit_code = -1
    in_table = False
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("exit "):
            exit_code = int(line[5:])
        elif line == "table:":
            in_table = True
        elif in_table:
            table.append(line)
        elif line.startswith("    "):
            because.setdefault(heads[-1], []).append(line.strip())
        elif line.startswith("* "):
            notes.append(line[2:])
        else:
            assert line[:2] in ("+ ", "^ ", "- ", "= ", "? ", "! "), line
            heads.append(line)
    return Golden(heads, because, notes, table, exit_code)


def copy_content(folder: Path, target: Path) -> None:
    """Without the modes that a checkout has: with umask 002 its folders are those that the program doesn't trust."""
    for path in sorted(folder.rglob("*")):
        copy = target / path.relative_to(folder)
        if path.is_dir():
            copy.mkdir(mode=0o755, exist_ok=True)
        else:
            copy.write_bytes(path.read_bytes())
            copy.chmod(0o644)


class Scenario:
    """One folder, and a machine made of it."""

    def __init__(self, name: str, tmp_path: Path) -> None:
        self.folder = SCENARIOS / name
        self.written: Written = parse_kernel((self.folder / "kernel.txt").read_text())
        self.expected = golden((self.folder / "plan.txt").read_text())
        self.kernel = ModelKernel(self.written.state)
        if (self.folder / "root").exists():
            copy_content(self.folder / "root", tmp_path)
        write_boot_id(tmp_path)
        self.state = State(str(tmp_path / "run"), str(tmp_path / "lib"), root=str(tmp_path))
        self.state.record_defaults(recorded(self.written.recorded), self.written.state.nics)
        if self.written.known_macs:
            before = self.run(self.settings(), write=False).document
            self.state.keep(before._replace(data=b'{"a": "former"}'), self.written.known_macs, 1.0)

    def document(self) -> Path:
        link = self.folder / "network_data.txt"
        return DATA / link.read_text().strip() if link.exists() else self.folder / "network_data.json"

    def settings(self) -> Settings:
        given = self.folder / "settings.yaml"
        return settings.read({}, str(given)) if given.exists() else Settings()

    def run(self, told: Settings, write: bool = True) -> Report:
        make = sync if write else dry_run
        return make(told, self.state, self.kernel, str(self.document()))

    def table(self) -> List[str]:
        after = self.kernel.snapshot(self.settings().table)
        return table_text(without_kernels_own(after), after.nics).splitlines()


def without_kernels_own(state: KernelState) -> List[Route]:
    return [route for route in state.routes if route.protocol != KERNEL_PROTOCOL]


def foreign(state: KernelState, protocol: int) -> List[Route]:
    """Other programs' routes that are no defaults, in the kernel's order."""
    return [route for route in state.routes if route.protocol != protocol and not route.destination.is_default]


def shown(report: Report) -> List[Tuple[str, str]]:
    """What a pass decided, as lines of plan.txt with the because of each."""
    nics = report.before.nics
    plan = report.plan

    def text(route: Route) -> str:
        return route_text(route, nics)

    lines = [(f"{MARKS[type(op)]} {text(op.route)}", operation_reason(op)) for op in plan.operations]
    for planned in plan.routes:
        if planned.verdict in ("kept", "adopted"):
            lines.append((f"= {text(planned.route)}", f"{planned.verdict}: {resolved_reason(planned.resolved)}"))
        elif planned.verdict == "shadowed":
            assert planned.competitor is not None
            lines.append((f"! {planned.resolved.host}: shadowed", text(planned.competitor)))
    for default in plan.defaults:
        if default.verdict in ("kept", "adopted"):
            assert default.route is not None
            lines.append((f"= {text(default.route)}", f"{default.verdict}: {election_reason(default.election)}"))
        lines += [(f"= {text(route)}", "outside the metadata") for route in default.outside]
        if default.verdict == "left":
            lines.append((f"? IPv{default.family} default", election_reason(default.election)))
        if not default.removals:
            lines += [(f"? {text(route)}", "extra") for route in default.extras]
    lines += [(f"? {text(route)}", "held") for route in plan.held]
    lines += [
        (f"! {one.host}: {one.kind}", f"{one.host}  ({one.host.place}): {unresolved_reason(one)}")
        for one in report.resolution.unresolved
    ]
    lines += [(f"! {one.destination}: overruled", overruled_text(one, nics)) for one in report.overruled]
    lines += [(f"! {one.place}: refused", one.text) for one in report.evidence.problems if one.refused]
    return lines


@pytest.mark.parametrize("name", NAMES)
def test_scenario(name: str, tmp_path: Path) -> None:
    scenario = Scenario(name, tmp_path)
    expected = scenario.expected
    told = scenario.settings()
    before = scenario.kernel.snapshot(told.table)
    report = scenario.run(told)
    actual = shown(report)
    assert sorted(head for head, _ in actual) == sorted(expected.heads)
    for head, parts in expected.because.items():
        reasons = [reason for other, reason in actual if other == head]
        for part in parts:
            assert any(part in reason for reason in reasons), (head, part, reasons)
    remarks: Tuple[Union[Note, Problem], ...] = (*report.evidence.notes, *report.resolution.notes)
    notes = [*warning_texts(report), *(": ".join(note_parts(note)) for note in remarks)]
    for part in expected.notes:
        found = next((note for note in notes if part in note), None)
        assert found is not None, (part, notes)
        notes.remove(found)
    assert notes == [], "notes that plan.txt doesn't have"
    assert scenario.table() == expected.table
    assert (report.exit_code, report.errors) == (expected.exit_code, ())
    after = scenario.kernel.snapshot(told.table)
    assert report.after == after
    copies = {one.route for one in report.plan.copies}
    there = [route for route in foreign(before, told.protocol) if route not in copies or told.default_mode == "observe"]
    assert foreign(after, told.protocol) == there  # R1, R20

    again = scenario.run(told)
    assert again.plan.operations == ()  # R9
    assert (again.exit_code, scenario.kernel.snapshot(told.table)) == (report.exit_code, after)


@pytest.mark.parametrize("name", NAMES)
def test_withdrawn_again(name: str, tmp_path: Path) -> None:
    """R4: after `withdraw` no route of ours is left, and other programs' routes are as before the pass."""
    scenario = Scenario(name, tmp_path)
    told = scenario.settings()
    before = scenario.kernel.snapshot(told.table)
    scenario.run(told)
    done = withdraw(told, scenario.state, scenario.kernel)
    after = scenario.kernel.snapshot(told.table)
    assert (done.exit_code, done.left) == (0, ())
    assert [route for route in after.routes if route.protocol == told.protocol] == []
    assert foreign(after, told.protocol) == foreign(before, told.protocol)
    lost = {r for r in before.routes if r.destination.is_default and r.protocol not in (told.protocol, 9)}
    assert lost <= set(after.routes)


def test_there_are_enough() -> None:
    assert len(NAMES) >= 150


def test_plan_txt_is_read_strictly() -> None:
    with pytest.raises(AssertionError):
        golden("default via 10.65.0.1 dev eth0\n")
