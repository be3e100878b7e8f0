"""Pages whose examples are what the commands print: each ```console block is run in an instance of the tests.

A line that begins with "$ " is a command for the shell; what follows is its output, both streams. `<!-- lab: NAME -->`
before a block prepares the instance (SETUPS). What differs from run to run (ages, process ids) is compared without its
value, so a page that is current stays as it is when it is written again:

    python -m tests.support.transcripts [PAGE ...]
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional

from . import sandbox
from .lab import Lab, document
from .passes import documented
from .service import RECORD, Service

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "docs").rglob("*.md")
    if "\n```console\n" in path.read_text("utf-8")
)
PROTOCOL_NAME = Path("/etc/iproute2/rt_protos.d/guest-routes.conf")
CLOUD_CFG = Path("/etc/cloud/cloud.cfg")
NETWORKD = Path("/etc/systemd/network")
PART = re.compile(r"^<!-- lab: (?P<setup>[\w-]+) -->$|^```console\n(?P<block>.*?)^```$", re.MULTILINE | re.DOTALL)
VOLATILE = (
    # Who changed a route has often ended before its name is read.
    r"(?:just now|[\d.]+ (?:s|ms|min) ago): (?:\w+ by [^;]*;\s+)?",
    r"just now|[\d.]+ (?:s|ms|min) ago",
    r"(?<=running for )[\d.]+ \w+|(?<=again in )[\d.]+ \w+",
    r"(?<=pid )\d+",
    r"(?<=169\.254\.169\.254 )through eth\d",
    r"(?<=\nrunning      )[^\n]+",  # doctor: the network managers of the machine that runs the tests
    r"\d+ KiB",
)
"""What another run may print otherwise."""


class Instance:
    """The lab of one page: a folder to work in, the command by its name, and the document that is served."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.folder = Path("/run/example")
        self.folder.mkdir()
        self.document = self.folder / "network_data.json"
        self._service: Optional[Service] = None
        self._last = 0
        self._tools = Path(tempfile.mkdtemp(prefix="tools-", dir="/run"))
        shim = self._tools / "guest-routes"
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m guest_routes "$@"\n')
        shim.chmod(0o755)
        PROTOCOL_NAME.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "packaging/iproute2/guest-routes.conf", PROTOCOL_NAME)

    def run(self, command: str) -> str:
        """What the shell prints for it; `$?` is the exit code of the command before."""
        sandbox.assert_private()
        environment = {
            "PATH": f"{self._tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": "/root", "COLUMNS": "80",
            "LC_ALL": "C.UTF-8",
        }  # fmt: skip
        ran = subprocess.run(
            ["bash", "-c", f"(exit {self._last})\n{command}"], cwd=self.folder, env=environment, text=True, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        self._last = ran.returncode
        return "".join(line.rstrip() + "\n" for line in ran.stdout.splitlines())

    def serve(self) -> None:
        """The metadata service answers with the document."""
        self.lab.metadata_server(self.document)

    def watch(self) -> None:
        """The service runs, and has made its first pass."""
        self._service = service = Service()
        service.wait(RECORD.exists, what="its record")
        service.wait(lambda: service.record["refreshed"], what="a first fetch")

    def repaired(self) -> None:
        """The service has put back what a command took away."""
        service = self._service
        assert service is not None
        service.wait(lambda: service.record["repairs"], what="a repair")

    def stop(self) -> None:
        """The service ends, if it runs."""
        if self._service is not None:
            self._service.close()
            self._service = None

    def close(self) -> None:
        """What was started ends, what was written goes."""
        self.stop()
        for path in (self.folder, self._tools, NETWORKD, Path("/etc/guest-routes.d")):
            shutil.rmtree(path, ignore_errors=True)
        for path in (PROTOCOL_NAME, CLOUD_CFG, Path("/etc/guest-routes.yaml")):
            path.unlink(missing_ok=True)


def _documented(instance: Instance) -> None:
    """The NICs and defaults of the documented example, and its document, which is served."""
    documented(instance.lab)
    shutil.copy(document("wrong-subnet"), instance.document)
    instance.serve()


def _with_next_hop(instance: Instance, next_hop: str) -> None:
    """The example's host route with that next hop, in the document and in what the openstack client prints."""
    served = json.loads(document("wrong-subnet").read_text())
    route = served["networks"][0]["routes"].pop()
    route["gateway"] = next_hop
    served["networks"][1]["routes"].append(route)
    instance.document.write_text(json.dumps(served))
    routes = [{"destination": "11.11.0.0/16", "nexthop": next_hop}]
    subnets: List[Dict[str, Any]] = [
        {"ID": "1b0f", "Name": "front", "Subnet": "10.65.0.0/24", "Gateway": "10.65.0.1", "Host Routes": []},
        {"ID": "7c2e", "Name": "back", "Subnet": "11.8.0.0/24", "Gateway": "11.8.0.1", "Host Routes": routes},
    ]
    (instance.folder / "subnets.json").write_text(json.dumps([{"Project": "p", **subnet} for subnet in subnets]))


def _faulty(instance: Instance) -> None:
    """The documented NICs, and a host route whose next hop is no gateway."""
    documented(instance.lab)
    _with_next_hop(instance, "11.8.0.99")
    instance.serve()


def _corrected(instance: Instance) -> None:
    """The operator has run what `lint` printed."""
    _with_next_hop(instance, "11.8.0.1")


def _rendered(instance: Instance) -> None:
    """What cloud-init writes for systemd-networkd from the example, and a pass's last known good document."""
    NETWORKD.mkdir(parents=True, exist_ok=True)
    form = "[Address]\nAddress={}/24\n\n[Match]\nMACAddress={}\nName={}\n\n[Network]\nDHCP=no\n\n[Route]\nGateway={}\n"
    eth0 = form.format("10.65.0.7", "fa:16:3e:00:00:01", "eth0", "10.65.0.1")
    eth1 = form.format("11.8.0.9", "fa:16:3e:00:00:02", "eth1", "11.8.0.1")
    host_route = "\n[Route]\nDestination=11.11.0.0/16\nGateway=11.8.0.1\n"
    (NETWORKD / "10-cloud-init-eth0.network").write_text(eth0 + host_route + "\n")
    (NETWORKD / "10-cloud-init-eth1.network").write_text(eth1 + "\n")


def _stopped(instance: Instance) -> None:
    """The service has been stopped, after a pass."""
    Path("/etc/guest-routes.yaml").unlink()
    instance.stop()
    assert instance.lab.run("sync").returncode == 0


def _cloud_cfg(_: Instance) -> None:
    """The list of cloud-init's modules, as in a distribution's file."""
    CLOUD_CFG.parent.mkdir(parents=True, exist_ok=True)
    CLOUD_CFG.write_text("cloud_config_modules:\n - snap\n - [runcmd, always]\n")


SETUPS: Dict[str, Callable[[Instance], None]] = {
    "documented": _documented,
    "faulty": _faulty,
    "corrected": _corrected,
    "rendered": _rendered,
    "cloud-cfg": _cloud_cfg,
    "watch": Instance.watch,
    "repaired": Instance.repaired,
    "stopped": _stopped,
}


class Command(NamedTuple):
    """One command of a block, and the output that stands below it."""

    line: str
    output: str


def commands(block: str) -> Iterator[Command]:
    """Those of a block; a line that ends with a backslash goes on in the next."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines(keepends=True)
        length = next(number for number, line in enumerate(lines, 1) if not line.endswith("\\\n"))
        yield Command("".join(lines[:length]), "".join(lines[length:]))


def without_values(text: str) -> str:
    """The text with what differs from run to run replaced, and without the line breaks that come of it."""
    for pattern in VOLATILE:
        text = re.sub(pattern, "~", text)
    return " ".join(text.split())


def run_again(lab: Lab, text: str) -> str:
    """The page with what its commands print now; what is current stays as it was written."""
    instance = Instance(lab)

    def part(found: re.Match[str]) -> str:
        if found["setup"]:
            SETUPS[found["setup"]](instance)
            return found[0]
        printed = ""
        for command in commands(found["block"]):
            output = instance.run(command.line)
            same = without_values(output) == without_values(command.output)
            printed += f"$ {command.line}" + (command.output if same else output)
        return f"```console\n{printed}```"

    try:
        return PART.sub(part, text)
    finally:
        instance.close()


def main(pages: List[str]) -> None:
    """Writes those pages again, or all."""
    sandbox.enter()
    for page in pages or PAGES:
        path = ROOT / page
        lab = Lab()
        try:
            path.write_text(run_again(lab, path.read_text("utf-8")), "utf-8")
        finally:
            lab.close()


if __name__ == "__main__":
    main(sys.argv[1:])
