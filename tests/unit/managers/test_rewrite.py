"""cloud-init's files put right on disk: what is kept, what is written, what is left."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

import pytest

from guest_routes.managers.rewrite import rewrite
from guest_routes.model.configuration import CORRECTED, NEXT, ORIGINALS, RewriteError
from guest_routes.model.plan import Decision
from guest_routes.model.settings import Settings
from guest_routes.output.configuration import rewritten_json, rewritten_lines
from guest_routes.trusted import USERS
from tests.support.lab import document
from tests.support.rendered import rendered as rendered_by_cloud_init
from tests.support.reports import projected

FOLDER = "etc/systemd/network"
SCRIPTS = "etc/sysconfig/network-scripts"
ETH0 = "[Match]\nName=eth0\n\n[Route]\nDestination=11.11.0.0/16\nGateway=11.8.0.1\n"
ETH1 = "[Match]\nName=eth1\n\n[Route]\nGateway=10.8.0.1\n"
NETPLAN = """network:
  ethernets:
    eth0:
      routes:
      - to: 11.11.0.0/16
        via: 11.8.0.1
    eth1:
      dhcp4: true
"""


def decided() -> Decision:
    return projected("wrong-subnet")


def never() -> Decision:
    raise AssertionError("no document is needed")


def put(root: Path, path: str, text: str, mode: int = 0o644) -> Path:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    target.chmod(mode)
    return target


def rendered(root: Path) -> tuple[Path, Path]:
    return (
        put(root, f"{FOLDER}/10-cloud-init-eth0.network", ETH0, 0o640),
        put(root, f"{FOLDER}/10-cloud-init-eth1.network", ETH1),
    )


def test_the_route_moves_and_the_original_is_kept(tmp_path: Path) -> None:
    left, right = rendered(tmp_path)
    done = rewrite(Settings(), decided, root=str(tmp_path))
    assert (done.errors, done.exit_code, len(done.correction.changed)) == ((), 0, 2)
    assert "11.11.0.0/16" not in left.read_text()
    assert "Destination=11.11.0.0/16\nGateway=11.8.0.1\n" in right.read_text()
    assert left.stat().st_mode & 0o777 == 0o640
    original = Path(f"{tmp_path}{ORIGINALS}/{FOLDER}/10-cloud-init-eth0.network")
    assert (original.read_text(), original.stat().st_mode & 0o777) == (ETH0, 0o600)
    again = rewrite(Settings(), decided, root=str(tmp_path))
    assert again.correction.changed == ()


@pytest.mark.parametrize("command", ["route add -net 11.11.0.0/16 gw", "ip route add 11.11.0.0/16 via"])
def test_a_command_alone_is_a_route(tmp_path: Path, command: str) -> None:
    """As the older cloud-init writes it, and 26.2."""
    stanzas = f"auto eth0 eth1\niface eth0 inet dhcp\n    post-up {command} 11.8.0.1 || true\niface eth1 inet dhcp\n"
    file = put(tmp_path, "etc/network/interfaces.d/50-cloud-init", stanzas)
    assert rewrite(Settings(), decided, root=str(tmp_path)).exit_code == 0
    assert file.read_text().index("11.11.0.0") > file.read_text().index("iface eth1")


@pytest.mark.parametrize("written_by", ["cloud-init", "the operator"])
def test_where_alpine_has_cloud_inits_file_others_have_the_operators(tmp_path: Path, written_by: str) -> None:
    header = "# This file is generated from information provided by the datasource. Changes\n"
    stanza = "iface eth0 inet static\n    post-up route add -net 11.11.0.0/16 gw 11.8.0.1 || true\n"
    text = (header if written_by == "cloud-init" else "") + stanza + "iface eth1 inet static\n    address 11.8.0.9/24\n"
    file = put(tmp_path, "etc/network/interfaces", text)
    rewrite(Settings(), decided, root=str(tmp_path))
    moved = file.read_text().index("route add") > file.read_text().index("iface eth1")
    assert moved is (written_by == "cloud-init")
    assert moved or file.read_text() == text


def test_a_file_is_made_and_removed_without_an_original(tmp_path: Path) -> None:
    files = rendered_by_cloud_init("el-26.2", "wrong-subnet")
    for path, text in files.items():
        put(tmp_path, path[1:], text)
    put(tmp_path, f"{SCRIPTS}/ifcfg-lo", "DEVICE=lo\nGATEWAY=1.2.3.4\n")
    done = rewrite(Settings(), decided, root=str(tmp_path))
    assert (done.errors, len(done.correction.changed), len(done.correction.files)) == ((), 3, 5)
    made = tmp_path / SCRIPTS / "route-eth1"
    assert made.stat().st_mode & 0o7777 == 0o644
    assert "ADDRESS0=11.11.0.0\n" in made.read_text()
    assert sorted(path.name for path in Path(f"{tmp_path}{ORIGINALS}/{SCRIPTS}").iterdir()) == [
        "ifcfg-eth1", "route-eth0"
    ]  # fmt: skip
    assert rewrite(Settings(), decided, root=str(tmp_path)).correction.changed == ()
    # cloud-init renders again, with the route where it belongs no more: the document has lost it.
    lost = json.loads(document("wrong-subnet").read_text())
    del lost["networks"][0]["routes"][1:]
    (tmp_path / SCRIPTS / "route-eth0").unlink()
    again = rewrite(Settings(), lambda: projected(lost), root=str(tmp_path))
    assert (again.errors, made.exists()) == ((), False)


def test_a_file_that_is_there_and_can_not_be_read_is_not_made(tmp_path: Path) -> None:
    for path, text in rendered_by_cloud_init("el-26.2", "wrong-subnet").items():
        put(tmp_path, path[1:], text)
    there = put(tmp_path, f"{SCRIPTS}/route-eth1", "")
    there.write_bytes(b"# \xff\n")
    done = rewrite(Settings(), decided, root=str(tmp_path))
    assert [one.kind for one in done.errors] == ["not-text"]
    assert there.read_bytes() == b"# \xff\n"
    assert [one.reason for one in done.correction.verdicts if one.verdict == "left"] == ["no-file"]
    assert "ADDRESS0=11.11.0.0\n" in (tmp_path / SCRIPTS / "route-eth0").read_text()


def test_a_check_makes_nothing(tmp_path: Path) -> None:
    for path, text in rendered_by_cloud_init("el-26.2", "wrong-subnet").items():
        put(tmp_path, path[1:], text)
    done = rewrite(Settings(), decided, write=False, root=str(tmp_path))
    assert (done.exit_code, (tmp_path / SCRIPTS / "route-eth1").exists()) == (3, False)


@pytest.mark.parametrize("made", ["el-22.4.2", "el-26.2", "suse-23.3.1-patched"])
def test_dhcp_alone_needs_no_document_below_etc_sysconfig_either(tmp_path: Path, made: str) -> None:
    for path, text in rendered_by_cloud_init(made, "dhcp").items():
        put(tmp_path, path[1:], text)
    assert rewrite(Settings(), never, root=str(tmp_path)).errors == ()


def test_a_check_writes_nothing(tmp_path: Path) -> None:
    left, _ = rendered(tmp_path)
    done = rewrite(Settings(), decided, write=False, root=str(tmp_path))
    assert (done.exit_code, left.read_text(), (tmp_path / "var").exists()) == (3, ETH0, False)


def test_dhcp_alone_needs_no_document(tmp_path: Path) -> None:
    put(tmp_path, f"{FOLDER}/10-cloud-init-eth0.network", "[Match]\nName=eth0\n[Network]\nDHCP=yes\n")
    done = rewrite(Settings(), never, root=str(tmp_path))
    assert (len(done.correction.files), done.correction.changed, done.exit_code) == (1, (), 0)
    assert rewrite(Settings(), never, root=str(tmp_path / "empty")).correction.files == ()


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = put(tmp_path, f"{FOLDER}/10-cloud-init-eth0.network", "")
    path.write_bytes(b"\xff\xfe")
    done = rewrite(Settings(), never, root=str(tmp_path))
    assert done.errors == (RewriteError("not-text", str(path)),)
    assert done.exit_code == 1


def test_a_file_that_can_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / FOLDER / "10-cloud-init-eth0.network"
    path.mkdir(parents=True)
    done = rewrite(Settings(), never, root=str(tmp_path))
    assert done.errors == (RewriteError("unreadable", str(path), "Is a directory (EISDIR)"),)


def test_originals_that_can_not_be_kept(tmp_path: Path) -> None:
    left, right = rendered(tmp_path)
    put(tmp_path, "var/lib/guest-routes/originals", "a file in the way")
    done = rewrite(Settings(), decided, root=str(tmp_path))
    assert [error.kind for error in done.errors] == ["not-kept"]
    assert done.errors[0].detail.endswith("/10-cloud-init-eth1.network stays as it is")  # the one that grows
    assert (left.read_text(), right.read_text()) == (ETH0, ETH1)


def test_a_file_that_has_gone_in_the_meantime(tmp_path: Path) -> None:
    left, _ = rendered(tmp_path)

    def decide() -> Decision:
        left.unlink()
        return decided()

    done = rewrite(Settings(), decide, root=str(tmp_path))
    path = "/etc/systemd/network/10-cloud-init-eth0.network"
    assert done.errors == (RewriteError("unwritable", path, "No such file or directory (ENOENT)"),)


@pytest.mark.parametrize("killed", ["before", "after"])
def test_killed_while_our_own_work_is_corrected_again(tmp_path: Path, killed: str) -> None:
    left, _ = rendered(tmp_path)
    kept, ours = (tmp_path / top.lstrip("/") / FOLDER / left.name for top in (ORIGINALS, CORRECTED))
    put(tmp_path, str(kept.relative_to(tmp_path)), "the original\n")
    put(tmp_path, str(ours.relative_to(tmp_path)), ETH0 if killed == "before" else "ours of before\n")
    put(tmp_path, str(ours.relative_to(tmp_path)) + NEXT, "never came\n" if killed == "before" else ETH0)
    assert rewrite(Settings(), decided, root=str(tmp_path)).exit_code == 0
    assert left.read_text() != ETH0
    assert kept.read_text() == "the original\n"
    assert ours.read_text() == left.read_text()
    assert not ours.with_name(ours.name + NEXT).exists()


def owned(path: Path, uid: int, gid: int) -> None:
    try:
        os.chown(path, uid, gid)
    except OSError:
        pytest.skip("this user can't give files away")


def test_the_owner_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """cloud-init gives networkd's files to networkd's user."""
    left, _ = rendered(tmp_path)
    owned(left, 5, 6)
    monkeypatch.setitem(USERS, "systemd-networkd", (pwd.getpwuid(5).pw_name,))
    done = rewrite(Settings(), decided, root=str(tmp_path))
    assert (done.errors, len(done.correction.changed)) == ((), 2)
    assert (left.stat().st_uid, left.stat().st_gid) == (5, 6)


def test_a_file_of_another_user_is_not_used(tmp_path: Path) -> None:
    left, _ = rendered(tmp_path)
    owned(left, 5, 6)
    done = rewrite(Settings(), decided, root=str(tmp_path))
    assert [(one.kind, one.path) for one in done.errors] == [("untrusted", str(left))]
    assert left.read_text() == ETH0


def fake_netplan(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    put(folder, "bin/netplan", f"#!/bin/sh\n{body}\n", 0o755)
    monkeypatch.setenv("PATH", f"{folder}/bin:/usr/bin:/bin")


def test_netplan_generates_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_netplan(tmp_path, monkeypatch, f'echo "$@" >{tmp_path}/called')
    path = put(tmp_path, "etc/netplan/50-cloud-init.yaml", NETPLAN, 0o600)
    done = rewrite(Settings(), decided, root=str(tmp_path))
    assert done.errors == ()
    assert (tmp_path / "called").read_text() == "generate\n"
    assert path.read_text().index("11.11.0.0/16") > path.read_text().index("eth1:")


@pytest.mark.parametrize("body, text", [("echo 'a: b' >&2; exit 1", "a: b"), ("exit 7", "7")])
def test_netplan_does_not_take_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, text: str) -> None:
    fake_netplan(tmp_path, monkeypatch, body)
    put(tmp_path, "etc/netplan/50-cloud-init.yaml", NETPLAN)
    done = rewrite(Settings(), decided, root=str(tmp_path))
    assert done.errors == (RewriteError("failed", detail=text),)


def test_netplan_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    put(tmp_path, "etc/netplan/50-cloud-init.yaml", NETPLAN)
    (only,) = rewrite(Settings(), decided, root=str(tmp_path)).errors
    assert (only.kind, "netplan" in only.detail) == ("not-run", True)


def test_a_second_correction_keeps_what_cloud_init_wrote(tmp_path: Path) -> None:
    left, _ = rendered(tmp_path)
    rewrite(Settings(), decided, root=str(tmp_path))
    left.write_text(left.read_text() + ETH0.partition("\n\n")[2])  # cloud-init or somebody else: a text of its own
    changed = left.read_text()
    rewrite(Settings(), decided, root=str(tmp_path))
    original = Path(f"{tmp_path}{ORIGINALS}/{FOLDER}/10-cloud-init-eth0.network")
    assert original.read_text() == changed
    # Our own work, corrected once more: the original stays that of cloud-init.
    Path(f"{tmp_path}{CORRECTED}/{FOLDER}/10-cloud-init-eth0.network").write_text(ETH0)
    left.write_text(ETH0)
    rewrite(Settings(), decided, root=str(tmp_path))
    assert original.read_text() == changed


@pytest.mark.parametrize("broken", ["10-cloud-init-eth0.network", "10-cloud-init-eth1.network"])
def test_a_file_that_can_not_be_written_leaves_all_as_they_were(tmp_path: Path, broken: str) -> None:
    """Else a route that moves from one file to the other would be in neither."""
    files = rendered(tmp_path)
    (tmp_path / FOLDER / f"{broken}.new").mkdir()  # in the way of the temporary file
    done = rewrite(Settings(), decided, root=str(tmp_path))
    assert (done.refused, done.written, done.exit_code) == (True, False, 1)
    assert f"cannot write {tmp_path}/{FOLDER}/{broken}" in done.errors[0].detail
    assert [path.read_text() for path in files] == [ETH0, ETH1]
    assert rewritten_lines(done) == ["not corrected: a file could not be written, so that all stay as they were"]
    assert rewritten_json(done)["written"] is False
