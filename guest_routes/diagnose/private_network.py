"""A network namespace with the NICs, addresses and routes that a document describes, for rehearse.

Nothing outside is read or changed, and all of it ends with the process.

Source: unshare(2), setns(2), user_namespaces(7).
"""

from __future__ import annotations

import errno
import os

from ..errors import KernelError
from ..model.network import address_text, mac_text
from ..model.network_data import Link, Network, NetworkData, infiniband_mac
from ..model.report import NotMade
from .private_routes import make_routes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
NO_DAD = 0x02
"""IFA_F_NODAD: the address can be used at once."""
CARRIER_SECONDS = 2.0


# ---- namespaces -------------------------------------------------------------------------------------


def enter_private_network() -> None:
    """Moves this process into network and mount namespaces of its own, as an ordinary user into a user namespace too.

    Raises:
        KernelError: this system doesn't allow it; says what would.
    """
    uid, gid = os.geteuid(), os.getegid()
    flags = CLONE_NEWNET | CLONE_NEWNS
    refused = _call("unshare", flags) if uid == 0 else errno.EPERM
    if refused == errno.EPERM:
        refused = _call("unshare", flags | CLONE_NEWUSER)
        if not refused:
            _become_root(uid, gid)
    if refused:
        raise KernelError(
            f"cannot make a private network namespace: {os.strerror(refused)}; nothing was rehearsed; run it as root, "
            "or allow user namespaces (whichever of these the system has: `sysctl user.max_user_namespaces=1000`, "
            "`sysctl kernel.unprivileged_userns_clone=1`, `sysctl kernel.apparmor_restrict_unprivileged_userns=0`)"
        )


def _become_root(uid: int, gid: int) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        try:
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
        except OSError as error:
            # Root without capabilities may not become itself there. Source: user_namespaces(7), CAP_SETFCAP.
            raise KernelError(
                f"cannot become root in a user namespace: {error.strerror}; nothing was rehearsed; run it as root with "
                "all its capabilities, or as an ordinary user"
            ) from error


def _call(name: str, *arguments: int) -> int:
    """A C library function; its errno, or 0. os.unshare and os.setns came with Python 3.12."""
    import ctypes

    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    return ctypes.get_errno() if function(*arguments) else 0


def _fresh_network() -> tuple[int, int]:
    """Descriptors of this network namespace and of a new one, which lives as long as its descriptor is open."""
    own = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    refused = _call("unshare", CLONE_NEWNET)
    if refused:
        raise KernelError(f"cannot make a network namespace for the NICs' other ends: {os.strerror(refused)}")
    fresh = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    _call("setns", own, CLONE_NEWNET)
    return own, fresh


# ---- NICs -------------------------------------------------------------------------------------------


def build(data: NetworkData) -> list[NotMade]:
    """Makes the document's NICs, addresses and cloud-init's routes in the network namespace this process is in.

    NICs are eth0, eth1, ... in document order, bonds bond0, ..., VLANs vlan7, ... by number. The namespace of their
    other ends stays until the process ends.

    Returns:
        What was not made as the document says.

    Raises:
        KernelError: NICs can't be made at all.
    """
    _, refused = pyroute2_or_error()
    try:
        network = _PrivateNetwork()
        try:
            network.make_links(data)
            network.make_addresses(data)
        finally:
            network.close()
    except refused as error:
        raise KernelError(
            f"cannot make the private network: {error.args[1]}; nothing was rehearsed; run it as root with all its "
            "capabilities, or as an ordinary user"
        ) from error
    return network.notes + make_routes(data, network.ifindexes)


def pyroute2_or_error() -> tuple[Any, Any]:
    """IPRoute and NetlinkError.

    Raises:
        KernelError: the package isn't installed, or is too old.
    """
    try:
        from pyroute2 import IPRoute
        from pyroute2.netlink.exceptions import NetlinkError

        from ..kernel.pyroute2 import encode  # noqa: F401  # Its version is checked there.
    except ImportError as error:
        raise KernelError(
            f"cannot rehearse: {error}; the NICs are made with the package pyroute2: install it "
            "(pip install pyroute2, or Debian's python3-pyroute2)"
        ) from error
    return IPRoute, NetlinkError


class _PrivateNetwork:
    """Two namespaces joined by veth pairs: this one, and the one that holds the peers up."""

    def __init__(self) -> None:
        iproute, self._error = pyroute2_or_error()
        self.notes: list[NotMade] = []
        self.ifindexes: dict[str, int] = {}
        """The NIC made for each link id; 0 where the kernel refused it."""
        self._own, self._peers = _fresh_network()
        self._inside = iproute(ext_ack=True)
        _call("setns", self._peers, CLONE_NEWNET)
        self._outside = iproute(ext_ack=True)
        _call("setns", self._own, CLONE_NEWNET)
        self._inside.link("set", index=1, state="up")

    def close(self) -> None:
        """The peers' namespace stays open: without it the NICs would go."""
        self._inside.close()
        self._outside.close()
        os.close(self._own)

    def make_links(self, data: NetworkData) -> None:
        """Plain NICs first, then what stands on them."""
        plain = [link for link in data.links if not link.bond_links and link.vlan_id is None]
        for number, link in enumerate(plain):
            self._make_plain(f"eth{number}", link)
        bonds = [link for link in data.links if link.bond_links]
        for number, link in enumerate(bonds):
            self._make_upper(f"bond{number}", link, self._make_bond)
        for link in data.links:
            if link.vlan_id is not None and not link.bond_links:
                self._make_upper(self._vlan_name(link), link, self._make_vlan)

    def _vlan_name(self, link: Link) -> str:
        name = f"vlan{link.vlan_id}"
        return f"{name}-{link.index}" if self._inside.link_lookup(ifname=name) else name

    def _make_plain(self, name: str, link: Link) -> None:
        address = infiniband_mac(link.mac) or link.mac
        if address != link.mac:
            self.notes.append(NotMade("infiniband", f"links[{link.index}]", name, mac=address))
        mac = {"address": mac_text(address)} if address else {}
        try:
            self._inside.link("add", ifname=name, kind="veth", peer={"ifname": name, "net_ns_fd": self._peers}, **mac)
        except self._error as error:
            if error.code == errno.EADDRNOTAVAIL:
                self.notes.append(NotMade("mac-refused", f"links[{link.index}]", mac=address, error=error.args[1]))
                self.ifindexes[link.id] = 0
                return
            raise KernelError(
                f"cannot make the NIC {name} ({mac_text(address)}): {error.args[1]}; nothing was rehearsed; "
                "it needs the kernel's veth driver, and namespaces that may be administered"
            ) from error
        self._outside.link("set", index=self._outside.link_lookup(ifname=name)[0], state="up")
        self._bring_up(name, link)

    def _bring_up(self, name: str, link: Link) -> None:
        _write(f"/proc/sys/net/ipv6/conf/{name}/accept_dad", "0")
        (self.ifindexes[link.id],) = self._inside.link_lookup(ifname=name)
        self._inside.link("set", index=self.ifindexes[link.id], state="up")

    def _make_upper(self, name: str, link: Link, make: Callable[[str, Link], None]) -> None:
        """A bond or VLAN made for real, else a plain NIC with its MAC."""
        try:
            make(name, link)
        except (self._error, KeyError) as error:
            place = f"links[{link.index}]"
            if isinstance(error, self._error):
                self.notes.append(NotMade("kind-refused", place, name, error=error.args[1]))
            else:
                self.notes.append(NotMade("port-missing", place, name, link=error.args[0]))
            for left_over in self._inside.link_lookup(ifname=name):
                self._inside.link("delete", index=left_over)
            self._make_plain(name, link)
        else:
            self._bring_up(name, link)

    def _make_bond(self, name: str, link: Link) -> None:
        ports = [self.ifindexes[port] for port in link.bond_links]
        mac = {"address": mac_text(link.mac)} if link.mac else {}
        self._inside.link("add", ifname=name, kind="bond", bond_mode=1, bond_miimon=100, **mac)
        (bond,) = self._inside.link_lookup(ifname=name)
        for port in ports:
            self._inside.link("set", index=port, state="down")
            self._inside.link("set", index=port, master=bond)
            self._inside.link("set", index=port, state="up")

    def _make_vlan(self, name: str, link: Link) -> None:
        mac = {"address": mac_text(link.mac)} if link.mac else {}
        parent = self.ifindexes[link.vlan_link]
        self._inside.link("add", ifname=name, kind="vlan", link=parent, vlan_id=link.vlan_id, **mac)

    def make_addresses(self, data: NetworkData) -> None:
        """Each network's own address; the NICs have a carrier when this returns."""
        for network in data.networks:
            ifindex = self.ifindexes.get(network.link)
            place = f"networks[{network.index}]"
            if ifindex is None:
                self.notes.append(NotMade("link-missing", place, link=network.link))
            elif not ifindex:
                self.notes.append(NotMade("link-refused", place))
            elif network.address is None:
                self.notes.append(NotMade("no-address", place))
            else:
                self._make_address(place, ifindex, network)
        self._await_carriers()

    def _make_address(self, place: str, ifindex: int, network: Network) -> None:
        assert network.address is not None
        address, length = address_text(network.address.address), network.address.length
        flags = {"flags": NO_DAD} if network.family == 6 else {}
        try:
            self._inside.addr("add", index=ifindex, address=address, prefixlen=length, **flags)
        except self._error as error:
            self.notes.append(NotMade("address-refused", place, address=network.address, error=error.args[1]))

    def _await_carriers(self) -> None:
        """The other end's carrier comes a moment after it is up."""
        import time

        until = time.monotonic() + CARRIER_SECONDS
        while True:
            links = [link for link in self._inside.get_links() if link["flags"] & 1]
            waiting = [link.get_attr("IFLA_IFNAME") for link in links if not link["flags"] & 0x40]
            if time.monotonic() > until:
                self.notes += [NotMade("no-carrier", nic=name) for name in waiting]
            if not waiting or time.monotonic() > until:
                return
            time.sleep(0.002)


def _write(path: str, text: str) -> None:
    """Writes a sysctl; where /proc/sys is read-only, the kernel's default is good enough."""
    try:
        with open(path, "w") as file:
            file.write(text)
    except OSError:
        return
