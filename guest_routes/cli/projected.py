"""What is decided for the NICs as the document will have them, for the commands that write configuration."""

from __future__ import annotations

from ..evidence.find import find
from ..evidence.gather import gather, snapshot
from ..routing.decide import decide
from ..routing.project import project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.evidence import Evidence
    from ..model.plan import Decision
    from .context import Context


def projected(context: Context) -> tuple[Evidence, Decision]:
    """The evidence with the document that the options and settings name, and what is decided on it.

    Raises:
        GuestRoutesError: no metadata, no kernel.
    """
    settings, kernel = context.settings, context.kernel
    document = find(settings, kernel.nics, context.state, context.options.metadata, context.terminal.tell)
    before = snapshot(settings, kernel)
    evidence = project(gather(document, settings, context.state, before, fetched=True), settings)
    return evidence, decide(evidence, settings)
