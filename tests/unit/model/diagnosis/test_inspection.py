"""Why `sync` would make no pass, by what doctor has seen."""

from __future__ import annotations

import pytest

from guest_routes.model.diagnosis.inspection import Inspection

SEEN = Inspection((), None, "nobody answers", (), None, (), True)


@pytest.mark.parametrize("problems, hidden, enabled, obstacle", [
    ((), False, True, ""), ((), False, False, "disabled"), (("x",), False, True, "settings-wrong"),
    (("x",), False, False, "settings-wrong"), (("x",), True, True, ""), (("x",), True, False, "disabled"),
])  # fmt: skip
def test_the_obstacle(problems: tuple[str, ...], hidden: bool, enabled: bool, obstacle: str) -> None:
    seen = SEEN._replace(settings_problems=problems, settings_hidden=hidden, enabled=enabled)
    assert seen.obstacle == obstacle
