"""The commands on the real kernel: the documented table, what is left alone, what is said."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest

from tests.support.lab import MACS, Lab, document, write_document
from tests.support.passes import (
    CONNECTED,
    DOCUMENTED,
    HOST_ROUTE,
    Watch,
    documented,
    run,
    table,
    valid_json,
)

FILE = f"--metadata {document('documented')}"
OURS = [HOST_ROUTE]


@pytest.fixture(params=["rtnetlink", "pyroute2"])
def engine(request: pytest.FixtureRequest) -> str:
    """Both engines."""
    return f"--engine {request.param}"


@pytest.fixture
def watch(lab: Lab) -> Iterator[Watch]:
    """What the kernel says about its routes during the test."""
    made = Watch()
    yield made
    made.close()


def many_routes(path: Path, count: int, first: int = 0) -> str:
    """`--metadata` with the documented NICs and this many host routes through eth1."""
    value: Dict[str, Any] = json.loads(document("documented").read_text())
    value["networks"][1]["routes"][1:] = [
        {"network": f"172.16.{number}.0", "netmask": "255.255.255.0", "gateway": "11.8.0.1"}
        for number in range(first, first + count)
    ]
    return f"--metadata {write_document(path / 'many.json', value)}"


def many_lines(count: int, first: int = 0) -> List[str]:
    """The same in the table."""
    return [f"172.16.{number}.0/24 via 11.8.0.1 dev eth1 proto 121" for number in range(first, first + count)]


def wait_for_carrier(lab: Lab, nic: str) -> None:
    """Takes a NIC up, and waits until it runs."""
    lab.ip("link", "set", nic, "up")
    deadline = time.monotonic() + 5
    while "state UP" not in lab.ip("link", "show", nic):
        assert time.monotonic() < deadline
        time.sleep(0.005)


# ---- the documented example -------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["documented", "wrong-subnet"])
def test_the_documented_table_over_http(lab: Lab, engine: str, case: str) -> None:
    documented(lab)
    lab.metadata_server(document(case))
    ran = run(lab, f"sync {engine}")
    assert (ran.code, ran.err) == (0, "")
    assert table(lab) == DOCUMENTED
    assert "done, verified: 1 added, 1 removed, 1 route in place" in ran.out
    assert "metadata: http://169.254.169.254 through eth" in ran.out or "fe80::a9fe:a9fe" in ran.out


@pytest.mark.parametrize("defaults", ["eth0 eth1", "eth1 eth0", "eth0", "eth1", ""])
@pytest.mark.parametrize("case", ["documented", "wrong-subnet"])
def test_the_documented_table_whatever_defaults_there_were(lab: Lab, engine: str, case: str, defaults: str) -> None:
    before = documented(lab, defaults)
    assert len(before) == 2 + len(defaults.split())
    ran = run(lab, f"sync {engine} --metadata {document(case)}")
    assert (ran.code, ran.err) == (0, "")
    by = "static" if "eth0" in defaults else "121"
    assert table(lab) == [f"default via 10.65.0.1 dev eth0 proto {by}", *CONNECTED, HOST_ROUTE]


def test_packets_leave_by_the_nic_that_the_next_hop_names(lab: Lab) -> None:
    documented(lab)

    def by_nic(count: int = 200) -> Dict[str, bool]:
        """Which taps most of so many packets to the documented remote host came out of."""

        def received(nic: str) -> int:
            shown = json.loads(lab.hypervisor("ip", "-j", "-s", "link", "show", f"tap-{nic}"))
            return int(shown[0]["stats64"]["rx"]["packets"])

        nics = ("eth0", "eth1")
        before = {nic: received(nic) for nic in nics}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(count):
                sender.sendto(b"x", ("11.11.3.4", 9))
        return {nic: received(nic) - before[nic] >= count for nic in nics}

    assert by_nic() == {"eth0": True, "eth1": False}
    assert run(lab, f"sync {FILE}").code == 0
    assert by_nic() == {"eth0": False, "eth1": True}


def test_both_families(lab: Lab, engine: str) -> None:
    lab.nic("eth0", MACS[0], "10.65.0.7/24", "fd00:65::7/64", gateways=("10.65.0.1/24", "fd00:65::1/64"))
    lab.nic("eth1", MACS[1], "11.8.0.9/24", "fd00:8::9/64", gateways=("11.8.0.1/24", "fd00:8::1/64"))
    for gateway, nic in (("fd00:65::1", "eth0"), ("fd00:8::1", "eth1")):
        lab.ip("-6", "route", "append", "default", "via", gateway, "dev", nic, "proto", "static", "metric", "1024")
    assert [line.strip() for line in table(lab, 6)][-2:] == [
        "nexthop via fd00:65::1 dev eth0 weight 1",
        "nexthop via fd00:8::1 dev eth1 weight 1",
    ]
    assert run(lab, f"sync {engine} --metadata {document('dual-stack')}").code == 0
    assert table(lab) == ["default via 10.65.0.1 dev eth0 proto 121", *CONNECTED, HOST_ROUTE]
    wanted = [
        "fd00:11:11::/48 via fd00:8::1 dev eth1 proto 121 metric 1023 pref medium",
        "default via fd00:65::1 dev eth0 proto static metric 1024 pref medium",
    ]
    assert [line for line in table(lab, 6) if "proto kernel" not in line] == wanted


def test_a_next_hop_that_is_no_gateway_is_named_with_what_mends_it(lab: Lab, engine: str) -> None:
    documented(lab)
    ran = run(lab, f"sync {engine} --metadata {document('not-a-gateway')}")
    assert ran.code == 5
    assert "! 11.11.0.0/16,11.8.0.99 (networks[1].routes[1])" in ran.out
    assert "11.8.0.99 is in eth1's subnet 11.8.0.0/24, but its gateway is 11.8.0.1" in ran.out
    said = lab.run("plan", "--metadata", str(document("not-a-gateway"))).stdout
    assert "openstack subnet set --host-route destination=11.11.0.0/16,gateway=11.8.0.1 $SUBNET" in said
    network = "ca2aea54-8dde-56a3-bc2f-960ef553d79b"
    assert f"SUBNET=$(openstack subnet list --network {network} --subnet-range 11.8.0.0/24 -f value -c ID)" in said
    assert table(lab) == DOCUMENTED[:-1]


def test_metadata_that_omits_routes_because_of_dhcp(lab: Lab, engine: str) -> None:
    documented(lab)
    ran = run(lab, f"sync {engine} --metadata {document('dhcp')} --routes 11.11.0.0/16,11.8.0.1")
    assert ran.code == 0
    assert "the metadata omits eth0's routes (networks[0], type ipv4_dhcp; Nova 27.3 and later omit routes" in ran.err
    assert "of DHCP subnets); using the kernel's default route" in ran.err
    assert table(lab) == DOCUMENTED


def test_a_second_pass_writes_nothing(lab: Lab, engine: str, watch: Watch) -> None:
    documented(lab, "eth1")
    assert run(lab, f"sync {engine} {FILE}").code == 0
    assert watch.changes()
    ran = run(lab, f"sync {engine} {FILE}")
    assert (ran.code, watch.changes()) == (0, [])
    assert ran.out.startswith("nothing to do: 2 routes in place")


# ---- what is left alone -----------------------------------------------------------------------------


def test_foreign_routes_stay_byte_for_byte(lab: Lab, engine: str) -> None:
    documented(lab)
    foreign = (
        "192.0.2.0/24 via 10.65.0.9 dev eth0 proto bird metric 20",
        "192.0.2.0/24 via 11.8.0.9 dev eth1 proto static metric 30 mtu 1400",
        "blackhole 198.51.100.0/24 proto static",
        "11.11.0.0/16 via 10.65.0.1 dev eth0 proto static metric 50 advmss 1000",
        "11.11.3.0/24 via 11.8.0.77 dev eth1 proto dhcp src 11.8.0.9",
        "203.0.113.0/24 proto static nexthop via 10.65.0.1 dev eth0 weight 2 nexthop via 11.8.0.1 dev eth1 weight 1",
    )
    for line in foreign:
        lab.ip("route", "add", *line.replace("via 11.8.0.9 ", "via 11.8.0.8 ").split())
    lab.ip("route", "add", "11.11.0.0/16", "via", "10.65.0.1", "table", "77")
    before, other = table(lab), lab.routes(table="77")
    assert run(lab, f"sync {engine} {FILE}").code == 0
    after = table(lab)
    assert HOST_ROUTE in after
    dropped = "default via 11.8.0.1 dev eth1 proto static"
    assert [line for line in after if line != HOST_ROUTE] == [line for line in before if line != dropped]
    assert lab.routes(table="77") == other
    assert run(lab, f"withdraw {engine}").code == 0
    assert table(lab) == before


def test_copies_through_the_wrong_nic_lose_and_go(lab: Lab, engine: str) -> None:
    lab.documented_nics()
    copies = [
        "11.8.0.1 dev eth0 proto dhcp scope link metric 100",
        "11.11.0.0/16 via 11.8.0.1 dev eth0 proto dhcp metric 100",
        "default via 10.65.0.1 dev eth0 proto dhcp metric 100",
        "default via 11.8.0.1 dev eth1 proto dhcp metric 101",
    ]
    for line in copies:
        lab.ip("route", "add", *line.split())
    assert " dev eth0 " in lab.ip("route", "get", "11.11.3.4")
    assert run(lab, f"sync {engine} {FILE}").code == 0
    assert "via 11.8.0.1 dev eth1 " in lab.ip("route", "get", "11.11.3.4")
    assert [line for line in copies if line in table(lab)] == copies[2:3]
    assert sum(line.startswith("default") for line in table(lab)) == 1


def test_a_vpns_default_survives(lab: Lab, engine: str) -> None:
    documented(lab)
    lab.nic("vpn0", "02:00:00:00:00:09", "10.99.0.2/24", gateways=("10.99.0.1/24",))
    lab.ip("route", "add", "default", "via", "10.99.0.1", "dev", "vpn0", "metric", "50")
    assert run(lab, f"sync {engine} {FILE}").code == 0
    defaults = [line for line in table(lab) if line.startswith("default")]
    assert defaults == [DOCUMENTED[0], "default via 10.99.0.1 dev vpn0 metric 50"]
    lab.ip("route", "del", "default", "dev", "eth0")
    assert run(lab, f"sync {engine} {FILE}").code == 5
    assert lab.ip("route", "get", "8.8.8.8").startswith("8.8.8.8 via 10.99.0.1 dev vpn0 ")
    assert "default via 10.65.0.1 dev eth0 proto 121 metric 51" in table(lab)


# ---- NICs that come and go --------------------------------------------------------------------------


def test_a_nic_that_is_down_then_up(lab: Lab) -> None:
    documented(lab)
    lab.ip("link", "set", "eth1", "down")
    ran = run(lab, f"sync {FILE}")
    assert ran.code == 5
    assert "11.8.0.1 is eth1's gateway, and eth1 is down; `ip link set dev eth1 up` fixes it" in ran.out
    lab.ip("link", "set", "eth1", "up")
    assert run(lab, f"sync {FILE}").code == 0
    assert table(lab) == DOCUMENTED


def test_a_nic_without_an_address_carries_nothing(lab: Lab, engine: str) -> None:
    """DHCP that never brings the first NIC an address must not cost the machine the default that works."""
    documented(lab, "eth1")
    lab.ip("address", "del", "10.65.0.7/24", "dev", "eth0")
    ran = run(lab, f"sync {engine} {FILE}")
    assert ran.code == 0
    assert "eth0 has no IPv4 address (yet)" in ran.out
    assert table(lab) == ["default via 11.8.0.1 dev eth1 proto static", DOCUMENTED[2], DOCUMENTED[3]]
    lab.ip("address", "del", "11.8.0.9/24", "dev", "eth1")
    value = valid_json("sync", lab.run("sync", "--json", *engine.split(), *FILE.split()))
    assert [one["kind"] for one in value["unresolved"]] == ["no-address"]
    assert table(lab) == []


def test_a_nic_that_is_missing_then_appears(lab: Lab) -> None:
    lab.nic("eth0", MACS[0], "10.65.0.7/24", gateways=("10.65.0.1/24",))
    ran = run(lab, f"sync {FILE}")
    assert ran.code == 5
    assert "the gateway of the NIC with MAC fa:16:3e:00:00:02, which is not present (yet)" in ran.out
    lab.nic("other7", MACS[1], "11.8.0.9/24", gateways=("11.8.0.1/24",))
    assert run(lab, f"sync {FILE}").code == 0
    assert "11.11.0.0/16 via 11.8.0.1 dev other7 proto 121" in table(lab)


def test_the_default_follows_the_nics_that_are_up(lab: Lab) -> None:
    documented(lab)
    lab.ip("link", "set", "eth0", "down")
    assert run(lab, f"sync {FILE}").code == 0
    assert table(lab)[0] == "default via 11.8.0.1 dev eth1 proto static"
    wait_for_carrier(lab, "eth0")
    assert run(lab, f"sync {FILE}").code == 0
    assert table(lab) == ["default via 10.65.0.1 dev eth0 proto 121", *CONNECTED, HOST_ROUTE]


# ---- withdrawal: R6 ---------------------------------------------------------------------------------


def test_a_shrunken_document_withdraws_after_three_agreeing_passes(lab: Lab, tmp_path: Path) -> None:
    documented(lab, "eth0")
    assert run(lab, f"sync {many_routes(tmp_path, 12)}").code == 0
    twelve = [DOCUMENTED[0], *CONNECTED, *many_lines(12)]
    assert table(lab) == twelve
    few = many_routes(tmp_path, 1)
    for _ in range(2):
        ran = run(lab, f"sync {few}")
        assert ran.code == 0
        assert "11 of our 12 routes would go at once; 11 routes of ours stay until 3 fetches in a row agree" in ran.err
        assert table(lab) == twelve
    ran = run(lab, f"sync {few}")
    assert (ran.code, ran.err) == (0, "")
    assert table(lab) == [DOCUMENTED[0], *CONNECTED, *many_lines(1)]


def test_an_interrupted_row_of_agreeing_passes_starts_anew(lab: Lab, tmp_path: Path) -> None:
    documented(lab, "eth0")
    whole = many_routes(tmp_path, 12)
    assert run(lab, f"sync {whole}").code == 0
    for first in (20, 40, 20):
        assert run(lab, f"sync {many_routes(tmp_path, 1, first)}").code == 0
    assert set(many_lines(12)) <= set(table(lab))


def test_accept_withdrawals_withdraws_at_once(lab: Lab, tmp_path: Path) -> None:
    documented(lab, "eth0")
    run(lab, f"sync {many_routes(tmp_path, 12)}")
    few = many_routes(tmp_path, 1)
    assert "11 to remove" not in run(lab, f"plan {few}").out
    assert "11 to remove" in run(lab, f"plan {few} --accept-withdrawals").out
    assert run(lab, f"sync {few} --accept-withdrawals").code == 0
    assert table(lab) == [DOCUMENTED[0], *CONNECTED, *many_lines(1)]


def test_a_smaller_change_is_believed_at_once(lab: Lab, tmp_path: Path) -> None:
    documented(lab, "eth0")
    run(lab, f"sync {many_routes(tmp_path, 12)}")
    assert run(lab, f"sync {many_routes(tmp_path, 12, 4)}").code == 0
    assert table(lab) == [DOCUMENTED[0], *CONNECTED, *many_lines(12, 4)]


def test_an_empty_document_withdraws_nothing(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    run(lab, f"sync {FILE}")
    ran = run(lab, f"sync --metadata {write_document(tmp_path / 'empty.json', {})}")
    assert ran.code == 4
    assert "it has no networks" in ran.err and "1 route of ours stays" in ran.err
    assert table(lab) == DOCUMENTED


# ---- last known good: R10 ---------------------------------------------------------------------------


def test_the_last_known_good_serves_while_the_service_is_away(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    server = lab.metadata_server(document("documented"))
    run(lab, "sync")
    lab.stop(server)
    lab.ip("route", "del", "11.11.0.0/16")
    ran = run(lab, "sync --deadline-seconds 0.5")
    assert ran.code == 0
    assert "metadata: last known good (from http://" in ran.out
    assert table(lab) == DOCUMENTED


def test_the_last_known_good_of_another_instance_is_refused(lab: Lab) -> None:
    before = documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    assert run(lab, "withdraw").code == 0
    for nic in ("eth0", "eth1"):
        lab.ip("link", "set", nic, "address", f"02:00:00:00:00:0{nic[-1]}")
    ran = run(lab, "sync --deadline-seconds 0.5")
    assert ran.code == 4
    assert (
        "is not of this instance: it describes fa:16:3e:00:00:01, fa:16:3e:00:00:02, which no NIC here has" in ran.err
    )
    assert table(lab) == before


# ---- plan, explain, status --------------------------------------------------------------------------


def test_plan_changes_nothing_and_check_tells(lab: Lab, watch: Watch) -> None:
    before = documented(lab)
    watch.changes()
    ran = run(lab, f"plan {FILE}")
    assert ran.code == 0
    assert "+ 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes" in ran.out
    assert "- default via 11.8.0.1 dev eth1 proto static" in ran.out
    assert "would change: 1 to add, 1 to remove" in ran.out
    assert run(lab, f"plan --check {FILE}").code == 3
    assert (table(lab), watch.changes()) == (before, [])
    assert not Path("/var/lib/guest-routes").exists()
    run(lab, f"sync {FILE}")
    assert run(lab, f"plan --check {FILE}").code == 0


def test_explain_names_nic_rule_place_and_the_kernels_way(lab: Lab) -> None:
    documented(lab)
    case = f"--metadata {document('wrong-subnet')}"
    ran = run(lab, f"explain 11.11.3.4 {case}")
    assert ran.code == 1
    assert ran.out.startswith("11.11.3.4 should leave by eth1, via 11.8.0.1")
    assert "kernel now via 10.65.0.1 dev eth0 (NOT as wanted; `guest-routes sync` fixes it)" in ran.out
    run(lab, f"sync {case}")
    for asked in ("11.11.3.4", "11.11.0.0/16", "11.11.128.0/17"):
        out = run(lab, f"explain {asked} {case}").out
        assert "rule 11.8.0.1 is eth1's gateway (networks[1].routes[0])" in out
        assert (
            'listed at networks[0].routes[1] {"network": "11.11.0.0", "netmask": "255.255.0.0", "gateway": "11.8.0.1"}'
            in out
        )
        assert "NIC eth1 (fa:16:3e:00:00:02)" in out
        assert "state in place, ours" in out
        assert "kernel now via 11.8.0.1 dev eth1 (as wanted)" in out


@pytest.mark.parametrize(
    ("asked", "said", "kernel"),
    [
        ("8.8.8.8", "8.8.8.8 should leave by eth0, via 10.65.0.1", "via 10.65.0.1 dev eth0 (as wanted)"),
        ("10.65.0.9", "10.65.0.9 should leave by eth0 route 10.65.0.0/24 dev eth0", "dev eth0 (as wanted)"),
        ("10.65.0.7", "10.65.0.7 is this machine's own address", "dev lo (this machine itself)"),
        ("11.11.9.9", "11.11.9.9 should leave by eth0, via 10.65.0.66 route 11.11.9.0/24", "dev eth0 (as wanted)"),
        ("fd00::1", "fd00::1: no host route covers it", "Network is unreachable (no route of ours decides)"),
    ],
)
def test_explain_of_what_no_host_route_decides(lab: Lab, asked: str, said: str, kernel: str) -> None:
    documented(lab)
    lab.ip("route", "add", "11.11.9.0/24", "via", "10.65.0.66", "dev", "eth0")
    run(lab, f"sync {FILE}")
    ran = run(lab, f"explain {asked} {FILE}")
    assert ran.code == (1 if asked == "fd00::1" else 0)
    assert ran.out.startswith(said)
    assert kernel in ran.out


def test_explain_and_sync_when_a_policy_rule_overrules_the_table(lab: Lab) -> None:
    documented(lab)
    lab.ip("route", "add", "default", "via", "10.65.0.1", "dev", "eth0", "table", "77")
    lab.ip("rule", "add", "to", "11.11.0.0/16", "lookup", "77", "priority", "100")
    ran = run(lab, f"sync {FILE}")
    assert ran.code == 5
    assert "11.11.0.0/16 programmed, but default via 10.65.0.1 dev eth0 table 77" in ran.out
    assert "wins by rule 100 (`ip rule`)" in ran.out
    assert "the kernel sends 11.11.0.1 via 10.65.0.1 dev eth0 (table 77)" in ran.out
    out = run(lab, f"explain 11.11.3.4 {FILE}").out
    assert "NOT as wanted: default via 10.65.0.1 dev eth0 table 77" in out and "wins by rule 100" in out


def test_status_before_after_and_drifted(lab: Lab) -> None:
    documented(lab)
    ran = run(lab, "status")
    assert ran.code == 4
    assert "none yet; `guest-routes sync` runs one" in ran.out
    run(lab, f"sync {FILE}")
    ran = run(lab, "status")
    assert ran.code == 0
    assert "last pass just now: all in place" in ran.out
    assert f"metadata {document('documented')}" in ran.out
    assert "our routes 1 in the table: = 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes" in ran.out
    assert ran.out.endswith("drift none")
    lab.ip("route", "del", "11.11.0.0/16")
    lab.ip("route", "append", "default", "via", "11.8.0.1", "dev", "eth1")
    ran = run(lab, "status")
    assert ran.code == 1
    assert "drift 2 changes needed; `guest-routes sync` makes them" in ran.out
    assert "+ 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes" in ran.out
    assert "- default via 11.8.0.1 dev eth1 proto boot" in ran.out


# ---- withdraw ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("defaults", ["eth0 eth1", "eth1 eth0", "eth1", "eth0"])
def test_withdraw_gives_the_defaults_back(lab: Lab, engine: str, watch: Watch, defaults: str) -> None:
    before = documented(lab, defaults)
    watch.changes()
    assert run(lab, f"sync {engine} {FILE}").code == 0
    assert table(lab) != before
    assert run(lab, f"withdraw {engine}").code == 0
    assert sorted(table(lab)) == sorted(before)
    assert watch.fewest_defaults(len(defaults.split())) >= 1
    assert run(lab, f"withdraw {engine}").out.startswith("nothing to withdraw")


def test_withdraw_hands_the_only_default_over(lab: Lab, engine: str, watch: Watch) -> None:
    documented(lab, "")
    assert run(lab, f"sync {engine} {FILE}").code == 0
    watch.changes()
    ran = run(lab, f"withdraw {engine}")
    assert ran.code == 0
    assert "kept without our protocol: it is the only default route" in ran.out
    assert table(lab) == ["default via 10.65.0.1 dev eth0", *CONNECTED]
    assert watch.fewest_defaults(1) == 1


# ---- settings at their real paths -------------------------------------------------------------------


def test_settings_file_drop_ins_and_flags_each_over_the_one_before(lab: Lab) -> None:
    documented(lab)
    Path("/etc/guest-routes.yaml").write_text("metric: 7\nroutes: ['198.51.100.0/24,11.8.0.1']\n")
    run(lab, f"sync {FILE}")
    assert "198.51.100.0/24 via 11.8.0.1 dev eth1 proto 121 metric 7" in table(lab)
    Path("/etc/guest-routes.d").mkdir()
    Path("/etc/guest-routes.d/50-metric.yaml").write_text("metric: 8\n")
    run(lab, f"sync {FILE}")
    assert "198.51.100.0/24 via 11.8.0.1 dev eth1 proto 121 metric 8" in table(lab)
    run(lab, f"sync {FILE} --metric 9 --default nic=eth1")
    assert "198.51.100.0/24 via 11.8.0.1 dev eth1 proto 121 metric 9" in table(lab)
    assert [line for line in table(lab) if line.startswith("default")] == [
        "default via 11.8.0.1 dev eth1 proto 121 metric 9"
    ]


def test_default_modes(lab: Lab) -> None:
    before = documented(lab)
    ran = run(lab, f"sync {FILE} --default-mode observe")
    assert ran.code == 0
    assert "one default too many" in ran.out
    assert table(lab) == [*before, HOST_ROUTE]
    assert run(lab, f"sync {FILE} --default-mode demote").code == 0
    assert [line for line in table(lab) if line.startswith("default")] == [
        DOCUMENTED[0],
        "default via 11.8.0.1 dev eth1 proto 121 metric 1000",
    ]


def test_a_default_that_cannot_be_had_is_an_exit_code(lab: Lab) -> None:
    before = documented(lab)
    ran = run(lab, f"sync {FILE} --default nic=eth9")
    assert ran.code == 5
    assert "! IPv4 default" in ran.out
    assert table(lab) == [*before, HOST_ROUTE]


def test_disabled_does_nothing_and_says_so(lab: Lab) -> None:
    before = documented(lab)
    Path("/etc/guest-routes.yaml").write_text("enabled: false\n")
    ran = run(lab, f"sync {FILE}")
    assert ran.code == 0
    assert "enabled: false" in ran.err
    assert table(lab) == before
    looked = run(lab, f"plan --check {FILE}")
    assert looked.code == 0
    assert "sync would change nothing" in looked.err
    value = valid_json("sync", lab.run("sync", "--json", *FILE.split()))
    assert value["disabled"] is True


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("metrics: 7\n", "metric"),
        ("metric: many\n", "metric: "),
        ("routes: ['11.11.0.0/16']\n", "routes[0]"),
        ("default: [\n", "/etc/guest-routes.yaml"),
    ],
)
def test_bad_settings_are_an_error_that_names_them(lab: Lab, written: str, said: str) -> None:
    before = documented(lab)
    Path("/etc/guest-routes.yaml").write_text(written)
    for command in (f"sync {FILE}", f"plan {FILE}", f"explain 11.11.3.4 {FILE}", "status"):
        ran = run(lab, command)
        assert ran.code == 2, command
        assert said in (ran.out if command == "status" else ran.err)
    assert table(lab) == before


@pytest.mark.parametrize(
    "words", ["", "sink", "sync --metdata x", "plan --check --engine fast", "explain", "explain x"]
)
def test_wrong_usage_is_exit_code_2(lab: Lab, words: str) -> None:
    ran = run(lab, words)
    assert ran.code == 2
    assert ran.err


# ---- --json -----------------------------------------------------------------------------------------


def test_every_json_document_fits_its_schema(lab: Lab, tmp_path: Path, engine: str) -> None:
    before = documented(lab)
    # A rival to the same destination, next hops of several kinds, and netmasks that are none.
    lab.ip("route", "add", "11.11.0.0/16", "via", "10.65.0.1", "dev", "eth0", "metric", "50")
    value: Dict[str, Any] = json.loads(document("not-a-gateway").read_text())
    for network, gateway in (("172.20.0.0", "11.8.0.1"), ("172.21.0.0", "192.0.2.1"), ("172.22.0.0", "10.77.0.1")):
        value["networks"][0]["routes"].append({"network": network, "netmask": "255.255.0.1", "gateway": gateway})
        value["networks"][0]["routes"].append({"network": network, "netmask": "255.255.0.0", "gateway": gateway})
    odd = ["--engine", engine.split()[1], "--metadata", str(write_document(tmp_path / "odd.json", value))]

    def ran(command: str, *words: str, code: int) -> Any:
        found = lab.run(*command.split(), "--json", *words)
        assert found.returncode == code, found
        return valid_json(command.split()[0], found)

    assert ran("status", code=4)["last_pass"] is None
    assert ran("plan", *odd, code=5)["changes"]
    synced = ran("sync", *odd, code=5)
    assert {one["kind"] for one in synced["unresolved"]} == {"not-a-gateway", "no-subnet", "absent"}
    assert synced["problems"]
    assert ran("status", code=5)["last_pass"]["unprogrammed_count"] == len(synced["unprogrammed"])
    good = [*odd[:2], "--metadata", str(document("documented"))]
    assert ran("plan --check", *good, code=3)["changes"]
    assert (
        ran("sync", *good, code=0)["routes"][0]["competitor"]["text"]
        == "11.11.0.0/16 via 10.65.0.1 dev eth0 proto boot metric 50"
    )
    assert ran("sync", *good, code=0)["changes"] == []
    explained = ran("explain 11.11.3.4", *good, code=0)
    assert (explained["nic"], explained["place"], explained["as_wanted"]) == ("eth1", "networks[1].routes[1]", True)
    assert explained["kernel"] == {"nic": "eth1", "gateway": "11.8.0.1", "table": 254, "error": ""}
    assert ran("explain 10.65.0.9", *good, code=0)["verdict"] == "nearer"
    assert ran("explain fd00::1", *good, code=1)["route"] is None
    assert ran("explain 8.8.8.8", *good, code=0)["host_route"] is None
    lab.ip("route", "flush", "proto", "121")
    (missing,) = ran("status", code=1)["drift"]
    assert (missing["operation"], missing["route"]["dst"], missing["route"]["dev"]) == ("add", "11.11.0.0/16", "eth1")
    assert [one["operation"] for one in ran("withdraw", code=0)["changes"]] == ["restore-default"]
    assert [line for line in table(lab) if "metric 50" not in line] == before
    for command in ("sync", "plan", "explain 11.11.3.4"):
        assert "no such file" in ran(command, "--metadata", "/nonexistent", code=4)["error"]
    Path("/etc/guest-routes.yaml").write_text("metrics: 7\n")
    for command in ("sync", "plan"):
        assert "metrics" in ran(command, code=2)["error"]
    assert "metrics" in ran("status", code=2)["settings_problems"][0]
    assert ran("explain 11.11.3.4", code=2)["as_wanted"] is False
    assert ran("withdraw", code=0)["changes"] == []
