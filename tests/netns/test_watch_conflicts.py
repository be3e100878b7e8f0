"""A program keeps changing the same route: the log names it and the remedy; other routes are repaired as before."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Iterator, List, Tuple

import pytest

from guest_routes.service.conflicts import CONFLICT_CHANGES
from tests.support.lab import Lab
from tests.support.passes import DOCUMENTED, HOST_ROUTE, table
from tests.support.service import Service, Start, settled

MORE = "198.51.100.0/24 via 11.8.0.1 dev eth1 proto 121"
DELETION = "route delete 11.11.0.0/16"


class Program:
    """`ip` under another name, carrying out one line after the other: a process that lives, as a daemon does."""

    def __init__(self, directory: Path, name: str) -> None:
        ip = shutil.which("ip")
        assert ip
        path = directory / name
        shutil.copy(Path(ip).resolve(), path)
        self._process = subprocess.Popen([path, "-batch", "-"], stdin=subprocess.PIPE, text=True)
        self.pid = self._process.pid

    def say(self, line: str) -> None:
        """Carries one command out."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def end(self) -> None:
        """Ends the program."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[List[Program]]:
    """Ends them all."""
    made: List[Program] = []
    yield made
    for program in made:
        program.end()


def deletions(lab: Lab, service: Service, program: Program, count: int) -> List[float]:
    """Lets the program delete the documented host route so often; how long each repair took, in seconds."""
    took = []
    for _ in range(count):
        assert HOST_ROUTE in table(lab)
        repairs = service.record["repairs"]
        began = time.monotonic()
        program.say(DELETION)

        def repaired(least: int = repairs + 1) -> bool:
            return HOST_ROUTE in table(lab) and bool(service.record["repairs"] >= least)

        service.wait(repaired)
        took.append(time.monotonic() - began)
    return took


def test_a_conflict_slows_repairs_and_is_logged_once(
    lab: Lab, start: Start, tmp_path: Path, programs: List[Program]
) -> None:
    service = settled(lab, start, settings={"routes": ["198.51.100.0/24,11.8.0.1"]})
    programs.append(Program(tmp_path, "dhclient"))
    dhclient = programs[0]
    took = deletions(lab, service, dhclient, CONFLICT_CHANGES)
    assert service.said("conflict: ") == 1
    assert max(took) < 0.9, took
    took = deletions(lab, service, dhclient, 2)
    assert 0.7 < took[0] < 2 and 1.7 < took[1] < 4, took
    (line,) = (line for line in service.log.splitlines() if "conflict: " in line)
    assert f"dhclient (pid {dhclient.pid}" in line and "rfc3442-classless-static-routes" in line
    assert (
        service.said(f"added {HOST_ROUTE.replace('121', 'guest-routes')}: deleted by dhclient") == CONFLICT_CHANGES + 2
    )
    # While this one waits, others don't.
    dhclient.say(DELETION)
    service.wait(lambda: HOST_ROUTE not in table(lab))
    began = time.monotonic()
    lab.ip("route", "delete", "198.51.100.0/24")
    service.wait(lambda: MORE in table(lab))
    assert time.monotonic() - began < 2  # the next repair of the other route waits 4 s
    (conflict,) = service.record["conflicts"]
    assert (conflict["destination"], conflict["times"] >= CONFLICT_CHANGES + 2) == ("11.11.0.0/16", True)
    service.wait(lambda: HOST_ROUTE in table(lab))
    shown = json.loads(lab.run("status", "--json").stdout)
    assert shown["service"]["conflicts"][0]["actor"].startswith("dhclient")
    assert service.said("conflict: ") == 1


@pytest.mark.parametrize("name, remedy", [
    ("systemd-networkd", "`[DHCPv4]` `UseGateway=no`"),
    ("NetworkManager", "ipv4.never-default yes"),
    ("dhclient", "leave routers out of"),
    ("dhcpcd", "`interface eth1` and below it `nogateway`"),
    ("some-vpn", "find the program"),
])  # fmt: skip
def test_a_second_default_that_keeps_coming_back(
    lab: Lab, start: Start, tmp_path: Path, programs: List[Program], name: str, remedy: str
) -> None:
    service = settled(lab, start, defaults="eth0")
    programs.append(Program(tmp_path, name))
    for number in range(CONFLICT_CHANGES):
        programs[0].say("route append default via 11.8.0.1 dev eth1 proto static")
        service.wait_said(f"removed default via 11.8.0.1 dev eth1 proto static: added by {name} (pid", number + 1)
    service.wait_said("conflict: ")
    (line,) = (line for line in service.log.splitlines() if "conflict: " in line)
    assert f"conflict: {name} (pid {programs[0].pid}" in line
    assert remedy in line and "changed the default route 5 times within 30 s" in line
    assert table(lab) == DOCUMENTED


def test_whoever_writes_the_same_route_is_in_no_conflict(
    lab: Lab, start: Start, tmp_path: Path, programs: List[Program]
) -> None:
    service = settled(lab, start)
    programs.append(Program(tmp_path, "NetworkManager"))
    theirs = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto static"
    for number in range(1, CONFLICT_CHANGES):
        programs[0].say(f"route append {theirs}")
        service.wait(lambda: theirs in table(lab) and HOST_ROUTE not in table(lab))
        programs[0].say(f"route delete {theirs}")
        service.wait(lambda: HOST_ROUTE in table(lab))

        def counted(number: int = number) -> bool:
            return bool(service.record["repairs"] == number)

        service.wait(counted, what=f"{number} repairs")
    assert service.said("another program's equal route is used") == CONFLICT_CHANGES - 1
    assert service.said("conflict: ") == 0


def test_a_shell_is_named(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    loop = (
        f"for n in {' '.join(map(str, range(CONFLICT_CHANGES)))}; do ip {DELETION}; "
        "until ip route show 11.11.0.0/16 | grep -q eth1; do sleep 0.01; done; done"
    )
    subprocess.run(["bash", "-c", loop], check=True, timeout=30)
    service.wait_said("conflict: ")
    (line,) = (line for line in service.log.splitlines() if "conflict: " in line)
    # `ip` may have ended before anybody could ask for its name.
    ended, found = "a process that has ended (pid ", ", started by bash"
    assert ended in line or (found in line and "a shell or a script" in line)


def test_many_conflicts_at_once_are_few_lines(lab: Lab, start: Start, tmp_path: Path, programs: List[Program]) -> None:
    destinations = [f"198.51.{number}.0/24" for number in range(20)]
    service = settled(lab, start, settings={"routes": [f"{one},11.8.0.1" for one in destinations]})
    service.wait(lambda: len(table(lab)) == len(DOCUMENTED) + 20)
    programs.append(Program(tmp_path, "dhcpcd"))
    for number in range(CONFLICT_CHANGES):
        repairs = service.record["repairs"]
        for destination in destinations:
            programs[0].say(f"route delete {destination}")
        want: Tuple[int, int] = (len(DOCUMENTED) + 20, repairs + 20)

        def made(want: Tuple[int, int] = want) -> bool:
            return (len(table(lab)), service.record["repairs"]) >= want

        service.wait(made, what=f"round {number}")
    service.wait_said("conflict: ")
    assert service.said("conflict: ") + service.said("more conflicts that began at the same time") < 20
