"""Removes our routes and restores recorded defaults (R4, R7), as routing/planning/withdrawal.py plans it."""

from __future__ import annotations

from errno import EEXIST, EPERM

from .errors import KernelError, StateError
from .evidence.gather import table_snapshot
from .kernel.apply import apply
from .model.network import MAIN_TABLE
from .model.operations import Delete, Failure, Outcome, RestoreDefault
from .model.report import Withdrawal
from .routing.compare import is_advertised, is_next_hop
from .routing.ownership import ours_of
from .routing.planning.restoration import Equals, is_back
from .routing.planning.surprise import without_another
from .routing.planning.withdrawal import plan_withdrawal
from .source_routing import both, withdraw_source_routing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterable, Sequence

    from .kernel.apply import Spare
    from .kernel.engine import Kernel
    from .model.evidence import RecordedDefault
    from .model.network import KernelState, Route
    from .model.plan import Plan
    from .model.settings import Settings
    from .state.store import State


def withdraw(settings: Settings, state: State, kernel: Kernel, everywhere: bool = False) -> Withdrawal:
    """Withdraws everything of ours from the table; a recorded default of it is forgotten once it is back.

    Where the kernel refuses one, ours go all the same in a second try, which doesn't count on it; so they do where a
    default that was to stay has gone meanwhile (R7).

    What can't be written never keeps it from doing so (R18).

    Args:
        everywhere: what a pass of this boot with another table or protocol has left goes as well, and the recorded
            defaults of other tables come back.

    Raises:
        GuestRoutesError: no lock, or the kernel refused a dump.
    """
    errors: list[str] = []
    with state.lock() as unlocked:
        recorded = state.recorded_defaults(kernel.nics())
        places = _places(settings, state, kernel, recorded) if everywhere else [(settings, _of(settings, recorded))]
        unplaced = _unplaced(recorded, state) if everywhere else []
        was_withdrawn = state.is_withdrawn()
        _attempt(state.set_withdrawn, errors)  # Before the routes go: the service would put them back.
        try:
            done = _withdrawn_from(places, state, kernel)
        except KernelError:
            if not was_withdrawn:
                _attempt(state.clear_withdrawn, errors)  # What is missing comes back by the next pass.
            raise
        left = _unrestored(places, recorded, done.outcome, kernel)
        _attempt(lambda: state.keep_defaults(left, done.after.nics), errors)
        if _nothing_withdrawn(done) and not was_withdrawn:
            _attempt(state.clear_withdrawn, errors)  # The service goes on.
        errors += [] if _has_found_ours(done) else unplaced
        done = done._replace(state_errors=(*filter(None, [unlocked]), *errors))
        return _forgotten(done, state) if everywhere else done


def _places(
    settings: Settings, state: State, kernel: Kernel, recorded: Sequence[RecordedDefault]
) -> list[tuple[Settings, list[RecordedDefault]]]:
    """The settings of each place where a pass was, and the recorded defaults that come back there.

    In a table with routes of ours of two protocols they come back where the first of these go, as one plan has it.
    """
    from .state.places import elsewhere

    others = [settings._replace(table=table, protocol=protocol) for table, protocol in elsewhere(state, settings)]
    places = [settings, *others]
    known = {there.table for there in places}
    places += [settings._replace(table=table) for table in sorted({one.route.table for one in recorded} - known)]
    found: list[tuple[Settings, list[RecordedDefault]]] = [(there, []) for there in places]
    for table in {one.route.table for one in recorded}:
        same = [place for place in found if place[0].table == table]
        first = next(
            (place for place in same if len(same) > 1 and _ours(table_snapshot(place[0], kernel), place[0])), same[0]
        )
        first[1].extend(_of(first[0], recorded))
    return found


def _unplaced(recorded: Sequence[RecordedDefault], state: State) -> list[str]:
    """What to say where no place has anything of ours, although a pass of this boot has run somewhere."""
    from .state.places import UNPLACED, is_recorded

    return [UNPLACED] if recorded and not is_recorded(state) else []


def _has_found_ours(done: Withdrawal) -> bool:
    """Whether a place had anything of ours, gone now or not."""
    gone = any(isinstance(one, Delete) for one in done.outcome.done)
    return gone or bool(done.left) or (done.source_outcome is not None and bool(done.source_outcome.done))


def _of(settings: Settings, recorded: Sequence[RecordedDefault]) -> list[RecordedDefault]:
    """Those of the settings' table."""
    return [one for one in recorded if one.route.table == settings.table]


def _withdrawn_from(
    places: Iterable[tuple[Settings, Sequence[RecordedDefault]]], state: State, kernel: Kernel
) -> Withdrawal:
    """What one after the other came to; the snapshots are those of the first."""
    done: Withdrawal | None = None
    protocols: set[int] = set()
    for there, recorded in places:
        one = _withdrawn(there, recorded, state, kernel, by_source=there.protocol not in protocols)
        protocols.add(there.protocol)
        done = one if done is None else _joined(done, one)
    assert done is not None  # The settings' own place is one.
    return done


def _withdrawn(
    settings: Settings, recorded: Sequence[RecordedDefault], state: State, kernel: Kernel, by_source: bool
) -> Withdrawal:
    """From one table the routes of one protocol.

    Args:
        by_source: and what source routing has made by this protocol, wherever it is.
    """
    before = table_snapshot(settings, kernel)
    main = _main(settings, kernel)
    made = plan_withdrawal(before, recorded, settings, main=main)
    source_outcome = withdraw_source_routing(before, settings, state, kernel) if by_source else None
    outcome = _with_hidden(apply(made, kernel, lambda routes: None, _spare(settings)))
    after = table_snapshot(settings, kernel)
    there = _equals(recorded, after.routes)
    shown = [one for one in recorded if is_back(one, there.of(one.route)) or not _is_hidden(one, outcome)]
    refused = _refused(made, shown, there)
    left = _ours(after, settings)
    if _must_try_again(outcome, refused, left):
        again = plan_withdrawal(after, shown, settings, refused, main)
        second = _with_hidden(apply(again, kernel, lambda routes: None, _spare(settings)))
        made = made._replace(not_restored=again.not_restored)
        restores = tuple(one for one in outcome.failures if isinstance(one.operation, RestoreDefault))
        outcome = Outcome((*outcome.done, *second.done), (*restores, *second.failures), second.skipped)
        after = table_snapshot(settings, kernel)
        left = _ours(after, settings)
    absent = tuple(dict.fromkeys(nic for one in recorded for nic in one.absent))
    return Withdrawal(made, outcome, before, after, left, source_outcome=source_outcome, absent=absent)


def _with_hidden(outcome: Outcome) -> Outcome:
    """The same; an IPv6 default that is refused since it is there counts as restored, where a dump may not show it."""
    there = [one for one in outcome.failures if _is_there(one)]
    failures = tuple(one for one in outcome.failures if one not in there)
    return outcome._replace(done=(*outcome.done, *(one.operation for one in there)), failures=failures)


def _is_there(failure: Failure) -> bool:
    one = failure.operation
    may_be = isinstance(one, RestoreDefault) and one.route.family == 6 and not is_next_hop(one.route)
    return may_be and failure.errno == EEXIST


def _is_hidden(one: RecordedDefault, outcome: Outcome) -> bool:
    """Whether the kernel has taken a default back that it may not show: between two next hops of a multipath route."""
    taken = (op.route for op in outcome.done if isinstance(op, RestoreDefault) and op.route.family == 6)
    return not is_next_hop(one.route) and is_back(one, taken)


def _joined(one: Withdrawal, other: Withdrawal) -> Withdrawal:
    first, second = one.outcome, other.outcome
    not_restored = (*one.plan.not_restored, *other.plan.not_restored)
    return one._replace(
        plan=one.plan._replace(not_restored=not_restored),
        outcome=Outcome(
            (*first.done, *second.done), (*first.failures, *second.failures), (*first.skipped, *second.skipped)
        ),
        left=(*one.left, *other.left),
        source_outcome=both(one.source_outcome, other.source_outcome),
        absent=(*one.absent, *other.absent),
    )


def _forgotten(done: Withdrawal, state: State) -> Withdrawal:
    """The same with what is wrong in the records of other places; where all went well, they are forgotten."""
    from .state.places import forget, unusable_texts

    done = done._replace(state_errors=(*done.state_errors, *unusable_texts(state)))
    if done.exit_code:
        return done
    errors: list[str] = []
    _attempt(lambda: forget(state), errors)
    return done._replace(state_errors=tuple(errors))


def _ours(state: KernelState, settings: Settings) -> tuple[Route, ...]:
    return tuple(ours_of(state.routes, settings))


def _must_try_again(outcome: Outcome, refused: Sequence[Route], left: Sequence[Route]) -> bool:
    """Whether ours stay for a recorded default that is not back, or for one that was there and has gone.

    Where ours could go, what is not back is named by it; who may write nothing can't the second time, either.
    """
    denied = left and not outcome.done and all(one.errno == EPERM for one in outcome.failures)
    return bool(refused and not denied) or bool(outcome.skipped and not outcome.failures)


def _nothing_withdrawn(done: Withdrawal) -> bool:
    """Whether all that was ours is still there."""
    by_source = done.source_outcome
    went = done.outcome.done or (by_source is not None and by_source.done)
    return not went and bool(done.left or (by_source is not None and by_source.failures))


def _spare(settings: Settings) -> Spare | None:
    """In another table than main the last default may go: main has one, or ours stays (plan_withdrawal)."""
    return without_another if settings.table == MAIN_TABLE else None


def _main(settings: Settings, kernel: Kernel) -> Sequence[Route]:
    """The routes of main, where the settings name another table."""
    return () if settings.table == MAIN_TABLE else kernel.snapshot(MAIN_TABLE).routes


def _equals(recorded: Sequence[RecordedDefault], routes: Sequence[Route]) -> Equals:
    """Those of the routes that are equals of recorded defaults."""
    return Equals([one.route for one in recorded], routes)


def _refused(made: Plan, recorded: Sequence[RecordedDefault], after: Equals) -> list[Route]:
    """The recorded defaults that should be back, and are not."""
    named = {one.route for one in made.not_restored}
    return [one.route for one in recorded if one.route not in named and not is_back(one, after.of(one.route))]


def _unrestored(
    places: Sequence[tuple[Settings, Sequence[RecordedDefault]]],
    recorded: Sequence[RecordedDefault],
    outcome: Outcome,
    kernel: Kernel,
) -> list[Route]:
    """The recorded defaults that stay recorded; a router's next advertisement brings its own back."""
    there = [
        route for table in {place.table for place, own in places if own} for route in kernel.snapshot(table).routes
    ]
    equals = _equals(recorded, there)
    missing = [one for one in recorded if not (is_back(one, equals.of(one.route)) or _is_hidden(one, outcome))]
    visited = {place.table for place, _ in places}
    return [
        one.route
        for one in missing
        if one.route.table not in visited or (not one.expired and not is_advertised(one.route))
    ]


def _attempt(change: Callable[[], None], errors: list[str]) -> None:
    try:
        change()
    except StateError as error:
        errors.append(str(error))
