"""`export --nic`: the configuration of a machine that isn't running. Nothing of this machine counts."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from guest_routes.managers.export.render import FORMATS
from tests.support.lab import MACS, Lab, document, write_document
from tests.support.passes import documented, run, valid_json

NICS = ["--nic", f"eth0={MACS[0]}", "--nic", f"eth1={MACS[1]}"]
WITHOUT_SOCKETS = """
import sys
def hook(event, arguments):
    if event.startswith("socket"):
        raise SystemExit(f"opened a socket: {event} {arguments}")
sys.addaudithook(hook)
from guest_routes.cli.main import main
raise SystemExit(main(sys.argv[1:]))
"""


def files(ran: subprocess.CompletedProcess[str]) -> List[Dict[str, str]]:
    found: List[Dict[str, str]] = valid_json("export", ran)["files"]
    return found


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", ["documented", "dual-stack"])
def test_it_is_what_the_running_machine_would_export(lab: Lab, form: str, name: str) -> None:
    words = ["export", "--format", form, "--json", "--metadata", str(document(name))]
    offline = lab.run(*words, *NICS)  # There are no NICs at all yet.
    documented(lab)
    online = lab.run(*words)
    assert online.returncode == offline.returncode == 0
    assert files(offline) == files(online) != []


@pytest.mark.parametrize("form", FORMATS)
def test_a_port_of_a_bond_gets_no_file_of_its_own(lab: Lab, form: str) -> None:
    """The bond isn't there yet, and its port has its MAC: with the bond's address it would be taken out of the bond."""
    ran = lab.run(
        "export", "--format", form, "--json", "--metadata", str(document("bond")), *NICS, "--nic", f"eth2={MACS[2]}"
    )
    assert ran.returncode == 5
    made = "".join(one["text"] for one in files(ran))
    assert MACS[2] in made.lower()
    assert not any(text in made.lower() for text in (MACS[0], MACS[1], "11.8.0.9", "11.11.0.0"))


def test_no_socket_is_opened_and_no_root_is_taken(lab: Lab, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    words = ["export", "--format", "ip", "--metadata", str(document("documented"))]
    ran = subprocess.run([sys.executable, "-c", WITHOUT_SOCKETS, *words, *NICS], text=True, capture_output=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "add -4 prepend '' 11.11.0.0/16 via 11.8.0.1" in ran.stdout
    online = subprocess.run([sys.executable, "-c", WITHOUT_SOCKETS, *words], text=True, capture_output=True)
    assert "opened a socket" in online.stderr  # The hook does see them.


def test_this_machine_s_document_state_and_leases_do_not_count(lab: Lab) -> None:
    documented(lab)
    lab.metadata_server(document("documented"))
    assert lab.run("sync").returncode == 0
    leases = Path("/run/systemd/netif/leases")
    leases.mkdir(parents=True, exist_ok=True)
    (leases / str(socket.if_nametoindex("eth1"))).write_text(
        "ADDRESS=11.8.0.9\nCLASSLESS_ROUTES=10.9.0.0/16,11.8.0.1 0.0.0.0/0,11.8.0.1\n"
    )
    words = ["export", "--format", "ip", "--metadata", str(document("dhcp")), *NICS]
    assert "10.9.0.0" in lab.run(*words[:-4]).stdout
    ran = lab.run(*words)
    assert "10.9.0.0" not in ran.stdout
    assert "the document omits the routes of eth0, eth1 (DHCP)" in ran.stderr
    assert lab.run(*words, "--gateways", "eth0=10.65.0.1", "--gateways", "eth1=11.8.0.1").stderr == ""


def test_the_settings_count_also_the_image_s(lab: Lab, tmp_path: Path) -> None:
    settings = tmp_path / "image.yaml"
    settings.write_text('routes: ["10.9.0.0/16,11.8.0.1"]\n')
    words = ["export", "--format", "ip", "--metadata", str(document("documented")), *NICS]
    assert "10.9.0.0/16 via 11.8.0.1" in lab.run(*words, "--settings", str(settings)).stdout


def test_nothing_has_to_be_read_again_by_a_manager(lab: Lab) -> None:
    ran = lab.run("export", "--format", "networkd", "--metadata", str(document("documented")), *NICS)
    assert "networkctl" not in ran.stderr


@pytest.mark.parametrize("named, other, network", [(0, 1, 1), (1, 0, 0)])
def test_a_nic_of_the_document_that_is_not_named_is_told(lab: Lab, named: int, other: int, network: int) -> None:
    """Also one without host routes: the default route may be its own."""
    ran = run(lab, f"export --format ip --metadata {document('documented')} --nic eth{named}={MACS[named]}")
    assert ran.code == 5
    assert f"no --nic names the NIC with MAC {MACS[other]}, which networks[{network}] is on" in ran.err
    assert "once it appears" not in ran.err


def test_source_routing_by_the_indexes_of_a_fresh_machine(lab: Lab) -> None:
    words = ["export", "--format", "ip", "--metadata", str(document("documented")), *NICS]
    ran = lab.run(*words, "--source-routing", "true")
    assert "12102" in ran.stdout
    assert "12103" in ran.stdout


@pytest.mark.parametrize(
    "words, said",
    [
        ([*NICS], "--metadata must name its document"),
        (["--metadata", "DOCUMENT", "--nic", "eth0"], "must be NAME=MAC, such as eth0=fa:16:3e:00:00:01"),
        (["--metadata", "DOCUMENT", "--nic", "eth0=fa:16"], "must be NAME=MAC"),
        (["--metadata", "DOCUMENT", "--nic", f"a/b={MACS[0]}"], "must be NAME=MAC"),
        (["--metadata", "DOCUMENT", *NICS, "--nic", f"eth1={MACS[2]}"], "another --nic has the same name or MAC"),
        (["--metadata", "DOCUMENT", *NICS, "--nic", f"eth2={MACS[1]}"], "another --nic has the same name or MAC"),
    ],
)
def test_mistakes(lab: Lab, words: List[str], said: str) -> None:
    path = str(document("documented"))
    ran = lab.run("export", "--format", "ip", "--json", *(path if word == "DOCUMENT" else word for word in words))
    assert ran.returncode == 2
    assert said in valid_json("export", ran)["error"]
    assert said in ran.stderr


def test_a_document_without_networks(lab: Lab, tmp_path: Path) -> None:
    empty: Any = {"links": [], "networks": [], "services": []}
    path = write_document(tmp_path / "network_data.json", empty)
    ran = lab.run("export", "--format", "ip", "--json", "--metadata", str(path), *NICS)
    assert ran.returncode == 4
    assert json.loads(ran.stdout)["files"] == []
