"""Reports of passes as values: the real decision on a document and a kernel that are written down, without any I/O."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Sequence

import jsonschema

from guest_routes.evidence import network_data
from guest_routes.model.document import Document, Provenance
from guest_routes.model.evidence import Evidence
from guest_routes.model.network import Nic, Prefix, Route, Rule, parse_prefix
from guest_routes.model.plan import Decision
from guest_routes.model.report import Report
from guest_routes.model.settings import Settings
from guest_routes.routing.decide import decide
from guest_routes.routing.project import project

from .iproute_text import parse_kernel, parse_route
from .lab import MACS, document

SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"
DEFAULTS = Settings()
NICS = f"""
nic eth0 {MACS[0]} 10.65.0.7/24
nic eth1 {MACS[1]} 11.8.0.9/24
"""
BOTH_DEFAULTS = f"""{NICS}
default via 10.65.0.1 dev eth0 proto static
default via 11.8.0.1 dev eth1 proto static
"""
IN_PLACE = f"""{NICS}
default via 10.65.0.1 dev eth0 proto static
11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes
"""
ETH0, ETH1 = (
    Nic(2, "eth0", bytes.fromhex(MACS[0].replace(":", "")), addresses=(parse_prefix("10.65.0.7/24"),)),
    Nic(3, "eth1", bytes.fromhex(MACS[1].replace(":", "")), addresses=(parse_prefix("11.8.0.9/24"),)),
)


def evidence(name: str | object, kernel: str, **more: Any) -> Evidence:
    """What a pass knows: a document of tests/data by its name, or a value; the kernel as tests/scenarios write it."""
    data = document(name).read_bytes() if isinstance(name, str) else json.dumps(name).encode()
    written = parse_kernel(kernel)
    found = more.pop("document", Document(data, Provenance("http", "http://169.254.169.254", ("eth0",))))
    defaults = {"recorded_defaults": written.recorded, "known_macs": written.known_macs}
    return Evidence(found, network_data.parse(data), written.state, **{**defaults, **more})


def report(
    name: str | object = "wrong-subnet", kernel: str = BOTH_DEFAULTS, settings: Settings = DEFAULTS, **more: Any
) -> Report:
    """What a pass decides, before it writes anything."""
    found = evidence(name, kernel, **more)
    return Report(found, decide(found, settings), found.kernel)


def projected(name: str | object, kernel: str = NICS, settings: Settings = DEFAULTS) -> Decision:
    """What is decided for the NICs as the document will have them."""
    return decide(project(evidence(name, kernel), settings), settings)


def route(text: str, nics: Sequence[Nic] = (ETH0, ETH1)) -> Route:
    """A route as `ip route` prints it."""
    return parse_route(text, nics)


def prefix(text: str) -> Prefix:
    """A destination."""
    return parse_prefix(text)


def assert_valid(command: str, value: Any) -> None:
    """The value fits the command's published schema, and is plain JSON."""
    schema = json.loads((SCHEMAS / f"{command}.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(value)))


def assert_fits(lines: Sequence[str], width: int = 80) -> None:
    """No line is wider than a terminal, but for one word or command that can't be broken."""
    wide = [line for line in lines if len(line) > width and " " in line.strip() and "`" not in line]
    assert wide == []
    assert [line for line in lines if line != line.rstrip() or "\0" in line or "\n" in line] == []


def with_rules(found: Report, rules: tuple[Rule, ...]) -> Report:
    """The same report of a kernel with these policy rules."""
    return found._replace(evidence=found.evidence._replace(kernel=found.before._replace(rules=rules)))
