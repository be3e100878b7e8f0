"""`doctor`'s findings in words: what is wrong, and what to do, with commands in backquotes. Pure."""

from __future__ import annotations

from ...model.configuration import RewriteError
from ...model.network import mac_text
from ..escape import shell_word, shell_words
from ..route_text import counted, route_text
from ..source_routing import conflict_words
from ..words.evidence import elsewhere_text
from ..words.obstacles import RELOAD
from ..words.outcomes import no_rule_texts, suspicion_text, unprogrammed_text
from ..words.remedies import gateways_setting
from ..words.verdicts import rewrite_error_text, verdict_reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence

    from ...model.diagnosis.inspection import Difference, Finding
    from ...model.network import Nic

    Words = tuple[str, str]

SHOWN = 3
"""So many wrong lines of files are named."""
FORMATS = {"systemd-networkd": "networkd", "NetworkManager": "networkmanager", "ifupdown": "ifupdown"}
"""What `export --format` calls a manager."""


def finding_words(finding: Finding, nics: Sequence[Nic]) -> tuple[str, str]:
    """What is wrong, and what to do."""
    return _WORDS[finding.kind](finding, nics)


def _no_metadata(finding: Finding, nics: Sequence[Nic]) -> Words:
    what = "; ".join(line.strip() for line in finding.text.splitlines())
    return what, "see above what each NIC gets for an answer; or name the document: `--metadata FILE`"


def _doubtful(finding: Finding, nics: Sequence[Nic]) -> Words:
    return finding.text, "correct it where it comes from; `guest-routes plan --verbose` shows what is used meanwhile"


def _routes_left(finding: Finding, nics: Sequence[Nic]) -> Words:
    assert finding.elsewhere is not None
    return elsewhere_text(finding.elsewhere), "`guest-routes withdraw`, then `guest-routes sync`"


def _settings_wrong(finding: Finding, nics: Sequence[Nic]) -> Words:
    passes = "and the service goes on with those that it has read" if finding.service_goes_on else "so no pass runs"
    then = f", then {RELOAD}" if finding.service_goes_on else ""
    return (
        f"the settings are wrong, {passes}: {finding.text}",
        f"correct them{then}; `guest-routes withdraw`, `status` and `explain` work all the same",
    )


def _settings_unread(finding: Finding, nics: Sequence[Nic]) -> Words:
    return "the service goes by other settings than the files have now", f"{RELOAD} puts these in force"


def _settings_hidden(finding: Finding, nics: Sequence[Nic]) -> Words:
    what = f"the settings are not known to this user, so what follows may be otherwise: {finding.text}"
    return what, "`guest-routes doctor` as root"


def _metadata_unreachable(finding: Finding, nics: Sequence[Nic]) -> Words:
    through = f" through {', '.join(finding.nics)}" if finding.nics else ""
    reason = finding.text or "no NIC to ask through is up and running"
    what = f"the metadata service gives no document{through}: {reason}; what was kept may be out of date"
    command = "`ip route get 169.254.169.254` shows the way the kernel would take; is there a firewall?"
    return what, f"where it doesn't answer: {command} what it answers is the cloud's operator's to correct"


def _service_ended(finding: Finding, nics: Sequence[Nic]) -> Words:
    why = "`systemctl status guest-routes` and `journalctl -u guest-routes` say why; `systemctl restart guest-routes`"
    return "the service ended unexpectedly: nothing repairs the routes", why


def _service_overdue(finding: Finding, nics: Sequence[Nic]) -> Words:
    what = "the service's record is overdue: it hangs, or can't write to /run/guest-routes"
    return what, "`df /run`, and `journalctl -u guest-routes`; `systemctl restart guest-routes`"


def _service_not_running(finding: Finding, nics: Sequence[Nic]) -> Words:
    return "the service is enabled and doesn't run: nothing repairs the routes", "`systemctl start guest-routes`"


def _service_not_enabled(finding: Finding, nics: Sequence[Nic]) -> Words:
    what = "the service is installed and not enabled: it doesn't start at boot"
    return what, "`systemctl enable --now guest-routes`"


def _conflict(finding: Finding, nics: Sequence[Nic]) -> Words:
    one = finding.conflict
    assert one is not None
    what = f"{one.actor} has changed the route to {one.destination} {counted(one.times, 'time')}: its repairs wait"
    return what, one.remedy


def _withdrawn(finding: Finding, nics: Sequence[Nic]) -> Words:
    return "the routes were withdrawn by hand: the service programs none", "`guest-routes sync` programs them again"


def _unused_file(finding: Finding, nics: Sequence[Nic]) -> Words:
    one = finding.unused
    text = rewrite_error_text(one) if isinstance(one, RewriteError) else str(one)
    what = f"not used: {text.removesuffix('; ignored')}"
    path = shell_word(one.path if isinstance(one, RewriteError) else one.place if one is not None else "")
    return what, f"only root may be able to write it and every folder above it: `namei -l {path}` shows whose they are"


def _unused_drive(finding: Finding, nics: Sequence[Nic]) -> Words:
    remedy = "`lsblk -f` and `losetup --list` show what it is; detach it, or take its label config-2 away"
    return str(finding.unused), remedy


def more_files_text(number: int) -> str:
    """Behind the place of a file that is not used: so many others aren't either."""
    return f"and {number:,} more files; ignored"


def _extra_default(finding: Finding, nics: Sequence[Nic]) -> Words:
    if finding.unprogrammed:
        return unprogrammed_text(finding.unprogrammed[0], nics), "take it out where it is configured"
    remedy = "it stays: `guest-routes plan --verbose` says why" if finding.stays else "`guest-routes sync` removes it"
    return f"one default route too many: {route_text(finding.route, nics) if finding.route else ''}", remedy


def _missing_routes(finding: Finding, nics: Sequence[Nic]) -> Words:
    missing = counted(finding.missing, "route")
    return f"{missing} of the document not in place", "`guest-routes sync`; `guest-routes plan` shows which"


def _no_rule(finding: Finding, nics: Sequence[Nic]) -> Words:
    assert finding.route is not None
    what, remedy = no_rule_texts(finding.route.table, finding.route.family, finding.rule)
    if finding.missing:
        what += f"; {counted(finding.missing, 'route')} of the document not in place"
        remedy += ", then `guest-routes sync`"
    return what, remedy


def _source_routing(finding: Finding, nics: Sequence[Nic]) -> Words:
    assert finding.source_conflict is not None
    return conflict_words(finding.source_conflict, nics)


def _source_drift(finding: Finding, nics: Sequence[Nic]) -> Words:
    changes = counted(finding.missing, "change")
    return f"{changes} needed for source routing", "`guest-routes sync`; `guest-routes plan` shows which"


def _partial_document(finding: Finding, nics: Sequence[Nic]) -> Words:
    assert finding.suspicion is not None
    what = f"the document may be partial: {suspicion_text(finding.suspicion)}"
    if finding.suspicion.leases:
        return what, f"correct {finding.suspicion.leases[0].place} first, which may have what it omits"
    return what, "`guest-routes plan` shows what it lacks; `guest-routes sync --accept-withdrawals` takes it as it is"


def _not_programmed(finding: Finding, nics: Sequence[Nic]) -> Words:
    first, *others = finding.unprogrammed
    more = f", and {len(others):,} more" if others else ""
    what = f"not in effect: {unprogrammed_text(first, nics)}{more}"
    return what, "`guest-routes plan` shows each with its reason"


def _two_managers(finding: Finding, nics: Sequence[Nic]) -> Words:
    what = f"{' and '.join(finding.managers)} both configure {finding.nics[0]}"
    return what, f"leave the NIC to one of them, for example: `systemctl disable --now {_unit(finding.managers[0])}`"


def _idle_manager(finding: Finding, nics: Sequence[Nic]) -> Words:
    idle, other = finding.managers
    what = f"{idle} runs and configures no NIC; {other} configures them"
    return what, f"`systemctl disable --now {_unit(idle)}`, before it configures one too"


def _unit(manager: str) -> str:
    return {"ifupdown": "networking.service"}.get(manager, f"{manager}.service")


def _configuration(finding: Finding, nics: Sequence[Nic]) -> Words:
    wrong = finding.verdicts
    named = "; ".join(f"{one.route} in {one.route.path}" for one in wrong[:SHOWN])
    more = f"; and {len(wrong) - SHOWN:,} more" if len(wrong) > SHOWN else ""
    what = f"cloud-init's network configuration is wrong in {counted(len(wrong), 'place')}: {named}{more}"
    return what, "`guest-routes correct`; at every boot: `systemctl enable guest-routes-correct.service`"


def _configuration_left(finding: Finding, nics: Sequence[Nic]) -> Words:
    (one,) = finding.verdicts
    what = f"cloud-init's network configuration is wrong: {one.route} in {one.route.path}"
    return what, f"`guest-routes correct` leaves it: {verdict_reason(one)}"


def _no_route_command(finding: Finding, nics: Sequence[Nic]) -> Words:
    what = "cloud-init's file for ifupdown calls `route`, which is not installed: none of its routes is programmed"
    return what, "`apt-get install net-tools`; until then guest-routes programs them"


def _not_configured(finding: Finding, nics: Sequence[Nic]) -> Words:
    (nic,), (manager,) = finding.nics, finding.managers
    what = f"{manager} has not configured {nic} ({finding.state}): its wait-online delays the boot"
    return what, f"`networkctl status {shell_words([nic])}` says why; usually it is a route that can't be set"


def _use_routes(finding: Finding, nics: Sequence[Nic]) -> Words:
    what = f"systemd-networkd takes a default route for {finding.nics[0]} from its DHCP server (UseRoutes, UseGateway)"
    return what, "`guest-routes export --format networkd` prints the drop-in that stops it"


def _dhcp_default(finding: Finding, nics: Sequence[Nic]) -> Words:
    (nic,), (manager,) = finding.nics, finding.managers
    what = f"{nic}'s DHCP server offers a default route, which comes back with every renewal"
    return what, f"`guest-routes export --format {FORMATS[manager]}` prints the configuration that stops it"


def _no_gateway(finding: Finding, nics: Sequence[Nic]) -> Words:
    (nic,), binding = finding.nics, finding.binding
    assert binding is not None and binding.network is not None
    subnet = binding.network.address or f"networks[{binding.network.index}]"
    what = f"{nic}'s IPv{binding.family} gateway is unknown ({subnet}): no host route can use this NIC"
    return what, f"{gateways_setting(binding)} in /etc/guest-routes.yaml, with the gateway of its subnet"


def _unread_lease(finding: Finding, nics: Sequence[Nic]) -> Words:
    (nic,), programs = finding.nics, " and ".join(finding.managers)
    runs = "run" if len(finding.managers) > 1 else "runs"
    what = f"the metadata omits {nic}'s routes and no DHCP lease is found; {programs} {runs}, whose leases are not read"
    remedy = "host routes in the settings (`routes`) or the instance's property guest_routes stand in for option 121"
    return what, remedy


def _rp_filter(finding: Finding, nics: Sequence[Nic]) -> Words:
    what = f"strict rp_filter on {', '.join(finding.nics)}: packets are dropped whose replies leave by another NIC"
    return what, "`sysctl -w net.ipv4.conf.all.rp_filter=2`, and the same in /etc/sysctl.d"


def _cross_check(finding: Finding, nics: Sequence[Nic]) -> Words:
    assert finding.difference is not None
    what = f"{finding.managers[0]} {difference_text(finding.difference, nics)}"
    if finding.difference.kind == "unread":
        return what, "nothing was compared with it; the rest doesn't depend on it"
    return what, "compare with `ip -d route` and `ip -d link`; report it as a bug"


def difference_text(one: Difference, nics: Sequence[Nic]) -> str:
    """What another library reads otherwise; the library's name goes before it."""
    if one.kind == "unread":
        return f"is installed and can't be used: {one.reason}"
    if one.kind == "extra-nic":
        return f"has the NIC {one.nic}, which netlink doesn't have"
    if one.kind == "mac":
        return f"reads the MAC address {' '.join(one.macs)} of {one.nic}, netlink {mac_text(one.mac)}"
    if one.kind == "addresses":
        return f"and netlink read different addresses of {one.nic}: {' '.join(one.addresses)}"
    assert one.route is not None
    route = route_text(one.route, nics)
    return f"doesn't have the route {route}" if one.kind == "missing-route" else f"has a further route: {route}"


_WORDS: dict[str, Callable[[Finding, Sequence[Nic]], Words]] = {
    "source-routing": _source_routing,
    "source-drift": _source_drift,
    "no-metadata": _no_metadata,
    "extra-default": _extra_default,
    "missing-routes": _missing_routes,
    "no-rule": _no_rule,
    "not-programmed": _not_programmed,
    "partial-document": _partial_document,
    "two-managers": _two_managers,
    "idle-manager": _idle_manager,
    "wrong-configuration": _configuration,
    "wrong-configuration-left": _configuration_left,
    "no-route-command": _no_route_command,
    "not-configured": _not_configured,
    "use-routes": _use_routes,
    "dhcp-default": _dhcp_default,
    "no-gateway": _no_gateway,
    "unread-lease": _unread_lease,
    "rp-filter": _rp_filter,
    "cross-check": _cross_check,
    "unused-file": _unused_file,
    "unused-drive": _unused_drive,
    "settings-wrong": _settings_wrong,
    "settings-hidden": _settings_hidden,
    "settings-unread": _settings_unread,
    "doubtful": _doubtful,
    "routes-left": _routes_left,
    "metadata-unreachable": _metadata_unreachable,
    "service-ended": _service_ended,
    "service-overdue": _service_overdue,
    "service-not-running": _service_not_running,
    "service-not-enabled": _service_not_enabled,
    "conflict": _conflict,
    "withdrawn": _withdrawn,
}
