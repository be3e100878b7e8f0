"""R20: copies of host routes through the wrong NIC, as DHCP clients make them of option 121."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from tests.support.lab import Lab, document, write_document
from tests.support.passes import DOCUMENTED, HOST_ROUTE, documented, run, table, valid_json
from tests.support.service import Start, settled

FILE = f"--metadata {document('documented')}"
COPIES = ("11.8.0.1 dev eth0 proto dhcp scope link", "11.11.0.0/16 via 11.8.0.1 dev eth0 proto dhcp")
BY_HOOK = tuple(copy.replace(" proto dhcp", "") for copy in COPIES)
"""As dhclient's and udhcpc's scripts make them: of protocol boot."""
LEASE = """lease {
  interface "eth0";
  fixed-address 10.65.0.7;
  option rfc3442-classless-static-routes 16,11,11,11,8,0,1,0,10,65,0,1;
  option routers 10.65.0.1;
  renew 4 2037/01/01 00:00:00;
  expire 4 2037/01/01 00:00:00;
}
"""


@pytest.fixture(params=["rtnetlink", "pyroute2"])
def engine(request: pytest.FixtureRequest) -> str:
    """Both engines."""
    return f"--engine {request.param}"


def copied(lab: Lab, copies: Any = COPIES, *more: str) -> List[str]:
    """The documented NICs with copies through eth0; the table."""
    documented(lab, "eth0")
    for copy in copies:
        lab.ip("route", "add", *copy.split(), *more)
    return table(lab)


def leased(text: str = LEASE) -> None:
    """dhclient's lease of eth0."""
    folder = Path("/var/lib/dhcp")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dhclient.eth0.leases").write_text(text)


@pytest.mark.parametrize("metric", ["", "metric 100"])
def test_they_go_are_recorded_and_come_back(lab: Lab, engine: str, metric: str) -> None:
    before = copied(lab, COPIES, *metric.split())
    ran = run(lab, f"sync {FILE} {engine}")
    assert ran.code == 0, ran
    assert "a copy of 11.11.0.0/16,11.8.0.1 through the wrong NIC" in ran.out
    assert "`guest-routes withdraw` restores it" in ran.out
    assert table(lab) == DOCUMENTED
    assert "nothing to do" in run(lab, f"sync {FILE} {engine}").out
    assert run(lab, f"withdraw {engine}").code == 0
    assert table(lab) == before


def test_ours_in_front_of_them_already(lab: Lab, engine: str) -> None:
    copied(lab)
    lab.ip("route", "prepend", *HOST_ROUTE.split())
    assert run(lab, f"plan --check {FILE} {engine}").code == 3
    run(lab, f"sync {FILE} {engine}")
    assert table(lab) == DOCUMENTED


def test_the_way_to_a_gateway_that_two_nics_share_is_no_copy(lab: Lab, tmp_path: Path, engine: str) -> None:
    """As Calico has it: 169.254.1.1 is on the link of each NIC."""
    value = json.loads(document("documented").read_text())
    for n, own in enumerate(("10.65.0.7", "11.8.0.9")):
        lab.nic(f"eth{n}", value["links"][n]["ethernet_mac_address"], f"{own}/32", gateways=("169.254.1.1/32",))
        for line in ("169.254.1.1", "default via 169.254.1.1"):
            lab.ip("route", "append", *line.split(), "dev", f"eth{n}", "proto", "dhcp", "metric", f"10{n}")
        value["networks"][n]["netmask"] = "255.255.255.255"
        for entry in value["networks"][n]["routes"]:
            entry["gateway"] = "169.254.1.1"
    value["networks"][0]["routes"] += value["networks"][1]["routes"][1:]
    write_document(tmp_path / "network_data.json", value)
    ran = run(lab, f"sync --metadata {tmp_path / 'network_data.json'} {engine}")
    assert "through the wrong NIC" not in ran.out, ran
    assert "169.254.1.1 dev eth1 proto dhcp scope link metric 101" in table(lab)


def test_observe_only_reports_them(lab: Lab, engine: str) -> None:
    before = copied(lab)
    for command in ("sync", "plan"):
        ran = run(lab, f"{command} {FILE} {engine} --default-mode observe")
        assert ran.code == 0
        assert "? 11.8.0.1 dev eth0 proto dhcp scope link" in ran.out
        assert "it stays, as `default_mode` says" in ran.out
    assert [line for line in before if line not in table(lab)] == []
    assert HOST_ROUTE in table(lab)


def test_those_of_scripts_are_known_by_the_lease(lab: Lab, engine: str) -> None:
    before = copied(lab, BY_HOOK)
    leased()
    run(lab, f"sync {FILE} {engine}")
    assert table(lab) == DOCUMENTED
    run(lab, f"withdraw {engine}")
    assert table(lab) == before


def test_the_json_names_them(lab: Lab) -> None:
    copied(lab)
    value = valid_json("sync", lab.run("sync", *FILE.split(), "--json"))
    operations = [(one["operation"], one["route"]["text"]) for one in value["changes"]]
    assert ("remove-copy", COPIES[1]) in operations and ("remove-copy", COPIES[0]) in operations
    value = valid_json("withdraw", lab.run("withdraw", "--json"))
    assert ("restore-copy", COPIES[1]) in [(one["operation"], one["route"]["text"]) for one in value["changes"]]


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        (BY_HOOK, "nobody's lease lists them: an operator's"),
        (("11.8.0.1 dev eth0 proto dhcp scope link", "11.12.0.0/16 via 11.8.0.1 dev eth0 proto dhcp"), "no host route"),
        (("11.11.0.0/16 via 10.65.0.99 dev eth0 proto dhcp metric 50",), "another next hop"),
        (("11.11.0.0/16 dev eth0 proto dhcp scope link metric 50",), "on link"),
    ],
)
def test_others_stay(lab: Lab, kept: Any, why: str) -> None:
    copied(lab, kept)
    run(lab, f"sync {FILE}")
    there = table(lab)
    rest = [route for route in kept if route not in there]
    assert rest in ([], ["11.8.0.1 dev eth0 proto dhcp scope link"]), why


@pytest.mark.parametrize("front", ["metric 0", "metric 100"])
def test_those_of_a_static_profile_are_an_operators(lab: Lab, engine: str, front: str) -> None:
    """NetworkManager makes them of a keyfile, cloud-init's or an operator's: nothing in the table tells whose it was.

    Ours wins, whichever came last; `guest-routes correct` takes them out of what cloud-init rendered.
    """
    documented(lab, "eth0")
    static = [copy.replace("proto dhcp", "proto static") + f" {front}" for copy in COPIES]
    for route in static:
        lab.ip("route", "add", *route.split())
    before = table(lab)
    ran = run(lab, f"sync {FILE} {engine}")
    assert ran.code == 0, ran
    assert "wins over 11.11.0.0/16 via 11.8.0.1 dev eth0 proto static" in ran.out
    assert "dev eth1" in lab.ip("route", "get", "11.11.3.4")
    assert [line for line in before if line not in table(lab)] == []
    # As the limits say: the gateway's own address.
    assert "dev eth0" in lab.ip("route", "get", "11.8.0.1")
    lab.ip("route", "del", *static[1].split())
    lab.ip("route", "prepend", *static[1].split())
    run(lab, f"sync {FILE} {engine}")
    assert "dev eth1" in lab.ip("route", "get", "11.11.3.4")
    assert run(lab, f"withdraw {engine}").code == 0
    assert table(lab) == before


def test_where_the_nic_reaches_the_next_hop_it_is_no_copy(lab: Lab) -> None:
    documented(lab, "eth0")
    lab.ip("address", "add", "11.8.0.77/24", "dev", "eth0")
    lab.ip("route", "add", "11.11.0.0/16", "via", "11.8.0.1", "dev", "eth0", "proto", "dhcp", "metric", "9")
    run(lab, f"sync {FILE}")
    assert "11.11.0.0/16 via 11.8.0.1 dev eth0 proto dhcp metric 9" in table(lab)


def test_a_partial_document_takes_none_away(lab: Lab, tmp_path: Path) -> None:
    copied(lab)
    run(lab, f"sync {FILE}")
    for copy in COPIES:
        lab.ip("route", "append", *copy.split())
    value: Dict[str, Any] = json.loads(document("documented").read_text())
    del value["links"][1], value["networks"][1]
    run(lab, f"sync --metadata {write_document(tmp_path / 'half.json', value)}")
    assert [copy for copy in COPIES if copy not in table(lab)] == []


def renew() -> None:
    """As a DHCP client does; the service may take the one away before the other is made."""
    lines = "".join(f"route append {copy}\n" for copy in COPIES)
    subprocess.run(["ip", "-force", "-batch", "-"], input=lines, text=True, capture_output=True, check=False)


def test_renewals_under_the_service_are_no_fight(lab: Lab, start: Start) -> None:
    """A client that makes them anew gets a pass each time; one that never ends gets longer and longer pauses."""
    service = settled(lab, start, defaults="eth0")
    for _ in range(3):
        renew()
        service.wait(lambda: table(lab) == DOCUMENTED)
    passes, until = service.record["passes"], time.monotonic() + 6
    while time.monotonic() < until:
        if COPIES[0] not in table(lab):
            renew()
        time.sleep(0.02)
    assert service.record["passes"] - passes < 25
    assert service.record["conflicts"]
    assert "dev eth1" in lab.ip("route", "get", "11.11.3.4")
