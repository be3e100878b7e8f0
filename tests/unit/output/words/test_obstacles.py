"""What keeps passes from running, in words."""

from __future__ import annotations

import pytest

from guest_routes.model.diagnosis.status import Obstacle
from guest_routes.output.words.obstacles import (
    after,
    not_there_text,
    not_wanted_text,
    settings_wrong_words,
    sync_text,
)

FIRST = {"": "", "disabled": "with `enabled: true` ", "settings-wrong": "with correct settings "}


@pytest.mark.parametrize("obstacle", FIRST)
def test_what_a_pass_needs_first(obstacle: Obstacle) -> None:
    first = FIRST[obstacle]
    assert sync_text(obstacle) == f"{first}`guest-routes sync`"
    assert after(obstacle, "`guest-routes plan` shows which") == f"{first}`guest-routes plan` shows which"
    assert not_there_text(obstacle) == f"not there yet; {first}`guest-routes sync` adds it"
    assert not_wanted_text(obstacle) == f"NOT as wanted; {first}`guest-routes sync` fixes it"


def test_wrong_settings_stop_no_service_that_has_read_others() -> None:
    assert settings_wrong_words(service_goes_on=False) == "no pass runs until they are corrected"
    assert "goes on" in settings_wrong_words(service_goes_on=True)
