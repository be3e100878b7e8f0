"""The ways of docs/baking.md, with the commands that stand there, into a Debian that has nothing of ours."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

from tests.netns.test_cloud_init import STAGES, Cloud
from tests.netns.test_metadata import ISO9660, attached
from tests.support.debian import PATH, ROOT, Debian
from tests.support.lab import DATA, Lab, document
from tests.support.managers import SEED, UUID, wait_for, wait_same
from tests.support.packages import built, command
from tests.support.passes import DOCUMENTED, documented, table

pytestmark = pytest.mark.packages
UNITS = ("guest-routes-correct.service", "guest-routes-early.service", "guest-routes.service")
NO_SYSTEMD: Dict[str, Any] = {"SYSTEMD_OFFLINE": "1"}
"""systemctl enables and disables, and starts and stops nothing, as where an image is made."""
NOTHING_TO_FETCH = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_ROOT_USER_ACTION": "ignore"}


def recipe(section: str, block: int = 0) -> str:
    """The commands of one block of a section of docs/baking.md."""
    text = (ROOT / "docs/baking.md").read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"(?:^ {4,}\S.*\n)+", text, re.MULTILINE)
    return "".join(line.strip() + "\n" for line in blocks[block].splitlines())


def follow(debian: Debian, commands: str, **more: str) -> None:
    """Runs them as whoever bakes an image does; what `make` builds is there already."""
    script = re.sub(r"^make .*\n", "", commands, flags=re.MULTILINE).replace("ROOT", str(debian.root))
    done = subprocess.run(
        ["sh", "-euxc", script], cwd=ROOT, text=True, capture_output=True, timeout=300,
        env={"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive", **more},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def assert_baked(debian: Debian, lab: Lab) -> None:
    """No state, every unit enabled, and a pass gives the documented table."""
    for folder in ("/var/lib/guest-routes", "/run/guest-routes"):
        assert not list(debian.path(folder).glob("*")), "state in an image"  # R10
    for unit in UNITS:
        assert debian.run("systemctl", "is-enabled", unit).stdout == "enabled\n"
    assert "+ 11.11.0.0/16 via 11.8.0.1 dev eth1" in debian.run("guest-routes", "plan").stdout
    debian.run("guest-routes", "sync")
    assert table(lab) == DOCUMENTED


@pytest.fixture
def image(lab: Lab) -> Iterator[Debian]:
    """A Debian 12 whose apt has nowhere to fetch from, both defaults, and a metadata service."""
    documented(lab)
    lab.metadata_server(document("wrong-subnet"))
    made = Debian("bookworm")
    made.write("/etc/apt/sources.list", "")
    yield made
    made.close()


def test_the_debian_package(image: Debian, lab: Lab) -> None:
    follow(image, recipe("Debian package"))
    assert_baked(image, lab)
    assert "proto guest-routes" in image.run("ip", "route").stdout


def test_the_single_file(image: Debian, lab: Lab) -> None:
    follow(image, recipe("Single file"))
    assert_baked(image, lab)
    # No systemd is in charge here: there is nothing to stop.
    image.run("sh", "-euxc", recipe("Upgrade and removal").replace(" --now", ""), **NO_SYSTEMD)
    assert not image.path("/var/lib/guest-routes").exists()
    assert not list(image.path("/etc/systemd/system").rglob("guest-routes*"))
    assert sorted(table(lab)) == sorted([*DOCUMENTED[:-1], "default via 11.8.0.1 dev eth1 proto static"])


def test_the_wheel(image: Debian, lab: Lab) -> None:
    """By pip from Python's own ensurepip, as this Debian has none; nothing is fetched, so without pyroute2."""
    import ensurepip

    pip = next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
    shutil.copy(pip, image.path("/root"))
    follow(image, recipe("Wheel"), PYTHONPATH=f"/root/{pip.name}", **NOTHING_TO_FETCH)
    follow(image, re.sub(".*pyz.*\n", "", recipe("Single file")))
    image.run("python3", "-c", "import cc_guest_routes")
    assert_baked(image, lab)


def test_the_rpm_with_its_scriptlets(image: Debian, lab: Lab) -> None:
    """By Debian's rpm, into a Debian whose Python is told where EL 9's packages are."""
    image.write("/usr/lib/python3/dist-packages/el9.pth", "/usr/lib/python3.9/site-packages\n")
    before = table(lab)
    rpm = ("rpm", "--root", str(image.root), "--nodeps")
    installed = command(*rpm, "-i", str(built("guest-routes-*.noarch.rpm")))
    said = [line for line in installed.stderr.splitlines() if not line.startswith("rpm: ")]
    assert said == [], "Debian's own advice aside"
    assert_baked(image, lab)
    image.pass_for_a_machine()
    erased = command(*rpm, "-e", "guest-routes")
    assert "warning" not in erased.stderr
    assert sorted(table(lab)) == sorted(before)
    left = [*image.path("/etc/systemd").rglob("guest-routes*"), *image.path("/usr").rglob("*guest[-_]routes*")]
    assert left == []
    assert not image.path("/var/lib/guest-routes").exists()


# ---- OpenRC -----------------------------------------------------------------------------------------

FOLDERS = ("daemons", "exclusive", "failed", "hotplugged", "inactive", "options", "scheduled", "started", "starting",
           "stopping", "tmp", "wasinactive")  # fmt: skip


NOT_BUSYBOXS = {"setpriv", "ifup", "ifdown", "ifquery"}
"""Alpine has them from util-linux and ifupdown-ng; Debian's busybox is built without an ifup for IPv4."""


def use_busybox(debian: Debian) -> None:
    """Puts busybox in the place of every program that it has, as on Alpine; OpenRC's own stay."""
    of_openrc = set(debian.run("dpkg", "--listfiles", "openrc").stdout.split())
    for listed in debian.run("busybox", "--list-full").stdout.split():
        folder, _, name = listed.removeprefix("usr/").rpartition("/")
        if name in NOT_BUSYBOXS or {f"/bin/{name}", f"/sbin/{name}"} & of_openrc:
            continue
        for other in ("bin", "sbin"):
            debian.path(f"/usr/{other}/{name}").unlink(missing_ok=True)
        debian.path(f"/usr/{folder}/{name}").symlink_to("/usr/bin/busybox")


@pytest.fixture(params=["Debian's programs", "busybox"])
def openrc(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Debian]:
    """A machine that OpenRC has booted as far as the network, with the single file in it."""
    documented(lab)
    lab.metadata_server(document("wrong-subnet"))
    image = Debian("bookworm", "bookworm-dhcp")
    if request.param == "busybox":
        use_busybox(image)
        assert "BusyBox" in image.run("ip", "--help", check=False).stderr
    image.pass_for_a_machine()
    for folder in FOLDERS:
        image.path(f"/run/openrc/{folder}").mkdir(parents=True)
    image.write("/run/openrc/softlevel", "default\n")
    # Alpine's own provides it; Debian's is a script for another init system.
    image.write("/etc/init.d/networking", "#!/sbin/openrc-run\ndepend() { provide net; }\nstart() { :; }\n", 0o755)
    image.write("/etc/guest-routes.d/1.yaml", "deadline_seconds: 2\n")
    follow(image, recipe("Single file").splitlines()[1])
    follow(image, recipe("Single file", 1))
    yield image
    image.run("rc-service", "guest-routes", "stop", check=False)
    image.close()


def test_openrc_starts_reloads_and_stops(openrc: Debian, lab: Lab) -> None:
    shown = openrc.run("rc-update", "show").stdout
    assert re.search(r"^ *guest-routes-correct \| +boot", shown, re.MULTILINE), shown
    assert re.search(r"^ *guest-routes \| +default", shown, re.MULTILINE), shown
    openrc.run("rc-service", "guest-routes-correct", "start")
    openrc.run("rc-service", "guest-routes", "start")
    wait_same(lambda: table(lab), DOCUMENTED, "the documented table")
    assert "started" in openrc.run("rc-service", "guest-routes", "status").stdout
    openrc.write("/etc/guest-routes.d/1.yaml", "deadline_seconds: 2\nroutes: ['11.12.0.0/16,11.8.0.1']\n")
    openrc.run("rc-service", "guest-routes", "reload")
    wait_for(lambda: any(line.startswith("11.12.0.0/16 via 11.8.0.1") for line in table(lab)), "the new route")
    with_both = table(lab)
    openrc.run("rc-service", "guest-routes", "restart")
    assert "started" in openrc.run("rc-service", "guest-routes", "status").stdout
    openrc.run("rc-service", "guest-routes", "stop")
    assert openrc.run("rc-service", "guest-routes", "status", check=False).returncode == 3
    assert table(lab) == with_both


def test_openrc_starts_nothing_with_wrong_settings(openrc: Debian, lab: Lab) -> None:
    openrc.write("/etc/guest-routes.d/1.yaml", "typo: here\n")
    refused = openrc.run("rc-service", "guest-routes", "start", check=False)
    assert refused.returncode == 1
    assert "/etc/guest-routes.d/1.yaml:1: typo: no such setting" in refused.stderr
    assert "guest-routes isn't started with wrong settings" in refused.stderr
    assert openrc.run("rc-service", "guest-routes", "status", check=False).returncode == 3
    openrc.write("/etc/guest-routes.d/1.yaml", "deadline_seconds: 2\n")
    openrc.run("rc-service", "guest-routes", "start")
    wait_same(lambda: table(lab), DOCUMENTED, "the documented table")


def test_openrc_programs_what_is_on_the_machine_before_start_returns(openrc: Debian, lab: Lab) -> None:
    openrc.run("guest-routes", "sync")
    lab.ip("route", "del", "11.11.0.0/16")
    openrc.run("rc-service", "guest-routes", "start")
    assert table(lab) == DOCUMENTED


def test_openrc_removal_leaves_the_machine_as_it_was(openrc: Debian, lab: Lab) -> None:
    before = table(lab)
    openrc.run("rc-service", "guest-routes-correct", "start")
    openrc.run("rc-service", "guest-routes", "start")
    wait_same(lambda: table(lab), DOCUMENTED, "the documented table")
    for step in ("pre", "post"):
        shutil.copy(ROOT / f"packaging/openrc/guest-routes.{step}-deinstall", openrc.path("/root"))
    removed = openrc.run("/root/guest-routes.pre-deinstall")
    assert table(lab) == before
    assert "guest-routes: " not in removed.stderr  # OpenRC has a word about cgroups
    assert "withdrawn: 1 route, 1 default restored" in removed.stdout
    assert "guest-routes" not in openrc.run("rc-update", "show").stdout
    assert openrc.run("rc-service", "guest-routes", "status", check=False).returncode == 3
    assert openrc.run("/root/guest-routes.post-deinstall").stderr == ""
    assert not openrc.path("/var/lib/guest-routes").exists()
    assert not openrc.path("/var/log/guest-routes.log").exists()


def test_openrc_removal_says_what_it_left(openrc: Debian, lab: Lab) -> None:
    openrc.run("rc-service", "guest-routes", "start")
    wait_same(lambda: table(lab), DOCUMENTED, "the documented table")
    shutil.copy(ROOT / "packaging/openrc/guest-routes.pre-deinstall", openrc.path("/root"))
    shutil.copy(ROOT / "packaging/openrc/guest-routes.post-deinstall", openrc.path("/root"))
    openrc.run("mv", "/usr/bin/guest-routes", "/usr/bin/real")
    limited = '#!/bin/sh\nexec setpriv --bounding-set=-net_admin /usr/bin/real "$@"\n'
    openrc.write("/usr/bin/guest-routes", limited, 0o755)
    removed = openrc.run("/root/guest-routes.pre-deinstall")
    assert "guest-routes: not everything could be withdrawn" in removed.stderr
    assert "as the only record: defaults" in openrc.run("/root/guest-routes.post-deinstall").stderr
    openrc.run("/usr/bin/real", "withdraw")
    assert "11.11.0.0/16" not in "".join(table(lab))


@pytest.mark.parametrize("openrc", ["busybox"], indirect=True)
def test_the_network_comes_up_right_as_on_alpine(openrc: Debian, lab: Lab) -> None:
    """cloud-init renders as on Alpine; no pass of ours runs."""
    for nic in ("eth0", "eth1"):
        lab.ip("address", "flush", "dev", nic)
        lab.ip("link", "set", nic, "down")
    assert table(lab) == []
    openrc.write(f"{SEED}/meta_data.json", json.dumps({"uuid": UUID}))
    openrc.write(f"{SEED}/network_data.json", (DATA / "wrong-subnet.network_data.json").read_text())
    alpine = {"distro": "alpine", "network": {"renderers": ["eni"], "activators": []}}
    settings = {"datasource_list": ["ConfigDrive"], "system_info": alpine}
    openrc.write("/etc/cloud/cloud.cfg.d/99-test.cfg", json.dumps(settings))
    openrc.run("cloud-init", "init", "--local")
    assert "cloud-init" in openrc.path("/etc/network/interfaces").read_text()
    openrc.write(
        "/etc/init.d/networking", "#!/sbin/openrc-run\ndepend() { provide net; }\nstart() { ifup -a; }\n", 0o755
    )
    openrc.path("/run/ifstate").write_text("lo=lo\n")
    openrc.run("rc-service", "guest-routes-correct", "start")
    openrc.run("rc-service", "networking", "start")
    assert table(lab) == [
        "default via 10.65.0.1 dev eth0",
        "10.65.0.0/24 dev eth0 proto kernel scope link src 10.65.0.7",
        "11.8.0.0/24 dev eth1 proto kernel scope link src 11.8.0.9",
        "11.11.0.0/16 via 11.8.0.1 dev eth1",
    ]


def test_a_config_drive_is_found_by_busyboxs_blkid(openrc: Debian, lab: Lab) -> None:
    """Alpine's mdev makes no /dev/disk/by-label. The file behind the loop is in there: whose it is can be seen."""
    image = openrc.path("/run/image")
    image.write_bytes(ISO9660)
    for device in attached(image):
        os.mknod(openrc.path(device), 0o600 | stat.S_IFBLK, os.stat(device).st_rdev)
        said = openrc.run("guest-routes", "plan", "--sources", "config-drive", check=False).stderr
        assert f"reading config drive {device}\n" in said
        assert "its filesystem is" not in said


# ---- user-data --------------------------------------------------------------------------------------


@pytest.fixture
def stock(lab: Lab, tmp_path: Path) -> Iterator[Cloud]:
    """A stock Debian 12 with cloud-init and nothing of ours."""
    documented(lab)
    made = Cloud(lab, "bookworm")
    try:
        # What the image's own configuration would do to apt and to a machine isn't part of this.
        made.configure()
        with made.debian.path("/etc/cloud/cloud.cfg.d/99-test.cfg").open("a") as settings:
            settings.write("apt: {preserve_sources_list: true}\n")
        made.debian.write("/etc/apt/sources.list", "")
        made.debian.run("python3", "-m", "guest_routes", "module", "--remove")
        shutil.rmtree(made.debian.path("/usr/lib/python3/dist-packages/guest_routes"))
        made.debian.path("/usr/lib/python3/dist-packages/cc_guest_routes.py").unlink()
        yield made
    finally:
        made.debian.close()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def first_boot(cloud: Cloud, user_data: str, tmp_path: Path, altered: str = "") -> None:
    """All four stages with that user-data; URL is the metadata service, which has the packages too.

    Args:
        altered: the file whose checksum in the user-data is another.
    """
    units = tmp_path / "guest-routes-units.tar"
    subprocess.run(["sh", "-c", PACKED.replace("../../guest-routes-units.tar", str(units))], cwd=ROOT, check=True)
    files = {"guest-routes_all.deb": built("guest-routes_*_all.deb"), "guest-routes.pyz": built("guest-routes.pyz"),
             "guest-routes-units.tar": units}  # fmt: skip
    for name, file in files.items():
        user_data = user_data.replace(f"SHA256  {name}", f"{'0' * 64 if name == altered else sha256(file)}  {name}")
    path = tmp_path / "user-data"
    path.write_text(user_data.replace("URL", "http://169.254.169.254"))
    cloud.serve(
        document("wrong-subnet"), f"/openstack/latest/user_data={path}",
        *(f"/{name}={file}" for name, file in files.items()),
    )  # fmt: skip
    for stage in STAGES:
        cloud.debian.run("cloud-init", *stage, **NO_SYSTEMD, check=not altered)
    if not altered:
        cloud.assert_well()


EXAMPLE = (ROOT / "packaging/cloud/user-data.example").read_text()
HEAD, _, COMMANDS = EXAMPLE.partition("runcmd:\n")
PACKED = next(line for line in EXAMPLE.splitlines() if " tar --mode" in line).strip("# ")
SINGLE_FILE = HEAD + "runcmd:\n" + "".join(
    line.replace("# ", "", 1) + "\n" for line in COMMANDS.partition(PACKED + "\n")[2].splitlines()
)  # fmt: skip


def test_the_user_data_example_installs_and_configures(stock: Cloud, lab: Lab, tmp_path: Path) -> None:
    first_boot(stock, EXAMPLE.replace('# routes: ["11.12', 'routes: ["11.12'), tmp_path)
    assert stock.debian.run("dpkg-query", "-W", "-f", "${Status}", "guest-routes").stdout == "install ok installed"
    assert "11.12.0.0/16" in stock.debian.path("/etc/guest-routes.d/50-user-data.yaml").read_text()
    planned = stock.debian.run("guest-routes", "plan").stdout
    for wanted in ("+ 11.11.0.0/16 via 11.8.0.1 dev eth1", "+ 11.12.0.0/16 via 11.8.0.1 dev eth1"):
        assert wanted in planned


def test_the_user_data_example_by_the_single_file(stock: Cloud, lab: Lab, tmp_path: Path) -> None:
    first_boot(stock, SINGLE_FILE, tmp_path)
    assert_baked(stock.debian, lab)


@pytest.mark.parametrize("altered", ["guest-routes_all.deb", "guest-routes.pyz", "guest-routes-units.tar"])
def test_a_file_with_another_checksum_is_not_installed(stock: Cloud, lab: Lab, tmp_path: Path, altered: str) -> None:
    first_boot(stock, EXAMPLE if altered.endswith("deb") else SINGLE_FILE, tmp_path, altered)
    assert not stock.debian.path("/usr/bin/guest-routes").exists()
    assert not list(stock.debian.path("/etc/systemd/system").glob("guest-routes*"))
