"""What a source lists no more, and what can't be read in it: which of our routes go, and which stay (R6)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest

from tests.support.lab import MACS, Lab, document, write_document
from tests.support.passes import DOCUMENTED, documented, run, table
from tests.support.service import FAST, Start, write_settings

TEN = "10.2.0.0/16 via 11.8.0.1 dev eth1 proto 121"
TWELVE = "12.0.0.0/8 via 11.8.0.1 dev eth1 proto 121"
IN_SETTINGS = ["12.0.0.0/8,11.8.0.1", "10.2.0.0/16,11.8.0.1"]


def ours(lab: Lab) -> List[str]:
    """Our host routes."""
    return [line for line in table(lab) if "proto 121" in line and not line.startswith("default")]


# ---- the settings -------------------------------------------------------------------------------------


def without_networks_of(lab: Lab, tmp_path: Path) -> None:
    """A document of two subnets with DHCP, of whose routes it says nothing, and no lease."""
    lab.documented_nics()
    for nic, gateway in (("eth0", "10.65.0.1"), ("eth1", "11.8.0.1")):
        lab.ip(*f"route append default via {gateway} dev {nic} proto dhcp".split())


@pytest.mark.parametrize("left", [IN_SETTINGS[1:], []], ids=["one", "both"])
def test_what_is_taken_out_of_the_settings_goes_at_once(lab: Lab, tmp_path: Path, left: List[str]) -> None:
    without_networks_of(lab, tmp_path)
    where = f"--metadata {document('dhcp')}"
    write_settings(routes=IN_SETTINGS)
    assert (run(lab, f"sync {where}").code, ours(lab)) == (0, [TEN, TWELVE])
    write_settings(routes=left)
    planned = run(lab, f"plan {where}")
    assert "12.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes nothing lists it any more" in planned.out, planned
    ran = run(lab, f"sync {where}")
    assert (ran.code, ours(lab)) == (0, [TEN][: len(left)]), ran
    assert "may be partial" not in ran.out + ran.err
    assert "nothing to do" in run(lab, f"sync {where}").out
    assert Path("/run/guest-routes/settings-routes").exists() == bool(left)


def test_it_goes_also_on_a_partial_document_that_withdraws_nothing_else(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    write_settings(routes=IN_SETTINGS)
    assert run(lab, f"sync --metadata {document('documented')}").code == 0
    write_settings()
    empty = write_document(tmp_path / "empty.json", {"links": [], "networks": [], "services": []})
    run(lab, f"sync --metadata {empty}")
    assert table(lab) == DOCUMENTED


def test_it_stays_where_the_document_lists_it_since(lab: Lab, tmp_path: Path) -> None:
    """Then it is the document's, and a later one may be partial."""
    documented(lab)
    write_settings(routes=IN_SETTINGS)
    assert run(lab, f"sync --metadata {document('documented')}").code == 0
    write_settings()
    value = json.loads(document("documented").read_text())
    listed = {"network": "12.0.0.0", "netmask": "255.0.0.0", "gateway": "11.8.0.1"}
    value["networks"][1]["routes"].append(listed)
    assert run(lab, f"sync --metadata {write_document(tmp_path / 'more.json', value)}").code == 0
    assert TWELVE in ours(lab) and TEN not in ours(lab)
    empty = write_document(tmp_path / "empty.json", {"links": [], "networks": [], "services": []})
    run(lab, f"sync --metadata {empty}")
    assert TWELVE in ours(lab)


def test_the_service_drops_what_is_taken_out_of_the_settings(lab: Lab, tmp_path: Path, start: Start) -> None:
    without_networks_of(lab, tmp_path)
    lab.metadata_server(document("dhcp"))
    service = start(settings={**FAST, "refresh_seconds": 300, "routes": IN_SETTINGS})
    service.wait(lambda: ours(lab) == [TEN, TWELVE], what="the routes of the settings")
    service.reload(**{**FAST, "refresh_seconds": 300, "routes": IN_SETTINGS[1:]})
    service.wait(lambda: ours(lab) == [TEN], what="one route less")
    service.stop()
    service = start(settings={**FAST, "refresh_seconds": 300})
    service.wait(lambda: ours(lab) == [], what="no route of the settings")
    assert "may be partial" not in service.log


# ---- damage -------------------------------------------------------------------------------------------


def test_routes_that_stay_in_any_case_make_no_document_partial(lab: Lab, tmp_path: Path) -> None:
    """Twelve are still listed, and eth1's gateway is named no more: none would go, so nothing is held, nor said."""
    documented(lab, "eth0")
    value = json.loads(document("documented").read_text())
    hosts = [{"network": f"20.{n}.0.0", "netmask": "255.255.0.0", "gateway": "11.8.0.1"} for n in range(12)]
    value["networks"][0]["routes"] += hosts
    where = tmp_path / "network_data.json"
    write_document(where, value)
    assert run(lab, f"sync --metadata {where}").code == 0
    value["networks"][1]["routes"] = []
    write_document(where, value)
    ran = run(lab, f"sync --metadata {where}")
    assert "may be partial" not in ran.err + ran.out, ran
    assert sum(line.startswith("20.") for line in ours(lab)) == 12
    assert ran.out.count("; until then an earlier pass's route stays") == 12, ran
    ran = run(lab, f"explain 20.3.0.1 --metadata {where}")
    assert "! not programmed anew: 20.3.0.0/16,11.8.0.1" in ran.out and "(as wanted)" in ran.out, ran


@pytest.mark.parametrize(
    ("written", "stay"),
    [
        ("12.0.0.0/8;11.8.0.1 10.2.0.0/16,11.8.0.1", [TEN, TWELVE]),
        ("12.0.0.0.8,11.8.0.1 10.2.0.0/16,11.8.0.1", [TEN, TWELVE]),
        ("12.0.0.0/8,11.8.0 10.2.0.0/16,11.8.0.1", [TEN, TWELVE]),
        ("12.0.0.0/8,11.8.0", [TWELVE]),
        ("12.0.0.0.8,11.8.0.1", [TEN, TWELVE]),
        ("12.0.0.0.8,11.8.0.2 10.2.0.0/16,11.8.0.1", [TEN]),
        ("10.2.0.0/16,11.8.0.1", [TEN]),
        (["12.0.0.0/8,11.8.0.1"], [TEN, TWELVE]),
    ],
)
def test_a_damaged_entry_of_the_property_withdraws_nothing_that_it_may_list(
    lab: Lab, tmp_path: Path, written: Any, stay: List[str]
) -> None:
    documented(lab)
    meta = tmp_path / "meta_data.json"
    write_document(meta, {"uuid": "u", "meta": {"guest_routes": "12.0.0.0/8,11.8.0.1 10.2.0.0/16,11.8.0.1"}})
    server = lab.metadata_server(document("documented"), "--meta-data", str(meta))
    options = "--deadline-seconds 5"
    assert run(lab, f"sync {options}").code == 0
    assert ours(lab) == [TEN, *DOCUMENTED[-1:], TWELVE]
    lab.stop(server)
    write_document(meta, {"uuid": "u", "meta": {"guest_routes": written}})
    lab.metadata_server(document("documented"), "--meta-data", str(meta))
    damaged = written != "10.2.0.0/16,11.8.0.1"
    for _ in range(4):  # However often it comes.
        ran = run(lab, f"sync {options}")
        assert (ran.code, sorted(ours(lab))) == (5 if damaged else 0, sorted([*stay, DOCUMENTED[-1]])), ran
        assert ("! meta.guest_routes" in ran.out) == damaged
    assert "is refused, and may list it; stays" in ran.out or not damaged or TWELVE not in stay
    assert run(lab, "status").code == (5 if damaged else 0)
    run(lab, f"sync --accept-withdrawals {options}")
    assert TWELVE not in ours(lab)


def damaged(place: str) -> Dict[str, Any]:
    """The documented document, in which the host route can't be read at a place."""
    value: Dict[str, Any] = json.loads(document("documented").read_text())
    for network in value["networks"]:
        for route in network["routes"]:
            if route["network"] == "11.11.0.0":
                route[place] = "11.11.0.0.0"
                if place == "routes":
                    network["routes"] = "gone"
                    break
    return value


@pytest.mark.parametrize("place", ["network", "netmask", "gateway"])
def test_a_damaged_entry_of_the_document_withdraws_nothing_that_it_may_list(
    lab: Lab, tmp_path: Path, place: str
) -> None:
    documented(lab)
    assert run(lab, f"sync --metadata {document('documented')}").code == 0
    where = f"--metadata {write_document(tmp_path / 'damaged.json', damaged(place))}"
    for _ in range(4):
        ran = run(lab, f"sync {where}")
        assert (ran.code, table(lab)) == (5, DOCUMENTED), ran
    assert f".{place} is refused, and may list it; stays as an earlier pass programmed it" in ran.out
    explained = run(lab, f"explain 11.11.3.4 {where}")
    assert f"a route of an earlier pass, which stays: networks[1].routes[1].{place} is refused" in explained.out


def test_routes_that_are_no_list_withdraw_nothing(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    assert run(lab, f"sync --metadata {document('documented')}").code == 0
    value = json.loads(document("documented").read_text())
    for network in value["networks"]:
        network["gateway"] = next(one["gateway"] for one in network["routes"] if one["network"] == "0.0.0.0")
        network["routes"] = "gone"
    where = f"--metadata {write_document(tmp_path / 'damaged.json', value)}"
    for _ in range(4):
        ran = run(lab, f"sync {where}")
        assert (ran.code, table(lab)) == (5, DOCUMENTED), ran


# ---- a default entry that can't be read -----------------------------------------------------------------

GATEWAYS = {"eth0": ("10.65.0.1", "fd00:65::1"), "eth1": ("11.8.0.1", "fd00:8::1")}
ADDRESSES = {"eth0": ("10.65.0.7/24", "fd00:65::7/64"), "eth1": ("11.8.0.9/24", "fd00:8::9/64")}


def dual_stack(lab: Lab, *defaults: str) -> None:
    """Both NICs with both families, and these NICs' defaults as a network manager writes them."""
    for nic, mac in zip(ADDRESSES, MACS):
        (own, own_6), (gateway, gateway_6) = ADDRESSES[nic], GATEWAYS[nic]
        lab.nic(nic, mac, own, own_6, gateways=(f"{gateway}/24", f"{gateway_6}/64"))
    for metric, nic in enumerate(defaults, 100):
        for gateway in GATEWAYS[nic]:
            lab.ip(*f"route append default via {gateway} dev {nic} proto static metric {metric}".split())


def with_entry(path: Path, index: int, **changed: Any) -> str:
    """The dual-stack document with another first entry of both networks of a port (0, 2); the option that names it."""
    value: Dict[str, Any] = json.loads(document("dual-stack").read_text())
    for network in value["networks"][index : index + 2]:
        network["routes"][0].update(changed)
    return f"--metadata {write_document(path / 'network_data.json', value)}"


def default_lines(lab: Lab) -> List[str]:
    return [line for family in (4, 6) for line in table(lab, family) if line.startswith("default")]


@pytest.mark.parametrize("place", ["network", "netmask", "gateway"])
@pytest.mark.parametrize("there", [("eth0", "eth1"), ("eth0",), ()], ids=["both", "one", "ours"])
def test_a_damaged_default_entry_moves_no_default(lab: Lab, tmp_path: Path, there: Any, place: str) -> None:
    """Whoever made the one that is there, and however often the entry comes."""
    dual_stack(lab, *there)
    assert run(lab, f"sync --metadata {document('dual-stack')}").code == 0
    before = default_lines(lab)
    assert ["dev eth0" in line for line in before] == [True, True]
    where = with_entry(tmp_path, 0, **{place: "none"})
    for _ in range(4):
        ran = run(lab, f"sync {where}")
        assert (ran.code, default_lines(lab)) == (5, before), ran
        assert f"networks[0].routes[0].{place} is refused, and may name the one through eth0" in ran.out
        assert f"networks[1].routes[0].{place} is refused, and may name the one through eth0" in ran.out
    assert "networks[0].routes[0]" in run(lab, f"explain 8.8.8.8 {where}").out
    # Its remedy of docs/troubleshooting.md.
    chosen = "--default nic=eth0 --gateways eth0=10.65.0.1 --gateways eth0=fd00:65::1"
    ran = run(lab, f"plan {where} {chosen}")
    assert "no network behind it" not in ran.out and "- default" not in ran.out
    assert run(lab, f"sync {where} --accept-withdrawals").code == 5
    assert ["dev eth1" in line for line in default_lines(lab)] == [True, True]
    assert run(lab, f"sync --metadata {document('dual-stack')}").code == 0
    assert ["dev eth0" in line for line in default_lines(lab)] == [True, True]


def test_a_damaged_default_entry_at_the_first_pass(lab: Lab, tmp_path: Path) -> None:
    dual_stack(lab, "eth0", "eth1")
    before = default_lines(lab)
    ran = run(lab, f"sync {with_entry(tmp_path, 0, gateway=None)}")
    assert (ran.code, default_lines(lab)) == (5, before), ran


@pytest.mark.parametrize(
    ("there", "index", "changed", "left"),
    [
        (("eth1", "eth0"), 0, {"netmask": "none"}, "eth1"),  # The default in use is another network's.
        (("eth1",), 2, {"netmask": "none"}, "eth0"),  # One that can be read comes first in the document.
        ((), 0, {"netmask": "none"}, "eth1"),  # There is none that could be lost.
    ],
)
def test_damage_holds_no_other_default(
    lab: Lab, tmp_path: Path, there: Any, index: int, changed: Any, left: str
) -> None:
    dual_stack(lab, *there)
    ran = run(lab, f"sync {with_entry(tmp_path, index, **changed)}")
    assert (ran.code, [f"dev {left}" in line for line in default_lines(lab)]) == (5, [True, True]), ran


def test_a_refused_host_route_that_can_be_read_holds_none(lab: Lab, tmp_path: Path) -> None:
    """A private network without a default: what stands through its NIC is nobody's."""
    dual_stack(lab, "eth0", "eth1")
    value = json.loads(document("dual-stack").read_text())
    multicast = {"network": "224.0.0.0", "netmask": "240.0.0.0", "gateway": "10.65.0.1"}
    multicast_6 = {"network": "ff00::", "netmask": "ff00::", "gateway": "fd00:65::1"}
    for network, entry in zip(value["networks"], (multicast, multicast_6)):
        network["routes"] = [entry]
    ran = run(lab, f"sync --metadata {write_document(tmp_path / 'network_data.json', value)}")
    assert (ran.code, ["dev eth1" in line for line in default_lines(lab)]) == (5, [True, True]), ran


def test_a_network_that_is_missing_and_what_the_text_says_of_it(lab: Lab, tmp_path: Path) -> None:
    """Neutron's host route is right: it is not moved to another NIC's gateway, and the default stays where it is."""
    dual_stack(lab, "eth0")
    value = json.loads(document("dual-stack").read_text())
    for here, there in ((0, 2), (1, 3)):
        value["networks"][here]["routes"].append(value["networks"][there]["routes"][1])
    del value["networks"][2:]
    where = f"--metadata {write_document(tmp_path / 'network_data.json', value)}"
    before = default_lines(lab)
    ran = run(lab, f"sync {where}")
    told = "if 11.8.0.1 is its gateway, set it in the settings: `gateways: {eth1: 11.8.0.1}`; else use a gateway of"
    told_6 = 'if fd00:8::1 is its gateway, set it in the settings: `gateways: {eth1: "fd00:8::1"}`; else use a gateway'
    assert (ran.code, told in ran.out, told_6 in ran.out) == (5, True, True), ran
    for gateway, family in (("11.8.0.1", 4), ("fd00:8::1", 6)):
        run(lab, f"sync {where} --gateways eth1={gateway}")
        assert any(f"via {gateway} dev eth1 proto 121" in line for line in table(lab, family)), table(lab, family)
        assert default_lines(lab) == before


# ---- another program's default, which a pass left in its place ------------------------------------------


def without_network_of_eth0(value: Dict[str, Any]) -> None:
    """Its link stays."""
    del value["networks"][:2]


def omitted(value: Dict[str, Any]) -> None:
    """As Nova writes a subnet that has DHCPv6 since; IPv4 is as before."""
    value["networks"][1] = {"id": "network1", "link": value["networks"][0]["link"], "type": "ipv6_dhcpv6-stateful"}


@pytest.mark.parametrize("made", ["by a manager", "by us"])
@pytest.mark.parametrize(
    "change, said",
    [
        (without_network_of_eth0, "a network of eth0 is missing or damaged in it"),
        (omitted, "it omits the routes of eth0, and the default route would leave it"),
    ],
    ids=["missing", "omitted"],
)
def test_an_adopted_default_is_held_as_ours_is(lab: Lab, tmp_path: Path, change: Any, said: str, made: str) -> None:
    dual_stack(lab, *(["eth0"] if made == "by a manager" else []))
    assert run(lab, f"sync --metadata {document('dual-stack')}").code == 0
    before = default_lines(lab)
    assert ["dev eth0" in line for line in before] == [True, True]
    value = json.loads(document("dual-stack").read_text())
    change(value)
    where = f"--metadata {write_document(tmp_path / 'network_data.json', value)}"
    for _ in range(2):
        ran = run(lab, f"sync {where}")
        assert (default_lines(lab), said in ran.err) == (before, True), ran
    run(lab, f"sync {where}")  # The third in a row is believed.
    assert "dev eth1" in "".join(default_lines(lab))


def test_a_second_default_is_not_held(lab: Lab, tmp_path: Path) -> None:
    """Where the accepted document didn't have the default there, it is one too many at once, whatever is omitted."""
    dual_stack(lab)
    value = json.loads(document("dual-stack").read_text())
    omitted(value)
    assert run(lab, f"sync --metadata {write_document(tmp_path / 'first.json', value)}").code == 0
    lab.ip(*"-6 route append default via fd00:65::1 dev eth0 proto static metric 2000".split())
    value["networks"][0]["routes"].append({"network": "12.0.0.0", "netmask": "8", "gateway": "10.65.0.1"})
    ran = run(lab, f"sync --metadata {write_document(tmp_path / 'second.json', value)}")
    assert ["dev eth1" in line for line in default_lines(lab)] == [False, True], ran
    assert "may be partial" not in ran.err
