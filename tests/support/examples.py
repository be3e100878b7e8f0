"""How many examples hypothesis tries: as many as a test asks for, or a tenth in the profile `quick`."""

from __future__ import annotations

from hypothesis import settings

USUAL = 100
QUICK = 10


def register() -> None:
    """Makes the profile known, before pytest reads `--hypothesis-profile`; the same examples every time."""
    settings.register_profile("quick", max_examples=QUICK, deadline=None, derandomize=True)


def examples(number: int) -> int:
    """So many, of `number` outside the profile `quick`."""
    return number * settings().max_examples // USUAL
