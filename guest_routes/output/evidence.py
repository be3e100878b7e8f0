"""Where things are known from, in words. Pure."""

from __future__ import annotations

from ..model.network import address_text, mac_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.decision import Binding
    from ..model.document import Provenance
    from ..model.evidence import GatewayEvidence
    from ..model.lease import Lease


def provenance_text(found: Provenance) -> str:
    """Where a document was found: "http://169.254.169.254 through eth0", "config drive /dev/vdb", a path."""
    nics = ", ".join(found.nics)
    if found.source == "leases":
        return f"none; using the DHCP leases of {nics}"
    if found.source == "last-known-good":
        return f"last known good (from {provenance_text(found.first) if found.first else 'unknown'})"
    if found.source == "config-drive":
        return f"config drive {found.location}"
    if found.source == "cloud-init":
        return f"cloud-init's crawled copy ({found.location})"
    if found.location == "-":
        return "standard input"
    return f"{found.location} through {nics}" if nics else found.location


_DEFAULTS = {
    "advertised": "the router advertised on {nic}",
    "kernel": "the kernel's default route",
    "recorded": "a default route removed earlier",
}


def evidence_text(known: GatewayEvidence | None) -> str:
    """Where a NIC's gateway is known from; "" for None."""
    if known is None:
        return ""
    if known.lease is not None:
        return f"{known.lease.nic}'s {lease_text(known, known.lease)}"
    if known.kind in _DEFAULTS:
        whose = _DEFAULTS[known.kind].format(nic=known.nic)
        return f"{whose}: default via {address_text(known.gateway)} dev {known.nic}"
    return known.place


def lease_text(known: GatewayEvidence, lease: Lease) -> str:
    """Which option of a lease names a gateway."""
    which = "option 3" if known.option == 3 else f"option {known.option}[{known.index}]"
    return f"{lease.label}, {which}{' (which has expired)' if known.expired else ''}"


def binding_label(binding: Binding) -> str:
    """What to call a network's NIC: its name where it is present, else its MAC."""
    if binding.nic is not None:
        return binding.nic.name
    if binding.ignored:
        return binding.ignored
    if binding.link is not None:
        return f"the NIC with MAC {mac_text(binding.link.mac)}"
    return f"networks[{binding.network.index}]" if binding.network else "?"
