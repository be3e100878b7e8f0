"""Command lines that grammar.py's plain reader doesn't take: help, mistakes, settings as options. By argparse."""

from __future__ import annotations

from ..errors import UsageError
from .grammar import (
    BY_COMMAND,
    COMMANDS,
    COMMON,
    EXIT_CODES,
    OWN_FORMS,
    OWN_SWITCHES,
    OWN_VALUES,
    SWITCHES,
    VALUES,
    attribute,
    used_together,
    uses_setting,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any, NoReturn, Sequence


def parse(arguments: Sequence[str]) -> Any:
    """The options as attributes, settings flags as `setting_NAME`; ends the process on --help.

    Every command's options have `metadata`, `settings`, `json` and `verbose`, whether or not it takes them.

    Raises:
        UsageError: the command line is wrong.
    """
    options = build_parser(_json_command(arguments)).parse_args(arguments)
    for option in (*VALUES, *OWN_VALUES.get(options.command, ())):
        if getattr(options, attribute(option)) == "":
            text = f"argument {option}: is empty; see `guest-routes {options.command} --help`"
            raise UsageError(text, _json_command(arguments))
        setattr(options, attribute(option), getattr(options, attribute(option)) or "")
    for first, second in used_together(vars(options)):
        text = f"{first} and {second} can't be used together; see `guest-routes {options.command} --help`"
        raise UsageError(text, _json_command(arguments))
    return options


def _json_command(arguments: Sequence[str]) -> str:
    """The command that is to answer in JSON, also about a command line that is wrong."""
    command = next((word for word in arguments if word in COMMANDS), "")
    return command if "--json" in arguments and "--json" in COMMON.get(command, ()) else ""


def _parser_class(json_command: str) -> type[argparse.ArgumentParser]:
    """argparse's, whose mistakes are errors of ours."""
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise UsageError(f"{message}; see `{self.prog} --help`", json_command)

    return Parser


def build_parser(json_command: str = "") -> argparse.ArgumentParser:
    """The whole command line, settings included, for argparse."""
    import argparse

    from .. import __version__

    parser = _parser_class(json_command)(
        prog="guest-routes",
        description="Host routes from OpenStack's metadata into the kernel, and one default route.",
        epilog=_epilog(EXIT_CODES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"guest-routes {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command, text in COMMANDS.items():
        description = text[0].upper() + text[1:] + "."
        made = commands.add_parser(
            command,
            help=text,
            description=description,
            epilog=_epilog({**BY_COMMAND[command], 2: BY_COMMAND[command].get(2, EXIT_CODES[2])}),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        made.set_defaults(metadata=None, settings=None, json=False, verbose=False)
        _add_common_options(made, command)
        _add_own_options(made, command)
    return parser


def _epilog(codes: dict[int, str]) -> str:
    from ..output.folding import wrapped

    return "\n".join(
        ["exit codes:", *(line for code in sorted(codes) for line in wrapped(f"{code}  {codes[code]}", 5, 2))]
    )


def _add_common_options(parser: argparse.ArgumentParser, command: str) -> None:
    """The options that several commands take, settings included."""
    from ..settings.load import KEYS

    for option, (metavar, text) in VALUES.items():
        if option in COMMON[command]:
            parser.add_argument(option, metavar=metavar, help=text)
    for switch, text in SWITCHES.items():
        if switch in COMMON[command]:
            parser.add_argument(switch, action="store_true", help=text)
    used = [key for key in KEYS if uses_setting(command, key.name)]
    title = ("settings", "each overrides the settings files; see guest-routes.yaml(5)")
    group = parser.add_argument_group(*title) if used else parser
    for key in used:
        action = "append" if key.many else "store"
        text = f"{key.help} ({key.default})"
        group.add_argument(key.flag, metavar=key.metavar, dest="setting_" + key.name, help=text, action=action)


def _add_own_options(parser: argparse.ArgumentParser, command: str) -> None:
    """The options and arguments of one command."""
    for switch, text in OWN_SWITCHES.get(command, {}).items():
        parser.add_argument(switch, action="store_true", help=text)
    for option, (metavar, text) in OWN_VALUES.get(command, {}).items():
        parser.add_argument(option, metavar=metavar, help=text)
    for option, (forms, text) in OWN_FORMS.get(command, {}).items():
        metavar = "|".join(forms)
        parser.add_argument(option, nargs="?", const=forms[0], default="", choices=forms, metavar=metavar, help=text)
    if command == "export":
        from ..managers.export import FORMATS

        text = "whose configuration: %(choices)s"
        parser.add_argument("--format", required=True, choices=tuple(FORMATS), help=text, metavar="FORMAT")
        text = "for a machine that isn't running: its NICs, one each time, in their order; takes --metadata"
        parser.add_argument("--nic", action="append", metavar="NAME=MAC", help=text)
    if command == "lint":
        text = "what `openstack subnet list --long -f json` prints; - for standard input, the default"
        parser.add_argument("file", metavar="FILE", nargs="?", default="-", help=text)
    if command == "explain":
        parser.add_argument("destination", metavar="ADDRESS|PREFIX", help="11.11.3.4 or 11.11.0.0/16")
