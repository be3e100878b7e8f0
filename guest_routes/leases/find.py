"""The leases of DHCP clients on this machine: finds and reads their files, for NICs whose routes the metadata omits.

    /run/systemd/netif/leases/IFINDEX      systemd-networkd; where there is none, networkd_socket.py
    /run/NetworkManager/devices/IFINDEX    NetworkManager, with its own client or dhclient
    /var/lib/dhcp, /var/lib/dhclient, /var/lib/NetworkManager, /run/dhclient*.lease    dhclient; cloud-init's
    /var/lib/dhcpcd, /var/lib/dhcpcd5      dhcpcd
    /run/guest-routes/leases/NIC           udhcpc, through packaging/udhcpc/guest-routes
    /run/cloud-init/tmp, /var/tmp/cloud-init   cloud-init's own udhcpc; never used in /var/tmp, where anybody can write

A client may run or not: a lease counts while the NIC has its address. A file that can't be used is a problem in the
report and never ends the pass. Only a pass without a document, or with one that omits routes, imports this module.
"""

from __future__ import annotations

import os
import time

from ..clocks import seconds_since_boot
from ..model.document import Document, NoDocument, Provenance
from ..model.lease import Lease, LeaseSet
from ..model.namedtuple import NamedTuple
from ..model.network import Nic
from ..model.network_data import Problem
from ..trusted import NOBODY, Client, Untrusted, read_trusted, trusted_names, unreadable
from .choose import choose, document_of
from .client_files import cloud_init, dhclient, dhcpcd, network_manager, networkd, udhcpc
from .networkd_socket import FOLDER, networkd_leases
from .options import LeaseFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterator, Sequence

    from .client_files import Read

LIMIT_BYTES = 1024 * 1024
CLIENTS = ("systemd-networkd", "NetworkManager", "dhclient", "dhcpcd", "udhcpc", "cloud-init")


class _Place(NamedTuple):
    """Where one kind of client keeps its files."""

    folder: str
    read: Read
    begins: tuple[str, ...] = ("",)
    ends: tuple[str, ...] = ("",)
    client: str = ""
    """The client, where it isn't the reader's own."""
    own: str = ""
    """The client's own folder, which may belong to its user."""
    owner: str = ""
    """Whose that folder is, as trusted.USERS has it."""

    def fits(self, name: str) -> bool:
        """Whether a file of that name is one of the client's."""
        return name[0] != "." and name.startswith(self.begins) and name.endswith(self.ends)


BY_IFINDEX = (
    _Place("run/systemd/netif/leases", networkd, own=FOLDER, owner="systemd-networkd"),
    _Place("run/NetworkManager/devices", network_manager),
)
"""Folders with a file for each NIC, called by its ifindex."""
BY_LISTING = (
    _Place("var/lib/dhcp", dhclient, ("dhclient.", "dhclient-"), (".lease", ".leases")),
    _Place("var/lib/dhclient", dhclient, ("dhclient.", "dhclient-"), (".lease", ".leases")),
    _Place("var/lib/NetworkManager", dhclient, ("dhclient-",), (".lease",)),
    _Place("run", dhclient, ("dhclient.", "dhclient-"), (".lease", ".leases"), "cloud-init"),
    _Place("var/lib/dhcpcd", dhcpcd, ends=(".lease",), own="var/lib/dhcpcd", owner="dhcpcd"),
    _Place("var/lib/dhcpcd5", dhcpcd, ends=(".lease",), own="var/lib/dhcpcd5", owner="dhcpcd"),
    _Place("run/guest-routes/leases", udhcpc),
    _Place("var/tmp/cloud-init", cloud_init, ends=(".lease.json",)),
    _Place("run/cloud-init/tmp", cloud_init, ends=(".lease.json",)),
)


def lease_files() -> Iterator[tuple[str, Callable[[str], bool]]]:
    """The folders that leases are read from, by their whole paths, and which names in each are leases'."""
    yield from ((f"/{place.folder}", str.isdigit) for place in BY_IFINDEX)
    yield from ((f"/{place.folder}", place.fits) for place in BY_LISTING)


def read_leases(nics: Sequence[Nic], root: str = "/") -> LeaseSet:
    """The newest lease of each of these NICs, and a problem for each file that can't be used."""
    now = time.time()
    found: list[Lease] = []
    problems: list[Problem] = []
    for path, place in _files(nics, root, problems):
        try:
            file = read_trusted(path, LIMIT_BYTES, _client(place, root))
            leases = place.read(file.data, path, file.mtime)
        except FileNotFoundError:
            continue
        except (LeaseFault, OSError, Untrusted) as fault:
            reason = str(fault) if isinstance(fault, LeaseFault) else unreadable(fault)
            problems.append(Problem(path, f"{reason}; ignored"))
        else:
            of_this_boot = place.folder.partition("/")[0] == "run"
            leases = [lease._replace(of_this_boot=of_this_boot) for lease in leases]
            found += [lease._replace(client=place.client) if place.client else lease for lease in leases]
    filed = {lease.ifindex for lease in found if lease.client == "systemd-networkd"}
    found += networkd_leases([nic for nic in nics if nic.ifindex not in filed], root, problems)
    chosen = choose(found, nics, now, now - seconds_since_boot())
    return chosen._replace(problems=(*problems, *chosen.problems))


def fallback(nics: Sequence[Nic], root: str = "/") -> Document | NoDocument:
    """A document in place of the metadata's that only names the NICs with a lease; or why there is none."""
    found = read_leases(nics, root)
    if not found.leases:
        return NoDocument("no-lease", problems=found.problems, clients=CLIENTS)
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
            names = trusted_names(folder, place.fits, _client(place, root))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            problems.append(Problem(folder, f"cannot be read: {error.strerror}; ignored"))
            continue
        except Untrusted as fault:  # Once for all of them: whoever can write there can make any number.
            problems.append(Problem(folder, f"{fault}; its leases are ignored"))
            continue
        yield from ((os.path.join(folder, name), place) for name in names)


def _client(place: _Place, root: str) -> Client:
    """The user that may own files of this place beside root."""
    return Client(os.path.join(root, place.own), place.owner) if place.own else NOBODY
