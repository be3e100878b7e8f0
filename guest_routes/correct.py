"""What is wrong in the files that cloud-init rendered, and their text put right. Pure.

Touched are only routes of the document: a host route under a NIC whose gateway is not its next hop moves to the NIC
whose gateway it is (R2), one that its NIC can't reach at all goes (R3), and so does a default route through another
NIC than the elected one (R4). Every other line stays as it is, byte by byte.
"""

from __future__ import annotations

from .bind import Binding
from .elect import Elected
from .foresee import Foreseen
from .model import address_text, contains
from .rendered import Place, Reading, Said
from .rendered_ifupdown import moved_ifupdown, read_ifupdown
from .rendered_ini import moved_keyfile, moved_networkd, read_keyfile, read_networkd
from .rendered_netplan import moved_netplan, read_netplan
from .resolve import Resolved, Unresolved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Mapping, NamedTuple, Sequence

    from .model import Nic
    from .policy import Settings
    from .rendered import NicOf
else:
    from .values import NamedTuple

READ: dict[str, Callable[[str, tuple[str, ...], NicOf], Reading]] = {
    "systemd-networkd": read_networkd,
    "netplan": read_netplan,
    "NetworkManager": read_keyfile,
    "ifupdown": read_ifupdown,
}
MOVED: dict[str, Callable[[Sequence[str], Said, Place], list[str]]] = {
    "systemd-networkd": moved_networkd,
    "netplan": moved_netplan,
    "NetworkManager": moved_keyfile,
    "ifupdown": moved_ifupdown,
}
UNREACHABLE = ("not-a-gateway", "no-subnet", "unknown-gateway")
"""Kinds of Unresolved whose next hop may be out of its NIC's reach."""


class Verdict(NamedTuple):
    """What becomes of one route that a file says."""

    said: Said
    verdict: str
    """kept, moved, removed, or left (wrong, but not put right)."""
    because: str
    to: Place | None = None
    """Where it moves; None also where it stands there already."""


class Corrected(NamedTuple):
    """One file, before and after."""

    path: str
    manager: str
    before: str
    after: str
    odd: str = ""
    """Why it is left alone."""


class Correction(NamedTuple):
    """Every file that was read, and every route in them."""

    files: tuple[Corrected, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def changed(self) -> tuple[Corrected, ...]:
        """The files that are to be written."""
        return tuple(one for one in self.files if one.before != one.after)


def correct(files: Sequence[tuple[str, str, str]], foreseen: Foreseen, settings: Settings) -> Correction:
    """Puts the files right.

    Args:
        files: manager, path and text of each.
    """
    nic_of = _finder(foreseen.resolution.bindings)
    corrected: list[Corrected] = []
    verdicts: list[Verdict] = []
    for manager in dict.fromkeys(manager for manager, _, _ in files):
        readings = [READ[manager](p, tuple(t.splitlines(keepends=True)), nic_of) for m, p, t in files if m == manager]
        found = [_judge(said, readings, foreseen, settings) for one in readings for said in one.said if not one.odd]
        verdicts += found
        corrected += [_rewritten(one, found, readings) for one in readings]
    return Correction(tuple(corrected), tuple(verdicts))


def unchanged(files: Sequence[tuple[str, str, str]]) -> Correction:
    """Files that say no route at all."""
    return Correction(tuple(Corrected(path, manager, text, text) for manager, path, text in files), ())


def _finder(bindings: Sequence[Binding]) -> NicOf:
    """NICs that the document describes, by MAC where one is given."""
    nics = [binding.nic for binding in bindings if binding.nic is not None and binding.network is not None]

    def nic_of(mac: str, name: str) -> Nic | None:
        def fits(nic: Nic) -> bool:
            wanted = mac.strip().lower()
            return nic.mac.hex(":") == wanted or nic.permanent_mac.hex(":") == wanted if wanted else nic.name == name

        return next((nic for nic in nics if fits(nic)), None)

    return nic_of


def _judge(said: Said, readings: Sequence[Reading], foreseen: Foreseen, settings: Settings) -> Verdict:
    if said.destination.is_default:
        return _judge_default(said, readings, foreseen, settings)
    resolution = foreseen.resolution
    known = next((one for one in resolution.resolved if _same(one, said)), None)
    if known is not None:
        if known.way.nic.ifindex == said.nic.ifindex:
            return Verdict(said, "kept", str(known))
        there = [s for one in readings for s in one.said if _goes(s, said) and s.nic.ifindex == known.way.nic.ifindex]
        if there:
            return Verdict(said, "removed", f"{known}; it stands there already")
        place = _place(known.way.nic, said.family, readings)
        if place is None:
            return Verdict(said, "left", f"{known}; but none of the files configures {known.way.nic.name}")
        return Verdict(said, "moved", str(known), place)
    unknown = next((one for one in resolution.unresolved if _same(one, said)), None)
    if unknown is None:
        return Verdict(said, "kept", "not of the document")
    subnets = [s for b in resolution.bindings if b.nic and b.nic.ifindex == said.nic.ifindex for s in b.subnets]
    if unknown.kind in UNREACHABLE and not any(contains(subnet, said.gateway) for subnet in subnets):
        reason = f"{address_text(said.gateway)} is out of {said.nic.name}'s reach, and the manager would wait for it"
        return Verdict(said, "removed", f"{unknown.host.place}: {reason}; {unknown.reason}")
    return Verdict(said, "kept", f"{unknown.host.place}: {unknown.reason}")


def _judge_default(said: Said, readings: Sequence[Reading], foreseen: Foreseen, settings: Settings) -> Verdict:
    """R4, for what stands in files."""
    elected = next((e for e in foreseen.elections if isinstance(e, Elected) and e.family == said.family), None)
    own = [b for b in foreseen.resolution.bindings if b.nic and b.nic.ifindex == said.nic.ifindex]
    if elected is None or not any(b.network and b.network.gateway == said.gateway for b in own):
        return Verdict(said, "kept", "no default is elected" if elected is None else "not of the document")
    if said.nic.ifindex == elected.nic.ifindex:
        return Verdict(said, "kept", elected.because)
    because = f"{elected.nic.name} has the default route: {elected.because}"
    if settings.default_mode != "enforce":
        return Verdict(said, "left", f"{because}; default_mode is {settings.default_mode}")
    others = [s for one in readings if not one.odd for s in one.said if s.destination == said.destination]
    if not any(s.nic.ifindex == elected.nic.ifindex and s.gateway == elected.gateway for s in others):
        return Verdict(said, "left", f"{because}; but no file says that one, and one default must stay (R7)")
    return Verdict(said, "removed", because)


def _same(one: Resolved | Unresolved, said: Said) -> bool:
    return one.host.destination == said.destination and one.host.next_hop == said.gateway


def _goes(one: Said, other: Said) -> bool:
    return one.destination == other.destination and one.gateway == other.gateway


def _place(nic: Nic, family: int, readings: Sequence[Reading]) -> Place | None:
    places = [place for one in readings if not one.odd for place in one.places]
    return next((place for place in places if place.nic.ifindex == nic.ifindex and place.family == family), None)


def _rewritten(reading: Reading, verdicts: Sequence[Verdict], readings: Sequence[Reading]) -> Corrected:
    """The file's text without the lines that go, and with those that come."""
    before = "".join(reading.lines)
    texts: Mapping[str, tuple[str, ...]] = {one.path: one.lines for one in readings}
    gone = {
        n for v in verdicts if v.said.path == reading.path and v.verdict in ("moved", "removed") for n in v.said.lines
    }
    coming: dict[int, list[str]] = {}
    headed: set[int] = set()
    for one in verdicts:
        if one.to is None or one.to.path != reading.path:
            continue
        # Numbers count on, and a list that wasn't there begins once.
        place = one.to._replace(number=one.to.number + len(coming.get(one.to.after, ())))
        if place.head < 0 and place.after in coming:
            place = place._replace(head=place.after)
        lines = [texts[one.said.path][number] for number in one.said.lines]
        coming.setdefault(place.after, []).extend(MOVED[reading.manager](lines, one.said, place))
        headed.add(place.head)
    gone |= {head for head, items in reading.heads if items and gone >= set(items) and head not in headed}
    after: list[str] = []
    for number, line in enumerate(reading.lines):
        if number not in gone:
            after.append(line)
        if number in coming:
            if after and not after[-1].endswith("\n"):
                after[-1] += "\n"
            after += coming[number]
    text = "".join(after)
    return Corrected(reading.path, reading.manager, before, before if reading.odd else text, reading.odd)
