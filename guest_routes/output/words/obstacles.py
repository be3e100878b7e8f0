"""What keeps passes from running, and what to do first. Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model.diagnosis.status import Obstacle

RELOAD = "`systemctl reload guest-routes`"
_FIRST: dict[Obstacle, str] = {"settings-wrong": "with correct settings ", "disabled": "with `enabled: true` ", "": ""}


def sync_text(obstacle: Obstacle) -> str:
    """The command that makes a pass, with what it needs first; a verb follows."""
    return f"{_FIRST[obstacle]}`guest-routes sync`"


def not_there_text(obstacle: Obstacle) -> str:
    """The state of a route that a pass would add."""
    return f"not there yet; {sync_text(obstacle)} adds it"


def not_wanted_text(obstacle: Obstacle) -> str:
    """The verdict on traffic that a pass would put right."""
    return f"NOT as wanted; {sync_text(obstacle)} fixes it"


def after(obstacle: Obstacle, remedy: str) -> str:
    """A remedy that makes a pass, or looks at one, with what it needs first."""
    return f"{_FIRST[obstacle]}{remedy}"


def settings_wrong_words(service_goes_on: bool) -> str:
    """What wrong settings mean.

    Args:
        service_goes_on: the service makes passes, with the settings that it has read before.
    """
    if service_goes_on:
        return f"the service goes on with those that it has read; correct these, then {RELOAD}"
    return "no pass runs until they are corrected"
