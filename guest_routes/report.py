"""All that one pass saw, decided and did, as one value. Pure."""

from __future__ import annotations

from .apply import Outcome
from .document import Beside, NetworkData
from .elect import Election, NotElected
from .model import KernelState, Prefix
from .plan import Plan
from .render import route_text
from .resolve import BY_CHOICE, NOTHING_BESIDE, Resolution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from .fetched import Document
else:
    from .values import NamedTuple


class Report(NamedTuple):
    """All that a pass saw, decided and did."""

    document: Document
    data: NetworkData
    before: KernelState
    resolution: Resolution
    elections: tuple[Election, ...]
    plan: Plan
    after: KernelState
    """The second snapshot; the first one when nothing was written."""
    outcome: Outcome = Outcome()
    doubt: str = ""
    """Why nothing is withdrawn on this document's word (R6)."""
    overruled: tuple[tuple[Prefix, str], ...] = ()
    """Programmed destinations that the kernel sends another way all the same, and which (R5)."""
    errors: tuple[str, ...] = ()
    """Why the pass failed; () when it didn't."""
    warnings: tuple[str, ...] = ()
    beside: Beside = NOTHING_BESIDE
    """The properties and leases it went by."""
    set_aside: bool = False
    """Nothing of the document was done: it is in doubt, and the last known good stays in force."""

    @property
    def exit_code(self) -> int:
        """See docs/man/guest-routes.8."""
        if self.errors or self.outcome.failures:
            return 1
        if not self.data.networks and self.doubt:
            return 4
        return 5 if self.unprogrammed else 0

    @property
    def unprogrammed(self) -> tuple[str, ...]:
        """Each route of the document that is not programmed, with the reason."""
        nics = self.before.nics
        return (
            *(f"{one.place}: {one.text}" for one in self.data.complaints if one.refused),
            *(f"IPv{e.family} default: {e.reason}" for e in self.elections if isinstance(e, NotElected) and e.wanted),
            *(str(one) for one in self.resolution.unresolved if one.kind not in BY_CHOICE),
            *(
                f"{one.resolved.host}  ({one.resolved.host.place}): shadowed by {route_text(one.rival, nics)}"
                for one in self.plan.decisions if one.verdict == "shadowed" and one.rival
            ),
            *(f"{destination}: programmed, but {text}" for destination, text in self.overruled),
        )  # fmt: skip

    @property
    def changes(self) -> int:
        """How many operations the plan has."""
        return len(self.plan.additions) + len(self.plan.removals)
