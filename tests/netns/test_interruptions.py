"""Killed after every message, and several passes at once: the next pass ends in the right table (R7)."""

from __future__ import annotations

import subprocess
import sys
from typing import Callable, List, Tuple

import pytest

from guest_routes.kernel.engine import Kernel
from guest_routes.model.settings import Settings
from guest_routes.state.store import State
from guest_routes.sync import sync
from guest_routes.withdraw import withdraw
from tests.support.deadly import DeadlyKernel, was_killed
from tests.support.lab import MACS, Lab, document
from tests.support.passes import CONNECTED, DOCUMENTED, HOST_ROUTE, Watch, documented, run, table

FILE = str(document("dual-stack"))


def killed_after(operations: int, job: Callable[[Kernel], object]) -> bool:
    """The job is killed after so many operations; whether it was, and didn't end before."""
    return was_killed(lambda: job(DeadlyKernel(operations)))


def one_sync(kernel: Kernel) -> None:
    sync(Settings(), State(), metadata_argument=FILE, kernel=kernel)


def one_withdraw(kernel: Kernel) -> None:
    withdraw(Settings(), State(), kernel)


def instance(lab: Lab) -> Tuple[List[str], List[str]]:
    """Both families, two defaults of each, and routes of ours from an earlier document; the tables without those."""
    lab.nic("eth0", MACS[0], "10.65.0.7/24", "fd00:65::7/64", gateways=("10.65.0.1/24", "fd00:65::1/64"))
    lab.nic("eth1", MACS[1], "11.8.0.9/24", "fd00:8::9/64", gateways=("11.8.0.1/24", "fd00:8::1/64"))
    for nic, *gateways in (("eth0", "10.65.0.1", "fd00:65::1"), ("eth1", "11.8.0.1", "fd00:8::1")):
        for gateway in gateways:
            lab.ip("route", "append", "default", "via", gateway, "dev", nic, "proto", "static")
    original = table(lab), table(lab, 6)
    lab.ip("route", "add", "172.16.0.0/24", "via", "11.8.0.1", "dev", "eth1", "proto", "121")
    lab.ip("route", "add", "11.11.0.0/16", "via", "10.65.0.1", "dev", "eth0", "proto", "121", "metric", "5")
    return original


OPERATIONS = 6
"""Of the pass: two host routes come, two routes of an earlier document go, a default of each family goes."""


@pytest.mark.parametrize("lives", range(OPERATIONS + 1))
def test_sync_killed_after_each_message(lab: Lab, lives: int) -> None:
    original = instance(lab)
    watch = Watch()
    assert killed_after(lives, one_sync) == (lives < OPERATIONS)
    assert watch.fewest_defaults(2) >= 1
    assert any(line.startswith("default") for line in table(lab, 6))
    assert run(lab, f"sync --metadata {FILE}").code == 0
    assert table(lab) == DOCUMENTED
    assert [line for line in table(lab, 6) if line.startswith(("default", "fd00:11"))] == [
        "fd00:11:11::/48 via fd00:8::1 dev eth1 proto 121 metric 1023 pref medium",
        "default via fd00:65::1 dev eth0 proto static metric 1024 pref medium",
    ]
    assert run(lab, "withdraw").code == 0
    assert (table(lab), table(lab, 6)) == original
    watch.close()


@pytest.mark.parametrize("lives", range(5))
def test_withdraw_killed_after_each_message(lab: Lab, lives: int) -> None:
    original = instance(lab)
    assert run(lab, f"sync --metadata {FILE}").code == 0
    watch = Watch()
    assert killed_after(lives, one_withdraw) == (lives < 4)  # two defaults come back, two host routes go
    assert run(lab, "withdraw").code == 0
    assert watch.fewest_defaults(1) >= 1
    assert (table(lab), table(lab, 6)) == original
    watch.close()


@pytest.mark.parametrize("lives", range(4))
def test_handing_the_only_default_over_killed_after_each_message(lab: Lab, lives: int) -> None:
    documented(lab, "")
    assert run(lab, f"sync --metadata {document('documented')}").code == 0
    watch = Watch()
    assert killed_after(lives, one_withdraw) == (lives < 3)
    assert run(lab, "withdraw").code == 0
    assert watch.fewest_defaults(1) >= 1
    assert table(lab) == ["default via 10.65.0.1 dev eth0", *CONNECTED]
    watch.close()


def test_passes_at_the_same_time(lab: Lab) -> None:
    documented(lab)
    watch = Watch()
    command = [sys.executable, "-m", "guest_routes", "sync", "--metadata", str(document("documented"))]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(6)
    ]  # fmt: skip
    ended = [(one.communicate(timeout=30), one.returncode) for one in running]
    assert [(error, code) for (_, error), code in ended] == [("", 0)] * 6
    assert sum("1 added" in out for (out, _), _ in ended) == 1
    assert table(lab) == DOCUMENTED
    assert watch.fewest_defaults(2) == 1
    watch.close()


def test_sync_and_withdraw_at_the_same_time_end_in_one_or_the_other(lab: Lab) -> None:
    before = documented(lab)
    watch = Watch()
    start = [sys.executable, "-m", "guest_routes"]
    running = [
        subprocess.Popen([*start, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for words in (["sync", "--metadata", str(document("documented"))], ["withdraw"]) * 3
    ]
    assert [(one.communicate(timeout=30)[1], one.returncode) for one in running] == [("", 0)] * 6
    assert table(lab) in (before, [*before[:1], *CONNECTED, HOST_ROUTE])
    assert watch.fewest_defaults(2) >= 1
    watch.close()
