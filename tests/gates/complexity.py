"""Fails when a function of the package decides too much; `make check` runs it.

The measure is radon's cyclomatic complexity: one for each branch, loop, boolean operator, comprehension and filter of
one. Ruff's C90 counts neither boolean operators nor filters, where decisions hide best. Radon leaves functions within a
function out of both: here what they decide counts with the one that they stand in.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator, List, NamedTuple, Union

from radon.complexity import cc_visit
from radon.visitors import Class, Function

PACKAGE = Path(__file__).parents[2] / "guest_routes"
BOUND = 15
STRICTER = {"model": 12, "routing": 12}
"""Packages whose decisions are the product. A bound only goes down."""
WORST = 5
"""So many are printed when none is above its bound."""


class Measured(NamedTuple):
    """One function or method."""

    complexity: int
    bound: int
    place: str


def measured(path: Path) -> Iterator[Measured]:
    """Every function and method of a module."""
    bound = STRICTER.get(path.relative_to(PACKAGE).parts[0], BOUND)
    blocks: List[Union[Function, Class]] = cc_visit(path.read_text())
    for block in blocks:
        if isinstance(block, Function):
            place = f"{path.relative_to(PACKAGE.parent)}:{block.lineno} {block.fullname}"
            yield Measured(with_nested(block), bound, place)


def with_nested(function: Function) -> int:
    """The complexity of a function and of those within it; one that decides nothing adds nothing."""
    complexity: int = function.complexity
    return complexity + sum(with_nested(inner) - 1 for inner in function.closures)


def main() -> int:
    """Prints what is above its bound, or the worst; the exit code."""
    found = sorted((one for path in PACKAGE.rglob("*.py") for one in measured(path)), reverse=True)
    above = [one for one in found if one.complexity > one.bound]
    for one in above or found[:WORST]:
        print(f"{one.complexity:4} of {one.bound}  {one.place}")
    print(f"complexity: {len(above)} of {len(found)} functions above their bound")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
