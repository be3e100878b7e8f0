"""Which engine is opened, and which route a removal names."""

from __future__ import annotations

import sys

import pytest

from guest_routes.errors import KernelError
from guest_routes.kernel.engine import names_no_metrics, route_to_delete, stored_kind
from guest_routes.kernel.open import open_kernel
from guest_routes.kernel.rtnetlink.engine import RtnetlinkKernel
from guest_routes.model.network import Route, parse_address, parse_prefix
from guest_routes.model.operations import Delete, RemoveForeignDefault

DEFAULT_4 = Route(parse_prefix("0.0.0.0/0"), parse_address("10.65.0.1"), 2, protocol=4)
DEFAULT_6 = Route(parse_prefix("::/0"), parse_address("fe80::1"), 2, protocol=9)


def test_a_removal_names_its_route() -> None:
    assert route_to_delete(Delete(DEFAULT_6)) == DEFAULT_6
    assert route_to_delete(RemoveForeignDefault(DEFAULT_4)) == DEFAULT_4


def test_a_foreign_ipv6_default_is_removed_whatever_its_protocol() -> None:
    """The kernel shows a next hop with the protocol of the first one of its multipath route."""
    assert route_to_delete(RemoveForeignDefault(DEFAULT_6)) == DEFAULT_6._replace(protocol=0)


def test_a_route_by_an_object_is_unicast_whatever_the_object_is() -> None:
    blackhole = DEFAULT_4._replace(kind=6, gateway=None, ifindex=0)
    assert [stored_kind(one) for one in (blackhole, blackhole._replace(nexthop_id=7), DEFAULT_4)] == [6, 1, 1]


def test_an_ipv4_route_by_an_object_says_that_it_has_no_metrics() -> None:
    by_object = DEFAULT_4._replace(nexthop_id=7)
    assert names_no_metrics(by_object)
    others = DEFAULT_4, by_object._replace(metrics=((2, 1400),)), DEFAULT_6._replace(nexthop_id=7)
    assert not any(map(names_no_metrics, others))


def test_the_default_engine() -> None:
    kernel = open_kernel("rtnetlink")
    assert isinstance(kernel, RtnetlinkKernel) and kernel.port > 0
    kernel.close()


def test_the_reference_engine() -> None:
    kernel = open_kernel("pyroute2")
    assert type(kernel).__name__ == "Pyroute2Kernel" and kernel.port > 0
    kernel.close()


def test_the_pyroute2_engine_names_the_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyroute2", None)
    for module in ("engine", "decode", "encode"):
        monkeypatch.delitem(sys.modules, f"guest_routes.kernel.pyroute2.{module}", raising=False)
    with pytest.raises(KernelError, match=r"pip install pyroute2.*or leave `engine` at rtnetlink"):
        open_kernel("pyroute2")


def test_a_pyroute2_that_is_too_old_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyroute2.__version__", "0.6.13")
    for module in ("engine", "decode", "encode"):
        monkeypatch.delitem(sys.modules, f"guest_routes.kernel.pyroute2.{module}", raising=False)
    with pytest.raises(KernelError, match=r"pyroute2 0\.6\.13 is too old: 0\.7\.2 or newer is needed; install it"):
        open_kernel("pyroute2")


def test_debians_pyroute2_that_does_not_know_its_version_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyroute2.__version__", "unknown")
    for module in ("engine", "decode", "encode"):
        monkeypatch.delitem(sys.modules, f"guest_routes.kernel.pyroute2.{module}", raising=False)
    open_kernel("pyroute2")
