"""Fuzz target: json_codec gives the value, the text or the error that the library gives."""

from __future__ import annotations

import json
from typing import Any, Callable, Tuple

import atheris

from tests.fuzz.harness import DATA, files_of, fuzz

with atheris.instrument_imports(include=["guest_routes"]):
    from guest_routes import json_codec

SEEDS = (
    b'{"a": [1, 2.5, null, true, "x\\u00e9\\ud800"]}',
    b"[NaN, -Infinity, 1e999, -0.0]",
    b"\xef\xbb\xbf[]",
    "[1]".encode("utf-16"),
)


def outcome(call: Callable[..., Any], *arguments: object) -> Tuple[str, str]:
    """The value in words, or the error's."""
    try:
        return "value", repr(call(*arguments))
    except RecursionError:
        return "RecursionError", ""
    except (ValueError, TypeError) as error:
        return type(error).__name__, str(error)


def one_input(data: bytes) -> None:
    """What libFuzzer calls."""
    expected = outcome(json.loads, data)
    found = outcome(json_codec.loads, data)
    assert found == expected, (found, expected)
    if expected[0] == "value":
        value = json.loads(data)
        assert outcome(json_codec.dumps, value) == outcome(json.dumps, value)


if __name__ == "__main__":
    fuzz(one_input, [*SEEDS, *files_of(DATA)], ["NaN", "Infinity", "true", "null", "\\\\ud800", "\\\\u0000"])
