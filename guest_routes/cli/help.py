"""What `help` shows: every command, or one with its options, the settings that count for it, and its exit codes. Pure.

Each fits a screen of 24 lines and 80 columns; guest-routes(8) and guest-routes.yaml(5) have the rest.
"""

from __future__ import annotations

from ..output.folding import wrapped
from ..settings.keys import KEYS
from .exit_codes import BY_COMMAND, EXIT_CODES
from .grammar import (
    ARGUMENTS,
    COMMANDS,
    COMMON,
    HELP,
    NIC,
    OUTPUT,
    OWN_FORMS,
    OWN_OPTIONAL,
    OWN_SWITCHES,
    OWN_VALUES,
    SHORT,
    SWITCHES,
    VALUES,
    uses_setting,
)

GROUPS = {
    "routes": (
        "enabled", "sources", "routes", "gateways", "next_hops", "ignore_nics", "ignore_destinations",
        "correct_rendered",
    ),
    "default": ("default", "default_mode"),
    "kernel": ("metric", "table", "protocol", "engine"),
    "metadata": ("metadata_urls", "deadline_seconds", "refresh_seconds"),
    "source": ("source_routing", "source_routing_table", "source_routing_priority"),
}  # fmt: skip
"""The settings, by what they are about."""
_INDENT = 25
"""Columns before what an option means."""
_SHORT = {option: letter for letter, option in SHORT.items()}


def help_lines(command: str) -> list[str]:
    """How a command is used; "" for all of them."""
    return _command(command) if command else _commands()


def _commands() -> list[str]:
    return [
        *wrapped("guest-routes: host routes from OpenStack's metadata, and one default route", 2, 0),
        *wrapped("usage: guest-routes COMMAND [OPTION]...", 7, 0),
        "",
        *(line for name, text in (*COMMANDS.items(), HELP) for line in wrapped(f"{name:<11}{text}", 13, 2)),
        "",
        *(line for option in OUTPUT for line in _option(_named(option), _meaning(option))),
        *_option("-h, -V", "help, and the version; options before the command too"),
    ]


def _command(command: str) -> list[str]:
    argument, meaning = ARGUMENTS.get(command, ("", ""))
    if command == "export":
        meaning = _formats()
    options = [(_with_value(option, metavar), text) for option, (metavar, text) in OWN_VALUES.get(command, {}).items()]
    options += [(f"{option} [{metavar}]", text) for option, (metavar, text) in OWN_OPTIONAL.get(command, {}).items()]
    options += [(f"{option} [FORM]", text) for option, (_, text) in OWN_FORMS.get(command, {}).items()]
    options += [(_with_value(*NIC[:2]), NIC[2])] if command == "export" else []
    options += OWN_SWITCHES.get(command, {}).items()
    options += [(_named(one), _meaning(one)) for one in COMMON[command] if one not in OUTPUT]
    usage = " ".join(filter(None, ("usage: guest-routes", command, argument, "[OPTION]...")))
    return [
        *wrapped(usage, 7, 0),
        *wrapped(f"{COMMANDS[command][0].upper()}{COMMANDS[command][1:]}.", 0),
        "",
        *(_option(argument, meaning) if argument else []),
        *(line for names, text in options for line in _option(names, text)),
        *wrapped(" | ".join(map(_named, [*(one for one in OUTPUT if one in COMMON[command])])), 4, 2),
        *_settings(command),
        "",
        *_exit_codes(command),
    ]


def _formats() -> str:
    """The formats of `export`."""
    from ..managers.export.render import FORMATS

    *others, last = FORMATS
    return f"{', '.join(others)} or {last}"


def _option(names: str, meaning: str) -> list[str]:
    return wrapped(f"{names:<{_INDENT - 3}} {meaning}", _INDENT, 2)


def _named(option: str) -> str:
    """`-v, --verbose`, `--settings FILE`"""
    if option in VALUES:
        return _with_value(option, VALUES[option][0])
    return f"{_SHORT[option]}, {option}" if option in _SHORT else option


def _with_value(option: str, metavar: str) -> str:
    return f"{option} {metavar}"


def _meaning(option: str) -> str:
    return SWITCHES[option] if option in SWITCHES else VALUES[option][1]


def _settings(command: str) -> list[str]:
    """The settings that count for it, as options."""
    flags = {key.name: key.flag for key in KEYS if uses_setting(command, key.name)}
    if not flags:
        return []
    lines = ["", *wrapped("settings as options, each before the files'; see guest-routes.yaml(5):", 2, 0)]
    for group, names in GROUPS.items():
        used = [flags[name] for name in names if name in flags]
        lines += wrapped(f"{group:<10}{' '.join(used)}", 12, 2) if used else []
    return lines


def _exit_codes(command: str) -> list[str]:
    codes: dict[str, list[str]] = {}
    for code, meaning in sorted({2: EXIT_CODES[2], **BY_COMMAND[command]}.items()):
        codes.setdefault(meaning, []).append(str(code))
    first, *others = [f"{', '.join(same)}  {meaning}" for meaning, same in codes.items()]
    return [*wrapped(f"exit {first}", 8, 0), *(line for other in others for line in wrapped(other, 8, 5))]
