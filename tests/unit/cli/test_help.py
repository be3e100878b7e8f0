"""`help`: everything that counts on one screen, at each width."""

from __future__ import annotations

import re

import pytest

from guest_routes.cli.exit_codes import BY_COMMAND
from guest_routes.cli.grammar import COMMANDS, OUTPUT, uses_setting
from guest_routes.cli.help import GROUPS, help_lines
from guest_routes.cli.main import main
from guest_routes.cli.parser import options_of
from guest_routes.output.folding import laid_out
from guest_routes.settings.keys import KEYS

SCREEN = 24
TOPICS = ["", *COMMANDS]


@pytest.mark.parametrize("command", TOPICS)
def test_it_fits_one_screen_of_80_columns(command: str) -> None:
    lines = laid_out(help_lines(command))
    assert len(lines) <= SCREEN
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("width", [40, 60, 140, 200])
@pytest.mark.parametrize("command", TOPICS)
def test_it_fits_each_width(command: str, width: int) -> None:
    lines = laid_out(help_lines(command), width, everything=True)
    assert [line for line in lines if len(line) > width and "`" not in line] == []  # a command stays whole
    assert width < 140 or len(lines) < len(laid_out(help_lines(command), 60))


@pytest.mark.parametrize("command", COMMANDS)
def test_it_has_every_option_and_exit_code_of_the_command_and_no_other(command: str) -> None:
    text = " ".join(" ".join(help_lines(command)).split())
    assert [option for option in options_of(command) if f"{option} " not in text] == []
    codes = BY_COMMAND[command].items()
    assert [code for code, meaning in codes if not re.search(rf" {code}(, \d)* {re.escape(meaning)}", text)] == []
    assert [key.flag for key in KEYS if not uses_setting(command, key.name) and f" {key.flag} " in text] == []


def test_the_list_has_every_command_and_what_counts_for_all() -> None:
    lines = help_lines("")
    assert [name for name in COMMANDS if not any(line.startswith(f"  {name} ") for line in lines)] == []
    assert [option for option in OUTPUT if option not in " ".join(lines)] == []


def test_every_setting_is_in_one_group() -> None:
    assert sorted(name for names in GROUPS.values() for name in names) == sorted(key.name for key in KEYS)


@pytest.mark.parametrize("words", [["help", "status"], ["status", "--help"], ["-h", "status"]])
def test_each_way_of_asking_prints_the_same(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines() == laid_out(help_lines("status"))
