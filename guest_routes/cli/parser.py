"""The command line's grammar: commands, options, exit codes.

argparse costs as much as a whole pass that changes nothing. So a command line of whole, known words is read here;
everything else (help, mistakes) is argparse's, built from the same tables.
"""

from __future__ import annotations

from types import SimpleNamespace

from ..errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any, NoReturn, Sequence


COMMANDS = {
    "sync": "fetch the metadata and program the routes: one pass",
    "plan": "show what sync would change, and change nothing",
    "explain": "show which NIC an address leaves by, and why",
    "status": "show the last pass, and whether its routes are still in place",
    "watch": "run the service: keep the routes right while the instance runs",
    "withdraw": "remove our routes, restore recorded default routes",
    "rehearse": "run the pass in a private network built from a document",
    "doctor": "inspect this machine, and say what to do",
    "report": "write all that is known of this machine's routes into one file",
    "correct": "correct what cloud-init has written for the network manager",
    "lint": "check Neutron's host routes before an instance has them",
    "module": "put the module guest_routes into cloud-init's cloud.cfg, or take it out",
    "export": "print the routes as configuration for a network manager",
}
SWITCHES = {
    "--json": "print one JSON document (docs/schema)",
    "--verbose": "show every route, and notes",
}
VALUES = {
    "--metadata": ("FILE|DIR|URL", "read this network_data.json, config-drive tree or base URL instead"),
    "--settings": ("FILE", "instead of /etc/guest-routes.yaml and drop-ins"),
}
COMMON = {
    "sync": ("--metadata", "--settings", "--json", "--verbose"),
    "plan": ("--metadata", "--settings", "--json", "--verbose"),
    "explain": ("--metadata", "--settings", "--json"),
    "status": ("--settings", "--json"),
    "watch": ("--metadata", "--settings"),
    "withdraw": ("--settings", "--json", "--verbose"),
    "rehearse": ("--metadata", "--settings", "--json", "--verbose"),
    "doctor": ("--metadata", "--settings", "--json"),
    "correct": ("--metadata", "--settings", "--json", "--verbose"),
    "lint": ("--json",),
    "module": ("--json",),
    "report": ("--json",),
    "export": ("--metadata", "--settings", "--json"),
}
"""Which of SWITCHES and VALUES a command uses; the others are mistakes."""
OWN_SWITCHES = {
    "sync": {"--accept-withdrawals": "withdraw routes even if the document looks partial"},
    "plan": {
        "--accept-withdrawals": "withdraw routes even if the document looks partial",
        "--check": "exit with 3 when something would change",
    },
    "correct": {
        "--check": "change nothing; exit with 3 when something would change",
        "--undo": "put back what cloud-init has written",
    },
    "module": {
        "--add": "put it first in cloud_config_modules",
        "--remove": "take it out of cloud_config_modules",
        "--check": "change nothing; exit with 3 when something would change",
    },
    "report": {"--redact": "replace addresses, MACs, uuids and the host name, the same by the same"},
    "rehearse": {"--example": "the documented example (the default)"},
}
OWN_VALUES = {
    "report": {"--output": ("FILE", "instead of guest-routes-report.tar.gz here; - for standard output")},
    "lint": {"--cloud": ("NAME", "ask this cloud of clouds.yaml, by openstacksdk")},
    "explain": {"--from": ("ADDRESS", "explain packets that carry this address of the machine")},
    "status": {
        "--textfile": ("FILE", "write the status to FILE as Prometheus text for node_exporter, and print nothing")
    },
}
EXCLUSIVE = (("--json", "--textfile"), ("--metadata", "--example"), ("--check", "--undo"), ("--metadata", "--undo"))
"""Options of which one makes the other useless."""
_OF_FETCHING = ("metadata_urls", "deadline_seconds")
_OF_OTHERS = ("refresh_seconds", "correct_rendered")
USED_SETTINGS: dict[str, tuple[str, ...]] = {
    "withdraw": ("table", "protocol", "engine"),
    "lint": (),
    "module": (),
    "report": (),
}
"""All that these commands use."""
UNUSED_SETTINGS = {
    "status": (*_OF_FETCHING, *_OF_OTHERS),
    "watch": ("correct_rendered",),
    "correct": ("refresh_seconds",),
}
"""Settings that a command doesn't use, and doesn't take as options; every other command: _OF_OTHERS."""


def parse(arguments: Sequence[str]) -> Any:
    """The options as attributes, settings flags as `setting_NAME`; ends the process on --help.

    Every command's options have `metadata`, `settings`, `json` and `verbose`, whether or not it takes them.

    Raises:
        UsageError: the command line is wrong.
    """
    options = _plain(arguments) or _by_argparse(arguments)
    for first, second in EXCLUSIVE:
        if getattr(options, _name(first), "") and getattr(options, _name(second), ""):
            text = f"guest-routes {options.command}: {first} and {second} can't be used together"
            raise UsageError(text, _json_command(arguments))
    return options


def _by_argparse(arguments: Sequence[str]) -> Any:
    options = build_parser(_json_command(arguments)).parse_args(arguments)
    for option in (*VALUES, *OWN_VALUES.get(options.command, ())):
        if getattr(options, _name(option)) == "":
            text = f"argument {option}: is empty; see `guest-routes {options.command} --help`"
            raise UsageError(text, _json_command(arguments))
        setattr(options, _name(option), getattr(options, _name(option)) or "")
    return options


def _json_command(arguments: Sequence[str]) -> str:
    """The command that is to answer in JSON, also about a command line that is wrong."""
    command = next((word for word in arguments if word in COMMANDS), "")
    return command if "--json" in arguments and "--json" in COMMON.get(command, ()) else ""


def _plain(arguments: Sequence[str]) -> SimpleNamespace | None:
    """A command line of a command, switches and `--option value`; None for anything else."""
    if not arguments or arguments[0] not in COMMANDS or arguments[0] in ("explain", "export", "lint"):
        return None
    command = arguments[0]
    switches = [*(name for name in COMMON[command] if name in SWITCHES), *OWN_SWITCHES.get(command, ())]
    values = [*(name for name in COMMON[command] if name in VALUES), *OWN_VALUES.get(command, ())]
    options: dict[str, Any] = dict.fromkeys(map(_name, [*SWITCHES, *switches]), False)
    options.update(dict.fromkeys(map(_name, [*VALUES, *values]), ""), command=command)
    remaining = iter(arguments[1:])
    for word in remaining:
        if word in switches:
            options[_name(word)] = True
        elif word in values:
            value = next(remaining, "-")
            if not value or value.startswith("-"):
                return None
            options[_name(word)] = value
        else:
            return None
    return SimpleNamespace(**options)


def _name(option: str) -> str:
    return option[2:].replace("-", "_")


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
    from .exit_codes import BY_COMMAND, EXIT_CODES

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


def uses_setting(command: str, name: str) -> bool:
    """Whether a command uses that setting, and takes it as an option."""
    if command in USED_SETTINGS:
        return name in USED_SETTINGS[command]
    return name not in UNUSED_SETTINGS.get(command, _OF_OTHERS)


def _add_own_options(parser: argparse.ArgumentParser, command: str) -> None:
    """The options and arguments of one command."""
    for switch, text in OWN_SWITCHES.get(command, {}).items():
        parser.add_argument(switch, action="store_true", help=text)
    for option, (metavar, text) in OWN_VALUES.get(command, {}).items():
        parser.add_argument(option, metavar=metavar, help=text)
    if command == "export":
        from ..managers.export import FORMATS

        text = "whose configuration: %(choices)s"
        parser.add_argument("--format", required=True, choices=tuple(FORMATS), help=text, metavar="FORMAT")
    if command == "lint":
        text = "what `openstack subnet list --long -f json` prints; - for standard input, the default"
        parser.add_argument("file", metavar="FILE", nargs="?", default="-", help=text)
    if command == "explain":
        parser.add_argument("destination", metavar="ADDRESS|PREFIX", help="11.11.3.4 or 11.11.0.0/16")
