"""A pass in short: its last line for people, and what it leaves for `status`. Pure.

All of a pass that changes nothing and has nothing to say; whatever else there is to show is report.py's and
json_documents.py's.
"""

from __future__ import annotations

from ..model.operations import Delete, Promote, RemoveForeignDefault, RestoreDefault
from ..model.report import KEPT_TEXTS
from .route_text import age_text, counted, route_text
from .words.evidence import provenance_text
from .words.warnings import warning_texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence, TypeAlias

    from ..model.decision import Override
    from ..model.network import Nic
    from ..model.operations import Operation
    from ..model.plan import Suspicion
    from ..model.report import PassError, Report, Unprogrammed
    from ..model.source_routing import SourceConflict, SourceRoutingPlan

Json: TypeAlias = "dict[str, Any]"


def source_line(report: Report) -> str:
    """Where the document is from and how old it is."""
    return f"metadata: {provenance_text(report.document.provenance)}, {age_text(report.document.age_seconds)}"


def source_lines(report: Report) -> list[str]:
    """The same, and the leases that are used where it omits routes."""
    lines, leases = [source_line(report)], report.evidence.leases
    if leases is None:
        return lines
    from .folding import wrapped

    for lease in leases.leases:
        age = "expired " + age_text(leases.now - (lease.expires or 0)) if lease.expired(leases.now) else ""
        age = age or age_text(leases.now - lease.obtained)
        lines += wrapped(f"lease:    {lease.nic}, {lease.client}, {age} ({lease.path})", 10, 0)
    return lines


def evidence_lines(report: Report) -> list[str]:
    """The same with the leases that can't be used, for a command that shows no warnings."""
    from .folding import first_of, wrapped

    leases = report.evidence.leases
    unused = first_of(list(map(str, leases.problems)), "leases") if leases else []
    return [*source_lines(report), *(line for one in unused for line in wrapped(f"unused:   {one}", 10, 0))]


def is_remarkable(report: Report) -> bool:
    """Whether there is more to show than the summary: changes, or routes that are not as the document has them."""
    plan = report.plan
    odd = report.unprogrammed or plan.held or plan.copies or report.resolution.overrides or report.source_conflicts
    one_too_many = any(one.verdict == "observed" or (one.extras and not one.removals) for one in plan.defaults)
    return bool(report.changes or odd or one_too_many)


def short_lines(report: Report, written: bool = True) -> list[str]:
    """A pass of which there is no more to show."""
    return [summary(report, written), *source_lines(report)]


def summary(report: Report, written: bool = True) -> str:
    """The last line: what was done, in numbers."""
    if report.outcome.failures:
        return f"failed: {len(report.outcome.failures):,} of {counted(report.changes, 'change')} refused by the kernel"
    if report.errors or report.source_routing_failed:
        return "failed; above is what was planned"
    if report.exit_code == 4:
        return "nothing done: the document has no networks"
    placed = _placed(report)
    parts = [f"{counted(placed, 'route')} in place"] if placed or not report.changes else []
    staying = sum(len(one.unwritable) for one in report.plan.defaults)
    if missed := len(report.unprogrammed) - staying:
        parts.append(f"{missed:,} not programmed")
    if staying:
        parts.append(f"{counted(staying, 'default')} too many")
    if report.decision.source_routing is not None:
        parts += _by_source(report.decision.source_routing)
    if report.state_errors:
        parts.append("not all of it recorded")
    if not report.changes:
        return f"nothing to {'do' if written else 'change'}: " + ", ".join(parts)
    return ("done, verified: " if written else "would change: ") + ", ".join(_moved(report, written) + parts)


def _by_source(plan: SourceRoutingPlan) -> list[str]:
    """Source routing's part, where there is one."""
    if plan.operations:
        return [f"{counted(len(plan.operations), 'change')} for source routing"]
    nics = len({table.nic.ifindex for table in plan.tables})
    return [f"source routing by {counted(nics, 'NIC')}"] if nics else []


def _placed(report: Report) -> int:
    """So many routes were in place before the pass."""
    plan = report.plan
    in_place = ("kept", "adopted")
    routes = sum(number for verdict, number in plan.verdicts.items() if verdict in in_place)
    return routes + sum(one.verdict in in_place and one.route is not None for one in plan.defaults)


def _moved(report: Report, written: bool) -> list[str]:
    kinds = list(map(type, report.plan.additions))
    added = len(kinds) - kinds.count(RestoreDefault) - kinds.count(Promote)
    removed = len(report.plan.removals)
    moved = [f"{added:,} added" if written else f"{added:,} to add"] if added else []
    return moved + ([f"{removed:,} removed" if written else f"{removed:,} to remove"] if removed else [])


def is_removal(operation: Operation) -> bool:
    """Whether it removes a route."""
    return isinstance(operation, (Delete, RemoveForeignDefault))


def verb_of(operation: Operation) -> str:
    """What an operation did."""
    return "removed" if is_removal(operation) else "added"


# ---- what `status` shows of it ---------------------------------------------------------------------------


def last_pass_json(report: Report, finished: float) -> Json:
    """What a pass leaves for `status`: a summary, whatever the number of routes."""
    nics = report.after.nics
    unprogrammed = report.unprogrammed
    return {
        "finished": finished,
        "exit_code": report.exit_code,
        "table": report.table,
        "protocol": report.protocol,
        "metadata": metadata_json(report),
        "defaults": [route_text(one.serving, nics) for one in report.plan.defaults if one.serving],
        "routes": report.plan.verdicts,
        "changes": report.changes,
        "unprogrammed": unprogrammed_texts(unprogrammed[:KEPT_TEXTS], nics),
        "unprogrammed_count": len(unprogrammed),
        "overrides": _overrides(report.resolution.overrides[:KEPT_TEXTS]),
        "leases": leases_json(report),
        "warnings": warning_texts(report, left=False)[:KEPT_TEXTS],  # `status` looks for itself what is left.
        "source_routing": None if report.decision.source_routing is None else _source_summary(report),
        "errors": [
            *errors_texts(report.errors, nics),
            *(f"{one.operation.route.destination}: {one.text}" for one in report.outcome.failures[:KEPT_TEXTS]),
        ],
    }


def metadata_json(report: Report) -> Json:
    """Where the document came from."""
    one = report.document
    return {
        "source": one.source,
        "where": provenance_text(one.provenance),
        "age_seconds": round(one.age_seconds, 3),
        "uuid": one.uuid,
    }


def unprogrammed_texts(missed: Sequence[Unprogrammed], nics: Sequence[Nic]) -> list[str]:
    """What is not in effect, each with its reason. Where all is well, no words are imported."""
    if not missed:
        return []
    from .words.outcomes import unprogrammed_text

    return [unprogrammed_text(one, nics) for one in missed]


def _overrides(overrides: Sequence[Override]) -> list[str]:
    if not overrides:
        return []
    from .words.reasons import override_text

    return [override_text(one) for one in overrides]


def partial_text(suspicion: Suspicion | None) -> str:
    """Why a document may be partial (R6); "" where it is whole."""
    if suspicion is None:
        return ""
    from .words.outcomes import suspicion_text

    return suspicion_text(suspicion)


def errors_texts(errors: Sequence[PassError], nics: Sequence[Nic]) -> list[str]:
    if not errors:
        return []
    from .words.outcomes import pass_error_text

    return [pass_error_text(one, nics) for one in errors]


def _source_summary(report: Report) -> Json:
    """Source routing in what a pass leaves for `status`."""
    plan, nics = report.decision.source_routing, report.after.nics
    errors: list[str] = []
    if report.source_outcome is not None:
        from .source_routing import source_error_texts

        errors += source_error_texts(report)
    return {
        "nics": list(dict.fromkeys(one.nic.name for one in plan.tables)) if plan else [],
        "conflicts": _conflict_texts(report.source_conflicts[:KEPT_TEXTS], nics),
        "errors": errors[:KEPT_TEXTS],
    }


def _conflict_texts(conflicts: Sequence[SourceConflict], nics: Sequence[Nic]) -> list[str]:
    if not conflicts:
        return []
    from .source_routing import conflict_text

    return [conflict_text(one, nics) for one in conflicts]


def leases_json(report: Report) -> list[Json]:
    """The DHCP leases that a pass went by."""
    leases = report.evidence.leases
    if leases is None:
        return []
    return [
        {
            "nic": lease.nic,
            "client": lease.client,
            "path": lease.path,
            "obtained": lease.obtained,
            "expires": lease.expires,
            "expired": lease.expired(leases.now),
            "tells_routes": lease.tells_routes,
        }
        for lease in leases.leases
    ]
