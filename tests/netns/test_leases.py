"""Where the metadata omits routes: leases and properties on the real kernel, with the files that real clients wrote."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

from guest_routes.clocks import seconds_since_boot
from tests.support import sandbox
from tests.support.lab import LEASE_PATHS, MACS, Lab, document, write_document
from tests.support.passes import CONNECTED, DOCUMENTED, HOST_ROUTE, documented, run, table, valid_json
from tests.support.service import Start

DATA = Path(__file__).parent.parent / "data" / "leases"
SILENT = "ipv4_dhcp"
LOCAL = "--sources settings,properties,last-known-good,leases"
OURS = ["default via 10.65.0.1 dev eth0 proto static", *CONNECTED, HOST_ROUTE]


def omits_routes(path: Path, **meta: Any) -> str:
    """A document as Nova 27.3 writes it for two subnets with DHCP, with a meta_data.json; the option that names it."""
    links = [{"id": f"tap{n}", "type": "tap", "ethernet_mac_address": mac} for n, mac in enumerate(MACS[:2])]
    networks = [{"id": f"network{n}", "type": SILENT, "link": f"tap{n}", "network_id": f"n{n}"} for n in (0, 1)]
    write_document(path / "network_data.json", {"links": links, "networks": networks, "services": []})
    if meta:
        write_document(path / "meta_data.json", meta)
    return f"--metadata {path / 'network_data.json'}"


def put(source: str, target: str, age: float = 0.0) -> Path:
    """A real client's file where the client would have it."""
    path = Path(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DATA / source, path)
    os.utime(path, (time.time() - age,) * 2)
    return path


def networkd(lab: Lab, age: float = 0.0) -> List[Path]:
    """systemd-networkd's leases of the cross-NIC case: the host route is in eth0's."""
    return [
        put(f"networkd-cross.{nic}", f"/run/systemd/netif/leases/{index_of(lab, nic)}", age) for nic in ("eth0", "eth1")
    ]


def index_of(lab: Lab, nic: str) -> int:
    return int(json.loads(lab.ip("-j", "link", "show", nic))[0]["ifindex"])


def test_a_lease_that_is_refused_withdraws_nothing(lab: Lab, tmp_path: Path) -> None:
    """What fails decides nothing, however often the document comes that omits what it has."""
    documented(lab)
    paths = networkd(lab)
    option = omits_routes(tmp_path)
    assert run(lab, f"sync {option}").code == 0
    assert HOST_ROUTE in table(lab)
    paths[0].chmod(0o664)
    for _ in range(4):
        ran = run(lab, f"sync {option}")
        assert HOST_ROUTE in table(lab)
        assert f"stays until {paths[0]} can be used (or --accept-withdrawals)" in ran.err
    assert f"unused: {paths[0]}: can be written by the group 0" in run(lab, f"explain 11.11.3.4 {option}").out
    assert f"correct {paths[0]} first" in run(lab, f"doctor {option}").out
    assert run(lab, f"sync {option} --accept-withdrawals").code == 0
    assert HOST_ROUTE not in table(lab)


# ---- the command of the early unit -----------------------------------------------------------------------

EARLY = "sync --documents last-known-good,config-drive"


def test_it_uses_what_is_on_the_machine(lab: Lab) -> None:
    documented(lab)
    networkd(lab)
    assert run(lab, EARLY).code == 0
    assert table(lab) == OURS


def test_and_nothing_that_the_settings_turn_off(lab: Lab, tmp_path: Path) -> None:
    """An operator who wants the metadata service alone gets no route from a lease, nor from what was kept."""
    documented(lab)
    before = table(lab)
    networkd(lab)
    settings = tmp_path / "settings.yaml"
    settings.write_text("sources: [settings, http]\n")
    ran = run(lab, f"{EARLY} --settings {settings}")
    assert (ran.code, table(lab)) == (4, before)
    assert "none of its sources is on (`sources`)" in ran.err
    settings.write_text("sources: [settings, http, leases]\n")
    assert run(lab, f"{EARLY} --settings {settings}").code == 0
    assert table(lab) == OURS


def test_a_name_that_is_no_source_of_documents(lab: Lab) -> None:
    ran = run(lab, "sync --documents last-known-good,leases")
    assert ran.code == 2
    assert '--documents: "last-known-good,leases": must be http or config-drive or last-known-good' in ran.err


# ---- what comes out -------------------------------------------------------------------------------------


def test_each_clients_files_give_the_documented_table(lab: Lab, tmp_path: Path) -> None:
    """In the cross-NIC case, whoever the client is."""
    documented(lab)
    option = omits_routes(tmp_path)
    zero, one = index_of(lab, "eth0"), index_of(lab, "eth1")
    sets: Dict[str, Dict[str, str]] = {
        "systemd-networkd": {
            "networkd-cross.eth0": f"/run/systemd/netif/leases/{zero}",
            "networkd-cross.eth1": f"/run/systemd/netif/leases/{one}",
        },
        "NetworkManager": {
            "networkmanager-cross.eth0": f"/run/NetworkManager/devices/{zero}",
            "networkmanager-cross.eth1": f"/run/NetworkManager/devices/{one}",
        },
        "dhclient": {
            "dhclient-cross.eth0": "/var/lib/dhcp/dhclient.eth0.leases",
            "dhclient-cross.eth1": "/var/lib/dhcp/dhclient.eth1.leases",
        },
        "dhcpcd": {
            "dhcpcd-cross.eth0": "/var/lib/dhcpcd/eth0.lease",
            "dhcpcd-cross.eth1": "/var/lib/dhcpcd/eth1.lease",
        },
        "udhcpc": {
            "udhcpc-cross.eth0": "/run/guest-routes/leases/eth0",
            "udhcpc-cross.eth1": "/run/guest-routes/leases/eth1",
        },
        "cloud-init": {"cloud-init-udhcpc-cross.eth0": "/run/cloud-init/tmp/eth0.lease.json"},
    }  # fmt: skip
    for client, files in sets.items():
        for place in (*LEASE_PATHS, "/run/guest-routes/leases"):
            shutil.rmtree(place, ignore_errors=True)
        for source, target in files.items():
            put(source, target)
        ran = run(lab, f"sync {option}")
        assert ran.code == 0, (client, ran)
        assert table(lab) == OURS, client
        assert "omits eth0's routes (networks[0], type ipv4_dhcp; Nova 27.3 and later omit routes of DHCP" in ran.err
        assert f"subnets); using its DHCP lease ({client}, " in ran.err
        run(lab, "withdraw")


def test_metadata_that_omits_one_nic_s_routes_only(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    value = json.loads(document("documented").read_text())
    value["networks"][1] = {"id": "network1", "type": SILENT, "link": value["networks"][1]["link"]}
    value["networks"][0]["routes"] = value["networks"][0]["routes"][:1]
    path = write_document(tmp_path / "network_data.json", value)
    networkd(lab)
    ran = run(lab, f"sync --metadata {path}")
    # eth0's lease has the host route, but about eth0 the metadata speaks: its lease is not read.
    assert (ran.code, table(lab)) == (0, OURS[:-1])
    put("networkd-cross.eth0", f"/run/systemd/netif/leases/{index_of(lab, 'eth1')}")
    text = Path(f"/run/systemd/netif/leases/{index_of(lab, 'eth1')}")
    text.write_text("ADDRESS=11.8.0.9\nCLASSLESS_ROUTES=11.11.0.0/16,11.8.0.1 0.0.0.0/0,11.8.0.1\n")
    ran = run(lab, f"sync --metadata {path}")
    assert (ran.code, table(lab)) == (0, OURS)
    assert ran.err.count("Nova 27.3") == 1


def test_without_a_document(lab: Lab) -> None:
    documented(lab)
    networkd(lab)
    ran = run(lab, f"sync {LOCAL}")
    assert ran.code == 0
    assert "no metadata: using the DHCP leases of eth0, eth1" in ran.err
    assert table(lab) == OURS
    again = run(lab, f"sync {LOCAL}")
    assert again.code == 0 and "nothing to do: 2 routes in place" in again.out
    assert not Path("/var/lib/guest-routes/last-known-good").exists()


def test_without_a_document_no_place_in_one_is_named(lab: Lab) -> None:
    lab.nic("eth0", MACS[0], "10.65.0.7/24", gateways=("10.65.0.1/24",))
    lab.nic("eth1", MACS[1], "11.8.0.9/24", gateways=("11.8.0.1/24",))
    networkd(lab)
    for command in ("plan", "sync", "plan --verbose", "explain 8.8.8.8"):
        ran = run(lab, f"{command} {LOCAL}")
        assert "no metadata orders the NICs" in ran.out, ran
        assert "networks[" not in ran.out and "documented" not in ran.out, ran


def test_ipv6_has_no_dhcp_lease_to_be_found(lab: Lab, tmp_path: Path) -> None:
    lab.nic("eth0", MACS[0], "fd00:65::7/64")
    link = {"id": "tap0", "type": "tap", "ethernet_mac_address": MACS[0]}
    both = [{"id": kind, "link": "tap0", "type": kind} for kind in ("ipv4_dhcp", "ipv6_slaac")]
    path = write_document(tmp_path / "network_data.json", {"links": [link], "networks": both, "services": []})
    assert run(lab, f"sync --metadata {path}").err.count("no DHCP lease found") == 1


def test_without_a_document_no_working_default_moves(lab: Lab) -> None:
    """The leases have no order: what the network manager prefers counts, in each family by itself."""
    lab.nic("eth0", MACS[0], "10.65.0.7/24", "fd00:65::7/64", gateways=("10.65.0.1/24", "fd00:65::1/64"))
    lab.nic("eth1", MACS[1], "11.8.0.9/24", "fd00:8::9/64", gateways=("11.8.0.1/24", "fd00:8::1/64"))
    lab.ip(*"route add default via 10.65.0.1 dev eth0 proto dhcp metric 200".split())
    lab.ip(*"route add default via 11.8.0.1 dev eth1 proto dhcp metric 100".split())
    lab.ip(*"-6 route add default via fd00:65::1 dev eth0 proto static metric 100".split())
    lab.ip(*"-6 route add default via fd00:8::1 dev eth1 proto static metric 200".split())
    networkd(lab)
    planned = run(lab, f"plan {LOCAL}").out
    assert "no metadata orders the NICs: the one whose default the kernel uses: eth1; its gateway" in planned, planned
    wanted = ("default via 11.8.0.1 dev eth1 proto dhcp metric 100", "default via fd00:65::1 dev eth0 proto static")
    for _ in range(2):
        assert run(lab, f"sync {LOCAL}").code == 0
        defaults = [line for family in (4, 6) for line in lab.routes(family) if line.startswith("default")]
        assert len(defaults) == 2 and all(map(str.startswith, defaults, wanted)), defaults
    lab.ip("link", "set", "eth1", "down")  # Then the other one's takes its place, and keeps it.
    assert run(lab, f"sync {LOCAL}").code == 5  # The host route has no NIC.
    lab.ip("link", "set", "eth1", "up")
    lab.ip(*"route add default via 11.8.0.1 dev eth1 proto dhcp metric 100".split())
    assert run(lab, f"sync {LOCAL}").code == 0
    assert [line for line in table(lab) if line.startswith("default")] == ["default via 10.65.0.1 dev eth0 proto 121"]


def test_without_a_document_and_leases_the_error_says_so(lab: Lab) -> None:
    documented(lab)
    ran = run(lab, f"sync {LOCAL}")
    assert ran.code == 4
    assert "leases: no NIC has a DHCP lease of systemd-networkd, NetworkManager, dhclient, dhcpcd, udhcpc" in ran.err


def test_sources_without_leases_does_not_read_them(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    networkd(lab)
    ran = run(lab, f"sync --sources settings,properties,http {omits_routes(tmp_path)}")
    assert "using the kernel's default route" in ran.err and "lease" not in ran.err
    assert table(lab) == OURS[:-1]


def test_a_lease_that_has_expired_is_used_and_said(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    for path in networkd(lab):
        path.write_text(path.read_text().replace("LIFETIME=3600", "LIFETIME=5"))
        os.utime(path, (time.time() - 25,) * 2)  # Since this boot: a lease's time before it counts as that of the boot.
    ran = run(lab, f"sync {omits_routes(tmp_path)}")
    assert (ran.code, table(lab)) == (0, OURS)
    assert "eth0's DHCP lease (systemd-networkd, /run/systemd/netif/leases/" in ran.err
    assert "has expired and is still used; its DHCP client may have stopped" in ran.err
    assert re.search(r"lease: eth0, systemd-networkd, expired 2\d s ago \(/run/systemd", ran.out)


def test_the_newest_lease_wins(lab: Lab, tmp_path: Path) -> None:
    """Both since the machine has started: what is in /run can't be older."""
    documented(lab)
    since_boot = seconds_since_boot()
    older, newer = min(1800.0, since_boot / 2), min(600.0, since_boot / 6)
    networkd(lab, older)
    put("udhcpc-cross.eth1", "/run/guest-routes/leases/eth1", newer)
    ran = run(lab, f"sync {omits_routes(tmp_path)}")
    assert ran.code == 0
    for nic, client, age in (("eth1", "udhcpc", newer), ("eth0", "systemd-networkd", older)):
        (shown,) = re.findall(rf"lease: {nic}, {client}, (\d+) (s|min) ago", ran.out)
        assert int(shown[0]) * {"s": 1, "min": 60}[shown[1]] == pytest.approx(age, abs=40)


# ---- files that are of no use ---------------------------------------------------------------------------


def test_bad_files_are_said_and_the_rest_goes_on(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    networkd(lab)
    huge = Path("/var/lib/dhcp/dhclient.eth0.leases")
    huge.parent.mkdir(parents=True)
    huge.write_bytes(b"x" * (1024 * 1024 + 1))
    foreign = put("dhclient-cross.eth1", "/var/lib/dhcp/dhclient.eth1.leases")
    os.chown(foreign, 1000 if os.getuid() == 0 and not sandbox.in_user_namespace() else 0, -1)
    open_to_all = put("dhcpcd-cross.eth0", "/var/lib/dhcpcd/eth0.lease")
    open_to_all.chmod(0o666)
    cut = put("dhcpcd-cross.eth1", "/var/lib/dhcpcd/eth1.lease")
    cut.write_bytes(cut.read_bytes()[:-40])
    os.symlink("/etc/passwd", "/var/lib/dhcpcd/link.lease")
    os.mkfifo("/var/lib/dhcpcd/pipe.lease")
    ran = run(lab, f"sync {omits_routes(tmp_path)}")
    assert (ran.code, table(lab)) == (0, OURS)
    assert f"{huge}: is too large: 1 MiB is the limit; ignored" in ran.err
    if os.stat(foreign).st_uid:
        assert f"{foreign}: belongs to the user 1000, not to root; ignored" in ran.err
    assert f"{open_to_all}: can be written by everybody; ignored" in ran.err
    assert f"{cut}: is cut off: " in ran.err
    assert "/var/lib/dhcpcd/link.lease: is no regular file but a link; ignored" in ran.err
    assert "/var/lib/dhcpcd/pipe.lease: is no regular file but a FIFO; ignored" in ran.err


def test_a_captured_images_lease_is_harmless(lab: Lab, tmp_path: Path) -> None:
    """Another instance's address: the NIC doesn't have it."""
    documented(lab)
    path = put("dhclient-cross.eth0", "/var/lib/dhcp/dhclient.eth0.leases")
    path.write_text(path.read_text().replace("fixed-address 10.65.0.7", "fixed-address 10.65.0.99"))
    ran = run(lab, f"sync {omits_routes(tmp_path)}")
    assert table(lab) == OURS[:-1]
    assert "using the kernel's default route" in ran.err


def test_a_damaged_option_121_keeps_what_can_be_read(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    text = "ADDRESS=10.65.0.7\nROUTER=10.65.0.1\nCLASSLESS_ROUTES=11.11.0.0/16,11.8.0.1 12.0.0.0/40,11.8.0.1\n"
    eth0 = networkd(lab)[0]
    eth0.write_text(text)
    ran = run(lab, f"sync {omits_routes(tmp_path)}")
    assert (ran.code, table(lab)) == (0, OURS)
    assert "option 121: entry 1 is no destination/length,nexthop: '12.0.0.0/40,11.8.0.1'; what follows" in ran.err


# ---- properties, settings, precedence -------------------------------------------------------------------

PROPERTY = "12.0.0.0/8,11.8.0.1 11.11.0.0/16,10.65.0.1"


def test_properties_come_before_leases_and_the_conflict_is_shown(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    networkd(lab)
    option = omits_routes(tmp_path, uuid="u", meta={"guest_routes": PROPERTY})
    ran = run(lab, f"sync {option}")
    assert ran.code == 0, ran
    assert table(lab) == [
        *OURS[:-1], "11.11.0.0/16 via 10.65.0.1 dev eth0 proto 121", "12.0.0.0/8 via 11.8.0.1 dev eth1 proto 121",
    ]  # fmt: skip
    lease = "eth0's DHCP lease (systemd-networkd, /run/systemd/netif/leases/"
    rule = "properties go before leases (`sources`)"
    assert f"11.11.0.0/16,11.8.0.1 {lease}" in ran.out and rule in ran.out
    assert max(map(len, lab.run("plan", *option.split()).stdout.splitlines()[1:])) <= 80
    # And a pass that changes nothing still shows it.
    assert rule in run(lab, f"plan {option}").out
    assert rule in run(lab, f"explain 11.11.3.4 {option}").out
    assert "meta.guest_routes[1] of meta_data.json" in run(lab, f"explain 11.11.3.4 {option}").out
    assert rule in run(lab, "status").out
    value = valid_json("plan", lab.run("plan", "--json", *option.split()))
    assert [(one["chosen"]["source"], one["other"]["source"], one["rule"]) for one in value["overrides"]] == [
        ("properties", "leases", rule)
    ]
    assert [lease["client"] for lease in value["leases"]] == ["systemd-networkd"] * 2
    valid_json("status", lab.run("status", "--json"))
    valid_json("explain", lab.run("explain", "11.11.3.4", "--json", *option.split()))


def test_the_order_is_settable(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    networkd(lab)
    option = omits_routes(tmp_path, uuid="u", meta={"guest_routes": PROPERTY})
    ran = run(lab, f"sync {option} --sources leases,http,properties")
    assert HOST_ROUTE in table(lab)
    assert "leases go before properties (`sources`)" in ran.out
    ran = run(lab, f"sync {option} --sources http,leases --accept-withdrawals")
    assert table(lab) == OURS


def test_routes_of_the_settings_count_whatever_sources_names(lab: Lab) -> None:
    documented(lab)
    ran = run(lab, f"sync --metadata {document('documented')} --sources http --routes 12.0.0.0/8,11.8.0.1")
    assert (ran.code, ran.err) == (0, "")
    assert table(lab) == [*DOCUMENTED, "12.0.0.0/8 via 11.8.0.1 dev eth1 proto 121"]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("11.11.0.0/16", "meta.guest_routes[0] of meta_data.json '11.11.0.0/16': must be destination,nexthop"),
        (["11.11.0.0/16,11.8.0.1"], "meta.guest_routes of meta_data.json must be text such as"),
        ("12.0.0.0/8,11.8.0.1 nonsense", "meta.guest_routes[1] of meta_data.json 'nonsense': must be destination"),
    ],
)
def test_bad_properties(lab: Lab, tmp_path: Path, value: object, problem: str) -> None:
    documented(lab)
    shutil.copyfile(document("documented"), tmp_path / "network_data.json")
    write_document(tmp_path / "meta_data.json", {"meta": {"guest_routes": value}})
    ran = run(lab, f"sync --metadata {tmp_path}")
    assert ran.code == 5
    assert problem in ran.out
    assert HOST_ROUTE in table(lab)


def test_properties_over_http_reach_the_last_known_good(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    meta = write_document(tmp_path / "meta_data.json", {"uuid": "u", "meta": {"guest_routes": "12.0.0.0/8,11.8.0.1"}})
    server = lab.metadata_server(document("documented"), "--meta-data", str(meta))
    assert run(lab, "sync --deadline-seconds 5").code == 0
    wanted = [*DOCUMENTED, "12.0.0.0/8 via 11.8.0.1 dev eth1 proto 121"]
    assert table(lab) == wanted
    lab.stop(server)
    run(lab, "withdraw")
    ran = run(lab, "sync --deadline-seconds 0.5")
    assert (ran.code, "last known good" in ran.out, table(lab)) == (0, True, wanted)
    assert "drift none" in run(lab, "status").out
    # meta_data.json can't be had: what it said last is truer than nothing.
    lab.metadata_server(document("documented"))
    assert run(lab, "sync --deadline-seconds 5").code == 0
    assert table(lab) == wanted


# ---- withdrawal (R6) ------------------------------------------------------------------------------------


def test_a_route_that_the_lease_no_longer_has_goes(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    option = omits_routes(tmp_path)
    eth0 = networkd(lab)[0]
    run(lab, f"sync {option}")
    assert table(lab) == OURS
    eth0.write_text("ADDRESS=10.65.0.7\nCLASSLESS_ROUTES=0.0.0.0/0,10.65.0.1\n")
    assert run(lab, f"sync {option}").code == 0
    assert table(lab) == OURS[:-1]


def test_a_lease_that_is_gone_withdraws_nothing_at_first(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    option = omits_routes(tmp_path)
    eth0 = networkd(lab)[0]
    run(lab, f"sync {option}")
    eth0.unlink()
    ran = run(lab, f"sync {option}")
    assert "it omits the routes of eth0, and 1 of our routes would go" in ran.err
    assert table(lab) == OURS
    # Neither does the last known good.
    assert "1 of our routes would go" in run(lab, "sync --sources last-known-good,leases").err
    assert table(lab) == OURS
    run(lab, f"sync {option}")
    run(lab, f"sync {option}")
    # The host route goes. The default, which works, stays: the kernel has it, and nobody says otherwise (R4).
    assert table(lab) == OURS[:-1]


def test_a_default_of_ours_whose_lease_is_gone_stays_at_first(lab: Lab, tmp_path: Path) -> None:
    """Only the lease named eth0's gateway, and nothing of it is left but our own route."""
    documented(lab)
    option = omits_routes(tmp_path)
    eth0 = networkd(lab)[0]
    eth0.write_text("ADDRESS=10.65.0.7\nROUTER=10.65.0.1\n")
    lab.ip("route", "delete", "default")
    run(lab, f"sync {option}")
    ours = ["default via 10.65.0.1 dev eth0 proto 121", *CONNECTED]
    assert table(lab) == ours
    eth0.unlink()
    for _ in range(2):
        ran = run(lab, f"sync {option}")
        assert "it omits the routes of eth0, and the default route would leave it" in ran.err
        assert table(lab) == ours
    run(lab, f"sync {option}")
    assert table(lab) == ["default via 11.8.0.1 dev eth1 proto 121", *CONNECTED]


# ---- IPv6 -----------------------------------------------------------------------------------------------


def test_the_advertised_router_is_the_evidence_for_slaac(lab: Lab, tmp_path: Path) -> None:
    lab.nic("eth0", MACS[0], "fd00:65::7/64", gateways=("fd00:65::1/64",))
    lab.nic("eth1", MACS[1], "fd00:8::9/64", gateways=("fd00:8::1/64",))
    lab.ip("-6", "route", "add", "default", "via", "fe80::a9fe:a9fe", "dev", "eth1", "proto", "static", "metric", "5")
    lab.ip("-6", "route", "add", "default", "via", "fe80::1:1", "dev", "eth1", "proto", "ra", "metric", "100")
    links = [{"id": f"tap{n}", "type": "tap", "ethernet_mac_address": mac} for n, mac in enumerate(MACS[:2])]
    networks = [{"id": "network1", "type": "ipv6_slaac", "link": "tap1"}]
    path = write_document(tmp_path / "network_data.json", {"links": links, "networks": networks})
    ran = run(lab, f"plan --metadata {path}")
    assert "using the router advertised on eth1: default via fe80::1:1 dev eth1" in ran.err


# ---- nothing where it isn't taken -----------------------------------------------------------------------


def test_a_pass_on_a_document_that_speaks_imports_nothing_of_it(lab: Lab) -> None:
    documented(lab)
    networkd(lab)
    code = "import sys; from guest_routes.cli.main import main; main(sys.argv[1:]); print([*sys.modules])"
    command = [sys.executable, "-S", "-c", code, "sync", "--metadata", str(document("documented"))]
    subprocess.run(command, check=True, capture_output=True)
    done = subprocess.run(command, text=True, capture_output=True, check=True)
    loaded = done.stdout.splitlines()[-1]
    assert "guest_routes.routing.bind" in loaded
    for module in ("leases.find", "leases.choose", "evidence.properties"):
        assert f"guest_routes.{module}" not in loaded
    # The largest import there was; json_codec serves.
    assert "'json'" not in loaded and "'re'" not in loaded


# ---- the service ----------------------------------------------------------------------------------------


def test_the_service_goes_by_leases_until_there_is_metadata(lab: Lab, start: Start) -> None:
    documented(lab)
    eth0 = networkd(lab)[0]
    service = start(settings={"deadline_seconds": 0.5, "refresh_seconds": 2})
    service.wait(lambda: table(lab) == OURS)
    service.wait_said("using the DHCP leases of eth0, eth1")
    lab.ip("route", "delete", "11.11.0.0/16")
    service.wait(lambda: table(lab) == OURS)
    # The metadata knows better: the route is under eth1's subnet and the lease says nothing of it.
    eth0.write_text("ADDRESS=10.65.0.7\nCLASSLESS_ROUTES=0.0.0.0/0,10.65.0.1\n")
    lab.metadata_server(document("documented"))
    service.wait(lambda: Path("/var/lib/guest-routes/last-known-good").exists(), 30)
    service.wait(lambda: table(lab) == OURS)
    assert service.stop() == 0


def test_the_service_holds_the_routes_of_a_lease_that_goes(lab: Lab, start: Start, tmp_path: Path) -> None:
    """R6: what a DHCP client takes away with it is no word of the cloud's."""
    documented(lab)
    omits_routes(tmp_path)
    lab.metadata_server(tmp_path / "network_data.json")
    eth0 = networkd(lab)[0]
    service = start(settings={"deadline_seconds": 2})
    service.wait(lambda: table(lab) == OURS)
    service.wait(lambda: Path("/var/lib/guest-routes/last-known-good").exists())
    eth0.unlink()
    lab.ip("route", "add", "192.0.2.0/24", "via", "10.65.0.1", "dev", "eth0", "proto", "121")
    service.wait_said("2 of our routes would go")
    assert HOST_ROUTE in table(lab)
    assert service.stop() == 0


@pytest.mark.parametrize("there", ["", "default via 11.8.0.99 dev eth1 proto static metric 50"], ids=["", "a default"])
def test_a_lease_with_host_routes_and_no_router(lab: Lab, tmp_path: Path, there: str) -> None:
    """As with a document's network (R3): nobody names another gateway, and a default that somebody made names none."""
    lab.documented_nics()
    lab.ip("route", "append", *OURS[0].split())
    paths = networkd(lab)
    lease = paths[1].read_text()
    kept = [line for line in lease.splitlines() if not line.startswith(("ROUTER=", "CLASSLESS_ROUTES="))]
    paths[1].write_text("\n".join([*kept, "CLASSLESS_ROUTES=12.0.0.0/8,11.8.0.1"]) + "\n")
    if there:
        lab.ip("route", "append", *there.split())
    option = omits_routes(tmp_path)
    ran = run(lab, f"sync {option}")
    assert (ran.code, HOST_ROUTE in table(lab), table(lab)[0]) == (0, True, OURS[0]), ran
    assert "12.0.0.0/8 via 11.8.0.1 dev eth1 proto 121" in table(lab)
    assert "11.8.0.1 is in eth1's subnet 11.8.0.0/24, whose network lists routes and no gateway" in ran.out
    assert there or ("using its DHCP lease" in ran.err and "which names no router" in ran.err), ran.err
    assert "unknown" not in ran.err
    # Of one that names a router another next hop is none.
    networkd(lab)
    ran = run(lab, f"sync {option} --routes 13.0.0.0/8,11.8.0.7")
    assert (ran.code, "but its gateway is 11.8.0.1" in ran.out) == (5, True), ran
