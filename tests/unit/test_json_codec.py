"""json_codec against the library: the same values, the same texts and the same errors."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, List, Tuple, Union

import pytest

from guest_routes import json_codec

DOCUMENTS = sorted((Path(__file__).parents[1] / "data").rglob("*.json"))
PLAIN = (
    b'{"a": [1, 2.5, null, true, "x"]}', b" \t\r\n[]\n", b"0", b'"\\u00e9\\ud800"', '"é"'.encode(), b"1e999",
    b"-0", b"-0.0", b"123456789012345678901234567890", b'{"a": 1, "a": 2}', b"[NaN, Infinity, -Infinity]",
)  # fmt: skip
ODD = (
    b"", b" ", b"{", b"[1,]", b"[1] 2", b"nul", b'{"a"}', b'"\n"', b"\xff", b'"\xed\xa0\x80"',
    b"\xef\xbb\xbf[]", b"[\x00]", b"[" * 200_000, b"1" * 5_000, "[]".encode("utf-16"), "[1]".encode("utf-32-le"),
    b"\x0b[]",    "\u2028[]".encode(), b"01", b"+1",
)  # fmt: skip


def outcome(call: Any, *arguments: object) -> Tuple[str, object]:
    """The value in words that tell 1, 1.0 and True apart, or the error."""
    try:
        return "value", repr(call(*arguments))
    except (ValueError, RecursionError, TypeError) as error:
        # Where the recursion ends depends on how deep the caller stands; the message is the interpreter's.
        text = "" if isinstance(error, RecursionError) else str(error)
        return type(error).__name__, text


@pytest.mark.parametrize("data", PLAIN + ODD, ids=lambda data: repr(data[:20]))
def test_loads_as_the_library_does(data: bytes) -> None:
    assert outcome(json_codec.loads, data) == outcome(json.loads, data)
    try:
        text: Union[str, bytes] = data.decode()
    except UnicodeDecodeError:
        return
    assert outcome(json_codec.loads, text) == outcome(json.loads, text)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_documents_cut_and_changed_anywhere(path: Path) -> None:
    data, dice = path.read_bytes()[:4_000], random.Random(path.name)
    for _ in range(100):
        place, byte = dice.randrange(len(data)), bytes([dice.randrange(256)])
        changed = data[:place] + byte + data[place + 1 :] if dice.random() < 0.7 else data[:place]
        assert outcome(json_codec.loads, changed) == outcome(json.loads, changed)


CIRCLE: List[object] = []
CIRCLE.append(CIRCLE)
VALUES: Tuple[object, ...] = (
    {"a": [1, 2.5, None, True, "é\ud800\x7f\x1b"], "b": {}}, (), "x", 0, -0.0, 1e999, float("nan"),
    {1: 2, None: 3, False: 4}, {1.5: 0}, b"bytes", {"a": object}, {(1, 2): 3}, CIRCLE, 10**30,
)  # fmt: skip


def dumped_alike(value: object) -> None:
    """With the spaces of the default, and with none."""
    assert outcome(json_codec.dumps, value) == outcome(json.dumps, value)
    compact = outcome(lambda one: json.dumps(one, separators=(",", ":")), value)
    assert outcome(json_codec.dumps, value, (",", ":")) == compact


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_dumps_as_the_library_does(value: object) -> None:
    dumped_alike(value)


def test_what_is_deeper_than_the_interpreter_goes_is_dumped_as_the_library_does() -> None:
    deep: List[object] = []
    for _ in range(100_000):
        deep = [deep]
    dumped_alike(deep)


def test_the_library_serves_where_the_interpreter_has_no_scanner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_json", None)
    assert json_codec.loads(b'{"a": 1}') == {"a": 1}
    assert json_codec.dumps({"a": [1]}) == '{"a": [1]}'


@pytest.mark.parametrize("data", PLAIN)
def test_ordinary_text_is_read_and_written_without_the_library(data: bytes) -> None:
    code = f"import sys; from guest_routes.json_codec import *; dumps(loads({data!r})); print('json' in sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("data", ["{", "[1,]", '{"a"}', '"'])
def test_a_fault_where_nobody_has_imported_json(data: str) -> None:
    """Python 3.11's scanner ends with SystemError then."""
    program = (
        "import sys; from guest_routes.json_codec import loads\n"
        "assert 'json' not in sys.modules\n"
        "try: loads(sys.argv[1])\nexcept ValueError as error: print(type(error).__name__)"
    )
    root = str(Path(__file__).parents[2])
    ran = subprocess.run(
        [sys.executable, "-S", "-c", program, data], capture_output=True, text=True, cwd=root, env={"PYTHONPATH": root}
    )
    assert (ran.stdout, ran.stderr) == ("JSONDecodeError\n", "")
