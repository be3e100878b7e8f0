"""The command line: the short way and argparse's read the same, and what is wrong is said."""

from __future__ import annotations

import json
from typing import List

import pytest

from guest_routes import __version__
from guest_routes.cli.grammar import (
    ARGUMENTS,
    COMMANDS,
    COMMON,
    NO_LIMIT,
    SHORT,
    plain,
    uses_setting,
)  # fmt: skip
from guest_routes.cli.main import main
from guest_routes.cli.parser import build_parser, options_of, parse
from guest_routes.errors import UsageError
from guest_routes.settings.load import KEYS

PLAIN = [command for command in COMMANDS if command not in ARGUMENTS]
SHORT_HELP = ("help", "topic", "version")
LINES = [
    *([command] for command in PLAIN),
    ["sync", "--json", "--verbose", "--metadata", "/tmp/a", "--accept-withdrawals"],
    ["plan", "--check", "--settings", "/tmp/b"],
    ["status", "--textfile", "/tmp/c"],
    ["correct", "--check"],
    ["rehearse", "--example"],
    ["report", "--redact", "--output", "/tmp/d"],
    ["sync", "-v", "--color", "never"],
    ["plan", "-q"],
    ["sync", "--documents", "last-known-good,config-drive"],
    ["correct", "--documents", "cloud-init"],
    ["status", "--watch"],
    ["settings", "--check", "/tmp/e"],
    ["sync", "--source-routing", "true", "--json", "--metric", "5", "--metric", "6"],
    ["plan", "--gateways", "eth0=10.65.0.1", "--ignore-nics", "docker*,veth0", "--gateways", "eth1=11.8.0.1"],
    ["withdraw", "--table", "100"],
]


@pytest.mark.parametrize("arguments", LINES, ids=" ".join)
def test_the_short_way_reads_what_argparse_reads(arguments: List[str]) -> None:
    short = plain(arguments)
    assert short is not None
    long = {
        name: value
        for name, value in vars(parse(arguments)).items()
        if name not in SHORT_HELP and not (name.startswith("setting_") and value is None)
    }
    assert vars(short) == long


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["explain", "11.11.3.4"],
        ["export", "--format", "ip"],
        ["lint", "subnets.json"],
        ["--version"],
        ["sync", "--metric"],
        ["sync", "--metric", "-5"],
        ["sync", "--metric", ""],
        ["sync", "--metric=5"],
        ["sync", "--source_routing", "true"],
        ["sync", "metric", "5"],
        ["sync", "--refresh-seconds", "5"],
        ["withdraw", "--metric", "5"],
        ["sync", "--metadata"],
        ["sync", "--metadata", "--json"],
        ["sync", "--metadata=/tmp/a"],
        ["sync", "extra"],
        ["sync", "--metadata", ""],
        ["watch", "--check"],
        ["watch", "--json"],
        ["correct", "--check", "--undo"],
        ["status", "--json", "--textfile", "/tmp/c"],
        ["status", "--wait"],
        ["sync", "--color", "blue"],
        ["sync", "-vq"],
        ["--json", "sync"],
        ["sync", "--help"],
        ["help"],
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
    assert parse(["explain", "11.11.3.4", "h", "--json"]).destinations == ["11.11.3.4", "h"]
    assert parse(["export", "--format", "netplan"]).format == "netplan"


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "the command is missing; see `guest-routes help`"),
        (["--json"], "the command is missing"),
        (["--metadata", "sync"], "the command is missing"),
        (["fly"], 'there is no command "fly"; see `guest-routes help`'),
        (["statsu"], 'there is no command "statsu"; did you mean "status"? see `guest-routes help`'),
        (["help", "statsu"], 'there is no command "statsu"; did you mean "status"?'),
        (["help", "sync", "plan"], 'help shows one command at a time, and "plan" is a second one; see'),
        (["help", "sync", "--json"], "help has no option --json; see `guest-routes help`"),
        (["-q", "help", "sync"], "help has no option -q; see `guest-routes help`"),
        (["\x1b[2J"], r'there is no command "\x1b[2J"'),
        (["sync", "--metadata"], "expected one argument"),
        (["sync", "--metadata", ""], "argument --metadata: is empty; see `guest-routes help sync`"),
        (["status", "--textfile="], "argument --textfile: is empty"),
        (["sync", "--js"], 'sync has no option --js; did you mean "--json"? see `guest-routes help sync`'),
        (["sync", "--metdata=/tmp/a"], 'sync has no option --metdata; did you mean "--metadata"?'),
        (["--settngs", "/tmp/b", "sync"], 'sync has no option --settngs; did you mean "--settings"?'),
        (["sync", "extra"], 'sync takes no "extra"; see `guest-routes help sync`'),
        (["sync", "--color", "alway"], 'did you mean "always"?'),
        (["status", "--wait", "soon"], "must be a number of seconds above 0"),
        (["status", "--watch", "--json"], "--watch and --json can't be used together"),
        (["plan", "-q", "-v"], "--quiet and --verbose can't be used together"),
        (["export"], "the following arguments are required: --format"),
        (["export", "--format", "x"], "must be networkd or netplan or"),
        (["export", "--format", "netpln"], 'did you mean "netplan"?'),
        (["explain"], "the following arguments are required: TARGET"),
        (["watch", "--check"], "watch has no option --check"),
        (["watch", "--json"], "watch has no option --json"),
        (["withdraw", "--metadata", "x"], "withdraw has no option --metadata"),
        (["withdraw", "--metric", "5"], "withdraw has no option --metric"),
        (["sync", "--refresh-seconds", "5"], "sync has no option --refresh-seconds"),
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
    said = "status has no option --fast; see `guest-routes help status`"
    assert json.loads(out) == {"schema": "guest-routes/status/1", "exit_code": 2, "error": said}
    assert err == f"guest-routes: {said}\n"
    assert main(["watch", "--json"]) == 2
    assert main(["fly", "--json"]) == 2
    assert capsys.readouterr().out == ""


def test_every_setting_is_an_option_of_a_command() -> None:
    assert [key.name for key in KEYS if not any(uses_setting(command, key.name) for command in COMMANDS)] == []
    assert set(COMMON) == set(COMMANDS)


@pytest.mark.parametrize("arguments", LINES, ids=" ".join)
def test_options_before_the_command_are_the_same(arguments: List[str]) -> None:
    command, *words = arguments
    assert vars(parse([*words, command])) == vars(parse(arguments))


def test_settings_before_the_command() -> None:
    options = parse(["--metric", "5", "--metadata=/tmp/a", "explain", "-q", "11.11.3.4"])
    assert (options.setting_metric, options.metadata, options.quiet) == ("5", "/tmp/a", True)
    assert options.destinations == ["11.11.3.4"]


def test_an_option_whose_value_can_be_left_out() -> None:
    assert parse(["status"]).wait is None
    assert parse(["status", "--wait"]).wait == NO_LIMIT
    assert parse(["status", "--wait", "2.5", "--json"]).wait == 2.5


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_a_command_are_argparse_s(command: str) -> None:
    found = [action for action in build_parser()._actions if action.choices and command in action.choices]
    assert found and isinstance(found[0].choices, dict)
    named = {option for action in found[0].choices[command]._actions for option in action.option_strings}
    assert named == {*options_of(command), "--help", "-h", *(s for s, o in SHORT.items() if o in options_of(command))}


@pytest.mark.parametrize(
    "arguments, command",
    [
        (["help"], ""), (["--help"], ""), (["-h"], ""), (["--json", "-h"], ""), (["help", "help"], ""),
        (["help", "sync"], "sync"), (["sync", "--help"], "sync"), (["explain", "-h"], "explain"),
        (["export", "--format", "x", "-h"], "export"), (["-h", "status"], "status"),
    ],
)  # fmt: skip
def test_help_is_asked_for_in_each_way(arguments: List[str], command: str) -> None:
    options = parse(arguments)
    assert (options.command, options.topic, options.version) == ("help", command, False)


@pytest.mark.parametrize("word", ["-V", "--version"])
def test_the_version(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([word]) == 0
    assert capsys.readouterr().out == f"guest-routes {__version__}\n"
