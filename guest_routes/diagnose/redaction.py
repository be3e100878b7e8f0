"""Text of a report without secrets, and without the addresses by which a site could be known. Pure.

Addresses are replaced prefix by prefix: two that share a prefix of n bits share one afterwards, so that routes,
gateways and subnets still tell the same story, and the same address is the same one in every file of a report. Masks,
the metadata addresses, loopback, link-local and multicast prefixes stay.

Source: Xu, Fan, Ammar, Moon: "Prefix-Preserving IP Address Anonymization", ICNP 2002.
"""

from __future__ import annotations

from ..model.network import address_text, parse_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Match

    from ..model.network import Address

HIDDEN = "(hidden)"
_WITHIN = r"psk|passw(?:or)?d|passphrase|passcode|secret|token|community|pre-?shared|(?:private|wep|wireless)[-_]?key"
"""Words that a key has in it whose value is a secret."""
_WHOLE = r"key\d{0,2}|private|shared|pin|xauth|(?:mka-)?cak"
"""Keys that are one by themselves: netplan's and systemd-networkd's for WireGuard and MACsec, NetworkManager's."""
_KEY = rf"(?<![\w-])(?:[\w-]{{0,64}}(?:{_WITHIN})[\w-]{{0,64}}|{_WHOLE})[\"']?"
_VALUE = r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'|[^\s\"'][^\n]*|[\"'][^\n]*"
_BEFORE_BLANK = r"(?:[ \t]*(?:wpa|wireless)-[\w-]*(?:psk|pass\w*|key)\d?|.*[ \t](?:pre-?shared|private)-key)"
"""ifupdown's options, and wg's in its commands."""
_PEM = r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)[^-]*"
_UUID = r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"
_MAC = r"(?<![0-9a-f:.-])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}(?![0-9a-f:-])"
_IPV4 = r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)"
_IPV6 = r"(?<![\w:.])[0-9a-f]{0,4}:[0-9a-f:]*:[0-9a-f.]*(?![\w:])"
_KEPT = ("169.254.169.254", "fe80::a9fe:a9fe", "0.0.0.0", "::", "::1")
_FIRST = {4: 4, 6: 3}
"""So many bits stay as they are: what kind of address it is."""


def without_secrets(text: str) -> str:
    """The text without the values of keys that name a secret, keys in PEM, and passwords in URLs.

    Hidden is a quoted value, else the rest of the line: rather too much than a word of a secret.
    """
    import re

    text = re.sub(_PEM, rf"\1{HIDDEN}", text)
    # In YAML a value may stand on the lines below its key.
    below = rf"^([ \t]*)((?:- )?[\"']?{_KEY}[ \t]*:)[ \t]*(?:[|>][-+\d]{{0,2}})?[ \t]*\n(?:\1[ \t]+\S[^\n]*(?:\n|\Z))+"
    text = re.sub(f"(?im){below}", rf"\1\2 {HIDDEN}\n", text)
    text = re.sub(rf"(?i)({_KEY}[ \t]*[:=][ \t]*)(?:{_VALUE})", rf"\1{HIDDEN}", text)
    text = re.sub(rf"(?im)^({_BEFORE_BLANK}[ \t]+)\S.*$", rf"\1{HIDDEN}", text)
    return re.sub(r"(://[^/\s:@]+:)[^/\s@]+@", rf"\1{HIDDEN}@", text)


class Redaction:
    """Replaces the addresses, MACs, uuids and the host name in the texts of one report.

    Args:
        key: random, of one report: without it nobody can tell what stood there.
    """

    def __init__(self, key: bytes, host: str = "") -> None:
        self._key, self._host = key, host
        self._known: dict[tuple[int, bytes], int] = {}

    def text(self, text: str) -> str:
        """The text redacted."""
        import re

        text = re.sub(f"(?i){_UUID}|{_MAC}|{_IPV4}|{_IPV6}", self._replacement, text)
        if len(self._host) > 1:
            text = re.sub(rf"(?<![\w.-]){re.escape(self._host)}(?![\w-])", "host", text)
        return text

    def address(self, address: Address) -> Address:
        """Another address, which shares a prefix with those whose addresses shared one of that length."""
        size = len(address) * 8
        number, first = int.from_bytes(address, "big"), _FIRST[4 if size == 32 else 6]
        changed = number
        for bit in range(first, size):
            above = number >> (size - bit)
            changed ^= self._flip(size * 1000 + bit, above.to_bytes(16, "big")) << (size - bit - 1)
        return changed.to_bytes(len(address), "big")

    def _replacement(self, found: Match[str]) -> str:
        text = found.group(0)
        if text.count("-") == 4:
            return f"uuid-{self._digest(text.lower())[:12]}"
        if text.count(":") == 5 and len(text) == 17:
            return text[:9] + ":".join(self._digest(text.lower())[i : i + 2] for i in (0, 2, 4))
        try:
            address = parse_address(text)
        except ValueError:
            return text
        return text if text in _KEPT or _is_common(address) else address_text(self.address(address))

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
    return address[0] == 0xFF or address[:8] == b"\xfe\x80" + bytes(6)
