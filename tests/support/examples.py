"""How many examples hypothesis tries: as many as a test asks for, or a tenth in the profile `quick`.

Both are the same ones every time, so that a change is what makes one fail; `--hypothesis-profile=new` looks for others.
How long one takes is no fault of the program: the machine may have other work.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

USUAL = 100
QUICK = 10


def register() -> None:
    """Makes the profiles known, before pytest reads `--hypothesis-profile`."""
    patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("new", patient, max_examples=USUAL)
    settings.register_profile("usual", patient, max_examples=USUAL, derandomize=True)
    settings.load_profile("usual")
    settings.register_profile("quick", patient, max_examples=QUICK, derandomize=True)


def examples(number: int) -> int:
    """So many, of `number` outside the profile `quick`; a text whose time must be linear is as much shorter there."""
    return number * settings().max_examples // USUAL
