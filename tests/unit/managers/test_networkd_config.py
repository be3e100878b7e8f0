"""Whether systemd-networkd takes a default route by DHCP, by its .network file and drop-ins."""

from __future__ import annotations

from pathlib import Path

import pytest

from guest_routes.managers.files import ManagerFiles
from guest_routes.managers.networkd_config import takes_default_route
from guest_routes.model.diagnosis.inspection import Holder

NETWORK = "[Match]\nName=eth1\n[Network]\nDHCP="


def takes(root: Path, text: str, **drop_ins: str) -> bool:
    file = root / "run/systemd/network/10-netplan-eth1.network"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    for place, written in drop_ins.items():
        folder, _, name = place.partition("_")
        path = root / folder / f"systemd/network/10-netplan-eth1.network.d/{name}.conf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written)
    return takes_default_route(Holder("systemd-networkd", 3, "configured", str(file)), ManagerFiles(), str(root))


@pytest.mark.parametrize(
    "text, taken",
    [
        (f"{NETWORK}yes\n", True),
        (f"{NETWORK}ipv4\n", True),
        (f"{NETWORK}ipv6\n", False),
        (f"{NETWORK}no\n", False),
        ("[Network]\nAddress=11.8.0.9/24\n", False),
        (f"{NETWORK}yes\n[DHCPv4]\nUseRoutes=no\n", False),
        (f"{NETWORK}yes\n[DHCP]\nUseRoutes=FALSE\n", False),
        (f"{NETWORK}yes\n[DHCPv4]\nUseGateway=no\n", False),
        (f"{NETWORK}yes\n[DHCPv4]\nUseRoutes=no\nUseGateway=yes\n", True),
        (f"{NETWORK}yes\n[IPv6AcceptRA]\nUseGateway=no\n", True),
    ],
)
def test_the_file(tmp_path: Path, text: str, taken: bool) -> None:
    assert takes(tmp_path, text) is taken


def test_drop_ins_count_by_name_and_the_first_folder_has_each(tmp_path: Path) -> None:
    off, on = "[DHCPv4]\nUseRoutes=no\n", "[DHCPv4]\nUseRoutes=yes\n"
    assert not takes(tmp_path, f"{NETWORK}yes\n", run_10=off)
    assert takes(tmp_path, f"{NETWORK}yes\n", run_10=off, etc_10=on)
    assert not takes(tmp_path, f"{NETWORK}yes\n", run_20=off)


def test_a_masked_drop_in(tmp_path: Path) -> None:
    assert not takes(tmp_path, f"{NETWORK}yes\n", run_10="[DHCPv4]\nUseRoutes=no\n")
    masked = tmp_path / "etc/systemd/network/10-netplan-eth1.network.d/10.conf"
    masked.parent.mkdir(parents=True)
    masked.symlink_to("/dev/null")
    assert takes(tmp_path, f"{NETWORK}yes\n")


def test_other_managers_and_no_file() -> None:
    for holder in (Holder("NetworkManager", 3, "", "/etc/a"), Holder("systemd-networkd", 3, "configured", "")):
        assert not takes_default_route(holder, ManagerFiles())
