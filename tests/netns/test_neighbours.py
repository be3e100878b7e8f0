"""The service beside the real network managers of Debian 12: what they undo is right again at once, and stays so.

`pytest -s` prints the longest time that a default or the host route was wrong, by what was done to the manager.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import pytest

from tests.support.lab import Lab, document
from tests.support.managers import Managers
from tests.support.passes import Watch, table
from tests.support.service import Service, Start

pytestmark = pytest.mark.packages

QUIET_SECONDS = 2.0
"""Nothing may change for so long once it is right: no fight, no flapping."""
AGAIN_SECONDS = 8.0
"""A limit for what takes a second at most, on a machine that may be busy."""
Change = Tuple[str, Callable[[Managers], None]]


class Sampler:
    """Looks every 10 ms whether the routes are right, and remembers the longest time that they weren't."""

    def __init__(self, lab: Lab) -> None:
        self._lab, self._stop = lab, threading.Event()
        self.longest = 0.0
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        since = 0.0
        while not self._stop.wait(0.01):
            now = time.monotonic()
            if right(self._lab) or not configured(self._lab):
                since = 0.0
                continue
            since = since or now
            self.longest = max(self.longest, now - since)

    def end(self) -> float:
        """The longest time, in seconds."""
        self._stop.set()
        self._thread.join()
        return self.longest


def configured(lab: Lab) -> bool:
    """Whether the manager lets both NICs have their addresses: without them nobody can program a route."""
    return lab.ip("-4", "-o", "address", "show", "up", "scope", "global").count("/24") == 2


def right(lab: Lab) -> bool:
    """One default, by eth0, and the documented remote host by eth1; what loses against ours may stay (R5)."""
    defaults = [line for line in lab.routes() if line.startswith("default")]
    if len(defaults) != 1 or " dev eth0" not in defaults[0]:
        return False
    way = subprocess.run(["ip", "route", "get", "11.11.3.4"], text=True, capture_output=True)
    return way.returncode == 0 and " via 11.8.0.1 dev eth1 " in way.stdout


def restart(name: str, again: Callable[[Managers], object]) -> Callable[[Managers], None]:
    """Ends the manager as its service manager would, and starts it again."""

    def change(managers: Managers) -> None:
        managers.stop(name)
        again(managers)

    return change


def commands(*lines: str) -> Callable[[Managers], None]:
    """Runs these, one after the other."""

    def change(managers: Managers) -> None:
        for line in lines:
            managers.run(*line.split(), check=False)

    return change


NETWORKD: List[Change] = [
    ("networkctl renew", commands("networkctl renew eth0 eth1")),
    ("networkctl reload", commands("networkctl reload")),
    ("networkctl reconfigure", commands("networkctl reconfigure eth0 eth1")),
    ("restart", restart("networkd", Managers.networkd)),
]
DEEDS: Dict[str, List[Change]] = {
    "networkd": NETWORKD,
    "netplan": NETWORKD,
    "networkmanager": [
        ("nmcli device reapply", commands("nmcli device reapply eth0", "nmcli device reapply eth1")),
        ("nmcli device disconnect, connect", commands("nmcli device disconnect eth1", "nmcli device connect eth1")),
        ("restart", restart("NetworkManager", Managers.networkmanager)),
    ],
    "ifupdown": [
        ("ifdown, ifup eth1", commands("ifdown eth1", "ifup eth1")),
        ("ifdown, ifup eth0", commands("ifdown eth0", "ifup eth0")),
    ],
}


def settle(lab: Lab, service: Service, watch: Watch) -> None:
    """Waits until the routes are right, and have been left alone for QUIET_SECONDS."""
    deadline = time.monotonic() + 40
    while True:
        service.wait(lambda: configured(lab) and right(lab), 30, "\n".join(table(lab)))
        watch.changes()
        time.sleep(QUIET_SECONDS)
        moved = [one for one in watch.changes() if one.family == 2 and one.length in (0, 16) and one.table == 254]
        if not moved and right(lab):
            return
        assert time.monotonic() < deadline, f"it doesn't come to rest: {moved}\n{service.log}"


@pytest.mark.parametrize("case", ["documented", "wrong-subnet"])
@pytest.mark.parametrize("form", ["static", "DHCP"])
@pytest.mark.parametrize("manager", sorted(DEEDS))
def test_what_a_manager_undoes_is_right_again(
    lab: Lab, managers: Managers, start: Start, watch: Watch, manager: str, form: str, case: str
) -> None:
    managers.render("dhcp" if form == "DHCP" else case, manager)
    if form == "DHCP":  # the host route comes with option 121
        managers.dhcp_server("eth0" if case == "wrong-subnet" else "eth1")
    lab.metadata_server(document(case))
    managers.bring_up(manager)
    service = start(settings={"refresh_seconds": 300})
    settle(lab, service, watch)
    for name, change in DEEDS[manager]:
        sampler = Sampler(lab)
        try:
            change(managers)
            settle(lab, service, watch)
        finally:
            longest = sampler.end()
        print(f"\n{manager}, {form}, {case}, {name}: {longest * 1000:.0f} ms")
        assert longest < AGAIN_SECONDS
    assert service.record["conflicts"] == [], service.log


def test_networkd_is_named_though_systemd_made_its_socket(lab: Lab, managers: Managers, start: Start) -> None:
    managers.render("documented", "networkd")
    lab.metadata_server(document("documented"))
    managers.networkd(activated=True)
    service = start(settings={"refresh_seconds": 300})
    service.wait(lambda: right(lab))
    managers.run("networkctl", "reconfigure", "eth1")
    service.wait_said("removed default via 11.8.0.1 dev eth1 proto static: added by systemd-networkd (pid ", seconds=30)


def default_nics_6(lab: Lab) -> List[str]:
    """The NICs of IPv6's defaults."""
    return sorted(set(re.findall(r"^\s*(?:default|nexthop) .*?dev (\S+)", lab.ip("-6", "route"), re.MULTILINE)))


@pytest.mark.parametrize("manager", ["networkd", "networkmanager", "ifupdown"])
def test_the_default_that_each_advertisement_brings_back(
    lab: Lab, managers: Managers, start: Start, tmp_path: Path, manager: str
) -> None:
    value = json.loads(document("dual-stack").read_text())
    for network in value["networks"]:
        network["type"] = network["type"].replace("ipv6", "ipv6_slaac")
    (tmp_path / "network_data.json").write_text(json.dumps(value))
    managers.render(json.dumps(value), manager)
    lab.metadata_server(tmp_path / "network_data.json")
    managers.routers()
    managers.bring_up(manager)
    service = start(settings={"refresh_seconds": 300})
    service.wait_said("removed default via fe80::", times=3, seconds=120)
    service.wait(lambda: default_nics_6(lab) == ["eth0"] and right(lab))
    assert service.record["conflicts"] == [], service.log
