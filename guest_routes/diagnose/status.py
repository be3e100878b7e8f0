"""What `status` shows: the last pass, the age of its data, what is ours, and whether it is all still in place."""

from __future__ import annotations

import time

from ..clocks import seconds_awake
from ..errors import GuestRoutesError
from ..evidence.find import find, last_known_good
from ..evidence.gather import left_elsewhere, snapshot
from ..model.diagnosis.comparison import Comparison
from ..model.diagnosis.record_forms import is_failed_pass, is_last_pass, status_record_from_json
from ..model.diagnosis.status import SCHEMA, Status
from ..model.document import Document, NoDocument
from ..model.network_data import Problem
from ..model.settings import fingerprint
from ..routing.ownership import is_our_rule, ours_of
from ..state.processes import process_started
from ..sync import dry_run_on
from .service_unit import unit_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..kernel.engine import Kernel
    from ..model.diagnosis.status import StatusRecord
    from ..model.document import Missing
    from ..model.network import KernelState
    from ..model.settings import Settings
    from ..state.store import State


def inspect(
    settings: Settings,
    state: State,
    kernel: Kernel,
    settings_problems: tuple[str, ...] = (),
    settings_hidden: bool = False,
    file_settings: Settings | None = None,
    root: str = "/",
) -> Status:
    """Compares the kernel with what the last accepted document asks for.

    Args:
        settings_problems: what is wrong in the settings; what is wanted is not known then.
        settings_hidden: that is only that this user may not read them.
        file_settings: those of the files, without options; None where they can't be used.

    Raises:
        KernelError: the tables can't be read.
    """
    before = snapshot(settings, state, kernel)
    last, failed, problems = _last_pass(state)
    from_leases = bool(last) and last["metadata"].get("source") == "leases"
    compared = _compared(settings, state, kernel, before, from_leases)
    if settings_problems:
        compared = NoDocument("settings-hidden" if settings_hidden else "settings-wrong")
    service, runs, damaged = service_of(state)
    ours = tuple(ours_of(before.routes, settings))
    elsewhere = left_elsewhere(settings, state, kernel)
    problems += [*damaged, *state.problems]
    withdrawn = state.is_withdrawn()
    return Status(
        last,
        before,
        ours,
        compared,
        failed,
        time.time(),
        withdrawn,
        service,
        runs,
        tuple(dict.fromkeys(problems)),
        settings_problems,
        settings_hidden,
        settings.enabled,
        unit_state(root),
        tuple(rule for rule in before.rules if is_our_rule(rule, settings)),
        not last and (bool(ours) or any(problem.place == state.status_path for problem in problems)),
        is_unread(service, runs, file_settings),
        elsewhere,
        is_overdue(service, runs),
    )


def is_overdue(service: StatusRecord | None, runs: bool) -> bool:
    """Whether a service whose process lives should have renewed its record."""
    return service is not None and runs and 0 < service.overdue_from < seconds_awake()


def is_unread(service: StatusRecord | None, runs: bool, file_settings: Settings | None) -> bool:
    """Whether a service that runs goes by other settings than the files have now, as far as both are known."""
    if service is None or not runs or not service.settings or file_settings is None:
        return False
    return service.settings != fingerprint(file_settings)


def service_of(state: State) -> tuple[StatusRecord | None, bool, list[Problem]]:
    """The service's record, whether its process still runs, and what is wrong with the record."""
    written = state.read_service()
    service = status_record_from_json(written)
    if service is None and written.get("schema") == SCHEMA:
        return None, False, [Problem(f"{state.run_dir}/service", "is damaged: it is no record of the service; ignored")]
    return service, service is not None and process_started(service.pid) == service.process_started, []


def _last_pass(state: State) -> tuple[dict[str, Any], dict[str, Any], list[Problem]]:
    """What the last pass left, and a later one that failed; {} for what isn't there or is damaged, with a problem."""
    last = state.read_status()
    failed = last.pop("failed", {})
    problems = []
    if (failed != {} and not is_failed_pass(failed)) or (last and not is_last_pass(last)):
        problems.append(Problem(state.status_path, "is damaged: it is not what a pass leaves; ignored"))
    return last if is_last_pass(last) else {}, failed if is_failed_pass(failed) else {}, problems


def _compared(
    settings: Settings, state: State, kernel: Kernel, before: KernelState, from_leases: bool
) -> Comparison | Missing:
    """What a pass on the last known good document would do; or why there is no such pass.

    Args:
        from_leases: the last pass had no document but DHCP leases, which are looked into again.
    """
    document = last_known_good(state, lambda: before.nics)
    if not isinstance(document, Document) and not from_leases:
        return document
    local = settings.from_documents("last-known-good")
    try:
        if not isinstance(document, Document):
            document = find(local, lambda: before.nics, state)
        report = dry_run_on(document, local, state, kernel, before)
    except GuestRoutesError as error:
        return str(error)
    return Comparison(
        report.plan.operations, report.unprogrammed, report.decision.source_routing, report.source_conflicts
    )
