"""Command lines that grammar.py's plain reader doesn't take: help, mistakes, abbreviations. By argparse.

Shell completion is made from `build_parser` too (packaging/completions).
"""

from __future__ import annotations

from ..errors import UsageError
from .grammar import (
    ARGUMENTS,
    COLORS,
    COMMANDS,
    COMMON,
    HELP,
    NIC,
    NO_LIMIT,
    OUTPUT,
    OWN_FORMS,
    OWN_OPTIONAL,
    OWN_SWITCHES,
    OWN_VALUES,
    SHORT,
    SWITCHES,
    TAKEN,
    VALUES,
    attribute,
    used_together,
    uses_setting,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any, Callable, Mapping, NoReturn, Sequence, TypeVar

    from ..settings.values import Place

    T = TypeVar("T")

_HELP = ("-h", "--help")
_VERSION = ("-V", "--version")


def parse(arguments: Sequence[str]) -> Any:
    """The options as attributes, settings flags as `setting_NAME`; options may stand before the command.

    Every command's options have `metadata`, `settings`, `json`, `verbose`, `quiet` and `color`, whether or not it takes
    them. A question for help has the command "help" and its topic.

    Raises:
        UsageError: the command line is wrong.
    """
    command, words = _command_first(arguments)
    json_command = _json_command(command, words)
    if command == HELP[0] or any(word in (*_HELP, *_VERSION) for word in words):
        return _help(command, words)
    if command not in COMMANDS:
        raise UsageError(_unknown_command(command), json_command)
    options, unread = build_parser(json_command).parse_known_args([command, *words])
    if unread:
        raise UsageError(_unknown(command, unread), json_command)
    for option in (*VALUES, *OWN_VALUES.get(command, ())):
        if getattr(options, attribute(option)) == "":
            raise UsageError(f"argument {option}: is empty; {_see(command)}", json_command)
        setattr(options, attribute(option), getattr(options, attribute(option)) or "")
    for option in OWN_FORMS.get(command, ()):
        setattr(options, attribute(option), getattr(options, attribute(option)) or "")
    for first, second in used_together(vars(options)):
        raise UsageError(f"{first} and {second} can't be used together; {_see(command)}", json_command)
    return options


def _command_first(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The command ("" without one) and the other words, those before it first."""
    words = list(arguments)
    index = 0
    while index < len(words) and words[index].startswith("-"):
        index += 2 if words[index] in _options_with_values() else 1
    if index and words[index:] and words[index] not in (*COMMANDS, HELP[0]):  # The value of an unknown option?
        index = next((place for place in range(index, len(words)) if words[place] in COMMANDS), index)
    return "".join(words[index : index + 1]), [*words[:index], *words[index + 1 :]]


def _options_with_values() -> set[str]:
    from ..settings.load import KEYS

    own = [option for options in OWN_VALUES.values() for option in options if option != "--check"]
    return {"--format", NIC[0], *VALUES, *own, *(key.flag for key in KEYS)}


def _json_command(command: str, words: Sequence[str]) -> str:
    """The command that is to answer in JSON, also about a command line that is wrong."""
    return command if "--json" in words and "--json" in COMMON.get(command, ()) else ""


# ---- help and mistakes -------------------------------------------------------------------------------


def _help(command: str, words: Sequence[str]) -> Any:
    """The options of the command "help".

    Raises:
        UsageError: it is asked for help on what is no command, or the command "help" has an option.
    """
    from types import SimpleNamespace

    from ..settings.values import bare

    if command == HELP[0]:
        _refuse_options(words)
    topics = [word for word in words if not word.startswith("-")] if command == HELP[0] else [command]
    topic = topics[0] if topics else ""
    version = command == "" and any(word in _VERSION for word in words)
    if topic not in (*COMMANDS, *HELP[:1], ""):
        raise UsageError(_unknown_command(topic))
    if len(topics) > 1:
        raise UsageError(_with_see(f'{HELP[0]} shows one command at a time, and "{bare(topics[1])}" is a second one'))
    return SimpleNamespace(
        command=HELP[0], topic="" if topic == HELP[0] else topic, version=version,
        color="", quiet=False, json=False, metadata="", settings="",
    )  # fmt: skip


def _refuse_options(words: Sequence[str]) -> None:
    """Raises UsageError for what the command "help" has not."""
    from ..settings.values import bare

    unread = [word for word in words if word.startswith("-") and word not in (*_HELP, *_VERSION)]
    if unread:
        raise UsageError(_with_see(f"{HELP[0]} has no option {bare(unread[0])}"))


def _see(command: str) -> str:
    return f"see `guest-routes {HELP[0]}{' ' if command else ''}{command}`"


def _with_see(text: str, command: str = "") -> str:
    """A mistake, and where the right way stands."""
    return f"{text}{' ' if text.endswith('?') else '; '}{_see(command)}"


def _unknown_command(word: str) -> str:
    from ..settings.values import bare, did_you_mean

    if not word:
        return _with_see("the command is missing")
    return _with_see(f'there is no command "{bare(word)}"{did_you_mean(word, (*COMMANDS, HELP[0]))}')


def _unknown(command: str, unread: Sequence[str]) -> str:
    """What a command doesn't take, with the option that may have been meant."""
    from ..settings.values import bare, did_you_mean

    option = next((word.partition("=")[0] for word in unread if word.startswith("-")), "")
    if not option:
        return _with_see(f'{command} takes no "{bare(unread[0])}"', command)
    names = [name[2:] for name in options_of(command)]
    return _with_see(f"{command} has no option {bare(option)}{did_you_mean(option.lstrip('-'), names, '--')}", command)


def options_of(command: str) -> tuple[str, ...]:
    """Every option that a command takes, in its long form."""
    from ..settings.load import KEYS

    tables: tuple[Mapping[str, Mapping[str, object]], ...] = (OWN_SWITCHES, OWN_VALUES, OWN_OPTIONAL, OWN_FORMS)
    own = [option for table in tables for option in table.get(command, ())]
    form = ("--format", NIC[0]) if command == "export" else ()
    return (*own, *form, *COMMON[command], *(key.flag for key in KEYS if uses_setting(command, key.name)))


# ---- argparse ----------------------------------------------------------------------------------------


def _parser_class(json_command: str) -> type[argparse.ArgumentParser]:
    """argparse's, whose mistakes are errors of ours."""
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise UsageError(_with_see(message, " ".join(self.prog.split()[1:])), json_command)

    return Parser


def build_parser(json_command: str = "") -> argparse.ArgumentParser:
    """The whole command line, settings included, for argparse; `parse` answers --help and --version before it."""
    made = _parser_class(json_command)
    parser = made(prog="guest-routes", add_help=False, allow_abbrev=False)
    parser.add_argument(*_HELP, action="store_true", help="show the commands, or how one is used")
    parser.add_argument(*_VERSION, action="store_true", help="show the version")
    _add_switches_and_values(parser, OUTPUT)  # For completion: `parse` has moved them behind the command.
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=made)
    for command, text in COMMANDS.items():
        one = commands.add_parser(command, help=text, description=text, add_help=False, allow_abbrev=False)
        one.set_defaults(metadata=None, settings=None, json=False, verbose=False, quiet=False, color=None)
        _add_common_options(one, command)
        _add_own_options(one, command)
    name, text = HELP
    topics = commands.add_parser(name, help=text, add_help=False)
    topics.add_argument("topic", metavar="COMMAND", nargs="?", choices=tuple(COMMANDS), help="the command")
    return parser


def _add_common_options(parser: argparse.ArgumentParser, command: str) -> None:
    """The options that several commands take, settings included."""
    from ..settings.load import KEYS

    parser.add_argument(*_HELP, action="store_true", help="show how the command is used")
    _add_switches_and_values(parser, COMMON[command])
    for key in KEYS:
        if uses_setting(command, key.name):
            action = "append" if key.many else "store"
            parser.add_argument(key.flag, metavar=key.metavar, dest="setting_" + key.name, help=key.help, action=action)


def _add_switches_and_values(parser: argparse.ArgumentParser, wanted: Sequence[str]) -> None:
    """Those of SWITCHES and VALUES that are wanted."""
    from ..settings.values import one_of

    short = {option: letter for letter, option in SHORT.items()}
    for option, (metavar, text) in VALUES.items():
        if option in wanted:
            if option == "--color":
                parser.add_argument(option, metavar=metavar, help=text, choices=COLORS, type=_read_by(one_of(COLORS)))
            else:
                parser.add_argument(option, metavar=metavar, help=text)
    for switch, text in SWITCHES.items():
        if switch in wanted:
            names = [short[switch], switch] if switch in short else [switch]
            parser.add_argument(*names, action="store_true", help=text)


def _read_by(reader: Callable[[object, Place], T]) -> Callable[[str], T]:
    """A reader of the settings' values as argparse takes one, with its word on what is wrong."""
    from argparse import ArgumentTypeError

    from ..settings.values import COMMAND_LINE, Place, shown

    def read(text: str) -> T:
        try:
            return reader(text, Place(COMMAND_LINE, ""))
        except ValueError as error:
            raise ArgumentTypeError(f"{shown(text)} {error}") from error

    return read


def _add_own_options(parser: argparse.ArgumentParser, command: str) -> None:
    """The options and arguments of one command."""
    from ..settings.values import one_of, seconds

    for switch, text in OWN_SWITCHES.get(command, {}).items():
        parser.add_argument(switch, action="store_true", help=text)
    for option, (metavar, text) in OWN_VALUES.get(command, {}).items():
        parser.add_argument(option, metavar=metavar, help=text)
    for option, (metavar, text) in OWN_OPTIONAL.get(command, {}).items():
        parser.add_argument(option, metavar=metavar, nargs="?", const=NO_LIMIT, type=_read_by(seconds), help=text)
    for option, (forms, text) in OWN_FORMS.get(command, {}).items():
        parser.add_argument(
            option, nargs="?", const=forms[0], choices=forms, metavar="FORM", type=_read_by(one_of(forms)),
            help=text,
        )  # fmt: skip
    if command == "export":
        from ..managers.export.render import FORMATS

        text = f"whose configuration: {', '.join(FORMATS)}"
        formats = tuple(FORMATS)
        parser.add_argument(
            "--format", metavar="FORMAT", required=True, choices=formats, type=_read_by(one_of(formats)), help=text
        )
        option, metavar, text = NIC
        parser.add_argument(option, action="append", metavar=metavar, help=text)
    if command in TAKEN:
        name, shown, number, default = TAKEN[command]
        parser.add_argument(name, metavar=shown, nargs=number, default=default, help=ARGUMENTS[command][1])
