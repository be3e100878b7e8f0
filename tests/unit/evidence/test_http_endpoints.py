"""Which URL is asked through which NIC. Sockets are opened here, and connected nowhere."""

from __future__ import annotations

import socket
from typing import List

import pytest

from guest_routes.evidence.http_endpoints import Endpoint, Pace, device_option, endpoints_for, usable_nics
from guest_routes.model.document import Provenance
from guest_routes.model.network import Nic, parse_prefix

MAC = bytes.fromhex("fa163e000001")
PLAIN, OTHER = Nic(2, "ens3", MAC), Nic(3, "ens4", MAC)
IPV4, IPV6 = "http://169.254.169.254", "http://[fe80::a9fe:a9fe]"


@pytest.mark.parametrize("url, host", [
    ("http://169.254.169.254", "169.254.169.254"), ("http://192.0.2.1:8775/a/b", "192.0.2.1:8775"),
    ("http://[fe80::a9fe:a9fe]/", "[fe80::a9fe:a9fe]"), ("https://user:pass@example.org/", "example.org"),
])  # fmt: skip
def test_the_host_of_an_endpoint(url: str, host: str) -> None:
    assert Endpoint(url).host == host


def test_an_endpoint_as_provenance_and_text() -> None:
    through = Endpoint(IPV4 + "/", "ens3", bound=True)
    assert through.provenance == Provenance("http", IPV4, ("ens3",))
    assert Endpoint(IPV4).provenance == Provenance("http", IPV4)
    assert (str(through), str(Endpoint(IPV4 + "/"))) == (f"{IPV4} through ens3", IPV4)


# ---- NICs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nic", [
    PLAIN._replace(up=False), PLAIN._replace(running=False), PLAIN._replace(master=9), PLAIN._replace(mac=b""),
    PLAIN._replace(mac=bytes(6)),
])  # fmt: skip
def test_nics_that_cannot_be_used(nic: Nic) -> None:
    assert usable_nics([nic, OTHER], ()) == (OTHER,)


def test_ignored_nics_are_not_asked() -> None:
    assert usable_nics([PLAIN, OTHER], ("ens3", "docker*")) == (OTHER,)
    assert usable_nics([PLAIN, OTHER], ("ens*",)) == ()


def test_containers_are_not_asked_where_there_are_plain_nics() -> None:
    vlan = Nic(3, "ens3.7", MAC, kind="vlan", parent=2)
    bond, port = Nic(4, "bond0", MAC, kind="bond"), Nic(5, "ens4", MAC, master=4)
    on_bond = Nic(6, "bond0.9", MAC, kind="vlan", parent=4)
    docker, veth = Nic(7, "docker0", MAC, kind="bridge"), Nic(8, "cali1", MAC, kind="veth", parent=2)
    tun = Nic(9, "tun0")
    assert usable_nics((on_bond, vlan, bond, docker, veth, tun, PLAIN, port), ()) == (on_bond, vlan, bond, PLAIN)
    assert usable_nics((veth, tun), ()) == (veth,)


# ---- endpoints --------------------------------------------------------------------------------------


def test_every_url_through_every_nic() -> None:
    assert endpoints_for([IPV4, IPV6], [PLAIN, OTHER]) == (
        Endpoint(IPV4, "ens3", True), Endpoint(IPV4, "ens4", True), Endpoint(IPV6, "ens3", True),
        Endpoint(IPV6, "ens4", True),
    )  # fmt: skip


def test_unbound_only_a_link_local_url_needs_a_nic() -> None:
    """The routing table can't choose the way to a link-local address."""
    assert endpoints_for([IPV4, IPV4, IPV6], [PLAIN], bind=False) == (Endpoint(IPV4), Endpoint(IPV6, "ens3", True))


def test_the_option_that_binds_to_a_nic() -> None:
    level, option, value = device_option("eth0")
    assert (level, option, value) == (socket.SOL_SOCKET, 25, b"eth0\0")


def test_where_binding_is_not_permitted_the_routing_table_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A link-local URL then needs the NIC's own link-local address to leave from; without one it isn't asked."""
    tried: List[str] = []

    def refused(nic: str) -> bool:
        tried.append(nic)
        return False

    monkeypatch.setattr("guest_routes.evidence.http_endpoints._may_bind", refused)
    with_own = PLAIN._replace(addresses=(parse_prefix("10.65.0.7/24"), parse_prefix("fe80::7/64")))
    assert endpoints_for([IPV4, IPV6], [with_own, OTHER]) == (
        Endpoint(IPV4), Endpoint(IPV6, "ens3", source=("fe80::7", 0, 0, 2)),
    )  # fmt: skip
    assert tried == ["ens3", "ens4", "ens3", "ens4"]


def test_the_next_endpoint_is_asked_a_little_later_or_at_once_after_a_failure() -> None:
    pace = Pace(100.0).asked(100.0)
    assert pace.due == 100.25
    assert pace.failed(100.1).due == 100.1


def test_a_refusal_slows_down_the_whole_race() -> None:
    """Four endpoints within 2 s, then one attempt each 1 to 2 s, then each 2 to 4 s."""
    pace, times = Pace(0.0), []
    for unasked in (3, 2, 1, 0, 0, 0, 0):
        times.append(pace.due)
        pace = pace.asked(pace.due).refused(pace.due, 20.0, unasked, 4, 1.0)
    assert times == [0.0, 0.5, 1.0, 1.5, 3.5, 7.5, 11.5]
    slow, fast = (Pace(0.0).refused(0.0, 20.0, 0, 1, chance).due for chance in (1.0, 0.0))
    assert (slow, fast) == (2.0, 1.0)


def test_after_a_refusal_an_answer_is_waited_for_longer_and_no_other_failure_is_a_reason_to_hurry() -> None:
    refused = Pace(0.0).refused(10.0, 20.0, 1, 4, 1.0)
    assert refused.asked(10.5).due == 13.5
    assert refused.failed(10.2).due == refused.due == 10.5


def test_every_endpoint_is_asked_by_half_of_a_short_deadline() -> None:
    pace = Pace(0.0)
    for unasked in (3, 2, 1):
        pace = pace.refused(pace.due, 0.6, unasked, 4, 1.0)
    assert pace.due < 0.45
    many = Pace(0.0)
    for unasked in range(39, 0, -1):
        many = many.refused(many.due, 10.0, unasked, 40, 1.0)
    assert many.due <= 2.0
