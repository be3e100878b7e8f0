"""What the pages show is what the commands print; `python -m tests.support.transcripts` writes them again."""

from __future__ import annotations

import re
from difflib import unified_diff

import pytest

from guest_routes.cli.exit_codes import BY_COMMAND
from tests.support.lab import Lab
from tests.support.transcripts import PAGES, ROOT, run_again, without_values


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_current(lab: Lab, page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    assert list(unified_diff(text.splitlines(), run_again(lab, text).splitlines(), lineterm="")) == []


def test_every_command_is_shown() -> None:
    shown = "".join((ROOT / page).read_text("utf-8") for page in PAGES)
    assert set(BY_COMMAND) - set(re.findall(r"^\$ guest-routes (\w+)", shown, re.MULTILINE)) == {"watch"}


def test_a_changed_word_is_noticed_and_a_changed_age_is_not() -> None:
    text = "metadata     http://169.254.169.254 through eth0, 3 s ago\nservice      running for 1 s (pid 12)\n"
    later = "metadata     http://169.254.169.254 through eth1, just now\nservice      running for 2 min (pid 4711)\n"
    assert without_values(text) == without_values(later)
    assert without_values(text) != without_values(text.replace("metadata", "document"))
    repairs = ["just now: deleted by ip (pid 7, started by bash);\n      networks[0]", "2 s ago: networks[0]"]
    assert len({without_values(repair) for repair in repairs}) == 1
