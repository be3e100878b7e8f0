"""What ends a conflict, in the words of each program's own configuration, and what fixes a host route."""

from __future__ import annotations

from typing import Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.model.decision import Binding, Unresolved
from guest_routes.model.diagnosis.status import Actor
from guest_routes.model.network import Nic, Prefix, parse_address, parse_prefix
from guest_routes.model.network_data import LEASES, SETTINGS, HostRoute, Link, Network
from guest_routes.output.words import remedies
from guest_routes.output.words.remedies import gateways_setting, in_neutron, remedy, removal
from tests.support.reports import ETH0, ETH1

HOST, DEFAULT = parse_prefix("11.11.0.0/16"), parse_prefix("0.0.0.0/0")
HOST6, DEFAULT6 = parse_prefix("fd00:11:11::/48"), parse_prefix("::/0")
TAKEN, ADDED = True, False
CASES = [
    (("systemd-network",), DEFAULT, ADDED, ("`[DHCPv4]` `UseGateway=no`", "drop-in of eth1's .network file")),
    (("systemd-network",), DEFAULT6, ADDED, ("`[IPv6AcceptRA]` `UseGateway=no`", "networkctl reload")),
    (("systemd-network",), HOST, TAKEN, ("let it write the routes itself", "export --format networkd`")),
    (("NetworkManager",), DEFAULT, ADDED, ("ipv4.never-default yes", "nmcli device")),
    (("NetworkManager",), DEFAULT6, ADDED, ("ipv6.never-default yes",)),
    (("nm-dispatcher",), HOST6, TAKEN, ("ipv6.ignore-auto-routes yes",)),
    (("ip", "dhclient-script", "dhclient"), DEFAULT, ADDED, ("leave routers out", 'interface "eth1"')),
    (("dhclient",), HOST, TAKEN, ("rfc3442-classless-static-routes", "unset new_rfc3442_classless_static_routes")),
    (("ip", "dhcpcd-run-hooks", "dhcpcd"), DEFAULT, ADDED, ("`interface eth1`", "`nogateway`")),
    (("networkctl", "netplan", "bash"), HOST, TAKEN, ("dhcp4-overrides", "netplan apply")),
    (("kernel",), DEFAULT6, ADDED, ("net/ipv6/conf/eth1/accept_ra_defrtr=0",)),
    (("ip", "bash", "sshd"), HOST, TAKEN, ("a shell or a script", "`ignore_destinations: [11.11.0.0/16]`")),
    (("bash",), DEFAULT, ADDED, ("a shell or a script", "`default_mode: observe`")),
    (("openvpn", "systemd", "bash"), HOST, TAKEN, ("find the program", "`ignore_destinations: [11.11.0.0/16]`")),
    ((), DEFAULT, ADDED, ("find the program", "`default_mode: observe`")),
]


@pytest.mark.parametrize("names, destination, deleted, words", CASES)
def test_each_program(names: Tuple[str, ...], destination: Prefix, deleted: bool, words: Tuple[str, ...]) -> None:
    text = remedy(Actor(names[0] if names else "", 5, names[1:]), destination, deleted, "eth1")
    assert [word for word in words if word not in text] == []


@given(st.sampled_from([case[0] for case in CASES]), st.sampled_from([DEFAULT, DEFAULT6]), st.booleans())
def test_nobody_is_told_to_ignore_everything(names: Tuple[str, ...], destination: Prefix, deleted: bool) -> None:
    text = remedy(Actor(names[0] if names else "", 5, names[1:]), destination, deleted, "eth1")
    assert f"[{destination}]" not in text
    # `observe` is about defaults too many: a default of ours that somebody takes away stays wanted.
    assert not (deleted and "observe" in text)


@given(
    st.text(max_size=20), st.lists(st.text(max_size=20), max_size=4), st.sampled_from([HOST, DEFAULT, HOST6, DEFAULT6])
)
def test_whoever_it_is_there_is_an_answer(program: str, ancestors: Tuple[str, ...], destination: Prefix) -> None:
    assert remedy(Actor(program, 5, tuple(ancestors)), destination, True, "eth1")


@pytest.mark.parametrize(
    "program, destination, deleted, text",
    [
        (
            "openvpn",
            HOST,
            TAKEN,
            "find the program (`ip monitor route` shows when it happens; often a DHCP client's hook "
            "script) and stop it, or leave the route to it: `ignore_destinations: [11.11.0.0/16]`",
        ),
        (
            "openvpn",
            DEFAULT,
            TAKEN,
            "find the program (`ip monitor route` shows when it happens; often a DHCP client's "
            "hook script) and stop it",
        ),
        (
            "bash",
            DEFAULT,
            ADDED,
            "a shell or a script does it: stop it, or leave the route to it: `default_mode: observe`",
        ),
        (
            "netplan",
            HOST,
            TAKEN,
            "in /etc/netplan: `dhcp4-overrides: {use-routes: false}` for that NIC, then `netplan apply`",
        ),
        (
            "dhcpcd",
            HOST,
            TAKEN,
            "in /etc/dhcpcd.conf: `interface eth1` and below it `nogateway`, or `nooption classless_static_routes`",
        ),
        (
            "systemd-network",
            HOST,
            TAKEN,
            "let it write the routes itself: `guest-routes export --format networkd` prints "
            "the files; then `networkctl reload`",
        ),
        (
            "systemd-network",
            DEFAULT,
            ADDED,
            "put `[DHCPv4]` `UseGateway=no` into a drop-in of eth1's .network file "
            "(`guest-routes export --format networkd` prints it; remove a static Gateway= from the file), then "
            "`networkctl reload`",
        ),
        (
            "NetworkManager",
            HOST6,
            TAKEN,
            "`nmcli connection modify CONNECTION ipv6.ignore-auto-routes yes`, for the "
            "connection of eth1 (`nmcli device`), or the profiles of `guest-routes export --format networkmanager`",
        ),
        (
            "kernel",
            DEFAULT6,
            ADDED,
            "`sysctl -w net/ipv6/conf/eth1/accept_ra_defrtr=0`, kept in /etc/sysctl.d, ends it",
        ),
    ],
)
def test_the_whole_sentence(program: str, destination: Prefix, deleted: bool, text: str) -> None:
    assert remedy(Actor(program, 5), destination, deleted, "eth1") == text


# ---- host routes -------------------------------------------------------------------------------------


def bound(nic: Nic, gateway: str) -> Binding:
    return Binding(None, None, nic, parse_address(gateway))


def not_used(destination: str, kind: str = "not-a-gateway", gateways: Tuple[Binding, ...] = ()) -> Unresolved:
    host = HostRoute(parse_prefix(destination), parse_address("11.8.0.99"), "network_data.json", 0, 0)
    return Unresolved(host, kind, gateways=gateways)  # type: ignore[arg-type]


def test_a_default_entry_is_not_made_another_networks_own() -> None:
    """By a gateway in no subnet it would be the listing network's: it can only be taken out."""
    inside, outside = bound(ETH1, "11.8.0.1"), bound(ETH1, "203.0.113.9")
    both = remedies.in_subnets(not_used("11.11.0.0/16"), outside)
    assert "set --host-route destination=11.11.0.0/16,gateway=203.0.113.9" in both and "unset" in both
    default = remedies.in_subnets(not_used("0.0.0.0/0"), inside)
    assert "set --host-route destination=0.0.0.0/0,gateway=11.8.0.1" in default and "unset" in default
    only = remedies.in_subnets(not_used("0.0.0.0/0"), outside)
    assert only.startswith("`openstack subnet unset --host-route destination=0.0.0.0/0,gateway=11.8.0.99 ")


def test_which_gateways_could_be_meant() -> None:
    known = (bound(ETH0, "fe80::1"), bound(ETH0, "10.65.0.1"), bound(ETH1, "203.0.113.9"))
    assert remedies.gateways_to_use(not_used("11.11.0.0/16", "no-subnet", known)) == (
        "10.65.0.1 (eth0) or 203.0.113.9 (eth1)"
    )
    assert remedies.gateways_to_use(not_used("0.0.0.0/0", "no-subnet", known)) == "10.65.0.1 (eth0)"
    assert remedies.gateways_to_use(not_used("0.0.0.0/0", "no-subnet")) == "a NIC (none is known)"
    outside = not_used("0.0.0.0/0", "no-subnet", known[2:])
    assert remedies.gateways_to_use(outside) == "a NIC (none that is in its subnet is known)"


def test_a_link_local_gateway_could_be_meant_where_no_network_lists_the_route() -> None:
    """And by the network that it is the gateway of."""
    known = (bound(ETH0, "fe80::1")._replace(network=LISTING),)
    for destination in ("fd00:12::/48", "::/0"):
        one = not_used(destination, "no-subnet", known)
        for network, said in (
            (LISTING.index, "fe80::1 (eth0)"),
            (SETTINGS, "fe80::1 (eth0)"),
            (7, f"a NIC (none {'that is in its subnet' if destination == '::/0' else 'but link-local ones'} is known)"),
        ):
            listed = one._replace(host=one.host._replace(network=network))
            assert remedies.gateways_to_use(listed) == said, (destination, network)


LISTED = HostRoute(HOST, parse_address("11.8.0.99"), "network_data.json", 0, 1)
CLIENT = LISTED._replace(source="eth0's DHCP lease, option 121", network=LEASES)
WRITTEN = LISTED._replace(source="/etc/a.yaml", network=SETTINGS)
NIC = Nic(3, "eth1", bytes.fromhex("fa163e000002"))


@pytest.mark.parametrize("host, neutron", [(LISTED, True), (CLIENT, True), (WRITTEN, False)])
def test_what_is_fixed_in_neutron(host: HostRoute, neutron: bool) -> None:
    """It came from there by the metadata, or by a DHCP server."""
    assert in_neutron(host) == neutron
    command = "`openstack subnet unset --host-route destination=11.11.0.0/16,gateway=11.8.0.99 SUBNET` removes this one"
    assert removal(Unresolved(host, "conflict")) == (command if neutron else "take the other out")


UUID = "5d0c2c2e-0000-4000-8000-000000000000"
LISTING = Network(0, "network0", "tap0", "ipv4", 4, parse_prefix("10.65.0.7/24"), network_id=UUID)
WITHOUT = LISTING._replace(address=None)
LEASED = NIC._replace(addresses=(parse_prefix("fe80::7/64"), parse_prefix("10.65.0.7/24")))


@pytest.mark.parametrize("network, nic, options", [
    (LISTING, None, f"--network {UUID} --subnet-range 10.65.0.0/24"),
    (LISTING._replace(network_id="private"), None, "--subnet-range 10.65.0.0/24"),
    (LISTING._replace(network_id=f"{UUID}$(reboot)"), None, "--subnet-range 10.65.0.0/24"),
    (LISTING._replace(network_id=UUID.replace("5d", "$(")), None, "--subnet-range 10.65.0.0/24"),
    (WITHOUT, None, f"--network {UUID} --ip-version 4"),
    (WITHOUT._replace(family=6), LEASED, f"--network {UUID} --ip-version 6"),
    (WITHOUT, LEASED, f"--network {UUID} --subnet-range 10.65.0.0/24"),
    (LISTING._replace(address=parse_prefix("10.65.0.7/32")), None, f"--network {UUID} --ip-version 4"),
    (LISTING._replace(family=6, address=parse_prefix("fd00:65::7/64")), None,
     f"--network {UUID} --subnet-range fd00:65::/64"),
])  # fmt: skip
def test_how_the_subnet_is_found(network: Network, nic: Optional[Nic], options: str) -> None:
    """In a document, or a lease: neither has the subnet's id."""
    one = Unresolved(LISTED, "not-a-gateway", bound(ETH1, "11.8.0.1"), listing=Binding(network, None, nic))
    find, route = f"`SUBNET=$(openstack subnet list {options} -f value -c ID)`", "destination=11.11.0.0/16,gateway="
    unset = f"then `openstack subnet unset --host-route {route}11.8.0.99 $SUBNET` removes this one"
    assert removal(one) == f"{find}, {unset}"
    assert remedies.in_subnets(one, bound(ETH1, "11.8.0.1")) == (
        f"fix it in Neutron: {find}, `openstack subnet set --host-route {route}11.8.0.1 $SUBNET`, {unset}"
    )


@pytest.mark.parametrize("network", [None, WITHOUT._replace(network_id="")])
def test_a_subnet_of_which_nothing_is_known(network: Optional[Network]) -> None:
    one = Unresolved(LISTED, "conflict", listing=Binding(network, None, None))
    assert removal(one).startswith("`openstack subnet unset --host-route ") and "11.8.0.99 SUBNET`" in removal(one)


@pytest.mark.parametrize("binding, key", [
    (Binding(None, None, NIC), "eth1"), (Binding(None, None, None, ignored="docker0"), "docker0"),
    (Binding(None, Link(0, "tap1", "ovs", NIC.mac), None), '"fa:16:3e:00:00:02"'),
    (Binding(None, None, NIC._replace(name="true")), '"true"'), (Binding(None, None, NIC._replace(name="{a}")),
     '"{a}"'),
    (Binding(None, None, NIC._replace(name="a=b")), '"nic=a=b"'), (Binding(None, None, None, ignored="0121"), '"0121"'),
    (Binding(None, None, NIC._replace(name="\u202ex")), '"fa:16:3e:00:00:02"'),
    (Binding(None, Link(0, "tap1", "bond", b""), None), "NIC"), (Binding(None, None, None), "NIC"),
])  # fmt: skip
def test_which_gateway_to_set(binding: Binding, key: str) -> None:
    assert gateways_setting(binding) == f"`gateways: {{{key}: ADDRESS}}`"
    assert gateways_setting(binding, parse_address("11.8.0.1")) == f"`gateways: {{{key}: 11.8.0.1}}`"
    assert gateways_setting(binding, parse_address("fd00::1")) == f'`gateways: {{{key}: "fd00::1"}}`'
