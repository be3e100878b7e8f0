"""What a command writes: data to standard output, everything else to standard error. The only module that prints."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence


class Terminal:
    """Standard output and standard error, and the line that tells what is being waited for."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._waiting = ""

    def tell(self, text: str) -> None:
        """What is being waited for now: one line that changes on a terminal; elsewhere only the first."""
        if self._live:
            print(f"\r\033[K{text[:79]}", end="", file=sys.stderr, flush=True)
        elif not self._waiting:
            print(text, file=sys.stderr, flush=True)
        self._waiting = text

    def lines(self, lines: Sequence[str]) -> None:
        """Data for people."""
        self._clear()
        print("\n".join(lines))

    def json(self, document: dict[str, Any]) -> None:
        """Data for programs: one JSON document."""
        import json

        self._clear()
        print(json.dumps(document, indent=2))

    def error(self, text: str) -> None:
        """An error or a warning: folded on a terminal, elsewhere a line each, since logs are searched by line."""
        self._clear()
        if self._live:
            from ..output.folding import error_lines

            print("\n".join(error_lines(text)), file=sys.stderr)
        else:
            print(f"guest-routes: {text}", file=sys.stderr)

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
            for line in text.splitlines() if journal else [text]:
                print(f"{priorities[level]}{line}" if journal else f"guest-routes: {line}", file=sys.stderr, flush=True)

        return say
