"""R4: which NIC has a family's default route, or why none has."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import pytest

from guest_routes.model.decision import Elected, Election, NotElected
from guest_routes.model.network import address_text, parse_prefix
from guest_routes.model.settings import GatewaySetting, Selector, Settings
from guest_routes.routing.bind import bind
from guest_routes.routing.decide import decide
from guest_routes.routing.elect import elect, in_order, managed_ifindexes
from guest_routes.routing.resolve import resolve
from tests.support.situations import THREE_NICS, network, situation

DEFAULTS = Settings()
BOTH = [network("eth0", "10.65.0.7/24", "default 10.65.0.1"), network("eth1", "11.8.0.9/24", "default 11.8.0.1")]

Networks = List[Dict[str, Any]]


def election(
    networks: Networks, kernel: str, settings: Settings = DEFAULTS, family: int = 4, unaddressed: bool = False
) -> Election:  # fmt: skip
    return elect(resolve(situation(networks, kernel), settings), settings, family, unaddressed)


def nics(eth0: str = "10.65.0.7/24", eth1: str = "11.8.0.9/24") -> str:
    return f"nic eth0 fa:16:3e:00:00:00 {eth0}\nnic eth1 fa:16:3e:00:00:01 {eth1}\n"


def who(found: Election) -> Tuple[str, str]:
    assert isinstance(found, Elected), found
    return found.nic.name, address_text(found.gateway)


@pytest.mark.parametrize(
    ("kernel", "elected"),
    [
        (nics(), ("eth0", "10.65.0.1")),
        (nics(eth0="down"), ("eth1", "11.8.0.1")),
        (nics(eth0=""), ("eth1", "11.8.0.1")),
        (nics(eth0="10.65.0.7/24 no-carrier"), ("eth1", "11.8.0.1")),
        (nics("10.65.0.7/24 no-carrier", "11.8.0.9/24 no-carrier"), ("eth0", "10.65.0.1")),
        ("nic eth1 fa:16:3e:00:00:01 11.8.0.9/24\n", ("eth1", "11.8.0.1")),
    ],
)
def test_the_first_network_that_can_carry_it(kernel: str, elected: Tuple[str, str]) -> None:
    assert who(election(BOTH, kernel)) == elected


def test_what_waited_is_told() -> None:
    found = election(BOTH, nics(eth0=""))
    assert isinstance(found, Elected)
    assert [one.nic.name for one in found.waiting if one.nic] == ["eth0"]
    everything = election(BOTH, nics())
    assert isinstance(everything, Elected) and everything.waiting == ()
    down = election(BOTH, nics(eth0="down"))
    assert isinstance(down, Elected)
    assert down.waiting == ()


def test_nics_without_an_address_serve_where_one_will_come() -> None:
    assert who(election(BOTH, nics(eth0="", eth1=""), unaddressed=True)) == ("eth0", "10.65.0.1")
    found = election(BOTH, nics(eth0="", eth1=""))
    assert isinstance(found, NotElected)
    assert (found.kind, found.wanted, len(found.bindings)) == ("unusable", True, 2)


DAMAGED = network("eth0", "10.65.0.7/24", "default none")


@pytest.mark.parametrize(
    ("networks", "defaults", "elected"),
    [
        ([DAMAGED, BOTH[1]], "eth0 eth1", ""),
        ([DAMAGED, BOTH[1]], "eth0", ""),
        ([DAMAGED, BOTH[1]], "tun0 eth0", ""),  # A VPN's stands before it.
        ([DAMAGED, BOTH[1]], "eth1 eth0", "eth1"),  # That one is not used.
        ([DAMAGED, BOTH[1]], "tun0", "eth1"),
        ([DAMAGED, BOTH[1]], "", "eth1"),
        ([BOTH[1], DAMAGED], "eth0", "eth1"),  # It comes behind.
        ([network("eth0", "10.65.0.7/24", "default none", "default 10.65.0.1"), BOTH[1]], "eth1", "eth0"),
        ([DAMAGED, network("eth1", "11.8.0.9/24")], "eth0", "eth0"),  # Nothing else is known.
        ([DAMAGED, network("eth1", "11.8.0.9/24"), network("eth2", "", "default 11.8.0.1")], "eth0", ""),
    ],
)
def test_an_entry_that_cannot_be_read_may_be_the_default_in_use(
    networks: Networks, defaults: str, elected: str
) -> None:
    gateways = {"eth0": "10.65.0.1", "eth1": "11.8.0.1", "tun0": "10.200.0.1"}
    there = [f"default via {gateways[nic]} dev {nic} metric {n}\n" for n, nic in enumerate(defaults.split(), 5)]
    evidence = situation(networks, THREE_NICS + "".join(there))
    (found, _), (accepted, _) = (decide(evidence, DEFAULTS, accept).elections for accept in (False, True))
    assert (found.kind if isinstance(found, NotElected) else found.nic.name) == (elected or "damaged")
    assert isinstance(accepted, Elected)
    chosen = decide(evidence, Settings(default=Selector(nic="eth1")), False).elections[0]
    assert isinstance(chosen, Elected) or chosen.kind != "damaged"


@pytest.mark.parametrize("eth0", ["10.65.0.7/24 no-carrier", ""])
def test_it_holds_none_that_leads_nowhere(eth0: str) -> None:
    kernel = nics(eth0=eth0) + "default via 10.65.0.1 dev eth0\n"
    assert who(decide(situation([DAMAGED, BOTH[1]], kernel), DEFAULTS).elections[0]) == ("eth1", "11.8.0.1")


def test_families_are_apart() -> None:
    dual = [*BOTH, network("eth1", "fd00:8::9/64", "default fd00:8::1")]
    kernel = nics(eth1="11.8.0.9/24 fd00:8::9/64")
    assert who(election(dual, kernel, family=6)) == ("eth1", "fd00:8::1")
    assert who(election(dual, kernel)) == ("eth0", "10.65.0.1")
    assert election(BOTH, kernel, family=6) == NotElected(6, "no-gateway")


def test_a_link_local_address_is_none() -> None:
    six = [network("eth0", "fd00:65::7/64", "default fd00:65::1")]
    kernel = "nic eth0 fa:16:3e:00:00:00 fe80::f816:3eff:fe00:0/64\n"
    found = election(six, kernel, family=6)
    assert isinstance(found, NotElected)
    assert found.kind == "unusable"


def test_a_gateway_outside_is_on_link() -> None:
    outside = [network("eth0", "10.65.0.7/32", "default 10.65.0.1")]
    found = election(outside, "nic eth0 fa:16:3e:00:00:00 10.65.0.7/32\n")
    assert isinstance(found, Elected)
    assert found.onlink
    inside = election(BOTH, nics())
    assert isinstance(inside, Elected)
    assert not inside.onlink


@pytest.mark.parametrize(
    "selector",
    [
        Selector(nic="eth1"),
        Selector(mac=bytes.fromhex("fa163e000001")),
        Selector(network="network1"),
        Selector(subnet=parse_prefix("11.8.0.0/24")),
    ],
    ids=str,
)
def test_the_settings_choose(selector: Selector) -> None:
    settings = Settings(default=selector)
    found = election(BOTH, nics(), settings)
    assert who(found) == ("eth1", "11.8.0.1")
    assert isinstance(found, Elected)
    assert (found.selector, found.waiting) == (selector, ())


@pytest.mark.parametrize(
    ("networks", "kernel", "nic", "kind", "wanted"),
    [
        (BOTH, nics(), "eth7", "no-network", True),
        (BOTH, nics(eth1="down"), "eth1", "down", True),
        (BOTH, nics(eth1=""), "eth1", "no-address", True),
        ([BOTH[0], network("eth1", "11.8.0.9/24")], nics(), "eth1", "unknown-gateway", True),
        ([network("eth0", "10.65.0.7/24"), network("eth1", "11.8.0.9/24")], nics(), "eth1", "unknown-gateway", False),
        ([network("eth0", "10.65.0.7/24")], nics(eth0=""), "eth0", "unknown-gateway", False),
    ],
)
def test_a_choice_that_cannot_be_had(networks: Networks, kernel: str, nic: str, kind: str, wanted: bool) -> None:
    found = election(networks, kernel, Settings(default=Selector(nic=nic)))
    assert isinstance(found, NotElected)
    assert (found.kind, found.wanted, found.selector) == (kind, wanted, Selector(nic=nic))
    assert (found.binding is None) == (kind == "no-network")


def test_a_chosen_nic_that_is_not_there() -> None:
    chosen = Settings(default=Selector(network="network1"))
    found = election(BOTH, "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\n", chosen)
    assert isinstance(found, NotElected)
    assert (found.kind, found.wanted) == ("absent", True)


def test_only_nics_of_the_metadata_are_managed() -> None:
    bindings, _ = bind(situation([BOTH[0]], THREE_NICS), Settings())
    assert managed_ifindexes(bindings) == {2}
    down, _ = bind(situation(BOTH, nics(eth0="down")), Settings())
    assert managed_ifindexes(down) == {2, 3}
    ignored, _ = bind(situation(BOTH, nics()), Settings(ignore_nics=("eth0",)))
    assert managed_ifindexes(ignored) == {3}


def test_a_port_with_the_mac_of_a_networks_link_is_managed() -> None:
    bridged = """nic br0 02:00:00:00:00:09 kind bridge 10.65.0.7/24
        nic eth0 fa:16:3e:00:00:00 master br0
        nic eth1 fa:16:3e:00:00:01 11.8.0.9/24
        nic tap0 fa:16:3e:00:00:77 master br0
        """
    evidence = situation(BOTH, bridged)
    bindings, _ = bind(evidence, Settings())
    names = {nic.ifindex: nic.name for nic in evidence.kernel.nics}
    assert {names[one] for one in managed_ifindexes(bindings)} == {"br0", "eth1"}
    assert {names[one] for one in managed_ifindexes(bindings, evidence.kernel.nics)} == {"br0", "eth0", "eth1"}


# ---- who comes before whom ----------------------------------------------------------------------------

PRIVATE = network("eth0", "10.65.0.7/24", "12.0.0.0/8 10.65.0.1")
KERNELS = nics() + "default via 10.65.0.1 dev eth0 metric 500\n"


def test_a_documented_default_comes_before_the_kernels_own() -> None:
    """D2"""
    assert who(election([PRIVATE, BOTH[1]], KERNELS)) == ("eth1", "11.8.0.1")
    assert who(election([PRIVATE, network("eth1", "11.8.0.9/24")], KERNELS)) == ("eth0", "10.65.0.1")
    recorded = nics() + "recorded default via 10.65.0.1 dev eth0\n"
    assert who(election([PRIVATE, BOTH[1]], recorded)) == ("eth1", "11.8.0.1")


def test_a_gateway_of_the_settings_elects_last() -> None:
    setting = GatewaySetting(Selector(nic="eth0"), bytes((10, 65, 0, 1)), "a file")
    settings = Settings(gateways=(setting,))
    assert who(election([PRIVATE, BOTH[1]], nics(), settings)) == ("eth1", "11.8.0.1")
    assert who(election([PRIVATE], nics(), settings)) == ("eth0", "10.65.0.1")
    chosen = settings._replace(default=Selector(nic="eth0"))
    assert who(election([PRIVATE, BOTH[1]], nics(), chosen)) == ("eth0", "10.65.0.1")
    # It corrects a documented gateway, and the default stays documented.
    corrected = GatewaySetting(Selector(nic="eth0"), bytes((10, 65, 0, 254)), "a file")
    assert who(election(BOTH, nics(), Settings(gateways=(corrected,)))) == ("eth0", "10.65.0.254")


def test_an_entry_that_is_added_to_gateways_moves_no_default() -> None:
    """Of NICs that only `gateways` speaks of the first one in the settings has the default."""
    networks = [network("eth0", kind="ipv4_dhcp"), network("eth1", kind="ipv4_dhcp")]
    eth1 = GatewaySetting(Selector(nic="eth1"), bytes((11, 8, 0, 1)), "gateways[eth1]")
    eth0 = GatewaySetting(Selector(nic="eth0"), bytes((10, 65, 0, 1)), "gateways[eth0]")
    assert who(election(networks, nics(), Settings(gateways=(eth1,)))) == ("eth1", "11.8.0.1")
    assert who(election(networks, nics(), Settings(gateways=(eth1, eth0)))) == ("eth1", "11.8.0.1")
    # Nor one of a NIC that the document describes in the other family only.
    other = [network("eth0", "fd00:65::7/64"), network("eth1", kind="ipv4_dhcp")]
    kernel = nics() + "default via 10.65.0.1 dev eth0 proto static\n"
    assert who(election(other, kernel)) == ("eth0", "10.65.0.1")
    assert who(election(other, kernel, Settings(gateways=(eth1,)))) == ("eth0", "10.65.0.1")


def test_a_gateway_of_the_settings_takes_no_default_from_a_nic_without_a_carrier() -> None:
    """Following the advice to set `gateways` moves no default, whatever the carriers are just then."""
    setting = GatewaySetting(Selector(nic="eth0"), bytes((10, 65, 0, 1)), "gateways[eth0]")
    private = [PRIVATE, network("eth1", "11.8.0.9/24", "20.0.0.0/8 11.8.0.1")]
    there = nics(eth1="11.8.0.9/24 no-carrier") + "default via 11.8.0.1 dev eth1\n"
    assert who(election(private, there)) == ("eth1", "11.8.0.1")
    assert who(election(private, there, Settings(gateways=(setting,)))) == ("eth1", "11.8.0.1")


def test_named_by_another_network() -> None:
    named = [network("eth0", "10.65.0.7/24", "default 11.8.0.1"), network("eth1", "11.8.0.9/24", "12.0.0.0/8 11.8.0.1")]
    found = election(named, nics())
    assert who(found) == ("eth1", "11.8.0.1")
    assert isinstance(found, Elected)
    assert found.named is not None
    assert found.named.host.place == "networks[0].routes[0]"
    # After networks with a default of their own, and before the kernel's word.
    kernel = "nic eth2 fa:16:3e:00:00:02 12.0.0.9/24\n"
    third = [*named, network("eth2", "12.0.0.9/24", "default 12.0.0.1")]
    assert who(election(third, nics() + kernel)) == ("eth2", "12.0.0.1")
    assert who(election(named, KERNELS)) == ("eth1", "11.8.0.1")
    # Where the network with a default of its own can't carry it, the named NIC does.
    assert who(election(third, nics() + kernel.replace("12.0.0.9/24", "down"))) == ("eth1", "11.8.0.1")


NAMED = [network("eth0", "10.65.0.7/24", "default 11.8.0.1"), network("eth1", "11.8.0.9/24", "12.0.0.0/8 11.8.0.1")]
THIRD = network("eth2", "12.0.0.9/24", "default 12.0.0.1")


@pytest.mark.parametrize(
    ("eth1", "eth2", "elected"),
    [
        ("11.8.0.9/24", "12.0.0.9/24", ("eth2", "12.0.0.1")),
        ("11.8.0.9/24", "12.0.0.9/24 no-carrier", ("eth1", "11.8.0.1")),
        ("11.8.0.9/24 no-carrier", "12.0.0.9/24 no-carrier", ("eth2", "12.0.0.1")),
        ("11.8.0.9/24 no-carrier", "down", ("eth1", "11.8.0.1")),
    ],
)
def test_a_carrier_counts_before_how_the_nic_is_documented(eth1: str, eth2: str, elected: Tuple[str, str]) -> None:
    kernel = f"{nics(eth1=eth1)}nic eth2 fa:16:3e:00:00:02 {eth2}\n"
    assert who(election([*NAMED, THIRD], kernel)) == elected


def test_of_two_named_nics_one_with_a_carrier_is_first() -> None:
    networks = [
        network("eth0", "10.65.0.7/24", "default 11.8.0.1", "default 12.0.0.1"),
        network("eth1", "11.8.0.9/24", "13.0.0.0/8 11.8.0.1"),
        network("eth2", "12.0.0.9/24", "14.0.0.0/8 12.0.0.1"),
    ]
    for state, elected in (("", ("eth1", "11.8.0.1")), (" no-carrier", ("eth2", "12.0.0.1"))):
        kernel = nics(eth1=f"11.8.0.9/24{state}") + "nic eth2 fa:16:3e:00:00:02 12.0.0.9/24\n"
        assert who(election(networks, kernel)) == elected


@pytest.mark.parametrize("selector", [Selector(nic="eth1"), Selector(subnet=parse_prefix("11.8.0.0/24"))], ids=str)
def test_the_settings_choose_a_nic_that_only_another_networks_entry_names(selector: Selector) -> None:
    kernel = nics() + "nic eth2 fa:16:3e:00:00:02 12.0.0.9/24\n"
    found = election([*NAMED, THIRD], kernel, Settings(default=selector))
    assert who(found) == ("eth1", "11.8.0.1")
    assert isinstance(found, Elected)
    assert (found.selector, found.named is None) == (selector, False)
    down = election([*NAMED, THIRD], kernel.replace("11.8.0.9/24", "down"), Settings(default=selector))
    assert isinstance(down, NotElected)
    assert (down.kind, down.wanted) == ("down", True)


@pytest.mark.parametrize(
    ("networks", "kernel"),
    [
        (BOTH, nics(eth0="down", eth1="down")),
        ([BOTH[0], network("eth1", "11.8.0.9/24")], nics(eth0="down") + "default via 11.8.0.1 dev eth1\n"),
        (
            [network("eth0", "10.65.0.7/24", "default 11.8.0.99"), network("eth1", "11.8.0.9/24")],
            nics() + "default via 11.8.0.1 dev eth1\n",
        ),
    ],
)
def test_a_documented_default_that_no_nic_can_carry(networks: Networks, kernel: str) -> None:
    """D11: none is elected, so the kernel's stay; and it is a failure."""
    found = election(networks, kernel)
    assert isinstance(found, NotElected)
    assert (found.kind, found.wanted) == ("unusable", True)


def test_an_isolated_network_wants_none() -> None:
    assert election([network("eth0", "10.65.0.7/24")], nics()) == NotElected(4, "no-gateway")


def test_an_advertised_router_elects_for_networks_that_are_left_to_it() -> None:
    kernel = nics("10.65.0.7/24 fd00:65::7/64", "11.8.0.9/24 fd00:8::9/64") + "default via fe80::1 dev eth0 proto ra\n"
    static = network("eth1", "fd00:8::9/64", "default fd00:8::1")
    slaac = [network("eth0", kind="ipv6_slaac"), static]
    assert who(election(slaac, kernel, family=6)) == ("eth0", "fe80::1")
    described = [network("eth0", "fd00:65::7/64"), static]
    assert who(election(described, kernel, family=6)) == ("eth1", "fd00:8::1")


def test_a_nic_in_its_documented_subnet_before_one_that_has_been_renumbered() -> None:
    """eth0's gateway is in no prefix that it has, and nothing came with its address."""
    found = election(BOTH, nics(eth0="12.0.0.7/24"))
    assert who(found) == ("eth1", "11.8.0.1")
    assert isinstance(found, Elected)
    assert [one.nic.name for one in found.waiting if one.nic] == ["eth0"]
    assert who(election(BOTH, nics("12.0.0.7/24", "11.8.0.9/24 no-carrier"))) == ("eth0", "10.65.0.1")
    assert who(election(BOTH[:1], nics(eth0="12.0.0.7/24"))) == ("eth0", "10.65.0.1")  # R14


def with_metrics(*metrics: Any) -> Networks:
    """BOTH, with a metric for each default."""
    found = [network("eth0", "10.65.0.7/24", "default 10.65.0.1"), network("eth1", "11.8.0.9/24", "default 11.8.0.1")]
    for one, metric in zip(found, metrics):
        one["routes"][0].update({} if metric is None else {"metric": metric})
    return found


@pytest.mark.parametrize(
    ("metrics", "kernel", "elected", "by_metric"),
    [
        ((200, 100), nics(), "eth1", True),
        ((100, None), nics(), "eth1", True),  # None is 0.
        ((100, 100), nics(), "eth0", False),
        ((100, 200), nics(), "eth0", False),
        ((200, 100), nics(eth1="11.8.0.9/24 no-carrier"), "eth0", False),
        ((200, 100), nics(eth1="down"), "eth0", False),
        ((200, 100), nics(eth1=""), "eth0", False),
        ((200, 100), nics(eth0="down"), "eth1", False),
    ],
)
def test_of_documented_defaults_the_best_metric(metrics: Any, kernel: str, elected: str, by_metric: bool) -> None:
    found = election(with_metrics(*metrics), kernel)
    assert isinstance(found, Elected)
    assert (found.nic.name, found.by_metric) == (elected, by_metric)


def test_a_gateway_of_the_settings_moves_no_default_by_metric() -> None:
    corrected = GatewaySetting(Selector(nic="eth0"), parse_prefix("10.65.0.2").address, "gateways[eth0]")
    found = election(with_metrics(200, 100), nics(), Settings(gateways=(corrected,)))
    assert who(found) == ("eth1", "11.8.0.1")
    assert who(election(with_metrics(100, 200), nics(), Settings(gateways=(corrected,)))) == ("eth0", "10.65.0.2")


def test_the_settings_choice_goes_before_a_metric() -> None:
    chosen = Settings(default=Selector(nic="eth0"))
    assert who(election(with_metrics(200, 100), nics(), chosen)) == ("eth0", "10.65.0.1")


def test_one_that_can_not_be_used_moves_no_other_by_its_metric() -> None:
    """The third network's is the best one, and its NIC is down: the first network's goes before a router's word."""
    first = network("eth0", "fd00:65::7/64", "default fd00:65::1")
    third = network("eth2", "fd00:9::9/64", "default fd00:9::1")
    first["routes"][0]["metric"], third["routes"][0]["metric"] = 100, 50
    routed = network("eth1", "fd00:8::9/64", kind="ipv6_slaac")
    kernel = nics("fd00:65::7/64", "fd00:8::9/64") + "default via fe80::1 dev eth1 proto ra metric 1024\n"
    for third_nic, elected in (("down", "eth0"), ("fd00:9::9/64", "eth2")):
        found = election([first, routed, third], f"{kernel}nic eth2 fa:16:3e:00:00:02 {third_nic}\n", family=6)
        assert who(found)[0] == elected


def test_a_default_that_the_document_leaves_to_a_router_keeps_its_place() -> None:
    """The document's metrics say nothing of it."""
    routed = network("eth0", "fd00:65::7/64", kind="ipv6_slaac")
    six = network("eth1", "fd00:8::9/64", "default fd00:8::1")
    six["routes"][0]["metric"] = 100
    kernel = nics("fd00:65::7/64", "fd00:8::9/64") + "default via fe80::1 dev eth0 proto ra metric 1024\n"
    assert who(election([routed, six], kernel, family=6)) == ("eth0", "fe80::1")
    assert who(election([six, routed], kernel, family=6)) == ("eth1", "fd00:8::1")


def test_of_entries_that_name_other_nics_the_best_metric() -> None:
    listing = network("eth2", "12.0.0.9/24", "default 10.65.0.1", "default 11.8.0.1")
    plain = [network("eth0", "10.65.0.7/24"), network("eth1", "11.8.0.9/24")]
    kernel = nics() + "nic eth2 fa:16:3e:00:00:02 12.0.0.9/24\n"
    assert who(election([listing, *plain], kernel)) == ("eth0", "10.65.0.1")
    listing["routes"][0]["metric"] = 10
    assert who(election([listing, *plain], kernel)) == ("eth1", "11.8.0.1")


def test_a_renumbered_nic_has_the_default_that_came_with_its_address() -> None:
    """Its place in the order is the document's. So it is where the settings choose it, or another network names it."""
    kernel = nics(eth1="12.8.0.9/24") + "default via 12.8.0.1 dev eth1 proto dhcp\n"
    assert who(election(BOTH, kernel)) == ("eth0", "10.65.0.1")
    assert who(election(BOTH[::-1], kernel)) == ("eth1", "12.8.0.1")
    assert who(election(BOTH, kernel, Settings(default=Selector(nic="eth1")))) == ("eth1", "12.8.0.1")
    naming = [network("eth0", "10.65.0.7/24", "default 11.8.0.1"), BOTH[1]]
    assert who(election(naming, kernel)) == ("eth1", "12.8.0.1")
    unnumbered = election(naming, nics(eth1="12.8.0.9/24"))
    assert isinstance(unnumbered, Elected)
    assert (who(unnumbered), unnumbered.onlink) == (("eth1", "11.8.0.1"), True)  # R14


class One(NamedTuple):
    name: str
    metric: Optional[int]


@pytest.mark.parametrize(
    ("metrics", "order"),
    [
        ([], ""),
        ([100, 50], "ba"),
        ([50, 50, 0], "cab"),
        ([None, None], "ab"),
        ([100, None, 50], "cba"),  # b comes from a lease
        ([None, 100, 50], "acb"),
        ([1, 0], "ba"),
    ],
)
def test_documented_defaults_by_the_documents_metrics(metrics: List[Optional[int]], order: str) -> None:
    those = [One(name, metric) for name, metric in zip("abc", metrics)]
    assert "".join(one.name for one in in_order(those)) == order


@pytest.mark.parametrize(
    ("source", "kernel", "elected"),
    [
        ("leases", "", "eth0"),
        ("leases", "default via 11.8.0.1 dev eth1 metric 100\n", "eth1"),
        ("leases", "default via 11.8.0.1 dev eth1 proto guest-routes\n", "eth1"),
        ("leases", "default via 11.8.0.1 dev eth1 metric 200\ndefault via 10.65.0.1 dev eth0 metric 100\n", "eth0"),
        ("leases", "default via 10.200.0.1 dev tun0\ndefault via 11.8.0.1 dev eth1 metric 200\n", "eth1"),
        ("leases", "unreachable default\ndefault via 11.8.0.1 dev eth1 metric 200\n", "eth1"),
        ("http", "default via 11.8.0.1 dev eth1 metric 100\n", "eth0"),
    ],
)
def test_without_metadata_the_nic_in_use_comes_first(source: str, kernel: str, elected: str) -> None:
    found = decide(situation(BOTH, THREE_NICS + kernel, source), Settings()).elections[0]
    assert isinstance(found, Elected)
    assert (found.nic.name, found.in_use) == (elected, source == "leases" and f"dev {elected}" in kernel)


def test_the_nic_in_use_comes_first_only_where_it_can_be_used() -> None:
    kernel = f"{nics(eth1='11.8.0.9/24 no-carrier')}default via 11.8.0.1 dev eth1 metric 100\n"
    found = decide(situation(BOTH, kernel, "leases"), Settings()).elections[0]
    assert isinstance(found, Elected) and (found.nic.name, found.in_use) == ("eth0", False)
