"""The real pass on the real kernel, in a private network namespace made after a document (private_network.py)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, List, NamedTuple, Sequence, Tuple

from .model import mac_text
from .private_network import build, enter_private_network, pyroute2_or_error

if TYPE_CHECKING:
    from .policy import Settings
    from .report import Report

EXAMPLE = b"""{
 "links": [
  {"id": "tap0", "type": "tap", "mtu": 1500, "ethernet_mac_address": "fa:16:3e:00:00:01"},
  {"id": "tap1", "type": "tap", "mtu": 1500, "ethernet_mac_address": "fa:16:3e:00:00:02"}
 ],
 "networks": [
  {
   "id": "network0", "type": "ipv4", "link": "tap0", "ip_address": "10.65.0.7", "netmask": "255.255.255.0",
   "routes": [
    {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.65.0.1"},
    {"network": "11.11.0.0", "netmask": "255.255.0.0", "gateway": "11.8.0.1"}
   ]
  },
  {
   "id": "network1", "type": "ipv4", "link": "tap1", "ip_address": "11.8.0.9", "netmask": "255.255.255.0",
   "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "11.8.0.1"}]
  }
 ],
 "services": []
}
"""
"""The documented example, its host route listed under the wrong subnet, eth0's."""

Show = Callable[[Sequence[str]], None]


class Rehearsal(NamedTuple):
    """What a rehearsal showed."""

    report: Report
    notes: Tuple[str, ...]
    """What of the document could not be made, or was refused before the pass."""
    before: str
    """The routing table as cloud-init would leave it, as `ip route` prints it."""
    after: str


def rehearsal(settings: Settings, given: str, options: Any, tell: Callable[[str], None], show: Show) -> int:
    """The command: rehearses, shows the table before and after; the pass's exit code."""
    from .as_json import report_json
    from .text import failure_text, report_lines, wrapped

    data, where = _document(settings, given, options.example, tell)
    done = rehearse(data, settings, tell, where)
    report = done.report
    if options.json:
        import json

        found = {
            **report_json(report, "rehearse"),
            "before": done.before.splitlines(),
            "after": done.after.splitlines(),
            "not_made": list(done.notes),
        }
        show([json.dumps(found, indent=2)])
        return report.exit_code
    nics = [f"  {nic.name} {mac_text(nic.mac)} {' '.join(map(str, nic.addresses))}" for nic in report.before.nics]
    troubles = [failure_text(failure, report.before.nics) for failure in report.outcome.failures] + list(report.errors)
    show(
        [
            "A private network with the document's NICs:", *nics, "",
            "Before, as cloud-init leaves it:", *_indented(done.before),
            *(line for note in done.notes for line in wrapped(f"({note})", 3, 2)), "",
            "The pass:", *report_lines(report, options.verbose),
            *(line for trouble in troubles for line in wrapped(trouble, 4, 0)), "",
            "After:", *_indented(done.after),
        ]
    )  # fmt: skip
    return report.exit_code


def rehearse(
    data: bytes, settings: Settings, tell: Callable[[str], None] = lambda text: None, where: str = "the document"
) -> Rehearsal:
    """Runs the pass on a document in a network namespace of its own; this process stays in there.

    Args:
        where: what the report says the document came from.

    Raises:
        KernelError: no namespace can be had, or pyroute2 is not installed.
        NetworkDataError: the bytes are no network_data.json.
    """
    import tempfile

    from . import network_data
    from .kernel import open_kernel
    from .render import table_text
    from .state import State
    from .sync import sync

    parsed = network_data.parse(data)
    pyroute2_or_error()
    with tempfile.TemporaryDirectory(prefix="guest-routes-rehearsal-") as folder:
        path = os.path.join(folder, "network_data.json")
        with open(path, "wb") as file:
            file.write(data)
        enter_private_network()
        notes = build(parsed)
        kernel = open_kernel(settings.engine)
        try:
            before = kernel.snapshot(settings.table)
            state = State(os.path.join(folder, "run"), os.path.join(folder, "lib"), root=folder)
            report = sync(settings, state, path, tell=tell, kernel=kernel)
            after = kernel.snapshot(settings.table)
        finally:
            kernel.close()
    report = report._replace(document=report.document._replace(where=where))
    return Rehearsal(report, tuple(notes), table_text(before.routes, before.nics), table_text(after.routes, after.nics))


def _document(settings: Settings, given: str, example: bool, tell: Callable[[str], None]) -> Tuple[bytes, str]:
    """The document and where it is from; fetched, if it has to be, before the machine's network is left."""
    if example or not given:
        return EXAMPLE, "the documented example"
    from . import metadata
    from .kernel import open_kernel
    from .state import State

    kernel = open_kernel("rtnetlink")
    try:
        found = metadata.find(settings, kernel.nics, State(), given, tell)
    finally:
        kernel.close()
    return found.data, found.where


def _indented(text: str) -> List[str]:
    return [f"  {line}".rstrip() for line in text.splitlines()]
