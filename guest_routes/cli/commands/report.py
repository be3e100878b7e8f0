"""`guest-routes report`: one tar.gz with all that is known about the routes of this machine."""

from __future__ import annotations

import os
import sys
import time

from ...diagnose.bundle.collect import Entry, archive, command_entries
from ...diagnose.bundle.files import file_entries
from ...diagnose.bundle.redaction import Redaction
from ...diagnose.bundle.secrets import without_secrets
from ...errors import GuestRoutesError, SettingsError, UsageError
from ...output.escape import escaped
from ...output.notices import REPORTING, bundle_json, bundle_text
from ..named_file import write_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ..context import Context

NAME = "guest-routes-report"
COMMANDS = ("status", "status --json", "plan --verbose", "plan --json", "doctor", "doctor --json", "correct --check")
SECONDS = 60
"""What our own commands get."""


def run(context: Context) -> int:
    """0 once it is written; what could not be had is named in it."""
    options, terminal = context.options, context.terminal
    if options.output == "-" and sys.stdout.isatty():
        raise SettingsError("standard output is a terminal, and the report is a tar.gz: pipe it, or name a file")
    if options.output == "-" and options.json:
        raise UsageError("--json and --output - can't be used together: both write to standard output", "report")
    terminal.tell(REPORTING)
    entries = [_settings(context), *_own(), *command_entries(), *file_entries()]
    entries = _redacted(entries, options.redact)
    missing = [f"{one.name}: {one.failed}" for one in entries if one.failed]
    entries.append(Entry("missing.txt", _encoded("\n".join([*missing, ""]))))
    content = archive([one for one in entries if not one.failed], NAME)
    if options.output == "-":
        terminal.binary(content)
        return 0
    path = os.path.abspath(options.output or f"{NAME}.tar.gz")
    write_named(path, content, 0o600, "`--output FILE` names another place, `--output -` standard output")
    if options.json:
        terminal.json(bundle_json(path, len(content), missing))
    else:
        terminal.lines([bundle_text(path, len(content), options.redact)])
    return 0


def _settings(context: Context) -> Entry:
    """What counts, from which file, and what is wrong."""
    lines = [f"written {time.strftime('%Y-%m-%d %H:%M:%S %z')}"]
    try:
        effective = context.usable_settings._asdict()
    except GuestRoutesError as error:
        return Entry("settings.txt", _encoded(str(error)))
    for layer in context.settings_layers:
        lines += [f"{name}: {value!r}  ({layer.source})" for name, value in layer.values.items()]
    lines += ["", "in force:", *(f"{name}: {value!r}" for name, value in effective.items())]
    lines += [f"wrong: {problem}" for problem in context.settings_problems]
    return Entry("settings.txt", _encoded("\n".join([*lines, ""])))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _own() -> Iterator[Entry]:
    """What our own commands write: each in a child process, however this one was started, and all at the same time."""
    import tempfile

    started = []
    for command in COMMANDS:
        name = "guest-routes/" + command.replace(" ", "_")
        try:
            file = tempfile.TemporaryFile()  # noqa: SIM115  # closed below, when its child has ended
            pid = os.fork()
        except OSError as error:
            yield Entry(name, b"", error.strerror or str(error))
            continue
        if pid == 0:
            _become(command.split(), file.fileno())
        started.append((name, file, pid))
    until = time.monotonic() + SECONDS
    for name, file, pid in started:
        code = _ended(pid, until)
        with file:
            file.seek(0)
            content = file.read()
        failed = "" if content else f"it said nothing, and its exit code is {code}"
        yield Entry(name, content + f"\n(exit code {code})\n".encode(), failed)


def _become(words: Sequence[str], output: int) -> None:
    """What the child does, from its start to its end."""
    code = 1
    try:
        from ..main import main

        for number in (1, 2):
            os.dup2(output, number)
        code = main(words)
    finally:
        os._exit(code)


def _ended(pid: int, until: float) -> int:
    """The exit code of a child, which is ended when it takes too long."""
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            os.kill(pid, 9)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        time.sleep(0.02)


def _redacted(entries: Sequence[Entry], addresses: bool) -> list[Entry]:
    """The entries without secrets, and where asked for, without addresses."""
    redaction = Redaction(os.urandom(32), os.uname().nodename) if addresses else None

    def clean(data: str, name: str = "") -> str:
        text = without_secrets(data, name)
        return redaction.text(text) if redaction else text

    return [
        one._replace(
            name=clean(escaped(one.name)),
            content=_encoded(clean(one.content.decode("utf-8", "replace"), one.name)),
            failed=clean(escaped(one.failed)),
        )
        for one in entries
    ]
