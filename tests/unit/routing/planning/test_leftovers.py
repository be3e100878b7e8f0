"""R6: routes of ours to destinations that no resolved host route has."""

from __future__ import annotations

from typing import Any, List, Tuple

import pytest

from guest_routes.model.settings import Settings
from guest_routes.routing.decide import decide
from tests.support.situations import TWO_NICS, network, situation, texts

ETH0 = network("eth0", "10.65.0.7/24", "default 10.65.0.1")
LISTING = network("eth0", "10.65.0.7/24", "default 10.65.0.1", "11.11.0.0/16 11.8.0.1")
OURS = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"


def decided(networks: List[Any], *ours: str, settings: Settings = Settings()) -> Tuple[List[str], List[str]]:  # noqa: B008
    """The operations but for defaults, and the places of the host routes whose route stays."""
    kernel = "".join(f"{one}\n" for one in (*ours, "default via 10.65.0.1 dev eth0"))
    evidence = situation(networks, TWO_NICS + kernel)
    plan = decide(evidence, settings, accept_withdrawals=True).plan
    return texts(plan.operations, evidence.kernel), [one.unresolved.host.place for one in plan.staying]


@pytest.mark.parametrize(
    "networks",
    [
        [LISTING],  # D5: its network is missing
        [LISTING, network("eth1", "11.8.0.9/24")],  # D4: its gateway is not known any more
        [LISTING, network("eth1", kind="ipv4_dhcp")],
    ],
)
def test_it_stays_where_only_the_evidence_has_gone(networks: List[Any]) -> None:
    assert decided(networks, OURS) == ([], ["networks[0].routes[1]"])


def test_another_next_hop_does_not_keep_it() -> None:
    other = "11.11.0.0/16 via 11.8.0.2 dev eth1 proto guest-routes"
    assert decided([LISTING], other) == ([f"Delete {other}"], [])


def test_it_goes_where_the_document_speaks_against_it() -> None:
    moved = [LISTING, network("eth1", "11.8.0.9/24", "default 11.8.0.254")]
    assert decided(moved, OURS) == ([f"Delete {OURS}"], [])
    assert decided([ETH0], OURS) == ([f"Delete {OURS}"], [])
    ignored = Settings(ignore_nics=("eth1",))
    with_eth1 = [LISTING, network("eth1", "11.8.0.9/24", "default 11.8.0.1")]
    assert decided(with_eth1, OURS, settings=ignored) == ([f"Delete {OURS}"], [])


def test_the_reason_is_the_true_one() -> None:
    def reason(*networks: Any) -> Any:
        evidence = situation(networks, f"{TWO_NICS}{OURS}\ndefault via 10.65.0.1 dev eth0\n")
        (removal,) = decide(evidence, Settings(), accept_withdrawals=True).plan.removals
        return removal.reason

    assert reason(ETH0) == "not-in-document"
    superseded = reason(LISTING, network("eth1", "11.8.0.9/24", "default 11.8.0.254"))
    assert (superseded.kind, superseded.host.place) == ("not-a-gateway", "networks[0].routes[1]")
