"""The `--json` documents; their schemas are docs/schema/*.json. Pure: values in, plain JSON values out."""

from __future__ import annotations

from .model import Failure, Nic, Operation, Route, address_text
from .render import route_text
from .resolve import BY_CHOICE, Conflict, Unresolved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence, TypeAlias

    from .explain import Explanation
    from .report import Report
    from .withdraw import Withdrawal


Json: TypeAlias = "dict[str, Any]"


def report_json(report: Report, command: str) -> Json:
    """`sync` and `plan`."""
    nics = report.before.nics
    return {
        "schema": f"guest-routes/{command}/1",
        "exit_code": report.exit_code,
        "metadata": metadata_json(report),
        "defaults": [
            {
                "family": one.family,
                "verdict": one.verdict,
                "route": _text(one.route, nics),
                "because": one.because,
                "extras": [route_text(route, nics) for route in one.extras],
                "outside": [route_text(route, nics) for route in one.outside],
                "reason": one.reason,
            }
            for one in report.plan.defaults
        ],
        "routes": [
            {
                "verdict": one.verdict,
                "route": route_text(one.route, nics),
                "destination": str(one.route.destination),
                "next_hop": address_text(one.resolved.host.next_hop),
                "nic": one.resolved.way.nic.name,
                "source": one.resolved.host.origin,
                "place": one.resolved.host.place,
                "because": str(one.resolved),
                "rival": _text(one.rival, nics),
            }
            for one in report.plan.decisions
        ],
        "unresolved": [unresolved_json(one) for one in report.resolution.unresolved],
        "conflicts": [_conflict_json(one) for one in report.resolution.conflicts],
        "leases": _leases(report),
        "complaints": [one._asdict() for one in report.data.complaints],
        "notes": [str(one) for one in report.resolution.notes],
        "changes": [operation_json(operation, nics) for operation in report.plan.operations],
        "held": [route_text(route, nics) for route in report.plan.held],
        "failures": _failures(report.outcome.failures, nics),
        "unprogrammed": list(report.unprogrammed),
        "warnings": list(report.warnings),
        "errors": list(report.errors),
    }


def metadata_json(report: Report) -> Json:
    """Where the document came from."""
    one = report.document
    return {"source": one.source, "where": one.where, "age_seconds": round(one.age_seconds, 3), "uuid": one.uuid}


def status_json(report: Report, finished: float) -> Json:
    """What a pass leaves for `status`: a summary, whatever the number of routes."""
    nics = report.after.nics
    verdicts: dict[str, int] = {}
    for one in report.plan.decisions:
        verdicts[one.verdict] = verdicts.get(one.verdict, 0) + 1
    unprogrammed = report.unprogrammed
    return {
        "finished": finished,
        "exit_code": report.exit_code,
        "metadata": metadata_json(report),
        "defaults": [route_text(one.route, nics) for one in report.plan.defaults if one.route],
        "routes": verdicts,
        "changes": report.changes,
        "unprogrammed": list(unprogrammed[:20]),
        "unprogrammed_count": len(unprogrammed),
        "conflicts": [str(one) for one in report.resolution.conflicts[:20]],
        "leases": _leases(report),
        "warnings": list(report.warnings[:20]),
        "errors": [
            *report.errors,
            *(f"{one.operation.route.destination}: {one.text}" for one in report.outcome.failures[:20]),
        ],
    }


def operation_json(operation: Operation, nics: Sequence[Nic]) -> Json:
    """One operation: what it is called, the route, and its because."""
    names = {
        "Add": "add",
        "Delete": "delete",
        "Front": "move-first",
        "TakeDefault": "take-default",
        "GiveDefault": "give-default",
    }
    because = str(operation.because)
    return {
        "operation": names[type(operation).__name__],
        "route": route_text(operation.route, nics),
        "because": because,
    }


def unresolved_json(one: Unresolved) -> Json:
    """A host route without a NIC."""
    return {
        "destination": str(one.host.destination),
        "next_hop": address_text(one.host.next_hop),
        "source": one.host.origin,
        "place": one.host.place,
        "kind": one.kind,
        "by_choice": one.kind in BY_CHOICE,
        "reason": one.reason,
    }


def _conflict_json(one: Conflict) -> Json:
    """Two host routes to one destination, of which one is used."""
    return {
        "destination": str(one.host.destination),
        "chosen": {
            "next_hop": address_text(one.chosen.next_hop),
            "source": one.chosen.origin,
            "place": one.chosen.place,
        },
        "other": {"next_hop": address_text(one.host.next_hop), "source": one.host.origin, "place": one.host.place},
        "rule": one.rule,
    }


def _leases(report: Report) -> list[Json]:
    """The DHCP leases that a pass went by."""
    told = report.beside.told
    if told is None:
        return []
    return [
        {
            "nic": lease.nic,
            "client": lease.client,
            "path": lease.path,
            "obtained": lease.obtained,
            "expires": lease.expires,
            "expired": lease.expired(told.now),
            "tells_routes": lease.tells_routes,
        }
        for lease in told.leases
    ]


def explanation_json(one: Explanation) -> Json:
    """`explain`."""
    nics = one.report.before.nics
    decision = one.decision if one.nearer is None else None
    default = one.default if one.nearer is None else None
    return {
        "schema": "guest-routes/explain/1",
        "exit_code": 0,
        "asked": str(one.asked),
        "route": _text(one.route, nics),
        "nic": next((nic.name for nic in nics if one.route and nic.ifindex == one.route.ifindex), None),
        "host_route": str(decision.resolved.host) if decision else None,
        "place": decision.resolved.host.place if decision else None,
        "because": one.because,
        "verdict": decision.verdict if decision else default.verdict if default else "nearer" if one.nearer else "none",
        "unresolved": [unresolved_json(missed) for missed in one.unresolved],
        "kernel": {
            "nic": next((nic.name for nic in nics if nic.ifindex == one.answer.ifindex), None),
            "gateway": address_text(one.answer.gateway) if one.answer.gateway else None,
            "table": one.answer.table,
            "error": one.answer.error,
        },
        "as_wanted": one.as_wanted,
        "metadata": metadata_json(one.report),
    }


def withdrawal_json(done: Withdrawal) -> Json:
    """`withdraw`."""
    nics = done.before.nics
    return {
        "schema": "guest-routes/withdraw/1",
        "exit_code": done.exit_code,
        "changes": [operation_json(operation, nics) for operation in done.plan.operations],
        "failures": _failures(done.outcome.failures, nics),
        "warnings": list(done.warnings),
    }


def _text(route: Route | None, nics: Sequence[Nic]) -> str | None:
    return None if route is None else route_text(route, nics)


def _failures(failures: Sequence[Failure], nics: Sequence[Nic]) -> list[Json]:
    return [{"route": route_text(one.operation.route, nics), "errno": one.errno, "error": one.text} for one in failures]
