"""python -m tests.differential.run: new situations on each engine; exit code 1 when a promise wasn't kept.

--situations N, --seconds N             how many, and for how long at most (2,000, and no end)
--seed SEED                             of the first one, in place of a new one; the next one has the next number
--engine rtnetlink | pyroute2 | model   one of them only
--show SEED                             one situation, written out
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from typing import Callable, Iterable, List, NamedTuple, Optional, Tuple

from tests.support import sandbox

from .situation import Situation, make

ENGINES = ("rtnetlink", "pyroute2", "model")


class Found(NamedTuple):
    """What came of a run."""

    situations: int
    passes: int
    """Judged ones, of all engines."""
    violations: List[str]


def search(
    seeds: Iterable[int],
    engines: Tuple[str, ...] = ENGINES,
    until: float = 0.0,
    tell: Callable[[str], None] = lambda line: None,
) -> Found:
    """Judges one situation after another.

    Args:
        until: when to stop, by time.monotonic; 0 for never.
        tell: gets each violation as soon as it is found.
    """
    from .judge import judge
    from .machine import Machine

    machine, found, count, passes = Machine(), [], 0, 0
    for seed in seeds:
        if until and time.monotonic() > until:
            break
        situation = make(seed)
        for engine in engines:
            judged = judge(machine, situation, engine)
            passes += judged.passes
            for one in judged.violations:
                found.append(f"seed {seed}, {engine}: {one}")
                tell(found[-1])
        count += 1
    return Found(count, passes, found)


def written_out(situation: Situation) -> str:
    """For reading."""
    lines = [f"{nic.name} up={nic.up} carrier={nic.carrier} {' '.join(nic.addresses)}" for nic in situation.nics]
    lines += [str(row) for row in situation.rows] + [f"settings {situation.settings}"]
    lines += [f"lease of {name}: {lease}" for name, lease in situation.leases]
    properties = situation.properties or (None,) * len(situation.documents)
    told = zip(situation.documents, situation.accept, ((), *situation.changes), properties)
    for document, accept, changes, guest_routes in told:
        lines += [f"{one.nic}: {one.addresses} {one.mac} {' '.join(map(str, one.defaults))}" for one in changes]
        lines.append(f"document, accept={accept}, guest_routes={guest_routes!r}")
        lines += [json.dumps(link) for link in document["links"]]
        lines += [json.dumps(network) for network in document["networks"]]
    return "\n".join(lines)


def main(arguments: Optional[List[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.differential.run")
    parser.add_argument("--situations", type=int, default=2000)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 30))
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--show", type=int)
    told = parser.parse_args(arguments)
    sandbox.enter()
    engines = (told.engine,) if told.engine else ENGINES
    if told.show is not None:
        print(written_out(make(told.show)))
        told.seed, told.situations = told.show, 1
    started = time.monotonic()
    seeds = range(told.seed, told.seed + told.situations)
    until = started + told.seconds if told.seconds else 0.0
    found = search(seeds, engines, until, tell=lambda line: print(line, flush=True))
    took = time.monotonic() - started
    where = f"{found.situations} situations from seed {told.seed} on {', '.join(engines)}"
    print(f"{where}: {found.passes} passes judged, {len(found.violations)} violations, {took:.0f} s")
    return 1 if found.violations else 0


if __name__ == "__main__":
    sys.exit(main())
