"""A machine of two NICs, and files that say which one it is."""

from __future__ import annotations

from pathlib import Path

from guest_routes.model.document import Document, Provenance
from guest_routes.model.network import Nic, Route, parse_address, parse_prefix

MACS = (bytes.fromhex("fa163e000001"), bytes.fromhex("fa163e000002"))
NICS = (Nic(2, "eth0", MACS[0]), Nic(3, "eth1", MACS[1]))
MACHINE = "7c6f0d2e-5b6a-4c9e-9a3f-0f6c6a5b1e11"
CLONE = "11111111-2222-4333-8444-555555555555"
DEFAULT = Route(parse_prefix("0.0.0.0/0"), parse_address("10.65.0.1"), 2, protocol=4)
FETCHED = Document(
    b'{"links": []}\n\x00 and any byte\n', Provenance("http", "http://169.254.169.254", ("eth0",)), uuid=MACHINE
)


def write(path: Path, text: str) -> None:
    """A file with its directories."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
