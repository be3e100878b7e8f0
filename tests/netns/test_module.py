"""`guest-routes module` on a cloud.cfg of this machine's own; that cloud-init runs it is test_cloud_init.py's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.lab import Lab
from tests.support.passes import run, valid_json

CLOUD_CFG = Path("/etc/cloud/cloud.cfg")
TEXT = "users:\n   - default\ncloud_config_modules:\n - snap\n - [runcmd, always]\nsystem_info:\n  distro: debian\n"
WITH = TEXT.replace(" - snap", " - [guest_routes, always]\n - snap")


@pytest.fixture(autouse=True)
def cloud_cfg(lab: Lab) -> None:
    CLOUD_CFG.parent.mkdir(exist_ok=True)
    CLOUD_CFG.write_text(TEXT)


def test_looked_at_put_in_and_taken_out(lab: Lab) -> None:
    ran = run(lab, "module --add --check")
    told = "the module guest_routes would be put first in cloud_config_modules of /etc/cloud/cloud.cfg"
    assert (ran.code, ran.out, CLOUD_CFG.read_text()) == (3, told, TEXT)
    ran = run(lab, "module --add")
    assert (ran.code, ran.out) == (0, told.replace("would be", "is"))
    assert CLOUD_CFG.read_text() == WITH
    ran = run(lab, "module --add")
    assert (ran.code, ran.out) == (0, "nothing to do: /etc/cloud/cloud.cfg has the module guest_routes")
    ran = run(lab, "module --remove")
    assert (ran.code, CLOUD_CFG.read_text()) == (0, TEXT)
    assert ran.out == "the module guest_routes is taken out of cloud_config_modules of /etc/cloud/cloud.cfg"
    assert run(lab, "module --remove").out == "nothing to do: /etc/cloud/cloud.cfg has not the module guest_routes"


def test_json_fits_its_schema(lab: Lab) -> None:
    value = valid_json("module", lab.run("module", "--add", "--json"))
    assert value == {"schema": "guest-routes/module/1", "exit_code": 0, "path": str(CLOUD_CFG), "changed": True}
    assert valid_json("module", lab.run("module", "--remove", "--check", "--json"))["exit_code"] == 3
    CLOUD_CFG.write_text("users: [\n")
    failed = valid_json("module", lab.run("module", "--add", "--json"))
    assert failed["exit_code"] == 1 and "/etc/cloud/cloud.cfg: not YAML at line 2, column 1" in failed["error"]


@pytest.mark.parametrize("line", [
    "built: 2001-99-99", "a: !!int ''", "default: &a [*a]", "routes: &a [*a]", "a: " + "[" * 3000, "a: !!timestamp x",
    "a: !!binary é", "<<: &a {<<: *a}", "a: &b {*b : 1}", "a: 1" + ":59" * 5000,
])  # fmt: skip
@pytest.mark.parametrize("options", ["--add", "--remove", "--add --check", "--add --json", "--remove --json"])
def test_what_yamls_own_reader_fails_at_is_said_and_left(lab: Lab, line: str, options: str) -> None:
    """Where cloud-init could not read the file either, or what comes of it can't be compared."""
    text = f"{line}\n{WITH if '--remove' in options else TEXT}"
    CLOUD_CFG.write_text(text)
    ran = lab.run("module", *options.split())
    assert "Traceback" not in ran.stderr and "bug" not in ran.stderr
    if ran.returncode == 1:
        assert CLOUD_CFG.read_text() == text
        said = valid_json("module", ran)["error"] if "--json" in options else ran.stderr
        assert f"{CLOUD_CFG}: " in said and "; it stays as it is" in said
    else:
        assert ran.returncode in (0, 3)


def test_where_cloud_init_goes_by_another_list_it_says_so(lab: Lab) -> None:
    drop_in = Path("/etc/cloud/cloud.cfg.d/99.cfg")
    drop_in.parent.mkdir(exist_ok=True)
    drop_in.write_text("cloud_config_modules: [snap]\n")
    ran = run(lab, "module --add")
    assert (ran.code, CLOUD_CFG.read_text()) == (5, WITH)
    assert (
        f"{drop_in} has a list cloud_config_modules of its own, which cloud-init goes by, without the module" in ran.err
    )
    drop_in.write_text("cloud_config_modules: [guest_routes, snap]\n")
    assert run(lab, "module --add").code == 0
    ran = run(lab, "module --remove")
    assert (ran.code, CLOUD_CFG.read_text()) == (5, TEXT)
    assert "with the module in it; take it out there" in ran.err
    assert valid_json("module", lab.run("module", "--remove", "--json"))["exit_code"] == 5
    drop_in.unlink()


@pytest.mark.parametrize("options", ["", " --add --remove"])
def test_what_is_wanted_has_to_be_said(lab: Lab, options: str) -> None:
    ran = run(lab, f"module{options}")
    assert (ran.code, ran.err) == (2, "guest-routes: one of --add and --remove is wanted")
    assert CLOUD_CFG.read_text() == TEXT


def test_without_cloud_init_it_says_so(lab: Lab) -> None:
    CLOUD_CFG.unlink()
    ran = run(lab, "module --add")
    assert (ran.code, ran.err) == (1, f"guest-routes: cannot read {CLOUD_CFG}: No such file or directory (ENOENT)")
