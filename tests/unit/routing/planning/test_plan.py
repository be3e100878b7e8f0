"""R5-R7, R9: what turns the kernel's routes into the desired ones."""

from __future__ import annotations

from typing import List, Optional, Tuple

import pytest

from guest_routes.model.plan import Decision
from guest_routes.model.settings import Selector, Settings
from guest_routes.routing.decide import decide
from tests.support.situations import THREE_NICS, network, situation, texts

NETWORKS = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
    network("eth1", "11.8.0.9/24", "default 11.8.0.1", "11.11.0.0/16 11.8.0.1"),
]
DEFAULT = "default via 10.65.0.1 dev eth0 proto static\n"
OURS = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"


def decided(kernel: str, settings: Optional[Settings] = None) -> Tuple[Decision, List[str]]:
    """The decision with the elected default in place, and its operations."""
    evidence = situation(NETWORKS, THREE_NICS + DEFAULT + kernel)
    decision = decide(evidence, settings or Settings())
    return decision, texts(decision.plan.operations, evidence.kernel)


def test_additions_come_before_removals() -> None:
    kernel = (
        "20.0.0.0/8 via 11.8.0.1 dev eth1 proto guest-routes\ndefault via 11.8.0.1 dev eth1 proto static metric 5\n"
    )
    _, operations = decided(kernel)
    assert [one.split()[0] for one in operations] == ["Add", "Delete", "RemoveForeignDefault"]


def test_a_family_without_defaults_is_not_told_of() -> None:
    decision, _ = decided("")
    assert [default.family for default in decision.plan.defaults] == [4]
    # But for one that the settings ask for and that can't be had, and one that stays though none is elected.
    chosen = Settings(default=Selector(nic="eth7"))
    assert [(one.family, one.verdict) for one in decided("", chosen)[0].plan.defaults] == [(4, "left")]
    foreign, _ = decided("default via fd00:200::1 dev tun0\n")
    assert [(one.family, one.verdict) for one in foreign.plan.defaults] == [(4, "adopted"), (6, "left")]


@pytest.mark.parametrize("stale, reason", [
    ("default via 10.65.0.1 dev eth0 proto guest-routes metric 5\n", "equal-serves"),
    ("default via 11.8.0.1 dev eth1 proto guest-routes metric 5\n", "not-elected"),
])  # fmt: skip
def test_why_a_default_of_ours_goes_where_another_program_s_serves(stale: str, reason: str) -> None:
    decision, operations = decided(stale + f"{OURS}\n")
    assert operations == [f"Delete {stale.strip()}"]
    assert [operation.reason for operation in decision.plan.removals] == [reason]
