"""python -m tests.exhaustive.run: every situation of the scope; exit code 1 when one breaks a law that is not known.

--share N/M     only the Nth of M equal parts of the tables (1/4 .. 4/4), to run parts at once or one after another
--fast          tables of up to two routes
--scope NAME    one family and metric only
--seconds S     an end; how far it came is printed
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from typing import Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple

from guest_routes.model.network import MAIN_TABLE
from guest_routes.output.route_text import route_text

from .known import known
from .laws import Judge, Violation
from .scope import SCOPES, Scope, Table, Written, listed, situations

SHOWN = 3
"""So many situations of each law are written out."""


class Found(NamedTuple):
    """What came of a run."""

    situations: int
    known: Dict[str, int]
    """How often each known fault was met."""
    violations: Dict[str, int]
    """How often each law was broken otherwise."""
    complete: bool


def search(
    scopes: Iterable[Scope],
    most: int = 3,
    share: Tuple[int, int] = (1, 1),
    until: float = 0.0,
    tell: Callable[[str], None] = lambda text: None,
) -> Found:
    """Judges every situation, or those of every Mth table from the Nth on.

    Args:
        until: when to stop, by time.monotonic; 0 for never.
        tell: gets the first situations of each law, written out.
    """
    count, faults, broken = 0, Counter[str](), Counter[str]()
    for scope in scopes:
        judge = Judge(scope)
        started, first = time.monotonic(), count
        for table, documents in situations(scope, most, share):
            for written in documents:
                for violation in judge.judge(table, written):
                    reason = known(table.routes, violation.law)
                    if reason:
                        faults[reason] += 1
                        continue
                    broken[violation.law] += 1
                    if broken[violation.law] <= SHOWN:
                        tell(written_out(scope, table, written, violation, judge))
            count += len(documents)
            if until and time.monotonic() > until:
                tell(_told(scope, count - first, started) + ", not all of them")
                return Found(count, dict(faults), dict(broken), False)
        tell(_told(scope, count - first, started))
    return Found(count, dict(faults), dict(broken), True)


def _told(scope: Scope, count: int, started: float) -> str:
    took = time.monotonic() - started
    return f"{scope.name}: {count:,} situations, {took:.0f} s, {count / max(took, 1e-9):,.0f}/s"


def written_out(scope: Scope, table: Table, written: Written, violation: Violation, judge: Judge) -> str:
    """For reading."""
    state = table.kernel.snapshot(MAIN_TABLE)
    there = [route_text(route, state.nics) for route in state.routes if route.protocol != 2]
    plan = judge.decide(written, state).plan
    operations = [f"{type(one).__name__} {route_text(one.route, state.nics)} {getattr(one, 'place', '')}"
                  for one in plan.operations]  # fmt: skip
    return "\n  ".join([f"{violation.law} ({scope.name})", *there, f"document: {written.name}", listed(written),
                        *(f"plan: {one}" for one in operations), f"found: {violation.text[:600]}"])  # fmt: skip


def main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.exhaustive.run")
    parser.add_argument("--share", default="1/1")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--scope", choices=[scope.name for scope in SCOPES])
    parser.add_argument("--seconds", type=float, default=0.0)
    told = parser.parse_args(arguments)
    number, of = map(int, told.share.split("/"))
    scopes = [scope for scope in SCOPES if told.scope in (None, scope.name)]
    started = time.monotonic()
    until = started + told.seconds if told.seconds else 0.0
    found = search(scopes, 2 if told.fast else 3, (number, of), until, lambda text: print(text, flush=True))
    took = time.monotonic() - started
    for reason, times in sorted(found.known.items()):
        print(f"known, {times:,} times: {reason}")
    for law, times in sorted(found.violations.items()):
        print(f"VIOLATED, {times:,} times: {law}")
    end = "" if found.complete else ", not all of them"
    print(f"{found.situations:,} situations{end}, {sum(found.violations.values()):,} violations, {took:.0f} s, "
          f"{found.situations / max(took, 1e-9):,.0f}/s")  # fmt: skip
    return 1 if found.violations else 0


if __name__ == "__main__":
    sys.exit(main())
