"""`withdraw` where settings or records have changed since the routes were made: each table and record (R18)."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from guest_routes.model.network import MAIN_TABLE, OUR_PROTOCOL
from guest_routes.model.settings import Settings
from guest_routes.state.places import remember
from guest_routes.state.store import State
from tests.netns.test_removal import everything, everywhere
from tests.support.lab import Lab, document
from tests.support.passes import DOCUMENTED, documented, run, table, valid_json

FILE = f"--metadata {document('documented')}"
SETTINGS = Path("/etc/guest-routes.yaml")

PLACES = Path("/run/guest-routes/places")


@pytest.mark.parametrize("first", ["--table 100", "--protocol 130", "--table 100 --protocol 130", ""])
@pytest.mark.parametrize("second", ["--table 200", "--protocol 131", ""])
def test_withdraw_finds_the_routes_of_passes_with_other_settings(lab: Lab, first: str, second: str) -> None:
    before = documented(lab)
    for options in (first, second):
        assert run(lab, f"sync {options} {FILE}").code == 0
    assert PLACES.exists() == (first != "" or second != "")
    ran = run(lab, "withdraw")
    assert ran.code == 0
    assert table(lab) == before
    for protocol in ("121", "130", "131"):
        assert lab.ip("route", "show", "table", "all", "proto", protocol) == ""
    assert not PLACES.exists()


def test_a_pass_names_what_one_with_another_table_has_left(lab: Lab) -> None:
    documented(lab)
    assert run(lab, f"sync --table 100 {FILE}").err == ""
    left = (
        "table 100: 2 routes of protocol 121 left by a pass with other settings; `guest-routes withdraw` removes them"
    )
    for command in ("plan", "sync"):
        assert left in run(lab, f"{command} {FILE}").err
    assert run(lab, "withdraw --table 254").code == 0  # There, and nowhere else.
    assert len(lab.routes(table="100")) == 2
    assert run(lab, "withdraw").code == 0
    assert run(lab, f"sync {FILE}").err == ""


@pytest.mark.parametrize(
    "content", [b"", b"[[]]", b'[["a", 1]]', b"{", b"[[0, 0], [1e9, 121], [-1, 2], [true, 3]]", b"[1]"]
)
def test_a_pass_with_a_damaged_record_of_places(lab: Lab, content: bytes) -> None:
    """It programs its routes, and says so; the record is none."""
    documented(lab)
    assert run(lab, f"sync --table 100 {FILE}").code == 0
    PLACES.write_bytes(content)
    ran = run(lab, f"sync {FILE}")
    assert (ran.code, table(lab)) == (0, DOCUMENTED)
    assert f"{PLACES}: is damaged" in ran.err


@pytest.mark.parametrize("options", ["--protocol 130", "--table 100", "--table 100 --protocol 130"])
def test_the_first_pass_with_other_settings_names_what_is_left(lab: Lab, options: str) -> None:
    """And doctor what to do about it, whatever the report says otherwise; followed, it is gone."""
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    left = "table main: 1 route of protocol 121 left by a pass with other settings"
    for command in ("plan", "sync", "plan"):
        assert left in run(lab, f"{command} {options} {FILE}").err, command
    ran = run(lab, f"doctor {options} {FILE}")
    assert ran.code == 1
    assert f"! {left} -> `guest-routes withdraw`, then `guest-routes sync`" in ran.out
    assert run(lab, "withdraw").code == 0
    ran = run(lab, f"sync {options} {FILE}")
    assert "left by a pass" not in ran.err


@pytest.mark.parametrize("changed", ["protocol: 130\n", "table: 100\n", "table: 100\nprotocol: 130\n"])
@pytest.mark.parametrize("options", ["", "--source-routing true", "--table 200"])
@pytest.mark.parametrize("family", ["ipv4", "dual-stack"])
def test_settings_that_changed_since_the_last_pass(lab: Lab, changed: str, options: str, family: str) -> None:
    """No pass has had them yet; the last one's routes go, and the defaults that it took come back where they were."""
    before, file = everything(lab, family)
    assert run(lab, f"sync {options} {file}").code == 0
    SETTINGS.write_text(changed)
    ran = run(lab, "withdraw")
    assert (ran.code, everywhere(), ran.err) == (0, before, "")
    assert "not restored" not in ran.out
    assert not Path("/var/lib/guest-routes/defaults").exists()
    ran = run(lab, "withdraw")
    assert (ran.code, everywhere()) == (0, before)


def test_a_named_table_is_the_only_one(lab: Lab) -> None:
    """What was recorded elsewhere stays recorded, and nothing is said of it."""
    before = documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    ran = run(lab, "withdraw --table 100")
    assert (ran.code, ran.out, table(lab)) == (0, "nothing to withdraw: the table has no route of ours", DOCUMENTED)
    assert (run(lab, "withdraw").code, table(lab)) == (0, before)


def test_a_default_of_another_table_comes_back_without_any_other_record(lab: Lab) -> None:
    before = documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    shutil.rmtree("/run/guest-routes")
    SETTINGS.write_text("table: 100\n")
    assert (run(lab, "withdraw").code, table(lab)) == (0, before)


# ---- records that are damaged -------------------------------------------------------------------------------

WRONG_NUMBERS: Dict[str, Any] = {
    "protocol": [0, 2, 3, 4, 9, -1, 256, 1 << 70, True, "121"],
    "table": [0, 255, -1, 1 << 32, 1 << 70, True, "main"],
}


@pytest.mark.parametrize("key", WRONG_NUMBERS)
@pytest.mark.parametrize("where", ["status", "places"])
def test_a_record_names_no_table_or_protocol_that_the_settings_could_not(lab: Lab, key: str, where: str) -> None:
    before = documented(lab)
    for value in WRONG_NUMBERS[key]:
        assert run(lab, f"sync {FILE}").code == 0
        place = {"table": 254, "protocol": 121, key: value}
        if where == "status":
            status = json.loads(Path("/run/guest-routes/status").read_text())
            Path("/run/guest-routes/status").write_text(json.dumps({**status, **place}))
        else:
            PLACES.write_text(json.dumps([[place["table"], place["protocol"]]]))
        for settings in ("protocl: 1\n", "metric: 0\n"):
            SETTINGS.write_text(settings)
            ran = run(lab, "withdraw")
            assert (ran.code, table(lab)) == (1, before), value
            assert f"/run/guest-routes/{where}: is damaged: " in ran.err
        PLACES.unlink(missing_ok=True)


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


UNUSABLE: Dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:20]),
    "of the wrong form": lambda path: path.write_text('[1, {"a": 2}]'),
    "writable by others": lambda path: path.chmod(0o666),
    "a folder": as_folder,
}


@pytest.mark.parametrize("fault", UNUSABLE)
def test_places_that_can_not_be_used_are_named(lab: Lab, fault: str) -> None:
    """Routes may be where it said; what is known goes."""
    before = documented(lab)
    for options in ("--table 100", ""):
        assert run(lab, f"sync {options} {FILE}").code == 0
    UNUSABLE[fault](PLACES)
    ran = run(lab, "withdraw")
    assert (ran.code, table(lab)) == (1, before)
    assert str(PLACES) in ran.err
    assert "`ip route show table all`" in ran.err
    assert str(PLACES) in " ".join(valid_json("withdraw", lab.run("withdraw", "--json"))["warnings"])
    assert str(PLACES) in run(lab, f"plan {FILE}").err


@pytest.mark.parametrize("options", ["--protocol 130", ""])
@pytest.mark.parametrize("family", ["ipv4", "dual-stack"])
def test_where_every_record_of_the_place_is_lost_nothing_is_called_withdrawn_that_is_left(
    lab: Lab, options: str, family: str
) -> None:
    """/run is empty again: what is ours where the settings say is all of it, or none is, and then it is elsewhere."""
    before, file = everything(lab, family)
    assert run(lab, f"sync {options} {file}").code == 0
    shutil.rmtree("/run/guest-routes")
    SETTINGS.write_text("protocol: 13O\n")
    ran = run(lab, "withdraw")
    assert (ran.code, everywhere() == before) == ((1, False) if options else (0, True))
    assert ("no record says which table and protocol" in ran.err) == bool(options)
    assert ("`ip route show table all` and `ip rule` show them" in ran.err) == bool(options)


def test_many_places_are_all_kept(lab: Lab) -> None:
    before = documented(lab)
    assert run(lab, f"sync --table 100 {FILE}").code == 0
    PLACES.write_text(json.dumps([[100, 121], *([number, 121] for number in range(1000, 1080))]))
    assert run(lab, f"sync --table 200 {FILE}").code == 0
    assert (run(lab, "withdraw").code, table(lab)) == (0, before)
    assert [lab.routes(table=number) for number in ("100", "200")] == [[], []]


def changed(**fields: Any) -> Callable[[Path], object]:
    """The record's document, or where it has the field its first route, with other fields."""

    def change(path: Path) -> None:
        content = json.loads(path.read_text())
        for name, value in fields.items():
            there = content if name in content else content["records"][0]["route"]
            there[name] = value
        path.write_text(json.dumps(content))

    return change


DAMAGED = {
    **UNUSABLE,
    "a newer version": changed(schema="guest-routes/defaults/99"),
    "no list": changed(records={}),
    "no record": changed(records=[1]),
    "no boot": changed(boot_id=None),
    "metric -1": changed(metric=-1),
    "a huge index": changed(ifindex=1 << 40),
    "a huge protocol": changed(protocol=256),
    "no route": changed(destination="nowhere"),
}


@pytest.mark.parametrize("fault", DAMAGED)
def test_recorded_defaults_that_can_not_be_used_stay(lab: Lab, fault: str) -> None:
    """Ours go all the same, and the only record of the default is there for whoever can read it."""
    documented(lab)
    record = Path("/var/lib/guest-routes/defaults")
    assert run(lab, f"sync {FILE}").code == 0
    good = record.read_bytes()
    DAMAGED[fault](record)
    content = None if record.is_dir() else record.read_bytes()
    for _ in range(2):
        ran = run(lab, "withdraw")
        assert ran.code == 1
        assert lab.ip("route", "show", "proto", "121") == ""
        assert str(record) in ran.err and "stay recorded" in ran.err
        assert "Traceback" not in ran.err
    lab.ip("route", "append", "default", "via", "10.65.0.9", "dev", "eth0", "metric", "50", "proto", "dhcp")
    ran = run(lab, f"sync {FILE}")
    assert ran.code == 1 and f"{record}" in ran.err and "move it away" in ran.err
    assert "default via 10.65.0.9 dev eth0 proto dhcp metric 50" in table(lab)
    assert content is None or record.read_bytes() == content
    lab.ip("route", "del", "default", "via", "10.65.0.9", "dev", "eth0", "metric", "50", "proto", "dhcp")
    assert run(lab, "withdraw").code == 1
    if content is None:
        record.rmdir()
    record.write_bytes(good)
    record.chmod(0o600)
    assert run(lab, "withdraw").code == 0
    assert "default via 11.8.0.1 dev eth1 proto static" in table(lab)


def test_a_record_that_can_be_read_comes_back_beside_one_that_can_not(lab: Lab) -> None:
    before = documented(lab)
    record = Path("/var/lib/guest-routes/defaults")
    assert run(lab, f"sync {FILE}").code == 0
    content = json.loads(record.read_text())
    content["records"].append({"route": {}})
    record.write_text(json.dumps(content))
    for _ in range(2):
        assert (run(lab, "withdraw").code, table(lab)) == (1, before)
    assert json.loads(record.read_text()) == content


# ---- passes that did not come to their end, and defaults that were ours --------------------------------------


@pytest.mark.parametrize("family", ["ipv4", "dual-stack"])
def test_the_first_pass_of_a_boot_leaves_its_place_before_it_writes(lab: Lab, family: str) -> None:
    """Killed before it left a status, its routes are found by whoever has other settings by then."""
    before, file = everything(lab, family)
    assert run(lab, f"sync {file}").code == 0
    assert not PLACES.exists() or run(lab, f"sync {file}").code == 0
    assert not PLACES.exists()
    assert run(lab, "withdraw").code == 0
    shutil.rmtree("/run/guest-routes")
    state = State()
    with_place = [(MAIN_TABLE, OUR_PROTOCOL)]
    remember(state, Settings())
    assert json.loads(PLACES.read_text()) == [list(one) for one in with_place]
    lab.ip("route", "add", "11.11.0.0/16", "via", "11.8.0.1", "dev", "eth1", "proto", "121")
    SETTINGS.write_text("protocol: 77\n")
    assert run(lab, f"sync {file}").code == 0
    assert run(lab, "withdraw").code == 0
    assert everywhere() == before


@pytest.mark.parametrize("family", ["ipv4", "dual-stack"])
def test_a_default_of_ours_is_never_recorded_as_anothers(lab: Lab, family: str) -> None:
    """It was ours under the settings of an earlier pass: given back, it would stand before the machine's own."""
    before, file = everything(lab, family)
    assert run(lab, f"sync {file}").code == 0
    SETTINGS.write_text("protocol: 77\ndefault:\n  nic: eth1\n")
    assert run(lab, f"sync {file}").code == 0
    for _ in range(2):
        assert run(lab, "withdraw").code == 0
        assert everywhere() == before
    assert not Path("/var/lib/guest-routes/defaults").exists()


@pytest.mark.parametrize("family", ["ipv4", "dual-stack"])
def test_a_default_of_ours_that_goes_under_other_settings(lab: Lab, family: str) -> None:
    """Nothing brings it back, and what is left is counted without it."""
    _, file = everything(lab, family)
    flags = ["-4"] if family == "ipv4" else ["-4", "-6"]
    for flag, gateway in zip(flags, ["11.8.0.1", "fd00:8::1"]):
        lab.ip(flag, "route", "del", "default", "via", gateway, "dev", "eth1")
    before = everywhere()
    SETTINGS.write_text("protocol: 77\ndefault:\n  nic: eth1\n")
    assert run(lab, f"sync {file}").code == 0
    SETTINGS.write_text("protocol: 78\n")
    planned, ran = run(lab, f"plan {file}"), run(lab, f"sync {file}")
    assert ran.code == 0
    for told in (planned.out, ran.out):
        said = re.findall("proto 77 (?:metric 1023 )?one default too many: eth0 has it; (.*? it)", told)
        assert said == ["a pass with other settings had added it"] * len(flags), told
    assert [lab.ip(flag, "route", "show", "proto", "77").count("default") for flag in flags] == [0] * len(flags)
    assert f"{'1 route' if family == 'ipv4' else '2 routes'} of protocol 77 left" in ran.err, ran
    assert run(lab, "withdraw").code == 0
    assert everywhere() == before


def test_records_of_defaults_without_a_boot_id(lab: Lab) -> None:
    """What they are of can't be told: they stay, nothing is taken, and both say why."""
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    record = Path("/var/lib/guest-routes/defaults")
    kept = record.read_bytes()
    lab.ip("route", "append", "default", "via", "10.65.0.9", "dev", "eth0", "metric", "50", "proto", "dhcp")
    hidden = Path("/proc/sys/kernel/random")
    subprocess.run(["mount", "-t", "tmpfs", "none", str(hidden)], check=True)
    try:
        ran = run(lab, f"sync {FILE}")
        assert ran.code == 1 and "boot_id" in ran.err
        assert "default via 10.65.0.9 dev eth0 proto dhcp metric 50" in table(lab)
        lab.ip("route", "del", "default", "via", "10.65.0.9", "dev", "eth0", "metric", "50", "proto", "dhcp")
        ran = run(lab, "withdraw")
        assert ran.code == 1 and "boot_id" in ran.err
        assert record.read_bytes() == kept
    finally:
        subprocess.run(["umount", str(hidden)], check=True)
    assert run(lab, "withdraw").code == 0
    assert "default via 11.8.0.1 dev eth1 proto static" in table(lab)


@pytest.mark.parametrize("host_route", [True, False])
def test_ours_go_where_the_kernel_refuses_what_was_recorded(lab: Lab, host_route: bool) -> None:
    """Also where nothing else could be done at the first try: the only default of ours is handed over."""
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    lab.ip("address", "flush", "dev", "eth1")
    lab.ip("address", "add", "11.8.0.9/24", "dev", "eth1", "noprefixroute")
    if host_route:
        lab.ip("route", "add", "11.11.0.0/16", "via", "10.65.0.1", "dev", "eth0", "proto", "121")
    lab.ip("route", "replace", "default", "via", "10.65.0.1", "dev", "eth0", "proto", "121")
    ran = run(lab, "withdraw")
    assert ran.code == 1 and "not restored: the kernel refused it; it stays recorded" in ran.out, ran
    assert [line for line in table(lab) if "proto 121" in line or line.startswith("default")] == [
        "default via 10.65.0.1 dev eth0 metric 1"
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (["address flush dev eth1"], "its gateway is in no subnet of its NIC any more"),
        (
            ["address flush dev eth1", "address add 11.9.0.9/24 dev eth1"],
            "its gateway is in no subnet of its NIC any more",
        ),
        (["link set eth1 down"], "its NIC is down"),
    ],
)
def test_a_default_that_the_kernel_would_not_have_kept(lab: Lab, changes: List[str], why: str) -> None:
    """Not tried, named, and put back once its NIC is as it was."""
    documented(lab)
    assert run(lab, f"sync {FILE}").code == 0
    for change in changes:
        lab.ip(*change.split())
    ran = run(lab, "withdraw")
    told = f"default via 11.8.0.1 dev eth1 proto static not restored: {why}; it stays recorded"
    assert (ran.code, ran.err, told in ran.out) == (0, "", True), ran
    assert (run(lab, "withdraw").code, "proto 121" in str(table(lab))) == (0, False)
    lab.ip("link", "set", "eth1", "up")
    lab.ip("address", "replace", "11.8.0.9/24", "dev", "eth1")
    ran = run(lab, "withdraw")
    assert ran.code == 0 and "1 default restored" in ran.out, ran
    assert "default via 11.8.0.1 dev eth1 proto static" in table(lab)
