"""Host routes as the document lists them, for `explain`: their places and entries. Pure."""

from __future__ import annotations

from ...json_codec import dumps, loads
from ..folding import field, folded, more_of, wrapped
from ..words.reasons import unresolved_reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence

    from ...model.decision import Unresolved
    from ...model.document import Document
    from ...model.network_data import HostRoute
    from ...model.report import Report


def listed_lines(host: HostRoute, document: Document) -> list[str]:
    """The place of a host route, and the entry as the document has it."""
    return _item(host, _networks([host], document))


def not_programmed_lines(missed: Sequence[Unresolved], report: Report, verbose: bool) -> list[str]:
    """Host routes that are not programmed, and why not; of many only some unless `verbose`.

    Of one that stays as an earlier pass programmed it, that it wouldn't be so anew (R6).
    """
    shown = folded(missed, verbose)
    networks = _networks([one.host for one in shown], report.document)
    staying = [one.reason for one in report.plan.staying]
    lines = []
    for one in shown:
        anew = " anew" if one in staying else ""
        lines += [f"! not programmed{anew}: {one.host}", *_item(one.host, networks)]
        lines += [*field("why not", unresolved_reason(one)), ""]
    for more in more_of(missed, shown):
        lines += [f"! {more}", ""]
    return lines


def _is_entry(host: HostRoute) -> bool:
    """Whether a host route is an entry of a network's `routes`; a `gateway` key is none."""
    return host.network >= 0 and host.index >= 0


def _networks(hosts: Sequence[HostRoute], document: Document) -> Any:
    """The document's `networks`, read once; none where nothing is an entry of them."""
    return loads(document.data)["networks"] if any(map(_is_entry, hosts)) else []


def _item(host: HostRoute, networks: Any) -> list[str]:
    lines = field("listed at", host.place)
    if _is_entry(host):
        entry = networks[host.network]["routes"][host.index]
        lines += wrapped(dumps({key: entry[key] for key in ("network", "netmask", "gateway") if key in entry}), 13)
    return lines
