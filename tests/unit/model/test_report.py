"""What a report comes to: its exit code, and what of the document is not in the kernel."""

from __future__ import annotations

from typing import Any, List

from guest_routes.diagnose.explain import explain
from guest_routes.model.network import Lookup, parse_address, parse_prefix
from guest_routes.model.operations import Failure, Outcome
from guest_routes.model.report import Discrepancy, Overruled, Report, Withdrawal
from guest_routes.model.settings import Selector, Settings
from guest_routes.routing.decide import decide
from tests.support.situations import TWO_NICS, network, situation

NETWORKS = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
    network("eth1", "11.8.0.9/24", "default 11.8.0.1", "11.11.0.0/16 11.8.0.1"),
]
TABLE = f"{TWO_NICS}default via 10.65.0.1 dev eth0\n11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes\n"


def report(kernel: str = TABLE, networks: List[Any] = NETWORKS, settings: Settings = Settings()) -> Report:  # noqa: B008
    evidence = situation(networks, kernel)
    return Report(evidence, decide(evidence, settings), evidence.kernel)


def test_what_it_is_about() -> None:
    found = report()
    assert (found.document, found.data) == (found.evidence.document, found.evidence.data)
    assert found.before == found.after == found.evidence.kernel
    assert (found.resolution, found.elections) == (found.decision.resolution, found.decision.elections)
    assert (found.plan, found.suspicion) == (found.decision.plan, None)


def test_exit_codes() -> None:
    assert (report().exit_code, report().changes) == (0, 0)
    assert (report(TWO_NICS).exit_code, report(TWO_NICS).changes) == (0, 2)
    unresolved = [*NETWORKS, network("eth1", "11.8.0.9/24", "12.0.0.0/8 11.8.0.99")]
    assert report(networks=unresolved).exit_code == 5
    assert report(networks=[]).exit_code == 4
    failed = report()._replace(errors=(Discrepancy("missing", report().after.routes[0]),))
    assert failed.exit_code == 1
    (addition, *_) = report(TWO_NICS).plan.additions
    refused = report()._replace(outcome=Outcome((), (Failure(addition, 1, "no"),)))
    assert refused.exit_code == 1
    assert report(networks=unresolved)._replace(errors=failed.errors).exit_code == 1


def test_what_is_not_programmed() -> None:
    overruled = Overruled(parse_prefix("11.11.0.0/16"), parse_address("11.11.0.1"), Lookup(b"", 2))
    chosen = report(settings=Settings(default=Selector(nic="eth7")))._replace(overruled=(overruled,))
    election, last = chosen.unprogrammed
    assert election == chosen.elections[0]
    assert last == overruled
    assert chosen.exit_code == 5


def test_a_shadowed_route_is_not_programmed() -> None:
    eth1 = network("eth1", "fd00:8::9/64", "fd11::/16 fd00:65::1")
    six = [network("eth0", "fd00:65::7/64", "default fd00:65::1"), eth1]
    found = report(f"{TWO_NICS}default via fd00:65::1 dev eth0\nfd11::/16 via fd00:8::9 dev eth1 metric 1\n", six)
    (shadowed,) = found.unprogrammed
    assert shadowed == found.plan.routes[0]


def test_withdrawal() -> None:
    state = report().before
    done = Withdrawal(report().plan, Outcome(), state, state)
    assert done.exit_code == 0
    assert done._replace(left=state.routes[:1]).exit_code == 1
    (addition, *_) = report(TWO_NICS).plan.additions
    assert done._replace(outcome=Outcome((), (Failure(addition, 1, "no"),))).exit_code == 1


def explained(asked: str, ifindex: int, gateway: str, kernel: str = TABLE, networks: List[Any] = NETWORKS):  # type: ignore[no-untyped-def]
    prefix = parse_prefix(asked)
    answer = Lookup(prefix.address, ifindex, parse_address(gateway) if gateway else None)
    return explain(prefix, report(kernel, networks), answer)


def test_an_explanation_names_the_route_that_should_serve() -> None:
    host = explained("11.11.3.4", 3, "11.8.0.1")
    assert (str(host.route.destination), host.as_wanted) == ("11.11.0.0/16", True)
    default = explained("8.8.8.8", 2, "10.65.0.1")
    assert (default.route.destination.is_default, default.planned, default.as_wanted) == (True, None, True)
    own = explained("11.8.0.77", 3, "")
    assert (str(own.route.destination), own.as_wanted) == ("11.8.0.0/24", True)
    for wrong in (explained("11.11.3.4", 2, "11.8.0.1"), explained("11.11.3.4", 3, "11.8.0.2")):
        assert not wrong.as_wanted
    nothing = explained("8.8.8.8", 2, "10.65.0.1", TWO_NICS, [network("eth0", "10.65.0.7/24")])
    assert (nothing.route, nothing.default, nothing.as_wanted) == (None, None, False)
    six = explained("fd99::1", 2, "")
    assert six.default is None
