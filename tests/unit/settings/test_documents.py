"""Plain settings files are read as PyYAML reads them, and only those that are plain."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.settings.documents import Loaded, plain_yaml
from guest_routes.settings.keys import BY_NAME

EXAMPLE = Path(__file__).parents[3] / "packaging" / "guest-routes.yaml"


def by_pyyaml(text: str) -> Optional[str]:
    """What PyYAML reads, in words that tell 1 and True apart; None where it refuses."""
    try:
        return repr(yaml.safe_load(text))
    except (yaml.YAMLError, ValueError):
        return None


def test_the_packages_file_is_plain() -> None:
    assert plain_yaml(EXAMPLE.read_text()) == Loaded()


def test_plain_settings() -> None:
    text = "# ours\n\nsource_routing: true # answers\n   # more\nmetric:   50  \ndefault: auto\nenabled: false"
    found = plain_yaml(text)
    assert found is not None
    assert repr(found.document) == by_pyyaml(text)
    assert found.lines == (("source_routing", 3), ("metric", 5), ("default", 6), ("enabled", 7))


NOT_PLAIN = (
    "enabled: yes", "enabled: off", "enabled: True", "default: null", "default: ~", "default:", "default: ",
    "metric: 010", "metric: 0x10", "metric: 1_0", "metric: 1.5", "metric: +5", "metric: -5", "metric: 1:30",
    "metric: 12345678901", "metric: 5\nmetric: 6", "default: auto\n  eth0", "default: auto\n- x", "default: a b",
    'default: "auto"', "default: 'auto'", "default: {nic: eth0}", "default: [a]", "default: &a b", "default: *a",
    "default: !!str 5", "default: |\n  a", "default: a: b", "default: a#b", "default: Auto", "default: \xe9",
    "# \xe9", "default:auto", " default: auto", "\tdefault: auto", "default: auto\t", "default: auto\r\n",
    "guest_routes: auto", "defautl: auto", "true: auto", "? default\n: auto", "--- \ndefault: auto", "%YAML 1.1",
    "default: auto\n...", "default : auto", "default: .inf", "default: =", "default: <<", "- default: auto",
    "\ufeffdefault: auto", "default: 2026-01-01", "default: eth0\x0c", "default: #auto", "default: auto\x85",
)  # fmt: skip


@pytest.mark.parametrize("text", NOT_PLAIN, ids=ascii)
def test_what_takes_pyyaml(text: str) -> None:
    assert plain_yaml(text) is None


PIECES = (
    *BY_NAME, *BY_NAME, ": ", ": ", ": ", ":", " ", "\n", "\n", "\n", "#", " # ", "true", "false", "yes", "on", "null",
    "~", "0", "7", "42", "010", "1.5", "0x1f", "1e3", "eth0", "auto", "e", "y", "n", ".", "-", "- ", "---", "...", "_",
    "'", '"', "{", "}", "[", "]", ",", "&a", "*a", "!", "|", ">", "%", "@", "`", "?", "=", "<<", "\t", "\r",
    "\x00", "\x7f", "\xe9", "\u2028", "guest_routes",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=14), st.booleans())
def test_what_is_plain_is_read_as_pyyaml_reads_it(pieces: List[str], as_lines: bool) -> None:
    text = "".join(pieces)
    if as_lines:  # Nearly all that is made otherwise is no settings file.
        pairs = zip(pieces[::2], pieces[1::2])
        text = "".join(f"{one}: {other}\n" for one, other in pairs)
    found = plain_yaml(text)
    if found is not None:
        assert repr(found.document) == by_pyyaml(text)
