"""Where things are known from, and why there is no document, in words. Pure."""

from __future__ import annotations

from ...model.document import Unusable
from ...model.network import address_text, mac_text
from ..rule_text import table_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.decision import Binding
    from ...model.document import Document, Missing, NoDocument, OtherInstance, Progress, Provenance
    from ...model.evidence import Contradiction, Elsewhere, GatewayEvidence
    from ...model.lease import Lease


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


def progress_text(progress: Progress) -> str:
    """What is being waited for, and how long it has been and may be."""
    if progress.kind == "config-drive":
        return f"reading config drive {progress.device}"
    if progress.kind == "each-nic":
        return "asking the metadata service through each NIC"
    time_text = f"({progress.waited_seconds:.1f} s of {progress.deadline_seconds:g} s)"
    if progress.kind == "no-nic":
        return f"waiting for a NIC that is up and running {time_text}"
    through = f" through {', '.join(progress.nics)}" if progress.nics else ""
    return f"asking {' and '.join(progress.hosts)}{through} {time_text}"


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
    if binding.link is not None and binding.is_identified:
        what = "the bond" if binding.link.kind == "bond" else "the NIC"  # A bond's port may have its MAC.
        what = f"VLAN {binding.link.vlan_id}" if binding.link.vlan_id is not None else what
        return f"{what} with MAC {mac_text(binding.link.mac)}" if binding.link.mac else what
    return f"networks[{binding.network.index}]" if binding.network else "?"


def absence_text(binding: Binding) -> str:
    """Why a network that is on no NIC is on none: "the NIC with MAC fa:16:3e:00:00:02 is not present"."""
    label = binding_label(binding)
    if binding.ignored:
        return f"{label} is ignored"
    if binding.is_identified:
        return f"{label} is not present"
    if binding.contradiction is not None:
        return f"{label}'s NIC is unknown: {_contradiction_text(binding, binding.contradiction)}"
    return f"{label}'s NIC is unknown: it has no link that can be used, and {_unplaced_text(binding)}"


def _unplaced_text(binding: Binding) -> str:
    """Why its address doesn't tell a network's NIC."""
    address = binding.network.address if binding.network is not None else None
    return f"no NIC has {address}" if address is not None else "it has no address"


def _contradiction_text(binding: Binding, why: Contradiction) -> str:
    """Why its link doesn't tell a network's NIC."""
    if why.kind == "doubled-mac":
        return f"{_unplaced_text(binding)}, and {why.nic}, which has its MAC, is another link's"
    if why.kind == "doubled-id":
        return (
            f"two links have its link's id, {_unplaced_text(binding)}, and {why.nic}, which one of them is, has others"
        )
    address = binding.network.address if binding.network is not None else None
    text = {
        "address-elsewhere": f"and its address {address} is on {why.other}, another link's NIC",
        "subnet-elsewhere": f"which has no address in {binding.documented_subnet}, and one in {why.other}'s subnet",
        "other-network": "which hasn't the address of another network of that link",
    }[why.kind]
    return f"its link has the MAC of {why.nic}, {text}"


def without_address_text(binding: Binding) -> str:
    """What a NIC lacks: "eth0 has no IPv4 address", or none that goes with what the document says."""
    name = binding_label(binding)
    if not binding.renumbered:
        return f"{name} has no IPv{binding.family} address"
    there = ", ".join(map(str, binding.renumbered[:FILES_SHOWN]))
    return f"{name} has {there} and no address in {binding.documented_subnet}"


# ---- no document ---------------------------------------------------------------------------------------

_REMEDIES = {
    "http": "`ip route get 169.254.169.254` shows the way the kernel would take",
    "config-drive": "an instance created with `--config-drive true` has one",
    "last-known-good": "a pass that reaches another source keeps it",
    "cloud-init": "it is there when cloud-init's datasource is OpenStack or ConfigDrive",
}
FILES_SHOWN = 4


def no_document_text(sources: Sequence[tuple[str, Missing]]) -> str:
    """Why no source has a document: a line for each, with what would help."""
    return "\n".join([
        "cannot find network_data.json; nothing was changed",
        *([_source_line(source, why) for source, why in sources] or ["  none of its sources is on (`sources`)"]),
        "name one yourself: --metadata FILE, DIR or URL",
    ])  # fmt: skip


def _source_line(source: str, why: Missing) -> str:
    remedy = f"; {_REMEDIES[source]}" if source in _REMEDIES else ""
    if isinstance(why, Unusable) and why.kind == "not-permitted":
        remedy = "; run it as root"
    return f"  {source}: {' '.join(missing_text(why).splitlines())}{remedy}"


def argument_text(argument: str, why: Missing) -> str:
    """Why what --metadata names can't be used."""
    return f"cannot get the metadata given as {argument}: {missing_text(why)}; nothing was changed"


def missing_text(why: Missing) -> str:
    """Why one source has no document."""
    if isinstance(why, str):
        return why
    return unusable_text(why) if isinstance(why, Unusable) else _nothing_text(why)


def _nothing_text(one: NoDocument) -> str:
    if one.kind == "no-lease":
        from ..folding import first_of

        files = first_of(list(map(str, one.problems)), "files", FILES_SHOWN)
        return "; ".join(files) or f"no NIC has a DHCP lease of {', '.join(one.clients)}"
    if one.kind == "no-drive":
        return "; ".join(map(str, one.problems))
    if one.kind == "no-copy":
        return "; ".join(map(missing_text, one.each))
    if one.kind == "settings-wrong":
        return "the settings are wrong"
    if one.kind == "settings-hidden":
        return "the settings cannot be read by this user"
    if one.kind == "empty-input":
        return "standard input is empty or closed"
    if one.kind == "scheme":
        return "only http and https are supported"
    if one.kind == "user":
        return "a user name or password in a URL is not taken, since reports show the URL"
    if one.kind == "too-large":
        return f"more than {one.limit_bytes >> 20} MiB"
    what = (
        "no ds.network_json in it"
        if one.kind == "no-network-json"
        else f"its ds.network_json is no object but {one.found}"
    )
    return f"{one.path}: {what}"


def unusable_text(one: Unusable) -> str:
    """Why no last known good document can be used, with its path."""
    if one.kind == "absent":
        return f"none was kept in {one.path.rpartition('/')[0]}"
    return f"{one.path}{': ' if one.kind in ('not-permitted', 'unreadable') else ' '}{unusable_reason(one)}"


def unusable_reason(one: Unusable) -> str:
    """The same without the path."""
    if one.other is not None:
        return f"is not of this instance: {other_instance_text(one.other)}"
    if one.kind == "cut-off":
        return f"is damaged: {one.lengths[0]} bytes, {one.lengths[1]} were written"
    if one.kind == "no-header":
        return "is damaged: no header of ours"
    return f"is of another version ({one.detail})" if one.kind == "other-version" else one.detail


def elsewhere_text(one: Elsewhere) -> str:
    """Routes of ours that the settings don't name any more."""
    routes = f"{one.routes:,} route{'s' * (one.routes != 1)}"
    if one.rules:  # They stand in no table.
        routes += f" and {one.rules:,} rule{'s' * (one.rules != 1)} of source routing"
    return f"table {table_name(one.table)}: {routes} of protocol {one.protocol} left by a pass with other settings"


def long_uuid_text(limit: int) -> str:
    """A uuid of an instance that is too long."""
    return f"its uuid has more than {limit} characters, so it is no instance's"


def other_uuid_text(found: Document) -> str:
    """A document names another instance than this one, or none (R11)."""
    theirs, source = ascii(found.uuid)[1:-1][:60], provenance_text(found.provenance)
    whose = f"is of instance {theirs}, and" if found.uuid else "doesn't say which instance it is of;"
    return f"the metadata of {source} {whose} this is instance {found.expected_uuid}"


def other_instance_text(one: OtherInstance) -> str:
    """Why what was kept is not of this instance."""
    macs = ", ".join(map(mac_text, one.macs))
    if one.kind == "no-macs":
        return "it describes no MAC"
    if one.kind == "macs":
        return f"it describes {macs}, which no NIC here has; harmless in a captured image"
    if one.kind == "unproven":
        return f"it describes {macs} too, which no NIC here has, and no DMI uuid proves that the machine is the same"
    return f"it was kept on {one.kind} {one.kept}, this is {one.here}; harmless in a captured image"
