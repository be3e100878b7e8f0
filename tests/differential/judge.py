"""What the kernel has after a pass against what the oracle says; each violation names its rule."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Sequence, Set

from guest_routes.model.report import Report
from guest_routes.output.summary import unprogrammed_texts
from tests.support.passes import after_a_pass

from . import oracle
from .machine import LEASED, Machine, Passes
from .oracle import DHCP, OURS, RA, Expected, Given, Hop, Nic, Oracle
from .situation import ANYWHERE, FAMILIES, Row, Situation

AGREEING = 3
"""So many fetches in a row have to bring the same partial document (R6)."""


class Violation(NamedTuple):
    """One promise that wasn't kept."""

    rule: str
    text: str
    nth: int
    """Which pass."""

    def __str__(self) -> str:
        return f"{self.rule}: pass {self.nth}: {self.text}"


class Judged(NamedTuple):
    """What became of a situation."""

    passes: int
    """So many were judged; those behind one that is unsettled are not."""
    violations: List[Violation]


def judge(machine: Machine, situation: Situation, engine: str) -> Judged:
    """Makes the situation, runs its passes, and judges what each has left."""
    machine.prepare(situation)
    passes = Passes(engine, machine, situation)
    try:
        return _judge(machine, passes, situation)
    finally:
        passes.close()


def _judge(machine: Machine, passes: Passes, situation: Situation) -> Judged:
    judged = 0
    found: List[Violation] = []
    known: Set[str] = set()
    accepted: Dict[str, Any] = {}
    removed: List[Row] = []
    disputed: List[Any] = []
    changes = ((), *situation.changes)
    properties = situation.properties or (None,) * len(situation.documents)
    kept_routes = ""
    for nth, (document, accept, changed) in enumerate(zip(situation.documents, situation.accept, changes), 1):
        if changed and passes.model is not None:
            break  # Of NICs that change it knows nothing.
        machine.change(changed)
        others = {one.nic for one in changed if one.mac and one.addresses}  # By neither what they were (R4).
        removed = [row for row in removed if row.dev not in others]
        nics = machine.nics()
        before = passes.rows()
        leases = {name: one for name, one in situation.leases if _holds(name, nics)}
        if not _is_recognised(accepted, nics):
            known, accepted, kept_routes = set(), {}, ""
        guest_routes = properties[nth - 1]
        passes.give(guest_routes, leases)
        given = Given(kept_routes if guest_routes is None else guest_routes, leases)
        oracles = [Oracle(document, nics, before, removed, situation.settings, f, given) for f in FAMILIES]
        expected = {one.family: one.expected(accept) for one in oracles}
        former = Given(kept_routes, leases)
        known_before = [accepted] if accepted else []
        last = [Oracle(d, nics, before, removed, situation.settings, f, former) for d in known_before for f in FAMILIES]
        elected = {one.family: one.elect()[0] for one in last if accepted != document}
        lost = any(one.loses_a_network(expected[one.family], known, elected.get(one.family)) for one in oracles)
        # A lease tells nothing of a network that may be on another NIC.
        untold = any(net.leased and net.unknown for one in oracles for net in one.networks)
        suspect = (oracle.partial(document, nics, known, leases) or lost or untold) and not accept
        brought = (document, _used(leases, document, nics))  # Fetches agree where the leases do, too.
        disputed = disputed if suspect and disputed[-1:] == [brought] else []
        held = suspect and len(disputed) + 1 < AGREEING
        if any(one.unsettled for one in expected.values()):
            break
        judged += 1
        planned = passes.plan(document, accept)
        report = passes.sync(document, accept)
        # They count from the first one that would take something away.
        disputed = [*disputed, brought] if report.decision.disputed else []
        after = passes.rows()
        found += [Violation("R8", text, nth) for text in _foretold_wrongly(planned, report)]
        if report.errors or report.outcome.failures:
            found.append(Violation("R8", f"{report.errors} {report.outcome.failures}", nth))
        for family, one in expected.items():
            texts = _Family(family, one, before, after, situation.settings, held).check()
            found += [Violation(rule, f"IPv{family} {text}", nth) for rule, text in texts]
            lacking = one.documented and not one.elected and "nic" not in situation.settings
            if lacking and report.exit_code not in (4, 5):
                found.append(Violation("R4", f"IPv{family} no default, exit code {report.exit_code}", nth))
            if one.passed_over and not held and report.exit_code not in (4, 5):
                found.append(Violation("R4", f"IPv{family} passed over, exit code {report.exit_code}", nth))
            had = any(r.family == family and r.destination == ANYWHERE[family] for r in before)
            if passes.model is not None and had and passes.model.fewest[family] < 1:
                found.append(Violation("R7", f"IPv{family} no default for a moment", nth))
        if not held or not report.suspicion:  # One that takes nothing away is accepted, and is known from then on.
            known, accepted, kept_routes = oracle.described_macs(document), document, given.guest_routes
        # Of what the next pass forgets the property goes, too: limits.md.
        same_evidence = guest_routes is not None or not kept_routes or _is_recognised(document, nics)
        if not held and same_evidence:
            again = passes.sync(document, accept)
            if again.changes or passes.rows() != after:
                found.append(Violation("R9", f"a second pass writes {again.plan.operations}", nth))
        taken = [r for r in before if r.proto != OURS and r.destination in ANYWHERE.values() and r not in after]
        # R2: the last that were taken count first.
        removed[:0] = sorted(taken, key=lambda row: (row.proto != RA, row.metric))
        if found:
            break
    return Judged(judged, found)


def _is_recognised(accepted: Dict[str, Any], nics: Sequence[Nic]) -> bool:
    """R10: what was accepted is only of use while one of the NICs that it describes is here."""
    return bool(accepted) and not oracle.described_macs(accepted).isdisjoint(nic.mac for nic in nics)


def _used(leases: Dict[str, Any], document: Dict[str, Any], nics: Sequence[Nic]) -> Dict[str, Any]:
    """A lease tells of a network only on the NIC that the document has for it, which may have another MAC now."""
    described = {nic.name for nic in nics if nic.mac in oracle.described_macs(document)}
    return {name: lease for name, lease in leases.items() if name in described}


def _holds(name: str, nics: Sequence[Nic]) -> bool:
    """A lease is used for the NIC that has its address."""
    own = f"{LEASED[name]}/"
    return any(nic.name == name and any(a.startswith(own) for a in nic.addresses) for nic in nics)


def _foretold_wrongly(planned: Report, report: Report) -> List[str]:
    """What `plan` says otherwise than the pass that follows."""
    said = [unprogrammed_texts(one.unprogrammed, one.after.nics) for one in (planned, report)]
    texts = [sorted(after_a_pass(text) for text in one) for one in said]
    found = [f"the plan says {texts[0]}, the pass {texts[1]}"] if texts[0] != texts[1] else []
    if planned.plan.operations != report.plan.operations and not report.errors:
        found.append(f"the plan has {planned.plan.operations}, the pass {report.plan.operations}")
    return found


class _Family:
    """The checks of one family after one pass."""

    def __init__(
        self, family: int, expected: Expected, before: Sequence[Row], after: Sequence[Row],
        settings: Dict[str, Any], held: bool,
    ) -> None:  # fmt: skip
        self.family, self.expected, self.settings, self.held = family, expected, settings, held
        self.before = [row for row in before if row.family == family]
        self.after = [row for row in after if row.family == family]

    def check(self) -> List[Any]:
        return [*self._foreign(), *self._default(), *self._hosts(), *self._ours()]

    def _foreign(self) -> List[Any]:
        """R1, R4: other programs' routes, but for defaults by NICs of the metadata."""
        found = []
        for row in self.before:
            managed = row.destination == ANYWHERE[self.family] and row.dev in self.expected.managed
            if row.proto == OURS or managed or self._is_copy(row):
                continue
            if self.after.count(row) != self.before.count(row):
                found.append(("R1", f"foreign route changed: {row}"))
        alien = [row for row in self.after if row.proto != OURS and row not in self.before]
        if self.settings.get("default_mode") != "demote":
            found += [("R1", f"a foreign route was made: {row}") for row in alien if not self._restorable(row)]
        return found

    def _is_copy(self, row: Row) -> bool:
        """R20: a DHCP client's route of a listed host route, through a NIC that its next hop isn't on."""
        hop = self.expected.hosts.get(row.destination)
        listed = row.via in self.expected.listed.get(row.destination, ())
        made = row.proto == DHCP or (row.dev, row.destination, row.via) in self.expected.leased
        return made and listed and row.dev in self.expected.managed and hop is not None and hop.dev != row.dev

    def _restorable(self, row: Row) -> bool:
        return row.destination == ANYWHERE[self.family] and row.dev in self.expected.managed

    def _default(self) -> List[Any]:
        managed = self.expected.managed
        before = [row for row in self.before if row.destination == ANYWHERE[self.family]]
        after = [row for row in self.after if row.destination == ANYWHERE[self.family]]
        elected = self.expected.elected
        if self.settings.get("default_mode") == "observe":  # Reported only.
            left = [row for row in before if row.proto != OURS and row not in after]
            return [("R4", f"observe, and yet gone: {_texts(left)}")] if left else []
        if self.held and all(row in after for row in before):
            return []
        if elected is None:
            same = sorted(before) == sorted(after)
            return [] if same else [("R4", f"none elected, but defaults changed: {_texts(before)} -> {_texts(after)}")]
        here = [row for row in after if row.dev in managed or row.proto == OURS]
        right = [row for row in here if self._leads(row, elected)]
        wrong = [row for row in here if row not in right]
        label = f"default should be {elected} ({self.expected.why})"
        if not right:
            return [("R4", f"{label}: there is {_texts(here)}; before: {_texts(before)}")]
        if self.settings.get("default_mode", "enforce") == "enforce":
            # R7: those that the kernel can't tell apart in a deletion stay together.
            if wrong or (len({(row.via, row.dev, row.metric) for row in right}) > 1 and self.family == 4):
                return [("R4", f"{label}: there is {_texts(here)}; before: {_texts(before)}")]
            return []
        if self.settings["default_mode"] == "demote" and min(right, key=_metric).metric > min(map(_metric, here)):
            return [("R4", f"{label}, demote: there is {_texts(here)}")]
        return []

    def _leads(self, row: Row, hop: Hop) -> bool:
        router = self.family == 6 and row.via.startswith("fe80")
        return row.dev == hop.dev and (row.via == hop.via or router)

    def _hosts(self) -> List[Any]:
        found = []
        for to, hop in self.expected.hosts.items():
            there = [row for row in self.after if row.destination == to]
            if to in self.expected.open_hosts and not any(self._is(row, hop) for row in there):
                continue
            if not any(self._is(row, hop) for row in there):
                found.append(("R2", f"{to} should leave by {hop}: there is {_texts(there)}"))
                continue
            best = min(there, key=_metric)  # Of equals the first, as the kernel lists them.
            unbeatable = self.family == 6 and best.metric == 1
            if not self._is(best, hop) and not unbeatable:
                found.append(("R5", f"{to} should leave by {hop}: {best} wins"))
        return found

    def _is(self, row: Row, hop: Hop) -> bool:
        return (row.via, row.dev) == (hop.via, hop.dev)

    def _ours(self) -> List[Any]:
        """R6: which of ours are gone, which stay, and that none is there that nobody wants."""
        found = []
        ours = [row for row in self.after if row.proto == OURS and row.destination != ANYWHERE[self.family]]
        for row in ours:
            hop = self.expected.hosts.get(row.destination)
            if hop and self._is(row, hop):
                continue
            if not row.via and row.destination.endswith(("/32", "/128")):
                continue  # R7: a gateway's own route. That no other route covers it is test_reachability.py's.
            kept = (row.destination, row.via) in self.expected.keep or row.destination in self.expected.open_hosts
            if not self.held and not kept:
                found.append(("R6", f"ours should be gone: {row}"))
        for row in self.before:
            stays = (row.destination, row.via) in self.expected.keep or (
                self.held and row.destination not in self.expected.listed
            )
            if row.proto != OURS or row.destination in (*self.expected.hosts, ANYWHERE[self.family]) or not stays:
                continue
            if row not in self.after:
                found.append(("R6", f"ours should stay: {row}"))
        return found


def _metric(row: Row) -> int:
    return row.metric


def _texts(rows: Sequence[Row]) -> str:
    return "; ".join(map(str, rows)) or "nothing"
