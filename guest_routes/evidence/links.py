"""The `links` of a network_data.json, and what networks may call them. Pure.

A network names its link by id. Documents exist that name it by its NIC's name, or not at all. There, and where the link
can't be used, the network's NIC is the one that has its address, and nothing of the network is lost.
"""

from __future__ import annotations

from ..model.network import mac_text
from ..model.network_data import STANDS_ON_OTHERS, Link, doubled_macs
from .json_fields import Fault, mac_of, object_of, show, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence

BY_ADDRESS = "its NIC is the one that has its address"


class Links:
    """The links of one document.

    Args:
        note: gets the place and the text of what is wrong.
    """

    def __init__(self, note: Callable[[str, str], None]) -> None:
        self._note = note
        self._by_id: dict[str, Link] = {}
        self._names: dict[str, str] = {}
        """Names that networks use in place of ids."""
        self._refused: dict[str, str] = {}
        """Ids of links that can't be used, and their places."""

    @property
    def links(self) -> tuple[Link, ...]:
        """In document order, the first of each id."""
        return tuple(self._by_id.values())

    def read(self, entries: Sequence[object]) -> None:
        """Reads the list."""
        for index, entry in enumerate(entries):
            try:
                link = read_link(index, entry)
            except Fault as bad:
                self._note(f"links[{index}]{bad.field}", bad.text)
                if isinstance(entry, dict):
                    self._refused.setdefault(text_of(entry.get("id")), f"links[{index}]")
                continue
            first = self._by_id.setdefault(link.id, link)
            if first is not link:
                self._by_id[link.id] = first._replace(doubled=first.doubled or first.mac != link.mac)
                self._note(f"links[{index}].id", f"{show(link.id)} is links[{first.index}]'s too; that one counts")
                continue
            for key in ("name", "vif_id"):
                name = text_of(object_of(entry).get(key))
                if name:
                    self._names.setdefault(name, link.id)
        self._note_doubled()

    def _note_doubled(self) -> None:
        """Two ports never have one MAC: at least one link's is wrong."""
        doubled = doubled_macs(self.links)
        first: dict[bytes, Link] = {}
        for link in self.links if doubled else ():
            if link.mac not in doubled or link.kind in STANDS_ON_OTHERS:
                continue
            other = first.setdefault(link.mac, link)
            if other is not link:
                means = "each network is on the NIC that has its address"
                text = f"{mac_text(link.mac)} is links[{other.index}]'s too; {means}"
                self._note(f"links[{link.index}].ethernet_mac_address", text)

    def id_for(self, place: str, entry: dict[str, object]) -> str:
        """The id of a network's link; "" where there is none: then its NIC is the one that has its address."""
        if "link" not in entry:
            self._note(f"{place}.link", f"missing; {BY_ADDRESS}")
            return ""
        link = entry["link"]
        name = text_of(link)
        if name in self._by_id:
            return name
        if name in self._names:
            self._note(f"{place}.link", f"{show(link)} is no link's id; taken for the link of that name")
            return self._names[name]
        why = f"must be the id of an entry of links, not {show(link)}"
        if name in self._refused:
            why = f"{self._refused[name]} can't be used"
        self._note(f"{place}.link", f"{why}; {BY_ADDRESS}")
        return ""


def _vlan_id(entry: dict[str, object]) -> int:
    """As a number, or as Nova writes it: in decimal digits."""
    value = entry.get("vlan_id")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 4:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 4095:
        return value
    raise Fault(".vlan_id", f"must be 1 to 4094, not {show(value)}")


def read_link(index: int, entry: object) -> Link:
    entry = object_of(entry)
    id_ = entry.get("id")
    if not isinstance(id_, str):
        raise Fault(".id", f"must be text, not {show(id_)}")
    kind = text_of(entry.get("type"))
    field = "vlan_mac_address" if entry.get("vlan_mac_address") is not None else "ethernet_mac_address"
    mac = b""
    # A bond is known by its members, a VLAN by its id and what it stands on.
    if entry.get(field) is not None or kind not in ("bond", "vlan"):
        mac = mac_of(entry.get(field), "." + field)
    bond_links = entry.get("bond_links")
    return Link(
        index=index,
        id=id_,
        kind=kind,
        mac=mac,
        bond_links=tuple(filter(None, map(text_of, bond_links))) if isinstance(bond_links, list) else (),
        vlan_id=_vlan_id(entry) if kind == "vlan" else None,
        vlan_link=text_of(entry.get("vlan_link")),
    )
