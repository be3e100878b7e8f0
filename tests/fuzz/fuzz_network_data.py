"""Fuzz target: network_data.parse never raises anything but NetworkDataError, whatever bytes it gets (R12).

`make fuzz` runs it for FUZZ_SECONDS. Arguments go to libFuzzer: a file as argument runs that input again.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["guest_routes"]):
    from guest_routes.errors import NetworkDataError
    from guest_routes.evidence.network_data import parse

SEEDS = Path(__file__).parent.parent / "data"
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


def main() -> None:
    """Fuzzes from the documents of tests/data, in a corpus that goes with the run."""
    with tempfile.TemporaryDirectory() as work:
        corpus, words = Path(work, "corpus"), Path(work, "words")
        corpus.mkdir()
        for seed in SEEDS.glob("*.json"):
            shutil.copy(seed, corpus)
        words.write_text("".join(f'"{word}"\n' for word in WORDS))
        given = sys.argv[1:]
        again = any(os.path.isfile(argument) for argument in given)
        bounded = [] if any("-max_total_time" in argument for argument in given) else ["-max_total_time=60"]
        options = [] if again else [f"-dict={words}", "-max_len=65536", "-timeout=10", *bounded, str(corpus)]
        atheris.Setup([sys.argv[0], *given, *options], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
