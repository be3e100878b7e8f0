"""What `withdraw` takes for refused, and when the service goes on after it."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Tuple

import pytest

from guest_routes.model.evidence import RecordedDefault
from guest_routes.model.network import Route, Rule, parse_address, parse_prefix
from guest_routes.model.operations import Delete, Outcome, RestoreDefault
from guest_routes.model.plan import NotRestored, Plan
from guest_routes.model.report import Withdrawal
from guest_routes.model.settings import Settings
from guest_routes.model.source_routing import RemoveRule, SourceFailure, SourceRoutingOutcome
from guest_routes.state.store import State
from guest_routes.withdraw import _equals, _nothing_withdrawn, _refused, _unrestored, withdraw
from tests.support.boots import write_boot_id
from tests.support.iproute_text import parse_route
from tests.support.model_kernel import ModelKernel
from tests.support.situations import TWO_NICS, situation

DEFAULT = Route(parse_prefix("0.0.0.0/0"), parse_address("10.65.0.1"), 2, protocol=121)
RULE = Rule(4, 32765, 12102, False, 121)


@pytest.mark.parametrize("outcome, left, by_source, nothing", [
    (Outcome(), (DEFAULT,), None, True),
    (Outcome((Delete(DEFAULT),)), (DEFAULT,), None, False),
    (Outcome(), (), None, False),
    (Outcome(), (), SourceRoutingOutcome(failures=(SourceFailure(RemoveRule(RULE), 1, ""),)), True),
    (Outcome(), (), SourceRoutingOutcome(done=(RemoveRule(RULE),)), False),
    (Outcome(), (DEFAULT,), SourceRoutingOutcome(done=(RemoveRule(RULE),)), False),
])  # fmt: skip
def test_whether_nothing_was_withdrawn(
    outcome: Outcome, left: Tuple[Route, ...], by_source: Optional[SourceRoutingOutcome], nothing: bool
) -> None:
    state = situation([], TWO_NICS).kernel
    done = Withdrawal(Plan((), ()), outcome, state, state, left=left, source_outcome=by_source)
    assert _nothing_withdrawn(done) == nothing


def test_a_recorded_default_that_is_not_back_and_not_named_was_refused() -> None:
    after = situation([], f"{TWO_NICS}default via 11.8.0.1 dev eth1 proto static\n").kernel
    named, back, refused = (
        parse_route(text, after.nics)
        for text in ("default via 11.9.0.1 dev eth1", "default via 11.8.0.1 dev eth1 proto static", "default dev eth0")
    )
    plan = Plan((), (), not_restored=(NotRestored(named, "no-subnet"),))
    recorded = [RecordedDefault(one, (one,)) for one in (named, back, refused)]
    assert _refused(plan, recorded, _equals(recorded, after.routes)) == [refused]


@pytest.mark.parametrize("restored, there, missing", [
    (False, False, True),
    (False, True, False),  # Its program has made it anew.
    (True, False, False),  # No dump shows it: it stands between two next hops.
    (True, True, False),
])  # fmt: skip
def test_a_recorded_default_stays_recorded_until_it_is_back(restored: bool, there: bool, missing: bool) -> None:
    text = "::/0 dev eth0 metric 1024"
    kernel = ModelKernel(situation([], f"{TWO_NICS}{text if there else ''}\n").kernel)
    default = parse_route(text, kernel.nics())
    one = RecordedDefault(default, (default,))
    outcome = Outcome((RestoreDefault(default),) if restored else ())
    assert _unrestored([(Settings(), [one])], [one], outcome, kernel) == ([default] if missing else [])


def test_the_service_stays_away_unless_nothing_could_be_withdrawn(tmp_path: Path) -> None:
    """What it would put back at once is gone by the operator's will."""
    write_boot_id(tmp_path)
    state = State(str(tmp_path / "run"), str(tmp_path / "lib"), root=str(tmp_path))
    default = f"{TWO_NICS}default via 10.65.0.1 dev eth0 proto static\n"
    ours = situation([], f"{default}11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes\n").kernel
    done = withdraw(Settings(), state, ModelKernel(ours))
    assert done.left == () and state.is_withdrawn()
    done = withdraw(Settings(), state, ModelKernel(situation([], TWO_NICS).kernel))
    assert done.outcome.done == () and state.is_withdrawn()
