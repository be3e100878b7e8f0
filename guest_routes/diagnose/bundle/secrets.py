"""Text of a report without secrets. Pure.

Of the files whose format is known, and which hold keys for Wi-Fi, VPNs and 802.1X, what is known to be no secret is
shown, and everything else is hidden: NetworkManager's and networkd's by section, netplan's by key, ifupdown's by
option. In all text, those included, go values whose key names a secret, keys in PEM, and passwords in URLs.

Source: nm-settings-keyfile(5), systemd.network(5), systemd.netdev(5), netplan's YAML reference, interfaces(5).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Match
    from typing import Any, Iterator

HIDDEN = "(hidden)"
KEY_LENGTH = 40
"""Of an ini file's key. WireGuard's keys have 44 characters, the last a =, and may stand alone on a line."""
_WITHIN = (
    r"psk|passw(?:or)?d|passphrase|passcode|secret|token|community|cookie|credential|authorization|pre-?shared|"
    r"(?:private|wep|wireless|api|auth|access)[-_]?key"
)
"""Words that a key has in it whose value is a secret."""
_WHOLE = r"key\d{0,2}|private|shared|pin|xauth|(?:mka-)?cak|(?:[\w-]{0,64}[-_])?pass"
"""Keys that are one by themselves: netplan's and systemd-networkd's for WireGuard and MACsec, NetworkManager's."""
_KEY = rf"(?<![\w-])(?:[\w-]{{0,64}}(?:{_WITHIN})[\w-]{{0,64}}|{_WHOLE})[\"']?"
_VALUE = r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[^\s\"'][^\n]*|[\"'][^\n]*"
_BEFORE_BLANK = r"(?:[ \t]*(?:wpa|wireless)-[\w-]{0,64}(?:psk|pass\w{0,64}|key)\d?|.*[ \t](?:pre-?shared|private)-key)"
"""ifupdown's options, and wg's in its commands."""
_PEM = r"(?s)(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----).*?(?=-----END|\Z)"
_BELOW = rf"(?im)^([ \t]*)((?:- )?[\"']?{_KEY}[ \t]*[:=])[^\n]*\n(?:(?:[ \t]*\n)*\1[ \t]+\S[^\n]*(?:\n|\Z))+"
"""In YAML a value may stand on the lines below its key, or go on there: whatever is indented deeper."""
_PORT = r"\d{1,5}(?:[/?#\s\"'<>,;)\]}`]|\.?(?:\s|$))"
_USER = rf"://[^\s/?#\"'<>@:\[\]]*:(?=[^\s:\"'<>`])(?!{_PORT})"
"""The begin of a URL with a password: what is behind the colon is no port."""
_URL_WORD = r"[^\s\"'<>]+"

_KEYFILE = (
    "connection ethernet 802-3-ethernet ipv4 ipv6 match vlan bond bridge bond-port bridge-port team-port infiniband "
    "ip-tunnel dummy loopback vrf veth vxlan macvlan link sriov tc hostname ethtool dcb"
).split()
_NETWORKD = (
    "Match Link Network Address Neighbor IPv6AddressLabel RoutingPolicyRule NextHop Route DHCP DHCPv4 DHCPv6 "
    "DHCPPrefixDelegation IPv6PrefixDelegation IPv6AcceptRA IPv6SendRA IPv6Prefix IPv6RoutePrefix DHCPServer "
    "DHCPServerStaticLease Bridge BridgeFDB BridgeMDB BridgeVLAN LLDP NetDev VLAN MACVLAN MACVTAP IPVLAN Bond VRF "
    "VXLAN GENEVE Tunnel Tap Tun Peer SR-IOV CAN NetworkEmulator"
).split()
_NETPLAN = frozenset(
    "version renderer name macaddress driver set-name wakeonlan emit-lldp optional critical dhcp4 dhcp6 "
    "dhcp-identifier use-dns use-ntp send-hostname hostname use-hostname use-mtu use-routes use-domains route-metric "
    "accept-ra addresses lifetime label gateway4 gateway6 search mtu ipv6-mtu ipv6-privacy ipv6-address-generation "
    "link-local ignore-carrier activation-mode optional-addresses to via from type table metric on-link scope "
    "advertised-receive-window congestion-window advmss priority mark type-of-service interfaces mode lacp-rate "
    "mii-monitor-interval min-links transmit-hash-policy ad-select all-members-active arp-interval arp-ip-targets "
    "arp-validate arp-all-targets up-delay down-delay fail-over-mac-policy gratuitous-arp packets-per-member "
    "primary-reselect-policy resend-igmp learn-packet-interval primary ageing-time forward-delay hello-time max-age "
    "path-cost port-priority stp hairpin port-mac-learning id link local remote ttl infiniband-mode peer".split()
)
"""Keys whose values are shown; those of any other are hidden, with all that is below them but these keys again."""
_IFUPDOWN = frozenset(
    "auto allow-auto allow-hotplug no-auto-down no-scripts iface mapping template rename source source-directory "
    "inherits address netmask broadcast network gateway metric mtu hwaddress pointopoint scope accept_ra autoconf "
    "privext dad-attempts dad-interval preferred-lifetime request_prefix vlan-raw-device vlan_raw_device vlan-id "
    "dns-nameservers dns-nameserver dns-search dns-domain hostname client vendor endpoint local mode ttl".split()
)
_IFUPDOWN_BEGINS = ("bond-", "bond_", "bridge_", "bridge-")
_COMMANDS = ("up", "down", "pre-up", "post-up", "pre-down", "post-down")
_PROGRAMS = frozenset(("ip", "route", "sysctl", "ethtool", "ifenslave", "guest-routes"))
_SHELL = frozenset("|&;<>()$`\\\"'")


def without_secrets(text: str, name: str = "") -> str:
    """The text without its secrets.

    Hidden is a quoted value, else the rest of the line: rather too much than a word of a secret.

    Args:
        name: the path of the file that it is from; "" for none.
    """
    for part, shown in _FORMATS:
        if part in name:
            text = shown(text)
            break
    return _without_named(text)


def _without_named(text: str) -> str:
    """Without what looks like a secret, of whatever format."""
    import re

    text = re.sub(_PEM, rf"\1{HIDDEN}", text)
    text = re.sub(_BELOW, rf"\1\2 {HIDDEN}\n", text)
    text = re.sub(rf"(?i)({_KEY}[ \t]*[:=][ \t]*)(?:{_VALUE})", rf"\1{HIDDEN}", text)
    text = re.sub(rf"(?im)^({_BEFORE_BLANK}[ \t]+)\S.*$", rf"\1{HIDDEN}", text)
    if "://" not in text:
        return text
    text = "\n".join(_without_cut_password(line) if "://" in line else line for line in text.split("\n"))
    return re.sub(_URL_WORD, _without_user, text) if "@" in text else text


def _without_cut_password(line: str) -> str:
    """A line without what stands behind `://NAME:` and is no port: up to the last @, which may have been cut off."""
    import re

    shown, at, last = "", 0, line.rfind("@")
    for found in re.finditer(_USER, line):
        if found.start() >= at:
            word = re.compile(_URL_WORD).match(line, found.end())
            end = last if last > found.end() else word.end() if word else found.end()
            shown, at = f"{shown}{line[at : found.end()]}{HIDDEN}", end
    return shown + line[at:]


def _without_user(found: Match[str]) -> str:
    """A word without what stands before the last @ of a URL in it; of a user with a password the user stays."""
    word = found.group(0)
    scheme, begins, rest = word.partition("://")
    user, at, place = rest.rpartition("@")
    if not begins or not at:
        return word
    name, colon, _ = user.partition(":")
    return f"{scheme}://{name + ':' if colon else ''}{HIDDEN}@{place}"


# ---- by format ----------------------------------------------------------------------------------------


def _by_section(text: str, sections: list[str]) -> str:
    """An ini file, of whose other sections the keys are shown."""
    return "\n".join(_section_lines(text, sections))


def _section_lines(text: str, sections: list[str]) -> Iterator[str]:
    """What stands before the first section is hidden wholly, and so is a hidden line that goes on behind a backslash.

    Not every format and comment goes on: behind a line that is shown a section always begins.
    """
    shown, in_section, goes_on = False, False, False
    for line in text.split("\n"):
        bare, begun, goes_on = line.strip(), goes_on, line.endswith("\\")
        if bare.startswith("[") and (shown or not begun):
            shown, in_section = bare[1:-1] in sections and bare.endswith("]"), True
            yield line if bare.endswith("]") and _is_word(bare[1:-1], ".-_") else f"[{HIDDEN}]"
        elif shown or not bare:
            yield line
        else:
            yield HIDDEN if begun or not in_section else _key_alone(bare)


def _key_alone(line: str) -> str:
    key, equals, _ = line.partition("=")
    return f"{key}={HIDDEN}" if equals and len(key) <= KEY_LENGTH and _is_word(key, " .-_") else HIDDEN


def _is_word(text: str, signs: str) -> bool:
    return all(letter.isalnum() or letter in signs for letter in text)


def _keyfile(text: str) -> str:
    return _by_section(text, _KEYFILE)


def _networkd(text: str) -> str:
    return _by_section(text, _NETWORKD)


def _netplan(text: str) -> str:
    """Without comments, and in the form in which PyYAML writes it."""
    try:
        import yaml

        root = yaml.compose(text, yaml.SafeLoader)
        if root is None:
            return ""
        _hide(root)
        return str(yaml.serialize(root))
    except ImportError:
        return f"{HIDDEN}: which values in it are secret is unknown without PyYAML\n"
    except Exception:  # noqa: BLE001  PyYAML lets errors of its own through
        return f"{HIDDEN}: it is not YAML\n"


def _hide(root: Any) -> None:
    """Hides the scalars below each key that is not known; an alias is looked at once by each kind of key."""
    import yaml

    remaining, seen = [(root, False)], set()
    while remaining:
        node, shown = remaining.pop()
        if (id(node), shown) in seen:
            continue
        seen.add((id(node), shown))
        if isinstance(node, yaml.CollectionNode):
            node.flow_style = False  # A line each: what looks like a secret hides the rest of its line.
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                known = isinstance(key, yaml.ScalarNode) and key.value in _NETPLAN
                remaining += [(value, known)] if isinstance(key, yaml.ScalarNode) else [(key, False), (value, False)]
        elif isinstance(node, yaml.SequenceNode):
            remaining += [(item, shown) for item in node.value]
        elif not shown:
            node.value, node.tag, node.style = HIDDEN, "tag:yaml.org,2002:str", None


def _interfaces(text: str) -> str:
    """A line that ends with a backslash goes on in the next."""
    lines, hidden, goes_on = [], False, False
    for line in text.split("\n"):
        words = line.split()
        if not goes_on:
            hidden = not _is_plain_option(words)
        option = f"{words[0]} " if len(words) > 1 and not goes_on else ""
        lines.append(f"{line[: len(line) - len(line.lstrip())]}{option}{HIDDEN}" if hidden and words else line)
        goes_on = line.endswith("\\")
    return "\n".join(lines)


def _is_plain_option(words: list[str]) -> bool:
    """Whether a line of interfaces(5) can be shown: options of addresses and links, and commands of known programs."""
    if not words:
        return True
    option = words[0]
    if option not in _COMMANDS:
        return option in _IFUPDOWN or option.startswith(_IFUPDOWN_BEGINS)
    program = words[1].rpartition("/")[2] if len(words) > 1 else ""
    return program in _PROGRAMS and not _SHELL.intersection("".join(words))


_FORMATS = (
    ("/netplan/", _netplan),
    ("/system-connections/", _keyfile),
    ("/systemd/network/", _networkd),
    ("/network/interfaces", _interfaces),
)
"""By a part of a file's path: the manager's own file, or a copy of it that is kept."""
