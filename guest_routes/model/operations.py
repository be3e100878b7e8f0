"""What a pass asks of the kernel, and what came of it, as values."""

from __future__ import annotations

from .namedtuple import NamedTuple
from .network import Route

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from .decision import Elected, Resolved, Unresolved

    Place: TypeAlias = Literal["before", "alone", "behind"]
    RemovalReason: TypeAlias = Literal["not-in-document", "equal-serves", "shadowed", "not-elected", "withdrawn"]
    RestoreReason: TypeAlias = Literal["recorded", "handed-over", "nexthops-outside", "demoted", "whole-route-back"]
    Reason: TypeAlias = (
        "Resolved | Unresolved | Elected | RemovalReason | RestoreReason | Literal['', 'rolled-back', 'overtakes']"
    )
    """Why an operation is there (R15): the host route or default that it serves, the host route that is no longer
    resolved, or one of these.

    not-in-document   ours, wanted no more
    equal-serves      ours, and another program's equal route serves
    shadowed          ours, and another program's route wins
    not-elected       our default, which another NIC has now
    withdrawn         ours, by `withdraw`
    recorded          a default that was taken away earlier
    handed-over       our only default, without our protocol
    nexthops-outside  what stays of a multipath default: through NICs outside the metadata
    demoted           a copy of an extra default at a worse metric
    whole-route-back  what had stayed of a multipath default that is back
    rolled-back       the pass did harm
    overtakes         our default, in front of another program's that came while the pass ran
    """


class Add(NamedTuple):
    """Program a route of ours."""

    route: Route
    reason: Reason = ""
    place: Place = "before"
    """Where it goes among others of its key (IPv4; for IPv6 there may be none). Before them; or, for defaults, alone:
    refused where there are any by now, or behind: those that the snapshot showed are about to go."""


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


class RestoreDefault(NamedTuple):
    """The other half: put a recorded default or copy back, or the legs that stay, behind others of its key."""

    route: Route
    reason: Reason = ""


Operation: TypeAlias = "Add | Delete | Promote | RemoveForeignDefault | RestoreDefault"


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
