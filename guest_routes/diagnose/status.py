"""What `status` shows: the last pass, the age of its data, what is ours, and whether it is all still in place."""

from __future__ import annotations

import time

from ..errors import GuestRoutesError
from ..model.status import Status, status_record_from_json
from ..routing.ownership import is_ours
from ..state.processes import process_started
from ..sync import dry_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..kernel.engine import Kernel
    from ..model.network import KernelState
    from ..model.operations import Operation
    from ..model.settings import Settings
    from ..state.store import State


def inspect(settings: Settings, state: State, kernel: Kernel) -> Status:
    """Compares the kernel with what the last accepted document asks for.

    Raises:
        KernelError: the tables can't be read.
    """
    before = kernel.snapshot(settings.table)
    drift, unknown = _drift(settings, state, kernel, before)
    last = state.read_status()
    failed = last.pop("failed", {})
    service = status_record_from_json(state.read_service())
    runs = service is not None and process_started(service.pid) == service.process_started
    ours = tuple(route for route in before.routes if is_ours(route, settings))
    return Status(last, before, ours, drift, unknown, failed, time.time(), state.is_withdrawn(), service, runs)


def _drift(settings: Settings, state: State, kernel: Kernel, before: KernelState) -> tuple[tuple[Operation, ...], str]:
    """What a pass on the last known good document would change; or why that can't be told."""
    unknown = state.last_known_good(before.nics).reason
    if unknown:
        return (), unknown
    try:
        report = dry_run(settings.from_documents("last-known-good"), state, kernel)
    except GuestRoutesError as error:
        return (), str(error)
    return report.plan.operations, ""
