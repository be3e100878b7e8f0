"""The command line: the short way and argparse's read the same, and what is wrong is said."""

from __future__ import annotations

from typing import List

import pytest

from guest_routes.cli import parser
from guest_routes.cli.parser import COMMANDS, EXIT_CODES, build_parser, parse

PLAIN = [command for command in COMMANDS if command not in ("explain", "export", "lint")]
LINES = [
    *([command] for command in PLAIN),
    ["sync", "--json", "--verbose", "--metadata", "/tmp/a", "--accept-withdrawals"],
    ["plan", "--check", "--settings", "/tmp/b"],
    ["status", "--textfile", "/tmp/c"],
    ["correct", "--check"],
    ["rehearse", "--example"],
]


@pytest.mark.parametrize("arguments", LINES, ids=" ".join)
def test_the_short_way_reads_what_argparse_reads(arguments: List[str]) -> None:
    short = parser._plain(arguments)
    assert short is not None
    long = {name: value for name, value in vars(build_parser().parse_args(arguments)).items() if "setting_" not in name}
    assert vars(short) == long
    assert vars(parse(arguments)) == long


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
        ["watch", "--check"],
    ],
)
def test_everything_else_is_argparse_s(arguments: List[str]) -> None:
    assert parser._plain(arguments) is None


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
        (["sync", "--js"], "unrecognized arguments: --js"),
        (["export"], "the following arguments are required: --format"),
        (["export", "--format", "x"], "invalid choice: 'x'"),
        (["explain"], "the following arguments are required: ADDRESS|PREFIX"),
        (["watch", "--check"], "unrecognized arguments: --check"),
    ],
)
def test_mistakes_are_told_and_end_with_2(arguments: List[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_the_version_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("guest-routes ")
    text = build_parser().format_help()
    assert all(f"\n  {code}  " in text for code in EXIT_CODES)
    assert all(f"    {command} " in text for command in COMMANDS)
