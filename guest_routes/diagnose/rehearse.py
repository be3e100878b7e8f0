"""The real pass on the real kernel, in a private network namespace made after a document (private_network.py)."""

from __future__ import annotations

import os

from ..errors import KernelError
from ..evidence import network_data
from ..kernel.open import open_kernel
from ..model.document import Document, Provenance
from ..model.report import Rehearsal
from ..output.diagnosis.rehearsal import too_large_text
from ..state.store import State
from ..sync import program
from .private_network import build, enter_private_network, pyroute2_or_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.settings import Settings

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


MOST_LINKS, MOST_NETWORKS = 256, 512
"""So many NICs and addresses are made; a kernel takes minutes for thousands."""


def example() -> Document:
    """The documented example."""
    return Document(EXAMPLE, Provenance("argument", "the documented example"))


def rehearse(document: Document, settings: Settings) -> Rehearsal:
    """Runs the pass on a document in a network namespace of its own; this process stays in there.

    Raises:
        KernelError: no namespace can be had, pyroute2 is not installed, or the document is too large.
        NetworkDataError: the bytes are no network_data.json.
    """
    import tempfile

    parsed = network_data.parse(document.data, document.provenance.location)
    if len(parsed.links) > MOST_LINKS or len(parsed.networks) > MOST_NETWORKS:
        raise KernelError(too_large_text(len(parsed.links), len(parsed.networks), MOST_LINKS, MOST_NETWORKS))
    pyroute2_or_error()
    with tempfile.TemporaryDirectory(prefix="guest-routes-rehearsal-") as folder:
        enter_private_network()
        notes = build(parsed)
        kernel = open_kernel(settings.engine)
        try:
            before = kernel.snapshot(settings.table)
            _begin_boot(folder)
            state = State(os.path.join(folder, "run"), os.path.join(folder, "lib"), root=folder, read_again=False)
            # As if it were given: there is no metadata service in there that could be asked.
            as_argument = document._replace(provenance=Provenance("argument"))
            report = program(as_argument, settings, state, kernel, parsed=parsed)
            after = kernel.snapshot(settings.table)
        finally:
            kernel.close()
    found = report.document._replace(provenance=document.provenance)
    report = report._replace(evidence=report.evidence._replace(document=found))
    return Rehearsal(report, tuple(notes), before, after)


def _begin_boot(root: str) -> None:
    """A rehearsal is a boot of its own: records are of one."""
    folder = os.path.join(root, "proc/sys/kernel/random")
    os.makedirs(folder)
    with open(os.path.join(folder, "boot_id"), "w") as file:
        file.write("rehearsal\n")
