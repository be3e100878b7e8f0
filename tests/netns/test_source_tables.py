"""The tables and rules of source routing on the real kernel: what others change there, the way back, other numbers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, List

import pytest

from guest_routes.kernel.pyroute2.engine import Pyroute2Kernel
from guest_routes.kernel.rtnetlink.engine import RtnetlinkKernel
from guest_routes.model.settings import Settings
from guest_routes.state.store import State
from guest_routes.sync import sync
from tests.netns.test_default_in_use import dual_stack, tun
from tests.netns.test_kernel_routes import metadata, net
from tests.support.by_source import ETH0, ETH1, FILE, ON, killed_after, own_rules, own_table, synced, way
from tests.support.calico import GATEWAYS, OUTSIDE, OWN, Calico
from tests.support.lab import Lab, document, write_document
from tests.support.passes import Ran, run, valid_json
from tests.support.service import Start, write_settings

ENGINES = ["rtnetlink", "pyroute2"]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Both engines."""
    return f"--engine {request.param}"


def by_ip(lab: Lab, *commands: str) -> None:
    """Runs these words of `ip`."""
    for command in commands:
        lab.ip(*command.split())


def tables(lab: Lab, *numbers: int) -> List[List[str]]:
    """These tables, IPv4 first."""
    return [own_table(lab, str(number), family) for number in numbers for family in (4, 6)]


def outside_ways(lab: Lab) -> List[str]:
    """Where packets to a host outside go, by each address."""
    return [way(lab, OUTSIDE[":" in source], source) for source in (*ETH0, *ETH1)]


RIGHT = [f"via {GATEWAYS[nic][family]} dev {nic}" for nic in ("eth0", "eth1") for family in (0, 1)]
BY_MAIN = [RIGHT[0], RIGHT[1], RIGHT[0], RIGHT[1]]

# ---- what others change -------------------------------------------------------------------------------

FOREIGN = [
    pytest.param(["route add 10.77.0.0/16 via 11.8.0.50 dev eth1 table 12103"], id="route"),
    pytest.param(["route add unreachable 10.77.0.0/16 table 12103"], id="unreachable"),
    pytest.param(["-6 route add fd00:77::/48 via fd00:8::50 dev eth1 table 12103"], id="ipv6 route"),
    pytest.param(["rule add from 192.0.2.0/24 lookup 12103 priority 300",
                  "-6 rule add from 2001:db8::/48 lookup 12103 priority 300"], id="rule"),
]  # fmt: skip


@pytest.mark.parametrize("foreign", FOREIGN)
def test_a_table_stays_ours_while_a_rule_is_missing(lab: Lab, engine: str, foreign: List[str]) -> None:
    """What another program adds to it doesn't turn a repair into a withdrawal."""
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    rules = own_rules(lab)
    by_ip(lab, *foreign, "rule delete from 11.8.0.9", "-6 rule delete from fd00:8::9")
    ran = run(lab, f"sync {ON} {engine}")
    ruled = "rule" in foreign[0]
    ours = [rule for rule in own_rules(lab) if "/" not in rule]
    assert (ours, outside_ways(lab), ran.code) == (rules, RIGHT, 0 if ruled else 5), ran
    assert ruled or "another program has added a route to eth1's table 12103" in ran.err
    synced(lab, f"{FILE} {engine}")
    assert [rule for rule in own_rules(lab) if "/" not in rule] == []
    assert [line for one in tables(lab, 12103) for line in one if "77" not in line] == []


def test_the_service_repairs_a_rule_beside_a_foreign_route(lab: Lab, start: Start) -> None:
    Calico(lab)
    service = start("--metadata", str(document("dual-stack")), settings={"source_routing": True})
    service.wait(lambda: len(own_rules(lab)) == 4)
    service.wait(lambda: service.record.get("refreshed"))
    rules = own_rules(lab)
    by_ip(lab, "route add 10.77.0.0/16 via 11.8.0.50 dev eth1 table 12103")
    service.wait_said("another program has added a route to eth1's table 12103")
    by_ip(lab, "rule delete from 11.8.0.9")
    service.wait_said("added rule from 11.8.0.9 lookup 12103 priority 32765 proto guest-routes: deleted by ")
    assert (own_rules(lab), outside_ways(lab)) == (rules, RIGHT)
    assert service.stop() == 0


@pytest.mark.parametrize("replaces, how", [(True, "stands in place of ours"), (False, "has added a route to")])
def test_who_put_a_route_into_a_nic_s_table_is_said(lab: Lab, start: Start, replaces: bool, how: str) -> None:
    """By the log when it comes and when it has gone, and by `status` as long as it stands."""
    Calico(lab)
    service = start("--metadata", str(document("dual-stack")), settings={"source_routing": True})
    service.wait(lambda: len(own_rules(lab)) == 4)
    service.wait(lambda: service.record.get("refreshed"))
    words = f"{'default via 11.8.0.50' if replaces else '10.77.0.0/16'} dev eth1 table 12103 metric 1024"
    with subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE, text=True) as program:
        assert program.stdin is not None
        program.stdin.write(f"route {'replace' if replaces else 'add'} {words}\n")
        program.stdin.flush()
        service.wait_said(how)
        line = next(line for line in service.log.splitlines() if how in line)
        assert f"; added by ip (pid {program.pid}, started by " in line
        service.wait(lambda: service.record["foreign_routes"])
        assert f"added by ip (pid {program.pid}" in run(lab, "status").out
        (conflict,) = valid_json("status", lab.run("status", "--json"))["source_routing"]["conflicts"]
        assert f"added by ip (pid {program.pid}" in conflict["text"]
    by_ip(lab, f"route delete {words}")
    service.wait_said(f"no longer so: {line.split(': ', 1)[1].split('; added by')[0]}")
    service.wait(lambda: not service.record["foreign_routes"])
    assert outside_ways(lab) == RIGHT


@pytest.mark.parametrize("source_routing", [True, False])
def test_the_service_follows_the_tables_that_others_rules_look_up(lab: Lab, start: Start, source_routing: bool) -> None:
    """A VPN's rule comes first, then, later, a route of its table: no other notification tells of that."""
    Calico(lab)
    service = start("--metadata", str(document("dual-stack")), settings={"source_routing": source_routing})
    service.wait(lambda: service.record.get("refreshed"))
    by_ip(lab, "link add tun9 type veth peer name tun8", "link set tun9 up", "link set tun8 up",
          "rule add priority 220 lookup 220")  # fmt: skip
    service.wait(lambda: run(lab, "status").code == 0)
    said = {"11.11.0.0/16": "not programmed: 11.11.0.0/16: programmed, but 11.11.0.0/16 dev tun9 table 220"}
    if source_routing:
        said["203.0.113.0/24"] = "packets that carry eth0's address 10.65.0.7 to 203.0.113.9 leave by tun9, not by eth0"
    for destination, line in said.items():
        by_ip(lab, f"route add {destination} dev tun9 table 220")
        service.wait_said(line)
        by_ip(lab, f"route delete {destination} table 220")
        service.wait_said(f"no longer so: {line}")


# ---- the way back -------------------------------------------------------------------------------------

CHANGES = [
    pytest.param(False, {"source_routing": True}, id="on"),
    pytest.param(True, {"source_routing": False}, id="off"),
    pytest.param(True, {"source_routing": True, "source_routing_table": 13000}, id="other numbers"),
    pytest.param(True, {"source_routing": True, "source_routing_table": 12101}, id="numbers that overlap"),
    pytest.param(True, {"source_routing": True, "source_routing_priority": 99}, id="another priority"),
]


def cutting_kernel(name: str, lab: Lab, server: subprocess.Popen[bytes]) -> Any:
    """An engine that cuts the metadata off as soon as something of source routing is written."""
    engine: Any = {"rtnetlink": RtnetlinkKernel, "pyroute2": Pyroute2Kernel}[name]

    class Cutting(engine):  # type: ignore[misc]
        def apply_source(self, operations: Any) -> Any:
            if server.poll() is None:
                lab.stop(server)
            return super().apply_source(operations)

    return Cutting()


@pytest.mark.parametrize("was_on, change", CHANGES)
@pytest.mark.parametrize("name", ENGINES)
def test_a_pass_that_cuts_the_metadata_off_puts_rules_and_tables_back(
    lab: Lab, name: str, was_on: bool, change: Any
) -> None:
    Calico(lab)
    by_ip(lab, "route add 10.200.0.0/16 via 11.8.0.50 dev eth1 mtu 1400",
          "-6 route add fd00:201::/48 nexthop via fd00:8::50 dev eth1 nexthop via fd00:8::51 dev eth1",
          "route add 172.17.0.0/16 dev lo")  # fmt: skip
    synced(lab, ON if was_on else FILE)
    if was_on:  # A route that the pass is to replace.
        by_ip(lab, "route replace default via 11.8.0.7 dev eth1 table 12103 metric 1024 proto 121")
    numbers = 12102, 12103, 12104, 13002, 13003
    before = sorted(own_rules(lab)), tables(lab, *numbers), outside_ways(lab)
    server = lab.metadata_server(document("dual-stack"))
    cutting = cutting_kernel(name, lab, server)
    report = sync(Settings(**change), State(), cutting)
    cutting.close()
    assert report.source_outcome is not None
    assert (report.exit_code, report.source_outcome.rolled_back, report.source_outcome.failures) == (1, True, ())
    assert (sorted(own_rules(lab)), tables(lab, *numbers), outside_ways(lab)) == before


# ---- other numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [(12100, 12101), (12101, 12100), (12100, 13000)])
def test_other_numbers_are_made_before_the_old_ones_go(lab: Lab, numbers: Any) -> None:
    """Wherever the pass is killed, each address leaves by its NIC."""
    Calico(lab)
    lab.nic("eth2", "fa:16:3e:00:00:03", "10.99.0.9/24")
    first, second = (Settings(source_routing=True, source_routing_table=number) for number in numbers)
    synced(lab, f"{ON} --source-routing-table {numbers[0]}")
    for lives in range(100):
        killed = killed_after(lives, second)
        assert outside_ways(lab) == RIGHT, lives
        synced(lab, f"{ON} --source-routing-table {numbers[1]}")
        assert outside_ways(lab) == RIGHT
        if not killed:
            break
        killed_after(100, first)
        assert outside_ways(lab) == RIGHT
    assert lives >= 15
    wanted = {f"lookup {numbers[1] + index}" for index in (2, 3)}
    listed = (subprocess.check_output(["ip", version, "rule"], text=True) for version in ("-4", "-6"))
    assert {line[line.index("lookup") :].split(" proto")[0] for one in listed for line in one.splitlines()
            if "121" in line or "130" in line} == wanted  # fmt: skip
    gone = sorted({numbers[0] + 2, numbers[0] + 3} - {numbers[1] + 2, numbers[1] + 3})
    assert tables(lab, *gone) == [[]] * 2 * len(gone)


@pytest.mark.parametrize("base", [12101, 12099])
def test_numbers_that_overlap(lab: Lab, engine: str, base: int) -> None:
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    synced(lab, f"{ON} {engine} --source-routing-table {base}")
    assert outside_ways(lab) == RIGHT
    assert tables(lab, base + 3)[0] == ["default via 11.8.0.1 dev eth1 metric 1024", "11.8.0.0/24 dev eth1 scope link"]
    assert "nothing to do" in synced(lab, f"{ON} {engine} --source-routing-table {base}")
    assert len(own_rules(lab)) == 2 * len(OWN)


# ---- routes of a TOS ----------------------------------------------------------------------------------

OF_A_TOS = [
    pytest.param(["10.50.0.0/16 tos 0x10 dev tun9", "10.50.1.0/24 via 11.8.0.50 dev eth1"], id="thrown"),
    pytest.param(["10.50.0.0/16 dev tun9", "10.50.1.0/24 tos 0x10 via 11.8.0.50 dev eth1"], id="exception"),
    pytest.param(["10.50.0.0/16 dev tun9", "10.50.0.0/16 tos 0x10 via 11.8.0.50 dev eth1"], id="same prefix"),
]


@pytest.mark.parametrize("main", OF_A_TOS)
def test_what_main_sends_by_tos_goes_so_by_source_too(lab: Lab, engine: str, main: List[str]) -> None:
    """In main the longest prefix decides, whatever its TOS: a throw for one TOS must not swallow a longer one."""
    Calico(lab)
    by_ip(
        lab,
        "link add tun9 type veth peer name tun8",
        "link set tun9 up",
        "link set tun8 up",
        *(f"route add {line}" for line in main),
    )
    synced(lab, f"{ON} {engine}")
    assert "nothing to do" in synced(lab, f"{ON} {engine}")
    for destination in ("10.50.1.5", "10.50.2.5"):
        for tos in ("0x00", "0x10", "0x08"):
            asked = ["route", "get", destination, "tos", tos]
            by_main, by_source = (lab.ip(*asked, *more) for more in ([], ["from", "10.65.0.7"]))
            wanted = "dev tun9" if "dev tun9" in by_main else "via 10.65.0.1 dev eth0"
            assert wanted in by_source, (destination, tos, by_main)


# ---- other settings -----------------------------------------------------------------------------------


def test_rules_of_another_protocol_are_named_and_withdrawn(lab: Lab) -> None:
    """They go on deciding, and no pass by these settings may remove them (R1)."""
    Calico(lab)
    lab.metadata_server(document("dual-stack"))
    synced(lab)
    left = "table main: 4 routes and 4 rules of source routing of protocol 121 left by a pass with other settings"
    for command in ("plan", "sync", "sync"):
        ran = run(lab, f"{command} {FILE} --protocol 77")
        assert (ran.code, left in ran.err) == (0, True), ran
    assert outside_ways(lab) == RIGHT
    doctor = run(lab, f"doctor {FILE} --protocol 77")
    assert (doctor.code, left in doctor.out) == (1, True)
    value = valid_json("doctor", lab.run("doctor", *FILE.split(), "--protocol", "77", "--json"))
    assert [one["kind"] for one in value["findings"]].count("routes-left") == 1
    assert run(lab, "withdraw").code == 0
    assert (own_rules(lab), outside_ways(lab)) == ([], BY_MAIN)
    assert left not in run(lab, f"sync {FILE} --protocol 77").err
    assert "left by" not in run(lab, f"doctor {FILE} --protocol 77").out


def test_doctor_s_advice_for_another_table_is_not_refused(lab: Lab) -> None:
    Calico(lab)
    lab.metadata_server(document("dual-stack"))
    by_ip(lab, "route add default via 10.65.0.1 dev eth0", "rule add lookup 100 priority 32000")
    synced(lab, f"{FILE} --table 100")
    said = run(lab, f"doctor {FILE} --table 100").out
    assert "source routing would send them by eth1, and needs `table: main`: it is 100" in said
    assert "`source_routing: true`" not in said


# ---- explain --from -----------------------------------------------------------------------------------


def explained(lab: Lab, asked: str, source: str, options: str = ON) -> Ran:
    """`explain --from`, whose JSON is checked too."""
    valid_json("explain", lab.run("explain", asked, "--from", source, *options.split(), "--json"))
    return run(lab, f"explain {asked} --from {source} {options}")


def test_a_partial_document_s_rules_are_explained_as_they_stay(lab: Lab, engine: str) -> None:
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    value = json.loads(document("dual-stack").read_text())
    value["networks"] = [one for one in value["networks"] if one["ip_address"] in ETH0]
    partial = f"--metadata {write_document(Path('/run/tests/partial.json'), value)} --source-routing true {engine}"
    assert outside_ways(lab) == RIGHT
    for family in (0, 1):
        ran = explained(lab, OUTSIDE[family], ETH1[family], partial)
        assert f"{OUTSIDE[family]} from {ETH1[family]} should leave by eth1, via {GATEWAYS['eth1'][family]}" in ran.out
        assert "an earlier pass's, which stays since the document may be partial" in ran.out
        assert (ran.code, "(as wanted)" in ran.out) == (0, True), ran


def test_a_rule_that_the_next_pass_takes_away_is_nobody_elses(lab: Lab, engine: str) -> None:
    """Switched off, and no pass made yet."""
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    shown = explained(lab, OUTSIDE[0], ETH1[0], f"{FILE} {engine}")
    assert (shown.code, "(NOT as wanted; `guest-routes sync` fixes it)" in shown.out) == (1, True), shown
    synced(lab, f"{FILE} {engine}")
    assert explained(lab, OUTSIDE[0], ETH1[0], f"{FILE} {engine}").code == 0


def test_what_main_drops_is_explained_so_in_both_families(lab: Lab, engine: str) -> None:
    Calico(lab)
    by_ip(lab, "route add unreachable 10.66.0.0/16", "-6 route add blackhole fd00:66::/48")
    synced(lab, f"{ON} {engine}")
    for asked, source in (("10.66.0.1", ETH1[0]), ("fd00:66::1", ETH1[1])):
        ran = explained(lab, asked, source, f"{ON} {engine}")
        assert f"{asked} from {source} leaves by no NIC" in ran.out
        assert "the main table drops what goes there, and so this packet" in ran.out
        assert (ran.code, "NOT as wanted: that route drops it; take it away" in ran.out) == (1, True), ran


def test_an_address_of_two_nics_is_that_one_s_which_the_document_describes(lab: Lab, engine: str) -> None:
    Calico(lab)
    by_ip(lab, "address add 11.8.0.9/24 dev eth0", "-6 address add fd00:8::9/64 dev eth0 nodad")
    told = synced(lab, f"{ON} {engine}", 5)
    assert "11.8.0.9 is an address of both eth1 and eth0: packets that carry it leave by eth1" in told
    assert [way(lab, OUTSIDE[family], ETH1[family]) for family in (0, 1)] == RIGHT[2:]
    ran = explained(lab, OUTSIDE[0], "11.8.0.9", f"{ON} {engine}")
    assert "11.8.0.9, of eth1 (fa:16:3e:00:00:02) and eth0 (fa:16:3e:00:00:01)" in ran.out
    assert "is an address of both eth1 and eth0" in ran.out


def test_a_nic_that_the_settings_ignore_is_named_so(lab: Lab) -> None:
    Calico(lab)
    ignoring = f"{ON} --ignore-nics eth1"
    synced(lab, ignoring)
    why = "this address has no rule: `ignore_nics` covers eth1"
    assert why in explained(lab, OUTSIDE[0], "11.8.0.9", ignoring).out
    thrown = explained(lab, "11.8.0.50", "10.65.0.7", ignoring).out
    assert "the main table sends it through eth1, which `ignore_nics` covers, and so this packet" in thrown
    lab.metadata_server(document("dual-stack"))
    doctor = run(lab, f"doctor {ignoring}").out
    assert "the metadata doesn't describe this NIC" not in doctor
    assert "`ignore_nics` covers this NIC" in doctor


@pytest.mark.parametrize("asked", ["11.8.0.255", "255.255.255.255", "224.0.0.5", "ff02::1"])
def test_what_is_for_a_whole_link_is_not_said_to_be_wrong(lab: Lab, engine: str, asked: str) -> None:
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    ran = explained(lab, asked, ETH1[":" in asked], f"{ON} {engine}")
    assert (ran.code, "NOT as wanted" in ran.out) == (0, False), ran


def test_a_route_in_place_of_ours_is_named_as_that(lab: Lab, engine: str) -> None:
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    by_ip(lab, "route replace default via 10.65.0.1 dev eth0 table 12103 metric 1024")
    told = synced(lab, f"{ON} {engine}", 5)
    assert "another program's route stands in place of ours in eth1's table 12103: default via 10.65.0.1" in told
    ran = explained(lab, OUTSIDE[0], "11.8.0.9", f"{ON} {engine}")
    assert "state not there: another program's route stands in its place" in ran.out
    by_ip(lab, "route delete default table 12103")
    synced(lab, f"{ON} {engine}")
    assert outside_ways(lab) == RIGHT


def test_a_route_behind_ours_is_none_in_its_place(lab: Lab, engine: str) -> None:
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    by_ip(lab, "route append default via 10.65.0.1 dev eth0 table 12103 metric 1024")
    assert "nothing to do" in synced(lab, f"{ON} {engine}")
    by_ip(lab, "route prepend default via 10.65.0.77 dev eth0 table 12103 metric 1024")
    assert "in place of ours in eth1's table 12103: default via 10.65.0.77" in synced(lab, f"{ON} {engine}", 5)


# ---- rules of others ----------------------------------------------------------------------------------

OTHERS = [
    ("from 11.8.0.9 priority 100 prohibit", "from 11.8.0.9 prohibit priority 100"),
    ("from 11.8.0.9 priority 100 blackhole", "from 11.8.0.9 blackhole priority 100"),
    ("from 11.8.0.0/24 priority 100 unreachable", "from 11.8.0.0/24 unreachable priority 100"),
    ("from 11.8.0.9 priority 100 goto 32766", "from 11.8.0.9 goto 32766 priority 100"),
    ("from 11.8.0.9 to 203.0.113.0/24 priority 100 lookup main",
     "from 11.8.0.9 to 203.0.113.0/24 lookup main priority 100"),
    ("not from 10.0.0.0/8 priority 100 lookup main", "from all (of some packets) lookup main priority 100"),
]  # fmt: skip


@pytest.mark.parametrize("rule, text", OTHERS)
def test_the_rule_that_decides_is_named_as_ip_rule_has_it(lab: Lab, engine: str, rule: str, text: str) -> None:
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    by_ip(lab, f"rule add {rule}")
    told = " ".join(synced(lab, f"{ON} {engine}", 5).split())
    assert f"another program's rule comes first: {text}" in told
    shown = explained(lab, OUTSIDE[0], "11.8.0.9", f"{ON} {engine}").out
    assert (text in shown, "state in place kernel now" in shown) == (True, True), shown


def test_a_rule_about_other_packets_is_not_blamed(lab: Lab, engine: str) -> None:
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    by_ip(lab, "rule add from 192.0.2.9 priority 50 prohibit", "rule add from 11.8.0.9 priority 100 prohibit")
    assert "comes first: from 11.8.0.9 prohibit priority 100" in " ".join(synced(lab, f"{ON} {engine}", 5).split())


def test_a_rule_that_decides_about_the_other_nics_subnet_alone_is_named(lab: Lab, engine: str, tmp_path: Path) -> None:
    """wg-quick's: main without its default comes before ours, and nothing but the connected subnets is in it."""
    dual_stack(lab)
    options = metadata(tmp_path, net(0, ("0.0.0.0/0", "10.65.0.1")), net(1, ("0.0.0.0/0", "11.8.0.1")))
    options += f" --source-routing true {engine}"
    assert run(lab, f"sync {options}").code == 0
    lab.ip("rule", "add", "priority", "100", "lookup", "main", "suppress_prefixlength", "0")
    assert "dev eth1" in lab.ip("route", "get", "11.8.0.55", "from", "10.65.0.7")
    for command in ("sync", "plan"):
        ran = run(lab, f"{command} {options}")
        assert ran.code == 5, ran
        assert "eth0's address 10.65.0.7 to 11.8.0.1 leave by eth1" in ran.err


def test_a_table_that_sends_the_other_nics_subnet_otherwise_is_named(lab: Lab, engine: str) -> None:
    """A rule for a whole subnet, whose table has no default: it decides about what it lists alone."""
    Calico(lab)
    synced(lab, f"{ON} {engine}")
    lab.ip("rule", "add", "from", "10.65.0.0/24", "lookup", "50", "priority", "100")
    lab.ip("route", "add", "10.50.0.0/16", "via", "11.8.0.50", "dev", "eth1", "table", "50")
    out = synced(lab, f"{ON} {engine}", 5)
    text = "packets that carry eth0's address 10.65.0.7 to 10.50.0.1 leave by eth1, not by eth0"
    assert f"{text}; another program's rule comes first: from 10.65.0.0/24 lookup 50 priority 100" in out


def test_a_table_without_an_operators_route_through_the_same_nic_is_named(lab: Lab, engine: str) -> None:
    """As cloud-init's: it has the subnet and a default. `plan` foresees it, and a lower priority is the way out."""
    Calico(lab)
    by_ip(lab, "rule add from 11.8.0.9 lookup 101 priority 10", "route add default via 11.8.0.1 dev eth1 table 101",
          "route add 11.8.0.0/24 dev eth1 table 101", "route add 10.200.0.0/16 via 11.8.0.50 dev eth1")  # fmt: skip
    said = "address 11.8.0.9 to 10.200.0.1 leave via 11.8.0.1, not via 11.8.0.50; another program's rule comes first"
    for command in ("plan", "sync"):
        ran = run(lab, f"{command} {ON} {engine}")
        assert (ran.code, said in ran.out + ran.err) == (5, True), ran
    synced(lab, f"{ON} {engine} --source-routing-priority 9")
    assert way(lab, "10.200.0.1", "11.8.0.9") == "via 11.8.0.50 dev eth1"


@pytest.mark.parametrize("later", ["", "--protocol 78"])
@pytest.mark.parametrize("family", [4, 6])
def test_a_rule_that_looks_up_a_table_of_ours_says_what_the_pass_makes_of_it(
    lab: Lab, engine: str, family: int, later: str
) -> None:
    """An equal rule that is adopted, and ours of an earlier pass by another protocol: `plan` says what `sync` will."""
    Calico(lab)
    host, inside, own, router = {
        4: ("10.200.0.0/16", "10.200.0.1", ETH1[0], "11.8.0.50"),
        6: ("fd00:200::/48", "fd00:200::1", ETH1[1], "fd00:8::50"),
    }[family]
    if not later:
        lab.ip(f"-{family}", *f"rule add from {own} lookup 12103 priority 32765".split())
    synced(lab, f"{ON} {engine}")
    lab.ip(f"-{family}", *f"route add {host} via {router} dev eth1".split())
    for command in ("plan", "sync"):
        ran = run(lab, f"{command} {ON} {engine} {later}")
        assert (ran.code, "comes first" in ran.out + ran.err) == (0, False), ran
    assert way(lab, inside, own) == f"via {router} dev eth1"


def test_a_rule_that_looks_up_the_other_nics_table_is_named_before_the_pass(lab: Lab, engine: str) -> None:
    """It decides today as well; and the pass that makes the table is foreseen."""
    Calico(lab)
    said = "eth1's address 11.8.0.9 to 203.0.113.9 leave by eth0, not by eth1; another program's rule comes first"
    synced(lab, f"{ON} {engine}")
    lab.ip("rule", "add", "from", "11.8.0.9", "lookup", "12102", "priority", "100")
    lab.ip("route", "add", "10.200.0.0/16", "via", "10.65.0.50", "dev", "eth0")
    for command in ("plan", "sync"):
        ran = run(lab, f"{command} {ON} {engine}")
        assert (ran.code, said in ran.out + ran.err) == (5, True), ran


@pytest.mark.parametrize("family", [4, 6])
def test_a_vpns_own_networks_are_its_affair(lab: Lab, engine: str, family: int) -> None:
    """Tailscale's peers have a table with a rule before ours; what main says of such networks is thrown, too."""
    Calico(lab)
    peer, other, host = {
        4: ("100.101.1.5", "10.65.0.1", "10.50.0.0/16"), 6: ("fd7a:115c:a1e0::5", "fd00:65::1", "fd00:50::/48")
    }[family]  # fmt: skip
    by_ip(lab, "link add tailscale0 type bridge", "link set tailscale0 up")
    ip = f"-{family}"
    by_ip(lab, f"{ip} route add {peer} dev tailscale0 table 52", f"{ip} rule add lookup 52 priority 5270")
    for command in ("plan", "sync"):
        ran = run(lab, f"{command} {ON} {engine}")
        assert (ran.code, ran.err) == (0, "")
    assert way(lab, peer, ETH1[family == 6]) == "dev tailscale0"
    by_ip(lab, f"{ip} route add {host} via {other} dev eth0 table 52")
    assert "leave by eth0, not by eth1; another program's rule" in " ".join(synced(lab, f"{ON} {engine}", 5).split())
    by_ip(lab, f"{ip} route del {host} table 52", f"{ip} route add default dev tailscale0 table 52")
    told = " ".join(synced(lab, f"{ON} {engine}", 5).split())
    assert "leave by tailscale0, not by eth1; another program's rule" in told


HALVES = ["route add 0.0.0.0/1 dev wg0", "route add 128.0.0.0/1 dev wg0"]
BETTER = ["route replace default via 10.65.0.1 dev eth0 metric 100", "route prepend default dev wg0"]


@pytest.mark.parametrize("vpn, options", [(HALVES, FILE), (BETTER, ON)], ids=["halves", "default"])
def test_what_source_routing_leaves_to_a_vpn_in_main_is_said_so(lab: Lab, vpn: List[str], options: str) -> None:
    """Neither `doctor` nor `explain` promises that the NIC's gateway is used."""
    Calico(lab)
    lab.metadata_server(document("dual-stack"))
    synced(lab, FILE)
    by_ip(lab, "link add wg0 type bridge", "link set wg0 up", *vpn)
    run(lab, f"sync {options}")
    told = run(lab, f"doctor {options}").out
    assert f"from 11.8.0.9 to {OUTSIDE[0]} leave by wg0; source routing leaves them to the main table, which" in told
    assert "leave by wg0: a network" not in told
    assert ("`source_routing: true` sends them by eth1" in told) == (options == FILE)  # IPv6's.
    run(lab, f"sync {ON}")
    assert way(lab, OUTSIDE[0], ETH1[0]) == "dev wg0"
    shown = explained(lab, OUTSIDE[0], ETH1[0])
    assert (shown.code, "from 11.8.0.9 should leave by wg0 address" in shown.out) == (0, True), shown
    assert "the main table sends it through wg0, which the metadata doesn't describe, and so this packet" in shown.out


@pytest.mark.parametrize("family", [4, 6])
def test_a_route_of_main_that_a_vpn_shares_decides_as_it_did(lab: Lab, family: int) -> None:
    """Whichever way its hash sends a packet, the sentences are true."""
    dual_stack(lab)
    tun(lab)
    prefix, source, nics, hosts = {
        4: ("203.0.113.0/24", "11.8.0.9", ("10.65.0.1", "10.200.0.1"), "203.0.113.{}"),
        6: ("default", "fd00:8::9", ("fd00:65::1", "fd00:200::1"), "2001:db8:{}::1"),
    }[family]
    both = [word for nic, via in zip(("eth0", "tun0"), nics) for word in ("nexthop", "via", via, "dev", nic)]
    lab.ip(f"-{family}", "route", "add", prefix, "proto", "static", "metric", "1024", *both)
    synced(lab, ON, 5 if family == 6 else 0)
    ways = set()
    for number in range(1, 33):
        host = hosts.format(number)
        sent = way(lab, host, source)
        ran = run(lab, f"explain {host} --from {source} {ON}") if sent not in ways else None
        ways.add(sent)
        if ran is not None:
            words = sent.split()
            assert f"{host} from {source} should leave by {words[3]}, via {words[1]}" in ran.out, ran
            assert "leads through eth0 and tun0, and the metadata doesn't describe tun0; so it decides" in ran.out
            assert (ran.code, "(as wanted)" in ran.out) == (0, True), ran
    assert len(ways) == 2
    if family == 6:  # Of IPv4 doctor asks about a host that the route isn't for.
        _, _, told = run(lab, f"doctor {ON}").out.partition(f"answers from {source} to 2001:db8::9 leave by ")
        said = (
            "; source routing leaves them to the main table, whose route leads through eth0 and tun0, and the metadata"
        )
        assert told[4:].startswith(said), told


def test_where_main_covers_all_that_is_outside_it_is_asked_about_all_the_same(lab: Lab, engine: str) -> None:
    Calico(lab)
    lab.metadata_server(document("dual-stack"))
    write_settings(default={"nic": "eth1"})
    lab.ip("-6", "route", "add", "2000::/3", "via", "fd00:8::1", "dev", "eth1")
    assert run(lab, "sync").code == 0
    answers = " ".join(run(lab, "doctor").out.split())
    assert "answers from fd00:65::7 to 2001:db8::9 leave by eth1: a network that checks source addresses" in answers
    synced(lab, f"{ON} {engine}")
    lab.ip("-6", "rule", "add", "from", "fd00:8::9", "lookup", "77", "priority", "100")
    lab.ip("-6", "route", "add", "2000::/3", "via", "fd00:65::1", "dev", "eth0", "table", "77")
    out = synced(lab, f"{ON} {engine}", 5)
    assert "packets that carry eth1's address fd00:8::9 to 2001:db8::9 leave by eth0, not by eth1" in out


def test_an_exported_script_is_run_again_after_a_change(lab: Lab, tmp_path: Path) -> None:
    """Routes of a TOS and by a gateway of IPv6 are as in main; the rule of a former address goes."""
    Calico(lab)
    by_ip(lab, "route add 10.50.0.0/16 via 11.8.0.51 dev eth1",
          "route add 10.50.0.0/16 tos 0x10 via 11.8.0.50 dev eth1",
          "route add 10.70.0.0/16 via inet6 fe80::77 dev eth1")  # fmt: skip
    value = json.loads(document("dual-stack").read_text())

    def exported() -> List[str]:
        options = f"--metadata {write_document(tmp_path / 'document.json', value)} --source-routing true"
        (tmp_path / "script").write_text(lab.run("export", "--format", "ip", *options.split()).stdout)
        ran = subprocess.run(["sh", str(tmp_path / "script")], text=True, capture_output=True)
        assert (ran.returncode, ran.stderr) == (0, "")
        rules = [line.split() for line in lab.ip("-4", "rule").splitlines() if "lookup 12103" in line]
        return [words[2] for words in rules]

    assert exported() == ["11.8.0.9"]
    assert [line for line in own_table(lab, "eth1") if line.startswith(("10.50", "10.70"))] == [
        "10.50.0.0/16 tos 0x10 via 11.8.0.50 dev eth1 proto static",
        "10.50.0.0/16 via 11.8.0.51 dev eth1 proto static",
        "10.70.0.0/16 via inet6 fe80::77 dev eth1 proto static",
    ]
    by_ip(lab, "address delete 11.8.0.9/24 dev eth1", "address add 11.8.0.19/24 dev eth1")
    value["networks"][2]["ip_address"] = "11.8.0.19"
    by_ip(lab, "rule add from 192.0.2.9 lookup 12102 priority 9")
    assert exported() == exported() == ["11.8.0.19"]
    assert "from 192.0.2.9 lookup 12102" in lab.ip("rule")
