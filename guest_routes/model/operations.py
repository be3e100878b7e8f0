"""What a pass asks of the kernel, and what came of it, as values."""

from __future__ import annotations

from .namedtuple import NamedTuple
from .network import Route

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from .decision import Elected, Resolved, Unresolved

    Place: TypeAlias = Literal["before", "alone", "behind", "among"]
    RemovalReason: TypeAlias = Literal[
        "not-in-document", "equal-serves", "ours-serves", "shadowed", "not-elected", "withdrawn"
    ]
    RestoreReason: TypeAlias = Literal[
        "recorded", "handed-over", "nexthops-outside", "demoted", "whole-route-back", "rolled-back"
    ]
    ReachReason: TypeAlias = Literal["gateway", "gateway-no-more"]
    Reason: TypeAlias = (
        "Resolved | Unresolved | Elected | RemovalReason | RestoreReason | ReachReason | Literal['', 'overtakes']"
    )
    """Why an operation is there (R15): the host route or default that it serves, the host route that is no longer
    resolved, or one of these.

    not-in-document   ours, wanted no more
    equal-serves      ours, and another program's equal route serves
    ours-serves       our default, and another of ours leads the same way
    shadowed          ours, and another program's route wins
    not-elected       our default, which another NIC or gateway has now
    withdrawn         ours, by `withdraw`
    recorded          a default that was taken away earlier
    handed-over       our only default, without our protocol
    nexthops-outside  what stays of a multipath default: through NICs outside the metadata
    demoted           a copy of an extra default at a worse metric
    whole-route-back  what had stayed of a multipath default that is back
    rolled-back       the pass did harm
    gateway           a gateway's own route, on link: another route covers it (R7)
    gateway-no-more   such a route that nothing needs any more
    overtakes         our default, in front of another program's that came while the pass ran
    """


class Add(NamedTuple):
    """Program a route of ours."""

    route: Route
    reason: Reason = ""
    place: Place = "before"
    """Where it goes among others of its key (IPv4; for IPv6 there may be none). Before them; or, for defaults, alone:
    refused where there are any by now, or behind: those that the snapshot showed are about to go. An IPv6 gateway's own
    route may go among ours to the same address on other NICs."""


class Delete(NamedTuple):
    """Take away a route of ours; one that is gone already is fine."""

    route: Route
    reason: Reason = ""


class Promote(NamedTuple):
    """Move a route of ours before the others of its key (IPv4): delete and add in one send."""

    route: Route
    reason: Reason = ""


class RemoveForeignDefault(NamedTuple):
    """The exception to R1: take away another program's default route (R4) or copy (R20), recorded first."""

    route: Route
    reason: Reason = ""
    by_protocol: bool = False
    """The request names its protocol, for IPv6, too: without, the kernel would take another route for it."""


class RestoreDefault(NamedTuple):
    """The other half: put a recorded default or copy back, or the next hops that stay, behind others of its key."""

    route: Route
    reason: Reason = ""
    before: bool = False
    """Before the others of its key (IPv4)."""
    instead: bool = False
    """In place of the others of its key, of which it is the whole or the heir (IPv6)."""


class MoveDefault(NamedTuple):
    """Another program's default to its former place, behind or before others of its key (IPv4): delete and add in one
    send."""

    route: Route
    reason: Reason = ""
    before: bool = False


Operation: TypeAlias = "Add | Delete | Promote | RemoveForeignDefault | RestoreDefault | MoveDefault"


class Failure(NamedTuple):
    """An operation the kernel refused."""

    operation: Operation
    errno: int
    text: str
    """The kernel's own words where it has some ("Nexthop has invalid gateway"), else strerror."""


class Outcome(NamedTuple):
    """What came of a plan."""

    done: tuple[Operation, ...] = ()
    """Carried out, in order."""
    failures: tuple[Failure, ...] = ()
    skipped: tuple[Operation, ...] = ()
    """Removals not tried, because what was to serve their destination instead was refused."""
