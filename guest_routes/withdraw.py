"""Removes our routes and restores recorded defaults (R4, R7), as routing/planning/withdrawal.py plans it."""

from __future__ import annotations

from .kernel.apply import apply
from .model.report import Withdrawal
from .routing.ownership import is_ours
from .routing.planning.withdrawal import plan_withdrawal
from .source_routing import withdraw_source_routing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .kernel.engine import Kernel
    from .model.settings import Settings
    from .state.store import State


def withdraw(settings: Settings, state: State, kernel: Kernel) -> Withdrawal:
    """Withdraws everything of ours from the table; the recorded defaults are forgotten once they are back.

    Raises:
        GuestRoutesError: no lock, or the kernel refused a dump.
    """
    with state.lock():
        state.set_withdrawn()
        before = kernel.snapshot(settings.table)
        made = plan_withdrawal(before, state.recorded_defaults(before.nics), settings)
        by_source = withdraw_source_routing(before, settings, kernel)
        outcome = apply(made, kernel, lambda routes: None)
        after = kernel.snapshot(settings.table)
        left = tuple(route for route in after.routes if is_ours(route, settings))
        if not outcome.failures and not left:
            state.forget_defaults()
    return Withdrawal(made, outcome, before, after, left, by_source)
