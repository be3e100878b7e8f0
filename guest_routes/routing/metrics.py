"""In what order defaults of the document count, by the metrics that it gives them (R4). Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, Sequence, TypeVar

    class Ranked(Protocol):
        """Something in metadata order."""

        @property
        def metric(self) -> int | None:
            """The document's; None where it says nothing of the default itself."""

    One = TypeVar("One", bound=Ranked)


def in_order(those: Sequence[One]) -> list[One]:
    """Those with a metric by it among themselves, the first of equals first; the others keep their places."""
    ranked = iter(sorted((one for one in those if one.metric is not None), key=lambda one: one.metric or 0))
    return [one if one.metric is None else next(ranked) for one in those]
