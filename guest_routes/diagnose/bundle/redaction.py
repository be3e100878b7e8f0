"""Text of a report without the addresses by which a site could be known. Pure.

Addresses are replaced prefix by prefix: two that share a prefix of n bits share one afterwards, so that routes,
gateways and subnets still tell the same story, and the same address is the same one in every file of a report. Masks,
the metadata addresses, loopback, link-local and multicast prefixes stay; what a MAC has made of a link-local address is
made of the MAC that stands in its place.

Source: Xu, Fan, Ammar, Moon: "Prefix-Preserving IP Address Anonymization", ICNP 2002.
"""

from __future__ import annotations

from ...model.network import address_text, parse_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Match

    from ...model.network import Address

_UUID = r"(?P<uuid>\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b)"
_COLONS = r"(?P<colons>(?<![0-9a-z:.])[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5,31}(?![0-9a-z:]))"
"""A MAC, a DHCP client's id, a DUID, InfiniBand's address."""
_DASHES = r"(?P<dashes>(?<![0-9a-z:.])[0-9a-f]{1,2}(?:-[0-9a-f]{1,2}){5,31}(?![0-9a-z:]))"
_DOTS = r"(?P<dots>(?<![\w.])[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}(?![\w.]))"
_HEX = r"(?P<hex>(?<![0-9a-z])(?:0x)?[0-9a-f]{12,}(?![0-9a-z]))"
"""The same without separators, and uuids."""
_IPV4 = r"(?P<ipv4>(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d))"
_IPV6 = r"(?P<ipv6>(?<![0-9a-z:.])[0-9a-f]{0,4}:[0-9a-f:]*:[0-9a-f.]*(?![\w:]))"
_NAME4 = r"(?P<name4>(?<!\d)(?<!\d-)\d{1,3}(?:-\d{1,3}){3}(?!\d))"
_GROUP = "[0-9a-f]{1,4}"
_NAME6 = (
    rf"(?P<name6>(?<![0-9a-z])(?:{_GROUP}(?:-{_GROUP}){{0,6}}--(?:{_GROUP}(?:-{_GROUP}){{0,6}})?|"
    rf"{_GROUP}(?:-{_GROUP}){{7,31}})(?![0-9a-z]))"
)
"""An address in a host name, as Neutron makes it (host-11-8-0-9, host-fd00-8--9).

Source: neutron/agent/linux/dhcp.py.
"""
_ROUTES = r"(?P<routes>routes[ =:\"]{1,4}\d{1,3}(?:,\d{1,3}){4,})"
"""DHCP's option 121 as dhclient writes it, in octets."""
_ALL = "(?i)" + "|".join((_UUID, _ROUTES, _COLONS, _NAME6, _NAME4, _DASHES, _DOTS, _IPV4, _IPV6, _HEX))
_KEPT = ("169.254.169.254", "fe80::a9fe:a9fe", "0.0.0.0", "::", "::1")
_LINK_LOCAL = b"\xfe\x80" + bytes(6)
_SOLICITED_NODE = bytes.fromhex("ff0200000000000000000001ff")
"""Its last three bytes are those of an interface's address."""
_OPTION_121_DIGITS = 1 << 14
"""Of a longer option 121 nothing is shown: a DHCP packet has no room for a quarter of that."""
_FIRST = {4: 4, 6: 3}
"""So many bits stay as they are: what kind of address it is."""


class Redaction:
    """Replaces the addresses, MACs, uuids and the host name in the texts of one report.

    Args:
        key: random, of one report: without it nobody can tell what stood there.
    """

    def __init__(self, key: bytes, host: str = "") -> None:
        self._key, self._host = key, host
        self._known: dict[tuple[int, bytes], int] = {}
        self._addresses: dict[Address, Address] = {}

    def text(self, text: str) -> str:
        """The text redacted."""
        import re

        if "\0" in text:  # dhcpcd keeps the server's packet as it came.
            return "(binary: which bytes of it are addresses is unknown)\n"
        text = re.sub(_ALL, self._replacement, text)
        if len(self._host) > 1:
            text = re.sub(rf"(?i)(?<![\w.-]){re.escape(self._host)}(?![\w-])", "host", text)
        return text

    def address(self, address: Address) -> Address:
        """Another address, which shares a prefix with those whose addresses shared one of that length."""
        known = self._addresses.get(address)
        if known is None:
            known = self._addresses[address] = self._made(address)
        return known

    def _made(self, address: Address) -> Address:
        size = len(address) * 8
        number, first = int.from_bytes(address, "big"), _FIRST[4 if size == 32 else 6]
        changed = number
        for bit in range(first, size):
            above = number >> (size - bit)
            changed ^= self._flip(size * 1000 + bit, above.to_bytes(16, "big")) << (size - bit - 1)
        return changed.to_bytes(len(address), "big")

    def _replacement(self, found: Match[str]) -> str:
        text, kind = found.group(0), found.lastgroup
        if kind == "uuid":
            return self._uuid(text.replace("-", ""))
        if kind == "routes":
            return self._option_121(text)
        if kind == "hex":
            return self._hexadecimal(text)
        if kind in ("name4", "name6"):
            return self._host_name(text)
        if kind == "dots":
            digits = self._hardware(text.replace(".", ""))
            return ".".join((digits[:4], digits[4:8], digits[8:]))
        groups = text.replace("-", ":").split(":")
        if kind in ("ipv4", "ipv6") or (len(groups) == 8 and any(len(group) == 1 for group in groups)):
            return self._other_address(text)
        digits = self._hardware("".join(group.zfill(2) for group in groups))
        pairs = [digits[at : at + 2] for at in range(0, len(digits), 2)]
        return ("-" if kind == "dashes" else ":").join([pairs[0][-len(groups[0]) :], *pairs[1:]])

    def _uuid(self, digits: str) -> str:
        return f"uuid-{self._digest(digits.lower())[:12]}"

    def _hexadecimal(self, text: str) -> str:
        """Digits without separators; a decimal number that is no MAC stays."""
        digits = text[2:] if text[:2] in ("0x", "0X") else text
        if digits.isdigit() and len(digits) not in (12, 14, 32):
            return text
        return self._uuid(digits) if len(digits) == 32 else text[: -len(digits)] + self._hardware(digits)

    def _hardware(self, digits: str) -> str:
        """As many digits: of a MAC the maker stays, of a client's id the type, of anything longer nothing."""
        digits = digits.lower()
        if len(set(digits)) == 1:  # Broadcast, or none.
            return digits
        if len(digits) == 14:
            return digits[:2] + self._hardware(digits[2:])
        kept = 6 if len(digits) == 12 else 0
        digest = self._digest(digits)
        return digits[:kept] + (digest * (len(digits) // len(digest) + 1))[: len(digits) - kept]

    def _other_address(self, text: str) -> str:
        try:
            address = parse_address(".".join(str(int(part)) for part in text.split(".")) if ":" not in text else text)
        except ValueError:
            return text
        if text in _KEPT:
            return text
        if _is_common(address):
            return address_text(self._on_link(address)) if len(address) == 16 else text
        return address_text(self.address(address))

    def _host_name(self, text: str) -> str:
        """An address whose dots or colons are dashes."""
        for sign in ".:":
            address = self._other_address(text.replace("-", sign))
            if address != text.replace("-", sign):
                return address.replace(sign, "-")
        return text if text.count("-") < 8 else "(hidden)"

    def _on_link(self, address: Address) -> Address:
        """Of a link-local or multicast address what an interface's MAC has made of it."""
        if address[:13] == _SOLICITED_NODE and any(address[13:15]):
            return address[:13] + bytes.fromhex(self._digest(address.hex())[:6])
        if address[:8] != _LINK_LOCAL or not any(address[8:14]):
            return address
        if address[11:13] != b"\xff\xfe":
            return address[:8] + bytes.fromhex(self._digest(address.hex())[:16])
        mac = bytes((address[8] ^ 2, *address[9:11], *address[13:]))
        new = bytes.fromhex(self._hardware(mac.hex()))
        return address[:11] + b"\xff\xfe" + new[3:]

    def _option_121(self, text: str) -> str:
        """Each route's length, the octets that it needs, and a gateway. Source: RFC 3442."""
        name = text.rstrip("0123456789,")
        if len(text) - len(name) > _OPTION_121_DIGITS:
            return f"{name}(hidden)"
        octets, at = list(map(int, text[len(name) :].split(","))), 0
        written: list[int] = []
        while at < len(octets):
            size = (octets[at] + 7) // 8
            route = octets[at : at + size + 5]
            if size > 4 or len(route) < size + 5 or max(route) > 255:
                return f"{name}(hidden)"
            to, by = bytes(route[1 : size + 1]), bytes(route[size + 1 :])
            to = self.address(to.ljust(4, b"\0"))[:size]
            written += [route[0], *to, *(by if _is_common(by) else self.address(by))]
            at += size + 5
        return name + ",".join(map(str, written))

    def _flip(self, place: int, above: bytes) -> int:
        known = self._known.get((place, above))
        if known is None:
            known = self._known[place, above] = self._mac(place.to_bytes(4, "big") + above)[0] & 1
        return known

    def _digest(self, text: str) -> str:
        return self._mac(text.encode()).hex()

    def _mac(self, data: bytes) -> bytes:
        from hashlib import blake2b

        return blake2b(data, key=self._key, digest_size=16).digest()


def _is_common(address: Address) -> bool:
    """Whether it tells nothing of the site: a mask, loopback, multicast, link-local, a documentation prefix's."""
    if len(address) == 4:
        return address[0] in (0, 127, 255) or address[0] >= 224 or address[:2] == b"\xa9\xfe"
    return address[0] == 0xFF or address[:8] == _LINK_LOCAL
