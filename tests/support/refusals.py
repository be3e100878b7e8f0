"""The real kernel, by each engine, in which single operations are refused: what nobody can arrange at every place."""

from __future__ import annotations

import errno
import os
from typing import Any, List, Sequence, Tuple

from guest_routes.kernel.engine import Kernel
from guest_routes.kernel.open import open_kernel
from guest_routes.model.operations import Failure, Operation

ENGINES = ("rtnetlink", "pyroute2")
ERRORS = (errno.EPERM, errno.EEXIST, errno.ENOBUFS, errno.EINVAL, errno.ENETUNREACH)
MOST = 12
"""No pass of these tests has so many operations."""


class RefusingKernel:
    """Carries operations out one by one; refuses that of the given number with that error.

    Args:
        number: counted from 0, over all calls; MOST: none is refused.
    """

    def __init__(self, engine: str, number: int, code: int) -> None:
        self._kernel: Kernel = open_kernel(engine)
        self.number, self.code, self.seen = number, code, 0

    def apply(self, operations: Sequence[Operation]) -> Tuple[Failure, ...]:
        """See Kernel."""
        failures: List[Failure] = []
        for operation in operations:
            if self.seen == self.number:
                failures.append(Failure(operation, self.code, os.strerror(self.code)))
            else:
                failures += self._kernel.apply([operation])
            self.seen += 1
        return tuple(failures)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernel, name)
