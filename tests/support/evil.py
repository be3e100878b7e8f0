"""Text that somebody hostile would write, where it can be written, and what no output may have of it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Dict

from .lab import MACS

EVIL = "\x1b[2J\x1b]0;t\x07\n\r\0\u202e\ud800\u2028\x85\x7f\"'`$(id)\\"
"""What moves a cursor, ends a line, hides what follows, is no character, or ends a quotation."""
COMMANDS = (
    "plan", "plan --json", "plan --verbose", "sync", "sync --json", "explain 11.11.3.4", "explain --json 11.11.3.4",
    "doctor --deadline-seconds 0.2",
    "doctor --json --deadline-seconds 0.2", "correct --check", "correct --check --json", "export --format networkd",
    "export --format netplan", "export --format networkmanager", "export --format ifupdown", "export --format ip",
    "export --format ip --json",
)  # fmt: skip
FEW = ("plan", "sync --json")
AFTERWARDS = ("status", "status --json")


def assert_clean(output: bytes, what: str) -> str:
    """Only printable characters and ends of lines, in UTF-8; the text."""
    text = output.decode("utf-8")
    odd = {letter for letter in text if not (letter == "\n" or letter.isprintable())}
    assert not odd, (what, odd)
    assert "Traceback" not in text, (what, text)
    return text


def outputs(command: str) -> subprocess.CompletedProcess[bytes]:
    """Runs a command; what it writes is clean, and a JSON document of it is one that any reader takes."""
    ran = subprocess.run([sys.executable, "-m", "guest_routes", *command.split()], capture_output=True, timeout=60)
    text = assert_clean(ran.stdout, command)
    assert_clean(ran.stderr, command)
    if "--json" in command:
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    return ran


def evil_documents() -> Dict[str, Any]:
    """The documented example with one text field after the other as somebody hostile would write it."""

    def base() -> Dict[str, Any]:
        links = [{"id": f"tap{n}", "type": "tap", "ethernet_mac_address": mac} for n, mac in enumerate(MACS[:2])]
        routes = [
            {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.65.0.1"},
            {"network": "11.11.0.0", "netmask": "255.255.0.0", "gateway": "11.8.0.1"},
            {"network": "11.12.0.0", "netmask": "255.255.0.0", "gateway": "11.8.0.99"},
        ]
        networks = [
            {"id": "network0", "type": "ipv4", "link": "tap0", "ip_address": "10.65.0.7", "netmask": "255.255.255.0",
             "routes": routes, "network_id": "n0"},
            {"id": "network1", "type": "ipv4_dhcp", "link": "tap1", "network_id": "n1"},
        ]  # fmt: skip
        return {"links": links, "networks": networks, "services": []}

    found = {"as it is": base()}
    places = [("links", key) for key in ("id", "type", "ethernet_mac_address", "vif_id")]
    places += [("networks", key) for key in ("id", "type", "link", "ip_address", "netmask", "network_id", "gateway")]
    for kind, key in places:
        found[f"{kind} {key}"] = one = base()
        one[kind][1][key] = EVIL
        if key == "type":  # Also where it still counts as DHCP.
            found[f"{kind} {key} dhcp"] = other = base()
            other[kind][1][key] = "ipv4_dhcp" + EVIL
    for key in ("network", "netmask", "gateway"):
        found[f"route {key}"] = one = base()
        one["networks"][0]["routes"][1][key] = EVIL
    found["keys"] = {**base(), EVIL: EVIL}
    found["same id"] = one = base()
    one["links"][0]["id"] = one["links"][1]["id"] = EVIL
    found["services"] = {**base(), "services": [{"type": EVIL, "address": EVIL}]}
    return found
