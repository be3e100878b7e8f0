"""Routes for ifupdown, as hooks that run whenever a NIC comes up, and as a script of `ip` commands. Pure.

Hooks, not stanzas: a second stanza of the same NIC is added to the one that cloud-init wrote, and what that one does
stays. Source: interfaces(5), dhclient-script(8).
"""

from __future__ import annotations

from ...model.configuration import Export, ExportFile, ExportNote
from ...model.network import address_text, mac_text
from ...output.escape import escaped
from ...routing.per_nic import GatewayRoute, NicRoutes
from ...routing.planning.host_routes import OUR_IPV6_METRIC
from .file import destination_text, what_for
from .source_routing import ip_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping, Sequence

HOOK = "/etc/network/if-up.d/zz-guest-routes"
DHCLIENT_HOOK = "/etc/dhcp/dhclient-enter-hooks.d/guest-routes"
_STANDS_ON_ANOTHER = 'grep -qs ^DEVTYPE= "/sys/class/net/{}/uevent"'
"""Of a hook: whether a NIC stands on another one, whose MAC address it may have: VLANs, bridges, bonds have a type."""
FIND = r"""nic() {  # the NIC with that MAC address; of NAME@PARENT the name, unless that is the name
    found=$(ip -o link | sed -n "s/^[0-9]*: \([^:]*\): .* link\/ether $1 .*/\1/p" | head -n 1)
    [ -n "$found" ] || return 1
    ip link show dev "$found" >/dev/null 2>&1 || found=${found%@*}
    echo "$found"
}"""
SCRIPT = "/usr/local/sbin/guest-routes-exported"
ADD = """failed=0
add() {  # one more route, in place of none: another program's to the same destination stays
    family=$1 verb=$2 options=$3; shift 3
    ip "$family" route "$verb" "$@" $options 2>/dev/null && return
    ip "$family" route show "$@" | grep -q . || { echo "cannot add $* $options" >&2; failed=1; }
}"""
"""The function of the scripts that adds a route, unless it is there."""
BAR = """bar() {  # a NIC's default routes go, as long as another one has one
    while ip "$1" route show default | sed "s/$/ /" | grep "^default\\|nexthop" | grep -vqF " dev $2 " &&
        ip "$1" route del default dev "$2" 2>/dev/null; do :; done
}"""


WHILE_THERE = 'while ip -{} route del default dev "$IFACE" 2>/dev/null; do :; done'
"""Of a hook: the NIC that keeps the default may come up later, when this one's hook doesn't run again."""


def ifupdown(nics: Sequence[NicRoutes], network_files: Mapping[int, str]) -> Export:
    """A hook after `ifup`, and one before dhclient uses what the server sent."""
    if not nics:
        return Export(())
    hook = [
        "#!/bin/sh",
        "# By guest-routes export. Runs when ifup has brought IFACE up.",
        'case "$IFACE" in lo|--all) exit 0 ;; esac',
        f"{_STANDS_ON_ANOTHER.format('$IFACE')} && exit 0",
        ADD,
    ]
    hook += ['case "$(cat "/sys/class/net/$IFACE/address")" in']
    for one in nics:
        hook += [f"{mac_text(one.nic.mac)})  # {escaped(one.nic.name)}: {what_for(one)}"]
        hook += [f"    {line}" for line in _commands(one, '"$IFACE"')] + ["    ;;"]
    hook += ["esac", "exit 0"]
    files = [ExportFile(HOOK, "\n".join(hook) + "\n", 0o755)]
    dynamic = [mac_text(one.nic.mac) for one in nics if 4 in one.dynamic]
    if dynamic:
        text = ["# By guest-routes export, for dhclient-script: the routes are said in " + HOOK + "."]
        address = f'{_STANDS_ON_ANOTHER.format("$interface")} || cat "/sys/class/net/$interface/address" 2>/dev/null'
        text += [f'case "$({address})" in', "|".join(dynamic) + ")"]
        text += ["    unset new_routers new_static_routes new_rfc3442_classless_static_routes ;;", "esac"]
        files.append(ExportFile(DHCLIENT_HOOK, "\n".join(text) + "\n"))
    return Export(tuple(files), (ExportNote("apply", tuple(one.nic.name for one in nics), format_name="ifupdown"),))


def script(nics: Sequence[NicRoutes], network_files: Mapping[int, str]) -> Export:
    """One script that finds the NICs by MAC."""
    if not nics:
        return Export(())
    lines = ["#!/bin/sh", "# By guest-routes export. Run it again after every change of the network.", "set -u", ""]
    lines += [FIND, ADD, BAR]
    for one in nics:
        lines += ["", f"# {escaped(one.nic.name)}: {what_for(one)}"]
        lines += [
            f"if nic=$(nic {mac_text(one.nic.mac)}); then",
            *(f"    {x}" for x in _commands(one, '"$nic"', 'bar -{} "$nic"')),
            "else",
        ]
        lines += [f'    echo "no NIC has the MAC address {mac_text(one.nic.mac)}" >&2', "    failed=1", "fi"]
    lines.append('exit "$failed"')
    note = ExportNote("apply", tuple(one.nic.name for one in nics), format_name="ip", path=SCRIPT)
    return Export((ExportFile(SCRIPT, "\n".join(lines) + "\n", 0o755),), (note,))


def _commands(one: NicRoutes, nic: str, bar: str = WHILE_THERE) -> list[str]:
    """`ip` commands for one NIC: what is wanted first, then what isn't; `bar` with the family in place of {}."""
    lines = [_add(route, nic) for route in (*one.default, *one.routes)]
    for family in one.barred:
        lines.append(bar.format(family))
        if family == 6:
            lines.append(f'echo 0 >"/proc/sys/net/ipv6/conf/"{nic}"/accept_ra_defrtr"')
    lines += ip_source(one, nic)
    return lines or [":"]


def _add(route: GatewayRoute, nic: str) -> str:
    """A host route comes before others of its destination and metric (R5), a default behind a VPN's (R8).

    In IPv6 two of one metric would be one multipath route.
    """
    verb = "add" if route.family == 6 else "append" if route.destination.is_default else "prepend"
    number = route.metric or (OUR_IPV6_METRIC if route.family == 6 else 0)
    options = " ".join([*([f"metric {number}"] if number else []), *(["onlink"] if route.onlink else [])])
    next_hop = f"via {address_text(route.gateway)} dev {nic} proto static"
    return f"add -{route.family} {verb} '{options}' {destination_text(route)} {next_hop}"
