"""Commands and settings that are advised about NICs of odd names, pasted: each is about that NIC.

The kernel takes any name without a slash, a colon and a space (net/core/dev.c, dev_valid_name).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from guest_routes.model.diagnosis.status import Actor
from guest_routes.model.network import parse_prefix
from guest_routes.output.words.remedies import remedy
from tests.support.lab import MACS, Lab, write_document
from tests.support.passes import run

NAMES = (
    "true", "null", "~", "0121", "1", "1e3", "{a}", "&a", "*a", "#x", "'a", 'a"b', "a,b", "a=b", "!x", "@x", "`id`",
    "-x",
    "eth0.100", "$(id)", "é", "\u202ex",
)  # fmt: skip
SETTINGS = Path("/etc/guest-routes.yaml")


@pytest.fixture(params=NAMES)
def odd(lab: Lab, request: pytest.FixtureRequest) -> str:
    """The name of the second NIC."""
    name = str(request.param)
    lab.nic("eth0", MACS[0], "10.65.0.7/24", gateways=("10.65.0.1/24",))
    lab.nic("eth1", MACS[1], "11.8.0.9/24", gateways=("11.8.0.1/24",))
    lab.ip("route", "add", "default", "via", "10.65.0.1", "dev", "eth0", "proto", "static")
    lab.ip("link", "set", "eth1", "down")
    lab.ip("link", "set", "dev", "eth1", "name", name)
    lab.ip("link", "set", "dev", name, "up")
    return name


def metadata(folder: Path, second: str) -> str:
    """A document whose host route leads through the second NIC, of a network of that type."""
    routes = [("0.0.0.0", "0.0.0.0", "10.65.0.1"), ("11.11.0.0", "255.255.0.0", "11.8.0.1")]
    networks = [
        {"id": "n0", "type": "ipv4", "link": "t0", "ip_address": "10.65.0.7", "netmask": "255.255.255.0",
         "routes": [{"network": to, "netmask": mask, "gateway": hop} for to, mask, hop in routes]},
        {"id": "n1", "type": second, "link": "t1", "ip_address": "11.8.0.9", "netmask": "255.255.255.0",
         "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "11.8.0.1"}] if second == "ipv4" else []},
    ]  # fmt: skip
    links = [{"id": f"t{n}", "type": "tap", "ethernet_mac_address": mac} for n, mac in enumerate(MACS[:2])]
    return str(write_document(folder / "network_data.json", {"links": links, "networks": networks}))


def pasted(command: str) -> None:
    """What an operator's shell makes of it."""
    subprocess.run(["bash", "-c", command], check=True, capture_output=True)


def test_the_advised_entry_of_gateways(lab: Lab, tmp_path: Path, odd: str) -> None:
    document = metadata(tmp_path, "ipv4_dhcp")
    said = " ".join(run(lab, f"plan --metadata {document}").out.split())
    (entry,) = set(re.findall(r"`(gateways: \{.*?11\.8\.0\.1\})`", said))
    SETTINGS.write_text(f"{entry}\n")
    ran = lab.run("plan", "--metadata", document)
    assert (ran.returncode, "11.11.0.0/16 via 11.8.0.1" in ran.stdout) == (0, True), ran.stderr


def test_the_command_that_brings_it_up(lab: Lab, tmp_path: Path, odd: str) -> None:
    lab.ip("link", "set", "dev", odd, "down")
    document = metadata(tmp_path, "ipv4")
    said = " ".join(run(lab, f"plan --metadata {document}").out.split())
    (command,) = set(re.findall(r"`(ip link set dev .*? up)` fixes it", said))
    pasted(command)
    assert "11.11.0.0/16 via 11.8.0.1" in lab.run("plan", "--metadata", document).stdout


def test_a_route_as_it_is_shown(lab: Lab, tmp_path: Path, odd: str) -> None:
    shown = lab.run("plan", "--metadata", metadata(tmp_path, "ipv4")).stdout
    (route,) = set(re.findall(r"11\.11\.0\.0/16 via 11\.8\.0\.1 dev .*? (?=proto)", shown))
    pasted(f"ip route add {route}")
    assert "11.11.0.0/16 via 11.8.0.1" in lab.ip("route", "show", "dev", odd) or "11.11" in lab.ip("route")


def test_the_sysctl_that_ends_a_conflict_with_the_kernel(lab: Lab, odd: str) -> None:
    if "=" in odd:
        pytest.skip("sysctl(8) takes the first = for the end of the key")
    text = remedy(Actor("kernel", 0), parse_prefix("::/0"), False, odd)
    (command,) = re.findall(r"`(sysctl .*?=0)`", text)
    pasted(command)
    assert Path(f"/proc/sys/net/ipv6/conf/{odd}/accept_ra_defrtr").read_text() == "0\n"


C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
EVERY = (
    "plan", "sync --verbose", "plan --json", "plan --graph", "plan --diff", "status", "status --json",
    "explain 11.11.3.4", "doctor", "doctor --json",
    "export --format ip", "export --format networkd", "export --format netplan", "export --format ifupdown",
    "export --format networkmanager", "export --format nmstate", "correct --check", "rehearse --example",
    "report --output -", "sync --gateways é=11.8.0.1", "withdraw",
)  # fmt: skip


def test_a_name_that_the_locale_has_not(lab: Lab, tmp_path: Path) -> None:
    """A daemon or a cron job has often no locale: Python writes names of files in ASCII then."""
    lab.nic("eth0", MACS[0], "10.65.0.7/24", gateways=("10.65.0.1/24",))
    lab.nic("eth1", MACS[1], "11.8.0.9/24", gateways=("11.8.0.1/24",))
    lab.ip("link", "set", "eth1", "down")
    lab.ip("link", "set", "dev", "eth1", "name", "é")
    lab.ip("link", "set", "dev", "é", "up")
    document = metadata(tmp_path, "ipv4")
    lab.metadata_server(Path(document))
    for command in EVERY:
        for source in ("", f" --metadata {document}"):
            if source and command.split()[0] in ("status", "report", "rehearse", "withdraw"):
                continue
            ran = subprocess.run(
                [sys.executable, "-m", "guest_routes", *f"{command}{source}".split()],
                capture_output=True, env={**os.environ, **C_LOCALE},
            )  # fmt: skip
            assert b"Traceback" not in ran.stderr + ran.stdout, (command, ran.stderr[-2000:])
            assert b"UnicodeEncodeError" not in ran.stderr + ran.stdout, command
            assert b"this is a bug" not in ran.stderr, command
