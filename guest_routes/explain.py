"""Why an address goes the way it goes: the NIC, the rule, the line of metadata, and what the kernel does. Pure."""

from __future__ import annotations

import json
from typing import List, NamedTuple, Optional, Tuple

from .model import HostRoute, Lookup, Nic, Prefix, Route, address_text, contains, family_of, mac_text
from .plan import Decision
from .plan_default import Default
from .render import route_text
from .resolve import Unresolved
from .sync import Report
from .text import kernel_line, source_line, wrapped


class Explanation(NamedTuple):
    """Everything a pass decided about one address or prefix."""

    asked: Prefix
    decision: Optional[Decision]
    """The host route that serves it: the longest prefix that covers it."""
    unresolved: Tuple[Unresolved, ...]
    """Host routes that cover it and are not programmed."""
    answer: Lookup
    """The kernel's own way now."""
    report: Report

    @property
    def default(self) -> Optional[Default]:
        """The default route of its family."""
        family = family_of(self.asked.address)
        return next((one for one in self.report.plan.defaults if one.family == family and one.route), None)

    @property
    def route(self) -> Optional[Route]:
        """The route that is to serve it; None when that is not ours to say."""
        if self.decision is not None:
            return self.decision.route
        return self.default.route if self.default else None

    @property
    def as_wanted(self) -> bool:
        """Whether the kernel sends it the way that was decided."""
        route = self.route
        return route is not None and (self.answer.ifindex, self.answer.gateway) == (route.ifindex, route.gateway)


def explain(asked: Prefix, report: Report, answer: Lookup) -> Explanation:
    """What a pass decided about an address (a prefix of its whole length) or prefix."""
    covering = [one for one in report.plan.decisions if _covers(one.route.destination, asked)]
    decision = max(covering, key=lambda one: one.route.destination.length, default=None)
    missed = tuple(one for one in report.resolution.unresolved if _covers(one.host.destination, asked))
    return Explanation(asked, decision, missed, answer, report)


def _covers(prefix: Prefix, asked: Prefix) -> bool:
    return prefix.length <= asked.length and contains(prefix, asked.address)


def explanation_lines(one: Explanation) -> List[str]:
    """The explanation for people, at 80 columns."""
    nics = one.report.before.nics
    what = address_text(one.asked.address) if one.asked.length == len(one.asked.address) * 8 else str(one.asked)
    lines = [_headline(what, one, nics), ""]
    for missed in one.unresolved:
        lines += [f"! not programmed: {missed.host}", *_item("listed at", missed.host.place, missed.host, one)]
        lines += [f"  {'why not':<11}{text.strip()}" if not i else text for i, text in enumerate(wrapped(missed.reason, 13))]
        lines.append("")
    if one.decision is not None:
        resolved = one.decision.resolved
        nic = resolved.way.nic
        lines += [f"  {'host route':<11}{resolved.host}", *_item("listed at", resolved.host.place, resolved.host, one)]
        lines += _field("rule", "; ".join((resolved.way.rule, *resolved.way.notes)))
        lines += _field("NIC", f"{nic.name} ({mac_text(nic.mac)})")
        state = {"add": "not there yet; `guest-routes sync` adds it", "kept": "in place, ours"}
        state.update(adopted="in place, another program's; adopted", shadowed="shadowed by another route")
        lines += _field("route", route_text(one.decision.route, nics))
        lines += _field("state", state[one.decision.verdict])
        if one.decision.rival is not None:
            lines += _field("rival", route_text(one.decision.rival, nics))
    elif one.default is not None and one.default.route is not None:
        lines += _field("host route", "none covers it, so the default route does")
        lines += _field("rule", one.default.because)
        lines += _field("route", route_text(one.default.route, nics))
        for extra in one.default.extras:
            lines += _field("extra", f"{route_text(extra, nics)}: one default too many; `guest-routes sync` removes it")
    verdict = "as wanted" if one.as_wanted else "NOT as wanted; `guest-routes sync` mends it" if one.route else "not ours to say"
    lines += _field("kernel now", f"{kernel_line((one.answer.ifindex, one.answer.gateway, one.answer.error), nics)}  ({verdict})")
    lines += ["", source_line(one.report)]
    return lines


def _headline(what: str, one: Explanation, nics: Tuple[Nic, ...]) -> str:
    route = one.route
    if route is None:
        return f"{what}: no host route covers it, and no default route is chosen"
    name = next((nic.name for nic in nics if nic.ifindex == route.ifindex), "?")
    way = f" by {address_text(route.gateway)}" if route.gateway else ""
    return f"{what} is to leave through {name}{way}"


def _field(name: str, text: str) -> List[str]:
    folded = wrapped(text, 13)
    return [f"  {name:<11}{folded[0].strip()}", *folded[1:]] if folded else []


def _item(name: str, place: str, host: HostRoute, one: Explanation) -> List[str]:
    """The place of a host route, and the entry as the document has it."""
    lines = _field(name, place)
    if host.network >= 0:
        entry = json.loads(one.report.document.data)["networks"][host.network]["routes"][host.index]
        lines.append(" " * 13 + json.dumps({key: entry[key] for key in ("network", "netmask", "gateway") if key in entry}))
    return lines
