"""What each exit code says, of all commands and of each: the help texts, the manual and the docs repeat it. Pure."""

from __future__ import annotations

EXIT_CODES = {
    0: "what the command vouches for is so",
    1: "it is not so, or can't be known; the message says why",
    2: "wrong usage or settings",
    3: "--check: something would change",
    4: "no metadata, and no last known good; what --metadata names can't be read; status: no pass has run",
    5: "done, but not everything wanted is programmed (exported, corrected); the message says what and why",
}
"""What each exit code says, in short; an interrupt ends with 130."""
BY_COMMAND: dict[str, dict[int, str]] = {
    "sync": {
        0: "the routes are as decided, and verified",
        1: "the kernel refused something, a check failed, the pass was rolled back, there was no lock, or something"
        " could not be recorded",
        4: "no metadata and no last known good, or a document without networks",
        5: "done, but not everything wanted is programmed",
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
        1: "it doesn't, or a host route or source routing for it is not programmed",
        2: "a target is unknown, or the settings are wrong or can't be read by this user; the rest is shown",
        4: "no metadata and no last known good; what the kernel does now is shown",
    },
    "status": {
        0: "all in place, or switched off by the settings; --watch: it was ended",
        1: "something that should be there isn't, or can't be known: drift, drift unknown, withdrawn by hand, a service"
        " that should run and doesn't, hangs, or should not and does, a last pass that failed or left no record",
        2: "the settings are wrong, or can't be read by this user; the rest is shown",
        4: "no pass has run since the boot, or the last one had no metadata",
        5: "in place, but for what can't be programmed",
    },
    "watch": {
        0: "a signal ended it",
        1: "another service runs, or there is no netlink socket; units start it again",
        2: "the settings are wrong at the start; systemd doesn't start it again",
    },
    "withdraw": {
        0: "no route of ours is left, and recorded default routes are back or named, with wrong settings too",
        1: "something was refused, is left or may be, or could not be recorded",
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
        0: "nothing is left to correct; with --undo: all is as cloud-init wrote it",
        1: "a file could not be read or written; --undo: or it was changed since",
        3: "with --check: something would change",
        4: "there are files, and no document to judge them by",
        5: "a wrong route, or a file that may have one, had to be left",
    },
    "lint": {
        0: "nothing found",
        1: "something found",
    },
    "module": {
        0: "the module is, or isn't, in the list, as asked for",
        1: "the file can't be read, edited or written",
        3: "with --check: something would change",
        5: "it is as asked for, but cloud-init goes by another list, or has no such module",
    },
    "export": {
        0: "printed",
        4: "no metadata and no last known good, or a document without networks",
        5: "printed, but without some routes of the document",
    },
    "settings": {
        0: "nothing is wrong",
        2: "something is wrong; shown is what follows from the rest",
    },
}
"""What each says of a command, which the help texts, the manual and the docs repeat; 2 may come of every command."""
