"""Where packets with one of the machine's addresses go, and why, as a value: what `explain --from` shows (R21)."""

from __future__ import annotations

from ..namedtuple import NamedTuple
from ..network import BROADCAST, MULTICAST, UNICAST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..network import Address, Nic, Route
    from ..source_routing import NicTable, SourceConflict
    from .explanation import Explanation


class SourceExplanation(NamedTuple):
    """What `explain ADDRESS --from ADDRESS` shows."""

    source: Address
    nic: Nic | None
    table: NicTable | None
    """What its packets look up; None: they follow main."""
    route: Route | None
    """The one there that decides."""
    in_place: bool
    """Rule and route are there; where there should be none, so is no rule of an earlier pass."""
    conflict: SourceConflict | None
    """Why its packets look up no table, or may leave otherwise."""
    by_main: Explanation
    """What main says, and the kernel's answer for a packet that carries the address."""
    others: tuple[Nic, ...] = ()
    """Further NICs that have the address."""
    held: bool = False
    """Rule and table are an earlier pass's, and stay since the document may be partial (R6)."""
    link_local: bool = False
    """Such addresses have no rule."""
    main: Route | None = None
    """The main table's, where their table throws."""

    @property
    def expected(self) -> Route | None:
        """The route that packets should take: that of the table, or main's where the table has none or throws."""
        route = self.route
        leads = route is not None and (route.gateway is not None or route.ifindex or route.nexthops)
        return route if leads else self.main or self.by_main.route

    @property
    def next_hops(self) -> tuple[tuple[Address | None, int], ...]:
        """Gateway and ifindex of each next hop of that route; () where it drops the packet."""
        route = self.expected
        if route is None or route.kind not in (UNICAST, 0):  # 0: one that can't be written back.
            return ()
        to_all = self.by_main.answer.kind in (BROADCAST, MULTICAST)  # Such a packet goes to everybody on the link.
        return tuple((None if to_all else hop.gateway, hop.ifindex) for hop in route.nexthops or (route,))

    @property
    def is_thrown(self) -> bool:
        """Whether main decides, although the packets look a table up."""
        return self.route is None or self.route is not self.expected

    @property
    def is_refused(self) -> bool:
        """Whether the address is none of this machine, so that the kernel sends no packet with it."""
        return self.nic is None and bool(self.by_main.answer.error)

    @property
    def is_prevented(self) -> bool:
        """Whether something keeps its packets from the table that they should look up."""
        return self.table is None and self.conflict is not None

    @property
    def as_wanted(self) -> bool:
        """Whether the kernel sends them so."""
        answer = self.by_main.answer
        return (answer.gateway, answer.ifindex) in self.next_hops

    @property
    def exit_code(self) -> int:
        """0: as wanted, or nothing that routes decide; 1: not, or source routing is kept from them."""
        if self.by_main.by_local:
            return 0
        return 0 if self.as_wanted and not self.is_prevented else 1
