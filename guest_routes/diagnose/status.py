"""What `status` shows: the last pass, the age of its data, what is ours, and whether it is all still in place."""

from __future__ import annotations

import time

from ..errors import GuestRoutesError
from ..model.network_data import Problem
from ..model.status import SCHEMA, Status, is_failed_pass, is_last_pass, status_record_from_json
from ..routing.ownership import is_ours
from ..state.processes import process_started
from ..sync import dry_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..kernel.engine import Kernel
    from ..model.network import KernelState
    from ..model.operations import Operation
    from ..model.report import Unprogrammed
    from ..model.settings import Settings
    from ..state.store import State


def inspect(settings: Settings, state: State, kernel: Kernel) -> Status:
    """Compares the kernel with what the last accepted document asks for.

    Raises:
        KernelError: the tables can't be read.
    """
    before = kernel.snapshot(settings.table)
    drift, unprogrammed, unknown = _drift(settings, state, kernel, before)
    last, failed, problems = _last_pass(state)
    written = state.read_service()
    service = status_record_from_json(written)
    if service is None and written.get("schema") == SCHEMA:
        problems.append(Problem(f"{state.run_dir}/service", "is damaged: it is no record of the service; ignored"))
    runs = service is not None and process_started(service.pid) == service.process_started
    ours = tuple(route for route in before.routes if is_ours(route, settings))
    problems += state.problems
    withdrawn = state.is_withdrawn()
    return Status(
        last,
        before,
        ours,
        drift,
        unknown,
        failed,
        time.time(),
        withdrawn,
        service,
        runs,
        unprogrammed,
        tuple(dict.fromkeys(problems)),
    )


def _last_pass(state: State) -> tuple[dict[str, Any], dict[str, Any], list[Problem]]:
    """What the last pass left, and a later one that failed; {} for what isn't there or is damaged, with a problem."""
    last = state.read_status()
    failed = last.pop("failed", {})
    problems = []
    if (failed and not is_failed_pass(failed)) or (last and not is_last_pass(last)):
        problems.append(Problem(f"{state.run_dir}/status", "is damaged: it is not what a pass leaves; ignored"))
    return last if is_last_pass(last) else {}, failed if is_failed_pass(failed) else {}, problems


def _drift(
    settings: Settings, state: State, kernel: Kernel, before: KernelState
) -> tuple[tuple[Operation, ...], tuple[Unprogrammed, ...], str]:
    """What a pass on the last known good document would change, and could not program; or why that is unknown."""
    unknown = state.last_known_good(before.nics).reason
    if unknown:
        return (), (), unknown
    try:
        report = dry_run(settings.from_documents("last-known-good"), state, kernel)
    except GuestRoutesError as error:
        return (), (), str(error)
    return report.plan.operations, report.unprogrammed, ""
