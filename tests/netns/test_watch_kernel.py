"""The service and what the kernel tells of late, not at all, or too much of."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.lab import Lab, document, write_document
from tests.support.passes import HOST_ROUTE, documented, table
from tests.support.service import Start

NEXTHOP = ("nexthop", "add", "id", "10", "via", "10.65.0.1", "dev", "eth0")
MANY, DELETED = 30_000, 200
REST_SECONDS = 12.0
"""Between bursts: a service that has used up its budget of processor time repairs more slowly."""


@pytest.fixture(params=["rtnetlink", "pyroute2"])
def engine(request: pytest.FixtureRequest) -> str:
    """Both engines."""
    return str(request.param)


@pytest.mark.parametrize("gone", ["del id 10", "flush"])
def test_an_adopted_default_whose_nexthop_object_goes_is_back_at_once(
    lab: Lab, start: Start, engine: str, gone: str
) -> None:
    """K3: no notification tells of the route."""
    documented(lab, "eth1")
    lab.ip(*NEXTHOP)
    lab.ip("route", "add", "default", "nhid", "10", "metric", "5")
    service = start("--metadata", str(document("documented")), settings={"engine": engine})
    service.wait(lambda: HOST_ROUTE in table(lab))
    assert not [line for line in table(lab) if line.startswith("default") and "proto 121" in line]
    lab.ip("nexthop", *gone.split())
    ours = "default via 10.65.0.1 dev eth0 proto 121"
    service.wait(lambda: [line for line in table(lab) if line.startswith(ours)], 2)


def document_of(number: int) -> Path:
    """The documented networks with so many host routes under eth1."""
    value = json.loads(document("documented").read_text())
    value["networks"][1]["routes"] += [
        {"network": address(n), "netmask": "255.255.255.255", "gateway": "11.8.0.1"} for n in range(number)
    ]
    return write_document(Path("/run/many.json"), value)


def address(number: int) -> str:
    """A destination."""
    return f"172.16.{number // 256}.{number % 256}"


def some_of_ours() -> bool:
    """Whether a burst of repairs has begun."""
    shown = subprocess.run("ip -o route show proto 121 | head -1001", shell=True, capture_output=True, check=True)
    return shown.stdout.count(b"\n") > 1000


def of_ours() -> int:
    """How many routes of ours there are."""
    shown = subprocess.run(["ip", "-o", "route", "show", "proto", "121"], capture_output=True, check=True)
    return shown.stdout.count(b"\n")


def test_deletions_during_a_burst_of_repairs_are_back_too(lab: Lab, start: Start) -> None:
    """F3: the service's own 30,000 notifications overrun its queue, and 200 deletions come meanwhile.

    `BURSTS=10` before pytest makes more of them; `-s` shows how long each took.
    """
    path = document_of(MANY)
    documented(lab, "eth0")
    service = start("--metadata", str(path))
    service.wait(lambda: of_ours() > MANY, 30)
    every = of_ours()
    for number in range(int(os.environ.get("BURSTS", "2"))):
        time.sleep(REST_SECONDS)
        lab.ip("route", "flush", "proto", "121")
        service.wait(some_of_ours)
        deleted = range(number, MANY, MANY // DELETED)
        lines = "".join(f"route del {address(n)}\n" for n in deleted)
        subprocess.run(["ip", "-force", "-batch", "-"], input=lines, text=True, capture_output=True, check=False)
        since = time.monotonic()
        while of_ours() != every:
            assert time.monotonic() - since < 20, f"{every - of_ours()} routes are not back"
            time.sleep(0.1)
        print(f"burst {number}: all back after {time.monotonic() - since:.2f} s")
