"""Removes our routes and restores recorded defaults (R4, R7), as routing/planning/withdrawal.py plans it."""

from __future__ import annotations

from .errors import KernelError, StateError
from .kernel.apply import apply
from .model.report import Withdrawal
from .routing.ownership import is_ours
from .routing.planning.withdrawal import plan_withdrawal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from .kernel.engine import Kernel
    from .model.settings import Settings
    from .state.store import State


def withdraw(settings: Settings, state: State, kernel: Kernel) -> Withdrawal:
    """Withdraws everything of ours from the table; the recorded defaults are forgotten once they are back.

    What can't be written never keeps it from doing so (R18).

    Raises:
        GuestRoutesError: no lock, or the kernel refused a dump.
    """
    errors: list[str] = []
    with state.lock() as unlocked:
        before = kernel.snapshot(settings.table)
        made = plan_withdrawal(before, state.recorded_defaults(before.nics), settings)
        was_withdrawn = state.is_withdrawn()
        _attempt(state.set_withdrawn, errors)  # Before the routes go: the service would put them back.
        try:
            outcome = apply(made, kernel, lambda routes: None)
        except KernelError:
            if not was_withdrawn:
                _attempt(state.clear_withdrawn, errors)  # What is missing comes back by the next pass.
            raise
        after = kernel.snapshot(settings.table)
        left = tuple(route for route in after.routes if is_ours(route, settings))
        if not outcome.failures and not left:
            _attempt(state.forget_defaults, errors)
        elif not outcome.done and not was_withdrawn:
            _attempt(state.clear_withdrawn, errors)  # Nothing was withdrawn: the service goes on.
    return Withdrawal(made, outcome, before, after, left, (*filter(None, [unlocked]), *errors))


def _attempt(change: Callable[[], None], errors: list[str]) -> None:
    try:
        change()
    except StateError as error:
        errors.append(str(error))
