"""What a command writes: data to standard output, everything else to standard error. The only module that prints.

Nothing is printed that could move a terminal's cursor or end a line, whoever wrote it (R12). A standard stream that
can't be written never ends a command: what it did is done, and its exit code says so.
"""

from __future__ import annotations

import os
import sys

from ..output.escape import escaped, escaped_lines, json_text
from ..output.folding import MESSAGE_COLOURS, NARROWEST, WIDEST, WIDTH, coloured, laid_out

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, Sequence, TypeAlias

    from ..model.document import Progress
    from ..service.sd_journal import Field, Log

    Level: TypeAlias = Literal["error", "warning", "info"]
    Color: TypeAlias = Literal["auto", "always", "never"]

PRIORITIES = {"error": "<3>", "warning": "<4>", "info": "<6>"}
"""Source: sd-daemon(3)."""


class Terminal:
    """Standard output and standard error, and the line that tells what is being waited for.

    Args:
        color: auto is on a terminal, unless NO_COLOR or TERM=dumb says otherwise.
        quiet: only errors are printed.
    """

    def __init__(self, color: Color = "auto", quiet: bool = False) -> None:
        self._live = sys.stderr.isatty()
        self.shows = sys.stdout.isatty()
        """Standard output is a terminal."""
        self._color = color
        self._quiet = quiet
        self.journal = _is_journal(os.environ.get("JOURNAL_STREAM", ""))
        """Standard error is systemd's journal, which takes a priority before each line."""
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:  # A terminal without UTF-8 shows what it can't write as an escape, like stderr.
            reconfigure(errors="backslashreplace")
        self._cleared = False
        """The screen shows what `screen` wrote."""
        self._waiting = ""
        self._unwritten: OSError | None = None
        """Why standard output didn't take everything."""

    def tell(self, text: str) -> None:
        """What is being waited for now: one line that changes on a terminal; elsewhere only the first."""
        if self._quiet:
            return
        if self._live:
            self._to_stderr(f"\r\033[K{escaped(text)[: _width(2) - 1]}", end="")
        elif not self._waiting:
            self._to_stderr(f"{self._prefix('info')}{escaped(text)}")
        self._waiting = text

    def progress(self, progress: Progress) -> None:
        """What the search for a document waits for now."""
        from ..output.words.evidence import progress_text

        self.tell(progress_text(progress))

    def lines(self, lines: Sequence[str]) -> None:
        """Data for people, folded to the width of a terminal."""
        if lines and not self._quiet:
            self._to_stdout("\n".join(self.laid_out(lines)))

    def laid_out(self, lines: Sequence[str]) -> list[str]:
        """The lines as standard output shows them."""
        shown = [escaped(line) for line in laid_out(lines, self.width, everything=self.shows)]
        return list(map(coloured, shown)) if self._has_colour(self.shows) else shown

    def verbatim(self, lines: Sequence[str]) -> None:
        """Data for people that means something else when it is folded: a file's content, a picture."""
        if not self._quiet:
            self._to_stdout("\n".join(map(escaped, lines)))

    def screen(self, lines: Sequence[str]) -> bool:
        """The lines in place of what the terminal shows, as many as it has room for; False when it takes none."""
        from ..output.diagnosis.status import unseen_text

        columns, rows = os.get_terminal_size(1)
        shown = laid_out(lines, self.width, everything=True)
        room = max((rows or 24) - 1, 1)  # Below them stands the cursor.
        if len(shown) > room:
            shown = [*shown[: room - 1], unseen_text(len(shown) - room + 1)]
        shown = [escaped(line)[: columns or WIDTH] for line in shown]
        shown = list(map(coloured, shown)) if self._has_colour(True) else shown
        # Cursor to the top, each line cleared behind its end, then what is below: nothing flickers.
        start, self._cleared = "\033[H" if self._cleared else "\033[2J\033[H", True
        self._to_stdout(start + "".join(f"{line}\033[K\n" for line in shown) + "\033[J", end="")
        return self._unwritten is None

    @property
    def width(self) -> int:
        """Columns of the terminal that standard output is, 40 to 200; 80 where it is none."""
        return _width(1)

    @property
    def unicode(self) -> bool:
        """Whether standard output takes more than ASCII, by the locale."""
        return all(name.lower().replace("-", "").endswith("utf8") for name in (sys.stdout.encoding or "", _locale()))

    def json(self, document: dict[str, Any]) -> None:
        """Data for programs: one JSON document."""
        self._to_stdout(json_text(document, indent=2))

    def binary(self, content: bytes) -> None:
        """Data that is no text."""
        self._clear()
        try:
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
        except OSError as error:
            self._unwritten = self._unwritten or error

    def note(self, text: str) -> None:
        """A line about something that is as it should be."""
        if not self._quiet:
            self._message(escaped(text), "info")

    def warning(self, text: str) -> None:
        """A warning in one line; on a terminal it is folded."""
        if not self._quiet:
            self._message(escaped(text), "warning")

    def error(self, text: str) -> None:
        """An error in one line; on a terminal it is folded."""
        self._message(escaped(text), "error")

    def failure(self, text: str) -> None:
        """The message of an exception of ours, which may have several lines."""
        self._message("\n".join(escaped_lines(text)), "error")

    def finish(self, code: int) -> int:
        """The exit code of a command that ends with this one.

        What standard output doesn't take makes 0 a 1, since the result is lost; a reader that has gone (`| head`) has
        had what it wanted.
        """
        try:
            sys.stdout.flush()
        except OSError as error:
            self._unwritten = self._unwritten or error
        if self._unwritten is None:
            return code
        # The interpreter would try again at its end, and say so in its own way.
        os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), 1)
        if isinstance(self._unwritten, BrokenPipeError):
            return code
        from ..output.notices import unwritten_text

        self.error(unwritten_text(self._unwritten.strerror or str(self._unwritten)))
        return code or 1

    def log(self) -> Log:
        """The service's log: gets a level ("info", "warning", "error"), a text, and fields, which only a journal keeps.

        Raises, when it is called:
            OSError: standard error can't be written.
        """

        def say(level: str, text: str, fields: Sequence[Field]) -> None:
            lines = escaped_lines(text)
            if fields and self.journal:
                from ..service.sd_journal import send

                if send(level, "\n".join(lines), fields) is None:
                    return
            if self.journal:
                shown = "\n".join(f"{PRIORITIES[level]}{line}" for line in lines)
            else:
                shown = self._named("\n".join(lines))
            print(shown, file=sys.stderr, flush=True)

        return say

    def _message(self, shown: str, level: Level) -> None:
        self._clear()
        if self._live:
            text = self._named(shown)
            if level in MESSAGE_COLOURS and self._has_colour(self._live):
                text = f"\033[{MESSAGE_COLOURS[level]}mguest-routes:\033[0m{text[len('guest-routes:') :]}"
            self._to_stderr(text)
        elif self.journal:
            self._to_stderr("\n".join(f"{PRIORITIES[level]}{line}" for line in shown.split("\n")))
        else:
            self._to_stderr(self._named(shown))

    def _named(self, shown: str) -> str:
        """A message with our name before it, folded on a terminal."""
        if not self._live:
            return f"guest-routes: {shown}"
        from ..output.folding import error_lines

        return "\n".join(error_lines(shown, _width(2)))

    def _has_colour(self, shows: bool) -> bool:
        if self._color != "auto":
            return self._color == "always"
        return shows and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def _prefix(self, level: Level) -> str:
        return PRIORITIES[level] if self.journal else ""

    def _clear(self) -> None:
        if self._waiting and self._live:
            self._to_stderr("\r\033[K", end="")
        self._waiting = ""

    def _to_stdout(self, text: str, end: str = "\n") -> None:
        self._clear()
        try:
            print(text, end=end, flush=not end)
        except OSError as error:
            self._unwritten = self._unwritten or error

    def _to_stderr(self, text: str, end: str = "\n") -> None:
        try:
            print(text, end=end, file=sys.stderr, flush=True)
        except OSError:  # There is nowhere left to say it; the exit code still does.
            return


def _locale() -> str:
    """The locale of characters that this process was started with.

    Python writes UTF-8 in the C locale, too, and may set LC_CTYPE for that. Source: PEP 538, PEP 540; locale(7).
    """
    variables = dict(os.environ)
    try:
        with open("/proc/self/environ", "rb") as file:
            variables = dict(one.partition("=")[::2] for one in os.fsdecode(file.read()).split("\0"))
    except OSError:  # No /proc, or a program that may not look at itself.
        pass
    return next(filter(None, (variables.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))), "C").partition("@")[0]


def _width(descriptor: int) -> int:
    """Columns of the terminal at that descriptor, within what is made use of."""
    try:
        columns = os.get_terminal_size(descriptor).columns
    except OSError:
        columns = 0
    return min(max(columns, NARROWEST), WIDEST) if columns else WIDTH


def _is_journal(stream: str) -> bool:
    """Whether standard error is the stream that systemd names: the variable outlives a redirection.

    Source: systemd.exec(5), $JOURNAL_STREAM.
    """
    if not stream:
        return False
    about = os.fstat(2)
    return stream == f"{about.st_dev}:{about.st_ino}"


def open_closed_streams() -> None:
    """Standard streams that the caller has closed become /dev/null, so that no other file gets their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115
