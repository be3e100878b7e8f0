"""`export --format ip` and ifupdown's hook, run: the table they leave, and what of others' routes stays."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import List

import pytest

from tests.support.lab import MACS, Lab, document
from tests.support.passes import run, table


def machine(lab: Lab, family: int) -> None:
    """The documented NICs, and one of a VPN."""
    lab.documented_nics()
    if family == 6:
        for place, (nic, net) in enumerate((("eth0", "fd00:65"), ("eth1", "fd00:8"))):
            lab.ip("address", "add", f"{net}::{7 + 2 * place}/64", "dev", nic, "nodad")
    own = ("10.200.0.2/24", "10.200.0.1/24") if family == 4 else ("fd00:200::2/64", "fd00:200::1/64")
    lab.nic("tun0", MACS[2], own[0], gateways=own[1:])


def exported(lab: Lab, tmp_path: Path, name: str, form: str = "ip") -> subprocess.CompletedProcess[str]:
    """Runs what `export` prints."""
    text = lab.run("export", "--format", form, "--metadata", str(document(name))).stdout
    path = tmp_path / "script"
    # /sys is the machine's own here, and shows no NIC of the namespace.
    address = '$(cat "/sys/class/net/$IFACE/address")'
    path.write_text(text[text.index("#!/bin/sh") :].replace(address, MACS[1]))
    return subprocess.run(
        ["sh", str(path)],
        capture_output=True,
        text=True,
        env={"PATH": "/sbin:/bin:/usr/sbin:/usr/bin", "IFACE": "eth1"},
    )


def without_kernels(lab: Lab, family: int = 4) -> List[str]:
    return [line for line in table(lab, family) if "proto kernel" not in line]


@pytest.mark.parametrize("times", [1, 2])
def test_other_programs_routes_stay(lab: Lab, tmp_path: Path, times: int) -> None:
    """A VPN's default stays in front (R8), and an operator's host route behind (R5), however often it runs."""
    machine(lab, 4)
    for line in ("default via 10.200.0.1 dev tun0", "11.11.0.0/16 via 10.200.0.1 dev tun0"):
        lab.ip("route", "add", *line.split())
    for _ in range(times):
        ran = exported(lab, tmp_path, "documented")
        assert (ran.returncode, ran.stderr) == (0, "")
    assert without_kernels(lab) == [
        "default via 10.200.0.1 dev tun0",
        "default via 10.65.0.1 dev eth0 proto static",
        "11.11.0.0/16 via 11.8.0.1 dev eth1 proto static",
        "11.11.0.0/16 via 10.200.0.1 dev tun0",
    ]


def test_the_other_nic_s_default_goes(lab: Lab, tmp_path: Path) -> None:
    machine(lab, 4)
    lab.ip("route", "add", *"default via 11.8.0.1 dev eth1".split())
    assert exported(lab, tmp_path, "documented").stderr == ""
    assert without_kernels(lab) == [
        "default via 10.65.0.1 dev eth0 proto static", "11.11.0.0/16 via 11.8.0.1 dev eth1 proto static",
    ]  # fmt: skip
    run(lab, f"sync --metadata {document('documented')}")
    assert without_kernels(lab) == [
        "default via 10.65.0.1 dev eth0 proto static", "11.11.0.0/16 via 11.8.0.1 dev eth1 proto static",
    ]  # fmt: skip


def test_the_only_default_stays_where_the_documented_one_is_refused(lab: Lab, tmp_path: Path) -> None:
    machine(lab, 4)
    lab.ip("route", "add", *"default via 11.8.0.1 dev eth1".split())
    lab.ip("link", "set", "eth0", "down")
    ran = exported(lab, tmp_path, "documented")
    assert ran.returncode == 1 and "cannot add 0.0.0.0/0 via 10.65.0.1 dev eth0" in ran.stderr
    assert without_kernels(lab) == [
        "default via 11.8.0.1 dev eth1", "11.11.0.0/16 via 11.8.0.1 dev eth1 proto static",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["eth0@x", "eth0@eth0"])
def test_a_nic_is_found_by_its_whole_name(lab: Lab, tmp_path: Path, name: str) -> None:
    """What `ip` prints of a VLAN looks like a name with an @."""
    machine(lab, 4)
    lab.ip("link", "set", "eth1", "down")
    lab.ip("link", "set", "eth1", "name", name)
    lab.ip("link", "set", name, "up")
    ran = exported(lab, tmp_path, "documented")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert without_kernels(lab) == [
        "default via 10.65.0.1 dev eth0 proto static", f"11.11.0.0/16 via 11.8.0.1 dev {name} proto static",
    ]  # fmt: skip


def test_ifupdown_s_hook_replaces_nothing_either(lab: Lab, tmp_path: Path) -> None:
    machine(lab, 4)
    lab.ip("route", "add", *"11.11.0.0/16 via 10.200.0.1 dev tun0".split())
    assert exported(lab, tmp_path, "documented", "ifupdown").stderr == ""
    assert without_kernels(lab) == [
        "11.11.0.0/16 via 11.8.0.1 dev eth1 proto static", "11.11.0.0/16 via 10.200.0.1 dev tun0",
    ]  # fmt: skip


def test_a_route_of_ipv6_that_has_the_metric_is_named(lab: Lab, tmp_path: Path) -> None:
    """Two of one metric would be one multipath route."""
    machine(lab, 6)
    lab.ip("-6", "route", "add", *"fd00:11:11::/48 via fd00:200::1 dev tun0 metric 1023".split())
    ran = exported(lab, tmp_path, "dual-stack")
    assert "cannot add fd00:11:11::/48" in ran.stderr
    assert [line for line in table(lab, 6) if line.startswith("fd00:11:11")] == [
        "fd00:11:11::/48 via fd00:200::1 dev tun0 metric 1023 pref medium"
    ]
    assert [line for line in table(lab, 6) if line.startswith("default")] == [
        "default via fd00:65::1 dev eth0 proto static metric 1023 pref medium"
    ]
