"""The command line on a real terminal: width, height, colour, a live status; and what scripts get in their place."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from tests.support.lab import Lab, document
from tests.support.passes import documented, run, valid_json
from tests.support.screen import INTERRUPT, OnTerminal, lines_on_terminal
from tests.support.service import Start

FILE = f"--metadata {document('documented')}"
WIDTHS = (40, 80, 140, 200)
SGR = re.compile(r"\033\[[0-9]+m")
WRONG = f"--metadata {document('not-a-gateway')}"
COMMANDS = [
    f"sync {FILE}", f"plan -v {FILE}", f"plan {WRONG}", f"explain 11.11.3.4 192.0.2.1 {FILE}", "status",
    f"plan --graph {WRONG}", "status --graph", "doctor --deadline-seconds 1",
    f"rehearse {WRONG}", "correct", "lint subnets", "export --format ip --settings /nowhere", "withdraw -v",
    "help sync", "settings -v", "explain x/y", "statsu", "module --add",
]  # fmt: skip
"""Each with what it prints on standard output or standard error."""
SUBNETS = """[{"ID": "5b5d4a6c-0000-4000-8000-000000000001", "Name": "one", "Network": "n1", "Subnet": "10.65.0.0/24",
"Gateway": "10.65.0.1", "Project": "p", "Host Routes": [{"destination": "11.11.0.0/16", "nexthop": "11.8.0.99"}]},
{"ID": "5b5d4a6c-0000-4000-8000-000000000002", "Name": "two", "Network": "n2", "Subnet": "11.8.0.0/24",
"Gateway": "11.8.0.1", "Project": "p", "Host Routes": []}]"""


def too_long(lines: List[str], width: int) -> List[str]:
    """Lines that are longer, but for those that a command in backquotes or one long word makes so."""
    plain = [SGR.sub("", line) for line in lines]
    return [
        line for line in plain
        if len(line) > width and "`" not in line and max(map(len, line.split())) + width // 3 <= width
    ]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_text_fits_a_terminal_of_each_width(lab: Lab, tmp_path: Path, command: str) -> None:
    documented(lab)
    if not command.startswith("sync"):
        assert run(lab, f"sync {FILE}").code == 0
    (tmp_path / "subnets").write_text(SUBNETS)
    words = command.replace("lint subnets", f"lint {tmp_path}/subnets").split()
    lines: Dict[int, int] = {}
    for width in WIDTHS:
        shown = lines_on_terminal(*words, columns=width)
        assert shown
        assert too_long(shown, width) == []
        lines[width] = len(shown)
        if command.startswith(("sync", "withdraw")):
            run(lab, "withdraw" if command.startswith("sync") else f"sync {FILE}")
    assert lines[40] >= lines[80] >= lines[140] >= lines[200]


def test_what_nobody_looks_at_is_folded_to_80_columns_and_has_no_colour(lab: Lab) -> None:
    documented(lab)
    text = lab.run("plan", *WRONG.split()).stdout
    assert too_long(text.splitlines(), 80) == []
    assert too_long(text.splitlines(), 60) != []
    assert "\033" not in text


COLOURS: List[Tuple[str, Dict[str, str], bool]] = [
    ("", {}, True),
    ("", {"NO_COLOR": "1"}, False),
    ("", {"NO_COLOR": ""}, True),  # Source: no-color.org
    ("", {"TERM": "dumb"}, False),
    ("--color never", {}, False),
    ("--color always", {"NO_COLOR": "1"}, True),
    ("--color auto", {"NO_COLOR": "1"}, False),
]


@pytest.mark.parametrize("words, environment, has", COLOURS)
def test_colour_is_the_operator_s_choice(lab: Lab, words: str, environment: Dict[str, str], has: bool) -> None:
    documented(lab)
    for command in (f"plan {FILE}", "statsu"):
        if command == "statsu" and words:
            continue  # A mistake is told before options are known.
        text = "\n".join(lines_on_terminal(*command.split(), *words.split(), environment=environment))
        assert ("\033[3" in text) is has, text
    if has:
        text = "\n".join(lines_on_terminal("plan", *FILE.split(), *words.split(), environment=environment))
        assert "\033[32m+\033[0m 11.11.0.0/16 via 11.8.0.1 dev eth1" in text


def test_colour_in_a_pipe_is_for_who_asks(lab: Lab) -> None:
    documented(lab)
    assert "\033[32m+\033[0m" in lab.run("--color", "always", "plan", *FILE.split()).stdout
    assert "\033" not in lab.run("plan", "--json", "--color", "always", *FILE.split()).stdout


@pytest.mark.parametrize(
    "command, code", [(f"plan {FILE} --check", 3), (f"sync {FILE}", 0), ("status", 4), ("withdraw", 0)]
)
def test_quiet_leaves_the_exit_code(lab: Lab, command: str, code: int) -> None:
    documented(lab)
    for words in (f"-q {command}", f"{command} --quiet"):
        assert run(lab, words) == (code, "", "")


def test_quiet_still_has_errors(lab: Lab) -> None:
    ran = run(lab, "-q sync --metadata /nowhere")
    assert (ran.code, ran.out) == (4, "")
    assert "cannot get the metadata" in ran.err


# ---- status --watch ----------------------------------------------------------------------------------


def test_a_live_status_follows_the_table_the_size_and_ends_on_an_interrupt(lab: Lab) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    live = OnTerminal("status", "--watch", columns=80, rows=24)
    live.read_until("drift        none")
    assert "exit code 0  (^C ends it)" in live.screens[0][0]
    lab.ip("route", "del", "11.11.0.0/16")
    live.read_until("1 change needed")
    assert all(len(lines) < 24 for lines in live.screens)
    drawn = len(live.screens)
    live.resize(40, 6)
    live.read_until("more: no room here")
    assert len(live.screens) == drawn + 1
    assert [len(live.screens[-1]), max(map(len, live.screens[-1])) <= 40] == [5, True]
    live.press(INTERRUPT)
    assert live.end() == 0
    assert "interrupted" not in live.written
    assert "Traceback" not in live.written
    assert live.written.endswith("\033[J") or live.written.endswith("^C")  # the cursor stands below


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_live_status_ends_on_other_signals_too(lab: Lab, number: signal.Signals) -> None:
    live = OnTerminal("status", "--watch")
    live.read_until("none yet")
    os.kill(live.pid, number)
    assert live.end() == 0


def test_a_live_status_shows_what_is_wrong_and_goes_on(lab: Lab) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    live = OnTerminal("status", "--watch", "--settings", "/etc/other.yaml")
    live.read_until("/etc/other.yaml")
    Path("/etc/other.yaml").write_text("metric: 0\n")
    live.read_until("drift        none")
    live.press(INTERRUPT)
    assert live.end() == 0


def test_a_live_status_is_for_a_terminal(lab: Lab) -> None:
    ran = run(lab, "status --watch")
    assert (ran.code, ran.out) == (2, "")
    assert "--watch needs a terminal; `--wait` is for scripts" in ran.err


def test_a_live_status_shows_who_made_repairs_necessary(lab: Lab, start: Start) -> None:
    documented(lab)
    lab.metadata_server(document("documented"))
    service = start(settings={"metadata_urls": ["http://169.254.169.254"]})
    service.wait(lambda: run(lab, "status").code == 0)
    lab.ip("route", "del", "11.11.0.0/16")
    live = OnTerminal("status", "--watch", columns=140)
    live.read_until("deleted by ")
    live.press(INTERRUPT)
    assert live.end() == 0
    assert re.search(r"(just now|ago): deleted by .*pid \d+", " ".join(live.screens[-1]))


# ---- status --wait -----------------------------------------------------------------------------------


def test_waiting_ends_when_all_is_in_place(lab: Lab) -> None:
    documented(lab)
    waiting = lab.start(sys.executable, "-m", "guest_routes", "status", "--wait", "60", "--json")
    time.sleep(1.2)
    assert waiting.poll() is None
    assert run(lab, f"sync {FILE}").code == 0
    assert waiting.wait(20) == 0


def test_waiting_ends_at_once_where_it_changes_nothing(lab: Lab) -> None:
    documented(lab)
    assert run(lab, f"sync {WRONG}").code == 5
    started = time.monotonic()
    assert run(lab, "status --wait").code == 5
    Path("/etc/guest-routes.yaml").write_text("metrics: 0\n")
    assert run(lab, "status --wait").code == 2
    Path("/etc/guest-routes.yaml").write_text("enabled: false\n")
    assert run(lab, "status --wait -q") == (0, "", "")
    assert time.monotonic() - started < 10


def test_waiting_has_an_end(lab: Lab) -> None:
    documented(lab)
    started = time.monotonic()
    assert run(lab, "status --wait 1").code == 4
    assert 1 <= time.monotonic() - started < 5
    assert run(lab, f"sync {FILE}").code == 0
    lab.ip("route", "del", "11.11.0.0/16")
    ran = run(lab, "status --wait 1")
    assert ran.code == 1
    assert "waiting for 1 change" in ran.err
    assert "1 change needed" in ran.out


# ---- explain -----------------------------------------------------------------------------------------


def test_explain_takes_names_and_several_targets(lab: Lab) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    with Path("/etc/hosts").open("a") as hosts:
        hosts.write("11.11.3.4 mirror.internal\n2001:db8::9 six.internal\n203.0.113.9 both.internal\n")
    text = run(lab, f"explain mirror.internal 192.0.2.1 {FILE}")
    assert text.code == 0
    assert text.out.startswith("mirror.internal is 11.11.3.4 11.11.3.4 should leave by eth1, via 11.8.0.1")
    assert "192.0.2.1 should leave by eth0, via 10.65.0.1" in text.out
    both = valid_json("explain", lab.run("explain", "mirror.internal", "192.0.2.1", "--json", *FILE.split()))
    assert [(one["asked"], one.get("name"), one["nic"]) for one in both["explanations"]] == [
        ("11.11.3.4/32", "mirror.internal", "eth1"), ("192.0.2.1/32", None, "eth0"),
    ]  # fmt: skip
    one = valid_json("explain", lab.run("explain", "both.internal", "--json", *FILE.split()))
    assert (one["asked"], one["name"], one["exit_code"]) == ("203.0.113.9/32", "both.internal", 0)
    lab.ip("route", "del", "11.11.0.0/16")
    assert run(lab, f"explain 192.0.2.1 mirror.internal {FILE}").code == 1
    assert run(lab, f"explain six.internal --from 11.8.0.9 {FILE}").code == 2


def test_explain_answers_beside_what_it_does_not_know(lab: Lab) -> None:
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    asked, nowhere = "a..b 192.0.2.1 11.11.0.0/33", "--metadata http://127.0.0.1:9/ --deadline-seconds 0.2"
    text = run(lab, f"explain {asked} {FILE}")
    assert text.code == 2
    assert text.out.startswith("192.0.2.1 should leave by eth0, via 10.65.0.1")
    assert "cannot explain 'a..b': its address is not found" in text.err
    assert "cannot explain '11.11.0.0/33'" in text.err
    found = valid_json("explain", lab.run("explain", "--json", *asked.split(), *FILE.split()))
    assert [one["asked"] for one in found["explanations"]] == ["192.0.2.1/32"]
    assert [one["asked"] for one in found["unknown"]] == ["a..b", "11.11.0.0/33"]
    assert run(lab, f"explain 2001:db8::9 192.0.2.1 --from 10.65.0.7 {FILE}").out.startswith("192.0.2.1 from 10.65.0.7")
    kernel = valid_json("explain", lab.run("explain", "--json", *asked.split(), *nowhere.split()))
    assert [one["asked"] for one in kernel["known"]] == ["192.0.2.1/32"]
    assert "a..b" in kernel["error"] and kernel["exit_code"] == 2


# ---- settings ----------------------------------------------------------------------------------------


def test_settings_show_where_each_value_is_from(lab: Lab) -> None:
    Path("/etc/guest-routes.yaml").write_text("# ours\nmetric: 50\ngateways: {eth1: 11.8.0.1}\n")
    Path("/etc/guest-routes.d").mkdir()
    Path("/etc/guest-routes.d/10-a.yaml").write_text("guest_routes:\n  gateways:\n    eth2: 10.0.0.1\n  metric: 60\n")
    lines = lab.run("settings", "--protocol", "122").stdout.splitlines()
    assert "metric                   60  (/etc/guest-routes.d/10-a.yaml:4)" in lines
    assert "protocol                 122  (the command line)" in lines
    assert "table                    main  (default)" in lines
    shown = " ".join(" ".join(lines).split())
    assert '{eth1: "11.8.0.1", eth2: "10.0.0.1"} (/etc/guest-routes.yaml:3, /etc/guest-routes.d/10-a.yaml:2)' in shown
    value = valid_json("settings", lab.run("settings", "--json"))
    assert value["settings"]["metric"] == {
        "value": 60, "origins": [{"source": "/etc/guest-routes.d/10-a.yaml", "line": 4}],
    }  # fmt: skip


def test_settings_that_are_wrong_are_named_and_the_rest_is_shown(lab: Lab) -> None:
    Path("/etc/guest-routes.yaml").write_text("metrics: 50\ntable: 300\n")
    ran = run(lab, "settings")
    assert ran.code == 2
    assert "table 300 (/etc/guest-routes.yaml:2)" in ran.out
    assert 'metrics: no such setting; did you mean "metric"?' in ran.err
    value = valid_json("settings", lab.run("settings", "--json"))
    assert (value["exit_code"], len(value["problems"])) == (2, 1)


def test_a_file_is_checked_before_it_is_installed(lab: Lab, tmp_path: Path) -> None:
    Path("/etc/guest-routes.yaml").write_text("broken: 1\n")  # which another file's check doesn't read
    path = tmp_path / "new.yaml"
    path.write_text("metric: 50\nsources: [http]\n")
    assert run(lab, f"settings --check {path}") == (0, f"{path}: 2 settings, nothing wrong", "")
    path.write_text("metric: 50\nsources: [htp]\ntable: main\nsource_routing: maybe\n")
    ran = run(lab, f"settings --check {path}")
    assert (ran.code, ran.out) == (2, "")
    assert 'sources[0]: "htp": must be' in ran.err
    assert 'source_routing: "maybe": must be true or false' in ran.err
    assert run(lab, "settings --check /nowhere").code == 2
    assert run(lab, f"settings --check {path} --settings /x").code == 2
    assert run(lab, f"settings --check {path} --metric 5").code == 2
