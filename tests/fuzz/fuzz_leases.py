"""Fuzz target: the readers of lease files raise nothing but LeaseFault, whatever bytes they get (R12)."""

from __future__ import annotations

import atheris

from tests.fuzz.harness import DATA, files_of, fuzz

with atheris.instrument_imports(include=["guest_routes"]):
    from guest_routes.leases.choose import choose, document_of, host_routes
    from guest_routes.leases.client_files import (
        cloud_init,
        dhclient,
        dhcpcd,
        network_manager,
        networkd,
        networkd_answer,
        udhcpc,
    )
    from guest_routes.leases.options import LeaseFault
    from guest_routes.model.network import Nic, parse_prefix

READERS = (networkd, networkd_answer, network_manager, dhclient, dhcpcd, udhcpc, cloud_init)
NICS = (Nic(2, "eth0", bytes(6), addresses=(parse_prefix("10.65.0.7/24"),)),)


def one_input(data: bytes) -> None:
    """What libFuzzer calls; the reader of every client gets the bytes, and what they come to is chosen from."""
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
        document_of(choose(leases, NICS, 2.0).leases, NICS)


if __name__ == "__main__":
    fuzz(one_input, files_of(DATA / "leases"))
