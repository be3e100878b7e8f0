"""json.loads and json.dumps without importing json, which with its re takes an eighth of a pass that changes nothing.

CPython's json is a shell of Python around a scanner and an encoder in C, the module _json, and those alone do what a
pass needs. Wherever they stop, or aren't there, the library decides: every error is the library's own, and so is every
value that is out of the ordinary (another encoding, another interpreter).

Source: CPython, Lib/json/decoder.py and encoder.py, for what the scanner and the encoder are given.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SPACE = " \t\n\r"
_CONSTANTS = {"-Infinity": float("-inf"), "Infinity": float("inf"), "NaN": float("nan")}


class _Context:
    """What _json.make_scanner and make_encoder are asked for: the library's own defaults."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = _CONSTANTS.__getitem__


def loads(data: str | bytes) -> Any:
    """The value that json.loads gives for UTF-8 text.

    Raises:
        ValueError, RecursionError: as json.loads does, json.JSONDecodeError among them.
    """
    try:
        text = _text(data)
        start = len(text) - len(text.lstrip(_SPACE))
        value, end = _scanner()(text, start)
        if not text[end:].strip(_SPACE):
            return value
    except (ValueError, StopIteration, AttributeError, ImportError, TypeError, SystemError):
        # The library says what is wrong, or does it after all. SystemError: Python 3.11's scanner raises nothing at all
        # for a fault while nobody has imported json.
        pass
    import json

    return json.loads(data)


def dumps(value: Any, separators: tuple[str, str] = (", ", ": ")) -> str:
    """The text that json.dumps gives, on one line of ASCII.

    Raises:
        ValueError, TypeError, RecursionError: as json.dumps does.
    """
    try:
        from _json import encode_basestring_ascii, make_encoder

        item, key = separators
        encode = make_encoder({}, _refuse, encode_basestring_ascii, None, key, item, False, False, True)
        return "".join(encode(value, 0))
    except (ValueError, TypeError, ImportError):
        import json

        return json.dumps(value, separators=separators)


def _text(data: str | bytes) -> str:
    """UTF-8, strictly; json.loads takes other encodings by their first bytes, where a NUL or a BOM shows them."""
    if isinstance(data, str):
        return data
    if 0 in data[:4] or data[:1] in (b"\xef", b"\xfe", b"\xff"):
        raise ValueError("not plain UTF-8")
    return data.decode("utf-8", "surrogatepass")


def _scanner() -> Any:
    from _json import make_scanner

    return make_scanner(_Context)  # type: ignore[arg-type]


def _refuse(value: object) -> Any:
    raise TypeError(type(value).__name__)
