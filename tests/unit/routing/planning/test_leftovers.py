"""R6: routes of ours to destinations that no resolved host route has."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import pytest

from guest_routes.model.network import parse_address, parse_prefix
from guest_routes.model.network_data import Problem
from guest_routes.model.settings import Settings
from guest_routes.routing.decide import decide
from tests.support.situations import TWO_NICS, network, situation, texts, wanted

ETH0 = network("eth0", "10.65.0.7/24", "default 10.65.0.1")
LISTING = network("eth0", "10.65.0.7/24", "default 10.65.0.1", "11.11.0.0/16 11.8.0.1")
OURS = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"


def decided(networks: List[Any], *ours: str, settings: Settings = Settings()) -> Tuple[List[str], List[str]]:  # noqa: B008
    """The operations but for defaults, and the places of the host routes whose route stays."""
    kernel = "".join(f"{one}\n" for one in (*ours, "default via 10.65.0.1 dev eth0"))
    evidence = situation(networks, TWO_NICS + kernel)
    plan = decide(evidence, settings, accept_withdrawals=True).plan
    return texts(plan.operations, evidence.kernel), [place(one.reason) for one in plan.staying]


def place(reason: Any) -> str:
    """Where it stands why a route stays."""
    return str(reason.place if isinstance(reason, Problem) else reason.host.place)


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


BROKEN: Dict[str, Dict[str, Any]] = {
    "network": {"network": "11.11", "netmask": "16", "gateway": "11.8.0.1"},
    "netmask": {"network": "11.11.0.0", "netmask": "1b", "gateway": "11.8.0.1"},
    "gateway": {"network": "11.11.0.0", "netmask": "16", "gateway": "11.8.0"},
    "nothing": {},
    "another destination": {"network": "11.12.0.0", "netmask": "16", "gateway": "11.8.0"},
    "another next hop": {"network": "11.11", "netmask": "16", "gateway": "11.8.0.2"},
    "a netmask of a default": {"network": "11.11.0.0", "netmask": "0", "gateway": "11.8.0.1"},
    "a default": {"network": "0.0.0.0", "netmask": "0", "gateway": "::1"},
}


@pytest.mark.parametrize("entry", BROKEN)
@pytest.mark.parametrize("accepted", [False, True])
def test_an_entry_that_is_refused_keeps_what_it_may_list(entry: str, accepted: bool) -> None:
    damaged = network("eth1", "11.8.0.9/24", "default 11.8.0.1")
    damaged["routes"].append(BROKEN[entry])
    evidence = situation([ETH0, damaged], f"{TWO_NICS}{OURS}\ndefault via 10.65.0.1 dev eth0\n")
    evidence = evidence._replace(problems=evidence.data.problems)
    plan = decide(evidence, Settings(), accepted).plan
    keeps = not (accepted or entry.startswith("another ") or entry == "a default")
    assert bool(plan.staying) == keeps
    assert texts(plan.operations, evidence.kernel) == ([] if keeps else [f"Delete {OURS}"])
    assert all(place(one.reason).startswith("networks[1].routes[1]") for one in plan.staying)


def test_what_is_to_be_ignored_goes_whatever_cannot_be_read() -> None:
    evidence = situation([LISTING], f"{TWO_NICS}{OURS}\ndefault via 10.65.0.1 dev eth0\n")
    evidence = evidence._replace(problems=(Problem("the document", "more", True),))
    settings = Settings(ignore_destinations=(parse_prefix("11.11.0.0/16"),))
    assert texts(decide(evidence, settings).plan.operations, evidence.kernel) == [f"Delete {OURS}"]


@pytest.mark.parametrize("routes", [(), ("11.11.0.0/16,11.8.0.7",), ("11.11.0.0/16,10.65.0.9",)])
@pytest.mark.parametrize("damage", [None, Problem("the document", "more", True)])
def test_what_the_settings_name_no_more_goes_also_where_the_document_may_be_partial(
    routes: Tuple[str, ...], damage: Optional[Problem]
) -> None:
    """And whatever can't be read: the settings are read whole, or not at all."""
    omitted = [network("eth0", kind="ipv4_dhcp"), network("eth1", kind="ipv4_dhcp")]
    evidence = situation(omitted, f"{TWO_NICS}{OURS}\ndefault via 10.65.0.1 dev eth0\ndefault via 11.8.0.1 dev eth1\n")
    evidence = evidence._replace(problems=(damage,) if damage else ())
    named = evidence._replace(settings_routes=frozenset([parse_prefix("11.11.0.0/16")]))
    held, decision = decide(evidence, Settings()), decide(named, Settings(routes=wanted(*routes)))
    assert held.suspicion is not None and not held.plan.removals[1:]
    gone = [text for text in texts(decision.plan.operations, evidence.kernel) if "11.11" in text]
    assert gone == ([] if routes else [f"Delete {OURS}"])
    assert (decision.suspicion is None) == (not routes)


def test_a_route_by_another_next_hop_is_not_the_damaged_entry_s() -> None:
    entry = Problem("meta.guest_routes[0] of meta_data.json", "odd", True, None, parse_address("11.8.0.2"))
    evidence = situation([ETH0], f"{TWO_NICS}{OURS}\ndefault via 10.65.0.1 dev eth0\n")._replace(problems=(entry,))
    assert texts(decide(evidence, Settings(), True).plan.operations, evidence.kernel) == [f"Delete {OURS}"]
    assert not decide(evidence, Settings()).plan.staying
