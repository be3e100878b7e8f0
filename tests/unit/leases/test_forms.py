"""The forms of DHCP clients' values, each by itself; test_client_files.py has whole files."""

from __future__ import annotations

from typing import Optional

import pytest

from guest_routes.leases import forms
from guest_routes.leases.options import LeaseFault


@pytest.mark.parametrize("data", [b"A=1\0\n", b"A=1"])
def test_damaged_and_half_written_lines(data: bytes) -> None:
    with pytest.raises(LeaseFault):
        forms.assignments(data)


def test_assignments() -> None:
    assert forms.assignments(b"# A=0\n[section]\nA = 1 \nB=x=y\nA=2\n\xff=3\n") == {"A": "2", "B": "x=y", "\ufffd": "3"}
    assert forms.assignments(b"") == {}


def test_only_a_newline_ends_a_line() -> None:
    """NetworkManager escapes no form feed of a server's text, and others might not."""
    odd = "\x0b\x0c\x1c\x1d\x1e\x85\u2028".join(["x", "router=6.6.6.6"])
    assert forms.assignments(f"router=10.65.0.1\ntext={odd}\n".encode()) == {"router": "10.65.0.1", "text": odd}
    assert dict(forms.statements(f'option x "{odd};";')) == {"option x": f'"{odd};"'}


def test_a_value_that_every_lease_has() -> None:
    assert forms.needed({"ip": "10.65.0.7"}, "ip") == "10.65.0.7"
    for values in ({}, {"ip": ""}):
        with pytest.raises(LeaseFault, match="has no ip"):
            forms.needed(values, "ip")


def test_statements() -> None:
    body = 'interface "eth0";\n  option routers 11.8.0.1;\nbootp;\nnot ended\n;\n'
    assert list(forms.statements(body)) == [("interface", '"eth0"'), ("option routers", "11.8.0.1"), ("", "bootp")]


@pytest.mark.parametrize(
    "text, octets",
    [
        (r'"\020\013"', b"\x10\x0b"),
        (r'"a\\b\"c"', b'a\\b"c'),
        (r'"\08"', b"08"),
        ('""', b""),
        (r'"\777"', b"\xff"),
    ],
)
def test_octets_in_quotes(text: str, octets: bytes) -> None:
    assert forms.quoted_octets(text) == octets


@pytest.mark.parametrize(
    "text, seconds",
    [("3600", "3600"), ("52min 30s", "3150"), ("1h 1s", "3601"), ("1month", "2629800"), ("infinity", ""), ("", ""),
     ("3parsec", ""), ("1234567890123", ""), ("s", "")],
)  # fmt: skip
def test_time_spans(text: str, seconds: str) -> None:
    assert forms.timespan_seconds(text) == seconds


@pytest.mark.parametrize(
    "lifetime, end",
    [("3600", 3610.0), (str(0xFFFFFFFE), 4294967304.0), (str(0xFFFFFFFF), None), ("", None), (None, None)],
)
def test_when_a_lifetime_ends(lifetime: Optional[str], end: Optional[float]) -> None:
    assert forms.end_of(10.0, lifetime) == end


@pytest.mark.parametrize(
    "text, value",
    [("0", 0.0), ("12", 12.0), ("-1", None), ("1.5", None), ("\u0663", None), ("1" * 13, None), ("", None)],
)
def test_numbers(text: str, value: Optional[float]) -> None:
    assert forms.number_of(text) == value


@pytest.mark.parametrize("path, ifindex", [("/run/x/2", 2), ("/run/x/eth0", 0), ("2", 2), ("/run/1234567890", 0)])
def test_a_file_called_by_an_ifindex(path: str, ifindex: int) -> None:
    assert forms.ifindex_of(path) == ifindex
