"""Passes that are killed after some of their operations on the real kernel."""

from __future__ import annotations

import os
import signal
from typing import Callable, List, Sequence, Tuple, TypeVar

from guest_routes.kernel.rtnetlink.engine import RtnetlinkKernel
from guest_routes.model.operations import Failure, Operation
from guest_routes.model.source_routing import SourceFailure, SourceOperation

Asked = TypeVar("Asked")
Refused = TypeVar("Refused")


class _Deadly(RtnetlinkKernel):
    """One operation at a time; the process is killed after the given number of them."""

    def __init__(self, lives: int) -> None:
        super().__init__()
        self.lives = lives

    def one_by_one(
        self, operations: Sequence[Asked], carry_out: Callable[[Sequence[Asked]], Tuple[Refused, ...]]
    ) -> Tuple[Refused, ...]:
        failures: List[Refused] = []
        for operation in operations:
            if self.lives == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self.lives -= 1
            failures += carry_out([operation])
        return tuple(failures)


class DeadlyKernel(_Deadly):
    """Counts the operations on the settings' table."""

    def apply(self, operations: Sequence[Operation]) -> Tuple[Failure, ...]:
        return self.one_by_one(operations, super().apply)


class DeadlySourceKernel(_Deadly):
    """Counts those of source routing."""

    def apply_source(self, operations: Sequence[SourceOperation]) -> Tuple[SourceFailure, ...]:
        return self.one_by_one(operations, super().apply_source)


def was_killed(job: Callable[[], object]) -> bool:
    """Runs the job in a child; whether it was killed, and didn't end before."""
    child = os.fork()
    if child == 0:
        try:
            job()
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False
