"""The forms of what a pass and the service leave for `status`: a file of another form is damaged, and not used. Pure.

docs/schema/status.json has the same, but for the names of DHCP clients, so that whatever is used is valid in
`status --json`.
"""

from __future__ import annotations

from ..network import MAIN_TABLE, OUR_PROTOCOL
from ..report import KEPT_TEXTS
from ..settings import has_room_for_ours
from .status import RECENT, SCHEMA, ConflictRecord, ForeignRoute, Repair, StatusRecord

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Mapping, TypeAlias

    Check: TypeAlias = "Callable[[object], bool]"


def is_last_pass(value: object) -> bool:
    """Whether it is what a pass leaves (output.summary.last_pass_json)."""
    return _has(value, _LAST_PASS)


def is_failed_pass(value: object) -> bool:
    """Whether it is what a pass that could do nothing leaves (sync.recorded)."""
    return _has(value, _FAILED_PASS)


def status_record_from_json(value: dict[str, Any]) -> StatusRecord | None:
    """The record in a file's content; None when it is incomplete or another version's."""
    fields = {name: one for name, one in value.items() if name != "schema"}
    if value.get("schema") != SCHEMA or not _has(fields, _SERVICE):
        return None
    recent = tuple(Repair(**one) for one in fields.pop("recent"))
    conflicts = tuple(ConflictRecord(**one) for one in fields.pop("conflicts"))
    foreign = tuple(ForeignRoute(**one) for one in fields.pop("foreign_routes"))
    return StatusRecord(**fields, recent=recent, conflicts=conflicts, foreign_routes=foreign)


def _has(value: object, form: Mapping[str, Check]) -> bool:
    """Whether it is an object with these keys, and each value is right."""
    return isinstance(value, dict) and value.keys() == form.keys() and all(form[key](value[key]) for key in form)


def _object(form: Mapping[str, Check]) -> Check:
    return lambda value: _has(value, form)


def _number(value: object) -> bool:
    """A number that a time can be: no NaN, no infinity."""
    return type(value) in (int, float) and abs(value) < 1e15  # type: ignore[arg-type]


def _positive(value: object) -> bool:
    """The same, not before the epoch."""
    return _number(value) and value >= 0  # type: ignore[operator]


def _count(value: object) -> bool:
    return type(value) is int and 0 <= value < 1e15


def _flag(value: object) -> bool:
    return type(value) is bool


def _text(value: object) -> bool:
    return isinstance(value, str)


def _words(value: object) -> bool:
    """A text that says something."""
    return isinstance(value, str) and value != ""


def _one_of(*values: object) -> Check:
    return lambda value: type(value) in (int, str) and value in values


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _list(check: Check, most: int | None = None) -> Check:
    return lambda value: (
        isinstance(value, list) and (most is None or len(value) <= most) and all(check(one) for one in value)
    )


def _verdicts(value: object) -> bool:
    """How many routes each verdict has; none has no routes."""
    names = ("add", "kept", "adopted", "shadowed")
    return isinstance(value, dict) and all(key in names and _count(one) and one > 0 for key, one in value.items())


_METADATA: dict[str, Check] = {
    "source": _one_of("argument", "http", "config-drive", "last-known-good", "cloud-init", "leases"),
    "where": _words,
    "age_seconds": _positive,
    "uuid": _text,
}
_LEASE: dict[str, Check] = {
    "nic": _text,
    "client": _words,
    "path": _text,
    "obtained": _number,
    "expires": _or_none(_number),
    "expired": _flag,
    "tells_routes": _flag,
}
_BY_SOURCE: dict[str, Check] = {"nics": _list(_words), "conflicts": _list(_words), "errors": _list(_words)}
_LAST_PASS: dict[str, Check] = {
    "finished": _positive,
    "exit_code": _one_of(0, 1, 4, 5),
    "table": lambda value: has_room_for_ours(value, OUR_PROTOCOL),
    "protocol": lambda value: has_room_for_ours(MAIN_TABLE, value),
    "metadata": _object(_METADATA),
    "defaults": _list(_words),
    "routes": _verdicts,
    "changes": _count,
    "unprogrammed": _list(_words, KEPT_TEXTS),
    "unprogrammed_count": _count,
    "overrides": _list(_text, KEPT_TEXTS),
    "leases": _list(_object(_LEASE)),
    "warnings": _list(_words, KEPT_TEXTS),
    "source_routing": _or_none(_object(_BY_SOURCE)),
    "errors": _list(_words),
}
_FAILED_PASS: dict[str, Check] = {"finished": _positive, "exit_code": _one_of(1, 2, 4), "error": _words}
_REPAIR: dict[str, Check] = {"when": _positive, "route": _words, "what": _one_of("added", "removed"), "why": _text}
_CONFLICT: dict[str, Check] = {
    "since": _positive,
    "destination": _words,
    "times": _count,
    "actor": _text,
    "remedy": _text,
}
_SERVICE: dict[str, Check] = {
    "pid": _count,
    "process_started": _text,
    "started": _positive,
    "doing": _text,
    "refreshed": _positive,
    "next_refresh": _positive,
    "failing_since": _positive,
    "failures": _count,
    "failure": _text,
    "partial_reason": _text,
    "passes": _count,
    "events": _count,
    "repairs": _count,
    "recent": _list(_object(_REPAIR), RECENT),
    "conflicts": _list(_object(_CONFLICT), RECENT),
    "last_error": _text,
    "foreign_messages": _count,
    "malformed_messages": _count,
    "enabled": _flag,
    "settings": _text,
    "foreign_routes": _list(_object({"route": _words, "actor": _words}), RECENT),
    "overdue_from": _positive,
}
