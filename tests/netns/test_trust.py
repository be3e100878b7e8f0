"""What an ordinary user, or whoever writes a document, can't do: move a route, put a byte on an operator's terminal."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterator, List

import pytest
import yaml

import guest_routes
from tests.support.cost import cost
from tests.support.evil import AFTERWARDS, COMMANDS, EVIL, FEW, assert_clean, evil_documents, outputs
from tests.support.hostile import HOSTILE, USER, as_root
from tests.support.lab import MACS, Lab, document, write_document
from tests.support.passes import Ran, documented, run, table, valid_json
from tests.support.service import Start


@pytest.mark.parametrize("field", evil_documents())
def test_no_text_of_a_document_reaches_a_terminal_as_it_is(lab: Lab, tmp_path: Path, field: str) -> None:
    documented(lab)
    path = write_document(tmp_path / "network_data.json", evil_documents()[field])
    write_document(tmp_path / "meta_data.json", {"uuid": EVIL, "meta": {"guest_routes": f"11.13.0.0/16,{EVIL}"}})
    for command in COMMANDS if field in ("networks type dhcp", "links id") else FEW:
        outputs(f"{command} --metadata {path}")
    for command in AFTERWARDS:
        outputs(command)
    outputs(f"status --textfile {tmp_path}/metrics")
    assert_clean((tmp_path / "metrics").read_bytes(), "textfile")
    assert_clean(Path("/run/guest-routes/status").read_bytes(), "the status record")


def test_no_text_of_a_lease_does(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    networks = [{"id": "n", "type": "ipv4_dhcp", "link": f"tap{n}", "network_id": "n"} for n in (0, 1)]
    links = [{"id": f"tap{n}", "type": "tap", "ethernet_mac_address": mac} for n, mac in enumerate(MACS[:2])]
    path = write_document(tmp_path / "network_data.json", {"links": links, "networks": networks})
    folder = Path("/run/guest-routes/leases")
    folder.mkdir(parents=True)
    evil = EVIL.replace("\n", "").replace("\0", "").encode("utf-8", "surrogatepass")
    for number, line in enumerate(
        (b"ip=", b"router=10.65.0.1 ", b"staticroutes=11.11.0.0/16 ", b"interface=", b"lease=")
    ):
        content = b"interface=eth0\nip=10.65.0.7\nrouter=10.65.0.1\n" + line + evil + b"\n"
        (folder / f"{number}-\x1b[2J\u202e'$(id)\n").write_bytes(content)
    for command in COMMANDS:
        outputs(f"{command} --metadata {path}")
    for command in AFTERWARDS:
        outputs(command)


@pytest.mark.parametrize("key", ["default", "gateways", "routes", "metadata_urls", "ignore_nics", "sources", EVIL])
def test_no_text_of_the_settings_does(lab: Lab, tmp_path: Path, key: str) -> None:
    documented(lab)
    path = write_document(tmp_path / "network_data.json", evil_documents()["as it is"])
    folder = Path("/etc/guest-routes.d")
    folder.mkdir()
    values = ["network=" + EVIL, {EVIL: "10.65.0.1"}, [EVIL], EVIL]
    for value in values:
        (folder / "1\x1b[2J\u202e'\n.yaml").write_text(json.dumps({key: value}))
        for command in FEW:
            outputs(f"{command} --metadata {path}")
        outputs("status")


def test_no_name_of_a_nic_does(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    name = "\x1b[2J\"'`$(id)\\#"
    lab.ip("link", "set", "eth1", "down")
    lab.ip("link", "set", "eth1", "name", name)
    lab.ip("link", "set", name, "up")
    path = write_document(tmp_path / "network_data.json", evil_documents()["as it is"])
    for command in COMMANDS:
        outputs(f"{command} --metadata {path} --gateways mac={MACS[1]}=11.8.0.1")
    ran = outputs(f"export --format netplan --metadata {path} --gateways mac={MACS[1]}=11.8.0.1")
    assert name in yaml.safe_load(ran.stdout)["network"]["ethernets"]
    for form in ("ip", "ifupdown"):
        script = outputs(f"export --format {form} --metadata {path}").stdout
        assert subprocess.run(["sh", "-n"], input=script, capture_output=True).returncode == 0


def test_no_text_reaches_the_services_log(lab: Lab, start: Start, tmp_path: Path) -> None:
    documented(lab)
    one = evil_documents()["networks type dhcp"]
    one["networks"][0]["routes"][2]["gateway"] = EVIL
    path = write_document(tmp_path / "network_data.json", one)
    service = start("--metadata", str(path))
    service.wait_said("not programmed")
    service.wait_said("omits")
    outputs("status")
    service.stop()
    assert_clean(service.log.encode(), "the log")


def test_odd_json_in_the_state_is_absent_and_said(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    path = write_document(tmp_path / "network_data.json", evil_documents()["as it is"])
    run(lab, f"sync --metadata {path}")
    status = Path("/run/guest-routes/status")
    whole = json.loads(status.read_text())
    cases: List[Any] = [
        [], "x", 7, {"a": "b"}, {**whole, "metadata": 7}, {**whole, "finished": "x"}, {**whole, "finished": 1e999},
        {**whole, "failed": {"error": 7}}, {**whole, "leases": [7]}, {**whole, "warnings": "x"},
        {**whole, "leases": [{"nic": "x", "client": "x", "obtained": 1}]},
        {**whole, "warnings": [7]}, {**whole, "exit_code": True}, {"failed": []}, {"failed": "x"},
        {**whole, "exit_code": 256}, {**whole, "exit_code": 10**30}, {**whole, "routes": 7}, {**whole, "x": 1},
        {**whole, "failed": {"finished": 1, "exit_code": 512, "error": "x"}}, {**whole, "failed": None},
    ]  # fmt: skip
    contents = [json.dumps(case) for case in cases] + ["[" * 100_000, '{"a":' * 100_000, "{", "", "\udc80"]
    for content in contents:
        status.write_bytes(content.encode("utf-8", "surrogatepass"))
        ran = run(lab, "status")
        assert "none yet" in ran.out or "last pass" in ran.out
        assert "/run/guest-routes/status: is damaged" in ran.out or content == "", content
        valid_json("status", lab.run("status", "--json"))
        lab.run("status", "--textfile", str(tmp_path / "metrics"))
    status.write_text(json.dumps({"failed": {"finished": 1, "exit_code": 4, "error": "x"}}))
    assert run(lab, "status").code == 4
    status.write_text(json.dumps(whole))
    assert "not used" not in run(lab, "status").out
    for content in ('{"schema": "guest-routes/service/1"}', "[" * 100_000):
        Path("/run/guest-routes/service").write_text(content)
        assert "/run/guest-routes/service: is damaged" in run(lab, "status").out


# ---- an ordinary user ------------------------------------------------------------------------------------


def as_the_user(act: Callable[[], object]) -> None:
    """Does something in a process of the ordinary user's."""
    as_root()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _drop()
            act()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


def _drop() -> None:
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)


def _plant(folder: Path, lease: str) -> None:
    folder.mkdir()
    path = folder / "x.lease.json"
    path.write_text(lease)
    os.utime(path, (2114380800,) * 2)  # 2037


@pytest.fixture
def var_tmp() -> Iterator[Path]:
    """A /var/tmp of the test's own, everybody's as always."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/var/tmp"], check=True)
    yield Path("/var/tmp")
    subprocess.run(["umount", "/var/tmp"], check=True)


def test_a_lease_of_an_ordinary_user_moves_no_route(lab: Lab, var_tmp: Path, tmp_path: Path) -> None:
    """T1: a folder that cloud-init uses, made first by somebody else, in a time to come."""
    documented(lab)
    links = [{"id": "tap0", "type": "tap", "ethernet_mac_address": MACS[0]}]
    networks = [{"id": "network0", "type": "ipv4_dhcp", "link": "tap0", "network_id": "n0"}]
    path = write_document(tmp_path / "network_data.json", {"links": links, "networks": networks, "services": []})
    lease = {"interface": "eth0", "fixed-address": "10.65.0.7", "routers": "10.65.0.66",
             "static_routes": "8.8.8.0/24 10.65.0.66"}  # fmt: skip
    as_the_user(lambda: _plant(var_tmp / "cloud-init", json.dumps(lease)))
    ran = run(lab, f"sync --metadata {path}")
    assert not [line for line in table(lab) if "10.65.0.66" in line or "8.8.8.0" in line]
    assert "default via 10.65.0.1 dev eth0 proto static" in table(lab)
    why = "/var/tmp/cloud-init: is in /var/tmp, where everybody can write; its leases are ignored"
    assert why in ran.err
    assert f"not used: {why}" in run(lab, f"doctor --deadline-seconds 0.2 --metadata {path}").out


def test_a_folder_full_of_leases_takes_no_memory(lab: Lab, var_tmp: Path, tmp_path: Path) -> None:
    """Whoever makes the folder that cloud-init uses can fill it with any number of names."""
    documented(lab)
    links = [{"id": "tap0", "type": "tap", "ethernet_mac_address": MACS[0]}]
    networks = [{"id": "network0", "type": "ipv4_dhcp", "link": "tap0", "network_id": "n0"}]
    path = write_document(tmp_path / "network_data.json", {"links": links, "networks": networks, "services": []})
    folder = var_tmp / "cloud-init"
    as_the_user(lambda: _plant(folder, "{}"))
    before = cost("sync", "--metadata", str(path))

    def fill() -> None:
        for number in range(100_000):
            os.link(folder / "x.lease.json", folder / f"{'x' * 200}{number}.lease.json")

    as_the_user(fill)
    after = cost("sync", "--metadata", str(path))
    assert any("/var/tmp/cloud-init: is in /var/tmp" in line for line in after.err)
    assert after.megabytes < before.megabytes + 4


def test_an_ordinary_user_can_look(lab: Lab, tmp_path: Path) -> None:
    """What is root's is fine for anybody; files of the user count where the user names them."""
    as_root()
    documented(lab)
    path = write_document(tmp_path / "network_data.json", evil_documents()["as it is"])
    run(lab, f"sync --metadata {path}")
    settings = Path("/run/theirs.yaml")
    settings.write_text("metric: 7\ngateways: {eth1: 11.8.0.1}\n")
    copy = Path("/run/theirs.json")
    copy.write_bytes(path.read_bytes())
    for one in (settings, copy):
        os.chown(one, USER, USER)
    readable = Path("/run/readable")  # The checkout may be root's alone.
    for package in (guest_routes, yaml):
        shutil.copytree(Path(str(package.__file__)).parent, readable / package.__name__, dirs_exist_ok=True)
    command = ["/usr/bin/python3", "-m", "guest_routes"]
    for words in (["status"], ["plan", "--metadata", copy, "--settings", settings]):
        ran = subprocess.run([*command, *words], capture_output=True, text=True, cwd=readable, preexec_fn=_drop)
        assert "Traceback" not in ran.stderr
        assert "not used" not in ran.stdout + ran.stderr
    assert "metric 7" in ran.stdout


def by_the_user(readable: Path, *words: str) -> Ran:
    """One command as the ordinary user types it."""
    for package in (guest_routes, yaml):  # The checkout may be root's alone.
        shutil.copytree(Path(str(package.__file__)).parent, readable / package.__name__, dirs_exist_ok=True)
    command = ["/usr/bin/python3", "-m", "guest_routes", *words]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=readable, preexec_fn=_drop)
    assert "Traceback" not in ran.stderr
    return Ran(ran.returncode, " ".join(ran.stdout.split()), " ".join(ran.stderr.split()))


def of_the_file(path: Path) -> str:
    path.write_text("refresh_seconds: 200\n")
    path.chmod(0o600)
    return f"{path}: cannot be read by this user: Permission denied; run it as root"


def of_the_folder(path: Path) -> str:
    folder = path.with_suffix(".d")
    folder.mkdir(0o700)
    (folder / "a.yaml").write_text("refresh_seconds: 200\n")
    return f"{folder}: cannot be read by this user: Permission denied; run it as root"


def of_a_drop_in(path: Path) -> str:
    folder = path.with_suffix(".d")
    folder.mkdir(0o755)
    (folder / "a.yaml").write_text("refresh_seconds: 200\n")
    (folder / "a.yaml").chmod(0o600)
    return f"{folder}/a.yaml: cannot be read by this user: Permission denied; run it as root"


@pytest.mark.parametrize("hide", [of_the_file, of_the_folder, of_a_drop_in])
def test_settings_that_only_root_may_read_are_not_called_wrong(lab: Lab, hide: Callable[[Path], str]) -> None:
    as_root()
    documented(lab)
    said = hide(Path("/etc/guest-routes.yaml"))
    metadata = str(document("documented"))
    assert run(lab, f"sync --metadata {metadata}").code == 0
    readable = Path("/run/readable")
    copy = Path("/run/theirs.json")
    copy.write_bytes(document("documented").read_bytes())
    status = by_the_user(readable, "status")
    assert (status.code, f"settings unknown: {said}" in status.out, "wrong" in status.out) == (2, True, False), status
    assert "no pass runs" not in status.out
    assert "drift unknown: the settings cannot be read by this user" in status.out
    doctor = by_the_user(readable, "doctor", "--metadata", str(copy))
    assert f"! the settings are not known to this user, so what follows may be otherwise: {said}" in doctor.out
    assert "wrong" not in doctor.out.partition("settings are not known")[2][:200]
    explain = by_the_user(readable, "explain", "11.11.3.4", "--metadata", str(copy))
    assert (explain.code, "wrong" in explain.err, said in explain.err) == (2, False, True)
    withdraw = by_the_user(readable, "withdraw")
    assert (withdraw.code, "are withdrawn" in withdraw.err, said in withdraw.err) == (1, False, True)
    for command in ("sync", "plan"):
        refused = by_the_user(readable, command, "--metadata", str(copy))
        assert (refused.code, refused.err) == (2, f"guest-routes: {said}")
    assert run(lab, "status").code == 0


def test_what_only_root_can_do_is_said_where_there_is_no_metadata_either(lab: Lab) -> None:
    as_root()
    documented(lab)
    assert run(lab, f"sync --metadata {document('documented')}").code == 0
    ran = by_the_user(Path("/run/readable"), "sync", "--sources", "last-known-good")
    kept = "/var/lib/guest-routes/last-known-good: cannot be read by this user: Permission denied; run it as root"
    assert (ran.code, kept in ran.err, ran.err.endswith("run it as root")) == (4, True, True), ran
    shutil.rmtree("/var/lib/guest-routes")
    ran = by_the_user(Path("/run/readable"), "sync", "--sources", "last-known-good")
    assert (ran.code, ran.err.endswith("and routes are root's to change: run it as root")) == (4, True), ran


# ---- files that are named ---------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["--metadata", "--settings"])
@pytest.mark.parametrize("what", [*HOSTILE, "link to /proc/self/status", "missing"])
def test_a_file_that_the_operator_names_is_never_a_traceback(lab: Lab, tmp_path: Path, option: str, what: str) -> None:
    documented(lab)
    path = tmp_path / "folder/named"
    path.parent.mkdir()
    path.write_text(json.dumps(evil_documents()["as it is"]) if option == "--metadata" else "metric: 7")
    if what in HOSTILE:
        HOSTILE[what][0](path)
    else:
        path.unlink()
        if what != "missing":
            path.symlink_to("/proc/self/status")
    fine = write_document(tmp_path / "fine.json", evil_documents()["as it is"])
    words = f"plan {option} {path}" + ("" if option == "--metadata" else f" --metadata {fine}")
    ran = run(lab, words, timeout=20)
    counts = what in ("other owner", "group-writable", "world-writable", "link", "hard link") or "folder" in what
    assert ran.code in ((0, 5) if counts else (2, 4)), ran
