"""Removes our routes and restores recorded defaults (R4, R7), as routing/planning/withdrawal.py plans it."""

from __future__ import annotations

from .errors import KernelError, StateError
from .kernel.apply import apply
from .model.network import MAIN_TABLE
from .model.operations import Outcome, RestoreDefault
from .model.report import Withdrawal
from .routing.compare import is_advertised
from .routing.ownership import is_ours, separated
from .routing.planning.restoration import is_back
from .routing.planning.surprise import without_another
from .routing.planning.withdrawal import plan_withdrawal
from .source_routing import both, withdraw_source_routing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence

    from .kernel.apply import Spare
    from .kernel.engine import Kernel
    from .model.evidence import RecordedDefault
    from .model.network import KernelState, Route
    from .model.plan import Plan
    from .model.settings import Settings
    from .model.source_routing import SourceRoutingOutcome
    from .state.store import State


def withdraw(settings: Settings, state: State, kernel: Kernel, everywhere: bool = False) -> Withdrawal:
    """Withdraws everything of ours from the table; a recorded default is forgotten once it is back.

    Where the kernel refuses one, ours go all the same in a second try, which doesn't count on it; so they do where a
    default that was to stay has gone meanwhile (R7).

    What can't be written never keeps it from doing so (R18).

    Args:
        everywhere: what a pass of this boot with another table or protocol has left goes as well.

    Raises:
        GuestRoutesError: no lock, or the kernel refused a dump.
    """
    errors: list[str] = []
    with state.lock() as unlocked:
        before = _snapshot(settings, kernel)
        recorded = state.recorded_defaults(before.nics)
        main = _main(settings, kernel)
        made = plan_withdrawal(before, recorded, settings, main=main)
        was_withdrawn = state.is_withdrawn()
        _attempt(state.set_withdrawn, errors)  # Before the routes go: the service would put them back.
        try:
            by_source = withdraw_source_routing(before, settings, kernel)
            outcome = apply(made, kernel, lambda routes: None, _spare(settings))
        except KernelError:
            if not was_withdrawn:
                _attempt(state.clear_withdrawn, errors)  # What is missing comes back by the next pass.
            raise
        after = _snapshot(settings, kernel)
        refused = _refused(made, recorded, after)
        left = _ours(after, settings)
        if _must_try_again(outcome, refused, left):
            again = plan_withdrawal(after, recorded, settings, refused, main)
            second = apply(again, kernel, lambda routes: None, _spare(settings))
            made = made._replace(not_restored=again.not_restored)
            restores = tuple(one for one in outcome.failures if isinstance(one.operation, RestoreDefault))
            outcome = Outcome((*outcome.done, *second.done), (*restores, *second.failures), second.skipped)
            after = _snapshot(settings, kernel)
            left = _ours(after, settings)
        _attempt(lambda: state.keep_defaults(_unrestored(recorded, after), after.nics), errors)
        if _nothing_withdrawn(outcome, left, by_source) and not was_withdrawn:
            _attempt(state.clear_withdrawn, errors)  # The service goes on.
        done = Withdrawal(made, outcome, before, after, left, (*filter(None, [unlocked]), *errors), by_source)
        return _elsewhere(done, settings, state, kernel) if everywhere else done


def _snapshot(settings: Settings, kernel: Kernel) -> KernelState:
    return separated(kernel.snapshot(settings.table), settings)


def _elsewhere(done: Withdrawal, settings: Settings, state: State, kernel: Kernel) -> Withdrawal:
    """The same with what is withdrawn where passes with other settings were."""
    from .state.places import elsewhere, forget

    places = elsewhere(state, settings)
    for table, protocol in places:
        there = settings._replace(table=table, protocol=protocol)
        before = _snapshot(there, kernel)
        if protocol != settings.protocol:
            by_source = both(done.source_outcome, withdraw_source_routing(before, there, kernel))
            done = done._replace(source_outcome=by_source)
        made = plan_withdrawal(before, (), there, main=_main(there, kernel))
        outcome = apply(made, kernel, lambda routes: None, _spare(there))
        left = _ours(_snapshot(there, kernel), there)
        first = done.outcome
        outcome = Outcome(
            (*first.done, *outcome.done), (*first.failures, *outcome.failures), (*first.skipped, *outcome.skipped)
        )
        done = done._replace(outcome=outcome, left=(*done.left, *left))
    if places and done.exit_code == 0:
        errors: list[str] = []
        _attempt(lambda: forget(state), errors)
        done = done._replace(state_errors=(*done.state_errors, *errors))
    return done


def _ours(state: KernelState, settings: Settings) -> tuple[Route, ...]:
    return tuple(route for route in state.routes if is_ours(route, settings))


def _must_try_again(outcome: Outcome, refused: Sequence[Route], left: Sequence[Route]) -> bool:
    """Whether ours stay for a recorded default that is not back, or for one that was there and has gone.

    Where ours could go, what is not back is named by it.
    """
    return bool(refused and (outcome.done or not left)) or bool(outcome.skipped and not outcome.failures)


def _nothing_withdrawn(outcome: Outcome, left: Sequence[Route], by_source: SourceRoutingOutcome | None) -> bool:
    """Whether all that was ours is still there."""
    done = outcome.done or (by_source is not None and by_source.done)
    return not done and bool(left or (by_source is not None and by_source.failures))


def _spare(settings: Settings) -> Spare | None:
    """In another table than main the last default may go: main has one, or ours stays (plan_withdrawal)."""
    return without_another if settings.table == MAIN_TABLE else None


def _main(settings: Settings, kernel: Kernel) -> Sequence[Route]:
    """The routes of main, where the settings name another table."""
    return () if settings.table == MAIN_TABLE else kernel.snapshot(MAIN_TABLE).routes


def _refused(made: Plan, recorded: Sequence[RecordedDefault], after: KernelState) -> list[Route]:
    """The recorded defaults that should be back, and are not."""
    named = [one.route for one in made.not_restored]
    return [one.route for one in recorded if one.route not in named and not is_back(one, after.routes)]


def _unrestored(recorded: Sequence[RecordedDefault], after: KernelState) -> list[Route]:
    """The recorded defaults that stay recorded; a router's next advertisement brings its own back."""
    missing = [one for one in recorded if not is_back(one, after.routes)]
    return [one.route for one in missing if not one.expired and not is_advertised(one.route)]


def _attempt(change: Callable[[], None], errors: list[str]) -> None:
    try:
        change()
    except StateError as error:
        errors.append(str(error))
