"""What is wrong, or will be, on this machine, and what to do about each. Pure: what was seen in, findings out."""

from __future__ import annotations

from .elect import Elected
from .model import address_text
from .render import counted, route_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, NamedTuple

    from .bind import Binding
    from .correct import Correction
    from .lease import Lease
    from .managers import Holder
    from .model import Nic
    from .report import Report
else:
    from .values import NamedTuple

FORMATS = {
    "systemd-networkd": "networkd",
    "NetworkManager": "networkmanager",
    "ifupdown": "ifupdown",
}
"""What `export --format` calls a manager."""
UNDONE = ("configuring", "failed", "pending")
"""systemd-networkd's words for a NIC that it isn't done with."""


SHOWN = 3
"""So many wrong lines of files are named."""


class NicView(NamedTuple):
    """One NIC, from every side."""

    nic: Nic
    bindings: tuple[Binding, ...]
    """Its networks in the document, with their gateways and the evidence for them."""
    holders: tuple[Holder, ...]
    lease: Lease | None
    metadata: str
    """Which metadata address answers through it, or why none does; "" when it wasn't asked."""
    answers: bool
    rp_filter: int
    """The reverse path filter in force: 0 none, 1 strict, 2 loose. Source: kernel, networking/ip-sysctl."""
    takes_routes: bool
    """systemd-networkd is to take routes from a DHCP server for it, and may take a default route."""


class Opinion(NamedTuple):
    """What another library reads of the same."""

    library: str
    what: str
    """ "12 routes"; "" when it isn't installed."""
    differs: tuple[str, ...]


class Seen(NamedTuple):
    """All that was looked at."""

    nics: tuple[NicView, ...]
    report: Report | None
    """A pass that wrote nothing; None where there is no metadata."""
    no_metadata: str
    """Why there is no metadata; "" when there is."""
    running: tuple[str, ...]
    """Managers and DHCP clients among the processes."""
    correction: Correction | None
    """What `correct` would do; None without metadata."""
    opinions: tuple[Opinion, ...]
    route_command: bool
    """Whether ifupdown's `route` command is installed."""


class Finding(NamedTuple):
    """One thing to do something about."""

    kind: str
    what: str
    remedy: str
    """What to do, with commands in backquotes."""


def findings(seen: Seen) -> tuple[Finding, ...]:
    """All of them, the most pressing first."""
    found: list[Finding] = []
    if seen.report is None:
        found.append(
            Finding(
                "no-metadata",
                " ".join(seen.no_metadata.split()),
                "name it yourself: `--metadata FILE`; or see above, by NIC",
            )
        )
    else:
        found += _pass(seen.report)
    found += _managers(seen)
    if seen.correction is not None:
        found += _rendered(seen.correction, seen.route_command)
    for view in seen.nics:
        found += _nic(view, seen)
    strict = [view.nic.name for view in seen.nics if view.rp_filter == 1 and any(b.network for b in view.bindings)]
    if strict and len(seen.nics) > 1:
        text = f"strict rp_filter on {', '.join(strict)}: a packet is dropped when the way back is another NIC"
        found.append(
            Finding("rp-filter", text, "`sysctl -w net.ipv4.conf.all.rp_filter=2`, and the same in /etc/sysctl.d")
        )
    for one in seen.opinions:
        found += [
            Finding(
                "second-opinion", f"{one.library}: {text}", "look at `ip -d route` and `ip -d link`; report it as a bug"
            )
            for text in one.differs
        ]
    return tuple(found)


def _pass(report: Report) -> Iterator[Finding]:
    """What a pass would change or can't do."""
    nics = report.before.nics
    for default in report.plan.defaults:
        for route in default.extras:
            text = f"one default route too many: {route_text(route, nics)}"
            yield Finding("extra-default", text, "`guest-routes sync` removes it")
    missing = sum(1 for one in report.plan.decisions if one.verdict == "add")
    if missing:
        text = f"{counted(missing, 'host route')} of the document not in place"
        yield Finding("missing-routes", text, "`guest-routes sync`; `guest-routes plan` shows which")
    if report.unprogrammed:
        first = report.unprogrammed[0]
        more = f", and {len(report.unprogrammed) - 1} more" if len(report.unprogrammed) > 1 else ""
        yield Finding(
            "not-programmed", f"can't be programmed: {first}{more}", "`guest-routes plan` shows each with its remedy"
        )


def _managers(seen: Seen) -> Iterator[Finding]:
    """Two that configure the same NIC, or two at once."""
    for view in seen.nics:
        names = sorted({one.manager for one in view.holders})
        if len(names) > 1:
            text = f"{' and '.join(names)} both configure {view.nic.name}"
            yield Finding("two-managers", text, f"leave it to one: `systemctl disable --now {_unit(names[0])}`, say")
    claimed = {one.manager for view in seen.nics for one in view.holders}
    idle = [name for name in ("systemd-networkd", "NetworkManager") if name in seen.running and name not in claimed]
    if claimed and idle and not len(claimed) > 1:
        text = f"{idle[0]} runs beside {sorted(claimed)[0]} and configures no NIC"
        yield Finding("idle-manager", text, f"`systemctl disable --now {_unit(idle[0])}` before it takes one")


def _unit(manager: str) -> str:
    return {"ifupdown": "networking.service"}.get(manager, f"{manager}.service")


def _rendered(correction: Correction, route_command: bool) -> Iterator[Finding]:
    """Wrong routes in what cloud-init wrote for the manager."""
    wrong = [one for one in correction.verdicts if one.verdict in ("moved", "removed")]
    if wrong:
        said = "; ".join(f"{one.said} in {one.said.path}" for one in wrong[:SHOWN])
        more = f"; and {len(wrong) - SHOWN:,} more" if len(wrong) > SHOWN else ""
        text = f"cloud-init's network configuration is wrong in {counted(len(wrong), 'place')}: {said}{more}"
        remedy = "`guest-routes correct`; at every boot: `systemctl enable guest-routes-correct.service`"
        yield Finding("rendered", text, remedy)
    for one in correction.verdicts:
        if one.verdict == "left":
            text = f"cloud-init's network configuration is wrong: {one.said} in {one.said.path}"
            yield Finding("rendered", text, f"can't be corrected by itself: {one.because}")
    used = any(one.manager == "ifupdown" and " route add " in one.before for one in correction.files)
    if used and not route_command:
        text = "cloud-init's file for ifupdown calls `route`, which is not installed: none of its routes come up"
        yield Finding("no-route-command", text, "`apt-get install net-tools`; guest-routes programs them meanwhile")


def _nic(view: NicView, seen: Seen) -> Iterator[Finding]:
    nic = view.nic
    elections = seen.report.elections if seen.report else ()
    elected = {one.family: one for one in elections if isinstance(one, Elected)}
    for one in view.holders:
        if one.state in UNDONE:
            text = f"{one.manager} is not done with {nic.name} ({one.state}): its wait-online holds up the boot"
            yield Finding(
                "not-configured", text, f"`networkctl status {nic.name}` says why; a route it can't set is usual"
            )
    form = next((FORMATS[one.manager] for one in view.holders if one.manager in FORMATS), "")
    if view.takes_routes and 4 in elected and elected[4].nic.ifindex != nic.ifindex:
        text = f"systemd-networkd takes a default route for {nic.name} from its DHCP server (UseRoutes, UseGateway)"
        remedy = "`guest-routes export --format networkd` has the drop-in that ends it"
        yield Finding("use-routes", text, remedy)
    elif form and seen.report is not None and not view.takes_routes:
        extras = [
            r for d in seen.report.plan.defaults for r in d.extras if r.ifindex == nic.ifindex and r.protocol == 16
        ]
        if extras:
            text = f"{nic.name}'s DHCP server offers a default route, which comes back with every lease"
            yield Finding("dhcp-default", text, f"`guest-routes export --format {form}` has what ends it")
    for binding in view.bindings:
        if binding.network is not None and binding.gateway is None:
            subnet = binding.network.address or f"networks[{binding.network.index}]"
            text = f"{nic.name}'s IPv{binding.family} gateway is not known ({subnet}): no host route can mean this NIC"
            yield Finding("no-gateway", text, f"`gateways: {{{nic.name}: ADDRESS}}` in /etc/guest-routes.yaml")


def gateway_lines(view: NicView) -> list[str]:
    """Each gateway with its evidence."""
    return [
        f"{address_text(binding.gateway)} ({binding.evidence})" if binding.gateway else "not known"
        for binding in view.bindings
    ]
