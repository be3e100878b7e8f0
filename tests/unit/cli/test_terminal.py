"""What goes to standard output and to standard error, on a terminal and elsewhere."""

from __future__ import annotations

import json
import sys

import pytest

from guest_routes.cli.terminal import Terminal

CLEARED = "\r\033[K"
LONG = "cannot add it: " + "word " * 30


class Screen(Terminal):
    """One whose standard error is a terminal."""

    def __init__(self) -> None:
        super().__init__()
        self._live = True


Capture = pytest.CaptureFixture[str]


def test_data_goes_to_standard_output(capsys: Capture) -> None:
    terminal = Terminal()
    terminal.lines(["a", "b"])
    terminal.json({"schema": "x", "value": ["ä"]})
    out, err = capsys.readouterr()
    assert out.startswith("a\nb\n{\n")
    assert json.loads(out[4:]) == {"schema": "x", "value": ["ä"]}
    assert err == ""


def test_an_error_is_one_line_where_nobody_looks(capsys: Capture) -> None:
    Terminal().error(LONG)
    assert capsys.readouterr() == ("", f"guest-routes: {LONG}\n")


def test_an_error_is_folded_on_a_terminal(capsys: Capture) -> None:
    Screen().error(LONG)
    out, err = capsys.readouterr()
    assert out == ""
    assert max(map(len, err.splitlines())) <= 80
    assert err.split() == f"guest-routes: {LONG}".split()
    assert {line[:5] for line in err.splitlines()[1:]} == {"    w"}


def test_what_is_waited_for_is_said_once_where_nobody_looks(capsys: Capture) -> None:
    terminal = Terminal()
    terminal.tell("asking eth0")
    terminal.tell("asking eth1")
    terminal.lines(["done"])
    terminal.tell("asking again")
    assert capsys.readouterr() == ("done\n", "asking eth0\nasking again\n")


def test_what_is_waited_for_is_one_line_that_changes_on_a_terminal(capsys: Capture) -> None:
    screen = Screen()
    screen.tell("asking eth0")
    screen.tell("x" * 100)
    screen.lines(["done"])
    screen.lines(["more"])
    assert capsys.readouterr() == ("done\nmore\n", f"{CLEARED}asking eth0{CLEARED}{'x' * 79}{CLEARED}")


def test_the_log_of_the_service(capsys: Capture) -> None:
    say = Terminal().log(journal=False)
    say("warning", "one\ntwo")
    assert capsys.readouterr().err == "guest-routes: one\ntwo\n"
    say = Terminal().log(journal=True)
    say("error", "one\ntwo")
    say("warning", "three")
    say("info", "four")
    assert capsys.readouterr().err == "<3>one\n<3>two\n<4>three\n<6>four\n"


def test_a_terminal_is_recognised() -> None:
    assert Terminal()._live is sys.stderr.isatty()
