"""Every command with its options, and the reader of plain command lines.

argparse costs as much as a whole pass that changes nothing. So a command line of whole, known words is read here,
settings included; everything else (help, mistakes) is parser.py's, built from the same tables.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, Mapping, Sequence

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
    "module": "put our module into cloud-init's cloud.cfg, or take it out",
    "export": "print the routes as configuration for a network manager",
    "settings": "show the settings in effect and where each is from, or check a file",
}
HELP = ("help", "show how a command is used: help COMMAND")
SWITCHES = {
    "--verbose": "show every route, and notes",
    "--quiet": "print errors only; the exit code tells the rest",
    "--json": "print one JSON document (docs/schema)",
}
VALUES = {
    "--metadata": ("SOURCE", "this network_data.json, config-drive tree or base URL"),
    "--settings": ("FILE", "instead of /etc/guest-routes.yaml and drop-ins"),
    "--color": ("WHEN", "auto, always or never"),
}
OUTPUT = ("--verbose", "--quiet", "--json", "--color")
"""Options that mean the same everywhere: the list of commands explains them."""
SHORT = {"-v": "--verbose", "-q": "--quiet"}
COLORS = ("auto", "always", "never")
_PASS = ("--metadata", "--settings", "--verbose", "--quiet", "--json", "--color")
_INSPECTING = ("--metadata", "--settings", "--quiet", "--json", "--color")
COMMON: dict[str, tuple[str, ...]] = {
    "sync": _PASS,
    "plan": _PASS,
    "explain": _INSPECTING,
    "status": ("--settings", "--verbose", "--quiet", "--json", "--color"),
    "watch": ("--metadata", "--settings", "--color"),
    "withdraw": ("--settings", "--verbose", "--quiet", "--json", "--color"),
    "rehearse": _PASS,
    "doctor": _INSPECTING,
    "correct": _PASS,
    "lint": ("--quiet", "--json", "--color"),
    "module": ("--quiet", "--json", "--color"),
    "report": ("--quiet", "--json", "--color"),
    "export": ("--metadata", "--settings", "--json", "--color"),
    "settings": ("--settings", "--verbose", "--json", "--color"),
}
"""Which of SWITCHES and VALUES a command uses; the others are mistakes."""
OWN_SWITCHES = {
    "sync": {"--accept-withdrawals": "withdraw routes even if the document looks partial"},
    "plan": {
        "--accept-withdrawals": "withdraw routes even if the document looks partial",
        "--check": "exit with 3 when something would change",
        "--diff": "show the changes as a unified diff of sorted routes",
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
    "status": {"--watch": "live, until ^C; needs a terminal"},
}
_DOCUMENTS = {"--documents": ("SOURCES", "the document from these alone, if they are on")}
OWN_VALUES = {
    "sync": _DOCUMENTS,
    "correct": _DOCUMENTS,
    "report": {"--output": ("FILE", "instead of guest-routes-report.tar.gz here; - for standard output")},
    "lint": {"--cloud": ("NAME", "ask this cloud of clouds.yaml, by openstacksdk")},
    "explain": {"--from": ("ADDRESS", "explain packets that carry this address of the machine")},
    "status": {"--textfile": ("FILE", "write it as Prometheus text for node_exporter instead")},
    "settings": {"--check": ("FILE", "check this settings file alone, and show what is wrong")},
}
OWN_OPTIONAL = {
    "status": {"--wait": ("SECONDS", "return when all is in place, or after so long")},
}
"""Options whose value can be left out: NO_LIMIT then, None without the option."""
NO_LIMIT = float("inf")
ARGUMENTS = {
    "explain": ("TARGET...", "an address, a prefix or a host name: 11.11.3.4, 11.11.0.0/16, mirror.example.org"),
    "lint": ("[FILE]", "what `openstack subnet list --long -f json` prints; - for standard input, the default"),
    "export": ("--format FORMAT", ""),
}
"""What a command takes beside options, or must have; `export` offers the formats that managers/export has."""
TAKEN: dict[str, tuple[str, str, str, str | None]] = {
    "explain": ("destinations", "TARGET", "+", None),
    "lint": ("file", "FILE", "?", "-"),
}
"""Of what a command takes beside options: attribute, name in the usage, how many (argparse's nargs), default."""
NIC = ("--nic", "NAME=MAC", "a NIC of a machine that isn't running; takes --metadata")
"""Of `export`, once for each NIC."""
_GRAPH = (("text", "mermaid", "dot"), "draw the table; FORM is text, mermaid or dot")
OWN_FORMS = {"plan": {"--graph": _GRAPH}, "status": {"--graph": _GRAPH}}
"""Options with a form; without one, the first."""
EXCLUSIVE = (
    ("--json", "--textfile"), ("--metadata", "--example"), ("--check", "--undo"), ("--metadata", "--undo"),
    ("--json", "--graph"), ("--json", "--diff"), ("--graph", "--diff"), ("--graph", "--textfile"),
    ("--quiet", "--verbose"), ("--quiet", "--json"), ("--quiet", "--graph"), ("--quiet", "--diff"),
    ("--watch", "--json"), ("--watch", "--quiet"), ("--watch", "--textfile"), ("--watch", "--wait"),
    ("--watch", "--graph"),
)  # fmt: skip
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
    "settings": (),
    "watch": ("correct_rendered",),
    "correct": ("refresh_seconds",),
}
"""Settings that a command doesn't use, and doesn't take as options; every other command: _OF_OTHERS."""

# ---- plain command lines ---------------------------------------------------------------------------------


class Options:
    """The options of a command as attributes, as argparse's Namespace has them."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        vars(self).update(values)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


def plain(arguments: Sequence[str]) -> Options | None:
    """The options of a command, whole switches and `--option value`; None for anything else, mistakes included.

    Of settings, only those that are there have an attribute.
    """
    if not arguments or arguments[0] not in COMMANDS or arguments[0] in ARGUMENTS:
        return None
    command = arguments[0]
    switches = [*(name for name in COMMON[command] if name in SWITCHES), *OWN_SWITCHES.get(command, ())]
    values = [*(name for name in COMMON[command] if name in VALUES), *OWN_VALUES.get(command, ())]
    options: dict[str, Any] = dict.fromkeys(map(attribute, [*SWITCHES, *switches]), False)
    forms = OWN_FORMS.get(command, ())
    options.update(dict.fromkeys(map(attribute, [*VALUES, *values, *forms]), ""), command=command)
    options.update(dict.fromkeys(map(attribute, OWN_OPTIONAL.get(command, ()))))
    remaining = iter(arguments[1:])
    for word in remaining:
        word = SHORT.get(word, word)
        if word in switches:
            options[attribute(word)] = True
        elif word in values:
            value = next(remaining, "-")
            if not _is_plain(word, value):
                return None
            options[attribute(word)] = value
        elif not _add_setting(options, word, next(remaining, "-")):
            return None
    return None if any(used_together(options)) else Options(options)


def _add_setting(options: dict[str, Any], word: str, value: str) -> bool:
    """Adds the setting that an option and its value say; False where they say none."""
    from ..settings.keys import BY_NAME

    key = BY_NAME.get(attribute(word)) if word.startswith("--") else None
    if key is None or word != key.flag or not uses_setting(options["command"], key.name) or not _is_plain(word, value):
        return False
    name = "setting_" + key.name
    options[name] = [*options.get(name, ()), value] if key.many else value
    return True


def _is_plain(option: str, value: str) -> bool:
    return bool(value) and not value.startswith("-") and (option != "--color" or value in COLORS)


def used_together(options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The pairs of EXCLUSIVE that are both there."""
    return (pair for pair in EXCLUSIVE if all(options.get(attribute(one)) for one in pair))


def attribute(option: str) -> str:
    """The attribute of the options that has an option's value."""
    return option[2:].replace("-", "_")


def uses_setting(command: str, name: str) -> bool:
    """Whether a command uses that setting, and takes it as an option."""
    if command in USED_SETTINGS:
        return name in USED_SETTINGS[command]
    return name not in UNUSED_SETTINGS.get(command, _OF_OTHERS)
