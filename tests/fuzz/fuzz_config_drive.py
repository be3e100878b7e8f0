"""Fuzz target: what the drive's reader prints, its meta_data.json, and the property in it are read or refused."""

from __future__ import annotations

import atheris

from tests.fuzz.harness import fuzz

with atheris.instrument_imports(include=["guest_routes"]):
    from guest_routes.evidence.config_drive import _drive_files
    from guest_routes.evidence.document_file import about
    from guest_routes.evidence.properties import host_routes

SEEDS = (
    b'network_data.json 2 1700000000\n{}meta_data.json 18 1700000000\n{"uuid": "x-y-z"}\n',
    b'{"uuid": "6f1d2c3b-4a59-4e68-8877-665544332211", "meta": {"guest_routes": "11.12.0.0/16,11.8.0.1"}}',
    b'"11.12.0.0/16,11.8.0.1 fd00::/8,fd00::1"', b'["11.12.0.0/16,11.8.0.1"]',
)  # fmt: skip


def one_input(data: bytes) -> None:
    """What libFuzzer calls."""
    for file in _drive_files(data).values():
        assert file.data in data and isinstance(file.mtime, float)
    uuid, properties = about(data)
    str(uuid)
    for text in (str(properties), data.decode("utf-8", "replace")):
        for values in host_routes(text):
            for value in values:
                str(value)


if __name__ == "__main__":
    fuzz(
        one_input,
        SEEDS,
        ["network_data.json", "meta_data.json", "uuid", "meta", "guest_routes", "11.12.0.0/16,11.8.0.1"],
    )
