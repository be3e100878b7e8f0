"""What is decided for the NICs as the document will have them, for the commands that write configuration."""

from __future__ import annotations

from ..evidence.find import find
from ..evidence.gather import gather
from ..routing.decide import decide
from ..routing.project import project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.plan import Decision
    from .context import Context


def projected_decision(context: Context) -> Decision:
    """The decision on the document that the options and settings name.

    Raises:
        GuestRoutesError: no metadata, no kernel.
    """
    settings, kernel = context.settings, context.kernel
    document = find(settings, kernel.nics, context.state, context.options.metadata, context.terminal.tell)
    return decide(project(gather(document, settings, context.state, kernel, fetched=True), settings), settings)
