"""K5: defaults that come, go and are replaced between the snapshot of a pass and its writing, and under the service."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any, List, Sequence, Tuple, Type

import pytest

from guest_routes.kernel.pyroute2.engine import Pyroute2Kernel
from guest_routes.kernel.rtnetlink.engine import RtnetlinkKernel
from guest_routes.model.evidence import RecordedDefault
from guest_routes.model.network import Nic
from guest_routes.model.operations import Failure, Operation
from guest_routes.model.settings import Settings
from guest_routes.state.store import State
from guest_routes.sync import sync
from guest_routes.withdraw import withdraw
from tests.support.lab import MACS, Lab, document
from tests.support.passes import Watch, documented, run, table
from tests.support.service import Service, Start, settled

VPN4, VPN6 = "default via 10.200.0.1 dev tun0", "default via fd00:200::1 dev tun0"


def interrupted(engine: Type[Any], *commands: str) -> Any:
    """The real kernel, in which somebody runs these commands between the snapshot and the first write."""
    left = list(commands)

    class Interrupted(engine):  # type: ignore[misc]
        def apply(self, operations: Sequence[Operation]) -> Tuple[Failure, ...]:
            while left:
                subprocess.run(["ip", *left.pop(0).split()], check=True)
            return super().apply(operations)  # type: ignore[no-any-return]

    return Interrupted()


@pytest.fixture(params=[RtnetlinkKernel, Pyroute2Kernel])
def engine(request: pytest.FixtureRequest) -> Any:
    """Both engines."""
    return request.param


def tun(lab: Lab) -> None:
    """A VPN's NIC."""
    lab.nic("tun0", MACS[2], "10.200.0.2/24", "fd00:200::2/64", gateways=("10.200.0.1/24", "fd00:200::1/64"))


def defaults(lab: Lab, family: int = 4) -> List[str]:
    """As the kernel has them, without what doesn't matter here."""
    found = [line.split(" proto ")[0].split(" metric ")[0] for line in table(lab, family) if line[:7] == "default"]
    return [" ".join(line.split()[:5]) for line in found]


ETH0, ETH1 = "default via 10.65.0.1 dev eth0", "default via 11.8.0.1 dev eth1"


@pytest.mark.parametrize(
    ("before", "meanwhile", "after"),
    [
        ([], [f"route add {VPN4}"], [VPN4, ETH0]),
        ([], [f"route add {VPN4} metric 50"], [VPN4, ETH0]),
        ([ETH1], ["route del default", f"route add {VPN4}"], [VPN4, ETH0]),
        ([ETH1], [f"route replace {VPN4}"], [VPN4, ETH0]),
        ([f"{ETH1} metric 100"], ["route del default", f"route add {VPN4}"], [VPN4, ETH0]),
        ([f"{ETH1} metric 100"], ["route del default", f"route add {VPN4} metric 50"], [VPN4, ETH0]),
        ([f"{ETH0} metric 100"], ["route del default", f"route add {VPN4}"], [VPN4, ETH0]),
        # One that chose to stand behind stays there.
        ([ETH1], [f"route add {VPN4} metric 700"], [ETH0, VPN4]),
        # A DHCP client's never stays.
        ([], [f"route add {ETH1}"], [ETH0]),
        ([], [f"route add {ETH1} metric 50"], [ETH0]),
        ([f"{ETH0} proto 121"], [f"route replace {ETH1}"], [ETH0]),
        ([ETH1], [f"route replace {ETH1} proto dhcp"], [ETH0]),
    ],
)
def test_a_default_that_comes_while_a_pass_runs(
    lab: Lab, engine: Any, before: List[str], meanwhile: List[str], after: List[str]
) -> None:
    documented(lab, "")
    tun(lab)
    for route in before:
        lab.ip("route", "add", *route.split())
    path = str(document("documented"))
    report = sync(Settings(), State(), interrupted(engine, *meanwhile), path)
    if defaults(lab) != after:  # What came by no fault of ours, the next pass deals with.
        assert VPN4 not in after
        report = sync(Settings(), State(), engine(), path)
    assert defaults(lab) == after
    assert (report.errors, report.outcome.failures) == ((), ())
    assert report.exit_code == (5 if after[0] == VPN4 else 0)
    assert run(lab, f"sync --metadata {path}").out.count("nothing to do") == 1


@pytest.mark.parametrize("metric", [10, 512, 1023, 1024])
def test_the_same_for_ipv6(lab: Lab, engine: Any, metric: int) -> None:
    lab.nic("eth0", MACS[0], "10.65.0.7/24", "fd00:65::7/64", gateways=("10.65.0.1/24", "fd00:65::1/64"))
    lab.nic("eth1", MACS[1], "11.8.0.9/24", "fd00:8::9/64", gateways=("11.8.0.1/24", "fd00:8::1/64"))
    tun(lab)
    path = str(document("dual-stack"))
    report = sync(Settings(), State(), interrupted(engine, f"-6 route add {VPN6} metric {metric}"), path)
    assert defaults(lab, 6) == [VPN6, "default via fd00:65::1 dev eth0"]
    assert (report.errors, report.outcome.failures, report.exit_code) == ((), (), 5)
    assert run(lab, f"sync --metadata {path}").out.count("nothing to do") == 1


class SlowDisk(State):
    """While something is written to it, between the look and the removal, somebody runs these commands."""

    def __init__(self, *commands: str) -> None:
        super().__init__()
        self._commands = list(commands)

    def record_defaults(self, routes: Sequence[RecordedDefault], nics: Sequence[Nic]) -> None:
        super().record_defaults(routes, nics)
        self._run()

    def set_withdrawn(self) -> None:
        super().set_withdrawn()
        self._run()

    def _run(self) -> None:
        while self._commands:
            subprocess.run(["ip", *self._commands.pop(0).split()], check=True)


SIX0, SIX1 = "default via fd00:65::1 dev eth0", "default via fd00:8::1 dev eth1"


@pytest.mark.parametrize("kept", ["proto static", "proto 121", "proto dhcp metric 100"])
@pytest.mark.parametrize("extra", ["proto static metric 200", "proto dhcp metric 300", "metric 50"])
def test_the_last_default_is_never_taken(lab: Lab, engine: Any, kept: str, extra: str) -> None:
    """The one that serves goes between the look and the removal of the extra one (R7)."""
    documented(lab, "")
    lab.ip("route", "add", *ETH0.split(), *kept.split())
    lab.ip("route", "append", *ETH1.split(), *extra.split())
    path, watch = str(document("documented")), Watch()
    report = sync(Settings(), SlowDisk(f"route del {ETH0} {kept}"), engine(), path)
    assert (watch.fewest_defaults(2), defaults(lab)) == (1, [ETH0])
    assert (report.errors, report.exit_code) == ((), 0)
    watch.close()
    assert run(lab, f"sync --metadata {path}").out.count("nothing to do") == 1
    assert run(lab, "withdraw").code == 0
    assert ETH1 in defaults(lab)


def test_the_last_default_of_ipv6_is_never_taken(lab: Lab, engine: Any) -> None:
    """One of the families has lost its own; the other's extra one goes all the same."""
    documented(lab)
    for own, nic, default in (("fd00:65::7", "eth0", SIX0), ("fd00:8::9", "eth1", f"{SIX1} metric 2000")):
        lab.ip("address", "add", f"{own}/64", "dev", nic, "nodad")
        lab.ip("-6", "route", "add", *default.split(), "proto", "static")
    watch = subprocess.Popen(["ip", "-6", "-o", "monitor", "route"], stdout=subprocess.PIPE, text=True)
    time.sleep(0.3)
    report = sync(Settings(), SlowDisk(f"-6 route del {SIX0}"), engine(), str(document("dual-stack")))
    assert (defaults(lab), defaults(lab, 6)) == ([ETH0], [SIX0])
    assert (report.errors, report.exit_code) == ((), 0)
    time.sleep(0.3)
    watch.kill()
    assert watch.stdout is not None
    there = 2
    for line in watch.stdout.read().splitlines():
        if "default via" in line:
            there += -1 if line.startswith("Deleted") else 1
            assert there >= 1
    watch.stdout.close()
    watch.wait()


@pytest.mark.parametrize("meanwhile", [[f"route del {ETH1}"], [f"route del {ETH1}", "route del 11.11.0.0/16"]])
def test_withdraw_never_takes_the_last_default(lab: Lab, engine: Any, meanwhile: List[str]) -> None:
    """What it meant to leave goes between its look and its removals: ours is handed over."""
    documented(lab, "")
    path = str(document("documented"))
    assert sync(Settings(), State(), engine(), path).exit_code == 0
    lab.ip("route", "append", *ETH1.split(), "proto", "static", "metric", "7")
    watch = Watch()
    done = withdraw(Settings(), SlowDisk(*meanwhile), engine())
    assert (watch.fewest_defaults(2), defaults(lab)) == (1, [ETH0])
    watch.close()
    assert (done.exit_code, done.left) == (0, ())
    assert lab.ip("route", "show", "table", "all", "proto", "121") == ""


def test_a_pass_that_plans_anew_still_names_what_another_table_has(lab: Lab) -> None:
    documented(lab, "eth1")
    tun(lab)
    path = str(document("documented"))
    assert run(lab, f"sync --table 100 --metadata {path}").code == 0
    report = sync(Settings(), State(), interrupted(RtnetlinkKernel, f"route replace {VPN4}"), path)
    assert defaults(lab) == [VPN4, ETH0]
    assert [one.table for one in report.evidence.elsewhere] == [100]


def test_a_pass_that_plans_anew_is_one_pass(lab: Lab) -> None:
    """Where it wrote, and what it could not keep, is in its report, whichever look it is from."""
    documented(lab, "eth1")
    tun(lab)
    Path(State().places_path, "kept").mkdir(parents=True)  # So that no file can take its place.
    interrupting = interrupted(RtnetlinkKernel, f"route replace {VPN4}")
    report = sync(Settings(protocol=77), State(), interrupting, str(document("documented")))
    assert defaults(lab) == [VPN4, ETH0]
    assert report.protocol == 77
    assert "`guest-routes withdraw` would not find these routes" in " ".join(report.state_errors)


# ---- under the service ------------------------------------------------------------------------------


TRIES = int(os.environ.get("VPN_TRIES", "8"))
"""`VPN_TRIES=1000` before pytest for the whole."""
BEFORE_A_CONFLICT = 3
"""After so many tries the service starts anew: it would take more of them for a conflict, and wait."""


def busy(lab: Lab, number: int) -> None:
    """Something for the service to do at that moment, or not."""
    if number % 3 == 1:
        lab.ip("route", "del", "11.11.0.0/16")
    if number % 3 == 2:
        lab.ip("route", "append", "198.51.100.0/24", "via", "10.65.0.1", "proto", "static")
        lab.ip("route", "del", "198.51.100.0/24")
    if number % 2:
        time.sleep(number % 7 / 1000)


@pytest.mark.parametrize("how", ["two commands", "one batch", "replace", "metric 50"])
def test_a_vpn_that_replaces_the_default_wins_every_time(lab: Lab, start: Start, how: str) -> None:
    service = settled(lab, start, defaults="eth0")
    tun(lab)
    lost = []
    for number in range(TRIES):
        if number % BEFORE_A_CONFLICT == BEFORE_A_CONFLICT - 1:
            service.stop()
            service = refreshed(start)
        service.wait(lambda: defaults(lab) == [ETH0])
        busy(lab, number)
        replace_default(lab, how)
        time.sleep(0.7)
        if "dev tun0" not in lab.ip("route", "get", "8.8.8.8"):
            lost.append((number, defaults(lab)))
        while any("dev tun0" in line for line in table(lab) if line[:7] == "default"):
            lab.ip("route", "del", "default", "dev", "tun0")
    print(f"{how}: lost {len(lost)} of {TRIES}")
    assert lost == []


def refreshed(start: Start) -> Service:
    """A service that has fetched its document."""
    service = start()
    service.wait(lambda: service.record.get("refreshed"))
    return service


def replace_default(lab: Lab, how: str) -> None:
    """As VPN clients do it."""
    if how == "replace":
        lab.ip("route", "replace", *VPN4.split())
    elif how == "one batch":
        subprocess.run(["ip", "-force", "-batch", "-"], input=f"route del default\nroute add {VPN4}\n", text=True,
                       capture_output=True, check=False)  # fmt: skip
    else:
        metric = " metric 50" if how == "metric 50" else ""
        subprocess.run(["ip", "route", "del", "default"], capture_output=True, check=False)
        subprocess.run(["ip", "route", "add", *f"{VPN4}{metric}".split()], capture_output=True, check=False)


@pytest.mark.parametrize("how", ["replace", "append", "another metric"])
def test_a_dhcp_clients_second_default_never_wins(lab: Lab, start: Start, how: str) -> None:
    service = settled(lab, start, defaults="eth0")
    longest = 0.0
    for number in range(TRIES):
        if number % BEFORE_A_CONFLICT == BEFORE_A_CONFLICT - 1:
            service.stop()
            service = refreshed(start)
            service.wait(lambda: defaults(lab) == [ETH0])
        busy(lab, number)
        since = time.monotonic()
        metric = ["metric", "50"] if how == "another metric" else []
        lab.ip("route", "append" if how == "append" else "replace", *ETH1.split(), "proto", "dhcp", *metric)
        service.wait(lambda: defaults(lab) == [ETH0], 20)
        longest = max(longest, time.monotonic() - since)
    print(f"{how}: gone {TRIES} of {TRIES} times, after {longest:.2f} s at most")
