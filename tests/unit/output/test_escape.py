"""What others wrote, as each kind of output has it."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Optional

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.output.escape import (
    dhclient_text,
    escaped,
    escaped_lines,
    json_text,
    shell_word,
    shell_words,
    sysctl_key,
    yaml_text,
)

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


ODD = ["eth0", "", "a b", "$(id)", "it's", "'", "-n", "`id`", "a\nb", "\u202ex", "é", "\udc80", "~", "*", "!x", "a\\nb"]


@pytest.mark.parametrize("text", ODD)
def test_a_shell_gets_the_text_itself(text: str) -> None:
    """A command with a name in it is about that name: what is escaped would be another one."""
    assert shell_word(text).isprintable()
    ran = subprocess.run(["bash", "-c", f"printf '%s.' {shell_word(text)}"], capture_output=True)
    assert ran.stdout == os.fsencode(text) + b"."


def test_a_name_is_no_option() -> None:
    assert shell_words(["eth0", "eth1"]) == "eth0 eth1"
    assert shell_words(["eth0", "-x"]) == "-- eth0 -x"


@pytest.mark.parametrize("nic, key", [
    ("eth0", "net/ipv6/conf/eth0/forwarding"), ("eth0.100", "net/ipv6/conf/eth0.100/forwarding"),
    ("$(id)", "'net/ipv6/conf/$(id)/forwarding'"),
])  # fmt: skip
def test_a_sysctl(nic: str, key: str) -> None:
    assert sysctl_key("net", "ipv6", "conf", nic, "forwarding") == key


@pytest.mark.parametrize("text, shown", [("eth0", '"eth0"'), ('a"b\\', r'"a\042b\134"'), ("\u202e", r'"\342\200\256"')])
def test_dhclients_strings(text: str, shown: str) -> None:
    assert dhclient_text(text) == shown
