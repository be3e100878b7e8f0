"""The gates of `make check` see what they say they see."""

from __future__ import annotations

import pytest
from radon.complexity import cc_visit

from tests.gates.complexity import with_nested

OUTER = "def outer(a, b):\n"


@pytest.mark.parametrize("body, complexity", [
    ("    return a", 1),
    ("    return a and b", 2),
    ("    return [one for one in a if one]", 3),
    ("    def inner():\n        return a\n    return inner", 1),
    ("    def inner():\n        return a and b\n    return inner if a else None", 3),
    ("    def inner():\n        def last():\n            return a or b\n        return last\n    return inner", 2),
])  # fmt: skip
def test_what_counts_as_a_decision(body: str, complexity: int) -> None:
    (outer,) = cc_visit(OUTER + body)
    assert with_nested(outer) == complexity
