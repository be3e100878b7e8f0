"""What a command writes: data to standard output, everything else to standard error. The only module that prints.

Nothing is printed that could move a terminal's cursor or end a line, whoever wrote it (R12).
"""

from __future__ import annotations

import sys

from ..output.escape import escaped, escaped_lines, json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence


class Terminal:
    """Standard output and standard error, and the line that tells what is being waited for."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:  # A terminal without UTF-8 shows what it can't write as an escape, like stderr.
            reconfigure(errors="backslashreplace")
        self._waiting = ""

    def tell(self, text: str) -> None:
        """What is being waited for now: one line that changes on a terminal; elsewhere only the first."""
        if self._live:
            print(f"\r\033[K{escaped(text)[:79]}", end="", file=sys.stderr, flush=True)
        elif not self._waiting:
            print(escaped(text), file=sys.stderr, flush=True)
        self._waiting = text

    def lines(self, lines: Sequence[str]) -> None:
        """Data for people: one line each."""
        self._clear()
        print("\n".join(map(escaped, lines)))

    def json(self, document: dict[str, Any]) -> None:
        """Data for programs: one JSON document."""
        self._clear()
        print(json_text(document, indent=2))

    def error(self, text: str) -> None:
        """An error or a warning in one line; on a terminal it is folded."""
        self.failure(escaped(text))

    def failure(self, text: str) -> None:
        """The message of an exception of ours, which may have several lines."""
        self._clear()
        shown = "\n".join(escaped_lines(text))
        if self._live:
            from ..output.folding import error_lines

            print("\n".join(error_lines(shown)), file=sys.stderr)
        else:
            print(f"guest-routes: {shown}", file=sys.stderr)

    def _clear(self) -> None:
        if self._waiting and self._live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        self._waiting = ""

    def log(self, journal: bool) -> Callable[[str, str], None]:
        """The service's log: gets a level ("info", "warning", "error") and a text.

        Args:
            journal: standard error is systemd's journal, so that levels go as prefixes. Source: sd-daemon(3).
        """
        priorities = {"error": "<3>", "warning": "<4>", "info": "<6>"}

        def say(level: str, text: str) -> None:
            lines = escaped_lines(text)
            for line in lines if journal else ["\n".join(lines)]:
                print(f"{priorities[level]}{line}" if journal else f"guest-routes: {line}", file=sys.stderr, flush=True)

        return say
