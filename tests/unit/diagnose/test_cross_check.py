"""How what other libraries read is compared with what we read."""

from __future__ import annotations

from guest_routes.diagnose.cross_check import extra_nics, failed, nic_differences, route_differences
from guest_routes.errors import KernelError
from guest_routes.model.diagnosis.inspection import CrossCheck, Difference
from tests.support.reports import ETH0, ETH1, prefix, route

LINK = [{"addr": "FA:16:3E:00:00:01"}]
OWN = [{"addr": "10.65.0.7", "netmask": "255.255.255.0"}]


def test_nics_that_netlink_does_not_show() -> None:
    assert list(extra_nics({"lo", "eth0", "eth0:1", "eth1"}, (ETH0, ETH1))) == []
    assert list(extra_nics({"tun7", "eth0"}, (ETH0,))) == [Difference("extra-nic", "tun7")]


def test_the_same_nic() -> None:
    assert list(nic_differences(ETH0, LINK, OWN)) == []
    assert list(nic_differences(ETH0, [], None)) == []
    with_zone = ETH0._replace(addresses=(prefix("fe80::1/64"),))
    assert list(nic_differences(with_zone, LINK, [{"addr": "fe80::1%eth0"}, {"peer": "x"}])) == []


def test_another_mac() -> None:
    assert list(nic_differences(ETH1, LINK, [{"addr": "11.8.0.9"}])) == [
        Difference("mac", "eth1", macs=("fa:16:3e:00:00:01",), mac=ETH1.mac)
    ]
    assert list(nic_differences(ETH1._replace(mac=bytes(6)), LINK, [{"addr": "11.8.0.9"}])) == []


def test_other_addresses() -> None:
    assert list(nic_differences(ETH0, LINK, [])) == [Difference("addresses", "eth0", addresses=("10.65.0.7",))]
    more = [*OWN, {"addr": "10.65.0.8"}]
    assert list(nic_differences(ETH0, LINK, more)) == [Difference("addresses", "eth0", addresses=("10.65.0.8",))]


def test_routes_that_only_one_has() -> None:
    first, second = route("default via 10.65.0.1 dev eth0"), route("default via 11.8.0.1 dev eth1")
    assert list(route_differences((first,), (first,))) == []
    assert list(route_differences((first,), (second,))) == [
        Difference("missing-route", route=first),
        Difference("extra-route", route=second),
    ]


def test_a_lifetime_runs_on_between_two_looks() -> None:
    first = route("default via fe80::1 dev eth0 proto ra metric 1024 expires 1800")
    later, endless = first._replace(expires=1799), first._replace(expires=0)
    assert list(route_differences((first,), (later,))) == []
    assert len(list(route_differences((first,), (endless,)))) == 2


def test_a_library_that_fails() -> None:
    assert failed("netifaces", "NIC", OSError(24, "Too many open files")) == CrossCheck(
        "netifaces", "NIC", 0, (Difference("unread", reason="Too many open files"),)
    )
    assert failed("pyroute2", "route", KernelError("cannot list")).differences[0].reason == "cannot list"
