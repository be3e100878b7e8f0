"""Fuzz target: what cloud-init rendered for a manager is read or refused, never an exception."""

from __future__ import annotations

import atheris

from tests.fuzz.harness import fuzz

with atheris.instrument_imports(include=["guest_routes"]):
    from guest_routes.managers.parsed.ifupdown import read_ifupdown
    from guest_routes.managers.parsed.ini import read_keyfile, read_networkd, sections
    from guest_routes.managers.parsed.netplan import read_netplan
    from guest_routes.managers.parsed.sysconfig import read_sysconfig
    from guest_routes.managers.parsed.wicked import read_wicked
    from guest_routes.model.network import Nic

NIC = Nic(2, "eth0", bytes.fromhex("fa163e000001"))
READERS = (read_networkd, read_keyfile, read_netplan, read_ifupdown)
SYSCONFIG = tuple(f"/etc/sysconfig/network-scripts/{kind}-eth0" for kind in ("ifcfg", "route", "route6"))
WICKED = tuple(f"/etc/sysconfig/network/{kind}-eth0" for kind in ("ifcfg", "ifroute"))
SEEDS = (
    b"[Match]\nMACAddress=fa:16:3e:00:00:01\n[Network]\nDHCP=no\nAddress=10.65.0.7/24\n[Route]\nGateway=11.8.0.1\n"
    b"Destination=11.11.0.0/16\n",
    b"[connection]\nid=x\n[ethernet]\nmac-address=fa:16:3e:00:00:01\n[ipv4]\naddress1=10.65.0.7/24\n"
    b"route1=11.11.0.0/16,11.8.0.1\n",
    b"network:\n    version: 2\n    ethernets:\n        eth0:\n            match:\n"
    b"                macaddress: fa:16:3e:00:00:01\n"
    b"            routes:\n            -   to: 11.11.0.0/16\n                via: 11.8.0.1\n",
    b"auto eth0\niface eth0 inet static\n    address 10.65.0.7/24\n"
    b"    post-up route add -net 11.11.0.0/16 gw 11.8.0.1 || true\n",
    b"# Created by cloud-init automatically, do not edit.\nDEVICE=eth0\nHWADDR=fa:16:3e:00:00:01\nIPADDR=10.65.0.7\n"
    b"NETMASK=255.255.255.0\nGATEWAY=10.65.0.1\nBOOTPROTO=none\n",
    b"# Created by cloud-init automatically, do not edit.\n"
    b"ADDRESS0=11.11.0.0\nNETMASK0=255.255.0.0\nGATEWAY0=11.8.0.1\n",
    b"# Created by cloud-init automatically, do not edit.\nfd00:77::/32 via fd00:65::1 metric 1 dev eth0\n",
    b"default 10.65.0.1 - -\n11.11.0.0/16 11.8.0.1 - -\n",
)


def one_input(data: bytes) -> None:
    """What libFuzzer calls."""
    lines = tuple(data.decode("utf-8", "replace").splitlines())
    for read in READERS:
        str(read("/etc/x", lines, lambda mac, name: NIC))
    for paths, read_all in ((SYSCONFIG, read_sysconfig), (WICKED, read_wicked)):
        str(read_all([(path, lines) for path in paths], lambda mac, name: NIC))
    try:
        sections(lines)
    except ValueError:
        return


if __name__ == "__main__":
    fuzz(
        one_input,
        SEEDS,
        ["Gateway=", "Destination=", "[Route]", "route1=", "via:", "to:", "routes:", "post-up", "iface"],
    )
