"""What goes to standard output and to standard error, on a terminal and elsewhere."""

from __future__ import annotations

import errno
import io
import json
import os
import sys
from typing import Dict

import pytest

from guest_routes.cli.terminal import Terminal

CLEARED = "\r\033[K"
LONG = "cannot add it: " + "word " * 30


class Screen(Terminal):
    """One whose standard error is a terminal."""

    def __init__(self) -> None:
        super().__init__("never")
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


def test_the_log_of_the_service_is_folded_on_a_terminal(capsys: Capture) -> None:
    Screen().log()("info", LONG, ())
    err = capsys.readouterr().err
    assert max(map(len, err.splitlines())) <= 80
    assert err.split() == f"guest-routes: {LONG}".split()


def test_colour_is_for_marks_and_errors(capsys: Capture) -> None:
    terminal = Terminal("always")
    terminal.lines(["+ 10.8.0.0/16", "= 10.9.0.0/16"])
    terminal.verbatim(["+ 10.8.0.0/16"])
    assert capsys.readouterr().out == "\033[32m+\033[0m 10.8.0.0/16\n= 10.9.0.0/16\n+ 10.8.0.0/16\n"
    screen = Terminal("always")
    screen._live = True
    screen.error("wrong")
    screen.warning("odd")
    screen.note("fine")
    assert capsys.readouterr().err == (
        "\033[31mguest-routes:\033[0m wrong\n\033[33mguest-routes:\033[0m odd\nguest-routes: fine\n"
    )


def test_quiet_prints_errors_only(capsys: Capture) -> None:
    terminal = Terminal(quiet=True)
    terminal.tell("asking")
    terminal.lines(["data"])
    terminal.verbatim(["file"])
    terminal.note("fine")
    terminal.warning("odd")
    assert capsys.readouterr() == ("", "")
    terminal.error("wrong")
    terminal.failure("one\ntwo")
    assert capsys.readouterr().err == "guest-routes: wrong\nguest-routes: one\ntwo\n"


def in_the_journal() -> Terminal:
    terminal = Terminal()
    terminal.journal = True
    return terminal


def test_the_log_of_the_service(capsys: Capture) -> None:
    say = Terminal().log()
    say("warning", "one\ntwo", ())
    assert capsys.readouterr().err == "guest-routes: one\ntwo\n"
    say = in_the_journal().log()
    say("error", "one\ntwo", ())
    say("warning", "three", ())
    say("info", "four", ())
    assert capsys.readouterr().err == "<3>one\n<3>two\n<4>three\n<6>four\n"


def test_the_journal_gets_a_priority_with_each_line(capsys: Capture) -> None:
    terminal = in_the_journal()
    terminal.tell("asking")
    terminal.failure("one\ntwo")
    terminal.warning("three")
    terminal.note("four")
    terminal.lines(["data"])
    assert capsys.readouterr() == ("data\n", "<6>asking\n<3>one\n<3>two\n<4>three\n<6>four\n")


def test_the_journal_is_known_by_its_device_and_inode(monkeypatch: pytest.MonkeyPatch) -> None:
    about = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{about.st_dev}:{about.st_ino}")
    assert Terminal().journal
    monkeypatch.setenv("JOURNAL_STREAM", f"{about.st_dev}:{about.st_ino + 1}")
    assert not Terminal().journal  # inherited, and standard error leads elsewhere


class Refusing(io.StringIO):
    """A stream that takes nothing."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize(
    ("number", "ends"), [(errno.ENOSPC, {0: 1, 5: 5}), (errno.EIO, {0: 1, 4: 4}), (errno.EPIPE, {0: 0, 5: 5})]
)
def test_standard_output_that_takes_nothing(
    number: int, ends: Dict[int, int], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(os, "dup2", lambda *arguments: None)
    for code, end in ends.items():
        terminal = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", Refusing(number))
            terminal.lines(["lost"])
            terminal.json({})
            assert terminal.finish(code) == end
    said = capsys.readouterr().err
    assert said.count("cannot write the result to standard output") == (0 if number == errno.EPIPE else len(ends))


def test_standard_error_that_takes_nothing(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", Refusing(errno.ENOSPC))
    terminal.tell("asking")
    terminal.error("wrong")
    terminal.lines(["data"])
    assert terminal.finish(5) == 5
    assert capsys.readouterr().out == "data\n"
