"""What source routing has in the kernel, and passes of it that are killed: for tests."""

from __future__ import annotations

import subprocess
from typing import List

from guest_routes.model.settings import Settings
from guest_routes.state.store import State
from guest_routes.sync import sync
from tests.support.calico import OWN
from tests.support.deadly import DeadlySourceKernel, was_killed
from tests.support.lab import Lab, document
from tests.support.passes import run, table

FILE = f"--metadata {document('dual-stack')}"
ON = f"{FILE} --source-routing true"
TABLES = {"eth0": "12102", "eth1": "12103"}
ETH0, ETH1 = OWN["eth0"], OWN["eth1"]


def synced(lab: Lab, options: str = ON, code: int = 0) -> str:
    """A pass; its output."""
    ran = run(lab, f"sync {options}")
    assert (ran.code, ran.err if code == 0 else "") == (code, ""), ran
    return ran.out + ran.err


def own_rules(lab: Lab) -> List[str]:
    """The rules of ours, both families, without their priority."""
    lines = lab.ip("-4", "rule").splitlines() + lab.ip("-6", "rule").splitlines()
    ours = [" ".join(line.split(":", 1)[1].split()) for line in lines if "12" in line and "lookup 121" in line]
    return [line.replace(" proto guest-routes", "").replace(" proto 121", "") for line in ours]


def own_table(lab: Lab, nic: str, family: int = 4) -> List[str]:
    """The table of a NIC."""
    lines = subprocess.run(
        ["ip", f"-{family}", "route", "show", "table", TABLES.get(nic, nic)], text=True, capture_output=True
    ).stdout.splitlines()
    return [line.strip().replace(" proto guest-routes", "").replace(" proto 121", "") for line in lines]


def way(lab: Lab, destination: str, source: str = "") -> str:
    """`via GATEWAY dev NIC`, `dev NIC`: the kernel's own answer."""
    asked = ["route", "get", destination, *(["from", source] if source else [])]
    words = lab.ip(*asked).split()
    names = [f"{word} {words[words.index(word) + 1]}" for word in ("via", "dev") if word in words]
    return " ".join(names)


def mains(lab: Lab) -> List[List[str]]:
    """The main tables."""
    return [table(lab, family) for family in (4, 6)]


def killed_after(lives: int, options: Settings) -> bool:
    """A pass that is killed after so many operations of source routing; whether it was."""
    return was_killed(lambda: sync(options, State(), DeadlySourceKernel(lives), str(document("dual-stack"))))
