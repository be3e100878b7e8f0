"""The errors guest-routes raises; what it merely reports is a value in model/.

    GuestRoutesError            exit  meaning
    ├── UsageError               2    the command line is wrong
    ├── SettingsError            2    a settings file or flag is wrong; lists every problem
    ├── NetworkDataError         4    a document is not JSON or not an object; nothing was changed
    ├── MetadataError            4    no source has a document
    ├── KernelError              1    the kernel refused a dump or a socket
    │   └── EngineMissingError   1    the engine's library is not installed
    ├── ChildError               1    a child process could not be started, or ended without its answer
    ├── LockError                1    another pass holds the lock for too long
    ├── DefaultReplacedError     1    a program is replacing the default, so the service looks again a moment later
    ├── WithdrawnError           1    the routes were withdrawn by hand, so the service leaves them
    └── StateError               1    a state file can't be written or read

The message is complete as it stands: action, object, cause, consequence. cli/main.py prints it and
exits with `exit_code`; nothing else looks into it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Failure = TypeVar("Failure", bound=BaseException)


class GuestRoutesError(Exception):
    """Base of all; `exit_code` is what the command exits with."""

    exit_code = 1


class UsageError(GuestRoutesError):
    """A command line that can't be used."""

    exit_code = 2

    def __init__(self, text: str, json_command: str = "") -> None:
        super().__init__(text)
        self.json_command = json_command
        """The command that is to answer in JSON; "" where none is, or it isn't asked to."""


class SettingsError(GuestRoutesError):
    """Settings that can't be used; the message has one problem a line."""

    exit_code = 2


class NetworkDataError(GuestRoutesError):
    """Bytes that are no network_data.json at all (a bad part of one is a Problem instead)."""

    exit_code = 4


class MetadataError(GuestRoutesError):
    """No source gave a document; the message says for each source why."""

    exit_code = 4


class KernelError(GuestRoutesError):
    """The kernel refused a request that concerns no single route."""


class EngineMissingError(KernelError):
    """The engine's library is not installed, or can't be imported."""


class ChildError(GuestRoutesError):
    """A child process could not be started, or ended without its answer: no fault of what it was to read."""


class LockError(GuestRoutesError):
    """Another guest-routes process holds the lock."""


class DefaultReplacedError(GuestRoutesError):
    """Another program has deleted the default while a pass ran, and may be about to add its own."""


class WithdrawnError(GuestRoutesError):
    """The routes were withdrawn by hand: no pass that nobody asked for puts them back."""


class StateError(GuestRoutesError):
    """A file under /run/guest-routes or /var/lib/guest-routes can't be used."""


SYSTEM_FAILURES = (OSError, MemoryError, SystemError)
"""What the system refuses, concerning nothing in particular: a descriptor, a device that fails, memory.

CPython 3.11 raises SystemError where it has no memory for the frame of a call.
"""


def system_error_text(error: OSError | MemoryError | SystemError) -> str:
    """One of SYSTEM_FAILURES in words."""
    if isinstance(error, MemoryError):
        return f"out of memory; {_STAYS}"
    if isinstance(error, SystemError):
        return f"Python itself failed, as it does without memory: {error}; {_STAYS}"
    at = f" ({error.filename})" if error.filename else ""
    return f"the system refused: {error.strerror or error}{at}; {_STAYS}"


def as_value(error: Failure) -> Failure:
    """A caught exception to return or keep: without the frames that it came through.

    Each frame knows its caller, so that the values of a whole pass would live as long as the exception; where one of
    the callers keeps it, until the garbage collector finds the cycle.
    """
    error.__context__ = None
    return error.with_traceback(None)


_STAYS = "what was written stays"
