"""Routes in files, and what becomes of them."""

from __future__ import annotations

from guest_routes.model.configuration import ConfiguredRoute, CorrectedFile, Correction, RewriteError, Rewritten
from guest_routes.model.network import Nic, parse_address, parse_prefix


def route(destination: str, gateway: str) -> ConfiguredRoute:
    return ConfiguredRoute(Nic(2, "eth0"), parse_prefix(destination), parse_address(gateway), "/f", (1,))


def test_a_route_as_it_is_called() -> None:
    assert str(route("11.11.0.0/16", "11.8.0.1")) == "11.11.0.0/16 via 11.8.0.1 dev eth0"
    assert str(route("::/0", "fe80::1")) == "default via fe80::1 dev eth0"
    assert (route("0.0.0.0/0", "10.65.0.1").family, route("::/0", "fe80::1").family) == (4, 6)


def test_what_is_written_is_what_changed() -> None:
    same, changed = CorrectedFile("/a", "netplan", "x", "x"), CorrectedFile("/b", "netplan", "x", "y")
    found = Correction((same, changed), ())
    assert found.changed == (changed,)
    assert Rewritten(found, True).exit_code == 0
    assert Rewritten(found, False).exit_code == 3
    assert Rewritten(Correction((same,), ()), False).exit_code == 0
    assert Rewritten(found, False, (RewriteError("failed"),)).exit_code == 1
