"""IPv6 routes with a lifetime: once it is over the kernel uses them no more, but has them for up to 30 s."""

from __future__ import annotations

import subprocess
import time

import pytest

from tests.netns.test_kernel_routes import add, nics
from tests.support.lab import Lab, document
from tests.support.passes import run
from tests.support.service import Start

FILE = f"--metadata {document('dual-stack')}"
OUTSIDE = "2001:db8::9"
ADVERTISED = "-6 route append default via fe80::a9fe:a9fe dev eth0 proto ra metric 1024 expires 1"


def way(lab: Lab, target: str = OUTSIDE) -> str:
    """Where the kernel sends what is meant for this address; nothing where it has no route."""
    ran = subprocess.run(["ip", "-6", "route", "get", target], text=True, capture_output=True)
    return " ".join(ran.stdout.split()[:5])


@pytest.fixture(params=["rtnetlink", "pyroute2"])
def engine(request: pytest.FixtureRequest) -> str:
    return f"--engine {request.param}"


@pytest.mark.parametrize("expired", [ADVERTISED, "-6 route append default via fd00:65::1 dev eth0 expires 1"])
def test_an_expired_default_serves_nobody(lab: Lab, engine: str, expired: str) -> None:
    nics(lab)
    add(lab, "-6 route add default via fd00:8::1 dev eth1 metric 2048", expired)
    time.sleep(2.2)
    assert " dev eth0 " in lab.ip("-6", "route", "show", "default")
    assert run(lab, f"sync {engine} {FILE}").code == 0
    assert way(lab) == f"{OUTSIDE} from :: via fd00:65::1"


def test_nor_does_an_expired_host_route(lab: Lab, engine: str) -> None:
    nics(lab)
    add(
        lab,
        "-6 route add default via fd00:65::1 dev eth0",
        "-6 route append fd00:11:11::/48 via fd00:8::1 dev eth1 metric 10 expires 1",
    )
    time.sleep(2.2)
    assert run(lab, f"sync {engine} {FILE}").code == 0
    assert "via fd00:8::1" in way(lab, "fd00:11:11::1")


@pytest.mark.parametrize(
    "expired", [ADVERTISED, "-6 route append default via fd00:65::2 dev eth0 metric 2048 expires 1"]
)
def test_withdraw_leaves_its_default_where_the_other_has_expired(lab: Lab, engine: str, expired: str) -> None:
    """R7: that is no default to hand over to."""
    nics(lab)
    assert run(lab, f"sync {engine} {FILE}").code == 0
    add(lab, expired)
    time.sleep(2.2)
    run(lab, f"withdraw {engine}")
    assert way(lab) == f"{OUTSIDE} from :: via fd00:65::1"


def test_the_service_looks_when_it_expires(lab: Lab, start: Start) -> None:
    """The kernel tells of it when it collects the route, up to 30 s later."""
    nics(lab)
    add(lab, ADVERTISED.replace("expires 1", "expires 4"))
    service = start(*FILE.split())
    service.wait(lambda: "proto 121" in lab.ip("-6", "-N", "route", "show", "fd00:11:11::/48"), what="the first pass")
    assert "via fe80::a9fe:a9fe" in way(lab)
    service.wait(lambda: way(lab) == f"{OUTSIDE} from :: via fd00:65::1", 10, "ours in its place")


def test_what_the_service_says_of_a_route_stays_the_same_while_its_lifetime_runs_down(lab: Lab, start: Start) -> None:
    """Another program's default gets a part of the traffic: that is said once, not after every advertisement."""
    nics(lab)
    add(
        lab,
        "-6 route append default via fd00:65::1 dev eth0 proto ra metric 1024 expires 600",
        "-6 route append default via fd00:200::1 dev wg0 metric 1024 expires 600",
    )
    service = start(*FILE.split())
    service.wait_said("is a next hop of the same route")
    for times in (1, 2):
        time.sleep(1)
        add(lab, "-6 route append default via fe80::a9fe:a9fe dev eth1 proto ra metric 1024 expires 600")
        service.wait_said("removed default via fe80::a9fe:a9fe dev eth1", times)
    assert service.stop() == 0
    assert service.said("not programmed: IPv6 default") == 1
    assert service.said("no longer so") == 0
