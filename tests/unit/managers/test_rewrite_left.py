"""What `correct` has to leave: the exit code says so, and so does the last line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, Tuple

import pytest

from guest_routes.cli.exit_codes import BY_COMMAND
from guest_routes.managers.rewrite import rewrite
from guest_routes.model.configuration import Rewritten
from guest_routes.model.settings import Settings
from guest_routes.output.configuration import rewritten_json, rewritten_lines
from tests.support.lab import MACS
from tests.support.rendered import rendered
from tests.support.reports import assert_valid, projected

PACKAGING = Path(__file__).parents[3] / "packaging"
SCRIPTS = "/etc/sysconfig/network-scripts"
EL = rendered("el-26.2", "wrong-subnet")
NETPLAN = rendered("netplan-26.2", "wrong-subnet")
NETWORKD = rendered("networkd-26.2", "wrong-subnet")
KEYFILES = rendered("el-networkmanager-26.2", "wrong-subnet")
NETWORKD_ETH0 = "/etc/systemd/network/10-cloud-init-eth0.network"
LEFT = "nothing more can be corrected in "


def put(root: Path, files: Dict[str, str]) -> None:
    for path, text in files.items():
        target = Path(f"{root}{path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())


def twice(root: Path, files: Dict[str, str], document: str = "wrong-subnet") -> Tuple[Rewritten, Rewritten]:
    """What a first run makes of the files, and what a look finds afterwards."""
    put(root, files)
    first = rewrite(Settings(), lambda: projected(document), root=str(root))
    return first, rewrite(Settings(), lambda: projected(document), write=False, root=str(root))


@pytest.mark.parametrize(
    "files",
    [
        # Each a way to leave a route where it is wrong.
        {**EL, f"{SCRIPTS}/ifcfg-eth1": EL[f"{SCRIPTS}/ifcfg-eth1"].replace("GATEWAY=11.8.0.1", "GATEWAY='11.8.0.1'")},
        {**EL, f"{SCRIPTS}/route-eth1": "12.0.0.0/8 via 11.8.0.1\n"},
        {path: text.replace("\n", "\r\n") for path, text in NETPLAN.items()},
        {NETWORKD_ETH0: NETWORKD[NETWORKD_ETH0]},
        {path: text.replace("10.65.0.1", "10.65.0.254") for path, text in NETWORKD.items()},
        {
            path: text.replace("address1=11.8.0.9/24\nroute1=0.0.0.0/0,11.8.0.1", "address1=11.8.0.9/24,11.8.0.1")
            for path, text in KEYFILES.items()
        },
    ],
    ids=["quoted", "foreign", "crlf", "no-file", "only-default", "address1"],
)
def test_a_file_or_route_that_is_left_is_no_success(tmp_path: Path, files: Dict[str, str]) -> None:
    first, look = twice(tmp_path, files)
    assert (first.exit_code, look.exit_code, look.correction.changed) == (5, 5, ())
    last = rewritten_lines(look)
    assert last[-1].startswith(LEFT)
    assert [line for line in last if line.startswith("! ") or "not changed: " in line]
    assert_valid("correct", rewritten_json(look))


def test_a_check_that_finds_something_to_correct_says_that_first(tmp_path: Path) -> None:
    put(tmp_path, {**EL, f"{SCRIPTS}/route-eth1": "12.0.0.0/8 via 11.8.0.1\n"})
    look = rewrite(Settings(), lambda: projected("wrong-subnet"), write=False, root=str(tmp_path))
    assert (look.exit_code, bool(look.correction.changed)) == (3, True)


@pytest.mark.parametrize(
    "files",
    [
        EL,
        NETWORKD,
        {**EL, f"{SCRIPTS}/route-eth0": "12.0.0.0/8 via 10.65.0.1\n", f"{SCRIPTS}/ifcfg-eth9": "# by cloud-init\n"},
    ],
    ids=["sysconfig", "networkd", "operators"],
)
def test_where_all_is_right_or_none_of_its_business_it_is_one(tmp_path: Path, files: Dict[str, str]) -> None:
    first, look = twice(tmp_path, files)
    assert (first.exit_code, look.exit_code) == (0, 0)
    assert rewritten_lines(look)[-1].startswith("nothing to correct in ")


def test_a_gateway_of_the_network_section_goes(tmp_path: Path) -> None:
    files = {path: text.replace("[Route]\nDestination=0.0.0.0/0\nGateway=11.8.0.1\n", "")
             .replace("[Network]\n", "[Network]\nGateway=11.8.0.1\n" if "eth1" in path else "[Network]\n")
             for path, text in NETWORKD.items()}  # fmt: skip
    first, look = twice(tmp_path, files)
    assert (first.exit_code, look.exit_code) == (0, 0)
    (text,) = [one.before for one in look.correction.files if "eth1" in one.path]
    assert text is not None
    assert ("[Network]\nDHCP=no" in text, text.count("11.8.0.1")) == (True, 1)


@pytest.mark.parametrize("settings", [Settings(default_mode="observe"), Settings(table=100)])
def test_a_default_that_the_settings_keep_is_not_left_to_correct(tmp_path: Path, settings: Settings) -> None:
    text = f"[Match]\nMACAddress={MACS[1]}\n[Route]\nGateway=11.8.0.1\n"
    put(tmp_path, {NETWORKD_ETH0: text})
    done = rewrite(settings, lambda: projected("documented", settings=settings), root=str(tmp_path))
    assert [one.verdict for one in done.correction.verdicts] == ["left"]
    assert done.exit_code == 0


def test_no_exit_code_fails_the_unit() -> None:
    """2: wrong settings, as of every command; 3 comes of --check alone."""
    unit = (PACKAGING / "systemd/guest-routes-correct.service").read_text()
    found = re.search(r"^SuccessExitStatus=(.*)$", unit, re.MULTILINE)
    assert found
    assert {int(code) for code in found[1].split()} == {*BY_COMMAND["correct"], 2} - {0, 3}
