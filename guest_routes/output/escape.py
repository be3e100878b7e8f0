"""What others wrote, fit for a terminal, a log, a record, YAML, a shell and JSON. Pure.

Documents, leases, drives, settings, state files and other processes' names hold any character. Here, and nowhere else,
is decided how one that could move the cursor, end a line or hide what stands there is written.
"""

from __future__ import annotations

from ..json_codec import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable

_SHELL_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-:/@%+,=")
_YAML_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")

_QUOTED_SAFE = frozenset(map(chr, range(0x20, 0x7F))) - {'"', "\\", "`"}
"""Not the backquote either, which ends a command in a sentence."""
_YAML_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))


def escaped(text: str) -> str:
    r"""One line of printable characters; others become \n, \x1b, \u202e, as in Python.

    Text that was escaped before stays as it is.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def escaped_lines(text: str) -> list[str]:
    """A message of ours that has several lines, each escaped."""
    return [escaped(line) for line in text.split("\n")]


def json_text(document: Any, indent: int | None = None) -> str:
    """One JSON document in printable ASCII, which any reader takes: lone surrogates are escaped as text."""
    text = _dumped(document, indent)
    if "\\ud" in text:
        text = _dumped(_without_surrogates(document), indent)
    return text.replace("\x7f", "\\u007f")


def _dumped(document: Any, indent: int | None) -> str:
    if indent is None:
        return dumps(document, (",", ":"))
    import json

    return json.dumps(document, indent=indent)


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return [_without_surrogates(item) for item in value] if isinstance(value, (list, tuple)) else value


def yaml_text(text: str) -> str:
    """A YAML scalar of ASCII: plain where nothing else can be read in it, else in double quotes."""
    plain = text[:1].isalpha() and set(text) <= _YAML_SAFE and text.lower() not in _YAML_WORDS
    if plain:
        return text
    letters = _without_surrogates(text)
    return '"' + "".join(c if c in _QUOTED_SAFE else f"\\U{ord(c):08x}" for c in letters) + '"'


def shell_word(text: str) -> str:
    """A word that a shell takes literally, for commands that are pasted.

    What is not printable is written as bytes in $'...', which bash, zsh, ksh and busybox read.
    """
    if text and set(text) <= _SHELL_SAFE:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "'\\''") + "'"
    return "$'" + "".join(map(_shell_letter, text)) + "'"


def _shell_letter(letter: str) -> str:
    """Within $'...'; a byte of a name that is no UTF-8 is that byte."""
    if letter.isascii() and letter.isalnum():
        return letter
    of_a_name = "\udc80" <= letter <= "\udcff"
    written = letter.encode("utf-8", "surrogateescape" if of_a_name else "backslashreplace")
    return "".join(f"\\{byte:03o}" for byte in written)


def shell_words(texts: Iterable[str]) -> str:
    """Arguments of a command, none of which is taken for an option."""
    words = [*map(shell_word, texts)]
    return " ".join(["--", *words] if any(word.startswith("-") for word in words) else words)


def dhclient_text(text: str) -> str:
    """A string of dhclient.conf(5), with octal escapes."""
    return '"' + "".join(c if c in _QUOTED_SAFE else _shell_letter(c) for c in text) + '"'


def sysctl_key(*parts: str) -> str:
    """A sysctl's key with slashes, in which a dot is a part of a NIC's name, as a word of a shell.

    Source: sysctl.d(5): where the first separator is a slash, dots stay.
    """
    return shell_word("/".join(parts))
