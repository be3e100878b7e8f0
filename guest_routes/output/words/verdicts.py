"""Why a route in a file is kept, moved, removed or left, or a whole file stays as it is, in words. Pure."""

from __future__ import annotations

from ...model.decision import Elected, Resolved, Unresolved
from ...model.network import address_text
from .elections import election_reason
from .reasons import resolved_reason, unresolved_reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model.configuration import RewriteError, RouteVerdict


_IN_OTHER_LINE = "; but its line says more, and is not changed"


def verdict_reason(one: RouteVerdict) -> str:
    """Why a route of a file is kept, moved, removed or left."""
    if isinstance(one.basis, Resolved):
        reason = resolved_reason(one.basis)
        more = {
            "there-already": "; a file has it there already",
            "in-other-line": _IN_OTHER_LINE,
            "no-file": f"; but no file of {one.basis.next_hop.nic.name} can take it",
        }
        return reason + more.get(one.reason, "")
    if isinstance(one.basis, Unresolved):
        place, reason = one.basis.host.place, unresolved_reason(one.basis)
        if one.reason != "out-of-reach":
            return f"{place}: {reason}"
        gateway, nic = address_text(one.route.gateway), one.route.nic.name
        return f"{place}: {nic} can't reach {gateway}, and the manager would wait for it; {reason}"
    if isinstance(one.basis, Elected):
        return _default_reason(one, one.basis)
    return {
        "no-longer-listed": "no longer in the document; `correct` had put it there",
        "none-elected": "no default is elected",
        "not-main": "in another table than main, or in a VRF: not the document's",
    }.get(one.reason, "not in the document")


def _default_reason(one: RouteVerdict, elected: Elected) -> str:
    reason = election_reason(elected)
    if one.reason == "elected":
        return reason
    reason = f"{elected.nic.name} has the default route: {reason}"
    if one.reason == "default-mode":
        return f"{reason}; it stays, as `default_mode` says"
    if one.reason == "other-table":
        return f"{reason}; it stays: it is the main table's, and `table` is another"
    if one.reason == "in-other-line":
        return f"{reason}{_IN_OTHER_LINE}"
    if one.reason == "only-default":
        return f"{reason}; but no file gives it that default, and one must stay (R7)"
    return reason


def rewrite_error_text(one: RewriteError) -> str:
    """Why a file stays as it is, or what netplan made of it does."""
    return {
        "not-text": f"cannot read {one.path}: it is not UTF-8 text; it stays as it is",
        "unreadable": f"cannot read {one.path}: {one.detail}; it stays as it is",
        "untrusted": f"cannot use {one.path}: it {one.detail}; it stays as it is",
        "unwritable": f"cannot write {one.path}: {one.detail}",
        "not-kept": one.detail,
        "not-run": f"`netplan generate` could not be run: {one.detail}; what it made before stays until the next boot",
        "failed": f"`netplan generate` failed: {one.detail}; what it made before stays",
    }[one.kind]
