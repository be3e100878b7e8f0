"""The command line: arguments, output, exit codes; the only module that prints.

Data go to standard output, everything else to standard error.
"""

from __future__ import annotations

import gc
import os
import sys
import time

from .errors import GuestRoutesError
from .options import build_parser, parse
from .policy import Settings
from .state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence

    from .report import Report


def run() -> None:
    """The command: main, then the end without taking every value apart first, which shows with many routes."""
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; its exit code."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    gc.disable()  # One pass makes no cycles worth finding, and looking for them costs a fifth of a large one.
    live = Live(sys.stderr.isatty())
    try:
        code: int = COMMAND_FUNCTIONS[options.command](options, live)
        sys.stdout.flush()
        return code
    except GuestRoutesError as error:
        live.end()
        _complain(str(error))
        if options.json:
            _print_json(
                {"schema": f"guest-routes/{options.command}/1", "exit_code": error.exit_code, "error": str(error)}
            )
        return error.exit_code
    except BrokenPipeError:
        # The reader has gone (`| head`); what was to be done has been done.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except KeyboardInterrupt:
        live.end()
        _complain("interrupted; what was written stays, the next pass completes it")
        return 130


# ---- commands ---------------------------------------------------------------------------------------


def _sync(options: Any, live: Live) -> int:
    from .sync import sync

    settings = _settings(options)
    state = State()
    if not settings.enabled:
        _complain("disabled by the settings (`enabled: false`); nothing was done")
        if options.json:
            _print_json({"schema": "guest-routes/sync/1", "exit_code": 0, "disabled": True})
        return 0
    try:
        report = sync(settings, state, options.metadata, accept_withdrawals=options.accept_withdrawals, tell=live.tell)
    except GuestRoutesError as error:
        # `status` must not go on saying that all is well; where even this can't be written, the error says enough.
        failed = {"finished": time.time(), "exit_code": error.exit_code, "error": str(error)}
        try:
            state.write_status({**state.read_status(), "failed": failed})
        except GuestRoutesError as second:
            _complain(str(second))
        raise
    live.end()
    from .as_json import status_json

    try:
        state.write_status(status_json(report, time.time()))
    except GuestRoutesError as error:
        _complain(str(error))
    _print_report(options, report, True, report.exit_code)
    return report.exit_code


def _plan(options: Any, live: Live) -> int:
    report = _look(options, live)
    enabled = _settings(options).enabled
    if not enabled:
        _complain("disabled by the settings (`enabled: false`): sync would do nothing of this")
    differs = options.check and enabled and report.changes and report.exit_code in (0, 5)
    code = 3 if differs else report.exit_code
    _print_report(options, report, False, code)
    return code


def _explain(options: Any, live: Live) -> int:
    from .as_json import explanation_json
    from .errors import SettingsError
    from .explain import explain, explanation_lines
    from .kernel import open_kernel
    from .model import parse_prefix

    try:
        asked = parse_prefix(options.destination)
    except ValueError as error:
        raise SettingsError(
            f"cannot explain {options.destination!a}: {error}; write 11.11.3.4 or 11.11.0.0/16"
        ) from error
    settings = _settings(options)
    kernel = open_kernel(settings.engine)
    try:
        report = _look(options, live)
        explanation = explain(asked, report, kernel.lookup([asked.address])[0])
    finally:
        kernel.close()
    if options.json:
        _print_json(explanation_json(explanation))
    else:
        _print_lines(explanation_lines(explanation))
    return 0


def _status(options: Any, live: Live) -> int:
    from .status import look, status_json, status_lines

    found = look(_settings(options), State())
    if options.textfile:
        from .files import replace
        from .metrics import metrics_text

        replace(os.path.abspath(options.textfile), metrics_text(found).encode(), 0o644, "the old one is still there")
    elif options.json:
        _print_json(status_json(found))
    else:
        _print_lines(status_lines(found))
    return found.exit_code


def _watch(options: Any, live: Live) -> int:
    from .settings_aside import read_aside
    from .watch import watch

    gc.enable()  # This process stays.
    journal = "JOURNAL_STREAM" in os.environ
    priorities = {"error": "<3>", "warning": "<4>", "info": "<6>"}  # sd-daemon(3)

    def say(level: str, text: str) -> None:
        for line in text.splitlines() if journal else [text]:
            print(f"{priorities[level]}{line}" if journal else f"guest-routes: {line}", file=sys.stderr, flush=True)

    return watch(lambda: read_aside(lambda: _settings(options)), State(), options.metadata, say)


def _withdraw(options: Any, live: Live) -> int:
    from .as_json import withdrawal_json
    from .kernel import open_kernel
    from .text import failure_text, withdrawal_lines
    from .withdraw import withdraw

    settings = _settings(options)
    kernel = open_kernel(settings.engine)
    try:
        done = withdraw(settings, State(), kernel)
    finally:
        kernel.close()
    if options.json:
        _print_json(withdrawal_json(done))
    else:
        _print_lines(withdrawal_lines(done, options.verbose))
    for failure in done.outcome.failures:
        _complain(failure_text(failure, done.before.nics))
    for warning in done.warnings:
        _complain(warning)
    return done.exit_code


def _rehearse(options: Any, live: Live) -> int:
    from .rehearse import rehearsal

    return rehearsal(_settings(options), options.metadata, options, live.tell, _print_lines)


def _beside(options: Any, live: Live) -> int:
    from .beside import run

    def show(lines: Sequence[str]) -> None:
        live.end()
        _print_lines(lines)

    return run(_settings(options), options, live.tell, show, _complain)


SETTINGS_PATHS = ("/etc/guest-routes.yaml", "/etc/guest-routes.d", "/run/guest-routes/stanza.json")
__all__ = ["build_parser", "main", "run"]

COMMAND_FUNCTIONS = {
    "sync": _sync,
    "plan": _plan,
    "explain": _explain,
    "status": _status,
    "watch": _watch,
    "withdraw": _withdraw,
    "rehearse": _rehearse,
    **dict.fromkeys(("export", "correct", "doctor"), _beside),
}


def _look(options: Any, live: Live) -> Report:
    from .sync import sync

    accept = getattr(options, "accept_withdrawals", False)
    report = sync(_settings(options), State(), options.metadata, False, accept, live.tell)
    live.end()
    return report


def _settings(options: Any) -> Settings:
    flags: dict[str, str | list[str]] = {
        name[len("setting_") :]: value
        for name, value in vars(options).items()
        if name.startswith("setting_") and value is not None
    }
    if not (flags or options.settings or any(map(os.path.exists, SETTINGS_PATHS))):
        return Settings()  # Nothing to read; reading nothing takes longer than a pass that changes nothing.
    from .settings import read

    return read(flags, options.settings)


# ---- output -----------------------------------------------------------------------------------------


class Live:
    """Tells what is being waited for: one line that changes on a terminal, a line for each new thing elsewhere."""

    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal
        self._said = ""

    def tell(self, text: str) -> None:
        """Shows what is being waited for now."""
        if self._terminal:
            print(f"\r\033[K{text[:79]}", end="", file=sys.stderr, flush=True)
        elif not self._said:
            print(text, file=sys.stderr, flush=True)
        self._said = text

    def end(self) -> None:
        """Clears the line."""
        if self._said and self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        self._said = ""


def _print_report(options: Any, report: Report, written: bool, code: int) -> None:
    from .text import failure_text, report_lines

    if options.json:
        from .as_json import report_json

        _print_json({**report_json(report, options.command), "exit_code": code})
    else:
        _print_lines(report_lines(report, options.verbose, written))
    for warning in report.warnings:
        _complain(warning)
    for failure in report.outcome.failures[:20]:
        _complain(failure_text(failure, report.before.nics))
    if len(report.outcome.failures) > 20:
        _complain(f"... and {len(report.outcome.failures) - 20:,} more refusals; --json has all")
    for error in report.errors[:20]:
        _complain(error)


def _print_lines(lines: Sequence[str]) -> None:
    print("\n".join(lines))


def _print_json(document: dict[str, Any]) -> None:
    import json

    print(json.dumps(document, indent=2))


def _complain(text: str) -> None:
    if sys.stderr.isatty():
        from .text import complaint_lines

        print("\n".join(complaint_lines(text)), file=sys.stderr)
    else:  # A line a complaint: logs are searched by line.
        print(f"guest-routes: {text}", file=sys.stderr)
