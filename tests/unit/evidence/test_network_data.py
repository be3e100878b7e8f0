"""network_data.json: what is read, and the exact words about what isn't (R12)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guest_routes.errors import NetworkDataError
from guest_routes.evidence.network_data import parse
from guest_routes.model.network import address_text
from guest_routes.model.network_data import Network, NetworkData
from tests.support.examples import examples

DATA = Path(__file__).parents[2] / "data"
MAC = "fa:16:3e:00:00:01"
Json = Any


def link(**fields: Json) -> Dict[str, Json]:
    return {"id": "tap0", "type": "tap", "ethernet_mac_address": MAC, **fields}


def network(*routes: Json, **fields: Json) -> Dict[str, Json]:
    subnet = {"type": "ipv4", "ip_address": "10.65.0.7", "netmask": "255.255.255.0"}
    return {"id": "network0", "link": "tap0", **subnet, "routes": list(routes), **fields}


def network6(*routes: Json, **fields: Json) -> Dict[str, Json]:
    subnet = {"type": "ipv6", "ip_address": "fd00:65::7", "netmask": "ffff:ffff:ffff:ffff::"}
    return network(*routes, **{**subnet, **fields})


def route(destination: Json = "11.11.0.0", netmask: Json = "255.255.0.0", gateway: Json = "10.65.0.1") -> Json:
    return {"network": destination, "netmask": netmask, "gateway": gateway}


def route6(destination: str = "fd11::", netmask: str = "ffff::", gateway: str = "fd00:65::1") -> Json:
    return route(destination, netmask, gateway)


DEFAULT = route("0.0.0.0", "0.0.0.0")


def read(networks: Sequence[Json] = (), links: Optional[Sequence[Json]] = None) -> NetworkData:
    return parse(json.dumps({"links": [link()] if links is None else links, "networks": networks}).encode())


def problems(data: NetworkData) -> List[str]:
    return [str(problem) for problem in data.problems]


def refused(data: NetworkData) -> List[str]:
    return [problem.place for problem in data.problems if problem.refused]


def routes(data: NetworkData) -> List[str]:
    return [str(one) for one in data.routes]


def without(entry: Dict[str, Json], *keys: str) -> Dict[str, Json]:
    return {key: value for key, value in entry.items() if key not in keys}


# ---- whole documents --------------------------------------------------------------------------------


def test_the_documented_example() -> None:
    data = parse((DATA / "wrong-subnet.network_data.json").read_bytes())
    assert problems(data) == []
    assert [(one.id, one.kind, one.mac.hex(":")) for one in data.links] == [
        ("tapd09869b4-c0", "tap", "fa:16:3e:00:00:01"),
        ("tapf48aff78-3f", "tap", "fa:16:3e:00:00:02"),
    ]
    first, second = data.networks
    assert (first.index, first.id, first.link, first.kind, first.family, first.omits_routes) == (
        0, "network0", "tapd09869b4-c0", "ipv4", 4, False,
    )  # fmt: skip
    assert str(first.address) == "10.65.0.7/24"
    assert defaults(first) == [("10.65.0.1", "networks[0].routes[0]")]
    assert first.network_id == "348ae681-4bd4-51b8-a672-d74774aea153"
    assert defaults(second) == [("11.8.0.1", "networks[1].routes[0]")]
    (host,) = data.routes
    assert (str(host), host.place, host.network, host.index) == ("11.11.0.0/16,11.8.0.1", "networks[0].routes[1]", 0, 1)
    assert host.source == "network_data.json"


BY_ADDRESS = "its NIC is the one that has its address"


def defaults(network: Network) -> List[Tuple[str, str]]:
    return [(address_text(one.gateway), one.place) for one in network.defaults]


def test_both_families() -> None:
    data = parse((DATA / "dual-stack.network_data.json").read_bytes())
    assert problems(data) == []
    assert [one.family for one in data.networks] == [4, 6, 4, 6]
    assert [str(one.address) for one in data.networks] == [
        "10.65.0.7/24",
        "fd00:65::7/64",
        "11.8.0.9/24",
        "fd00:8::9/64",
    ]
    assert routes(data) == ["11.11.0.0/16,11.8.0.1", "fd00:11:11::/48,fd00:8::1"]


def test_a_document_that_omits_routes() -> None:
    """Nova says nothing about subnets with DHCP; that is no fault."""
    data = parse((DATA / "dhcp.network_data.json").read_bytes())
    assert problems(data) == []
    assert [(one.omits_routes, one.family, one.address, one.defaults) for one in data.networks] == [
        (True, 4, None, ())
    ] * 2


@pytest.mark.parametrize(
    "data, said",
    [
        (b"", "network_data.json is not JSON: Expecting value: line 1, column 1; no route was changed"),
        (b'{"links": [],}', "is not JSON: "),
        (b"\xff\xfe\xff", "is not JSON: "),
        (b"<html>", "is not JSON: Expecting value: line 1, column 1; no route was changed"),
        (b"[" * 100_000, "is not JSON: nested too deeply; no route was changed"),
        (b"[]", "network_data.json is not a JSON object but a list; no route was changed"),
        (b"null", "network_data.json is not a JSON object but null; no route was changed"),
        (b"7", "network_data.json is not a JSON object but a number; no route was changed"),
        (b"true", "network_data.json is not a JSON object but true or false; no route was changed"),
        (b'"x"', "network_data.json is not a JSON object but text; no route was changed"),
    ],
)
def test_no_document_at_all(data: bytes, said: str) -> None:
    with pytest.raises(NetworkDataError) as raised:
        parse(data)
    assert said in str(raised.value)
    assert str(raised.value).endswith("; no route was changed")


@pytest.mark.parametrize(
    "document, said",
    [
        ({}, ["links: must be a list, not absent", "networks: must be a list, not absent"]),
        ({"links": None, "networks": None}, ["links: must be a list, not null", "networks: must be a list, not null"]),
        ({"links": {}, "networks": "x"}, ["links: must be a list, not an object", "networks: must be a list, not 'x'"]),
        ({"links": [], "networks": []}, []),
        ({"links": [], "networks": [], "services": 7, "new": {}}, []),
        ({"links": [7], "networks": []}, ["links[0]: must be an object, not 7"]),
        ({"links": [], "networks": [None]}, ["networks[0]: must be an object, not null"]),
    ],
)  # fmt: skip
def test_the_frame(document: Json, said: List[str]) -> None:
    data = parse(json.dumps(document).encode())
    assert problems(data) == said
    assert (data.links, data.networks, data.routes) == ((), (), ())


# ---- links ------------------------------------------------------------------------------------------

MAC_PLACE = "links[0].ethernet_mac_address: "
MUST_BE_MAC = "must be a MAC address such as fa:16:3e:00:00:01, not "


@pytest.mark.parametrize(
    "entry, said",
    [
        (link(id=None), "links[0].id: must be text, not null"),
        (link(id=5), "links[0].id: must be text, not 5"),
        (without(link(), "id"), "links[0].id: must be text, not null"),
        (link(ethernet_mac_address=None), "links[0].ethernet_mac_address: " + MUST_BE_MAC + "null"),
        (link(ethernet_mac_address="fa:16:3e"), "links[0].ethernet_mac_address: " + MUST_BE_MAC + "'fa:16:3e'"),
        (link(ethernet_mac_address="xx:xx:xx:xx:xx:xx"), MAC_PLACE + MUST_BE_MAC + "'xx:xx:xx:xx:xx:xx'"),
        (link(ethernet_mac_address=["a"]), "links[0].ethernet_mac_address: " + MUST_BE_MAC + "a list"),
        (link(type="vlan", vlan_id=0), "links[0].vlan_id: must be 1 to 4094, not 0"),
        (link(type="vlan", vlan_id=4095), "links[0].vlan_id: must be 1 to 4094, not 4095"),
        (link(type="vlan", vlan_id=True), "links[0].vlan_id: must be 1 to 4094, not true"),
        (link(type="vlan"), "links[0].vlan_id: must be 1 to 4094, not null"),
        (link(type="vlan", vlan_id=5, vlan_mac_address="?"), "links[0].vlan_mac_address: " + MUST_BE_MAC + "'?'"),
    ],
)  # fmt: skip
def test_bad_links(entry: Json, said: str) -> None:
    data = read([], [entry, link(id="tap1")])
    assert problems(data) == [said]
    assert [one.id for one in data.links] == ["tap1"]


@pytest.mark.parametrize("mac", ["FA:16:3E:00:00:01", "fa-16-3e-00-00-01", "fa163e000001", "Fa:16:3e:00:00:01"])
def test_macs_in_every_form(mac: str) -> None:
    assert read([], [link(ethernet_mac_address=mac)]).links[0].mac.hex(":") == MAC


def test_links_that_say_less_or_more() -> None:
    odd = [
        without(link(id="a", mtu=None), "type"),
        link(id="b", type=7),
        link(id="c", ethernet_mac_address=":".join(["80"] * 20)),
        {"id": "d", "type": "bond", "bond_links": ["a", 7, "b"], "bond_mode": "active-backup"},
        {"id": "e", "type": "vlan", "vlan_id": "5", "vlan_link": "a", "vlan_mac_address": "FA:16:3E:00:00:05"},
        link(id="f", vlan_id=7),
    ]
    data = read([], odd)
    assert problems(data) == []
    a, b, c, d, e, f = data.links
    assert (a.kind, b.kind) == ("", "")
    assert len(c.mac) == 20
    assert (d.mac, d.bond_links) == (b"", ("a", "b"))
    assert (e.vlan_id, e.vlan_link, e.mac.hex(":")) == (5, "a", "fa:16:3e:00:00:05")
    assert f.vlan_id is None


def test_two_links_of_one_id() -> None:
    data = read([], [link(), link(ethernet_mac_address="fa:16:3e:00:00:02")])
    assert problems(data) == ["links[1].id: 'tap0' is links[0]'s too; that one counts"]
    assert [one.mac.hex(":") for one in data.links] == [MAC]


IPV4_MASK = "networks[0].netmask: must be a netmask or prefix length such as 255.255.0.0 or 16, not "
IPV6_MASK = "networks[0].netmask: must be a netmask or prefix length such as ffff:ffff:ffff:: or 48, not "
ONES = " has ones after zeros; write a prefix length or a netmask"
MISSING = "missing; the NIC's own addresses are taken from the kernel"

# ---- networks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry, said",
    [
        (network(link="tap9"), f"networks[0].link: must be the id of an entry of links, not 'tap9'; {BY_ADDRESS}"),
        (network(link=None), f"networks[0].link: must be the id of an entry of links, not null; {BY_ADDRESS}"),
        (network(link=["tap0"]), f"networks[0].link: must be the id of an entry of links, not a list; {BY_ADDRESS}"),
        (network(ip_address="x.x.x.x"), "networks[0].ip_address: must be an IP address, not 'x.x.x.x'"),
        (network(ip_address=7), "networks[0].ip_address: must be an IP address, not 7"),
        (network(ip_address="10.65.0.7%eth0"), "networks[0].ip_address: must be an IP address, not '10.65.0.7%eth0'"),
        (network(ip_address="10.65.0"), "networks[0].ip_address: must be an IP address, not '10.65.0'"),
        (without(network(), "ip_address"), "networks[0].ip_address: " + MISSING),
        (network(netmask="255.234.255.0"), "networks[0].netmask: '255.234.255.0'" + ONES),
        (network6(netmask="ff:ff:ff:ff::"), "networks[0].netmask: 'ff:ff:ff:ff::'" + ONES),
        (network(netmask=33), IPV4_MASK + "33"),
        (network(netmask=-1), IPV4_MASK + "-1"),
        (network(netmask=True), IPV4_MASK + "true"),
        (network(netmask=24.0), IPV4_MASK + "24.0"),
        (network6(netmask="129"), IPV6_MASK + "'129'"),
        (network6(netmask="255.255.0.0"), IPV6_MASK + "'255.255.0.0'"),
        (network(type="ipv6"), "networks[0].type: 'ipv6' does not fit the address 10.65.0.7/24, which counts"),
        (network6(type="ipv4"), "networks[0].type: 'ipv4' does not fit the address fd00:65::7/64, which counts"),
        (network(routes={}), "networks[0].routes: must be a list, not an object"),
    ],
)  # fmt: skip
def test_odd_networks(entry: Json, said: str) -> None:
    """Each is noted; none costs a route, and the network is still one."""
    data = read([entry, network(route(), id="next")])
    assert problems(data) == [said]
    assert refused(data) == []
    assert [one.index for one in data.networks] == [0, 1]
    assert routes(data) == ["11.11.0.0/16,10.65.0.1"]


@pytest.mark.parametrize(
    "netmask, length",
    [
        ("255.255.255.0", 24),
        ("24", 24),
        (24, 24),
        ("255.255.255.255", 32),
        ("32", 32),
        (None, 32),
    ],
)
def test_netmasks_of_ipv4(netmask: Json, length: int) -> None:
    data = read([network(netmask=netmask)])
    assert (problems(data), str(data.networks[0].address)) == ([], f"10.65.0.7/{length}")


@pytest.mark.parametrize("netmask, length", [("64", 64), (64, 64), ("ffff:ffff:ffff:ffff::", 64), (128, 128)])
def test_netmasks_of_ipv6(netmask: Json, length: int) -> None:
    data = read([network6(netmask=netmask)])
    assert (problems(data), str(data.networks[0].address)) == ([], f"fd00:65::7/{length}")


@pytest.mark.parametrize("netmask", ["0.0.0.0", 0, "0"])
def test_a_subnet_of_every_address_is_none(netmask: Json) -> None:
    """Every next hop would be in it, and lead through its NIC."""
    data = read([network(netmask=netmask), network6(netmask="::")])
    single = "would have every address in its subnet; taken for a single one"
    assert problems(data) == [
        f"networks[0].netmask: 10.65.0.7/0 {single}", f"networks[1].netmask: fd00:65::7/0 {single}",
    ]  # fmt: skip
    assert [str(one.address) for one in data.networks] == ["10.65.0.7/32", "fd00:65::7/128"]


@pytest.mark.parametrize("entry", [
    {"network": "10.0.0.0", "netmask": "0.0.0.0", "gateway": "10.65.0.1"},
    {"network": "10.0.0.0/0", "gateway": "10.65.0.1"}, {"network": "11.11.0.0", "netmask": 0, "gateway": "10.65.0.1"},
])  # fmt: skip
def test_a_destination_without_its_mask_is_no_default(entry: Json) -> None:
    data = read([network(routes=[entry])])
    (said,) = problems(data)
    assert refused(data) == ["networks[0].routes[0].netmask"]
    assert said.endswith("/0 is no destination; the default route is 0.0.0.0/0")
    assert (routes(data), data.networks[0].defaults) == ([], ())


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_gateway_or_address_is_none(value: Json) -> None:
    data = read([network(gateway=value, ip_address=value, type="ipv4_dhcp")])
    assert (problems(data), data.networks[0].omits_routes, data.networks[0].address) == ([], True, None)


@pytest.mark.parametrize("kind", ["IPv4", "dhcp", "dhcp4", "static", "static4", "ip4", "", "manual"])
def test_another_format_s_type_of_a_network_without_an_address(kind: str) -> None:
    """Its family is that of its type, or of its gateway: taken for IPv6, its default would be refused."""
    four, six = DEFAULT, {"network": "::", "netmask": "::", "gateway": "fd00::1"}
    data = read([network(type=kind, ip_address=None, routes=[four])])
    assert (data.networks[0].family, len(data.networks[0].defaults), refused(data)) == (4, 1, [])
    if "4" not in kind:
        data = read([network(type=kind, ip_address=None, routes=[six])])
        assert (data.networks[0].family, len(data.networks[0].defaults)) == (6, 1)
        assert read([network(type=kind, ip_address=None, routes=[])]).networks[0].family == 4


def test_an_address_with_its_length() -> None:
    assert str(read([network(ip_address="10.65.0.7/20")]).networks[0].address) == "10.65.0.7/20"


@pytest.mark.parametrize(
    "kind, family, omits_routes",
    [
        ("ipv4", 4, False),
        ("ipv6", 6, False),
        ("static6", 6, False),
        ("ipv4_dhcp", 4, True),
        ("IPV4_DHCP", 4, True),
        ("ipv6_dhcp", 6, True),
        ("ipv6_slaac", 6, True),
        ("ipv6_dhcpv6-stateful", 6, True),
        ("ipv6_dhcpv6-stateless", 6, True),
    ],
)
def test_types(kind: str, family: int, omits_routes: bool) -> None:
    data = read([{"id": "n", "link": "tap0", "type": kind, "network_id": "x"}])
    (one,) = data.networks
    assert (one.family, one.omits_routes, one.kind) == (family, omits_routes, kind)
    assert len(data.problems) == (not omits_routes)


def test_a_dhcp_network_that_lists_something_omits_nothing() -> None:
    """Older Nova says everything for subnets with DHCP, too."""
    data = read([network(DEFAULT, type="ipv4_dhcp"), network6(type="ipv6_slaac")])
    assert problems(data) == []
    assert [one.omits_routes for one in data.networks] == [False, True]
    assert str(data.networks[1].address) == "fd00:65::7/64"


def test_less_than_nova_says() -> None:
    data = read([{"link": "tap0", "ip_address": "10.65.0.7", "netmask": "24"}, network(routes=None, services=None)])
    assert problems(data) == []
    assert [(one.id, one.kind, one.network_id) for one in data.networks] == [
        ("network0", "", ""),
        ("network0", "ipv4", ""),
    ]


# ---- routes -----------------------------------------------------------------------------------------

NO_DESTINATION = ", no destination for a host route"
LENGTHS = "must be a netmask or prefix length such as 255.255.0.0 or 16, not "


@pytest.mark.parametrize(
    "bad, said",
    [
        (7, ": must be an object, not 7"),
        (["11.11.0.0/16", "10.65.0.1"], ": must be an object, not a list"),
        (route(destination="x.x.x.x"), ".network: must be an IP address, not 'x.x.x.x'"),
        (route(destination=None), ".network: must be an IP address, not null"),
        (
            route(destination="11.11.0.0/33"),
            ".netmask: must be a netmask or prefix length such as 255.255.0.0 or 16, not '33'",
        ),
        (route(destination="11.11"), ".network: must be an IP address, not '11.11'"),
        (route(destination=""), ".network: must be an IP address, not ''"),
        (route(destination="fd11::%eth0"), ".network: must be an IP address, not 'fd11::%eth0'"),
        (route(netmask="255.234.255.0"), ".netmask: '255.234.255.0'" + ONES),
        (route(netmask=None), ".netmask: " + LENGTHS + "null"),
        (route(netmask="/16"), ".netmask: " + LENGTHS + "'/16'"),
        (route(netmask="\u0661\u0666"), ".netmask: " + LENGTHS + r"'\u0661\u0666'"),
        (route(netmask=10**80), ".netmask: " + LENGTHS + "a huge number"),
        (route(netmask=False), ".netmask: " + LENGTHS + "false"),
        (route(gateway="gw"), ".gateway: must be an IP address, not 'gw'"),
        (route(gateway=None), ".gateway: must be an IP address, not null"),
        (route(gateway={}), ".gateway: must be an IP address, not an object"),
        (route(gateway="a" * 90), ".gateway: must be an IP address, not '" + "a" * 56 + "..."),
        (route(gateway="gw\n\x1b[2J"), r".gateway: must be an IP address, not 'gw\n\x1b[2J'"),
        (route(gateway="0.0.0.0"), ".gateway: 0.0.0.0 can't be a gateway"),
        (route(gateway="127.0.0.1"), ".gateway: 127.0.0.1 can't be a gateway"),
        (route(gateway="224.0.0.5"), ".gateway: 224.0.0.5 can't be a gateway"),
        (route(gateway="255.255.255.255"), ".gateway: 255.255.255.255 can't be a gateway"),
        (route6(gateway="ff02::1"), ".gateway: ff02::1 can't be a gateway"),
        (route6(gateway="::1"), ".gateway: ::1 can't be a gateway"),
        (route(gateway="fd00:65::1"), ": IPv4 and IPv6 mixed: 11.11.0.0/16 via fd00:65::1"),
        (route6(gateway="10.65.0.1"), ": IPv4 and IPv6 mixed: fd11::/16 via 10.65.0.1"),
        (route("224.0.0.0", "240.0.0.0"), ".network: refused: 224.0.0.0/4 is multicast" + NO_DESTINATION),
        (route("240.0.0.0", "240.0.0.0"), ".network: refused: 240.0.0.0/4 is reserved" + NO_DESTINATION),
        (route("127.0.0.0", "255.0.0.0"), ".network: refused: 127.0.0.0/8 is loopback" + NO_DESTINATION),
        (route("0.0.0.0", "255.0.0.0"), ".network: refused: 0.0.0.0/8 is unspecified" + NO_DESTINATION),
        (route("0.0.0.0", 32), ".network: refused: 0.0.0.0/32 is unspecified" + NO_DESTINATION),
        (route6("ff00::", "8"), ".network: refused: ff00::/8 is multicast" + NO_DESTINATION),
        (route6("::", "128"), ".network: refused: ::/128 is unspecified" + NO_DESTINATION),
        (route6("::1", "128"), ".network: refused: ::1/128 is loopback" + NO_DESTINATION),
        (route6("fe80::", "64"), ".network: refused: fe80::/64 is link-local" + NO_DESTINATION),
    ],
)  # fmt: skip
def test_bad_routes(bad: Json, said: str) -> None:
    """One bad route never stops the others, and its place is the bad field's."""
    data = read([network(DEFAULT, route("11.10.0.0"), bad, route("11.12.0.0"))])
    assert problems(data) == ["networks[0].routes[2]" + said]
    assert refused(data) == ["networks[0].routes[2]" + said.partition(": ")[0]]
    assert routes(data) == ["11.10.0.0/16,10.65.0.1", "11.12.0.0/16,10.65.0.1"]
    assert [one.index for one in data.routes] == [1, 3]


@pytest.mark.parametrize(
    "good, read_as",
    [
        (route(), "11.11.0.0/16,10.65.0.1"),
        (route(netmask="16"), "11.11.0.0/16,10.65.0.1"),
        (route(netmask=16), "11.11.0.0/16,10.65.0.1"),
        (route("11.11.3.4", "255.255.255.255"), "11.11.3.4/32,10.65.0.1"),
        (route("169.254.169.254", "32"), "169.254.169.254/32,10.65.0.1"),
        ({**route(), "services": [{"type": "dns", "address": "10.65.0.2"}]}, "11.11.0.0/16,10.65.0.1"),
        (route("0.0.0.0", "128.0.0.0"), "0.0.0.0/1,10.65.0.1"),
        (route("128.0.0.0", "128.0.0.0"), "128.0.0.0/1,10.65.0.1"),
        (route6("FD11:0:0::", "FFFF::"), "fd11::/16,fd00:65::1"),
        (route6("::", "1"), "::/1,fd00:65::1"),
        (route6("64:ff9b::", "96", "fe80::1"), "64:ff9b::/96,fe80::1"),
    ],
)
def test_good_routes(good: Json, read_as: str) -> None:
    data = read([network(good, good)])
    assert (problems(data), routes(data)) == ([], [read_as] * 2)


def test_host_bits_are_masked_off_with_a_note() -> None:
    data = read([network(route("11.11.3.4"), route("11.12.3.4"), route6("fd11:7::", "ffff::"))])
    assert problems(data) == [
        "networks[0].routes[0].network: host bits masked off: 11.11.3.4/16 is 11.11.0.0/16",
        "networks[0].routes[1].network: host bits masked off: 11.12.3.4/16 is 11.12.0.0/16",
        "networks[0].routes[2].network: host bits masked off: fd11:7::/16 is fd11::/16",
    ]
    assert refused(data) == []
    assert routes(data) == ["11.11.0.0/16,10.65.0.1", "11.12.0.0/16,10.65.0.1", "fd11::/16,fd00:65::1"]


def test_default_routes() -> None:
    """Each gateway once; which of them is the network's own is the decision's. The other family is refused."""
    other = route("0.0.0.0", "0.0.0.0", "10.65.0.2")
    data = read([network(DEFAULT, DEFAULT, other, route("::", "::", "fd00:65::1"))])
    assert problems(data) == [
        "networks[0].routes[3].gateway: IPv6 default route in an IPv4 network",
    ]
    assert refused(data) == ["networks[0].routes[3].gateway"]
    assert defaults(data.networks[0]) == [
        ("10.65.0.1", "networks[0].routes[0]"),
        ("10.65.0.2", "networks[0].routes[2]"),
    ]
    assert routes(data) == []


# ---- whatever comes ---------------------------------------------------------------------------------

WORDS = (
    "links networks services routes id link type ethernet_mac_address bond bond_links vlan vlan_id vlan_link "
    "vlan_mac_address ip_address netmask network gateway network_id ipv4 ipv6 ipv4_dhcp ipv6_slaac 0.0.0.0 :: "
    "11.11.0.0 11.8.0.1 255.255.0.0 ffff:: fa:16:3e:00:00:01 tap0 16 10.65.0.7/24"
).split()
texts = st.sampled_from(WORDS) | st.text(max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.integers(-1, 130) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=6))
PLACE = re.compile(r"^(links|networks)(\[(\d+)\](\.(\w+)(\[(\d+)\](\.(\w+))?)?)?)?$")


def metrics(*entries: Json, **more: Json) -> List[Tuple[str, int, str]]:
    data = read([(network6 if ":" in entries[0]["gateway"] else network)(*entries, **more)])
    return [(address_text(one.gateway), one.metric, one.place) for one in data.networks[0].defaults]


def default(gateway: str, **more: Json) -> Dict[str, Json]:
    everything = "::" if ":" in gateway else "0.0.0.0"
    return {"network": everything, "netmask": everything, "gateway": gateway, **more}


def test_default_entries_by_their_metrics() -> None:
    place = "networks[0].routes[%d]"
    three = [default("10.65.0.1", metric=200), default("10.65.0.2"), default("10.65.0.3", metric="100")]
    assert metrics(*three) == [
        ("10.65.0.2", 0, place % 1), ("10.65.0.3", 100, place % 2), ("10.65.0.1", 200, place % 0)
    ]  # fmt: skip
    # The network's own key is for those that have none.
    assert metrics(*three, metric=150) == [
        ("10.65.0.3", 100, place % 2), ("10.65.0.2", 150, place % 1), ("10.65.0.1", 200, place % 0)
    ]  # fmt: skip
    assert metrics(default("fd00:65::1"), default("fd00:65::2", metric=1023)) == [
        ("fd00:65::2", 1023, place % 1), ("fd00:65::1", 1024, place % 0)
    ]  # fmt: skip
    assert metrics(default("10.65.0.1", metric=7), gateway="10.65.0.2", metric=5) == [
        ("10.65.0.2", 5, "networks[0].gateway"), ("10.65.0.1", 7, place % 0)
    ]  # fmt: skip


def test_a_gateway_listed_twice_has_its_best_metric() -> None:
    twice = [default("10.65.0.1", metric=200), default("10.65.0.1", metric=100)]
    assert metrics(*twice) == [("10.65.0.1", 100, "networks[0].routes[1]")]


def test_a_bad_metric_costs_nothing_else() -> None:
    data = read([network(default("10.65.0.1", metric="low"), metric=-1)])
    assert [one.metric for one in data.networks[0].defaults] == [0]
    said = "must be a number from 0 to 4294967295, not"
    assert problems(data) == [
        f"networks[0].metric: {said} -1; ignored",
        f"networks[0].routes[0].metric: {said} 'low'; ignored",
    ]
    assert refused(data) == []


def fields(**known: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """An object with some of these fields, each mostly of its own kind."""
    return st.fixed_dictionaries({}, optional={key: value | values for key, value in known.items()}) | scalars


addresses = st.sampled_from(("10.65.0.1", "11.11.0.0", "0.0.0.0", "::", "fd00::1", "255.0.255.0", "ffff::", "11.1.2.3"))
route_entries = fields(network=addresses, netmask=addresses | st.integers(-1, 130), gateway=addresses, services=values)
documents = fields(
    links=st.lists(
        fields(
            id=texts,
            type=st.sampled_from(("tap", "bond", "vlan")),
            ethernet_mac_address=st.just(MAC),
            vlan_mac_address=st.just(MAC),
            vlan_id=st.integers(0, 4096),
            bond_links=st.lists(texts),
        )
    ),
    networks=st.lists(
        fields(
            id=texts, link=texts, type=texts, ip_address=addresses, netmask=addresses, routes=st.lists(route_entries)
        )
    ),
)


def judge(raw: bytes) -> Tuple[NetworkData, Json]:
    """What every parsed document keeps: problems are lines of printable ASCII, and places are the document's."""
    data = parse(raw)
    document = json.loads(raw)
    for problem in data.problems:
        assert str(problem).isascii()
        assert str(problem).isprintable()
        assert_is_in(problem.place, document)
    for one in data.routes:
        assert_is_in(one.place, document)
        assert document["networks"][one.network]["routes"][one.index]["network"]
    for net in data.networks:
        for entry in net.defaults:
            assert_is_in(entry.place, document)
    return data, document


def assert_is_in(place: str, document: Json) -> None:
    """Every list in the place has that item; the last field may be what is missing."""
    matched = PLACE.match(place)
    assert matched, place
    name, _, index, _, field, _, inner, _, _ = matched.groups()
    if index is not None:
        entry = document[name][int(index)]
        if inner is not None:
            assert field == "routes"
            assert len(entry[field]) > int(inner)


@settings(deadline=None)
@given(st.binary() | values.map(lambda value: json.dumps(value).encode()))
def test_nothing_but_its_own_error_comes_out(raw: bytes) -> None:
    try:
        judge(raw)
    except NetworkDataError as error:
        assert str(error).isascii()
        assert str(error).isprintable()


@settings(max_examples=examples(400), deadline=None)
@given(documents)
def test_whatever_a_document_holds(document: Json) -> None:
    try:
        data, _ = judge(json.dumps(document).encode())
    except NetworkDataError:
        assert not isinstance(document, dict)
        return
    assert parse(json.dumps(document, indent=3).encode()) == data


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 32)), max_size=20))
def test_every_route_is_read_or_a_problem(pairs: List[Tuple[int, int]]) -> None:
    written = [route(address_text(number.to_bytes(4, "big")), length) for number, length in pairs]
    data = read([network(*written)])
    read_ones = {one.index for one in data.routes}
    lost = {int(place.split("[")[2].partition("]")[0]) for place in refused(data)}
    assert read_ones | lost == set(range(len(pairs)))
    assert not read_ones & lost
    for one in data.routes:
        number, length = pairs[one.index]
        mask = (1 << 32) - (1 << 32 - length)
        assert one.destination == ((number & mask).to_bytes(4, "big"), length)


ANY_ROUTES: st.SearchStrategy[Json] = st.one_of(
    st.builds(
        route, st.sampled_from(["11.11.0.0", "10.9.7.0", "127.1.0.0", "224.0.0.0", "0.0.0.0", "x", 7]),
        st.sampled_from(["255.255.0.0", "24", "0.0.0.0", 16, True, "255.0.255.0", None]),
        st.sampled_from(["10.65.0.1", "10.65.0.2", "fd00:65::1", "", 7, []]),
    ),
    st.builds(route6, st.sampled_from(["fd11::", "fd11::1", "ff02::"]), st.sampled_from(["ffff::", "48", "::"])),
    st.sampled_from([None, 7, [], {}, "route"]),
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(st.tuples(ANY_ROUTES, st.sampled_from([1, 2, 40, 300])), max_size=4))
def test_routes_are_read_alike_whatever_stands_around_them(drawn: List[Tuple[Json, int]]) -> None:
    """Nearly all are read hundreds at a time: each comes out as it does alone, with its own place."""
    entries = [entry for entry, times in drawn for _ in range(times)]
    data = read([network(*entries)])
    alone = {json.dumps(entry): read([network(entry)]) for entry, _ in drawn}
    expected = [(index, one) for index, entry in enumerate(entries) for one in alone[json.dumps(entry)].routes]
    assert [(one.index, one.destination, one.next_hop) for one in data.routes] == [
        (index, one.destination, one.next_hop) for index, one in expected
    ]
    said = [
        f"networks[0].routes[{index}]{text[len('networks[0].routes[0]') :]}"
        for index, entry in enumerate(entries) for text in problems(alone[json.dumps(entry)])
    ]  # fmt: skip
    assert problems(data)[-1000:] == said[:1000]


@pytest.mark.parametrize("data, words", [
    (b'{"x": ' + b"1" * 5000 + b"}", "a number has too many digits"),
    (b'{"a\x00b": 1}', "Invalid control character at: line 1, column 4"),
    (b'{"a": "\xff"}', "it is not UTF-8 text, at byte 8"),
    (b"[" * 100_000, "nested too deeply"),
    (b'{"a": 1', "Expecting ',' delimiter: line 1, column 8"),
    (b"\x00\x00", "is not JSON"),
])  # fmt: skip
def test_bytes_that_are_no_json_say_why_in_words(data: bytes, words: str) -> None:
    with pytest.raises(NetworkDataError) as raised:
        parse(data, "here")
    assert str(raised.value).startswith("here is not JSON: ")
    assert words in str(raised.value)
    assert "sys." not in str(raised.value)


LISTED = {"network": "11.11.0.0", "netmask": "255.255.0.0", "gateway": "10.65.0.1"}
OWN = {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.65.0.1"}


@pytest.mark.parametrize(
    "entry, lacks",
    [
        ({}, ""),
        ({"routes": None}, ""),
        ({"routes": [LISTED]}, ""),
        ({"routes": "none"}, "routes"),
        ({"routes": [LISTED, {"network": "a"}]}, "routes[1].network"),
        ({"routes": [LISTED, {**OWN, "netmask": "a"}, {"network": "a"}]}, "routes[1].netmask"),
        ({"routes": [{**OWN, "gateway": "10.65.0"}]}, "routes[0].gateway"),
        ({"gateway": "10.65.0.999"}, "gateway"),
        ({"routes": [{"network": "a"}], "gateway": "10.65.0.1"}, ""),  # It has one.
        ({"routes": [OWN, {"network": "a"}]}, ""),
        ({"routes": [{**LISTED, "gateway": "a"}]}, ""),  # That is none.
        ({"routes": [{**LISTED, "network": "224.0.0.0"}]}, ""),
        ({"routes": [{**LISTED, "network": "11.11.0.1"}]}, ""),  # host bits: a note
    ],
)
def test_a_network_that_may_have_listed_a_default(entry: Dict[str, Any], lacks: str) -> None:
    """R6 holds its default then; also behind more problems than are kept."""
    broken = {"type": "ipv4", "link": "a", "routes": [{"network": "a"}] * 1100}
    network = {"type": "ipv4", "link": "a", "ip_address": "10.65.0.7", **entry}
    document = {"links": [], "networks": [broken, network]}
    first, second = parse(json.dumps(document).encode()).networks
    assert first.lacks_default == "networks[0].routes[0].network"
    assert second.lacks_default == (lacks and f"networks[1].{lacks}")


def test_routes_that_are_no_list_are_refused() -> None:
    data = read([network(routes="none"), network(route(), id="next")])
    assert problems(data) == ["networks[0].routes: must be a list, not 'none'"]
    assert refused(data) == ["networks[0].routes"]
    assert [one.lacks_default for one in data.networks] == ["networks[0].routes", ""]
    assert routes(data) == ["11.11.0.0/16,10.65.0.1"]
