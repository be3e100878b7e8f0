"""What decisions about many routes take grows with their number, not with its square: steps counted, not timed."""

from __future__ import annotations

from typing import Callable, Dict, List

import pytest

from guest_routes.model.evidence import Evidence, RecordedDefault
from guest_routes.model.network import Lookup, Route, parse_address
from guest_routes.model.operations import Add, Delete, Outcome
from guest_routes.model.report import Report
from guest_routes.model.settings import Settings
from guest_routes.routing.decide import decide
from guest_routes.routing.lookups.answers import contradictions, overruled
from guest_routes.routing.lookups.probes import probes
from guest_routes.routing.planning.restoration import as_before, undoable
from guest_routes.routing.planning.surprise import both
from guest_routes.routing.planning.withdrawal import plan_withdrawal
from tests.support.iproute_text import parse_route
from tests.support.situations import THREE_NICS, network, situation
from tests.support.steps import steps

FEW, MANY = 50, 400
DEFAULT = "default via 10.65.0.1 dev eth0 proto static\n"


def destinations(number: int) -> List[str]:
    return [f"20.{index >> 8}.{index & 255}.0/24" for index in range(number)]


def listed(number: int, kernel: str) -> Evidence:
    """So many host routes through eth1, beside a default and what else the kernel has."""
    second = network("eth1", "11.8.0.9/24", "default 11.8.0.1", *(f"{one} 11.8.0.1" for one in destinations(number)))
    return situation([network("eth0", "10.65.0.7/24", "default 10.65.0.1"), second], THREE_NICS + DEFAULT + kernel)


def through_eth0(number: int, more: str = "") -> str:
    return "".join(f"{one} via 10.65.0.9 dev eth0{more}\n" for one in destinations(number))


def decided(number: int) -> Callable[[], object]:
    """Everything, beside another program's route to each destination."""
    evidence = listed(number, through_eth0(number, " metric 9"))
    return lambda: decide(evidence, Settings())


def answered(number: int) -> Callable[[], object]:
    """What wins while the routes are not there yet: another program's, to each destination."""
    evidence = listed(number, through_eth0(number, " metric 9"))
    plan, there = decide(evidence, Settings()).plan, evidence.kernel
    asked = probes(plan, there, 254, {})
    wrong = contradictions(asked, [Lookup(one.address, 2, parse_address("10.65.0.9"), 254) for one in asked])
    assert len(wrong) > number
    return lambda: overruled(wrong, plan, there, 254, {})


def rolled_back(number: int) -> Callable[[], object]:
    """A pass that has added and deleted so many routes, and did harm."""
    evidence = listed(number, through_eth0(number, " proto guest-routes"))
    before = evidence.kernel
    added = [one._replace(gateway=parse_address("11.8.0.1"), ifindex=3, metric=7) for one in before.routes[1:]]
    done = Outcome((*(Add(one) for one in added), *(Delete(one) for one in before.routes[1:])))
    there = before._replace(routes=(*before.routes[:1], *added))
    assert not as_before(done.done, there, before)
    return lambda: (undoable(done, before, there), as_before(done.done, there, before))


def looked_at_twice(number: int) -> Callable[[], object]:
    """A pass while which another program's default came."""
    evidence = listed(number, "")
    decision = decide(evidence, Settings())
    assert len(decision.plan.additions) >= number
    first = Report(evidence, decision, evidence.kernel, Outcome(decision.plan.operations[::-1]))
    return lambda: both(first, first._replace(outcome=Outcome()))


def withdrawn(number: int) -> Callable[[], object]:
    """So many copies come back, beside as many routes of others."""
    there = situation([], THREE_NICS + DEFAULT + through_eth0(number, " metric 9")).kernel
    copies: Dict[str, Route] = {
        one: parse_route(f"{one} via 10.65.0.9 dev eth0 proto dhcp", there.nics) for one in destinations(number)
    }
    recorded = [RecordedDefault(one, (one,)) for one in copies.values()]
    assert len(plan_withdrawal(there, recorded, Settings()).additions) == number
    return lambda: plan_withdrawal(there, recorded, Settings())


@pytest.mark.parametrize("work", [decided, answered, rolled_back, looked_at_twice, withdrawn])
def test_the_work_is_linear(work: Callable[[int], Callable[[], object]]) -> None:
    """Of eight times as many routes: the square of it would be 64 times as much."""
    few, many = (steps(work(number))[0] for number in (FEW, MANY))
    assert many < 1.5 * MANY / FEW * few, (few, many)
