"""A process that may open few files: one clear line or the whole truth, whatever the number (R18)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Tuple

import pytest

from tests.netns.test_faulty_calls import CORRECT, lay
from tests.support.lab import Lab, document
from tests.support.passes import DOCUMENTED, Ran, documented, run, table, unfolded

FILE = f"--metadata {document('documented')}"
NUMBERS = (*range(4, 12), 16, 30)
"""With 3 Python can't be started, with 4 one file can be read at a time, from about 10 on all is there."""
TIMES = re.compile(r"just now|[\d.e-]+ (s|min) ago|_seconds\S* [\d.e+-]+|\"[a-z_]*seconds\": [\d.]+")
READING = (
    "status", "status --json", "status --textfile /run/tests/few.prom", f"doctor --json {FILE}",
    f"explain 11.11.3.4 {FILE}", f"plan --engine pyroute2 {FILE}", f"export --format networkd {FILE}",
    f"{CORRECT} --check", "settings",
)  # fmt: skip


def run_with(number: int, command: str) -> Ran:
    """A command that may have so many files open; without `site`, which reads files of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    limited = ["prlimit", f"--nofile={number}", sys.executable, "-S", "-m", "guest_routes", *command.split()]
    ran = unfolded(subprocess.run(limited, text=True, capture_output=True, env=environment))
    assert "Exception ignored" not in ran.err, ran.err
    return ran


def shown(ran: Ran) -> Tuple[int, str]:
    """Its exit code and output, without the times."""
    return ran.code, TIMES.sub("", ran.out)


def assert_says_so(ran: Ran, number: int) -> None:
    """It did nothing, and says why."""
    assert ran.code in (1, 2, 4), (number, ran)
    assert "too many open files" in ran.err.lower(), (number, ran)


@pytest.mark.parametrize("command", READING)
def test_a_command_that_reads(lab: Lab, command: str) -> None:
    documented(lab)
    lay("el-26.2")
    assert run(lab, f"sync {FILE}").code == 0
    whole = run(lab, command)
    for number in NUMBERS:
        ran = run_with(number, command)
        if "doctor" in command and ran.code == 1 and "Too many open files" in ran.out:
            continue  # What could not be looked at is a finding.
        if shown(ran) != shown(whole):
            assert_says_so(ran, number)
    assert shown(ran) == shown(whole)


@pytest.mark.parametrize("engine", ["rtnetlink", "pyroute2"])
def test_sync_and_withdraw(lab: Lab, engine: str) -> None:
    before = documented(lab)
    for number in NUMBERS:
        ran = run_with(number, f"sync --engine {engine} {FILE}")
        if ran.code != 0:
            assert_says_so(ran, number)
        assert ran.code or table(lab) == DOCUMENTED, number
        assert run(lab, f"sync {FILE}").code == 0
        ran = run_with(number, f"withdraw --engine {engine}")
        if ran.code != 0:
            assert_says_so(ran, number)
        assert ran.code or table(lab) == before, number
        assert run(lab, "withdraw").code == 0
        assert table(lab) == before, number
    assert ran.code == 0


def test_a_report_names_what_it_lacks(lab: Lab) -> None:
    documented(lab)
    Path("/etc/guest-routes.yaml").write_text("deadline_seconds: 0.2\n")  # There is nobody to wait for.
    path = Path("/run/tests/few.tar.gz")
    for number in NUMBERS:
        path.unlink(missing_ok=True)
        ran = run_with(number, f"report --output {path}")
        if ran.code != 0:
            assert_says_so(ran, number)
            continue
        with tarfile.open(path) as tar:
            names = {os.path.basename(name) for name in tar.getnames()}
            missing = tar.extractfile("guest-routes-report/missing.txt")
            assert missing is not None
            assert {"doctor", "status"} <= names or b"Too many open files" in missing.read(), number
    assert ran.code == 0
