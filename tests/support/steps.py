"""Steps of Python, counted: what grows with the square of its input shows without a clock."""

from __future__ import annotations

import sys
from typing import Any, Callable, Tuple, TypeVar

Result = TypeVar("Result")


def steps(work: Callable[[], Result]) -> Tuple[int, Result]:
    """How many lines and calls of Python it takes, the same each time; and what it gives."""
    count, before = 0, sys.gettrace()

    def counted(frame: object, event: str, argument: object) -> Any:
        nonlocal count
        count += 1
        return counted

    sys.settrace(counted)
    try:
        made = work()
    finally:
        sys.settrace(before)
    return count, made
