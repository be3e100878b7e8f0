"""The leases of DHCP clients on this machine: finds and reads their files, for NICs whose routes the metadata omits.

    /run/systemd/netif/leases/IFINDEX      systemd-networkd
    /run/NetworkManager/devices/IFINDEX    NetworkManager, with its own client or dhclient
    /var/lib/dhcp, /var/lib/dhclient, /var/lib/NetworkManager, /run/dhclient*.lease    dhclient; cloud-init's
    /var/lib/dhcpcd, /var/lib/dhcpcd5      dhcpcd
    /run/guest-routes/leases/NIC           udhcpc, through packaging/udhcpc/guest-routes
    /var/tmp/cloud-init, /run/cloud-init/tmp   cloud-init's own udhcpc

A client may run or not: a lease counts while the NIC has its address. A file that can't be used is a problem in the
report and never ends the pass. Only a pass without a document, or with one that omits routes, imports this module.
"""

from __future__ import annotations

import os
import stat
import time

from ..model.document import Document, Provenance
from ..model.lease import Lease, LeaseSet
from ..model.namedtuple import NamedTuple
from ..model.network import Nic
from ..model.network_data import Problem
from .choose import choose, document_of
from .client_files import cloud_init, dhclient, dhcpcd, network_manager, networkd, udhcpc
from .options import LeaseFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from .client_files import Read

LIMIT_BYTES = 1024 * 1024
CLIENTS = "systemd-networkd, NetworkManager, dhclient, dhcpcd, udhcpc, cloud-init"


class _Place(NamedTuple):
    """Where one kind of client keeps its files."""

    folder: str
    read: Read
    begins: tuple[str, ...] = ("",)
    ends: tuple[str, ...] = ("",)
    client: str = ""
    """The client, where it isn't the reader's own."""


BY_IFINDEX = (
    _Place("run/systemd/netif/leases", networkd),
    _Place("run/NetworkManager/devices", network_manager),
)
"""Folders with a file for each NIC, called by its ifindex."""
BY_LISTING = (
    _Place("var/lib/dhcp", dhclient, ("dhclient.", "dhclient-"), (".lease", ".leases")),
    _Place("var/lib/dhclient", dhclient, ("dhclient.", "dhclient-"), (".lease", ".leases")),
    _Place("var/lib/NetworkManager", dhclient, ("dhclient-",), (".lease",)),
    _Place("run", dhclient, ("dhclient.", "dhclient-"), (".lease", ".leases"), "cloud-init"),
    _Place("var/lib/dhcpcd", dhcpcd, ends=(".lease",)),
    _Place("var/lib/dhcpcd5", dhcpcd, ends=(".lease",)),
    _Place("run/guest-routes/leases", udhcpc),
    _Place("var/tmp/cloud-init", cloud_init, ends=(".lease.json",)),
    _Place("run/cloud-init/tmp", cloud_init, ends=(".lease.json",)),
)


def read_leases(nics: Sequence[Nic], root: str = "/") -> LeaseSet:
    """The newest lease of each of these NICs, and a problem for each file that can't be used."""
    now = time.time()
    found: list[Lease] = []
    problems: list[Problem] = []
    for path, place in _files(nics, root, problems):
        try:
            content = _content(path)
            if content is None:
                continue
            leases = place.read(*content)
        except LeaseFault as fault:
            problems.append(Problem(path, f"{fault}; ignored"))
        except OSError as error:
            problems.append(Problem(path, f"cannot be read: {error.strerror}; ignored"))
        else:
            found += [lease._replace(client=place.client) if place.client else lease for lease in leases]
    chosen = choose(found, nics, now)
    return chosen._replace(problems=(*problems, *chosen.problems))


def fallback(nics: Sequence[Nic], root: str = "/") -> Document | str:
    """A document in place of the metadata's that only names the NICs with a lease; or why there is none."""
    found = read_leases(nics, root)
    if not found.leases:
        reasons = "; ".join(map(str, found.problems))
        return reasons or f"no NIC has a DHCP lease of {CLIENTS}"
    names = tuple(lease.nic for lease in found.leases)
    return Document(document_of(found.leases, nics), Provenance("leases", nics=names))


def _files(nics: Sequence[Nic], root: str, problems: list[Problem]) -> Iterator[tuple[str, _Place]]:
    """Files that may have leases of these NICs."""
    for place in BY_IFINDEX:
        for nic in nics:
            yield os.path.join(root, place.folder, str(nic.ifindex)), place
    for place in BY_LISTING:
        folder = os.path.join(root, place.folder)
        try:
            names = sorted(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            problems.append(Problem(folder, f"cannot be read: {error.strerror}; ignored"))
            continue
        for name in names:
            if name[0] != "." and name.startswith(place.begins) and name.endswith(place.ends):
                yield os.path.join(folder, name), place


def _content(path: str) -> tuple[bytes, str, float] | None:
    """A file's bytes, its path and mtime; None where there is none.

    Raises:
        LeaseFault: it isn't the client's, or it is larger than any lease.
        OSError: it can't be read.
    """
    try:
        # O_NONBLOCK: a FIFO must not hold up the pass.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise LeaseFault("is no regular file")
        # A client writes as root, or as a user of its own into a folder of its own.
        folder = os.stat(os.path.dirname(path))
        own_folder = about.st_uid == folder.st_uid and not folder.st_mode & stat.S_IWOTH
        if about.st_uid and not own_folder:
            raise LeaseFault(f"belongs to the user {about.st_uid}, who is no DHCP client")
        if about.st_mode & stat.S_IWOTH:
            raise LeaseFault("can be written by everybody")
        if about.st_size > LIMIT_BYTES:
            raise LeaseFault(f"is larger than any lease: {about.st_size:,} bytes, and 1 MiB is the limit")
        data = file.read(LIMIT_BYTES + 1)
    if len(data) > LIMIT_BYTES:
        raise LeaseFault("is larger than any lease: 1 MiB is the limit")
    return data, path, about.st_mtime
