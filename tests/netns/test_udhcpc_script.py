"""The script that we bring for udhcpc: it keeps the lease, and then whatever configured the NIC before does so."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Iterator, Tuple

import pytest

SCRIPT = Path(__file__).parents[2] / "packaging/udhcpc/guest-routes"
DEBIANS, ALPINES = "/etc/udhcpc/default.script", "/usr/share/udhcpc/default.script"
OWN = "/run/tests/own.script"


@pytest.fixture
def usr_share() -> Iterator[None]:
    """An empty /usr/share, as both distributions' scripts may or may not be on this machine."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/usr/share"], check=True)
    yield
    subprocess.run(["umount", "/usr/share"], check=True)


def ran(event: str, *there: str, usual: str = "") -> subprocess.CompletedProcess[str]:
    """What udhcpc runs at an event, where these scripts are there, each of which says its own name."""
    for name in (DEBIANS, ALPINES, OWN):
        path = Path(name)
        path.unlink(missing_ok=True)
        if name in there:
            path.parent.mkdir(exist_ok=True)
            path.write_text('#!/bin/sh\necho "$0 $1 $interface $ip"\n')
            path.chmod(0o755)
    lease = {"interface": "eth0", "ip": "10.65.0.7", "router": "10.65.0.1", "staticroutes": "11.11.0.0/16 11.8.0.1"}
    own = {**os.environ, **lease, **({"USUAL_SCRIPT": usual} if usual else {})}
    return subprocess.run([str(SCRIPT), event], text=True, capture_output=True, env=own)


@pytest.mark.parametrize("there", [(DEBIANS,), (ALPINES,), (DEBIANS, ALPINES)])
def test_the_usual_script_of_either_distribution_goes_on(usr_share: None, there: Tuple[str, ...]) -> None:
    done = ran("bound", *there)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{there[0]} bound eth0 10.65.0.7\n", "")
    assert "staticroutes=11.11.0.0/16 11.8.0.1\n" in Path("/run/guest-routes/leases/eth0").read_text()
    assert ran("deconfig", *there).stdout == f"{there[0]} deconfig eth0 10.65.0.7\n"
    assert not Path("/run/guest-routes/leases/eth0").exists()


def test_the_environment_names_another(usr_share: None) -> None:
    assert ran("renew", DEBIANS, ALPINES, OWN, usual=OWN).stdout == f"{OWN} renew eth0 10.65.0.7\n"
    assert ran("renew", DEBIANS, ALPINES, usual=OWN).returncode == 127


def test_without_one_it_says_so(usr_share: None) -> None:
    done = ran("bound")
    assert done.returncode == 1
    assert "so eth0 isn't configured; name it in USUAL_SCRIPT" in " ".join(done.stderr.split())
