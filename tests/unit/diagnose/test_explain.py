"""Which route decides about an address."""

from __future__ import annotations

import pytest

from guest_routes.diagnose.explain import address_in, explain
from guest_routes.model.diagnosis.explanation import Explanation
from guest_routes.model.network import Lookup, address_text, parse_address
from guest_routes.model.report import Report
from tests.support.reports import BOTH_DEFAULTS, IN_PLACE, prefix, report, route

MORE_SPECIFIC = "11.11.9.0/24 via 10.65.0.66 dev eth0 proto static"


def explained(asked: str, found: Report, ifindex: int = 3) -> Explanation:
    return explain(prefix(asked), found, Lookup(prefix(asked).address, ifindex, parse_address("11.8.0.1")))


def test_the_host_route_that_covers_it() -> None:
    one = explained("11.11.3.4", report("wrong-subnet", IN_PLACE))
    assert one.planned is not None
    assert (str(one.planned.resolved.host), one.nearer, one.unresolved) == ("11.11.0.0/16,11.8.0.1", None, ())
    assert one.as_wanted
    assert not explained("11.11.3.4", report("wrong-subnet", IN_PLACE), 2).as_wanted


def test_a_wider_prefix_is_not_served_by_it() -> None:
    one = explained("11.0.0.0/8", report("wrong-subnet", IN_PLACE))
    assert (one.planned, one.nearer) == (None, None)
    assert one.route == route("default via 10.65.0.1 dev eth0 proto static")


def test_another_family_is_not_served_by_it() -> None:
    one = explained("fd00::1", report("wrong-subnet", IN_PLACE))
    assert (one.planned, one.route, one.as_wanted) == (None, None, False)


def test_the_longest_of_the_document_s_prefixes() -> None:
    value = {
        "links": [{"id": "a", "type": "phy", "ethernet_mac_address": "fa:16:3e:00:00:02"}],
        "networks": [
            {"id": "n", "type": "ipv4", "link": "a", "ip_address": "11.8.0.9", "netmask": "255.255.255.0", "routes": [
                {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "11.8.0.1"},
                {"network": "12.1.0.0", "netmask": "255.255.0.0", "gateway": "11.8.0.1"},
                {"network": "12.0.0.0", "netmask": "255.0.0.0", "gateway": "11.8.0.1"},
            ]}
        ],
    }  # fmt: skip
    planned = explained("12.1.2.3", report(value, IN_PLACE)).planned
    assert planned is not None
    assert str(planned.route.destination) == "12.1.0.0/16"


def test_a_more_specific_route_of_another_program() -> None:
    found = report("wrong-subnet", f"{IN_PLACE}\n{MORE_SPECIFIC}\n11.11.9.0/24 via 10.65.0.67 dev eth0 metric 9\n")
    assert explained("11.11.9.9", found).nearer == route(MORE_SPECIFIC)
    assert explained("11.11.8.8", found).nearer is None


def test_a_route_of_ours_that_is_about_to_go_does_not_decide() -> None:
    old = "11.11.9.0/24 via 11.8.0.1 dev eth1 proto guest-routes"
    found = report("wrong-subnet", f"{IN_PLACE}\n{old}\n")
    assert [operation.route for operation in found.plan.removals] == [route(old)]
    assert explained("11.11.9.9", found).nearer is None


def test_its_own_subnet() -> None:
    one = explained("10.65.0.9", report("wrong-subnet", BOTH_DEFAULTS))
    assert one.nearer == route("10.65.0.0/24 dev eth0 proto kernel scope link src 10.65.0.7")


def test_host_routes_that_are_not_programmed() -> None:
    found = report("not-a-gateway")
    assert [str(one.host) for one in explained("11.11.3.4", found).unresolved] == ["11.11.0.0/16,11.8.0.99"]
    assert explained("11.12.3.4", found).unresolved == ()


@pytest.mark.parametrize(
    ("asked", "address"),
    [
        ("11.11.3.4", "11.11.3.4"),
        ("0.0.0.0/0", "8.0.0.1"),
        ("::/0", "2000::1"),
        ("10.65.0.0/24", "10.65.0.1"),
        ("10.65.0.7", "10.65.0.7"),
        ("11.11.0.0/16", "11.11.0.1"),
        ("11.0.0.0/8", "11.0.0.1"),
        ("11.11.3.4/31", "11.11.3.5"),
        ("11.10.0.0/15", "11.10.0.1"),
    ],
)
def test_the_address_that_the_kernel_is_asked_about(asked: str, address: str) -> None:
    assert address_text(address_in(prefix(asked), report("wrong-subnet", IN_PLACE).before)) == address
