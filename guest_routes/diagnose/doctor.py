"""`doctor`: looks at this machine from every side and says what to do. Changes nothing."""

from __future__ import annotations

import os

from ..errors import GuestRoutesError
from ..evidence.find import find, refused_copies, tell_nobody
from ..evidence.gather import leases_of, snapshot
from ..kernel.engine import Kernel
from ..managers.detect import holders, running
from ..managers.files import ManagerFiles
from ..managers.networkd_config import takes_default_route
from ..managers.rewrite import rewrite
from ..model.diagnosis.inspection import Inspection, NicView
from ..model.document import Document, Progress, Provenance
from ..model.lease import LeaseSet
from ..model.network_data import Problem
from ..model.settings import is_ignored
from ..output.diagnosis.findings import more_files_text
from ..routing.decide import decide
from ..routing.project import project
from ..state.store import State
from ..sync import dry_run_on
from .cross_check import engine_check, netifaces_check
from .service_unit import unit_state
from .status import is_overdue, is_unread, service_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..evidence.document_file import Tell
    from ..model.configuration import Rewritten
    from ..model.decision import Binding
    from ..model.network import KernelState, Nic
    from ..model.report import Report
    from ..model.settings import Settings

SHOWN = 12
"""So many files that are not used are findings of their own."""
ASK_SECONDS = 5.0
"""How long the metadata service gets to answer through each NIC."""


def inspect(
    settings: Settings,
    state: State,
    kernel: Kernel,
    metadata_argument: str,
    tell: Tell,
    proc: str = "/proc",
    root: str = "/",
    settings_problems: tuple[str, ...] = (),
    settings_hidden: bool = False,
    file_settings: Settings | None = None,
) -> Inspection:
    """Everything that can be seen without changing anything.

    Args:
        settings_problems: what is wrong in the settings, which are used without it.
        settings_hidden: that is only that this user may not read them.
        file_settings: those of the files, without options; None where they can't be used.

    Raises:
        KernelError: the kernel can't be asked.
    """
    found = _find(settings, state, kernel, metadata_argument, tell)
    before = snapshot(settings, state, kernel)
    report, no_metadata = _dry_run(found, settings, state, kernel, before)
    rewritten = _rewritten(settings, report) if report else None
    leases = _leases(settings, state, before.nics, report)
    files = ManagerFiles()
    views = _with_answers(_views(settings, before.nics, report, leases, files, tell, proc), settings, kernel, report)
    service, runs, damaged = service_of(state)
    refused = (*damaged, *state.problems, *leases.problems, *files.problems, *refused_copies())
    return Inspection(
        views,
        report,
        no_metadata,
        running(proc),
        rewritten.correction if rewritten else None,
        (netifaces_check(before.nics), engine_check(before.routes, settings.table, settings.engine)),
        _has("route"),
        (*_first(tuple(dict.fromkeys(refused))), *(rewritten.errors if rewritten else ())),
        settings_problems,
        settings_hidden,
        service,
        runs,
        unit_state(root),
        state.is_withdrawn(),
        asks_http=not metadata_argument and "http" in settings.sources,
        enabled=settings.enabled,
        settings_unread=is_unread(service, runs, file_settings),
        service_overdue=is_overdue(service, runs),
    )


def _first(problems: Sequence[Problem]) -> Sequence[Problem]:
    """The first files that are not used, and how many more there are: whoever can make one can make thousands."""
    if len(problems) <= SHOWN + 1:
        return problems
    return (*problems[:SHOWN], Problem(problems[SHOWN].place, more_files_text(len(problems) - SHOWN - 1)))


def _find(settings: Settings, state: State, kernel: Kernel, metadata_argument: str, tell: Tell) -> Document | str:
    """The document, or why there is none."""
    try:
        return find(settings, kernel.nics, state, metadata_argument, tell)
    except GuestRoutesError as error:
        return str(error)


def _dry_run(
    found: Document | str, settings: Settings, state: State, kernel: Kernel, before: KernelState
) -> tuple[Report | None, str]:
    """A pass that writes nothing, or why there is none."""
    if isinstance(found, str):
        return None, found
    try:
        return dry_run_on(found, settings, state, kernel, before), ""
    except GuestRoutesError as error:
        return None, str(error)


def _leases(settings: Settings, state: State, nics: Sequence[Nic], report: Report | None) -> LeaseSet:
    """The leases of all NICs: those that the pass went by, and those that it needed not."""
    gathered = (report.evidence.leases if report else None) or LeaseSet()
    others = [nic for nic in nics if gathered.of(nic.ifindex) is None]
    further = leases_of(others, settings, state.root) or LeaseSet()
    return LeaseSet((*gathered.leases, *further.leases), (*gathered.problems, *further.problems), gathered.now)


def _views(
    settings: Settings,
    nics: Sequence[Nic],
    report: Report | None,
    found: LeaseSet,
    files: ManagerFiles,
    tell: Tell,
    proc: str,
) -> tuple[NicView, ...]:
    """Every NIC that has a MAC."""
    answers = _ask(settings, nics, tell)
    held, documented = holders(nics, files), _bindings_by_nic(report)
    leases = {lease.ifindex: lease for lease in found.leases}
    views = []
    for nic in nics:
        if not any(nic.mac):
            continue
        own = tuple(one for one in held if one.ifindex == nic.ifindex)
        view = NicView(
            nic=nic,
            bindings=documented.get(nic.ifindex, ()),
            holders=own,
            lease=leases.get(nic.ifindex),
            metadata=answers.get(nic.ifindex),
            rp_filter=_rp_filter(nic.name, proc),
            takes_routes=any(takes_default_route(one, files) for one in own),
            ignored=is_ignored(nic, settings.ignore_nics),
        )
        views.append(view)
    return tuple(views)


def _with_answers(
    views: tuple[NicView, ...], settings: Settings, kernel: Kernel, report: Report | None
) -> tuple[NicView, ...]:
    """The same, each with where answers from its addresses leave; without a report nothing is known of gateways."""
    if report is None:
        return views
    from .source_answers import source_answers

    asked = source_answers(report, settings, kernel)
    return tuple(view._replace(answers=asked.get(view.nic.ifindex, ())) for view in views)


def _bindings_by_nic(report: Report | None) -> dict[int, tuple[Binding, ...]]:
    found: dict[int, tuple[Binding, ...]] = {}
    for binding in report.resolution.bindings if report else ():
        if binding.nic is not None:
            found[binding.nic.ifindex] = (*found.get(binding.nic.ifindex, ()), binding)
    return found


def _ask(settings: Settings, nics: Sequence[Nic], tell: Tell) -> dict[int, Provenance | str]:
    """Where the metadata service answers through each NIC, or why it doesn't; all asked at once."""
    from concurrent.futures import ThreadPoolExecutor

    from ..evidence.http import fetch
    from ..evidence.http_endpoints import usable_nics

    brief = settings._replace(deadline_seconds=min(settings.deadline_seconds, ASK_SECONDS))

    def asked(nic: Nic) -> Provenance | str:
        got = fetch(settings.metadata_urls, brief, lambda: (nic,), tell_nobody)
        return got.provenance if isinstance(got, Document) else got

    usable = usable_nics(nics, settings.ignore_nics)
    if not usable:
        return {}
    tell(Progress("each-nic"))
    with ThreadPoolExecutor(len(usable)) as pool:
        return {nic.ifindex: got for nic, got in zip(usable, pool.map(asked, usable))}


def _rewritten(settings: Settings, report: Report) -> Rewritten:
    """What `correct` would do, by the evidence of the pass."""
    return rewrite(settings, lambda: decide(project(report.evidence, settings), settings), write=False)


def _rp_filter(name: str, proc: str) -> int:
    """The larger of `all` and the NIC's own counts. Source: kernel, networking/ip-sysctl, rp_filter."""
    values = []
    for key in ("all", name):
        try:
            with open(f"{proc}/sys/net/ipv4/conf/{key}/rp_filter") as file:
                values.append(int(file.read()))
        except (OSError, ValueError):
            continue  # A NIC that has just gone, or a kernel without IPv4.
    return max(values, default=0)


def _has(program: str) -> bool:
    from shutil import which

    return which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is not None
