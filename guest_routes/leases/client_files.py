"""The files of DHCP clients to leases: one function for each form, bytes in. Pure.

    networkd        /run/systemd/netif/leases/IFINDEX: KEY=VALUE; systemd's "private data", which hardly changes
    network_manager /run/NetworkManager/devices/IFINDEX: a key file, whichever DHCP client it uses
    dhclient        leases one after another, of any NIC; the last of a NIC's counts. See dhclient.leases(5)
    dhcpcd          the server's answer as it came over the wire
    udhcpc          KEY=VALUE, written by packaging/udhcpc/guest-routes: udhcpc itself keeps nothing
    cloud_init      JSON, of cloud-init's own udhcpc; what it has of dhclient's and dhcpcd's is in their forms

The files of tests/data/leases were written by the clients of Debian 12. A LeaseFault says why a file can't be used.
"""

from __future__ import annotations

from ..json_codec import loads
from ..model.lease import Lease, Option
from .options import LeaseFault, Packet, ipv4_of, ipv4s_of, routes_of_numbers, routes_of_octets, routes_of_pairs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterator, Sequence, TypeAlias

    Read: TypeAlias = "Callable[[bytes, str, float], Sequence[Lease]]"

DHCLIENT_NAMES = {
    121: ("rfc3442-classless-static-routes", "classless-static-routes", "unknown-121"),
    249: ("ms-classless-static-routes", "unknown-249"),
}
"""How dhclient.conf of Debian, RHEL and NetworkManager, or nobody, declare the options."""


SECONDS = {"": 1, "s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800, "month": 2629800, "y": 31557600}


def networkd(data: bytes, path: str, mtime: float) -> list[Lease]:
    """systemd-networkd's lease; the file's name is the NIC's ifindex."""
    values = _assignments(data)
    routes = values.get("CLASSLESS_ROUTES")
    return [
        Lease(
            client="systemd-networkd",
            path=path,
            address=ipv4_of(_needed(values, "ADDRESS")),
            ifindex=_ifindex(path),
            routers=ipv4s_of(values.get("ROUTER", "").split()),
            classless=None if routes is None else routes_of_pairs(routes.split()),
            obtained=mtime,
            expires=_after(mtime, _timespan(values.get("LIFETIME", ""))),
        )
    ]


def network_manager(data: bytes, path: str, mtime: float) -> list[Lease]:
    """NetworkManager's state of one device; empty where it has no lease."""
    values = {key[6:]: value for key, value in _assignments(data).items() if key.startswith("dhcp4.")}
    if not values:
        return []

    def option(name: str) -> Option | None:
        text = values.get(name)
        if text is None:
            return None
        return routes_of_pairs(text.split()) if "/" in text else routes_of_numbers(text)

    expires = _number(values.get("expiry"))
    lifetime = _number(values.get("dhcp_lease_time"))
    return [
        Lease(
            client="NetworkManager",
            path=path,
            address=ipv4_of(_needed(values, "ip_address")),
            ifindex=_ifindex(path),
            routers=ipv4s_of(values.get("routers", "").split()),
            classless=option("rfc3442_classless_static_routes"),
            microsoft=option("ms_classless_static_routes"),
            obtained=mtime if expires is None or lifetime is None else expires - lifetime,
            expires=expires,
        )
    ]


def dhclient(data: bytes, path: str, mtime: float) -> list[Lease]:
    """The last whole lease of each NIC in dhclient's file. One that is being written is not whole yet."""
    leases: dict[str, Lease] = {}
    text = _text(data)
    blocks = text.split("lease {")
    if len(blocks) == 1 and text.strip():
        raise LeaseFault("has no lease in it")
    for block in blocks[1:]:
        body, closed, _ = block.partition("\n}")
        values = dict(_statements(body))
        if not closed or "fixed-address" not in values:
            continue
        expires = _date(values.get("expire", ""))
        lifetime = _number(values.get("option dhcp-lease-time"))
        nic = values.get("interface", "").strip('"')
        leases[nic] = Lease(
            client="dhclient",
            path=path,
            address=ipv4_of(values["fixed-address"]),
            nic=nic,
            routers=ipv4s_of(values.get("option routers", "").replace(",", " ").split()),
            classless=_dhclient_option(values, 121),
            microsoft=_dhclient_option(values, 249),
            obtained=mtime if expires is None or lifetime is None else expires - lifetime,
            expires=expires,
        )
    if len(blocks) > 1 and not leases:
        raise LeaseFault("is cut off: no whole lease in it")
    return list(leases.values())


def dhcpcd(data: bytes, path: str, mtime: float) -> list[Lease]:
    """dhcpcd's lease: the packet."""
    packet = Packet(data)
    routers, lifetime = packet.options.get(3, b""), packet.options.get(51, b"")
    classless, microsoft = packet.options.get(121), packet.options.get(249)
    return [
        Lease(
            client="dhcpcd",
            path=path,
            address=packet.address,
            mac=packet.mac,
            nic="" if packet.mac else path.rpartition("/")[2].partition(".lease")[0],
            routers=tuple(routers[at : at + 4] for at in range(0, len(routers) // 4 * 4, 4)),
            classless=None if classless is None else routes_of_octets(classless),
            microsoft=None if microsoft is None else routes_of_octets(microsoft),
            obtained=mtime,
            expires=_after(mtime, str(int.from_bytes(lifetime, "big")) if len(lifetime) == 4 else None),
        )
    ]


def udhcpc(data: bytes, path: str, mtime: float) -> list[Lease]:
    """What packaging/udhcpc/guest-routes wrote of udhcpc's environment."""
    values = _assignments(data)

    def option(name: str) -> Option | None:
        return routes_of_pairs(values[name].split()) if values.get(name) else None

    return [
        Lease(
            client="udhcpc",
            path=path,
            address=ipv4_of(_needed(values, "ip")),
            nic=_needed(values, "interface"),
            routers=ipv4s_of(values.get("router", "").split()),
            classless=option("staticroutes"),
            microsoft=option("msstaticroutes"),
            obtained=mtime,
            expires=_after(mtime, values.get("lease")),
        )
    ]


def cloud_init(data: bytes, path: str, mtime: float) -> list[Lease]:
    """The lease of the udhcpc that cloud-init runs to reach the metadata service."""
    try:
        values = loads(data)
    except (ValueError, RecursionError) as error:
        raise LeaseFault("is not JSON, or cut off") from error
    if not isinstance(values, dict):
        raise LeaseFault("is no JSON object")
    values = {key: value for key, value in values.items() if isinstance(value, str)}
    routes = values.get("static_routes")
    return [
        Lease(
            client="cloud-init",
            path=path,
            address=ipv4_of(_needed(values, "fixed-address")),
            nic=_needed(values, "interface"),
            routers=ipv4s_of(values.get("routers", "").split()),
            classless=routes_of_pairs(routes.split()) if routes else None,
            obtained=mtime,
        )
    ]


# ---- within -----------------------------------------------------------------------------------------


def _text(data: bytes) -> str:
    if b"\0" in data:
        raise LeaseFault("is damaged: it has NUL bytes")
    return data.decode("utf-8", "replace")


def _assignments(data: bytes) -> dict[str, str]:
    """KEY=VALUE lines; a last line without its end is one that is being written."""
    text = _text(data)
    if text and not text.endswith("\n"):
        raise LeaseFault("is cut off: its last line has no end")
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, _, value in pairs}


def _needed(values: dict[str, str], key: str) -> str:
    if not values.get(key):
        raise LeaseFault(f"is no lease, or cut off: it has no {key}")
    return values[key]


def _statements(body: str) -> Iterator[tuple[str, str]]:
    """`option routers 11.8.0.1;` as name and value; quoted values may have any sign in them."""
    for line in body.splitlines():
        statement = line.strip()
        if not statement.endswith(";"):
            continue
        words = statement[:-1].split(None, 2 if statement.startswith("option ") else 1)
        if words:
            yield " ".join(words[:-1]), words[-1]


def _dhclient_option(values: dict[str, str], number: int) -> Option | None:
    for name in DHCLIENT_NAMES[number]:
        text = values.get("option " + name)
        if text is None:
            continue
        if text.startswith('"'):
            return routes_of_octets(_quoted(text))
        return routes_of_numbers(text, 16 if name.startswith("unknown") else 10)
    return None


def _quoted(text: str) -> bytes:
    """Octets that dhclient took for text: `"\\020\\013..."`."""
    found = bytearray()
    inner, at = text[1:-1], 0
    while at < len(inner):
        octal = inner[at + 1 : at + 4]
        if inner[at] == "\\" and len(octal) == 3 and set(octal) <= set("01234567"):
            found.append(int(octal, 8) & 255)
            at += 4
            continue
        at += inner[at] == "\\"
        found += inner[at : at + 1].encode()
        at += 1
    return bytes(found)


def _date(text: str) -> float | None:
    """`2 2026/11/24 04:29:31` in UTC, `epoch 1795493735; #...`, or `never`; None for what is none of these."""
    words = text.split()
    if words[:1] == ["epoch"] and len(words) > 1:
        return _number(words[1].rstrip(";"))
    try:
        year, month, day = map(int, words[1].split("/"))
        hour, minute, second = map(int, words[2].split(":"))
    except (ValueError, IndexError):
        return None
    if not (1970 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= 31):
        return None
    # calendar.timegm would bring datetime and locale with it. Years that begin in March have their leap day last.
    year, month = (year - 1, month + 9) if month < 3 else (year, month - 3)
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 719469
    return float(days * 86400 + hour * 3600 + minute * 60 + second)


def _number(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) <= 12 else None


def _after(obtained: float, lifetime: str | None) -> float | None:
    """When a lifetime in seconds ends; 0xffffffff is for ever (RFC 2131, section 3.3)."""
    seconds = _number(lifetime)
    return None if seconds is None or seconds >= 0xFFFFFFFF else obtained + seconds


def _timespan(text: str) -> str:
    """Seconds, of `3600` as systemd 252 writes it or `52min 30s` as 257 does; "" for what is neither, as `infinity`.

    Source: systemd.time(7), "Parsing Time Spans".
    """
    seconds = 0
    for word in text.split():
        number = word.rstrip("abcdefghijklmnopqrstuvwxyz")
        unit = SECONDS.get(word[len(number) :])
        if unit is None or not (number.isascii() and number.isdigit() and len(number) <= 12):
            return ""
        seconds += int(number) * unit
    return str(seconds) if text else ""


def _ifindex(path: str) -> int:
    name = path.rpartition("/")[2]
    return int(name) if name.isascii() and name.isdigit() and len(name) < 10 else 0
