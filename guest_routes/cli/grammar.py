"""Every command with its options and exit codes, and the reader of plain command lines.

argparse costs as much as a whole pass that changes nothing. So a command line of whole, known words is read here;
everything else (help, mistakes) is parser.py's, built from the same tables.
"""

from __future__ import annotations

from types import SimpleNamespace

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
        "--diff": "show the changes as a unified diff of `ip route`",
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
_GRAPH = (("text", "mermaid", "dot"), "draw NICs, gateways and destinations: as text, for Mermaid or for Graphviz")
OWN_FORMS = {"plan": {"--graph": _GRAPH}, "status": {"--graph": _GRAPH}}
"""Options with a form; without one, the first."""
EXCLUSIVE = (
    *(("--json", "--textfile"), ("--metadata", "--example"), ("--check", "--undo"), ("--metadata", "--undo")),
    *(("--json", "--graph"), ("--json", "--diff"), ("--graph", "--diff"), ("--graph", "--textfile")),
)
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

# ---- exit codes ------------------------------------------------------------------------------------------

EXIT_CODES = {
    0: "what the command vouches for is so",
    1: "it is not so, or can't be known; the message says why",
    2: "wrong usage or settings",
    3: "--check: something would change",
    4: "no metadata, and no last known good; what --metadata names can't be read; status: no pass has run",
    5: "done, but some routes of the document are not programmed (or exported); the message says which and why",
}
"""What each exit code says, in short; an interrupt ends with 130."""
BY_COMMAND: dict[str, dict[int, str]] = {
    "sync": {
        0: "the routes are as decided, and verified",
        1: "the kernel refused something, a check failed, the pass was rolled back, there was no lock, or something"
        " could not be recorded",
        4: "no metadata and no last known good, or a document without networks",
        5: "done, but some routes of the document are not programmed",
    },
    "plan": {
        0: "sync would end with 0; with --check: and change nothing",
        1: "the kernel can't be asked",
        3: "with --check: something would change",
        4: "as sync",
        5: "as sync",
    },
    "explain": {
        0: "the traffic leaves as wanted",
        1: "it doesn't, or a host route for it is not programmed",
        2: "the settings are wrong; shown is what follows from the rest of them",
        4: "no metadata and no last known good",
    },
    "status": {
        0: "all in place, or switched off by the settings",
        1: "something that should be there isn't, or can't be known: drift, drift unknown, withdrawn by hand, a service"
        " that ended or is enabled and doesn't run, a last pass that failed",
        2: "the settings are wrong; the rest is shown",
        4: "no pass has run since the boot, or the last one had no metadata",
        5: "in place, but for routes of the document that can't be programmed",
    },
    "watch": {
        0: "a signal ended it",
        1: "another service runs, or there is no netlink socket; units start it again",
        2: "the settings are wrong at the start; systemd doesn't start it again",
    },
    "withdraw": {
        0: "no route of ours is left, and recorded default routes are back, with wrong settings too",
        1: "something was refused or is left, or could not be recorded",
    },
    "rehearse": {
        0: "the pass in the private network ended with 0",
        1: "it failed, or there can be no private network",
        4: "the document can't be read, or has no networks",
        5: "as sync",
    },
    "doctor": {
        0: "nothing found",
        1: "something found, wrong settings and a metadata service that doesn't answer among it",
    },
    "report": {
        0: "written; what could not be had is named in it",
        1: "the file can't be written",
    },
    "correct": {
        0: "nothing is left to correct; with --undo: every file is as cloud-init wrote it",
        1: "a file could not be read or written; with --undo: or somebody has changed it since",
        3: "with --check: something would change",
        4: "there are files, and no document to judge them by",
    },
    "lint": {
        0: "nothing found",
        1: "something found",
    },
    "module": {
        0: "the module is, or isn't, in the list, as asked for",
        1: "the file can't be read, edited or written",
        3: "with --check: something would change",
    },
    "export": {
        0: "printed",
        4: "no metadata and no last known good, or a document without networks",
        5: "printed, but without some routes of the document",
    },
}
"""What each says of a command, which the help texts, the manual and the docs repeat; 2 may come of every command."""

# ---- plain command lines ---------------------------------------------------------------------------------


def plain(arguments: Sequence[str]) -> SimpleNamespace | None:
    """The options of a command, whole switches and `--option value`; None for anything else, mistakes included."""
    if not arguments or arguments[0] not in COMMANDS or arguments[0] in ("explain", "export", "lint"):
        return None
    command = arguments[0]
    switches = [*(name for name in COMMON[command] if name in SWITCHES), *OWN_SWITCHES.get(command, ())]
    values = [*(name for name in COMMON[command] if name in VALUES), *OWN_VALUES.get(command, ())]
    options: dict[str, Any] = dict.fromkeys(map(attribute, [*SWITCHES, *switches]), False)
    forms = OWN_FORMS.get(command, ())
    options.update(dict.fromkeys(map(attribute, [*VALUES, *values, *forms]), ""), command=command)
    remaining = iter(arguments[1:])
    for word in remaining:
        if word in switches:
            options[attribute(word)] = True
        elif word in values:
            value = next(remaining, "-")
            if not value or value.startswith("-"):
                return None
            options[attribute(word)] = value
        else:
            return None
    return None if any(used_together(options)) else SimpleNamespace(**options)


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
