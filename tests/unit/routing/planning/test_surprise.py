"""Defaults that changed between the snapshot and the writing of a plan."""

from __future__ import annotations

from errno import EEXIST, EPERM
from typing import Any, List, Optional, Sequence, Tuple

import pytest

from guest_routes.model.operations import Add, Delete, Failure, Operation, Outcome, RestoreDefault
from guest_routes.model.report import Discrepancy, Report
from guest_routes.model.settings import Settings
from guest_routes.routing.decide import decide
from guest_routes.routing.planning.surprise import Surprise, _of_defaults, both, surprise, without_another
from tests.support.situations import THREE_NICS, network, routes, situation, texts

NETWORKS = [network("eth0", "10.65.0.7/24", "default 10.65.0.1"), network("eth1", "11.8.0.9/24", "default 11.8.0.1")]
OURS = "default via 10.65.0.1 dev eth0 proto guest-routes"
ETH1, VPN = "default via 11.8.0.1 dev eth1 proto static", "default via 10.200.0.1 dev tun0 proto static"


def written(before: Sequence[str], after: Sequence[str]) -> Report:
    """A pass that wrote all that it had planned, and the defaults that it found then."""
    evidence = situation(NETWORKS, THREE_NICS + "".join(f"{one}\n" for one in before))
    decision = decide(evidence, Settings())
    found = evidence.kernel._replace(routes=routes("\n".join(after), evidence.kernel))
    return Report(evidence, decision, found, Outcome(decision.plan.operations))


def taken_back(before: Sequence[str], after: Sequence[str]) -> Optional[List[str]]:
    report = written(before, after)
    found = surprise(report, Settings())
    return None if found is None else texts(found.taken_back, report.after)


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ([ETH1], [4]),
        ([], [4]),
        ([ETH1, OURS], []),
        ([ETH1, VPN], []),
        ([ETH1, f"{ETH1} metric 5"], []),
        ([ETH1, f"{ETH1} mtu 1400"], []),
        # What leads nowhere, or not for every packet, or in the other family only, is no other one.
        ([ETH1, "unreachable default metric 9"], [4]),
        ([ETH1, VPN.replace("default", "default tos 0x10")], [4]),
        ([ETH1, "10.0.0.0/8 via 10.65.0.1 dev eth0 proto static"], [4]),
        ([ETH1, "default via fd00:65::1 dev eth0 proto static"], [4]),
    ],
)
def test_the_last_default_is_spared(now: List[str], last: List[int]) -> None:
    state = situation(NETWORKS, THREE_NICS + ETH1 + "\n").kernel
    removals = [Delete(one, "withdrawn") for one in routes(ETH1, state)]
    found = without_another(removals, routes("\n".join(now), state))
    assert [4 if len(one.address) == 4 else 6 for one in found] == last


def test_each_family_has_its_own_last_default() -> None:
    six = "default via fd00:65::1 dev eth0 proto static"
    state = situation(NETWORKS, THREE_NICS).kernel
    removals = [Delete(one, "withdrawn") for one in routes(f"{ETH1}\n{six}", state)]
    found = without_another(removals, routes(f"{ETH1}\n{six}\n{OURS}", state))
    assert [one.address for one in found] == [bytes(16)]


def test_what_came_as_planned() -> None:
    assert taken_back([], [OURS]) is None
    assert taken_back([ETH1], [OURS]) is None
    assert taken_back([OURS], [OURS, VPN]) is None  # Nothing of ours was added.
    assert taken_back([f"{VPN} metric 7"], [f"{VPN} metric 7", f"{OURS} metric 8"]) is None


@pytest.mark.parametrize(
    ("before", "after", "taken"),
    [
        ([], [OURS, f"{VPN} metric 50"], [f"Delete {OURS}"]),
        ([ETH1], [VPN, OURS], []),  # It stands in front, and is to be alone at its metric.
        ([f"{ETH1} metric 100"], [OURS, f"{VPN} metric 50"], [f"Delete {OURS}"]),
        ([f"{ETH1} metric 100"], [OURS, f"{VPN} metric 100"], [f"Delete {OURS}"]),
        ([f"{ETH1} metric 100"], [OURS, f"{VPN} metric 101"], []),  # It chose to stand behind.
    ],
)
def test_another_programs_default_that_came_meanwhile(before: List[str], after: List[str], taken: List[str]) -> None:
    assert taken_back(before, after) == taken


@pytest.mark.parametrize(
    "other",
    [f"{ETH1} metric 50", f"{VPN} metric 50".replace("default", "default tos 0x10"), "unreachable default metric 9"],
)
def test_others_are_no_surprise(other: str) -> None:
    assert taken_back([], [OURS, other]) is None


@pytest.mark.parametrize("nic", [3, 4])
def test_a_default_that_a_pass_has_uncovered(nic: int) -> None:
    """It is judged anew, and is no newcomer: what was behind another NIC's stays behind."""
    report = written([ETH1], [OURS, f"{VPN} metric 0"])
    (shown,) = (one._replace(ifindex=nic, nexthop_id=7) for one in report.after.routes if one.protocol == 4)
    after = report.after._replace(routes=(report.after.routes[0], shown))
    hidden = shown._replace(kind=0, protocol=0, unwritable="hidden")
    before = report.evidence.kernel._replace(routes=(*report.evidence.kernel.routes, hidden))
    report = report._replace(evidence=report.evidence._replace(kernel=before))
    assert surprise(report._replace(after=before), Settings()) is None
    assert surprise(report._replace(after=after), Settings()) == Surprise()


@pytest.mark.parametrize(("after", "judged"), [(["::/0 dev eth1 metric 9"], True), ([], False)])
def test_a_default_on_link_that_a_pass_has_uncovered(after: List[str], judged: bool) -> None:
    """No dump showed it between the two next hops that have gone."""
    six = [network("eth0", "fd00:65::7/64", "default fd00:65::1"), network("eth1", "fd00:8::9/64")]
    hops = "".join(f"default via fd00:8::{n} dev eth1 metric 9\n" for n in (1, 2))
    evidence = situation(six, THREE_NICS + hops)
    decision = decide(evidence, Settings())
    serving = [one.route for one in decision.plan.additions if one.route.destination.is_default]
    now = evidence.kernel._replace(routes=(*serving, *routes("\n".join(after), evidence.kernel)))
    report = Report(evidence, decision, now, Outcome(decision.plan.operations))
    assert surprise(report, Settings()) == (Surprise() if judged else None)


def test_an_addition_that_was_refused() -> None:
    report = written([], [VPN])
    (addition,) = report.plan.additions
    exists = report._replace(outcome=Outcome((), (Failure(addition, EEXIST, "File exists"),)))
    assert surprise(exists, Settings()) == Surprise()
    forbidden = report._replace(outcome=Outcome((), (Failure(addition, EPERM, "Operation not permitted"),)))
    assert surprise(forbidden, Settings()) is None


def test_ours_that_was_replaced_at_once() -> None:
    report = written([], [])
    missing = Discrepancy("missing", report.plan.additions[0].route)
    assert surprise(report._replace(errors=(missing,)), Settings()) == Surprise()
    assert surprise(report._replace(errors=(missing._replace(kind="still-there"),)), Settings()) is None
    host = missing._replace(route=missing.route._replace(destination=missing.route.destination._replace(length=8)))
    assert surprise(report._replace(errors=(host,)), Settings()) is None


def test_two_looks_are_one_report() -> None:
    networks = [*NETWORKS[:1], network("eth1", "11.8.0.9/24", "default 11.8.0.1", "11.11.0.0/16 11.8.0.1")]
    evidence = situation(networks, f"{THREE_NICS}{ETH1}\n")
    decision = decide(evidence, Settings())
    first = Report(evidence, decision, evidence.kernel, Outcome(decision.plan.operations))
    taken = Delete(decision.plan.additions[-1].route, "overtakes")
    first = first._replace(outcome=Outcome((*first.outcome.done, taken)))
    host = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"
    now = situation(networks, f"{THREE_NICS}{VPN}\n{host}\n")
    second = Report(now, decide(now, Settings()), now.kernel)
    second = second._replace(outcome=Outcome(second.plan.operations))
    made = both(first, second)
    assert [one.verdict for one in made.plan.routes] == ["add"]
    assert made.outcome.done == (*first.outcome.done, *second.outcome.done)
    assert texts(made.plan.operations, now.kernel) == [
        f"Add {host}", f"Add {OURS}", f"Add {OURS} metric 1", f"RemoveForeignDefault {ETH1}",
    ]  # fmt: skip


def test_no_operation_is_compared_with_each_of_the_others() -> None:
    """A first pass among a hundred thousand host routes would take hours for that."""

    class Incomparable:
        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        def __hash__(self) -> int:
            raise AssertionError("compared")

    first = written([ETH1], [OURS, VPN])
    additions: Tuple[Any, ...] = Incomparable(), Incomparable()
    first = first._replace(
        decision=first.decision._replace(plan=first.plan._replace(additions=additions)),
        outcome=Outcome((*reversed(additions), *first.plan.removals)),
    )
    made = both(first, written([VPN, OURS], [VPN, OURS]))
    assert [id(one) for one in made.plan.additions[:2]] == [id(one) for one in additions]


def test_which_operations_are_of_default_routes() -> None:
    there = situation([], THREE_NICS).kernel
    default, host = routes("default via 10.65.0.1 dev eth0\n11.11.0.0/16 via 11.8.0.1 dev eth1\n", there)
    done: List[Operation] = [Add(default), Add(host), RestoreDefault(default), RestoreDefault(host), Delete(default)]
    assert _of_defaults(done) == [Add(default), RestoreDefault(default), Delete(default)]
