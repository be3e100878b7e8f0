"""What `status` shows of source routing: its rules, and what a pass would change of it (R21)."""

from __future__ import annotations

from ..errors import GuestRoutesError
from ..model.status import SourceStatus
from ..routing.ownership import is_our_rule
from ..sync import dry_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..kernel.engine import Kernel
    from ..model.network import KernelState
    from ..model.settings import Settings
    from ..state.store import State


def source_status(settings: Settings, state: State, kernel: Kernel, before: KernelState) -> SourceStatus | None:
    """Compares its tables and rules with what the last accepted document asks for; None where it is off and gone."""
    rules = tuple(rule for rule in before.rules if is_our_rule(rule, settings))
    if not settings.source_routing and not rules:
        return None
    if state.last_known_good(before.nics).reason:
        return SourceStatus(rules)
    try:
        report = dry_run(settings.from_documents("last-known-good"), state, kernel)
    except GuestRoutesError:
        return SourceStatus(rules)  # Why it is unknown stands beside the routes' drift.
    return SourceStatus(rules, report.decision.source_routing, report.source_conflicts)
