"""What others wrote, as each kind of output has it."""

from __future__ import annotations

import json
import subprocess
from typing import Optional

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.output.escape import escaped, escaped_lines, json_text, shell_word, yaml_text

ANY = st.text(st.characters(), max_size=20)
"""Lone surrogates too, as undecodable bytes of a file name become."""


@pytest.mark.parametrize(
    "text, shown",
    [
        ("eth0", "eth0"),
        ("a\nb", "a\\nb"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\udc80", "\\udc80"),
        ("Zürich", "Zürich"),
    ],
)
def test_escaped(text: str, shown: str) -> None:
    assert escaped(text) == shown


@given(ANY)
def test_escaped_text_is_one_printable_line_and_stays(text: str) -> None:
    assert escaped(text).isprintable()
    assert escaped(escaped(text)) == escaped(text)
    assert len(escaped_lines(text)) == text.count("\n") + 1


@given(
    st.dictionaries(ANY, st.lists(st.one_of(ANY, st.integers(), st.booleans(), st.none())), max_size=3),
    st.sampled_from([None, 2]),
)
def test_json_is_printable_ascii_that_says_the_same(document: object, indent: Optional[int]) -> None:
    text = json_text(document, indent)
    assert all(" " <= letter < "\x7f" for letter in text if letter != "\n")
    read = json.loads(text)
    assert json_text(read, indent) == text


def test_json_as_it_is() -> None:
    assert json_text({"a": ["ü", 1, None]}) == '{"a":["\\u00fc",1,null]}'
    assert json.loads(json_text({"\udc80": ("\udc80",)})) == {"\\udc80": ["\\udc80"]}
    assert json_text("\x7f") == '"\\u007f"'


@given(ANY)
def test_yaml_reads_the_same_text(text: str) -> None:
    assert yaml.safe_load(yaml_text(text)) == text.encode("utf-8", "backslashreplace").decode()


@pytest.mark.parametrize(
    "text, shown", [("eth0", "eth0"), ("yes", '"yes"'), ("Null", '"Null"'), ("1e3", '"1e3"'), ("", '""')]
)
def test_yaml_words(text: str, shown: str) -> None:
    assert yaml_text(text) == shown


@pytest.mark.parametrize("text", ["eth0", "", "a b", "$(id)", "it's", "'", "-n", "`id`", "a\nb", "\udc80", "~", "*"])
def test_a_shell_gets_the_escaped_text(text: str) -> None:
    ran = subprocess.run(["sh", "-c", f"printf %s {shell_word(text)}"], capture_output=True, text=True)
    assert ran.stdout == ("-n" if text == "-n" else escaped(text))
