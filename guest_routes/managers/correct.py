"""What is wrong in the files that cloud-init rendered, and their text put right. Pure.

Touched are only routes of the document: a host route under a NIC whose gateway is not its next hop moves to the NIC
whose gateway it is (R2), one that its NIC can't reach at all goes (R3), and so does a default route through another
NIC than the elected one (R4). Every other line stays as it is, byte by byte.
"""

from __future__ import annotations

from ..model.configuration import ConfiguredRoute, CorrectedFile, Correction, ParsedConfig, Place, RouteVerdict
from ..model.decision import Binding, Elected, Resolved, Unresolved
from ..model.network import MAIN_TABLE, contains
from ..model.plan import Decision
from ..routing.bind import BONDS
from .parsed.ifupdown import moved_ifupdown, read_ifupdown
from .parsed.ini import moved_keyfile, moved_networkd, read_keyfile, read_networkd
from .parsed.netplan import moved_netplan, read_netplan
from .parsed.sysconfig import moved_sysconfig, read_sysconfig, renumbered
from .parsed.wicked import moved_wicked, read_wicked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Collection, Mapping, Sequence

    from ..model.network import Nic, Prefix
    from ..model.settings import Settings
    from .parsed.config import NicOf, Read, ReadAll


def _each(read: Read) -> ReadAll:
    """Reads files that need no other one to be understood."""
    return lambda files, nic_of: [read(path, lines, nic_of) for path, lines in files]


READ: dict[str, ReadAll] = {
    "systemd-networkd": _each(read_networkd),
    "netplan": _each(read_netplan),
    "NetworkManager": _each(read_keyfile),
    "ifupdown": _each(read_ifupdown),
    "sysconfig": read_sysconfig,
    "wicked": read_wicked,
}
MOVED: dict[str, Callable[[Sequence[str], ConfiguredRoute, Place], list[str]]] = {
    "systemd-networkd": moved_networkd,
    "netplan": moved_netplan,
    "NetworkManager": moved_keyfile,
    "ifupdown": moved_ifupdown,
    "sysconfig": moved_sysconfig,
    "wicked": moved_wicked,
}
FINISHED: dict[str, Callable[[Sequence[str]], list[str]]] = {"sysconfig": renumbered}
"""What else a file needs whose routes have changed."""


def correct(
    files: Sequence[tuple[str, str, str]],
    decision: Decision,
    settings: Settings,
    unread: Collection[str] = (),
    common: Sequence[tuple[str, str, str]] = (),
) -> Correction:
    """Puts the files right.

    Args:
        files: manager, path and text of each.
        decision: for the NICs as the document will have them (routing.project).
        unread: paths of files that are there, and can't be used: none of them is made.
        common: as files, those that only say how the manager takes them (COMMON).
    """
    nic_of = _finder(decision.resolution.bindings)
    corrected: list[CorrectedFile] = []
    verdicts: list[RouteVerdict] = []
    for manager in dict.fromkeys(manager for manager, _, _ in files):
        texts = [(path, tuple(text.splitlines(keepends=True))) for m, path, text in (*files, *common) if m == manager]
        parsed = [one for one in READ[manager](texts, nic_of) if one.origin != "absent" or one.path not in unread]
        read = [one for one in parsed if one.odd is None]
        found = [_judge(route, parsed, decision, settings) for one in read for route in one.routes]
        verdicts += found
        corrected += [_rewritten(one, found, parsed) for one in parsed]
    return Correction(tuple(one for one in corrected if (one.before, one.after) != (None, None)), tuple(verdicts))


def unchanged(files: Sequence[tuple[str, str, str]]) -> Correction:
    """Files that say no route at all."""
    return Correction(tuple(CorrectedFile(path, manager, text, text) for manager, path, text in files), ())


def _finder(bindings: Sequence[Binding]) -> NicOf:
    """NICs that the document describes, by MAC where one is given; of several with one MAC the one of that name."""
    nics = [binding.nic for binding in bindings if binding.nic is not None and binding.network is not None]

    def nic_of(mac: str, name: str) -> Nic | None:
        wanted = mac.strip().lower()
        if not wanted:
            return next((nic for nic in nics if nic.name == name), None)
        fitting = [nic for nic in nics if wanted in (nic.mac.hex(":"), nic.permanent_mac.hex(":"))]
        return next((nic for nic in fitting if nic.name == name), _standing_for(name, fitting))

    return nic_of


def _standing_for(name: str, fitting: Sequence[Nic]) -> Nic | None:
    """The NIC of a MAC that has another name by now: not a device made of it, nor it for a VLAN on it (eth0.7)."""
    plain = (nic for nic in fitting if nic.kind not in (*BONDS, "vlan"))
    return next((nic for nic in plain if not name.startswith(f"{nic.name}.")), None)


def _judge(
    route: ConfiguredRoute, parsed: Sequence[ParsedConfig], decision: Decision, settings: Settings
) -> RouteVerdict:
    if not route.in_main:
        return RouteVerdict(route, "kept", "not-main")
    if route.destination.is_default:
        return _judge_default(route, parsed, decision, settings)
    resolved = next((one for one in decision.resolution.resolved if _same(one, route)), None)
    if resolved is not None:
        return _judge_resolved(route, resolved, parsed)
    unresolved = next((one for one in decision.resolution.unresolved if _same(one, route)), None)
    if unresolved is None:
        return _judge_unlisted(route, parsed)
    own = _bindings_of(route, decision)
    reachable = any(contains(subnet, route.gateway) for one in own for subnet in one.subnets)
    uncertain = unresolved.binding is not None and unresolved.binding.contradiction is not None
    if unresolved.kind != "ignored" and not reachable and not uncertain:
        return RouteVerdict(route, "removed", "out-of-reach", unresolved)
    return RouteVerdict(route, "kept", "unresolved", unresolved)


def _judge_unlisted(route: ConfiguredRoute, parsed: Sequence[ParsedConfig]) -> RouteVerdict:
    """A route that the document lacks: somebody else's, or one that `correct` had moved, and cloud-init leaves."""
    if any(one.path == route.path and one.origin == "correct" for one in parsed):
        return RouteVerdict(route, "removed", "no-longer-listed")
    return RouteVerdict(route, "kept", "not-in-document")


def _judge_resolved(route: ConfiguredRoute, resolved: Resolved, parsed: Sequence[ParsedConfig]) -> RouteVerdict:
    """A host route that has a NIC: it stays there, or goes there unless it is there already."""
    nic = resolved.next_hop.nic
    if nic.ifindex == route.nic.ifindex:
        return RouteVerdict(route, "kept", "resolved", resolved)
    equal = [other for one in parsed for other in one.judged if _goes(other, route)]
    if any(other.nic.ifindex == nic.ifindex for other in equal):
        return RouteVerdict(route, "removed", "there-already", resolved)
    place = _place(nic, route, parsed)
    if place is None:
        return RouteVerdict(route, "left", "no-file", resolved)
    return RouteVerdict(route, "moved", "resolved", resolved, place)


def _judge_default(
    route: ConfiguredRoute, parsed: Sequence[ParsedConfig], decision: Decision, settings: Settings
) -> RouteVerdict:
    """R4, for what stands in files."""
    elected = next((e for e in decision.elections if isinstance(e, Elected) and e.family == route.family), None)
    if elected is None:
        return RouteVerdict(route, "kept", "none-elected")
    if not _is_documented(route, decision):
        return _judge_unlisted(route, parsed)
    if (route.nic.ifindex, route.gateway) == (elected.nic.ifindex, elected.gateway):
        return RouteVerdict(route, "kept", "elected", elected)
    if settings.table != MAIN_TABLE:
        return RouteVerdict(route, "left", "other-table", elected)
    named = _named_elsewhere(route, elected, decision)
    if named is not None:
        return _judge_resolved(route, named, parsed)
    if settings.default_mode != "enforce":
        return RouteVerdict(route, "left", "default-mode", elected)
    if not _will_have(elected, route.destination, parsed, decision):
        return RouteVerdict(route, "left", "only-default", elected)
    return RouteVerdict(route, "removed", "extra-default", elected)


def _named_elsewhere(route: ConfiguredRoute, elected: Elected, decision: Decision) -> Resolved | None:
    """The default entry behind a file's default, where its next hop names the elected NIC and not the file's."""
    found = (one for one in decision.resolution.defaults if one.host.next_hop == route.gateway == elected.gateway)
    return next((one for one in found if one.next_hop.nic.ifindex == elected.nic.ifindex), None)


def _is_documented(route: ConfiguredRoute, decision: Decision) -> bool:
    """Whether a network on the route's NIC lists this default."""
    networks = [one.network for one in _bindings_of(route, decision) if one.network]
    return any(entry.gateway == route.gateway for network in networks for entry in network.defaults)


def _will_have(elected: Elected, anywhere: Prefix, parsed: Sequence[ParsedConfig], decision: Decision) -> bool:
    """Whether a file that can be read has the elected default or gets it, and no file switches it off (R7)."""
    if any((elected.nic.ifindex, elected.family) in one.idle for one in parsed):
        return False
    readable = [other for one in parsed if one.odd is None for other in one.judged]
    for other in (one for one in readable if (one.destination, one.gateway) == (anywhere, elected.gateway)):
        if other.nic.ifindex == elected.nic.ifindex:
            return True
        named = _named_elsewhere(other, elected, decision) if _is_documented(other, decision) else None
        if named is not None and _judge_resolved(other, named, parsed).verdict == "moved":
            return True
    return False


def _bindings_of(route: ConfiguredRoute, decision: Decision) -> list[Binding]:
    """The document's networks on the route's NIC."""
    return [one for one in decision.resolution.bindings if one.nic and one.nic.ifindex == route.nic.ifindex]


def _same(one: Resolved | Unresolved, route: ConfiguredRoute) -> bool:
    return one.host.destination == route.destination and one.host.next_hop == route.gateway


def _goes(one: ConfiguredRoute, other: ConfiguredRoute) -> bool:
    return one.destination == other.destination and one.gateway == other.gateway


def _place(nic: Nic, route: ConfiguredRoute, parsed: Sequence[ParsedConfig]) -> Place | None:
    places = [place for one in parsed if one.odd is None for place in one.places if place.family == route.family]
    taken = ("any", "default" if route.destination.is_default else "host")
    return next((place for place in places if place.nic.ifindex == nic.ifindex and place.takes in taken), None)


def _rewritten(parsed: ParsedConfig, verdicts: Sequence[RouteVerdict], every: Sequence[ParsedConfig]) -> CorrectedFile:
    """The file with the lines that come, and without those that go."""
    before = None if parsed.origin == "absent" else "".join(parsed.lines)
    if parsed.odd is not None:
        return CorrectedFile(parsed.path, parsed.manager, before, before, parsed.calls_route, parsed.odd, parsed.others)
    coming, headed = _coming(parsed, verdicts, {one.path: one.lines for one in every})
    gone = _going(parsed, verdicts, headed)
    if not coming and not gone:
        return CorrectedFile(parsed.path, parsed.manager, before, before, parsed.calls_route)
    if parsed.origin == "correct" and not coming and not _says(parsed, gone):
        return CorrectedFile(parsed.path, parsed.manager, before, None, parsed.calls_route)
    after = FINISHED.get(parsed.manager, list)(_changed_lines(parsed, coming, gone))
    return CorrectedFile(parsed.path, parsed.manager, before, "".join(after), parsed.calls_route)


def _says(parsed: ParsedConfig, gone: set[int]) -> bool:
    """Whether the file says anything without these lines."""
    left = (line for number, line in enumerate(parsed.lines) if number not in gone)
    return any(line.strip() and not line.startswith("#") for line in left)


def _changed_lines(parsed: ParsedConfig, coming: Mapping[int, Sequence[str]], gone: set[int]) -> list[str]:
    after: list[str] = []
    for number, line in enumerate(parsed.lines):
        if number not in gone:
            after.append(line)
        if number in coming:
            if after and not after[-1].endswith("\n"):
                after[-1] += "\n"
            after += coming[number]
    return after


def _coming(
    parsed: ParsedConfig, verdicts: Sequence[RouteVerdict], texts: Mapping[str, tuple[str, ...]]
) -> tuple[dict[int, list[str]], set[int]]:
    """The lines that come, by the line they come behind; and the list heads that they need."""
    coming: dict[int, list[str]] = {}
    headed: set[int] = set()
    for one in verdicts:
        if one.to is None or one.to.path != parsed.path:
            continue
        # Numbers count on, and a list that wasn't there begins once.
        place = one.to._replace(number=one.to.number + len(coming.get(one.to.after, ())))
        if place.head < 0 and place.after in coming:
            place = place._replace(head=place.after)
        lines = [texts[one.route.path][number] for number in one.route.lines]
        coming.setdefault(place.after, []).extend(MOVED[parsed.manager](lines, one.route, place))
        headed.add(place.head)
    return coming, headed


def _going(parsed: ParsedConfig, verdicts: Sequence[RouteVerdict], headed: set[int]) -> set[int]:
    """The lines that go, and the heads of lists that are empty then."""
    leaving = [one.route for one in verdicts if one.route.path == parsed.path and one.verdict in ("moved", "removed")]
    gone = {number for route in leaving for number in route.lines}
    return gone | {head for head, items in parsed.heads if items and gone >= set(items) and head not in headed}
