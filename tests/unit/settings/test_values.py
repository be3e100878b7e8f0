"""Single values of the settings: what each reader takes, and how a value is shown in a problem."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple

import pytest

from guest_routes.settings import values
from guest_routes.settings.values import Place, bare, did_you_mean, shown

HERE = Place("x.yaml", "key")


@pytest.mark.parametrize("place, text", [
    (Place("x.yaml", "metric"), "x.yaml: metric"), (Place("x.yaml", "routes", 0), "x.yaml: routes[0]"),
    (Place("x.yaml", "gateways", "eth\n0"), "x.yaml: gateways[eth\\n0]"),
    (Place("the command line", "default_mode"), "--default-mode"),
    (Place("the command line", "routes", 1), "--routes"),
])  # fmt: skip
def test_a_place(place: Place, text: str) -> None:
    assert str(place) == text


@pytest.mark.parametrize("value, text", [
    ("x", '"x"'), ("\x1b[31m\n", '"\\x1b[31m\\n"'), (None, "null"), (True, "true"), (7, "7"), (0.5, "0.5"),
    (10**100, "a huge number"), ([1], "a list"), ((1, 2), "a list"), ({}, "a mapping"), ({"a": None}, "{a: None}"),
    ({"a": [1]}, "a mapping"), (dict.fromkeys("abcde"), "a mapping"), ("x" * 100, '"' + "x" * 77 + '..."'),
])  # fmt: skip
def test_how_a_value_is_shown(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize("value, text", [("eth0", "eth0"), (False, "false"), ("x" * 80, "x" * 80)])
def test_how_a_value_is_shown_bare(value: object, text: str) -> None:
    assert bare(value) == text


@pytest.mark.parametrize("value, hint", [
    ("defualt", '; did you mean "default"?'), ("DEFAULT-MODE", '; did you mean "default_mode"?'), ("xyzzy", ""),
    (7, ""), (None, ""),
])  # fmt: skip
def test_a_close_name_is_offered(value: object, hint: str) -> None:
    assert did_you_mean(value, ["default", "default_mode"]) == hint


def test_a_close_name_is_offered_in_its_own_spelling() -> None:
    assert did_you_mean("config_drive", ["http", "config-drive"]) == '; did you mean "config-drive"?'


READ: Dict[str, List[Tuple[Any, object]]] = {
    "boolean": [(True, True), ("yes", True), ("ON", True), (False, False), ("No", False), ("off", False)],
    "metric": [(0, 0), ("7", 7), (2**32 - 1, 2**32 - 1)],
    "table": [("main", 254), (1, 1), (254, 254), ("256", 256)],
    "protocol": [(5, 5), (7, 7), (19, 19), ("121", 121), (185, 185), (190, 190), (255, 255)],
    "seconds": [(0.5, 0.5), (3, 3.0), ("0.25", 0.25), ("10", 10.0), (10**9, 1e9)],
    "nic_pattern": [("eth0", "eth0"), (" docker* ", "docker*")],
    "url": [("http://192.0.2.1:8775//", "http://192.0.2.1:8775"), ("https://example.org/a/", "https://example.org/a"),
            ("http://[fe80::a9fe:a9fe]", "http://[fe80::a9fe:a9fe]")],
}  # fmt: skip
REFUSED = {
    "boolean": [1, 0, "maybe", None, []],
    "metric": [-1, 2**32, "-1", "1.0", True, 1.5, "x", "1" * 11],
    "table": [0, 255, "local", True, 2**32],
    "protocol": [0, 1, 2, 3, 4, 8, 9, 16, 18, 42, 84, 99, 186, 189, 192, 256, "kernel"],
    "seconds": [0, -1, "0", "1e3", "1.2.3", float("inf"), float("nan"), True, 10**9 + 1, "9" * 21, None],
    "nic_pattern": ["", "a/b", "a b", 7, None],
    "url": ["", "ftp://x", "http://", "http://x:0", "http://x:99999", "http://x/?a", "http://x/#a", "http://u@x",
            "http://x\\y", "http://[x", "http://x\ny", 7],
}  # fmt: skip


@pytest.mark.parametrize("reader, value, expected", [(r, v, e) for r, pairs in READ.items() for v, e in pairs])
def test_what_a_reader_takes(reader: str, value: Any, expected: object) -> None:
    read: Callable[..., object] = getattr(values, reader)
    assert (read(value, HERE), type(read(value, HERE))) == (expected, type(expected))


@pytest.mark.parametrize("reader, value", [(r, v) for r, refused in REFUSED.items() for v in refused])
def test_what_a_reader_refuses(reader: str, value: Any) -> None:
    read: Callable[..., object] = getattr(values, reader)
    with pytest.raises(ValueError, match=r"^(must be |is the kernel's own table|marks routes of the kernel)"):
        read(value, HERE)


def test_one_of_several_names() -> None:
    read = values.one_of(("enforce", "demote"))
    assert read("demote", HERE) == "demote"
    with pytest.raises(ValueError, match=r'^must be enforce or demote; did you mean "enforce"\?$'):
        read("enforced", HERE)
    with pytest.raises(ValueError, match=r"^must be enforce or demote$"):
        read(7, HERE)


def test_a_number_in_base_60_is_explained() -> None:
    """YAML 1.1 reads 52:54:00 without quotes as one."""
    with pytest.raises(ValueError, match=r"must be a name; YAML reads unquoted digits and colons as a number"):
        values.text_of(190440, "a name")
    with pytest.raises(ValueError, match=r"^must be a name$"):
        values.text_of(7, "a name")
