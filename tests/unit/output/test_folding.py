"""Lines at every width: nothing lost, commands whole, and long lists cut with their number."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guest_routes.output.folding import (
    NARROWEST,
    SHOWN,
    WIDEST,
    WIDTH,
    coloured,
    entries,
    error_lines,
    fitting,
    labelled,
    laid_out,
    wrapped,
)  # fmt: skip

LONG = " ".join(f"word{number}" for number in range(40))
COMMAND = "`openstack subnet set --host-route destination=11.11.0.0/16,gateway=11.8.0.1 SUBNET`"


def test_long_text_is_folded_with_its_indents_and_loses_nothing() -> None:
    lines = laid_out(wrapped(LONG, 4, 2))
    assert max(map(len, lines)) <= WIDTH
    assert lines[0].startswith("  word0 ")
    assert {line[:5] for line in lines[1:]} == {"    w"}
    assert " ".join(lines).split() == LONG.split()


def test_the_first_line_is_indented_as_the_others_where_nothing_else_is_said() -> None:
    assert {line[:7] for line in laid_out(wrapped(LONG))} == {"      w"}


def test_a_command_stays_whole_even_where_it_is_too_long() -> None:
    lines = laid_out(wrapped(f"fix it in Neutron: {COMMAND}; then wait", 6))
    assert lines == ["      fix it in Neutron:", f"      {COMMAND};", "      then wait"]


@given(st.lists(st.text("ab`-/ ", min_size=1, max_size=30), max_size=12).map(" ".join))
def test_no_word_is_lost_and_no_nul_is_left(text: str) -> None:
    lines = laid_out(wrapped(text))
    assert " ".join(lines).split() == text.split()
    assert "\0" not in "".join(lines)


@given(st.integers(NARROWEST, WIDEST))
def test_a_terminal_of_any_width_is_used_and_not_exceeded(width: int) -> None:
    route = "+ 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes metric 1023 src 11.8.0.9"
    for line in (*wrapped(LONG), *labelled("drift", LONG), route):
        lines = laid_out([line], width, everything=True)
        assert max(map(len, lines)) <= width
        assert " ".join(lines).split() == line.split()
        assert len(lines) == 1 or len(lines[0]) > width - 15  # no word of these is longer


def test_a_line_that_is_no_text_stays_whole_where_nobody_looks() -> None:
    assert laid_out(["+ " + LONG]) == ["+ " + LONG]
    assert laid_out(["  " + LONG], 40, everything=True)[1].startswith(" " * 6 + "word")


def test_a_key_of_json_stays_beside_its_value() -> None:
    text = '{"network": "11.11.0.0", "netmask": "255.255.0.0", "gateway": "11.8.0.1"}'
    assert laid_out(wrapped(text, 13)) == [
        '             {"network": "11.11.0.0", "netmask": "255.255.0.0",',
        '             "gateway": "11.8.0.1"}',
    ]


def test_only_a_mark_in_the_first_column_has_a_colour() -> None:
    assert coloured("+ 10.8.0.0/16") == "\033[32m+\033[0m 10.8.0.0/16"
    assert coloured("! 10.8.0.0/16") == "\033[33m!\033[0m 10.8.0.0/16"
    for plain in ("= 10.8.0.0/16", "-> do this", "  + 10.8.0.0/16", "", "+"):
        assert coloured(plain) == plain


def test_other_s_line_breaks_are_blanks() -> None:
    assert wrapped("one\ntwo\tthree", 2) == ["  one two three"]
    assert labelled("a", "one\ntwo") == ["a            one two"]


def test_nothing_makes_no_line() -> None:
    assert wrapped("") == []


def show(number: int) -> tuple[str, str, str]:
    return "+", f"route {number}", f"reason {number}"


def test_each_entry_has_its_reason_below_it() -> None:
    assert entries([1, 2], show) == ["+ route 1", "      reason 1", "+ route 2", "      reason 2"]


def test_one_more_than_shown_is_shown_too() -> None:
    lines = entries(range(SHOWN + 1), show)
    assert len(lines) == 2 * (SHOWN + 1)
    assert lines[-2] == f"+ route {SHOWN}"


def test_many_are_cut_with_their_number() -> None:
    lines = entries(range(1500), show)
    assert len(lines) == 2 * SHOWN + 1
    assert lines[-1] == "+ ... and 1,488 more; --verbose shows all"


def test_verbose_shows_all() -> None:
    assert entries(range(30), show, verbose=True)[-2:] == ["+ route 29", "      reason 29"]
    assert entries([], show) == []


def test_a_label_stands_beside_the_folded_text() -> None:
    lines = laid_out(labelled("warning", LONG))
    assert lines[0].startswith("warning      word0 ")
    assert {line[:14] for line in lines[1:]} == {" " * 13 + "w"}
    assert max(map(len, lines)) <= WIDTH
    assert labelled("drift", "") == ["drift        "]


def test_an_error_keeps_its_own_lines_and_indents() -> None:
    assert error_lines(f"cannot find it\n  http: {LONG}") == [
        "guest-routes: cannot find it",
        *laid_out(wrapped(f"http: {LONG}", 6, 2)),
    ]


def test_a_place_moves_below_a_line_that_is_too_long() -> None:
    short = "11.11.0.0/16,11.8.0.1  (networks[0].routes[1])"
    long = "11.11.0.0/16,11.8.0.1  (eth0's DHCP lease (systemd-networkd, /run/systemd/netif/leases/2), option 121[1])"
    assert fitting(short, "why") == (short, "why")
    assert fitting(long, "why") == (
        "11.11.0.0/16,11.8.0.1",
        "eth0's DHCP lease (systemd-networkd, /run/systemd/netif/leases/2), option 121[1]: why",
    )
    assert fitting("x" * 100, "why") == ("x" * 100, "why")
