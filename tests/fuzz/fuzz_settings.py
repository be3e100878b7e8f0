"""Fuzz target: settings, as YAML and as a JSON stanza, are settings or a SettingsError that can be shown."""

from __future__ import annotations

import tempfile
from pathlib import Path

import atheris

from tests.fuzz.harness import DATA, fuzz, printable

with atheris.instrument_imports(include=["guest_routes"]):
    from guest_routes.errors import SettingsError
    from guest_routes.output.escape import escaped_lines
    from guest_routes.settings.keys import KEYS
    from guest_routes.settings.load import read

FOLDER = Path(tempfile.mkdtemp(dir="/run"))
EXAMPLE = (DATA.parents[1] / "packaging" / "guest-routes.yaml").read_bytes().replace(b"\n# ", b"\n")
SEEDS = (
    b"\0metric: 7\ngateways: {eth1: 11.8.0.1}\n", b"\0default: {nic: eth0}\nroutes: ['11.12.0.0/16,11.8.0.1']\n",
    b"\1{\"metric\": 7, \"gateways\": {\"mac=fa:16:3e:00:00:01\": \"11.8.0.1\"}}", b"\0" + EXAMPLE,
    b"\0guest_routes:\n  sources: [http]\n  enabled: no\n",
)  # fmt: skip


def one_input(data: bytes) -> None:
    """What libFuzzer calls; the first byte says which of the two it is."""
    if not data:
        return
    yaml, stanza = FOLDER / "guest-routes.yaml", FOLDER / "stanza.json"
    (stanza if data[0] & 1 else yaml).write_bytes(data[1:])
    (yaml if data[0] & 1 else stanza).unlink(missing_ok=True)
    try:
        str(read({}, "", str(FOLDER), str(stanza)))
    except SettingsError as error:
        for line in escaped_lines(str(error)):
            printable(line)


if __name__ == "__main__":
    fuzz(
        one_input,
        SEEDS,
        [*(key.name for key in KEYS), "!!python/object:os.system", "&a", "*a", "<<", "1e999", "0x", ".inf"],
    )
