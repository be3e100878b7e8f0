"""How many examples hypothesis tries: as many as a test asks for, or a tenth in the profile `quick`.

Both are the same ones every time, so that a change is what makes one fail; `--hypothesis-profile=new` looks for others.
"""

from __future__ import annotations

from hypothesis import settings

USUAL = 100
QUICK = 10


def register() -> None:
    """Makes the profiles known, before pytest reads `--hypothesis-profile`."""
    settings.register_profile("new", max_examples=USUAL, deadline=None)
    settings.register_profile("usual", max_examples=USUAL, derandomize=True)
    settings.load_profile("usual")
    settings.register_profile("quick", max_examples=QUICK, deadline=None, derandomize=True)


def examples(number: int) -> int:
    """So many, of `number` outside the profile `quick`."""
    return number * settings().max_examples // USUAL
