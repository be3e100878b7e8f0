"""Which instance, machine and boot this is, and whether something kept is of this instance (R10).

An image captured with a document in it must be harmless in the instances made from it.
"""

from __future__ import annotations

import os

from ..model.document import OtherInstance
from ..model.namedtuple import NamedTuple
from ..model.network import Nic
from .files import json_object, read, read_pseudo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence


class Identity(NamedTuple):
    """What tells one instance from another; "" and () for what isn't known."""

    uuid: str
    """The instance's, as OpenStack and cloud-init know it."""
    machine: str
    """The DMI product uuid; only root may read it, and not every machine has one."""
    macs: tuple[bytes, ...]
    boot: str = ""
    """This boot's own name: no captured image starts in the boot that it was captured in."""


def macs_of(nics: Sequence[Nic]) -> tuple[bytes, ...]:
    """What an instance is known by of its NICs."""
    return tuple(mac for nic in nics for mac in (nic.mac, nic.permanent_mac) if mac)


def identity_here(root: str, nics: Sequence[Nic]) -> Identity:
    """This instance's identity, with the MACs of all its NICs, those of bonds' ports included."""
    return Identity(instance_uuid(root), machine_uuid(root), macs_of(nics), boot_id(root))


def instance_uuid(root: str) -> str:
    """The instance's uuid as cloud-init found it in this boot; "" when unknown."""
    uuid = _uuid(_text(read(os.path.join(root, "run/cloud-init/.instance-id"))))
    if uuid:
        return uuid
    try:
        found = json_object(read(os.path.join(root, "run/cloud-init/instance-data.json")))["ds"]["meta_data"]["uuid"]
    except (KeyError, TypeError):
        return ""
    return _uuid(found)


def machine_uuid(root: str) -> str:
    """The machine's DMI uuid; "" when unknown."""
    return _uuid(_text(read_pseudo(os.path.join(root, "sys/class/dmi/id/product_uuid"))))


def boot_id(root: str) -> str:
    """This boot's own name. Source: random(4)."""
    return _text(read_pseudo(os.path.join(root, "proc/sys/kernel/random/boot_id")))


def other_instance(kept: Identity, here: Identity) -> OtherInstance | None:
    """Why what was kept is not of this instance; None when nothing contradicts.

    The uuids count where both sides are known. Every MAC kept must be here; some may be missing (a NIC that was
    unplugged or isn't there yet) where the DMI uuid, or the boot, proves the machine.
    """
    if kept.machine and here.machine and kept.machine != here.machine:
        return OtherInstance("machine", kept.machine, here.machine)
    if kept.uuid and here.uuid and kept.uuid != here.uuid:
        return OtherInstance("instance", kept.uuid, here.uuid)
    if not kept.macs:
        return OtherInstance("no-macs")
    missing = tuple(mac for mac in kept.macs if mac not in here.macs)
    if len(missing) == len(kept.macs):
        return OtherInstance("macs", macs=missing)
    if missing and not _is_same_machine(kept, here):
        return OtherInstance("unproven", macs=missing)
    return None


def _is_same_machine(kept: Identity, here: Identity) -> bool:
    """Whether the DMI uuid, known on both sides (and not different), or the boot proves it."""
    return bool(kept.machine and here.machine) or (kept.boot != "" and kept.boot == here.boot)


def _uuid(text: object) -> str:
    """A uuid in lower case; "" for what is none, and for placeholders of one repeated digit."""
    folded = text.strip().lower() if isinstance(text, str) else ""
    digits = folded.replace("-", "")
    known = len(folded) == 36 and len(digits) == 32 and set(digits) <= set("0123456789abcdef")
    return folded if known and len(set(digits)) > 1 else ""


def _text(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "replace").strip()
