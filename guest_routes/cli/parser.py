"""The command line's grammar: commands, options, exit codes.

argparse costs as much as a whole pass that changes nothing. So a command line of whole, known words is read here;
everything else (help, mistakes) is argparse's, built from the same tables.
"""

from __future__ import annotations

from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any, Sequence


EXIT_CODES = {
    0: "all that is wanted is in place",
    1: "the pass or withdraw failed: refused by the kernel, not verified, or rolled back; or no lock; doctor: there are"
    " findings; status: the routes have drifted",
    2: "wrong usage or settings",
    3: "plan --check, correct --check: something would change",
    4: "no metadata, and no last known good; or what --metadata names can't be read",
    5: "done, but some routes of the document are not programmed (or exported); the message says which and why",
}
COMMANDS = {
    "sync": "fetch the metadata and program the routes: one pass",
    "plan": "show what sync would change, and change nothing",
    "explain": "show which NIC an address leaves by, and why",
    "status": "show the last pass, and whether its routes are still in place",
    "watch": "run the service: keep the routes right while the instance runs",
    "withdraw": "remove our routes, restore recorded default routes",
    "rehearse": "run the pass in a private network built from a document",
    "doctor": "inspect this machine, and say what to do",
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
OWN_SWITCHES = {
    "sync": {"--accept-withdrawals": "withdraw routes even if the document looks partial"},
    "plan": {
        "--accept-withdrawals": "withdraw routes even if the document looks partial",
        "--check": "exit with 3 when something would change",
    },
    "correct": {"--check": "change nothing; exit with 3 when something would change"},
    "module": {
        "--add": "put it first in cloud_config_modules",
        "--remove": "take it out of cloud_config_modules",
        "--check": "change nothing; exit with 3 when something would change",
    },
    "rehearse": {"--example": "the documented example (the default)"},
}
OWN_VALUES = {
    "lint": {"--cloud": ("NAME", "ask this cloud of clouds.yaml, by openstacksdk")},
    "explain": {"--from": ("ADDRESS", "explain packets that carry this address of the machine")},
    "status": {
        "--textfile": ("FILE", "write the status to FILE as Prometheus text for node_exporter, and print nothing")
    },
}


def parse(arguments: Sequence[str]) -> Any:
    """The options as attributes, settings flags as `setting_NAME`; ends the process on --help or a mistake."""
    return _plain(arguments) or build_parser().parse_args(arguments)


def _plain(arguments: Sequence[str]) -> SimpleNamespace | None:
    """A command line of a command, switches and `--option value`; None for anything else."""
    if not arguments or arguments[0] not in COMMANDS or arguments[0] in ("explain", "export", "lint"):
        return None
    command = arguments[0]
    switches = {**SWITCHES, **OWN_SWITCHES.get(command, {})}
    options: dict[str, Any] = {_name(switch): False for switch in switches}
    values = {**VALUES, **OWN_VALUES.get(command, {})}
    options.update({_name(option): "" for option in values}, command=command)
    remaining = iter(arguments[1:])
    for word in remaining:
        if word in switches:
            options[_name(word)] = True
        elif word in values:
            value = next(remaining, "-")
            if value.startswith("-"):
                return None
            options[_name(word)] = value
        else:
            return None
    return SimpleNamespace(**options)


def _name(option: str) -> str:
    return option[2:].replace("-", "_")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line, settings included, for argparse."""
    import argparse

    from .. import __version__
    from ..output.folding import wrapped

    codes = [line for code, text in EXIT_CODES.items() for line in wrapped(f"{code}  {text}", 5, 2)]
    parser = argparse.ArgumentParser(
        prog="guest-routes",
        description="Host routes from OpenStack's metadata into the kernel, and one default route.",
        epilog="\n".join(["exit codes:", *codes]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"guest-routes {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    common = _common_options()
    for command, text in COMMANDS.items():
        description = text[0].upper() + text[1:] + "."
        made = commands.add_parser(command, help=text, description=description, parents=[common], allow_abbrev=False)
        _add_own_options(made, command)
    return parser


def _common_options() -> argparse.ArgumentParser:
    """The options of every command, settings included."""
    import argparse

    from ..settings.load import KEYS

    common = argparse.ArgumentParser(add_help=False)
    for option, (metavar, text) in VALUES.items():
        common.add_argument(option, metavar=metavar, default="", help=text)
    for switch, text in SWITCHES.items():
        common.add_argument(switch, action="store_true", help=text)
    group = common.add_argument_group("settings", "each overrides the settings files; see guest-routes.yaml(5)")
    for key in KEYS:
        action = "append" if key.many else "store"
        text = f"{key.help} ({key.default})"
        group.add_argument(key.flag, metavar=key.metavar, dest="setting_" + key.name, help=text, action=action)
    return common


def _add_own_options(parser: argparse.ArgumentParser, command: str) -> None:
    """The options and arguments of one command."""
    for switch, text in OWN_SWITCHES.get(command, {}).items():
        parser.add_argument(switch, action="store_true", help=text)
    for option, (metavar, text) in OWN_VALUES.get(command, {}).items():
        parser.add_argument(option, metavar=metavar, default="", help=text)
    if command == "export":
        from ..managers.export import FORMATS

        text = "whose configuration: %(choices)s"
        parser.add_argument("--format", required=True, choices=tuple(FORMATS), help=text, metavar="FORMAT")
    if command == "lint":
        text = "what `openstack subnet list --long -f json` prints; - for standard input, the default"
        parser.add_argument("file", metavar="FILE", nargs="?", default="-", help=text)
    if command == "explain":
        parser.add_argument("destination", metavar="ADDRESS|PREFIX", help="11.11.3.4 or 11.11.0.0/16")
