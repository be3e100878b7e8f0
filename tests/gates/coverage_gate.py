"""Fails when unit tests alone leave too much of the pure packages unexercised; `make check` runs it.

It reads what `coverage run -m pytest tests/unit` has measured, by the settings in pyproject.toml. Lines and branches
count alike.
"""

from __future__ import annotations

import io
import sys
from typing import Dict, List

import coverage

BOUNDS: Dict[str, float] = {"model": 95, "routing": 95, "output": 95, "renderers": 95}
"""Percent. A bound only goes up."""
RENDERERS = "correct judge export/* parsed/*".split()
"""Modules of managers/ that are pure."""


def files(area: str) -> List[str]:
    """Patterns of the area's files."""
    if area == "renderers":
        return [f"guest_routes/managers/{name}.py" for name in RENDERERS]
    return [f"guest_routes/{area}/*"]


def main() -> int:
    """Prints each area's figure, and what is missing in those below their bound; the exit code."""
    data = coverage.Coverage()
    data.load()
    below = 0
    for area, bound in BOUNDS.items():
        missing = io.StringIO()
        covered = data.report(include=files(area), file=missing)
        print(f"coverage by unit tests: {area:9} {covered:5.1f} % of {bound:g} %")
        if covered < bound:
            below += 1
            print(missing.getvalue())
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
