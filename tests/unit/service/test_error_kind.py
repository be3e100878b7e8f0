"""Which errors are the same one for the log."""

from __future__ import annotations

import os
from typing import Callable

from guest_routes.errors import GuestRoutesError, KernelError, LockError, StateError
from guest_routes.service.error_kind import ErrorKind, error_kind


def raised(action: Callable[[], object]) -> BaseException:
    """What an action raises."""
    try:
        action()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def test_errors_of_one_kind() -> None:
    """Not their texts: pids, times and holders differ from retry to retry."""
    assert (
        error_kind(LockError("held by pid 7")) == error_kind(LockError("held by pid 8 for 3 s")) == ErrorKind(LockError)
    )
    assert error_kind(LockError("x")) != error_kind(KernelError("x"))
    gone = raised(lambda: os.stat("/nowhere/lock"))
    assert error_kind(gone) == ErrorKind(FileNotFoundError, 2, "/nowhere/lock")


def state_error(path: str) -> GuestRoutesError:
    """A file of the service's that can't be opened, as state/ raises it."""
    try:
        try:
            os.open(path, os.O_RDONLY)
        except OSError as error:
            raise StateError(f"cannot open {path}: {error.strerror}") from error
    except StateError as error:
        return error
    raise AssertionError("it can be opened")


def test_a_refusal_of_the_system_is_separated_by_its_cause() -> None:
    assert error_kind(state_error("/nowhere/a")) == ErrorKind(StateError, 2, "/nowhere/a")
    assert error_kind(state_error("/nowhere/a")) != error_kind(state_error("/nowhere/b"))
    assert error_kind(state_error("/proc/self/stat/a")).errno == 20


def one_bug() -> None:
    raise KeyError("one")


def another_bug() -> None:
    raise KeyError("one")


def test_a_bug_is_separated_by_the_function_that_raised_it() -> None:
    one, same, another = raised(one_bug), raised(one_bug), raised(another_bug)
    assert error_kind(one, expected=False) == error_kind(same, expected=False)
    assert error_kind(one, expected=False) != error_kind(another, expected=False)
    assert error_kind(one) == error_kind(another)
    assert error_kind(one, expected=False).place.endswith("test_error_kind.py:one_bug")
