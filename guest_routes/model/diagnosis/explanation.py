"""What `explain` has to say about one address."""

from __future__ import annotations

from ..decision import BY_CHOICE, NotElected
from ..namedtuple import NamedTuple
from ..network import BROADCAST, LOCAL_TABLE, LOOPBACK, MULTICAST, UNICAST, family_of, is_link_local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..decision import Elected, Unresolved
    from ..network import Address, Lookup, Prefix, Route
    from ..plan import PlannedDefault, PlannedRoute
    from ..report import Report
    from .status import Obstacle


LIMITED_BROADCAST = b"\xff\xff\xff\xff"
"""255.255.255.255, of no subnet, so that the default route decides about it. Source: RFC 919."""


class Explanation(NamedTuple):
    """What `explain` shows."""

    asked: Prefix
    planned: PlannedRoute | None
    """The host route that serves it: the longest prefix that covers it."""
    unresolved: tuple[Unresolved, ...]
    """Host routes that cover it and are not programmed."""
    answer: Lookup
    """The kernel's own way now."""
    report: Report
    nearer: Route | None = None
    """A route of the kernel's or of another program that is more specific than any of ours: its own subnet, say."""
    obstacle: Obstacle = ""
    """Why `sync` would make no pass."""
    hidden_by: Route | None = None
    """Another program's, of several narrower ones that leave the host route no address (R8)."""

    @property
    def default(self) -> PlannedDefault | None:
        """The default route of its family."""
        family = family_of(self.asked.address)
        return next((one for one in self.report.plan.defaults if one.family == family and one.route), None)

    @property
    def observed(self) -> Elected | None:
        """The default of its family that is elected, and neither there nor added."""
        family = family_of(self.asked.address)
        return next((one for one in self.report.observed if one.family == family), None)

    @property
    def not_elected(self) -> NotElected | None:
        """Why its family has no default route, where one is documented or in the kernel."""
        family = family_of(self.asked.address)
        missed = (one for one in self.report.elections if isinstance(one, NotElected) and one.family == family)
        return next((one for one in missed if one.wanted or one.kind in ("on-link", "contradicted")), None)

    @property
    def route(self) -> Route | None:
        """The route that should serve it; None when that is not ours to say."""
        if self.nearer is not None:
            return self.nearer
        if self.planned is not None:
            return self.planned.route
        return self.default.route if self.default else None

    @property
    def next_hops(self) -> tuple[tuple[int, Address | None], ...]:
        """The ifindex and gateway of each next hop of that route, each once; () where it leads nowhere."""
        route = self.route
        if route is None or route.kind not in (UNICAST, 0):  # 0: one that can't be written back.
            return ()
        to_all = self.answer.kind in (BROADCAST, MULTICAST)  # Such a packet goes to everybody on the link.
        hops = [(hop.ifindex, hop.gateway) for hop in route.nexthops] or [(route.ifindex, route.gateway)]
        return tuple(dict.fromkeys((nic, None if to_all else gateway) for nic, gateway in hops))

    @property
    def as_wanted(self) -> bool:
        """Whether the kernel sends it the way that was decided; for a default any router on its NIC is one (R4).

        What a route drops (`unreachable`, say) goes no way; nor does all of it, where another program's next hop of the
        same route takes a part (IPv6), whichever way this address goes.
        """
        route, answer = self.route, self.answer
        if route is not None and any(
            one.shares and one.destination == route.destination for one in self.report.overruled
        ):
            return False
        advertised = route is not None and route.destination.is_default and is_link_local(answer.gateway)
        return any(nic == answer.ifindex and (advertised or hop == answer.gateway) for nic, hop in self.next_hops)

    @property
    def by_local(self) -> bool:
        """Whether the kernel goes by table local: the address is the machine's own, a broadcast or multicast one.

        Where no rule is added, the kernel keeps IPv4's local and main as one, and calls it main (fib_trie_table).
        """
        answer = self.answer
        of_subnet = answer.kind == BROADCAST and answer.address != LIMITED_BROADCAST
        return answer.ifindex == LOOPBACK or answer.table == LOCAL_TABLE or of_subnet

    @property
    def exit_code(self) -> int:
        """0: as wanted, or table local decides; 1: not, or a host route that would serve it isn't programmed."""
        if self.by_local:
            return 0
        length = self.planned.route.destination.length if self.planned else 0
        missed = any(one.host.destination.length >= length and one.kind not in BY_CHOICE for one in self.unresolved)
        return 0 if self.as_wanted and not missed else 1
