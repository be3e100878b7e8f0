"""Each kind of package, built by its make target, installed, and run; removal puts things back."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Iterator, List

import pytest

from tests.support.debian import ROOT, Debian
from tests.support.lab import Lab, document
from tests.support.packages import built, command
from tests.support.passes import CONNECTED, DOCUMENTED, HOST_ROUTE, documented, table

UNITS = ("guest-routes-correct.service", "guest-routes-early.service", "guest-routes.service")
"""Those that are enabled."""
FETCHING = ("guest-routes-fetch.socket", "guest-routes-fetch@.service")
"""guest-routes.service starts the one, that the other."""
TEXTFILE = ("guest-routes-textfile.service", "guest-routes-textfile.timer")
"""For machines with node_exporter, who enable the timer."""
SHARED = {
    f"/usr/share/{path}"
    for path in (
        "guest-routes/prometheus/guest-routes.rules.yml",
        *(f"guest-routes/schema/{schema.name}" for schema in (ROOT / "docs" / "schema").glob("*.json")),
        *(f"doc/guest-routes/docs/{page.name}" for page in (ROOT / "docs").glob("*.md")),
        *(f"doc/guest-routes/docs/how-to/{page.name}" for page in (ROOT / "docs" / "how-to").glob("*.md")),
    )
}
DOCUMENT = "/root/network_data.json"


# ---- Debian -----------------------------------------------------------------------------------------


@pytest.fixture
def debian(lab: Lab) -> Iterator[Debian]:
    """A Debian 12 with both defaults, as cloud-init leaves them, and the package beside it."""
    documented(lab)
    made = Debian("bookworm")
    shutil.copy(built("guest-routes_*_all.deb"), made.path("/root/guest-routes.deb"))
    shutil.copy(document("wrong-subnet"), made.path(DOCUMENT))
    yield made
    made.close()


def state_in(debian: Debian) -> List[str]:
    """What is there of ours that an image must not carry."""
    folders = (debian.path("/var/lib/guest-routes"), debian.path("/run/guest-routes"))
    return [str(path) for folder in folders for path in (folder, *folder.rglob("*")) if path.exists()]


@pytest.mark.packages
def test_debian_installs_runs_upgrades_and_goes(lab: Lab, debian: Debian) -> None:
    before = table(lab)
    debian.run("dpkg", "-i", "/root/guest-routes.deb")
    assert table(lab) == before
    assert state_in(debian) == []  # R10
    for unit in UNITS:
        assert debian.run("systemctl", "is-enabled", unit).stdout == "enabled\n"
    assert debian.run("systemctl", "is-enabled", TEXTFILE[1], check=False).stdout == "disabled\n"
    assert [path for path in SHARED if not debian.path(path).exists()] == []
    debian.run("guest-routes", "sync", "--metadata", DOCUMENT)
    assert table(lab) == DOCUMENTED
    assert "proto guest-routes" in debian.run("ip", "route").stdout
    debian.run("python3", "-c", "import cc_guest_routes")
    debian.run("dpkg", "-i", "/root/guest-routes.deb")
    assert table(lab) == DOCUMENTED  # an upgrade leaves the routes
    debian.pass_for_a_machine()
    debian.run("dpkg", "--remove", "guest-routes")
    # Those are back, in whatever order the kernel keeps equal defaults.
    assert sorted(table(lab)) == sorted(before)
    assert debian.path("/var/lib/guest-routes").exists()
    assert not debian.path("/usr/lib/python3/dist-packages/guest_routes").exists()  # Nor byte code that prerm made.
    debian.run("dpkg", "--purge", "guest-routes")
    assert not debian.path("/var/lib/guest-routes").exists()
    assert not debian.path("/etc/guest-routes.yaml").exists()


@pytest.mark.packages
def test_debian_removal_in_an_image_being_built_does_nothing(lab: Lab, debian: Debian) -> None:
    """The building machine has guest-routes itself."""
    lab.ip("route", "add", "11.11.0.0/16", "via", "11.8.0.1", "dev", "eth1", "proto", "121")
    before = table(lab)
    debian.run("dpkg", "-i", "/root/guest-routes.deb")
    debian.run("dpkg", "--purge", "guest-routes")
    assert table(lab) == before
    assert state_in(debian) == []


@pytest.mark.packages
def test_debian_runs_with_what_it_depends_on(debian: Debian, lab: Lab) -> None:
    debian.run("dpkg", "-i", "/root/guest-routes.deb")
    debian.run("dpkg", "--purge", "python3-pyroute2")
    assert debian.run("python3", "-c", "import pyroute2", check=False).returncode != 0
    debian.write("/etc/guest-routes.d/1.yaml", "default_mode: observe\n")
    server = lab.metadata_server(document("documented"))
    debian.run("guest-routes", "sync")
    assert HOST_ROUTE in table(lab)
    assert sum(line.startswith("default") for line in table(lab)) == 2
    lab.stop(server)


@pytest.mark.packages
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_debian_its_autopkgtest(suite: str, lab: Lab) -> None:
    """The script that autopkgtest runs, with that Debian's own pyroute2 and what else it depends on."""
    made = Debian(suite)
    try:
        shutil.copy(built("guest-routes_*_all.deb"), made.path("/root/guest-routes.deb"))
        made.run("dpkg", "-i", "/root/guest-routes.deb")
        shutil.copy(ROOT / "packaging/debian/tests/demo", made.path("/root/demo"))
        done = made.run("env", "AUTOPKGTEST_TMP=/root", "/root/demo")
    finally:
        made.close()
    assert "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes" in done.stdout


@pytest.mark.packages
def test_debian_needs_only_cap_net_admin(debian: Debian, lab: Lab) -> None:
    """The units' capability; the rest of their confinement takes a systemd."""
    debian.run("dpkg", "-i", "/root/guest-routes.deb")
    lab.metadata_server(document("documented"))
    limited = ("setpriv", "--bounding-set", "-all,+net_admin", "--inh-caps", "-all", "--no-new-privs")
    debian.run(*limited, "guest-routes", "sync")
    assert table(lab) == DOCUMENTED


@pytest.mark.packages
def test_lintian_has_nothing_to_say() -> None:
    if shutil.which("lintian") is None:
        pytest.skip("no lintian here")
    # The package is for systemd. An override in it would be an error to Debian 13's lintian, which knows no such tag.
    for_systemd = ("--suppress-tags", "package-supports-alternative-init-but-no-init.d-script")
    for package in ("*_all.deb", "*.dsc"):
        done = command(
            "lintian", "--no-cfg", "--allow-root", "--display-info", "--pedantic", *for_systemd, str(built(package))
        )  # fmt: skip
        assert done.stdout == ""


# ---- wheel, zipapp ----------------------------------------------------------------------------------


@pytest.mark.packages
def test_the_wheel_in_an_environment_of_its_own(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    command(sys.executable, "-m", "venv", "--without-pip", str(tmp_path))
    site = tmp_path / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    # Its dependencies are those of the tests' environment; nothing can be fetched from in here.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    wheel = str(built("guest_routes-*.whl"))
    command(sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target", str(site), wheel)
    where = command(f"{tmp_path}/bin/python", "-c", "import guest_routes, cc_guest_routes as c; print(c.__file__)")
    assert where.stdout.startswith(str(tmp_path))
    command(f"{tmp_path}/bin/python", "-m", "guest_routes", "sync", "--metadata", str(document("wrong-subnet")))
    assert table(lab) == DOCUMENTED
    script = site / "bin/guest-routes"
    # What setuptools makes of an entry point imports `re`, a quarter of a pass.
    assert script.read_text().splitlines()[1:] == (ROOT / "packaging/guest-routes").read_text().splitlines()[1:]
    assert command(f"{tmp_path}/bin/python", str(script), "--version").stdout.startswith("guest-routes ")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another sandbox of the tests doesn't hide, as it does /run."""
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def test_the_sdist_has_all_that_its_tests_need(folder: Path) -> None:
    """Built as packaging/build does, from what git knows; every test is found in it again."""
    if not (ROOT / ".git").exists():
        pytest.skip("no git here")
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = [name for name in subprocess.check_output(listed, text=True).split("\0") if (ROOT / name).is_file()]
    copy = folder / "copy"
    for name in names:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    build = "from setuptools import build_meta; print(build_meta.build_sdist('.'))"
    made = subprocess.run([sys.executable, "-c", build], cwd=copy, capture_output=True, text=True, check=True)
    archive = copy / made.stdout.splitlines()[-1]
    shutil.unpack_archive(archive, folder / "from")
    (there,) = (folder / "from").iterdir()
    missing = {name for name in names if not (there / name).exists() and not name.startswith(".")}
    assert missing == set()
    environment = {**os.environ, "PYTHONPATH": f"{there}:{there}/cloudinit_module"}
    words = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "tests"]
    ran = subprocess.run(words, cwd=there, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout[-2000:]
    found = {line.partition("::")[0] for line in ran.stdout.splitlines() if "::" in line}
    assert found == {name for name in names if re.fullmatch(r"tests/.*/?test_[a-z_0-9]+\.py", name)}


def oldest_python() -> str:
    """A Python 3.9, the oldest that is served; else the tests' own."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = [*versions.glob("3.9.*/bin/python3.9"), Path("/usr/bin/python3.9"), Path("/usr/local/bin/python3.9")]
    return next((str(path) for path in found if path.exists()), sys.executable)


@pytest.mark.packages
def test_the_single_file_needs_nothing_but_python(lab: Lab) -> None:
    documented(lab)
    Path("/etc/guest-routes.d").mkdir(exist_ok=True)
    Path("/etc/guest-routes.d/1.yaml").write_text("sources: [http]\n")  # PyYAML, then requests
    lab.metadata_server(document("wrong-subnet"))
    bare = (oldest_python(), "-S", "-I", str(built("guest-routes.pyz")))
    command(*bare, "sync")
    assert table(lab) == DOCUMENTED
    command(*bare, "withdraw")
    assert HOST_ROUTE not in table(lab)
    assert set(CONNECTED) <= set(table(lab))


@pytest.mark.packages
def test_the_single_file_says_which_python_it_needs(lab: Lab) -> None:
    """Of Pythons that can't even read our modules."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = [path for number in ("3.6", "3.7", "3.8") for path in versions.glob(f"{number}.*/bin/python{number}")]
    if not found:
        pytest.skip("no older Python is here")
    for python in found:
        ran = subprocess.run([python, built("guest-routes.pyz"), "--version"], capture_output=True, text=True)
        assert (ran.returncode, ran.stdout) == (1, "")
        assert re.fullmatch(r"guest-routes needs Python 3\.9 or later; this is 3\.\d+\.\d+\n", ran.stderr)


# ---- RPM --------------------------------------------------------------------------------------------


@pytest.mark.packages
def test_the_rpm_has_what_it_should() -> None:
    rpm = str(built("guest-routes-*.noarch.rpm"))
    files = set(command("rpm", "-qlp", rpm).stdout.split())
    site = "/usr/lib/python3.9/site-packages"
    modules = {f"{site}/{path.relative_to(ROOT)}" for path in (ROOT / "guest_routes").rglob("*.py")}
    assert modules | {f"/usr/lib/systemd/system/{unit}" for unit in (*UNITS, *TEXTFILE)} | SHARED | {
        "/usr/bin/guest-routes", "/etc/guest-routes.yaml", "/etc/guest-routes.d", f"{site}/cc_guest_routes.py",
        "/etc/cloud/cloud.cfg.d/guest-routes.cfg", "/etc/iproute2/rt_protos.d/guest-routes.conf",
        "/etc/iproute2/rt_tables.d/guest-routes.conf",
        "/usr/share/bash-completion/completions/guest-routes", "/usr/share/fish/vendor_completions.d/guest-routes.fish",
        "/usr/share/man/man8/guest-routes.8", "/usr/share/man/man5/guest-routes.yaml.5",
    } <= files  # fmt: skip
    assert set(command("rpm", "-qcp", rpm).stdout.split()) == {
        "/etc/guest-routes.yaml", "/etc/cloud/cloud.cfg.d/guest-routes.cfg",
        "/etc/iproute2/rt_protos.d/guest-routes.conf", "/etc/iproute2/rt_tables.d/guest-routes.conf",
    }  # fmt: skip
    needed = command("rpm", "-qp", "--requires", rpm).stdout
    assert re.search(r"^python3-requests$", needed, re.MULTILINE)
    assert "guest-routes withdraw" in command("rpm", "-qp", "--scripts", rpm).stdout


@pytest.mark.packages
def test_rpmlint_has_nothing_to_say() -> None:
    if shutil.which("rpmlint") is None:
        pytest.skip("no rpmlint here")
    exceptions = str(ROOT / "packaging/rpm/guest-routes.rpmlintrc")
    done = command("rpmlint", "-r", exceptions, str(built("*.noarch.rpm")), str(built("*.src.rpm")))
    assert "2 packages and 0 specfiles checked; 0 errors, 0 warnings" in done.stdout


@pytest.mark.packages
def test_the_rpm_by_the_spec_on_its_own(tmp_path: Path) -> None:
    """As docs/baking.md says, with the tarball that `make rpm` leaves; Debian's packages have other names."""
    recipe = 'rpmbuild -bb --define "_sourcedir $PWD/dist" packaging/rpm/guest-routes.spec'
    assert recipe in (ROOT / "docs/baking.md").read_text()
    command("sh", "-c", f"cd {ROOT} && {recipe} --nodeps --define '_topdir {tmp_path}'")
    made, theirs = next(tmp_path.rglob("*.noarch.rpm")), built("guest-routes-*.noarch.rpm")
    assert made.name == theirs.name
    listed = [command("rpm", "-qlp", str(one)).stdout for one in (made, theirs)]
    assert listed[0] == listed[1]


# ---- units ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [*UNITS, FETCHING[1], TEXTFILE[0]])
def test_units_are_tightly_confined(unit: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    done = command(
        "systemd-analyze", "security", "--offline=true", "--no-pager", str(ROOT / "packaging/systemd" / unit)
    )
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found is not None
    assert float(found.group(1)) < 2.0


def test_units_say_nothing_that_systemd_does_not_know(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    for unit in (*UNITS, *FETCHING, *TEXTFILE):
        text = (ROOT / "packaging/systemd" / unit).read_text()
        (tmp_path / unit).write_text(text.replace("/usr/bin/guest-routes ", "/bin/true "))
    done = command(
        "systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit) for unit in (*UNITS, *FETCHING, *TEXTFILE))
    )
    assert done.stderr == ""


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "packaging/openrc").iterdir()))
def test_the_openrc_scripts_are_scripts(name: str) -> None:
    if shutil.which("shellcheck") is None:
        command("sh", "-n", str(ROOT / "packaging/openrc" / name))
    else:
        command("shellcheck", str(ROOT / "packaging/openrc" / name))


def test_the_scripts_of_packaging_are_clean() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("no shellcheck here")
    scripts = [*ROOT.glob("packaging/dib/guest-routes/[eip]*.d/5*"), *ROOT.glob("packaging/dib/guest-routes/p*.d/*")]
    scripts += [
        ROOT / "packaging/build",
        ROOT / "packaging/install-tools",
        ROOT / "tests/dib",
        ROOT / "tests/make-chroot",
        ROOT / "tests/can-test-packages",
    ]
    scripts += [ROOT / "packaging/debian" / name for name in ("postinst", "prerm", "postrm")]
    command("shellcheck", *(str(path) for path in scripts if "environment.d" not in str(path)))
