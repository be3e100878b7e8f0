"""Addresses that only a certain prefix decides about, so that the kernel can be asked for that prefix's route. Pure."""

from __future__ import annotations

from _operator import itemgetter

from ...model.network import Prefix, contains

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Sequence

    from ...model.network import Address

_FIRST = itemgetter(0)
"""The address of a Prefix, and the first byte of that."""
_FIRST_BYTES = {4: (*range(8, 127), *range(128, 169), *range(170, 224)), 6: tuple(range(0x20, 0x40))}
"""Of unicast addresses that may be anywhere: without loopback, link-local and multicast. Source: IANA's registries."""


def beyond(family: int, destinations: Sequence[Prefix]) -> Address | None:
    """An address that none of these prefixes covers but 0.0.0.0/0 and ::/0; None where they cover everything."""
    size = 4 if family == 4 else 16
    # Of the other family, too: at worst a gap is looked for.
    used = set(map(_FIRST, map(_FIRST, destinations)))
    wide = [prefix for prefix in destinations if 0 < prefix[1] < 8]
    for first in _FIRST_BYTES[family]:
        address = bytes((first,)) + bytes(size - 2) + b"\1"
        if first not in used and not _is_covered(address, wide):
            return address
    return _gap(size, _FIRST_BYTES[family], destinations)


def _is_covered(address: Address, prefixes: Iterable[Prefix]) -> bool:
    return any(contains(prefix, address) for prefix in prefixes)


def _gap(size: int, first_bytes: Sequence[int], destinations: Iterable[Prefix]) -> Address | None:
    """The first address outside all prefixes, in order."""
    bits = size * 8
    spans = []
    for address, length in destinations:
        if len(address) == size and length:
            start = int.from_bytes(address, "big") >> bits - length << bits - length
            spans.append((start, start + (1 << bits - length)))
    at = 0
    for start, end in (*sorted(spans), (1 << bits, 1 << bits)):
        while at < start:
            first = at >> bits - 8
            if first in first_bytes:
                return at.to_bytes(size, "big")
            at = first + 1 << bits - 8
        at = max(at, end)
    return None


class Nesting:
    """Prefixes, to find addresses that none of the narrower ones covers.

    Args:
        own: the NICs' addresses with their prefix lengths.
    """

    def __init__(self, destinations: Iterable[Prefix], own: Sequence[Prefix]) -> None:
        self._nested, self._own = set(destinations), own
        self._lengths = {prefix.length for prefix in self._nested}

    def address_in(self, destination: Prefix) -> Address | None:
        """An address that this destination's route decides; None where none of a few is."""
        size = len(destination.address)
        low = int.from_bytes(destination.address, "big")
        span = 1 << size * 8 - destination.length
        longer = [length for length in self._lengths if destination.length < length <= size * 8]
        for offset in dict.fromkeys((min(1, span - 1), span // 2, span - 1, 0, span // 3)):
            address = (low + offset).to_bytes(size, "big")
            if not _is_covered(address, self._own) and not any(
                _prefix_of(low + offset, length, size) in self._nested for length in longer
            ):
                return address
        return None


def _prefix_of(number: int, length: int, size: int) -> Prefix:
    """The prefix of that length which an address, as a number, lies in."""
    shift = size * 8 - length
    return Prefix((number >> shift << shift).to_bytes(size, "big"), length)
