"""The command line: the short way and argparse's read the same, and what is wrong is said."""

from __future__ import annotations

import json
from typing import List

import pytest

from guest_routes.cli.grammar import BY_COMMAND, COMMANDS, COMMON, EXIT_CODES, plain, uses_setting
from guest_routes.cli.main import main
from guest_routes.cli.parser import build_parser, parse
from guest_routes.errors import UsageError
from guest_routes.settings.load import KEYS

PLAIN = [command for command in COMMANDS if command not in ("explain", "export", "lint")]
LINES = [
    *([command] for command in PLAIN),
    ["sync", "--json", "--verbose", "--metadata", "/tmp/a", "--accept-withdrawals"],
    ["plan", "--check", "--settings", "/tmp/b"],
    ["status", "--textfile", "/tmp/c"],
    ["correct", "--check"],
    ["rehearse", "--example"],
    ["report", "--redact", "--output", "/tmp/d"],
]


@pytest.mark.parametrize("arguments", LINES, ids=" ".join)
def test_the_short_way_reads_what_argparse_reads(arguments: List[str]) -> None:
    short = plain(arguments)
    assert short is not None
    long = {name: value for name, value in vars(parse(arguments)).items() if "setting_" not in name}
    assert vars(short) == long


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["explain", "11.11.3.4"],
        ["export", "--format", "ip"],
        ["lint", "subnets.json"],
        ["--version"],
        ["sync", "--metric", "5"],
        ["sync", "--metadata"],
        ["sync", "--metadata", "--json"],
        ["sync", "--metadata=/tmp/a"],
        ["sync", "extra"],
        ["sync", "--metadata", ""],
        ["watch", "--check"],
        ["watch", "--json"],
        ["correct", "--check", "--undo"],
        ["status", "--json", "--textfile", "/tmp/c"],
    ],
)
def test_everything_else_is_argparse_s(arguments: List[str]) -> None:
    assert plain(arguments) is None


def test_settings_as_options() -> None:
    options = parse(["sync", "--metric", "5", "--gateways", "eth0=10.65.0.1", "--gateways", "eth1=11.8.0.1"])
    assert options.setting_metric == "5"
    assert options.setting_gateways == ["eth0=10.65.0.1", "eth1=11.8.0.1"]
    assert options.setting_table is None


def test_arguments_of_single_commands() -> None:
    assert parse(["explain", "11.11.3.4", "--json"]).destination == "11.11.3.4"
    assert parse(["export", "--format", "netplan"]).format == "netplan"


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "the following arguments are required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["sync", "--metadata"], "expected one argument"),
        (["sync", "--metadata", ""], "argument --metadata: is empty; see `guest-routes sync --help`"),
        (["status", "--textfile="], "argument --textfile: is empty"),
        (["sync", "--js"], "unrecognized arguments: --js"),
        (["export"], "the following arguments are required: --format"),
        (["export", "--format", "x"], "invalid choice: 'x'"),
        (["explain"], "the following arguments are required: ADDRESS|PREFIX"),
        (["watch", "--check"], "unrecognized arguments: --check"),
        (["watch", "--json"], "unrecognized arguments: --json"),
        (["withdraw", "--metadata", "x"], "unrecognized arguments: --metadata"),
        (["withdraw", "--metric", "5"], "unrecognized arguments: --metric"),
        (["sync", "--refresh-seconds", "5"], "unrecognized arguments: --refresh-seconds"),
        (["status", "--json", "--textfile", "/tmp/a"], "--json and --textfile can't be used together"),
        (["rehearse", "--example", "--metadata", "/tmp/a"], "--metadata and --example can't be used together"),
        (["correct", "--undo", "--check"], "--check and --undo can't be used together"),
    ],
)
def test_mistakes_are_told_and_end_with_2(arguments: List[str], words: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(arguments)
    assert raised.value.exit_code == 2
    assert words in str(raised.value)
    assert not str(raised.value).startswith("guest-routes")  # which the terminal puts before it


def test_a_mistake_is_a_document_where_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json", "--fast"]) == 2
    out, err = capsys.readouterr()
    said = "unrecognized arguments: --fast; see `guest-routes --help`"
    assert json.loads(out) == {"schema": "guest-routes/status/1", "exit_code": 2, "error": said}
    assert err == f"guest-routes: {said}\n"
    assert main(["watch", "--json"]) == 2
    assert main(["fly", "--json"]) == 2
    assert capsys.readouterr().out == ""


def test_every_setting_is_an_option_of_a_command() -> None:
    assert [key.name for key in KEYS if not any(uses_setting(command, key.name) for command in COMMANDS)] == []
    assert set(COMMON) == set(COMMANDS)


def test_the_version_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("guest-routes ")
    text = build_parser().format_help()
    assert all(f"\n  {code}  " in text for code in EXIT_CODES)
    assert all(f"    {command} " in text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_its_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse([command, "--help"])
    out = " ".join(capsys.readouterr().out.split())
    assert [text for text in BY_COMMAND[command].values() if text not in out] == []
    assert set(BY_COMMAND) == set(COMMANDS)
