"""Fuzz target: the readers of lease files raise nothing but LeaseFault, whatever bytes they get (R12).

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
    from guest_routes.leases.choose import host_routes
    from guest_routes.leases.client_files import cloud_init, dhclient, dhcpcd, network_manager, networkd, udhcpc
    from guest_routes.leases.options import LeaseFault

SEEDS = Path(__file__).parent.parent / "data" / "leases"
READERS = (networkd, network_manager, dhclient, dhcpcd, udhcpc, cloud_init)


def one_input(data: bytes) -> None:
    """What libFuzzer calls; every reader gets the bytes, and what they come to is made into text."""
    for read in READERS:
        try:
            leases = read(data, "/some/2", 1.0)
        except LeaseFault as fault:
            str(fault)
            continue
        for lease in leases:
            routes, notes = host_routes(lease)
            for value in (*routes, *notes):
                str(value)
            str(lease.routers)


def main() -> None:
    """Fuzzes from the files of tests/data/leases, in a corpus that goes with the run."""
    with tempfile.TemporaryDirectory() as corpus:
        for seed in SEEDS.iterdir():
            shutil.copy(seed, corpus)
        given = sys.argv[1:]
        again = any(os.path.isfile(argument) for argument in given)
        bounded = [] if any("-max_total_time" in argument for argument in given) else ["-max_total_time=60"]
        options = [] if again else ["-max_len=4096", "-timeout=10", *bounded, corpus]
        atheris.Setup([sys.argv[0], *given, *options], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
