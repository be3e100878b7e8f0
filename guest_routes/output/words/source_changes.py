"""What the service changed of source routing's rules and tables, and who made it necessary, in words (R21). Pure."""

from __future__ import annotations

from ...model.source_routing import RemoveRoute, SetRoute
from ..escape import escaped
from ..service_log import actor_fields, actor_text, change_fields
from ..source_routing import is_source_removal, source_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.network import Nic
    from ...model.source_routing import SourceOperation
    from ...model.status import SourceChange


def source_change_line(operation: SourceOperation, reverted: SourceChange | None, nics: Sequence[Nic]) -> str:
    """A change for the log: "added rule from 11.8.0.9 lookup 12103: deleted by ip (pid 50); source routing"."""
    return escaped(f"{source_verb(operation)} {source_text(operation, nics)}: {source_reason(operation, reverted)}")


def source_change_fields(
    operation: SourceOperation, reverted: SourceChange | None, nics: Sequence[Nic]
) -> list[tuple[str, str]]:
    """The same for journalctl to select by."""
    actor = reverted.actor if reverted is not None else None
    if isinstance(operation, (SetRoute, RemoveRoute)):
        return change_fields(operation.route, actor, nics)
    return actor_fields(actor)


def source_verb(operation: SourceOperation) -> str:
    """ "added" or "removed"."""
    return "removed" if is_source_removal(operation) else "added"


def source_reason(operation: SourceOperation, reverted: SourceChange | None) -> str:
    """Why a pass changed a rule, or a route in a NIC's table."""
    if reverted is None:
        return "source routing"
    did = "deleted" if reverted.deleted else "added" if is_source_removal(operation) else "replaced"
    return f"{did} by {actor_text(reverted.actor)}; source routing"
