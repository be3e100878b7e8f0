"""Fuzz target: what `lint` reads is subnets or refused, and all that it says of them is printable."""

from __future__ import annotations

import atheris

from tests.fuzz.harness import fuzz, printable

with atheris.instrument_imports(include=["guest_routes"]):
    from guest_routes.errors import SettingsError
    from guest_routes.neutron.check import check
    from guest_routes.neutron.subnets import parse
    from guest_routes.output.escape import escaped
    from guest_routes.output.words.subnet_findings import lint_json, lint_lines

SEEDS = (
    b'[{"ID": "a", "Name": "n", "Subnet": "10.65.0.0/24", "Gateway": "10.65.0.1", "Host Routes": '
    b'[{"destination": "11.11.0.0/16", "nexthop": "11.8.0.1"}], "Project": "p"}]',
    b'{"subnets": [{"id": "b", "name": "m", "cidr": "11.8.0.0/24", "gateway_ip": "11.8.0.1", "host_routes": [], '
    b'"project_id": "p"}]}',
    b'[{"ID": "a", "Subnet": "10.65.0.0/24", "Gateway": null, "Host Routes": '
    b"\"destination='11.11.0.0/16', gateway='11.8.0.1'\"}]",
)


def one_input(data: bytes) -> None:
    """What libFuzzer calls."""
    try:
        subnets = parse(data, "standard input")
    except SettingsError as error:
        for line in str(error).split("\n"):
            printable(escaped(line))
        return
    findings = check(subnets)
    for line in lint_lines(subnets, findings):
        printable(escaped(line))
    str(lint_json(subnets, findings, 0))


if __name__ == "__main__":
    fuzz(
        one_input,
        SEEDS,
        [
            "Host Routes",
            "destination",
            "nexthop",
            "gateway",
            "Subnet",
            "cidr",
            "subnets",
            "11.8.0.1",
            "0.0.0.0/0",
            "::/0",
        ],
    )
