"""The files that cloud-init rendered, put right as judge.py has it. Pure.

Lines of routes that move or go are the only ones that change; every other one stays as it is, byte by byte.
"""

from __future__ import annotations

from ..model.configuration import ConfiguredRoute, CorrectedFile, Correction, ParsedConfig, Place, RouteVerdict
from ..model.decision import Binding
from ..model.plan import Decision
from ..routing.bind import BONDS
from .judge import judged
from .parsed.ifupdown import moved_ifupdown, read_ifupdown
from .parsed.ini import moved_keyfile, moved_networkd, read_keyfile, read_networkd
from .parsed.netplan import moved_netplan, read_netplan
from .parsed.sysconfig import moved_sysconfig, read_sysconfig, renumbered
from .parsed.wicked import moved_wicked, read_wicked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Collection, Mapping, Sequence

    from ..model.network import Nic
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
        found = judged(parsed, decision, settings)
        verdicts += found
        corrected += _rewritten(parsed, found)
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


def _rewritten(parsed: Sequence[ParsedConfig], verdicts: Sequence[RouteVerdict]) -> list[CorrectedFile]:
    """Every file with the lines that come, and without those that go."""
    texts = {one.path: one.lines for one in parsed}
    coming: dict[str, list[tuple[ConfiguredRoute, Place]]] = {}
    going: dict[str, list[ConfiguredRoute]] = {}
    for one in verdicts:
        if one.to is not None:
            coming.setdefault(one.to.path, []).append((one.route, one.to))
        if one.verdict in ("moved", "removed"):
            going.setdefault(one.route.path, []).append(one.route)
    return [_file(one, coming.get(one.path, ()), going.get(one.path, ()), texts) for one in parsed]


def _file(
    parsed: ParsedConfig,
    arriving: Sequence[tuple[ConfiguredRoute, Place]],
    leaving: Sequence[ConfiguredRoute],
    texts: Mapping[str, tuple[str, ...]],
) -> CorrectedFile:
    before = None if parsed.origin == "absent" else "".join(parsed.lines)
    if parsed.odd is not None:
        return CorrectedFile(parsed.path, parsed.manager, before, before, parsed.calls_route, parsed.odd, parsed.others)
    coming, headed = _coming(parsed, arriving, texts)
    gone = _going(parsed, leaving, headed)
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
    parsed: ParsedConfig, arriving: Sequence[tuple[ConfiguredRoute, Place]], texts: Mapping[str, tuple[str, ...]]
) -> tuple[dict[int, list[str]], set[int]]:
    """The lines that come, by the line they come behind; and the list heads that they need."""
    coming: dict[int, list[str]] = {}
    headed: set[int] = set()
    for route, there in arriving:
        # Numbers count on, and a list that wasn't there begins once.
        place = there._replace(number=there.number + len(coming.get(there.after, ())))
        if place.head < 0 and place.after in coming:
            place = place._replace(head=place.after)
        lines = [texts[route.path][number] for number in route.lines]
        coming.setdefault(place.after, []).extend(MOVED[parsed.manager](lines, route, place))
        headed.add(place.head)
    return coming, headed


def _going(parsed: ParsedConfig, leaving: Sequence[ConfiguredRoute], headed: set[int]) -> set[int]:
    """The lines that go, and the heads of lists that are empty then."""
    gone = {number for route in leaving for number in route.lines}
    return gone | {head for head, items in parsed.heads if items and gone >= set(items) and head not in headed}
