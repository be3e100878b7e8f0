"""The links of a document, and what networks may call them."""

from __future__ import annotations

from typing import Any, List, Tuple

import pytest

from guest_routes.evidence.json_fields import Fault
from guest_routes.evidence.links import Links, read_link
from guest_routes.model.network_data import Link

MAC = "fa:16:3e:00:00:01"
PACKED = bytes.fromhex("fa163e000001")
BY_ADDRESS = "its NIC is the one that has its address"


def read(*entries: Any) -> Tuple[Links, List[str]]:
    """The links, and what is wrong with them."""
    notes: List[str] = []
    links = Links(lambda place, text: notes.append(f"{place}: {text}"))
    links.read(entries)
    return links, notes


OTHER_MAC, THIRD_MAC = "fa:16:3e:00:00:02", "fa:16:3e:00:00:03"


def entry(id_: object = "tap0", **fields: object) -> Any:
    return {"id": id_, "type": "tap", "ethernet_mac_address": MAC, **fields}


@pytest.mark.parametrize("written, link", [
    (entry(), Link(4, "tap0", "tap", PACKED)),
    (entry(type="phy", ethernet_mac_address=MAC.upper()), Link(4, "tap0", "phy", PACKED)),
    ({"id": "x", "ethernet_mac_address": MAC}, Link(4, "x", "", PACKED)),
    ({"id": "b", "type": "bond", "bond_links": ["tap0", 7, "", "tap1"]}, Link(4, "b", "bond", b"", ("tap0", "tap1"))),
    (entry("b", type="bond", bond_links="tap0"), Link(4, "b", "bond", PACKED)),
    ({"id": "v", "type": "vlan", "vlan_id": 7, "vlan_link": "tap0"}, Link(4, "v", "vlan", b"", (), 7, "tap0")),
    ({"id": "v", "type": "vlan", "vlan_id": "4094", "vlan_mac_address": MAC}, Link(4, "v", "vlan", PACKED, (), 4094)),
    (entry("v", type="vlan", vlan_id=1, ethernet_mac_address="fa:16:3e:00:00:02", vlan_mac_address=MAC),
     Link(4, "v", "vlan", PACKED, (), 1)),
])  # fmt: skip
def test_a_link(written: Any, link: Link) -> None:
    assert read_link(4, written) == link


@pytest.mark.parametrize("written, field", [
    ("tap0", ""), ({"type": "tap"}, ".id"), (entry(7), ".id"),
    (entry(ethernet_mac_address=None), ".ethernet_mac_address"),
    (entry(ethernet_mac_address="x"), ".ethernet_mac_address"), (entry(vlan_mac_address="x"), ".vlan_mac_address"),
    *((entry(type="vlan", vlan_id=bad), ".vlan_id")
      for bad in (None, 0, 4095, -1, True, "0", "4095", "07777", "x", 1.0)),
])  # fmt: skip
def test_what_is_no_link(written: Any, field: str) -> None:
    with pytest.raises(Fault) as caught:
        read_link(0, written)
    assert caught.value.field == field


def test_links_in_their_order_and_one_that_can_not_be_used_costs_itself_only() -> None:
    links, notes = read(entry("b"), entry(None), entry("a", ethernet_mac_address=OTHER_MAC))
    assert [(link.id, link.index) for link in links.links] == [("b", 0), ("a", 2)]
    assert notes == ["links[1].id: must be text, not null"]


def test_of_two_with_one_id_the_first_counts() -> None:
    links, notes = read(entry("a"), entry("a", type="phy"))
    assert [(link.id, link.kind) for link in links.links] == [("a", "tap")]
    assert notes == ["links[1].id: 'a' is links[0]'s too; that one counts"]


@pytest.mark.parametrize("network, id_, note", [
    ({"link": "tap0"}, "tap0", []),
    ({}, "", [f"networks[2].link: missing; {BY_ADDRESS}"]),
    ({"link": "eth0"}, "tap0", ["networks[2].link: 'eth0' is no link's id; taken for the link of that name"]),
    ({"link": "vif"}, "tap0", ["networks[2].link: 'vif' is no link's id; taken for the link of that name"]),
    ({"link": "bad"}, "", [f"networks[2].link: links[1] can't be used; {BY_ADDRESS}"]),
    ({"link": "x"}, "", [f"networks[2].link: must be the id of an entry of links, not 'x'; {BY_ADDRESS}"]),
    ({"link": None}, "", [f"networks[2].link: must be the id of an entry of links, not null; {BY_ADDRESS}"]),
])  # fmt: skip
def test_what_a_network_calls_its_link(network: Any, id_: str, note: List[str]) -> None:
    links, notes = read(entry(name="eth0", vif_id="vif"), entry("bad", ethernet_mac_address="x"))
    del notes[:]
    assert links.id_for("networks[2]", network) == id_
    assert notes == note


def test_a_name_is_the_first_link_s_that_has_it_and_an_id_goes_before_it() -> None:
    links, notes = read(
        entry("a", name="b"),
        entry("b", name="eth0", ethernet_mac_address=OTHER_MAC),
        entry("c", name="eth0", ethernet_mac_address=THIRD_MAC),
    )
    assert [links.id_for("n", {"link": name}) for name in ("b", "eth0")] == ["b", "b"]
    assert len(notes) == 1


DOUBLED = f"{MAC} is links[0]'s too; each network is on the NIC that has its address"


@pytest.mark.parametrize("others, noted", [
    ([entry("b")], [f"links[1].ethernet_mac_address: {DOUBLED}"]),
    ([entry("b", type="phy"), entry("c")], [f"links[{place}].ethernet_mac_address: {DOUBLED}" for place in (1, 2)]),
    ([entry("b", ethernet_mac_address=OTHER_MAC)], []),
    ([entry("b", type="bond", bond_links=["x"])], []),
    ([entry("v", type="vlan", vlan_id=5, vlan_link="tap0")], []),
    ([{"id": "b", "type": "bond", "bond_links": ["tap0", "c"]}, entry("c")], []),
])  # fmt: skip
def test_two_ports_have_one_mac_only_where_one_stands_on_the_other(others: List[Any], noted: List[str]) -> None:
    assert read(entry(), *others)[1] == noted
