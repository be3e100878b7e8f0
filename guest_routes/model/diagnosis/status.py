"""What `status` shows: the last pass, the kernel now, and the service's record of itself.

Times are seconds since the epoch, for people; the service counts from the machine's start until it publishes them.
"""

from __future__ import annotations

from ..document import Unusable
from ..namedtuple import NamedTuple
from ..network import Address, KernelState, Prefix, Route, Rule
from ..network_data import Problem
from .comparison import Comparison

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, Sequence, TypeAlias

    from ..document import Missing
    from ..evidence import Elsewhere
    from ..operations import Operation
    from ..report import Unprogrammed
    from ..source_routing import SourceKey

Obstacle: TypeAlias = "Literal['settings-wrong', 'disabled', '']"
"""Why no command makes a pass."""
UnitState: TypeAlias = "Literal['enabled', 'not-enabled', '']"
"""What systemd or OpenRC makes of the service's unit; "" where it has none."""


class Status(NamedTuple):
    """The files of the last pass, and the kernel now; nothing is fetched."""

    last: dict[str, Any]
    """What the last pass left (output.summary.last_pass_json); {} when none is known."""
    state: KernelState
    ours: tuple[Route, ...]
    compared: Comparison | Missing
    """With what the last accepted document asks for; or why there is nothing to compare with."""
    failed: dict[str, Any]
    """A later pass that could do nothing: when, with which exit code and error; {} when there was none."""
    now: float
    withdrawn: bool = False
    """`withdraw` ran last: the service leaves the routes alone."""
    service: StatusRecord | None = None
    """The service's own record; None when no service runs, or another version wrote it."""
    service_runs: bool = False
    """The process that wrote the record still runs."""
    problems: tuple[Problem, ...] = ()
    """Files of state that are damaged, or that others could have written: none of them is used."""
    settings_problems: tuple[str, ...] = ()
    """What is wrong in the settings: nothing but a service that has read others makes a pass until it is corrected."""
    settings_hidden: bool = False  # All that is wrong is that this user may not read them.
    enabled: bool = True
    """False: the settings switch everything off."""
    unit: UnitState = ""
    """What systemd or OpenRC makes of the service's unit."""
    own_rules: tuple[Rule, ...] = ()
    last_unknown: bool = False
    """A pass has run, by its routes or by a file that can't be used, and `last` is {}."""
    settings_unread: bool = False
    """The service goes by other settings than these."""
    elsewhere: tuple[Elsewhere, ...] = ()
    """What passes with other settings have left."""
    service_overdue: bool = False
    """The service's process lives, and should have renewed its record: it hangs, or can't write it."""

    @property
    def service_goes_on(self) -> bool:
        """The service makes passes, whatever the settings say by now."""
        return goes_on(self.service, self.service_runs, self.withdrawn)

    @property
    def obstacle(self) -> Obstacle:
        """Why `sync` would make no pass."""
        return obstacle_of(self.settings_problems, self.settings_hidden, self.enabled)

    @property
    def service_missing(self) -> bool:
        """The service should run and doesn't: its unit is enabled, or it ended without a word; or it is overdue."""
        return self.service_overdue or (not self.service_runs and (self.service is not None or self.unit == "enabled"))

    @property
    def unknown(self) -> Missing | None:
        """Why drift is unknown; None when it is known."""
        return None if isinstance(self.compared, Comparison) else self.compared

    @property
    def hidden(self) -> bool:
        """Whether drift is unknown to this user alone, whatever happens on the machine."""
        return isinstance(self.unknown, Unusable) and self.unknown.kind == "not-permitted"

    @property
    def comparison(self) -> Comparison:
        """Empty where there is nothing to compare with."""
        return self.compared if isinstance(self.compared, Comparison) else Comparison()

    @property
    def drift(self) -> tuple[Operation, ...]:
        """What a pass on the same document would change."""
        return self.comparison.drift

    @property
    def unprogrammed(self) -> tuple[Unprogrammed, ...]:
        """What of the last known good document is not in effect now."""
        return self.comparison.unprogrammed

    @property
    def exit_code(self) -> int:
        """See docs/man/guest-routes.8, EXIT STATUS; the first that is so counts."""
        if self.settings_problems:
            return 2
        if not self.enabled:
            return 1 if self.service_goes_on else 0
        if self.failed:
            return int(self.failed["exit_code"])
        if not self.last:
            return 1 if self.last_unknown else 4
        if any((self.comparison.changes, self.unknown is not None, self.withdrawn, self.service_missing)):
            return 1
        missed = self.unprogrammed or self.comparison.source_conflicts
        return 5 if missed else int(self.last["exit_code"])


def goes_on(service: StatusRecord | None, runs: bool, withdrawn: bool) -> bool:
    """Whether the service makes passes, whatever the settings say by now."""
    return runs and service is not None and service.enabled and not withdrawn


def obstacle_of(problems: Sequence[str], hidden: bool, enabled: bool) -> Obstacle:
    """Why `sync` would make no pass.

    Args:
        problems: what is wrong in the settings.
        hidden: that is only that this user may not read them.
        enabled: what is right in them doesn't switch everything off.
    """
    if problems and not hidden:
        return "settings-wrong"
    return "" if enabled else "disabled"


SCHEMA = "guest-routes/service/1"
RECENT = 10
"""So many repairs and conflicts are kept."""


class Actor(NamedTuple):
    """Who changed a route or rule, as far as it is known; pid 0 where it isn't."""

    program: str = ""
    """The name of its process: "dhclient"; "kernel" for the kernel itself; "" when the process has ended."""
    pid: int = 0
    ancestors: tuple[str, ...] = ()
    """Names of the processes that started it, nearest first."""


class RouteKey(NamedTuple):
    """What tells one route from another in the kernel's notifications."""

    destination: Prefix
    gateway: Address | None
    """None: on link, or a multipath route."""
    ifindex: int
    """The NIC that it leads through; 0 for a multipath route."""
    metric: int
    protocol: int


class Change(NamedTuple):
    """The last change of a route by another program or the kernel: it was deleted, or else added or replaced."""

    actor: Actor
    route: RouteKey
    deleted: bool


class SourceChange(NamedTuple):
    """The last change of a rule, or of a route in a NIC's table, by another program."""

    actor: Actor
    key: SourceKey
    deleted: bool


class Repair(NamedTuple):
    """A route or rule that was put back, or one in its way that was removed."""

    when: float
    route: str
    what: str
    """"added" or "removed"."""
    why: str


class ConflictRecord(NamedTuple):
    """A destination whose route another program keeps changing."""

    since: float
    destination: str
    times: int
    actor: str
    remedy: str


class ForeignRoute(NamedTuple):
    """Another program's route in a table of source routing's, and who added it."""

    route: str
    actor: str


class StatusRecord(NamedTuple):
    """What the service publishes of itself."""

    pid: int
    process_started: str
    """Field 22 of /proc/PID/stat, so that another process of that id isn't taken for it."""
    started: float
    doing: str = ""
    """One readable line."""
    refreshed: float = 0.0
    """When a document was last accepted; 0 when never."""
    next_refresh: float = 0.0
    failing_since: float = 0.0
    """When the first of the failed fetches in a row failed; 0 when the last fetch succeeded."""
    failures: int = 0
    """Failed fetches in a row."""
    failure: str = ""
    """Why the last of them failed; "" when it succeeded."""
    partial_reason: str = ""
    """Why the last document may be partial (R6); "" when it was accepted."""
    passes: int = 0
    events: int = 0
    repairs: int = 0
    recent: tuple[Repair, ...] = ()
    """The last ones, oldest first."""
    conflicts: tuple[ConflictRecord, ...] = ()
    last_error: str = ""
    """Why the service's last pass could not be made; "" when it could."""
    foreign_messages: int = 0
    """Netlink messages of other processes so far, which were ignored."""
    malformed_messages: int = 0
    """Notifications so far that could not be read."""
    enabled: bool = True
    """False: the settings that the service has read switch it off, and it makes no pass."""
    settings: str = ""
    """The fingerprint of these settings; "" where options have a part in them, so that files don't tell of a change."""
    foreign_routes: tuple[ForeignRoute, ...] = ()
    """Those that stand in tables of source routing's, as far as it is known who added them."""
    overdue_from: float = 0.0
    """When this record should have been renewed at the latest, by clocks.seconds_awake(); 0 when that isn't known."""

    def moved(self, seconds: float) -> StatusRecord:
        """With all times so much later; 0 is no time."""
        times = ("started", "refreshed", "next_refresh", "failing_since")
        values = {name: round(value + seconds, 3) for name, value in self._asdict().items() if name in times and value}
        recent = tuple(one._replace(when=one.when + seconds) for one in self.recent)
        conflicts = tuple(one._replace(since=one.since + seconds) for one in self.conflicts)
        return self._replace(**values, recent=recent, conflicts=conflicts)

    def repaired(self, repair: Repair) -> StatusRecord:
        """One more repair."""
        return self._replace(repairs=self.repairs + 1, recent=(*self.recent, repair)[-RECENT:])

    def in_conflict(self, conflict: ConflictRecord) -> StatusRecord:
        """A conflict that has begun, or goes on."""
        same = [one for one in self.conflicts if one.destination == conflict.destination]
        others = [one for one in self.conflicts if one.destination != conflict.destination]
        since = same[0].since if same else conflict.since
        return self._replace(conflicts=(*others, conflict._replace(since=since))[-RECENT:])

    def resolved(self, destination: str) -> StatusRecord:
        """A conflict is over."""
        return self._replace(conflicts=tuple(one for one in self.conflicts if one.destination != destination))


def status_record_json(record: StatusRecord) -> dict[str, Any]:
    """The file's content."""
    return {"schema": SCHEMA, **service_json(record)}


def service_json(record: StatusRecord) -> dict[str, Any]:
    """The record as `status --json` shows it."""
    value = record._asdict()
    value["recent"] = [one._asdict() for one in record.recent]
    value["conflicts"] = [one._asdict() for one in record.conflicts]
    value["foreign_routes"] = [one._asdict() for one in record.foreign_routes]
    return value
