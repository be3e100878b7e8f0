"""Fuzz target: network_data.parse never raises anything but NetworkDataError, whatever bytes it gets (R12)."""

from __future__ import annotations

import atheris

from tests.fuzz.harness import DATA, files_of, fuzz

with atheris.instrument_imports(include=["guest_routes"]):
    from guest_routes.errors import NetworkDataError
    from guest_routes.evidence.network_data import parse

WORDS = (
    "links networks services routes id link type ethernet_mac_address bond bond_links vlan vlan_id vlan_link "
    "vlan_mac_address ip_address netmask network gateway network_id ipv4 ipv6 ipv4_dhcp ipv6_slaac 0.0.0.0 :: "
    "11.11.0.0 11.8.0.1 255.255.0.0 ffff:: fa:16:3e:00:00:01 null true 1e999"
).split()


def one_input(data: bytes) -> None:
    """What libFuzzer calls; the problems are made into text too."""
    try:
        parsed = parse(data)
    except NetworkDataError as error:
        str(error)
        return
    for value in (*parsed.problems, *parsed.routes):
        str(value)


if __name__ == "__main__":
    fuzz(one_input, files_of(DATA), WORDS, 65536)
