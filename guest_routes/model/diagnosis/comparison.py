"""What a pass on the last known good document would do now, as a value: `status` compares the kernel with it."""

from __future__ import annotations

from ..namedtuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..operations import Operation
    from ..report import Unprogrammed
    from ..source_routing import SourceConflict, SourceOperation, SourceRoutingPlan


class Comparison(NamedTuple):
    """What a pass on the last known good document would do now."""

    drift: tuple[Operation, ...] = ()
    """What it would change."""
    unprogrammed: tuple[Unprogrammed, ...] = ()
    """What of the document is not in effect."""
    by_source: SourceRoutingPlan | None = None
    """Source routing (R21)."""
    source_conflicts: tuple[SourceConflict, ...] = ()
    """What speaks against source routing."""

    @property
    def source_drift(self) -> tuple[SourceOperation, ...]:
        """What it would change of source routing."""
        return self.by_source.operations if self.by_source else ()

    @property
    def changes(self) -> int:
        """How many changes it would make, source routing's among them."""
        return len(self.drift) + len(self.source_drift)
