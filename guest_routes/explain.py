"""Why an address goes the way it goes: the NIC, the rule, the line of metadata, and what the kernel does. Pure."""

from __future__ import annotations

import json

from .document import HostRoute
from .model import Lookup, Nic, Prefix, Route, address_text, contains, family_of, mac_text
from .plan import Decision
from .plan_default import Default
from .render import route_text
from .report import Report
from .resolve import Unresolved
from .text import kernel_line, source_lines, wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple
else:
    from .values import NamedTuple


LOOPBACK = 1
"""The loopback's ifindex in every network namespace: what is sent to an address of its own stays in the machine."""


class Explanation(NamedTuple):
    """Everything a pass decided about one address or prefix."""

    asked: Prefix
    decision: Decision | None
    """The host route that serves it: the longest prefix that covers it."""
    unresolved: tuple[Unresolved, ...]
    """Host routes that cover it and are not programmed."""
    answer: Lookup
    """The kernel's own way now."""
    report: Report
    nearer: Route | None = None
    """A route of the kernel's or of another program that is more specific than any of ours: its own subnet, say."""

    @property
    def default(self) -> Default | None:
        """The default route of its family."""
        family = family_of(self.asked.address)
        return next((one for one in self.report.plan.defaults if one.family == family and one.route), None)

    @property
    def route(self) -> Route | None:
        """The route that is to serve it; None when that is not ours to say."""
        if self.nearer is not None:
            return self.nearer
        if self.decision is not None:
            return self.decision.route
        return self.default.route if self.default else None

    @property
    def because(self) -> str:
        """The rule that decides; "" when nothing was decided."""
        if self.nearer is not None:
            return _nearer_rule(self)
        return str(self.decision.resolved) if self.decision else self.default.because if self.default else ""

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
    ours = decision.route.destination.length if decision else 0
    nearer = [
        route for route in report.before.routes
        if route.destination.length > ours and _covers(route.destination, asked) and not _is_ours(route, report)
    ]  # fmt: skip
    nearest = max(nearer, key=lambda route: (route.destination.length, -route.metric), default=None)
    return Explanation(asked, decision, missed, answer, report, nearest)


def _is_ours(route: Route, report: Report) -> bool:
    """Whether a pass decided about it, so that what stands in the kernel may be about to change."""
    gone = {operation.route for operation in report.plan.removals}
    return route in gone or any(route == one.route for one in report.plan.decisions)


def _covers(prefix: Prefix, asked: Prefix) -> bool:
    return prefix.length <= asked.length and contains(prefix, asked.address)


def explanation_lines(one: Explanation) -> list[str]:
    """The explanation for people, at 80 columns."""
    nics = one.report.before.nics
    what = address_text(one.asked.address) if one.asked.length == len(one.asked.address) * 8 else str(one.asked)
    lines = [_headline(what, one, nics), ""]
    for missed in one.unresolved:
        lines += [f"! not programmed: {missed.host}", *_item("listed at", missed.host.place, missed.host, one)]
        lines += _field("why not", missed.reason)
        lines.append("")
    if one.nearer is not None:
        lines += _field("route", route_text(one.nearer, nics))
        lines += _field("rule", one.because)
    elif one.decision is not None:
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
        going = [operation.route for operation in one.report.plan.removals]
        for extra in one.default.extras:
            end = "`guest-routes sync` removes it" if extra in going else "left, as default_mode says"
            lines += _field("extra", f"{route_text(extra, nics)}: one default too many; {end}")
    answer = (one.answer.ifindex, one.answer.gateway, one.answer.error)
    lines += _field("kernel now", f"{kernel_line(answer, nics)}  ({_verdict(one, what)})")
    lines += ["", *source_lines(one.report)]
    return lines


def _nearer_rule(one: Explanation) -> str:
    own = one.nearer is not None and one.nearer.gateway is None and not one.nearer.legs
    what = "a subnet that is reached without a gateway" if own else "another program's route"
    served = f"the host route {one.decision.resolved.host}" if one.decision else "the default route"
    return f"{what}: more specific than {served}, so it decides"


def _verdict(one: Explanation, what: str) -> str:
    """What to make of the kernel's answer."""
    if one.as_wanted:
        return "as wanted"
    if one.answer.ifindex == LOOPBACK:
        return "this machine itself"
    if one.route is None:
        return "not ours to say"
    if one.route in [operation.route for operation in one.report.plan.additions]:
        return "NOT as wanted; `guest-routes sync` mends it"
    see = f"`ip rule` and `ip route get {what.partition('/')[0]}`"
    return f"NOT as wanted: another route or a policy rule decides; see {see}"


def _headline(what: str, one: Explanation, nics: tuple[Nic, ...]) -> str:
    route = one.route
    if route is None:
        return f"{what}: no host route covers it, and no default route is chosen"
    if one.answer.ifindex == LOOPBACK:
        return f"{what} is this machine's own address"
    name = next((nic.name for nic in nics if nic.ifindex == route.ifindex), "?")
    way = f" by {address_text(route.gateway)}" if route.gateway else ""
    return f"{what} is to leave through {name}{way}"


def _field(name: str, text: str) -> list[str]:
    folded = wrapped(text, 13)
    return [f"  {name:<11}{folded[0].strip()}", *folded[1:]] if folded else []


def _item(name: str, place: str, host: HostRoute, one: Explanation) -> list[str]:
    """The place of a host route, and the entry as the document has it."""
    lines = _field(name, place)
    if host.network >= 0:
        entry = json.loads(one.report.document.data)["networks"][host.network]["routes"][host.index]
        # NUL: a space that lines aren't broken at.
        shown = json.dumps({key: entry[key] for key in ("network", "netmask", "gateway") if key in entry})
        lines += wrapped(shown.replace(": ", ":\0"), 13)
    return lines
