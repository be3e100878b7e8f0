"""The `--json` documents; their schemas are docs/schema/*.json. Pure: values in, plain JSON values out."""

from __future__ import annotations

from ..model.decision import BY_CHOICE, Note, NotElected, Override, Unresolved
from ..model.network import Nic, address_text
from ..model.network_data import Problem
from ..model.operations import Failure, Operation
from ..model.plan import PlannedDefault, PlannedRoute, StayingRoute
from .notices import source_left_texts
from .report import left_texts, not_restored_texts
from .route_text import route_json
from .summary import errors_texts, leases_json, metadata_json, unprogrammed_texts
from .words.warnings import warning_texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence, TypeAlias

    from ..model.decision import Election
    from ..model.evidence import GatewayEvidence
    from ..model.report import Report, Withdrawal


Json: TypeAlias = "dict[str, Any]"


def report_json(report: Report, command: str) -> Json:
    """`sync` and `plan`."""
    from .words.reasons import note_parts

    nics = report.before.nics
    notes: list[Note | Problem] = [*report.evidence.notes, *report.resolution.notes]
    return {
        "schema": f"guest-routes/{command}/1",
        "exit_code": report.exit_code,
        "metadata": metadata_json(report),
        "defaults": [_default_json(one, nics) for one in report.plan.defaults],
        "routes": [_route_json(one, nics) for one in report.plan.routes],
        "unresolved": [unresolved_json(one) for one in report.resolution.unresolved],
        "overrides": [_override_json(one) for one in report.resolution.overrides],
        "leases": leases_json(report),
        "problems": [
            {"place": one.place, "text": one.text, "refused": one.refused} for one in report.evidence.problems
        ],
        "notes": [": ".join(note_parts(one)) for one in notes],
        "changes": [operation_json(operation, nics) for operation in report.plan.operations],
        "held": [route_json(route, nics) for route in report.plan.held],
        "staying": [_staying_json(one, nics) for one in report.plan.staying],
        "failures": _failures(report.outcome.failures, nics),
        "unprogrammed": unprogrammed_texts(report.unprogrammed, nics),
        "source_routing": None if report.decision.source_routing is None else _by_source(report),
        "warnings": warning_texts(report),
        "errors": errors_texts(report.errors, nics),
    }


def _by_source(report: Report) -> Json | None:
    from .source_routing import report_source_json

    return report_source_json(report)


def _default_json(one: PlannedDefault, nics: Sequence[Nic]) -> Json:
    """What becomes of one family's default routes."""
    from .words.elections import election_reason

    return {
        "family": one.family,
        "verdict": one.verdict,
        "route": one.route and route_json(one.route, nics),
        "reason": election_reason(one.election),
        "evidence": _evidence_json(_evidence_of(one.election)),
        "extras": [route_json(route, nics) for route in (*one.extras, *one.unwritable)],
        "outside": [route_json(route, nics) for route in one.outside],
    }


def _evidence_of(election: Election) -> GatewayEvidence | None:
    """Why the elected gateway is known."""
    if isinstance(election, NotElected):
        return None
    if election.named is not None or election.binding is None:
        return election.named.next_hop.evidence if election.named is not None else None
    return election.binding.instead or election.binding.evidence


def _evidence_json(known: GatewayEvidence | None) -> Json | None:
    from .words.evidence import evidence_text

    return {"kind": known.kind, "text": evidence_text(known)} if known is not None else None


def _route_json(one: PlannedRoute, nics: Sequence[Nic]) -> Json:
    """What becomes of one resolved host route."""
    from .words.reasons import resolved_reason

    return {
        "verdict": one.verdict,
        "route": route_json(one.route, nics),
        "destination": str(one.route.destination),
        "next_hop": address_text(one.resolved.host.next_hop),
        "nic": one.resolved.next_hop.nic.name,
        "source": one.resolved.host.origin,
        "place": one.resolved.host.place,
        "reason": resolved_reason(one.resolved),
        "evidence": _evidence_json(one.resolved.next_hop.evidence),
        "competitor": one.competitor and route_json(one.competitor, nics),
    }


def _staying_json(one: StayingRoute, nics: Sequence[Nic]) -> Json:
    """A route of ours that stays though no host route for it is resolved."""
    from .words.outcomes import staying_cause

    return {"route": route_json(one.route, nics), "reason": staying_cause(one)}


def operation_json(operation: Operation, nics: Sequence[Nic]) -> Json:
    """One operation: what it is called, the route, and the reason."""
    from .words.outcomes import operation_reason

    names = {
        "Add": "add",
        "Delete": "delete",
        "Promote": "promote",
        "RemoveForeignDefault": "remove-foreign-default",
        "RestoreDefault": "restore-default",
        "MoveDefault": "move-default",
    }
    name = names[type(operation).__name__]
    if not operation.route.destination.is_default:  # Of other programs' routes a copy (R20).
        name = {"remove-foreign-default": "remove-copy", "restore-default": "restore-copy"}.get(name, name)
    return {
        "operation": name,
        "route": route_json(operation.route, nics),
        "reason": operation_reason(operation),
    }


def unresolved_json(one: Unresolved) -> Json:
    """A host route without a NIC."""
    from .words.reasons import unresolved_reason

    return {
        "destination": str(one.host.destination),
        "next_hop": address_text(one.host.next_hop),
        "source": one.host.origin,
        "place": one.host.place,
        "kind": one.kind,
        "by_choice": one.kind in BY_CHOICE,
        "reason": unresolved_reason(one),
    }


def _override_json(one: Override) -> Json:
    """Two host routes to one destination, of which one is used."""
    from .words.reasons import override_rule

    return {
        "destination": str(one.host.destination),
        "chosen": {
            "next_hop": address_text(one.chosen.next_hop),
            "source": one.chosen.origin,
            "place": one.chosen.place,
        },
        "other": {"next_hop": address_text(one.host.next_hop), "source": one.host.origin, "place": one.host.place},
        "rule": override_rule(one),
    }


def withdrawal_json(done: Withdrawal) -> Json:
    """`withdraw`."""
    nics = done.before.nics
    return {
        "schema": "guest-routes/withdraw/1",
        "exit_code": done.exit_code,
        "changes": [operation_json(operation, nics) for operation in done.outcome.done],
        "failures": _failures(done.outcome.failures, nics),
        "source_routing": _withdrawn_json(done),
        "warnings": [*left_texts(done), *source_left_texts(done), *not_restored_texts(done)],
    }


def _withdrawn_json(done: Withdrawal) -> Json | None:
    """The rules and routes of source routing that were taken away."""
    outcome, nics = done.source_outcome, done.before.nics
    if outcome is None:
        return None
    from .source_routing import source_failure_text, source_text

    return {
        "removed": [source_text(one, nics) for one in outcome.done],
        "errors": [source_failure_text(one, nics) for one in outcome.failures],
    }


def _failures(failures: Sequence[Failure], nics: Sequence[Nic]) -> list[Json]:
    return [{"route": route_json(one.operation.route, nics), "errno": one.errno, "error": one.text} for one in failures]
