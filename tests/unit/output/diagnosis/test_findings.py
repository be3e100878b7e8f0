"""What is wrong in words, and what to do, finding by finding."""

from __future__ import annotations

import json
import re

import pytest

from guest_routes.model.configuration import ConfiguredRoute, RewriteError, RouteVerdict
from guest_routes.model.decision import Binding
from guest_routes.model.diagnosis.inspection import Difference, Finding
from guest_routes.model.diagnosis.status import ConflictRecord
from guest_routes.model.evidence import Elsewhere
from guest_routes.model.network import Rule, parse_address
from guest_routes.model.network_data import Network, Problem
from guest_routes.model.plan import Suspicion
from guest_routes.model.source_routing import SourceConflict
from guest_routes.output.diagnosis.findings import _WORDS, difference_text, finding_words
from tests.support.reports import ETH0, ETH1, SCHEMAS, prefix, report, route

PAGE = SCHEMAS.parent / "network-managers.md"
NICS = (ETH0, ETH1)
CONFIGURED = ConfiguredRoute(ETH0, prefix("11.11.0.0/16"), parse_address("11.8.0.1"), "/etc/a.network", (3,))
WRONG = RouteVerdict(CONFIGURED, "moved", "resolved")
NETWORK = Network(1, "n", "l", "ipv4", 4, prefix("11.8.0.9/24"))
(MISSED,) = report("not-a-gateway").unprogrammed

SHARED = SourceConflict("shared-address", ETH1, 12103, address=parse_address("10.65.0.7"), other=ETH0)

CASES = [
    (
        Finding("source-routing", ("eth1",), source_conflict=SHARED),
        "10.65.0.7 is an address of both eth0 and eth1: packets that carry it leave by eth0",
        "give it to one NIC",
    ),
    (
        Finding("source-drift", missing=2),
        "2 changes needed for source routing",
        "`guest-routes sync`; `guest-routes plan` shows which",
    ),
    (
        Finding("no-metadata", text="cannot find it\n  http: no answer"),
        "cannot find it; http: no answer",
        "see above what each NIC gets for an answer; or name the document: `--metadata FILE`",
    ),
    (
        Finding("extra-default", route=route("default via 11.8.0.1 dev eth1 proto dhcp")),
        "one default route too many: default via 11.8.0.1 dev eth1 proto dhcp",
        "`guest-routes sync` removes it",
    ),
    (
        Finding("missing-routes", missing=2),
        "2 routes of the document not in place",
        "`guest-routes sync`; `guest-routes plan` shows which",
    ),
    (
        Finding("no-rule", route=route("11.11.0.0/16 via 11.8.0.1 dev eth1")),
        "no rule looks up table main for IPv4: none of its routes is used",
        "`ip -4 rule add priority 32766 lookup main`",
    ),
    (
        Finding("no-rule", route=route("11.11.0.0/16 via 11.8.0.1 dev eth1"), rule=Rule(4, 90, 0, False, action=7)),
        "rule 90 (`ip -4 rule`) keeps all packets from table main: none of its routes is used",
        "see `ip -4 rule`",
    ),
    (
        Finding("no-rule", route=route("11.11.0.0/16 via 11.8.0.1 dev eth1"), missing=2),
        "no rule looks up table main for IPv4: none of its routes is used; 2 routes of the document not in place",
        "`ip -4 rule add priority 32766 lookup main`, then `guest-routes sync`",
    ),
    (
        Finding("not-programmed", unprogrammed=(Problem("links[0]", "odd", True),)),
        "not in effect: links[0]: odd",
        "`guest-routes plan` shows each with its reason",
    ),
    (
        Finding("partial-document", suspicion=Suspicion("no-networks")),
        "the document may be partial: it has no networks",
        "`guest-routes plan` shows what it lacks; `guest-routes sync --accept-withdrawals` takes it as it is",
    ),
    (
        Finding("two-managers", ("eth1",), ("NetworkManager", "ifupdown")),
        "NetworkManager and ifupdown both configure eth1",
        "leave the NIC to one of them, for example: `systemctl disable --now NetworkManager.service`",
    ),
    (
        Finding("two-managers", ("eth1",), ("ifupdown", "systemd-networkd")),
        "ifupdown and systemd-networkd both configure eth1",
        "leave the NIC to one of them, for example: `systemctl disable --now networking.service`",
    ),
    (
        Finding("idle-manager", managers=("NetworkManager", "systemd-networkd")),
        "NetworkManager runs and configures no NIC; systemd-networkd configures them",
        "`systemctl disable --now NetworkManager.service`, before it configures one too",
    ),
    (
        Finding("wrong-configuration", verdicts=(WRONG,)),
        "cloud-init's network configuration is wrong in 1 place: 11.11.0.0/16 via 11.8.0.1 dev eth0 in /etc/a.network",
        "`guest-routes correct`; at every boot: `systemctl enable guest-routes-correct.service`",
    ),
    (
        Finding("wrong-configuration-left", verdicts=(RouteVerdict(CONFIGURED, "left", "not-in-document"),)),
        "cloud-init's network configuration is wrong: 11.11.0.0/16 via 11.8.0.1 dev eth0 in /etc/a.network",
        "`guest-routes correct` leaves it: not in the document",
    ),
    (
        Finding("no-route-command"),
        "cloud-init's file for ifupdown calls `route`, which is not installed: none of its routes is programmed",
        "`apt-get install net-tools`; until then guest-routes programs them",
    ),
    (
        Finding("not-configured", ("eth0",), ("systemd-networkd",), "configuring"),
        "systemd-networkd has not configured eth0 (configuring): its wait-online delays the boot",
        "`networkctl status eth0` says why; usually it is a route that can't be set",
    ),
    (
        Finding("use-routes", ("eth1",)),
        "systemd-networkd takes a default route for eth1 from its DHCP server (UseRoutes, UseGateway)",
        "`guest-routes export --format networkd` prints the drop-in that stops it",
    ),
    (
        Finding("dhcp-default", ("eth1",), ("NetworkManager",)),
        "eth1's DHCP server offers a default route, which comes back with every renewal",
        "`guest-routes export --format networkmanager` prints the configuration that stops it",
    ),
    (
        Finding("no-gateway", ("eth1",), binding=Binding(NETWORK, None, ETH1)),
        "eth1's IPv4 gateway is unknown (11.8.0.9/24): no host route can use this NIC",
        "`gateways: {eth1: ADDRESS}` in /etc/guest-routes.yaml, with the gateway of its subnet",
    ),
    (
        Finding("no-gateway", ("eth1",), binding=Binding(NETWORK._replace(address=None), None, ETH1)),
        "eth1's IPv4 gateway is unknown (networks[1]): no host route can use this NIC",
        "`gateways: {eth1: ADDRESS}` in /etc/guest-routes.yaml, with the gateway of its subnet",
    ),
    (
        Finding("unread-lease", ("eth1",), ("wicked",)),
        "the metadata omits eth1's routes and no DHCP lease is found; wicked runs, whose leases are not read",
        "host routes in the settings (`routes`) or the instance's property guest_routes stand in for option 121",
    ),
    (
        Finding("unread-lease", ("eth1",), ("ConnMan", "wicked")),
        "the metadata omits eth1's routes and no DHCP lease is found; ConnMan and wicked run, "
        "whose leases are not read",
        "host routes in the settings (`routes`) or the instance's property guest_routes stand in for option 121",
    ),
    (
        Finding("rp-filter", ("eth0", "eth1")),
        "strict rp_filter on eth0, eth1: packets are dropped whose replies leave by another NIC",
        "`sysctl -w net.ipv4.conf.all.rp_filter=2`, and the same in /etc/sysctl.d",
    ),
    (
        Finding("cross-check", managers=("netifaces",), difference=Difference("extra-nic", "eth5")),
        "netifaces has the NIC eth5, which netlink doesn't have",
        "compare with `ip -d route` and `ip -d link`; report it as a bug",
    ),
    (
        Finding("unused-file", unused=Problem("/run/x", "belongs to the user 1000, not to root; ignored")),
        "not used: /run/x: belongs to the user 1000, not to root",
        "only root may be able to write it and every folder above it: `namei -l /run/x` shows whose they are",
    ),
    (
        Finding("unused-drive", unused=Problem("/dev/sr1", "not used as a config drive: its filesystem is ext4")),
        "/dev/sr1: not used as a config drive: its filesystem is ext4",
        "`lsblk -f` and `losetup --list` show what it is; detach it, or take its label config-2 away",
    ),
    (
        Finding("settings-wrong", text="/etc/a.yaml: protocl: no such setting"),
        "the settings are wrong, so no pass runs: /etc/a.yaml: protocl: no such setting",
        "correct them; `guest-routes withdraw`, `status` and `explain` work all the same",
    ),
    (
        Finding("settings-wrong", text="/etc/a.yaml: x", service_goes_on=True),
        "the settings are wrong, and the service goes on with those that it has read: /etc/a.yaml: x",
        "correct them, then `systemctl reload guest-routes`; `guest-routes withdraw`, `status` and `explain` work all "
        "the same",
    ),
    (
        Finding("settings-unread"),
        "the service goes by other settings than the files have now",
        "`systemctl reload guest-routes` puts these in force",
    ),
    (
        Finding("doubtful", text="networks[2].link: must be the id of an entry of links, not 'a'"),
        "networks[2].link: must be the id of an entry of links, not 'a'",
        "correct it where it comes from; `guest-routes plan --verbose` shows what is used meanwhile",
    ),
    (
        Finding("routes-left", elsewhere=Elsewhere(100, 130, 2)),
        "table 100: 2 routes of protocol 130 left by a pass with other settings",
        "`guest-routes withdraw`, then `guest-routes sync`",
    ),
    (
        Finding("settings-hidden", text="/etc/a.yaml: cannot be read by this user: Permission denied"),
        "the settings are not known to this user, so what follows may be otherwise: /etc/a.yaml: cannot be read by "
        "this user: Permission denied",
        "`guest-routes doctor` as root",
    ),
    (
        Finding("metadata-unreachable", ("eth0", "eth1"), text="HTTP 500"),
        "the metadata service gives no document through eth0, eth1: HTTP 500; what was kept may be out of date",
        "where it doesn't answer: `ip route get 169.254.169.254` shows the way the kernel would take; is there a "
        "firewall? what it answers is the cloud's operator's to correct",
    ),
    (
        Finding("service-ended"),
        "the service ended unexpectedly: nothing repairs the routes",
        "`systemctl status guest-routes` and `journalctl -u guest-routes` say why; `systemctl restart guest-routes`",
    ),
    (
        Finding("service-overdue"),
        "the service's record is overdue: it hangs, or can't write to /run/guest-routes",
        "`df /run`, and `journalctl -u guest-routes`; `systemctl restart guest-routes`",
    ),
    (
        Finding("service-not-running"),
        "the service is enabled and doesn't run: nothing repairs the routes",
        "`systemctl start guest-routes`",
    ),
    (
        Finding("service-not-enabled"),
        "the service is installed and not enabled: it doesn't start at boot",
        "`systemctl enable --now guest-routes`",
    ),
    (
        Finding("conflict", conflict=ConflictRecord(0.0, "11.11.0.0/16", 7, "ip (pid 4)", "end it")),
        "ip (pid 4) has changed the route to 11.11.0.0/16 7 times: its repairs wait",
        "end it",
    ),
    (
        Finding("withdrawn"),
        "the routes were withdrawn by hand: the service programs none",
        "`guest-routes sync` programs them again",
    ),
]


@pytest.mark.parametrize("finding, what, remedy", CASES, ids=[case[0].kind for case in CASES])
def test_what_is_wrong_and_what_to_do(finding: Finding, what: str, remedy: str) -> None:
    assert finding_words(finding, NICS) == (what, remedy)


def test_every_kind_is_tested() -> None:
    assert {case[0].kind for case in CASES} == set(_WORDS)


def test_the_first_of_several_unprogrammed_routes() -> None:
    what, _ = finding_words(Finding("not-programmed", unprogrammed=(MISSED, MISSED, MISSED)), NICS)
    assert what.startswith("not in effect: 11.11.0.0/16,11.8.0.99  (networks[1].routes[1]): 11.8.0.99 is in")
    assert what.endswith(", and 2 more")


def test_the_first_of_many_wrong_lines() -> None:
    what, _ = finding_words(Finding("wrong-configuration", verdicts=(WRONG,) * 1203), NICS)
    assert "wrong in 1,203 places: " in what
    assert what.count("/etc/a.network") == 3
    assert what.endswith("; and 1,200 more")


@pytest.mark.parametrize(
    "one, text",
    [
        (
            Difference("mac", "eth0", macs=("fa:16:3e:00:00:07", "fa:16:3e:00:00:08"), mac=ETH0.mac),
            "reads the MAC address fa:16:3e:00:00:07 fa:16:3e:00:00:08 of eth0, netlink fa:16:3e:00:00:01",
        ),
        (
            Difference("addresses", "eth0", addresses=("10.65.0.7", "10.65.0.8")),
            "and netlink read different addresses of eth0: 10.65.0.7 10.65.0.8",
        ),
        (
            Difference("missing-route", route=route("default via 10.65.0.1 dev eth0")),
            "doesn't have the route default via 10.65.0.1 dev eth0 proto boot",
        ),
        (
            Difference("extra-route", route=route("default via 10.65.0.1 dev eth0")),
            "has a further route: default via 10.65.0.1 dev eth0 proto boot",
        ),
    ],
)
def test_what_another_library_reads(one: Difference, text: str) -> None:
    assert difference_text(one, NICS) == text


def test_a_file_of_cloud_inits_that_is_not_used() -> None:
    finding = Finding("unused-file", unused=RewriteError("unreadable", "/x", "gone"))
    assert finding_words(finding, ())[0] == "not used: cannot read /x: gone; it stays as it is"


def test_the_schema_has_every_kind() -> None:
    schema = json.loads((SCHEMAS / "doctor.json").read_text())
    kinds = schema["$defs"]["finding"]["properties"]["kind"]["enum"]
    assert kinds == sorted(_WORDS)


def test_the_page_has_every_finding() -> None:
    rows = PAGE.read_text().split("\n## doctor\n")[1].split("| --- | --- |\n")[1].splitlines()
    named = [name for row in rows if row.startswith("|") for name in re.findall(r"`([\w-]+)`", row.split("|")[1])]
    assert sorted(named) == sorted(_WORDS)
