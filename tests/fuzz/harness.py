"""What every fuzz target has in common: a corpus of seeds that goes with the run, and libFuzzer's options.

A target is a function of bytes that lets no exception out but for a fault. It is run as a program: `make fuzz` gives
each FUZZ_SECONDS. Arguments go to libFuzzer: a file as argument runs that input again.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Callable, Iterable, Sequence

import atheris

DATA = Path(__file__).parent.parent / "data"


def fuzz(
    one_input: Callable[[bytes], None], seeds: Iterable[bytes], words: Sequence[str] = (), longest: int = 4096
) -> None:
    """Runs until the time is over, or an exception comes out.

    Args:
        words: what the inputs are made of, for the dictionary.
        longest: the most bytes of an input.
    """
    with tempfile.TemporaryDirectory() as work:
        corpus, dictionary = Path(work, "corpus"), Path(work, "words")
        corpus.mkdir()
        for number, seed in enumerate(seeds):
            (corpus / f"seed-{number}").write_bytes(seed)
        dictionary.write_text("".join(f'"{word}"\n' for word in words))
        given = sys.argv[1:]
        again = any(os.path.isfile(argument) for argument in given)
        bounded = [] if any("-max_total_time" in argument for argument in given) else ["-max_total_time=60"]
        options = [
            *([f"-dict={dictionary}"] if words else []),
            f"-max_len={longest}",
            "-timeout=10",
            *bounded,
            str(corpus),
        ]
        atheris.Setup([sys.argv[0], *given, *([] if again else options)], one_input)
        atheris.Fuzz()


def files_of(*folders: Path) -> Iterable[bytes]:
    """The contents of the files in some folders, as seeds."""
    return [path.read_bytes() for folder in folders for path in sorted(folder.iterdir()) if path.is_file()]


def printable(text: str) -> str:
    """The text, if no character of it could move a cursor or end a line."""
    assert text.isprintable(), ascii(text)
    return text
