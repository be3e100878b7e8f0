"""The service as a process of its own on the real kernel: it repairs what others change."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Callable, List

import pytest

from tests.support.lab import MACS, Lab, document, write_document
from tests.support.passes import CONNECTED, DOCUMENTED, HOST_ROUTE, Watch, table
from tests.support.service import Start, one_nic, settled

SECOND = "default via 11.8.0.1 dev eth1 proto static"


@pytest.fixture(params=["rtnetlink", "pyroute2"])
def engine(request: pytest.FixtureRequest) -> str:
    """Both engines."""
    return str(request.param)


def table_is(lab: Lab, lines: List[str], family: int = 4) -> Callable[[], bool]:
    """For waiting."""
    return lambda: table(lab, family) == lines


# ---- 1 events ---------------------------------------------------------------------------------------


def test_the_documented_table_and_what_is_said_of_it(lab: Lab, start: Start, watch: Watch, engine: str) -> None:
    service = settled(lab, start, settings={"engine": engine})
    assert table(lab) == DOCUMENTED
    assert watch.fewest_defaults(0) == 0
    assert service.said("added 11.11.0.0/16 via 11.8.0.1 dev eth1") == 1
    assert service.said("removed default via 11.8.0.1 dev eth1") == 1
    assert (service.stop(), table(lab)) == (0, DOCUMENTED)


def test_what_others_delete_or_replace_is_back(lab: Lab, start: Start, watch: Watch, engine: str) -> None:
    service = settled(lab, start, settings={"engine": engine})
    watch.fewest_defaults(0)
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(table_is(lab, DOCUMENTED))
    service.wait_said("added 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes: deleted by")
    lab.ip("route", "replace", "11.11.0.0/16", "via", "10.65.0.1", "dev", "eth0", "proto", "121")
    service.wait(table_is(lab, DOCUMENTED))
    lab.ip("route", "delete", "11.11.0.0/16")
    lab.ip("route", "add", "11.11.0.0/16", "via", "11.8.0.1", "dev", "eth1", "proto", "121", "metric", "50")
    service.wait(table_is(lab, DOCUMENTED))
    assert watch.fewest_defaults(1) == 1
    service.wait(lambda: service.record["repairs"] >= 3)
    assert service.stop() == 0


def test_another_programs_route_in_place_of_ours_loses(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    lab.ip("route", "replace", "11.11.0.0/16", "via", "10.65.0.1", "dev", "eth0", "proto", "static")
    foreign = "11.11.0.0/16 via 10.65.0.1 dev eth0 proto static"
    service.wait(lambda: "dev eth1" in lab.ip("route", "get", "11.11.3.4"))
    assert foreign in table(lab)  # R5: never deleted


def test_ipv6_routes_are_back_too(lab: Lab, start: Start, engine: str) -> None:
    lab.nic("eth0", MACS[0], "10.65.0.7/24", "fd00:65::7/64", gateways=("10.65.0.1/24", "fd00:65::1/64"))
    lab.nic("eth1", MACS[1], "11.8.0.9/24", "fd00:8::9/64", gateways=("11.8.0.1/24", "fd00:8::1/64"))
    lab.metadata_server(document("dual-stack"))
    service = start(settings={"engine": engine})
    wanted = [
        "fd00:11:11::/48 via fd00:8::1 dev eth1 proto 121 metric 1023 pref medium",
        "default via fd00:65::1 dev eth0 proto 121 metric 1023 pref medium",
    ]

    def ours() -> List[str]:
        return [line for line in table(lab, 6) if "proto kernel" not in line]

    service.wait(lambda: ours() == wanted)
    lab.ip("-6", "route", "delete", "fd00:11:11::/48")
    lab.ip("-6", "route", "delete", "default")
    service.wait(lambda: ours() == wanted)
    other = "via fd00:65::1 dev eth0 proto 121 metric 1023".split()
    lab.ip("-6", "route", "replace", "fd00:11:11::/48", *other)
    # Made before the other one is taken away, hence one better.
    better = [wanted[0].replace("1023", "1022"), wanted[1]]
    service.wait(lambda: ours() == better)


@pytest.mark.parametrize("mode", ["enforce", "demote", "observe"])
def test_a_second_default_is_dealt_with_as_the_mode_says(lab: Lab, start: Start, watch: Watch, mode: str) -> None:
    service = settled(lab, start, defaults="eth0", settings={"default_mode": mode})
    watch.fewest_defaults(1)
    before, passes = table(lab), service.record["passes"]
    lab.ip("route", "append", "default", "via", "11.8.0.1", "dev", "eth1", "proto", "static")
    if mode == "enforce":
        service.wait_said("removed default via 11.8.0.1 dev eth1 proto static: added by")
        assert table(lab) == before
    elif mode == "demote":
        demoted = "default via 11.8.0.1 dev eth1 proto 121 metric 1000"
        service.wait(lambda: demoted in table(lab) and SECOND not in table(lab))
        assert "dev eth0" in lab.ip("route", "get", "192.0.2.1")
    else:
        # Whether the pass that saw the default came before the deletion or with it.
        lab.ip("route", "delete", "11.11.0.0/16")
        service.wait(lambda: HOST_ROUTE in table(lab) and service.record["passes"] > passes)
        assert SECOND in table(lab)
    assert watch.fewest_defaults(1) == 1


def test_a_vpns_default_stays(lab: Lab, start: Start) -> None:
    service = settled(lab, start, defaults="eth0")
    lab.nic("wg0", MACS[2])
    lab.ip("route", "append", "default", "dev", "wg0", "proto", "static")
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: HOST_ROUTE in table(lab))
    assert [line for line in table(lab) if line.startswith("default dev wg0")]


def test_a_nic_that_goes_down_and_up(lab: Lab, start: Start, watch: Watch) -> None:
    service = settled(lab, start)
    watch.fewest_defaults(1)
    lab.ip("link", "set", "eth1", "down")
    service.wait(lambda: HOST_ROUTE not in table(lab))
    lab.ip("link", "set", "eth1", "up")
    service.wait(table_is(lab, DOCUMENTED))
    assert watch.fewest_defaults(1) == 1
    lab.ip("link", "set", "eth0", "down")
    service.wait(lambda: "default via 11.8.0.1 dev eth1 proto 121" in table(lab))
    lab.ip("link", "set", "eth0", "up")
    service.wait(table_is(lab, ["default via 10.65.0.1 dev eth0 proto 121", *CONNECTED, HOST_ROUTE]))
    assert service.record["conflicts"] == []


def test_a_nic_that_loses_its_address(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    lab.ip("address", "del", "10.65.0.7/24", "dev", "eth0")
    service.wait(table_is(lab, ["default via 11.8.0.1 dev eth1 proto 121", *CONNECTED[1:], HOST_ROUTE]))
    lab.ip("address", "add", "10.65.0.7/24", "dev", "eth0")
    service.wait(table_is(lab, ["default via 10.65.0.1 dev eth0 proto 121", *CONNECTED, HOST_ROUTE]))
    lab.ip("address", "del", "11.8.0.9/24", "dev", "eth1")
    service.wait_said("11.8.0.1 is eth1's gateway, and eth1 has no IPv4 address (yet)")
    lab.ip("address", "add", "11.8.0.9/24", "dev", "eth1")
    service.wait(table_is(lab, ["default via 10.65.0.1 dev eth0 proto 121", *CONNECTED, HOST_ROUTE]))
    assert service.record["conflicts"] == []


def test_a_nic_that_is_renamed(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    lab.ip("link", "set", "eth1", "down")
    lab.ip("link", "set", "eth1", "name", "ens5")
    lab.ip("link", "set", "ens5", "up")
    service.wait(table_is(lab, [line.replace("eth1", "ens5") for line in DOCUMENTED]))


def test_a_nic_that_is_deleted_and_made_again(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    lab.ip("link", "delete", "eth1")
    service.wait(table_is(lab, DOCUMENTED[:2]))
    service.wait_said("not programmed: 11.11.0.0/16")
    # What is left is still kept right.
    lab.ip("route", "replace", "default", "via", "10.65.0.99", "dev", "eth0", "proto", "static")
    service.wait(lambda: "default via 10.65.0.1 dev eth0 proto 121" in table(lab), 8)
    lab.nic("eth1", MACS[1], "11.8.0.9/24", gateways=("11.8.0.1/24",))
    service.wait(lambda: HOST_ROUTE in table(lab), 8)


def test_a_nic_that_is_plugged_in_later(lab: Lab, start: Start) -> None:
    lab.nic("eth0", MACS[0], "10.65.0.7/24", gateways=("10.65.0.1/24",))
    lab.metadata_server(document("wrong-subnet"))
    service = start()
    service.wait(lambda: service.record.get("refreshed"))
    assert service.said("not programmed: 11.11.0.0/16,11.8.0.1") == 1
    assert HOST_ROUTE not in table(lab)
    refreshed = service.record["refreshed"]
    lab.nic("eth1", MACS[1], "11.8.0.9/24", gateways=("11.8.0.1/24",))
    service.wait(lambda: HOST_ROUTE in table(lab))
    service.wait(lambda: service.record["refreshed"] > refreshed, what="a refresh at once")


def test_a_nic_that_the_metadata_describes_a_little_later(lab: Lab, start: Start, tmp_path: Path) -> None:
    path = write_document(tmp_path / "network_data.json", one_nic())
    lab.nic("eth0", MACS[0], "10.65.0.7/24", gateways=("10.65.0.1/24",))
    lab.metadata_server(path)
    service = start()
    service.wait(lambda: service.record.get("refreshed"))
    refreshed = service.record["refreshed"]
    lab.nic("eth1", MACS[1], "11.8.0.9/24", gateways=("11.8.0.1/24",))
    service.wait(lambda: service.record["refreshed"] > refreshed, what="a refresh at once")
    new = tmp_path / "new.json"
    new.write_bytes(document("documented").read_bytes())
    new.replace(path)
    service.wait(lambda: HOST_ROUTE in table(lab))
    # The routes come first, the record after them.
    service.wait(lambda: service.record["next_refresh"] - service.record["refreshed"] > 200, what="no hurry")


def test_a_policy_rule_that_overrules_a_route_is_told(lab: Lab, start: Start) -> None:
    service = settled(lab, start)
    lab.ip("route", "add", "11.11.0.0/16", "via", "10.65.0.1", "dev", "eth0", "table", "99")
    lab.ip("rule", "add", "to", "11.11.0.0/16", "lookup", "99")
    service.wait_said("not programmed: 11.11.0.0/16: programmed, but")
    lab.ip("rule", "delete", "to", "11.11.0.0/16", "lookup", "99")
    service.wait(lambda: "not programmed" not in service.record["doing"])
    lab.ip("rule", "add", "to", "11.11.0.0/16", "lookup", "99")
    service.wait_said("not programmed: 11.11.0.0/16: programmed, but", times=2)


def test_lost_notifications_cause_a_pass(lab: Lab, start: Start, tmp_path: Path) -> None:
    service = settled(lab, start)
    service.signal(signal.SIGSTOP)
    flood = [f"route add 198.18.{n // 256}.{n % 256}/32 dev eth0 proto static\n" for n in range(3000)]
    batch = tmp_path / "batch"
    batch.write_text("".join(flood) + "route delete 11.11.0.0/16\n")
    lab.ip("-batch", str(batch))
    assert service.lost_notifications() > 0
    service.signal(signal.SIGCONT)
    service.wait(lambda: lab.ip("route", "show", "11.11.0.0/16"))
    assert len(table(lab)) == len(DOCUMENTED) + 3000


def test_nothing_happens_while_nothing_happens(lab: Lab, start: Start, watch: Watch) -> None:
    service = settled(lab, start)

    def switches() -> int:
        return int(service.status_of(service.pid)["voluntary_ctxt_switches"])

    service.wait(lambda: not service.children())
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(table_is(lab, DOCUMENTED))
    watch.changes()
    lab.hypervisor("sleep", "0.3")
    before = switches()
    lab.hypervisor("sleep", "1")
    assert switches() == before
    assert watch.changes() == []
