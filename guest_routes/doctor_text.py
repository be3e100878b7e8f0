"""`doctor` for people, at 80 columns, and as JSON. Pure."""

from __future__ import annotations

from .elect import Elected
from .findings import Finding, NicView, Seen, findings, gateway_lines
from .model import address_text, mac_text
from .render import age_text, counted
from .text import wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LABEL = 13
"""Columns before what a line says."""


def doctor_lines(seen: Seen) -> list[str]:
    """The machine, NIC by NIC, and then each finding with what to do."""
    report = seen.report
    lines: list[str] = []
    if report is not None:
        lines += _labelled("metadata", f"{report.document.where}, {age_text(report.document.age_seconds)}")
        for one in report.elections:
            if isinstance(one, Elected):
                lines += _labelled(
                    "default", f"IPv{one.family} {address_text(one.gateway)} dev {one.nic.name}: {one.because}"
                )
    else:
        lines += _labelled("metadata", "none; see below")
    lines += _labelled("running", ", ".join(seen.running) or "no network manager or DHCP client that is known here")
    for view in seen.nics:
        lines += ["", *_nic(view)]
    told = [f"{one.library} reads the same {one.what}" for one in seen.opinions if one.what and not one.differs]
    missing = [one.library for one in seen.opinions if not one.what]
    lines.append("")
    if told:
        lines += _labelled("agreed", "; ".join(told))
    if missing:
        lines += _labelled("not asked", f"{' and '.join(missing)}, for a second opinion: not installed")
    found = findings(seen)
    lines += ["", f"{counted(len(found), 'finding')}:" if found else "nothing found"]
    for finding in found:
        lines += wrapped(f"! {finding.what}", 2, 0)
        lines += wrapped(f"-> {finding.remedy}", 9, 6)
    return lines


def _nic(view: NicView) -> list[str]:
    nic = view.nic
    state = "" if nic.up and nic.running else "no carrier" if nic.up else "down"
    addresses = " ".join(str(a) for a in nic.addresses if a.address[:2] != b"\xfe\x80") or "no address"
    lines = [f"{nic.name.ljust(LABEL - 1)} {mac_text(nic.mac)}  {addresses}{'  ' + state if state else ''}"]
    if not view.bindings:
        lines += _labelled("  gateway", "the metadata doesn't describe this NIC")
    for text in gateway_lines(view):
        lines += _labelled("  gateway", text)
    for one in view.holders:
        words = [one.manager, *([one.state] if one.state else []), *([f"by {one.file}"] if one.file else [])]
        lines += _labelled("  manager", " ".join(words))
    if not view.holders:
        lines += _labelled("  manager", "none that says so")
    if view.lease is not None:
        routers = ", ".join(map(address_text, view.lease.routers)) or "none"
        lines += _labelled(
            "  lease", f"{address_text(view.lease.address)}, router {routers} ({view.lease.client}, {view.lease.path})"
        )
    lines += _labelled("  metadata", view.metadata or "not asked: down, or a port of another NIC")
    return lines


def _labelled(label: str, text: str) -> list[str]:
    first, *rest = wrapped(text, LABEL) or [""]
    return [label.ljust(LABEL) + first.strip(), *rest]


def doctor_json(seen: Seen) -> dict[str, Any]:
    """`doctor --json`."""
    found = findings(seen)
    report = seen.report
    return {
        "schema": "guest-routes/doctor/1",
        "exit_code": exit_code(found),
        "metadata": report.document.where if report else None,
        "no_metadata": seen.no_metadata,
        "running": list(seen.running),
        "defaults": [
            {"family": one.family, "nic": one.nic.name, "gateway": address_text(one.gateway), "because": one.because}
            for one in (report.elections if report else ())
            if isinstance(one, Elected)
        ],
        "nics": [_nic_json(view) for view in seen.nics],
        "opinions": [
            {"library": one.library, "installed": bool(one.what), "differs": list(one.differs)} for one in seen.opinions
        ],
        "findings": [one._asdict() for one in found],
    }


def _nic_json(view: NicView) -> dict[str, Any]:
    return {
        "name": view.nic.name,
        "mac": mac_text(view.nic.mac),
        "up": view.nic.up,
        "addresses": [str(address) for address in view.nic.addresses],
        "gateways": [
            {
                "family": binding.family,
                "gateway": address_text(binding.gateway) if binding.gateway else None,
                "evidence": binding.evidence,
            }
            for binding in view.bindings
        ],
        "managers": [{"manager": one.manager, "state": one.state, "file": one.file} for one in view.holders],
        "lease": view.lease.place if view.lease else None,
        "metadata_answers": view.answers,
        "metadata": view.metadata,
        "rp_filter": view.rp_filter,
    }


def exit_code(found: tuple[Finding, ...]) -> int:
    """0: nothing found; 1: something to do."""
    return 1 if found else 0
