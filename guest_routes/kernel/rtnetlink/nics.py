"""The kernel's rtnetlink answers about links and addresses as values. Pure: bytes in, values out."""

from __future__ import annotations

from sys import byteorder

from ...model.network import Nic, Prefix
from ..netlink import (
    IFA_ADDRESS,
    IFA_F_DADFAILED,
    IFA_F_PERMANENT,
    IFA_LOCAL,
    IFADDR_BYTES,
    IFF_LOOPBACK,
    IFF_RUNNING,
    IFF_UP,
    IFINFO,
    IFLA_ADDRESS,
    IFLA_BOND_SLAVE_PERM_HWADDR,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_INFO_SLAVE_DATA,
    IFLA_INFO_SLAVE_KIND,
    IFLA_LINK,
    IFLA_LINK_NETNSID,
    IFLA_LINKINFO,
    IFLA_MASTER,
    IFLA_PERM_ADDRESS,
    IFLA_VLAN_ID,
    U32,
    Attributes,
    attributes,
    nested,
    own_and_peer,
)
from .decode import number_of, text_of


def decode_link(data: bytes, start: int, end: int) -> Nic | None:
    """The NIC of an RTM_NEWLINK body, without addresses; None for the loopback."""
    _, _, ifindex, flags, _ = IFINFO.unpack_from(data, start)
    if flags & IFF_LOOPBACK:
        return None
    found = attributes(data, start + IFINFO.size, end)
    info = nested(found.get(IFLA_LINKINFO))
    kind = text_of(info.get(IFLA_INFO_KIND, b""))
    # A veth's peer stands in IFLA_LINK too, often with an index of another namespace.
    has_parent = kind != "veth" and IFLA_LINK_NETNSID not in found
    return Nic(
        ifindex=ifindex,
        name=text_of(found.get(IFLA_IFNAME, b"?")),
        mac=found.get(IFLA_ADDRESS, b""),
        up=bool(flags & IFF_UP),
        running=bool(flags & IFF_RUNNING),
        kind=kind,
        parent=number_of(found.get(IFLA_LINK)) if has_parent else 0,
        master=number_of(found.get(IFLA_MASTER)),
        vlan_id=_vlan_id(info) if kind == "vlan" else None,
        # IFLA_PERM_ADDRESS is of Linux 5.6; the bond's own attribute is older.
        permanent_mac=found.get(IFLA_PERM_ADDRESS) or _mac_before_bonding(info),
    )


def _vlan_id(info: Attributes) -> int | None:
    value = nested(info.get(IFLA_INFO_DATA)).get(IFLA_VLAN_ID)
    return None if value is None else int.from_bytes(value[:2], byteorder)


def _mac_before_bonding(info: Attributes) -> bytes:
    if text_of(info.get(IFLA_INFO_SLAVE_KIND, b"")) != "bond":
        return b""
    return nested(info.get(IFLA_INFO_SLAVE_DATA)).get(IFLA_BOND_SLAVE_PERM_HWADDR, b"")


def decode_address(data: bytes, start: int, end: int) -> tuple[int, Prefix, Prefix | None, bool] | None:
    """The ifindex and address of an RTM_NEWADDR body (struct ifaddrmsg), its peer, and whether its lifetime is limited.

    None for one that another machine has: the kernel doesn't use it.
    """
    flags = data[start + 2]
    if flags & IFA_F_DADFAILED:
        return None
    found = attributes(data, start + IFADDR_BYTES, end)
    peer = found.get(IFA_ADDRESS, b"")
    own, there = own_and_peer(found.get(IFA_LOCAL) or peer, peer, data[start + 1])
    return U32.unpack_from(data, start + 4)[0], own, there, not flags & IFA_F_PERMANENT
