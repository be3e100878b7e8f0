"""Which files a report copies, and that nobody but root decides what root's report has of root's own files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, Iterator

import pytest

from guest_routes.diagnose.bundle.files import file_entries
from guest_routes.leases.find import lease_files
from tests.support.hostile import USER, as_root, public_folder

SECRET = "hunter2"


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder that only root can write to, with all above it."""
    yield from public_folder()


def packed(pattern: str) -> Dict[str, str]:
    """The content of each file, or "! " and why it is not there."""
    return {
        one.name.partition("files")[2]: f"! {one.failed}" if one.failed else one.content.decode()
        for one in file_entries([pattern])
    }


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def below(root: Path, found: Dict[str, str]) -> Dict[str, str]:
    return {name[len(str(root)) :]: text for name, text in found.items() if name.startswith(str(root))}


@pytest.fixture
def hidden(root: Path) -> Path:
    """A folder of root's that nobody else can look into, with one file."""
    folder = root / "hidden"
    folder.mkdir(mode=0o700)
    write(folder / "2", SECRET)
    return folder


@pytest.mark.parametrize("link", ["netif/leases", "netif/a/leases", "netif"])
@pytest.mark.parametrize("how", ["absolute", "relative"])
def test_a_users_link_on_the_way_is_not_followed(root: Path, hidden: Path, link: str, how: str) -> None:
    as_root()
    path = root / "theirs" / link
    path.parent.mkdir(parents=True)
    target = str(hidden) if how == "absolute" else os.path.relpath(hidden, path.parent)
    path.symlink_to(target)
    for folder in (path.parent, root / "theirs"):
        os.chown(folder, USER, USER)
    found = below(root, packed(f"{path}/*"))
    assert found == {f"/theirs/{link}": f"! is behind a link ({path.name}) that not only root can have made"}
    assert below(root, packed(f"{path}/2")) == {
        f"/theirs/{link}/2": f"! is behind a link ({path.name}) that not only root can have made"
    }


@pytest.mark.parametrize("mode", [0o1777, 0o775])
def test_nor_where_others_can_write(root: Path, hidden: Path, mode: int) -> None:
    (root / "open").mkdir()
    (root / "open").chmod(mode)
    (root / "open" / "leases").symlink_to(hidden)
    assert SECRET not in str(packed(f"{root}/open/leases/*"))


def test_a_link_that_only_root_can_have_made_is(root: Path) -> None:
    write(root / "elsewhere/run/2", "lease")
    (root / "run").symlink_to("elsewhere/run")
    (root / "again").symlink_to(root / "run")
    assert below(root, packed(f"{root}/again/*")) == {"/again/2": "lease"}


def test_links_that_go_round(root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    assert below(root, packed(f"{root}/a/*")) == {"/a": "! is behind too many links"}


def test_a_link_a_fifo_a_socket_a_device_and_a_hard_link_are_named(root: Path, hidden: Path) -> None:
    as_root()
    folder = root / "x"
    folder.mkdir()
    write(folder / "good", "good")
    (folder / "link").symlink_to(hidden / "2")
    os.mkfifo(folder / "fifo")
    os.mknod(folder / "zero", 0o20644, os.makedev(1, 5))
    (folder / "folder").mkdir()
    os.link(hidden / "2", folder / "hard")
    expected = {
        "/x/good": "good",
        "/x/link": "! is no regular file but a link",
        "/x/fifo": "! is no regular file but a FIFO",
        "/x/zero": "! is no regular file but a device",
    }
    assert below(root, packed(f"{folder}/*")) == {**expected, "/x/hard": SECRET}  # Root has made it.
    os.chown(folder, USER, USER)
    refused = "! has a second name (a hard link) in a folder where not only root can write"
    assert below(root, packed(f"{folder}/*")) == {**expected, "/x/hard": refused}


def test_what_may_not_be_looked_at_is_named(root: Path) -> None:
    as_root()
    write(root / "ours/status", "status")
    write(root / "closed/2", "x")
    (root / "ours/status").chmod(0o600)
    (root / "closed").chmod(0o700)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setresuid(USER, USER, USER)
            os.write(writer, repr([*packed(f"{root}/ours/*").items(), *packed(f"{root}/closed/*").items()]).encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(writer)
    with open(reader) as file:
        text = file.read()
    assert f"('{root}/ours/status', '! Permission denied')" in text
    assert f"('{root}/closed', '! Permission denied')" in text


def test_every_place_that_leases_are_read_from() -> None:
    """One list: what decides is in the report."""
    for folder, fits in lease_files():
        names = ("2", "dhclient.eth0.leases", "dhclient-eth0.lease", "eth0.lease", "a.lease.json")
        for name in filter(fits, names):
            path = write(Path(folder) / name, "lease")
            assert packed("/nothing")[str(path)] == "lease"
            path.unlink()
    assert {"/run/guest-routes/leases", "/var/lib/dhcpcd5", "/run/cloud-init/tmp", "/run"} <= {
        folder for folder, _ in lease_files()
    }


@pytest.mark.parametrize("path", [
    "/var/lib/dhcpcd/secret", "/var/lib/dhcpcd5/secret", "/var/lib/dhcp/key", "/run/systemd/netif/leases/key",
    "/etc/systemd/network/wg0.key", "/etc/netplan/psk.txt", "/etc/guest-routes.d/a.txt",
    "/run/NetworkManager/devices/x", "/etc/NetworkManager/conf.d/password",
])  # fmt: skip
def test_what_else_a_client_or_an_administrator_keeps_there_is_left_out_and_named(path: str) -> None:
    file = write(Path(path), SECRET)
    try:
        found = {one.name: one for one in file_entries()}[f"files{path}"]
    finally:
        file.unlink()
    assert (found.content, found.failed) == (b"", "left out: no file of a known kind")


@pytest.mark.parametrize("path", ["/var/lib/NetworkManager/secret_key", "/run/secret"])
def test_of_a_shared_folder_nothing_else_is_named(path: str) -> None:
    file = write(Path(path), SECRET)
    try:
        assert f"files{path}" not in {one.name for one in file_entries()}
    finally:
        file.unlink()


def test_a_folder_with_more_names_than_are_looked_at(root: Path) -> None:
    folder = root / "many"
    folder.mkdir()
    folder.chmod(0o777)
    for number in range(150):
        (folder / str(number)).touch()
    found = below(root, packed(f"{folder}/*"))
    assert len(found) == 101
    assert found["/many"] == "! has more names than are looked at: 100"


def test_a_file_that_is_too_long_and_files_that_are_too_many(root: Path) -> None:
    for name in "abcde":
        os.truncate(write(root / "x" / name, name), (9 if name == "a" else 8) << 20)
    found = {one.name[-1]: one for one in file_entries([f"{root}/x/*"]) if one.name.startswith(f"files{root}")}
    assert found["a"].content[8 << 20 :] == b"\n(cut off)\n"
    assert [len(found[name].content) for name in "bcd"] == [8 << 20] * 3
    assert found["e"].failed == "left out: the files before it have 32 MiB"


def test_folders_below_folders(root: Path) -> None:
    write(root / "originals/etc/netplan/a.yaml", "a")
    write(root / "originals/b", "b")
    (root / "originals/loop").symlink_to(".")
    assert below(root, packed(f"{root}/originals/**")) == {
        "/originals/etc/netplan/a.yaml": "a",
        "/originals/b": "b",
        "/originals/loop": "! is no regular file but a link",
    }
