"""Which instance this is, and who answered last: what distinguishes the metadata service from a neighbour (R11)."""

from __future__ import annotations

import os

from ..model.document import Unusable
from ..model.namedtuple import NamedTuple
from ..state.files import read
from ..state.identity import instance_uuid, machine_uuid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..model.network import Nic
    from ..state.store import State

DMI = "sys/class/dmi/id"
VIRTUAL_MAKERS = ("openstack", "qemu", "kvm", "rdo")
"""Nova gives such machines the instance's uuid as theirs; real hardware and other hypervisors have one of their own.
Source: nova/virt/libvirt/driver.py, _get_guest_config_sysinfo."""


class KnownInstance(NamedTuple):
    """What is known before the metadata service is asked."""

    uuid: str = ""
    """In lower case; "" when unknown."""
    location: str = ""
    """The URL that answered last, as in Provenance; "" for none."""
    nics: tuple[str, ...] = ()
    """The NIC that it answered through."""


def known_instance(state: State, nics: Sequence[Nic]) -> KnownInstance:
    """The uuid, and who sent the last known good document.

    The uuid is DMI's where Nova has set it, else the last known good's, else what cloud-init found in this boot.
    """
    kept = state.last_known_good(nics)
    known = None if isinstance(kept, Unusable) else kept.known
    uuid = (_nova_uuid(state.root) or (known.uuid if known else "") or instance_uuid(state.root)).lower()
    if known is None or known.provenance.source != "http":
        return KnownInstance(uuid)
    return KnownInstance(uuid, known.provenance.location, known.provenance.nics)


def proven_uuid(root: str) -> str:
    """The uuid in lower case, as DMI has it from Nova, or cloud-init found it in this boot; "" where neither knows it.

    The last known good's is no proof: a machine whose MACs have moved to another instance has that of before.
    """
    return (_nova_uuid(root) or instance_uuid(root)).lower()


def _nova_uuid(root: str) -> str:
    """The instance's uuid as DMI has it; "" on machines whose DMI uuid may be another."""
    vendor, product = (read(os.path.join(root, DMI, name)) or b"" for name in ("sys_vendor", "product_name"))
    maker = (vendor + b" " + product).decode("ascii", "replace").lower()
    return machine_uuid(root) if not maker.strip() or any(word in maker for word in VIRTUAL_MAKERS) else ""
