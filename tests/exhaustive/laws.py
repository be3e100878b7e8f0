"""What must hold for a situation: a table, a document, and everything that a pass and its undoing do to the table.

The kernel is the value model; the decisions, the order of writing, the roll-back and the withdrawal are the product's.
"""

from __future__ import annotations

from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

from guest_routes.kernel.apply import apply, roll_back
from guest_routes.model.decision import BY_CHOICE, Elected, Election, Resolution
from guest_routes.model.document import Document, Provenance
from guest_routes.model.evidence import Evidence, RecordedDefault
from guest_routes.model.network import (
    DEFAULT_PREFIX,
    MAIN_TABLE,
    OUR_PROTOCOL,
    UNICAST,
    KernelState,
    Nic,
    Route,
    is_link_local,
    parse_address,
)
from guest_routes.model.network_data import NetworkData
from guest_routes.model.operations import Operation, Outcome
from guest_routes.model.plan import Decision, Plan
from guest_routes.model.report import Report
from guest_routes.output.route_text import route_text
from guest_routes.routing.compare import ifindexes, leads_there
from guest_routes.routing.elect import elect
from guest_routes.routing.lookups.answers import contradictions, overruled
from guest_routes.routing.lookups.probes import probes
from guest_routes.routing.offers import default_offers, present_defaults
from guest_routes.routing.ownership import separated
from guest_routes.routing.planning.leftovers import EVIDENCE_GONE
from guest_routes.routing.planning.plan import plan
from guest_routes.routing.planning.restoration import as_before, recorded_defaults, within_reach
from guest_routes.routing.planning.surprise import surprise
from guest_routes.routing.planning.verify import discrepancies
from guest_routes.routing.planning.withdrawal import plan_withdrawal
from guest_routes.routing.resolve import resolve
from tests.support.model_kernel import ModelKernel

from .scope import DESCRIBED, DESTINATION, Scope, Table, Written, nics

FAR_AWAY = {4: parse_address("8.8.8.8"), 6: parse_address("2620:fe::fe")}
INSIDE = {4: parse_address("11.11.3.4"), 6: parse_address("fd11:11:3::4")}
"""Only a default route covers the first; the second is in the destination of the host route."""
MEMORY = 400_000
"""So many decisions are remembered."""


class Violation(NamedTuple):
    """A law that a situation breaks."""

    law: str
    text: str


class Watched:
    """A kernel that is looked at after each operation."""

    def __init__(self, kernel: ModelKernel, look: Callable[[Operation], None]) -> None:
        self._kernel = kernel
        self._look = look
        self.apply_one = kernel.apply

    def apply(self, operations: Sequence[Operation]) -> Tuple[object, ...]:
        refused: List[object] = []
        for operation in operations:
            refused += self.apply_one([operation])
            self._look(operation)
        return tuple(refused)


class _Made(NamedTuple):
    """What is decided for a table, and by what."""

    number: int
    """Decisions have the same number that a plan, and what is reported, can't tell apart (Judge._number)."""
    resolution: Resolution
    elections: Tuple[Election, ...]


class _Judged(NamedTuple):
    """What came of one table and one kind of decision."""

    violations: Sequence[Violation]
    after: KernelState
    offers: object
    """What the table that the pass left, and the record, say of gateways."""
    recorded: Tuple[Route, ...]
    done: bool
    again: Dict[int, Sequence[Violation]]
    """Of the second pass, by its decision."""


class Judge:
    """Judges situations of one scope; those of one table one after another, since much of them is the same.

    Two documents that come to the same decision beside a table make one situation of it: it is judged once.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.settings = scope.settings
        self.default = DEFAULT_PREFIX[scope.family]
        self.destination = DESTINATION[scope.family]
        self._made: Dict[object, _Made] = {}
        self._numbers: Dict[object, int] = {}
        self._found: List[Violation] = []
        self._nics = nics(scope.family)
        self._empty = Evidence(Document(b"", Provenance("argument", "")), NetworkData(), KernelState((), ()))
        self._table: Table | None = None
        self._before, self._offers = KernelState((), ()), object()
        self._judged: Dict[int, _Judged] = {}

    def judge(self, table: Table, written: Written) -> List[Violation]:
        """The laws that the situation breaks; [] for none."""
        if table is not self._table:
            self._table, self._judged = table, {}
            self._before = self._snapshot(table.kernel)
            self._offers = self._say(self._before, ())
        made = self._make(written, self._before, (), self._offers)
        judged = self._judged.get(made.number)
        if judged is None:
            judged = self._judged[made.number] = self._judge(table, written, made)
        if not judged.done:
            return [*judged.violations]
        second = self._make(written, judged.after, judged.recorded, judged.offers)
        again = judged.again.get(second.number)
        if again is None:
            again = judged.again[second.number] = self._second(second, judged.after)
        return [*judged.violations, *again]

    def _judge(self, table: Table, written: Written, made: _Made) -> _Judged:
        self._found = []
        kernel, before = table.kernel.copy(), self._before
        decision = self._decision(made, before, written)
        recorded: List[RecordedDefault] = []
        wanted = any(one.route.destination == self.destination for one in decision.plan.routes)
        watched = Watched(kernel, self._looking(kernel, "sync", wanted))
        outcome = apply(decision.plan, watched, lambda routes: recorded.extend(  # type: ignore[arg-type]
            recorded_defaults(routes, before, DESCRIBED)
        ))  # fmt: skip
        after = self._snapshot(kernel) if outcome.done else before
        self._ends(kernel, decision, outcome, before, after, written)
        if outcome.done:
            self._roll_back(kernel.copy(), outcome, before, table.kernel)
        self._withdraw(kernel, before, after, recorded, table.kernel)
        taken = tuple(one.route for one in recorded)
        return _Judged(self._found, after, self._say(after, taken), taken, bool(outcome.done), {})

    def _snapshot(self, kernel: ModelKernel) -> KernelState:
        """As a pass sees the table."""
        return separated(kernel.snapshot(MAIN_TABLE), self.settings)

    def _second(self, made: _Made, after: KernelState) -> List[Violation]:
        """What a second pass would write, which is nothing."""
        self._found = []
        operations = plan(made.resolution, made.elections, after, self.settings, True, None).operations
        if operations:
            self._note("R9 a second pass writes nothing", operations[0])
        return self._found

    def decide(self, written: Written, state: KernelState) -> Decision:
        """As `routing.decide` does for a first pass, each step remembered by what it goes by."""
        return self._decision(self._make(written, state, (), self._say(state, ())), state, written)

    def _decision(self, made: _Made, state: KernelState, written: Written) -> Decision:
        planned = plan(made.resolution, made.elections, state, self.settings, True, None)
        return Decision(made.resolution, made.elections, planned, written.evidence.problems)

    def _say(self, state: KernelState, recorded: Tuple[Route, ...]) -> object:
        """What default routes say of gateways (R2): of the kernel nothing else counts for the first two steps."""
        evidence = self._empty._replace(kernel=state, recorded_defaults=recorded)
        return tuple(dict.fromkeys(default_offers(evidence, present_defaults(evidence, self.settings))))

    def _make(self, written: Written, state: KernelState, recorded: Tuple[Route, ...], offers: object) -> _Made:
        key: object = written.name if written.by_itself else (written.name, offers)
        known = self._made.get(key)
        if known is None:
            if len(self._made) > MEMORY:
                self._made.clear()
            evidence = written.evidence._replace(kernel=state, recorded_defaults=recorded)
            resolution = resolve(evidence, self.settings)
            elections = tuple(elect(resolution, self.settings, family) for family in (4, 6))
            known = self._made[key] = _Made(self._number(resolution, elections), resolution, elections)
        return known

    def _number(self, resolution: Resolution, elections: Tuple[Election, ...]) -> int:
        """One for all decisions that a plan can't tell apart, and of which a report says as much.

        Not in it: where things are written, by which evidence, and what else comes to nothing.
        """
        resolved = tuple(
            (one.host.destination, one.next_hop.nic.ifindex, one.next_hop.gateway, one.next_hop.onlink)
            for one in resolution.resolved
        )
        unresolved = frozenset((one.host[:2], one.kind) for one in resolution.unresolved if one.kind in EVIDENCE_GONE)
        reported = any(one.kind not in BY_CHOICE for one in resolution.unresolved)
        elected = tuple(
            (one.nic.ifindex, one.gateway, one.onlink) if isinstance(one, Elected) else (one.kind, one.wanted)
            for one in elections
        )
        return self._numbers.setdefault((resolved, unresolved, reported, elected), len(self._numbers))

    def _note(self, law: str, what: object) -> None:
        self._found.append(Violation(law, _text(what, self._nics)))

    # -- at each step --------------------------------------------------------------------------------

    def _looking(
        self, kernel: ModelKernel, phase: str, wanted: bool, start: ModelKernel | None = None
    ) -> Callable[[Operation], None]:
        """R7: no instant without a working default, or without a way to a wanted destination; R4: an outside winner.

        Args:
            start: the table that the situation began with, where what is undone has begun with it.
        """
        had_default = all(any(map(_works, one.routes_to(self.default))) for one in (kernel, start or kernel))
        had_way = wanted and any(map(_works, kernel.routes_to(self.destination)))
        first, last = (next(filter(_works, one.routes_to(self.default)), None) for one in (kernel, start or kernel))
        outside = first if first is not None and first == last and _is_outside(first) else None

        def look(operation: Operation) -> None:
            defaults = kernel.routes_to(self.default)
            if had_default and not any(map(_works, defaults)):
                self._note(f"R7 {phase}: a default at every instant", operation)
            if had_way and not any(map(_works, kernel.routes_to(self.destination))):
                self._note(f"R7 {phase}: a way to the destination at every instant", operation)
            if outside is not None and next(filter(_works, defaults), None) != outside:
                self._note(f"R4 {phase}: an outside default that wins goes on winning", operation)

        return look

    # -- in the end ----------------------------------------------------------------------------------

    def _ends(
        self,
        kernel: ModelKernel,
        decision: Decision,
        outcome: Outcome,
        before: KernelState,
        after: KernelState,
        written: Written,
    ) -> None:
        made = decision.plan
        if outcome.failures:
            self._note("R8 the kernel refuses nothing", outcome.failures[0])
        wrong = discrepancies(made, outcome, after)
        if wrong:
            self._note("R8 the table is as planned", wrong[0])
        report = _Reported(self, kernel, decision, outcome, before, after, written)
        self._foreign_routes(made, before, after)
        self._one_default(decision, before, after, report)
        self._host_routes(kernel, made, after, report)
        self._winner(kernel, decision, before, report)

    def _foreign_routes(self, made: Plan, before: KernelState, after: KernelState) -> None:
        """R1, R4: other programs' routes are untouched, but for defaults through described NICs, and copies (R20)."""
        copies = [one.route for one in made.copies]
        kept = [r for r in before.routes if _is_foreign(r) and not _may_go(r) and r not in copies]
        now = [r for r in after.routes if _is_foreign(r) and not _may_go(r) and r not in _left(made)]
        if _shown(now) != _shown(kept):
            self._note("R1 other programs' routes are kept", [r for r in kept if r not in after.routes])

    def _one_default(self, decision: Decision, before: KernelState, after: KernelState, report: _Reported) -> None:
        election = decision.elections[self.scope.family == 6]
        there = [route for route in after.routes if route.destination == self.default]
        if not isinstance(election, Elected):
            if there != [route for route in before.routes if route.destination == self.default]:
                self._note("R4 defaults stay where none is elected", there)
            if election.wanted and not report.unprogrammed:
                self._note("R4 no default is reported", election)
            return
        wanted = Route(self.default, election.gateway, election.nic.ifindex)
        inside = [r for r in there if not _is_outside(r) and _works(r)]
        elected = [r for r in inside if leads_there(r, wanted)]
        static = [r for r in inside if not (is_link_local(r.gateway) or _is_before_no_next_hop(r, there))]
        if elected == inside and inside and len(static) <= 1:
            return
        if not report.unprogrammed:
            self._note("R4 one default, or the report says why not", inside)

    def _host_routes(self, kernel: ModelKernel, made: Plan, after: KernelState, report: _Reported) -> None:
        answer = kernel.lookup([INSIDE[self.scope.family]])[0]
        for one in made.routes:
            if one.resolved.host.destination.is_default:
                continue
            hop = one.resolved.next_hop
            right = (answer.ifindex, answer.gateway) == (hop.nic.ifindex, hop.gateway)
            if not right and not report.unprogrammed:
                self._note("R2 a host route leads as decided, or is reported", one)
            if one.verdict != "shadowed" and not right:
                self._note("R5 what is not shadowed leads as decided", one)
        known = {one.route for one in made.routes} | {one.route for one in made.staying}
        stale = [
            r for r in after.routes
            if r.destination == self.destination and r.protocol == OUR_PROTOCOL
            and not any((r.gateway, r.ifindex) == (k.gateway, k.ifindex) for k in known)
        ]  # fmt: skip
        if stale:
            self._note("R6 ours go that are wanted no more", stale)

    def _winner(self, kernel: ModelKernel, decision: Decision, before: KernelState, report: _Reported) -> None:
        """R8: what is elected is what packets take, or the report says what wins; nobody outside comes forward."""
        election = decision.elections[self.scope.family == 6]
        if not isinstance(election, Elected):
            return
        answer = kernel.lookup([FAR_AWAY[self.scope.family]])[0]
        wanted = Route(self.default, answer.gateway, answer.ifindex)
        right = leads_there(wanted, Route(self.default, election.gateway, election.nic.ifindex))
        if not right and not report.unprogrammed:
            self._note("R8 the elected default is what packets take, or is reported", answer)
        ordered = sorted((r for r in before.routes if r.destination == self.default and _works(r)), key=_metric)
        if not ordered or answer.ifindex in (0, *DESCRIBED):
            return
        first = [r for r in ordered if self.scope.family == 6 and r.metric == ordered[0].metric] or ordered[:1]
        if all(ifindexes(route) <= DESCRIBED for route in first):
            self._note("R8 no outside default comes to the front", answer)

    # -- undone --------------------------------------------------------------------------------------

    def _roll_back(self, kernel: ModelKernel, outcome: Outcome, before: KernelState, start: ModelKernel) -> None:
        watched = Watched(kernel, self._looking(kernel, "roll-back", False, start))

        def restorations(done: Sequence[Operation]) -> Sequence[Operation]:
            there = self._snapshot(kernel)
            return within_reach(as_before(done, there, before), there, self.settings)

        refused = roll_back(outcome, watched, restorations)  # type: ignore[arg-type]
        if refused:
            self._note("R8 a roll-back is not refused", refused[0])
        if _shown(self._snapshot(kernel).routes) != _shown(before.routes):
            self._note("R8 a roll-back gives the table back", _difference(before, self._snapshot(kernel)))

    def _withdraw(
        self,
        kernel: ModelKernel,
        before: KernelState,
        after: KernelState,
        recorded: Sequence[RecordedDefault],
        start: ModelKernel,
    ) -> None:
        made = plan_withdrawal(after, recorded, self.settings)
        watched = Watched(kernel, self._looking(kernel, "withdraw", False, start))
        outcome = apply(made, watched, lambda routes: None)  # type: ignore[arg-type]
        if outcome.failures:
            self._note("R4 a withdrawal is not refused", outcome.failures[0])
        now = self._snapshot(kernel)
        heirs = [one.route for one in made.additions if getattr(one, "reason", "") == "handed-over"]
        named = [one.route for one in made.not_restored]
        foreign = [route for route in before.routes if _is_foreign(route) and route not in named]
        if heirs and any(map(_works, (r for r in foreign if r.destination == self.default))):
            self._note("R4 nothing is handed over beside another default", heirs)
        left = [route for route in now.routes if route not in heirs]
        if _shown(left) != _shown(foreign):
            self._note("R4 withdraw gives the table back", _difference(before, now))


class _Reported:
    """What the report of a pass names as not programmed, asked for only where something is not as it should be."""

    def __init__(
        self,
        judge: Judge,
        kernel: ModelKernel,
        decision: Decision,
        outcome: Outcome,
        before: KernelState,
        after: KernelState,
        written: Written,
    ) -> None:
        self._judge = judge
        self._made = kernel, decision, outcome, before, after, written
        self._known: Tuple[object, ...] | None = None

    @property
    def unprogrammed(self) -> Tuple[object, ...]:
        if self._known is None:
            kernel, decision, outcome, before, after, written = self._made
            report = Report(written.evidence._replace(kernel=before), decision, after, outcome)
            if surprise(report, self._judge.settings) is not None:  # What no dump showed: the pass looks again.
                decision = self._judge.decide(written, after)
                report = Report(written.evidence._replace(kernel=after), decision, after)
            asked = probes(decision.plan, after, MAIN_TABLE, {})
            wrong = contradictions(asked, kernel.lookup([probe.address for probe in asked]))
            report = report._replace(overruled=overruled(wrong, decision.plan, after, MAIN_TABLE, {}))
            self._known = report.unprogrammed
        return self._known


def _text(what: object, known: Sequence[Nic]) -> str:
    """Routes and operations as `ip route` shows them; anything else as it is."""
    if isinstance(what, Route):
        return route_text(what, known)
    if isinstance(what, list):
        return "; ".join(_text(one, known) for one in what)
    route = getattr(what, "route", getattr(getattr(what, "operation", None), "route", None))
    return str(what) if route is None else f"{type(what).__name__} {route_text(route, known)}"


# ---- what the laws speak of -------------------------------------------------------------------------


def _works(route: Route) -> bool:
    """Whether packets get somewhere by it; an encapsulated one has kind 0."""
    return (route.kind == UNICAST or bool(route.unwritable)) and not route.tos


def _is_foreign(route: Route) -> bool:
    return route.protocol != OUR_PROTOCOL


def _is_outside(route: Route) -> bool:
    """Another program's, through no NIC of the metadata."""
    return _is_foreign(route) and not ifindexes(route) & DESCRIBED


def _is_before_no_next_hop(route: Route, there: Sequence[Route]) -> bool:
    """Whether an IPv6 route could not come back before another one of its metric (R17)."""
    behind = there[there.index(route) + 1 :] if route.family == 6 else ()
    return any(one.metric == route.metric and one.gateway is None for one in behind)


def _may_go(route: Route) -> bool:
    return route.destination.is_default and not _is_outside(route)


def _left(made: Plan) -> List[Route]:
    """The next hops outside the metadata of a multipath default that goes."""
    return [one.route for one in made.additions if getattr(one, "reason", "") == "nexthops-outside"]


def _metric(route: Route) -> int:
    return route.metric


def _shown(routes: Sequence[Route]) -> List[Route]:
    """In order; IPv6 shows the next hops of one route with the first one's protocol, whichever that is."""
    return [route if route.family == 4 else route._replace(protocol=0, weight=1) for route in routes]


def _difference(before: KernelState, now: KernelState) -> List[object]:
    lost = [route for route in before.routes if route not in now.routes]
    more = [route for route in now.routes if route not in before.routes]
    return ["lost", *lost, "more", *more] if lost or more else ["the order", *now.routes]
