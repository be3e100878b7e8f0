"""`correct` on what cloud-init renders on EL, read by NetworkManager with EL's ifcfg-rh; no pass of ours runs.

Debian's NetworkManager has no ifcfg-rh: tests/make-ifcfg-rh-chroot builds one that has it, from Debian's source.
"""

from __future__ import annotations

from typing import Iterator, Set

import pytest

from tests.netns.test_export import WANTED, WANTED_6, ways
from tests.support.debian import ROOT
from tests.support.lab import Lab, document
from tests.support.managers import SEED, Managers, bare_nics, wait_same
from tests.support.rendered import rendered

pytestmark = pytest.mark.packages
FOREIGN = {
    "default via 11.8.0.1 dev eth1",
    "10.65.0.0/24 dev eth0",
    "11.8.0.0/24 dev eth1",
    "11.11.0.0/16 via 11.8.0.1 dev eth1",
}
CROSSED = WANTED | {
    f"11.{second}.0.0/16 via {gateway}"
    for second, gateway in (
        (12, "10.65.0.1 dev eth0"), (13, "11.8.0.1 dev eth1"), (14, "10.65.0.1 dev eth0"), (15, "10.65.0.1 dev eth0"),
        (16, "11.8.0.1 dev eth1"),
    )
}  # fmt: skip
CROSSED_6 = WANTED_6 | {f"fd00:11:{third}::/48 via fd00:65::1 dev eth0" for third in (12, 13)}


@pytest.fixture
def el(lab: Lab) -> Iterator[Managers]:
    """NetworkManager as EL has it, not started, and NICs nobody has configured."""
    if not (ROOT / ".cache" / "ifcfg-rh" / ".made").exists():
        pytest.skip("there is no .cache/ifcfg-rh; `make test-packages` makes it where the mirror has Debian's sources")
    bare_nics(lab)
    made = Managers(lab, "ifcfg-rh")
    yield made
    made.close()


def put(el: Managers, made: str, name: str) -> None:
    """The files that cloud-init has rendered, and the document."""
    el.write(f"{SEED}/network_data.json", document(name).read_text())
    el.write("/etc/NetworkManager/NetworkManager.conf", "[main]\nplugins=ifcfg-rh,keyfile\n")
    for path, text in rendered(made, name).items():
        # Without the line with which upstream's old cloud-init leaves the NIC to network-scripts.
        el.write(path, text.replace("NM_CONTROLLED=no\n", ""), 0o600 if path.endswith(".nmconnection") else 0o644)


def correct(el: Managers) -> str:
    return el.run("guest-routes", "correct", "--metadata", f"{SEED}/network_data.json").stdout


def assert_table(lab: Lab, wanted: Set[str], wanted_6: Set[str]) -> None:
    wait_same(lambda: set(ways(lab)), wanted, "the documented table")
    wait_same(lambda: wanted_6 - set(ways(lab, 6)), set(), "nothing of IPv6's missing")
    defaults = [way for way in ways(lab) + ways(lab, 6) if way.startswith("default")]
    assert len(defaults) == 1 + bool(wanted_6)


@pytest.mark.parametrize("made", ["el-22.4.2", "el-26.2", "el-networkmanager-26.2"])
@pytest.mark.parametrize(
    "name, wanted, wanted_6",
    [
        ("documented", WANTED, set()),
        ("wrong-subnet", WANTED, set()),
        ("dual-stack", WANTED, WANTED_6),
        ("foreign-default", FOREIGN, set()),
        ("crossed", CROSSED, CROSSED_6),
    ],
)
def test_the_manager_comes_up_right(
    lab: Lab, el: Managers, made: str, name: str, wanted: Set[str], wanted_6: Set[str]
) -> None:
    put(el, made, name)
    assert "corrected: " in correct(el)
    el.networkmanager()
    assert_table(lab, wanted, wanted_6)
    assert "nothing to correct in" in correct(el)


@pytest.mark.parametrize("made", ["el-26.2", "el-networkmanager-26.2"])
def test_the_manager_keeps_it(lab: Lab, el: Managers, made: str) -> None:
    put(el, made, "wrong-subnet")
    correct(el)
    el.networkmanager()
    for nic in ("eth1", "eth0"):
        el.run("nmcli", "device", "reapply", nic)
        wait_same(lambda: set(ways(lab)), WANTED, "the table after a reapply")
    el.stop("NetworkManager")
    el.networkmanager()
    wait_same(lambda: set(ways(lab)), WANTED, "the table after a restart")


@pytest.mark.parametrize("made", ["el-26.2", "el-networkmanager-26.2"])
def test_without_it_the_route_is_through_the_wrong_nic(lab: Lab, el: Managers, made: str) -> None:
    put(el, made, "wrong-subnet")
    el.networkmanager()
    assert "11.11.0.0/16 via 11.8.0.1 dev eth0" in ways(lab)
