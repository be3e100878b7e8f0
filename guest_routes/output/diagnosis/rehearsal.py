"""`rehearse` for people and as JSON. Pure."""

from __future__ import annotations

from ...model.network import mac_text
from ..folding import first_of, wrapped
from ..json_documents import report_json
from ..report import failure_text, report_lines
from ..route_text import route_json, route_text, table_routes, table_text
from ..words.outcomes import pass_error_text
from ..words.warnings import warning_texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence

    from ...model.network import KernelState, Nic
    from ...model.report import NotMade, Rehearsal


def rehearsal_lines(done: Rehearsal, verbose: bool = False) -> list[str]:
    """The NICs, the table before, the pass, the table after."""
    report, nics = done.report, done.report.before.nics
    failures = [failure_text(failure, nics) for failure in report.outcome.failures]
    errors = [pass_error_text(error, nics) for error in report.errors]
    failed = first_of([*failures, *errors], "failures")
    notes = [not_made_text(note, nics) for note in done.notes]
    return [
        "A private network with the document's NICs:",
        *(f"  {nic.name} {mac_text(nic.mac)} {' '.join(map(str, nic.addresses))}".rstrip() for nic in nics),
        "",
        "Before the pass, as cloud-init configures it:",
        *(f"  {line}" for line in _table(done.before) or ["(no routes)"]),
        *(line for text in first_of(notes, "things") for line in wrapped(f"({text})", 3, 2)),
        "",
        "The pass:",
        *report_lines(report, verbose),
        *(line for text in (*warning_texts(report), *failed) for line in wrapped(text, 4, 0)),
        "",
        "After the pass:",
        *(f"  {line}" for line in _table(done.after) or ["(no routes)"]),
    ]


def rehearsal_json(done: Rehearsal) -> dict[str, Any]:
    """`rehearse --json`."""
    return {
        **report_json(done.report, "rehearse"),
        "before": _table_json(done.before),
        "after": _table_json(done.after),
        "not_made": [not_made_text(note, done.before.nics) for note in done.notes],
    }


def too_large_text(links: int, networks: int, most_links: int, most_networks: int) -> str:
    """Why a document is not rehearsed."""
    has = f"the document has {links:,} links and {networks:,} networks, and rehearse makes at most {most_links} and"
    return f"{has} {most_networks}; `guest-routes plan --metadata FILE` shows the pass on this machine's NICs"


def not_made_text(one: NotMade, nics: Sequence[Nic]) -> str:
    """What the private network has otherwise than the document, and why."""
    if one.kind == "no-carrier":
        return f"{one.nic} has no carrier"
    if one.kind in ("port-missing", "kind-refused"):
        why = one.error or f"the document has no link {one.link!a}"
        return f"{one.place}: a plain NIC with its MAC stands in for {one.nic}: {why}"
    if one.kind == "infiniband":
        return f"{one.place}: a plain NIC with the MAC {mac_text(one.mac)} stands in for {one.nic}: it is InfiniBand"
    if one.kind == "mac-refused":
        return f"{one.place}: it has no NIC: the kernel refuses the MAC {mac_text(one.mac)}: {one.error}"
    if one.route is not None:
        return f"{one.place}: the kernel refuses {route_text(one.route, nics)}: {one.error}"
    what = {
        "link-missing": f"it has no NIC, since the document has no link {one.link!a}"
        if one.link
        else "it has no NIC, since it names no link that can be used",
        "link-refused": "it has no NIC, since the kernel refuses its link's MAC",
        "no-address": "its NIC gets no address, since the document has none",
        "address-refused": f"the kernel refuses the address {one.address}: {one.error}",
    }[one.kind]
    return f"{one.place}: {what}"


def _table(state: KernelState) -> list[str]:
    return table_text(state.routes, state.nics).splitlines()


def _table_json(state: KernelState) -> list[dict[str, Any]]:
    return [route_json(route, state.nics) for route in table_routes(state.routes)]
