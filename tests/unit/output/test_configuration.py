"""`correct` and `export` for people and as JSON."""

from __future__ import annotations

from typing import List

import pytest

from guest_routes.model.configuration import (
    ConfiguredRoute,
    CorrectedFile,
    Correction,
    Export,
    ExportFile,
    ExportNote,
    Place,
    RewriteError,
    Rewritten,
    RouteVerdict,
)
from guest_routes.model.decision import Elected, Resolved, ResolvedNextHop
from guest_routes.model.evidence import GatewayEvidence
from guest_routes.model.network import parse_address
from guest_routes.model.network_data import HostRoute
from guest_routes.output.configuration import (
    READ_AGAIN,
    READER,
    export_json,
    export_note_text,
    exported_lines,
    rewritten_json,
    rewritten_lines,
)
from guest_routes.output.folding import laid_out
from tests.support.reports import ETH0, ETH1, assert_fits, assert_valid, prefix, report

A, B = "/etc/systemd/network/10-cloud-init-eth0.network", "/etc/systemd/network/10-cloud-init-eth1.network"
GATEWAY = parse_address("11.8.0.1")
ROUTE = ConfiguredRoute(ETH0, prefix("11.11.0.0/16"), GATEWAY, A, (3,))
DEFAULT = ConfiguredRoute(ETH1, prefix("0.0.0.0/0"), GATEWAY, B, (3,))
HOST = HostRoute(prefix("11.11.0.0/16"), GATEWAY, "network_data.json", 0, 1)
RESOLVED = Resolved(HOST, ResolvedNextHop(ETH1, GATEWAY, GatewayEvidence("document", "networks[1].routes[0]")))
(ELECTED,) = (one for one in report().elections[:1] if isinstance(one, Elected))


# ---- correct ----------------------------------------------------------------------------------------

MOVED = RouteVerdict(ROUTE, "moved", "resolved", RESOLVED, Place(ETH1, 4, B, 9))
REMOVED = RouteVerdict(DEFAULT, "removed", "extra-default", ELECTED)
KEPT = RouteVerdict(DEFAULT._replace(nic=ETH0, path=A), "kept", "elected", ELECTED)
FILES = (CorrectedFile(A, "systemd-networkd", "a", "b"), CorrectedFile(B, "systemd-networkd", "c", "d"))
DONE = Rewritten(Correction(FILES, (MOVED, REMOVED, KEPT)), True)


def lines_of(done: Rewritten, verbose: bool = False) -> List[str]:
    lines = laid_out(rewritten_lines(done, verbose))
    assert_fits(lines)
    return lines


def test_what_was_corrected() -> None:
    assert lines_of(DONE) == [
        "> 11.11.0.0/16 via 11.8.0.1 dev eth0 -> eth1",
        f"      {A} ->",
        f"      {B}: networks[0].routes[1]:",
        "      11.8.0.1 is eth1's gateway (networks[1].routes[0])",
        "- default via 11.8.0.1 dev eth1",
        f"      {B}: eth0 has the default",
        "      route: the first network with a documented default on a NIC that is up:",
        "      networks[0], eth0; its gateway: networks[0].routes[0]",
        "corrected: 2 files; what cloud-init wrote is kept in",
        "/var/lib/guest-routes/originals; `guest-routes correct --undo` puts it back",
        "if systemd-networkd has read the old files already, run `networkctl reload`, and",
        "`networkctl reconfigure NIC` for each NIC",
    ]
    assert "= default via 11.8.0.1 dev eth0" in lines_of(DONE, verbose=True)


def test_a_move_inside_one_file_names_it_once() -> None:
    inside = MOVED._replace(to=Place(ETH1, 4, A, 9))
    lines = lines_of(DONE._replace(correction=DONE.correction._replace(verdicts=(inside,))))
    assert lines[:2] == ["> 11.11.0.0/16 via 11.8.0.1 dev eth0 -> eth1", f"      {A}: networks[0].routes[1]:"]


def test_what_would_be_corrected() -> None:
    assert lines_of(DONE._replace(written=False))[-1] == "2 files to correct; run `guest-routes correct`"


@pytest.mark.parametrize("manager", sorted(READ_AGAIN))
def test_how_each_manager_reads_its_files_again(manager: str) -> None:
    changed = (CorrectedFile("/x", manager, "a", "b"),)
    lines = lines_of(DONE._replace(correction=Correction(changed, ())))
    reader = READER.get(manager, manager)
    assert " ".join(lines[2:]) == f"if {reader} has read the old files already, run {READ_AGAIN[manager]}"


def test_files_that_are_made_and_removed() -> None:
    files = (
        *FILES,
        CorrectedFile("/r1", "sysconfig", None, "x"),
        CorrectedFile("/r2", "sysconfig", "x", None),
        CorrectedFile("/r3", "sysconfig", "x", None),
    )
    done = DONE._replace(correction=Correction(files, ()))
    assert lines_of(done)[0].startswith("corrected: 5 files (1 made, 2 removed); what cloud-init wrote is kept in")
    value = rewritten_json(done)
    assert_valid("correct", value)
    assert [(one["made"], one["removed"]) for one in value["files"][2:4]] == [(True, False), (False, True)]


def test_nothing_to_correct() -> None:
    odd = CorrectedFile(B, "systemd-networkd", "a", "a", odd="line 3 is no KEY=VALUE of a section")
    left = RouteVerdict(DEFAULT, "left", "only-default", ELECTED)
    fine = Correction((CorrectedFile(A, "systemd-networkd", "a", "a"), odd), (left,))
    lines = lines_of(Rewritten(fine, True))
    assert lines[0] == f"{B}: not changed: line 3 is no"
    assert lines[1] == "    KEY=VALUE of a section"
    assert lines[2] == "! default via 11.8.0.1 dev eth1"
    assert lines[-1] == "nothing more can be corrected in 2 files that cloud-init has written"
    assert lines_of(Rewritten(Correction((), ()), True)) == [
        "nothing to correct: cloud-init has written no network configuration here"
    ]


def test_correct_as_json() -> None:
    value = rewritten_json(DONE._replace(errors=(RewriteError("unwritable", "/x", "full"),)))
    assert_valid("correct", value)
    assert (value["exit_code"], value["written"], value["errors"]) == (1, True, ["cannot write /x: full"])
    assert value["files"][0] == {
        "path": A, "manager": "systemd-networkd", "changed": True, "made": False, "removed": False, "odd": ""
    }  # fmt: skip
    assert value["routes"][:2] == [
        {
            "route": "11.11.0.0/16 via 11.8.0.1 dev eth0",
            "path": A,
            "verdict": "moved",
            "to": B,
            "reason": "networks[0].routes[1]: 11.8.0.1 is eth1's gateway (networks[1].routes[0])",
        },
        {
            "route": "default via 11.8.0.1 dev eth1",
            "path": B,
            "verdict": "removed",
            "to": None,
            "reason": "eth0 has the default route: the first network with a documented default on a NIC that is up: "
            "networks[0], eth0; its gateway: networks[0].routes[0]",
        },
    ]


def test_correct_switched_off_as_json() -> None:
    value = rewritten_json(None)
    assert_valid("correct", value)
    assert value == {"schema": "guest-routes/correct/1", "exit_code": 0, "disabled": True}


# ---- export -----------------------------------------------------------------------------------------

NOTES = [
    (
        ExportNote("shares-mac", ("vlan7",), nic_kind="vlan"),
        "vlan7 is not exported: it is a vlan, and files tell NICs by MAC addresses alone",
    ),
    (
        ExportNote("no-leases", ("eth0", "eth1")),
        "the document omits the routes of eth0, eth1 (DHCP), and a machine that isn't running has no leases: name what "
        "they need by `gateways` and `routes`",
    ),
    (
        ExportNote("unknown-routes", ("eth1",)),
        "the document omits the routes of eth1 (DHCP), and no lease has them: they are in none of these files, which "
        "keep those that DHCP brings away; name what is needed by `gateways` and `routes`",
    ),
    (
        ExportNote("other-table", table=100),
        "the table 100 of the settings is not exported: these routes go to the main table",
    ),
    (
        ExportNote("replaces-file", ("eth0",), path="/etc/05.network", replaced="/run/10.network"),
        "/etc/05.network takes precedence over /run/10.network: copy its other settings, for example DNS= "
        "and MTUBytes=",
    ),
    (
        ExportNote("replaces-file", ("eth0",), path="/etc/05.network"),
        "/etc/05.network takes precedence over the file that configures eth0: copy its other settings, for "
        "example DNS= "
        "and MTUBytes=",
    ),
    (
        ExportNote("precedes-profiles", ("eth0",)),
        "these profiles take precedence over those of other files: copy their other settings, for example "
        "dns= and mtu=",
    ),
    (
        ExportNote("router-default", ("eth1",)),
        "netplan can't stop the default route that eth1's router advertises: use the drop-in of "
        "`guest-routes export --format networkd`",
    ),
    (
        ExportNote("other-files", ("eth1",)),
        "routes and gateway4 of eth1 in other files of /etc/netplan stay: remove them there, or run "
        "`guest-routes correct` where cloud-init wrote them",
    ),
    (
        ExportNote("apply", ("eth0", "eth1"), format_name="networkd"),
        "then run `networkctl reload`, and `networkctl reconfigure eth0 eth1`",
    ),
    (ExportNote("apply", ("eth0",), format_name="netplan"), "then run `netplan apply`"),
    (
        ExportNote("apply", ("eth0",), format_name="ip", path="/usr/local/sbin/guest-routes-exported"),
        "then run `/usr/local/sbin/guest-routes-exported` at each boot, and again after every change of the network",
    ),
    (
        ExportNote("apply", ("eth0", "eth1"), format_name="networkmanager"),
        "then run `nmcli connection reload`, and `nmcli connection up 'guest-routes eth0' && nmcli connection up "
        "'guest-routes eth1'`",
    ),
    (
        ExportNote("apply", ("eth0",), format_name="nmstate", path="/etc/nmstate/guest-routes.yml"),
        "then run `nmstatectl apply /etc/nmstate/guest-routes.yml`, which goes back if it cannot verify the result",
    ),
    (
        ExportNote("apply", ("eth0",), format_name="ifupdown"),
        "then run `ifdown --all; ifup --all` from a console, since it cuts the connection",
    ),
]


@pytest.mark.parametrize("note, text", NOTES, ids=[f"{note.kind} {note.format_name}".strip() for note, _ in NOTES])
def test_what_an_export_leaves_to_do(note: ExportNote, text: str) -> None:
    assert export_note_text(note) == text


def test_exported_files_for_a_terminal() -> None:
    made = Export((ExportFile("/a", "one\ntwo\n"), ExportFile("/b", "three\n", 0o600)))
    assert exported_lines(made) == ["# ==== /a  (mode 644)", "one", "two", "", "# ==== /b  (mode 600)", "three"]
    assert exported_lines(Export(())) == ["# nothing to export: the document describes no NIC that is present"]


def test_export_as_json() -> None:
    made = Export((ExportFile("/b", "three\n", 0o600),), (ExportNote("apply", ("eth0",), format_name="netplan"),))
    value = export_json(made, "netplan", 5)
    assert_valid("export", value)
    assert value == {
        "schema": "guest-routes/export/1",
        "exit_code": 5,
        "format": "netplan",
        "files": [{"path": "/b", "mode": "0600", "text": "three\n"}],
        "notes": ["then run `netplan apply`"],
    }
