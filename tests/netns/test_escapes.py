"""No byte that others wrote reaches an output as it is: rehearse, every client's lease, drives, properties, HTTP
answers, the stanza, files of state, names of NICs and processes.

test_trust.py has documents and settings.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

import pytest

from tests.netns.test_metadata import attached
from tests.support.evil import AFTERWARDS, COMMANDS, EVIL, FEW, assert_clean, evil_documents, outputs
from tests.support.lab import MACS, Lab, write_document
from tests.support.passes import documented, run
from tests.support.service import FAST, Start

LEASES = Path(__file__).parents[1] / "data" / "leases"
PLACES = {
    "networkd-cross.eth0": "/run/systemd/netif/leases/{}",
    "networkmanager-cross.eth0": "/run/NetworkManager/devices/{}",
    "dhclient-cross.eth0": "/var/lib/dhcp/dhclient.eth0.leases",
    "networkmanager-dhclient-cross.eth0.lease": "/var/lib/NetworkManager/dhclient-x-eth0.lease",
    "dhcpcd-cross.eth0": "/var/lib/dhcpcd/eth0.lease",
    "udhcpc-cross.eth0": "/run/guest-routes/leases/eth0",
    "cloud-init-udhcpc-cross.eth0": "/run/cloud-init/tmp/eth0.lease.json",
}
"""A lease that a client has written, and where it keeps it."""
ONE_LINE = EVIL.replace("\n", "").replace("\0", "").encode("utf-8", "surrogatepass")
SEVERAL = ("plan", "plan --json", "sync --verbose", "explain 11.11.3.4", "doctor --deadline-seconds 0.2")


def silent(folder: Path) -> Path:
    """A document that omits the routes of two subnets with DHCP."""
    networks = [{"id": "n", "type": "ipv4_dhcp", "link": f"tap{n}", "network_id": "n"} for n in (0, 1)]
    links = [{"id": f"tap{n}", "type": "tap", "ethernet_mac_address": mac} for n, mac in enumerate(MACS[:2])]
    return write_document(folder / "network_data.json", {"links": links, "networks": networks})


def after() -> None:
    """What shows what was left behind."""
    for command in AFTERWARDS:
        outputs(command)
    outputs("status --textfile /run/metrics")
    assert_clean(Path("/run/metrics").read_bytes(), "textfile")


# ---- rehearse -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", evil_documents())
def test_rehearse(lab: Lab, tmp_path: Path, field: str) -> None:
    path = write_document(tmp_path / "network_data.json", evil_documents()[field])
    for command in ("rehearse --verbose", "rehearse --json") if field == "as it is" else ("rehearse --verbose",):
        outputs(f"{command} --metadata {path}")


# ---- leases ---------------------------------------------------------------------------------------------


def spoilt(lease: bytes, kind: str) -> Iterator[bytes]:
    """The lease with the hostile text in place of each value, and at its end."""
    if kind == "dhcpcd-cross.eth0":
        for place in range(240, len(lease), 24):
            yield lease[:place] + ONE_LINE[: len(lease) - place] + lease[place + len(ONE_LINE) :]
        return
    if kind.startswith("cloud-init"):
        for key in json.loads(lease):
            yield json.dumps({**json.loads(lease), key: EVIL}).encode()
        return
    lines = lease.splitlines()
    for number, line in enumerate(lines):
        separator = b"=" if b"=" in line else b" "
        key, found, value = line.rpartition(separator)
        if found and number % 2:
            yield b"\n".join([*lines[:number], key + found + ONE_LINE, *lines[number + 1 :]])
        elif found:
            yield b"\n".join(
                [*lines[:number], key + found + value.rstrip(b";") + b" " + ONE_LINE + b";", *lines[number + 1 :]]
            )


@pytest.mark.parametrize("kind", PLACES)
def test_the_leases_of_each_client(lab: Lab, tmp_path: Path, kind: str) -> None:
    documented(lab)
    path = silent(tmp_path)
    ifindex = Path("/sys/class/net/eth0/ifindex").read_text().strip()
    file = Path(PLACES[kind].format(ifindex))
    file.parent.mkdir(parents=True, exist_ok=True)
    lease = (LEASES / kind).read_bytes()
    every = list(spoilt(lease, kind))
    for number, content in enumerate(every):
        file.write_bytes(content)
        outputs(f"sync --metadata {path}" if number % 2 else f"plan --json --metadata {path}")
    for command in SEVERAL:
        outputs(f"{command} --metadata {path}")
    after()


# ---- drives, properties, the metadata service -------------------------------------------------------------


def test_a_config_drive(lab: Lab, tmp_path: Path) -> None:
    if shutil.which("genisoimage") is None:
        pytest.skip("no genisoimage here")
    documented(lab)
    latest = tmp_path / "drive/openstack/latest"
    latest.mkdir(parents=True)
    write_document(latest / "network_data.json", evil_documents()["networks type dhcp"])
    meta = {"uuid": EVIL, "meta": {"guest_routes": f"11.13.0.0/16,11.8.0.1 {EVIL}"}, "name": EVIL}
    (latest / "meta_data.json").write_text(json.dumps(meta))
    image = tmp_path / "evil\x1b[2J'$(id)\n.iso"
    subprocess.run(["genisoimage", "-quiet", "-V", "config-2", "-J", "-r", "-o", image, tmp_path / "drive"], check=True)
    for _ in attached(image):
        for command in ("plan", "sync --verbose", "doctor --deadline-seconds 0.2", "plan --json", "explain 11.13.0.1"):
            outputs(f"{command} --sources config-drive,properties,leases")
    after()


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 500 " + ONE_LINE + b"\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 x\r\nLocation: http://" + ONE_LINE + b"/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 x\r\nLocation: /" + ONE_LINE + b"\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 x\r\nContent-Type: " + ONE_LINE + b"\r\nContent-Length: 3\r\n\r\n\x1b[2",
    b"HTTP/1.1 200 x\r\n" + ONE_LINE + b": x\r\nContent-Length: " + ONE_LINE + b"\r\n\r\n[]",
    ONE_LINE + b"\r\n\r\n",
], ids=["status", "other host", "other path", "type", "header", "no HTTP"])  # fmt: skip
def test_an_answer_of_the_metadata_service(lab: Lab, start: Start, tmp_path: Path, answer: bytes) -> None:
    documented(lab)
    said, log = tmp_path / "answer", tmp_path / "log"
    said.write_bytes(answer)
    lab.metadata_server(said, "--behave", f"raw={said}", "--log", str(log))
    for command in ("sync", "plan --json", "doctor"):
        outputs(f"{command} --sources http --deadline-seconds 0.7")
    assert log.read_text(), "nobody asked"
    service = start(settings={**FAST, "deadline_seconds": 0.7})
    service.wait_said("no metadata: ")
    service.stop()
    assert_clean(service.log.encode(), "the log")
    after()


# ---- settings, state ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["default", "gateways", "routes", "metadata_urls", "ignore_nics", EVIL])
def test_the_stanza(lab: Lab, tmp_path: Path, key: str) -> None:
    documented(lab)
    path = write_document(tmp_path / "network_data.json", evil_documents()["as it is"])
    Path("/run/guest-routes").mkdir(exist_ok=True)
    for value in ("network=" + EVIL, {EVIL: "10.65.0.1"}, [EVIL], EVIL):
        Path("/run/guest-routes/stanza.json").write_text(json.dumps({key: value}))
        for command in FEW:
            outputs(f"{command} --metadata {path}")
        outputs("status")


def evil(value: Any, but: Sequence[str]) -> Any:
    """The value with every text in it as somebody hostile would write it, but for these keys, and a key more."""
    if isinstance(value, dict):
        made = {key: item if key in but else evil(item, but) for key, item in value.items()}
        return made if "schema" in but else {**made, EVIL: EVIL}
    if isinstance(value, list):
        return [evil(item, but) for item in value]
    return EVIL if isinstance(value, str) else value


def test_files_of_state(lab: Lab, start: Start, tmp_path: Path) -> None:
    documented(lab)
    networks = evil_documents()["as it is"]
    networks["networks"][0]["routes"][2]["gateway"] = "11.8.0.98"
    path = write_document(tmp_path / "network_data.json", networks)
    service = start("--metadata", str(path))
    service.wait(lambda: service.record, what="a record")
    service.kill()
    run(lab, f"sync --metadata {path}")
    files = ("/run/guest-routes/status", "/run/guest-routes/service", "/var/lib/guest-routes/defaults")
    forms: Sequence[Sequence[str]] = (
        (),
        ("schema", "boot_id", "process_started", "route"),
        ("schema", "boot_id", "nics", "destination"),
    )
    for file in map(Path, files):
        whole = file.read_text()
        for but in forms:
            file.write_text(json.dumps(evil(json.loads(whole), but)))
            after()
        file.write_text(whole)
    kept = Path("/var/lib/guest-routes/last-known-good")
    line, _, document = kept.read_bytes().partition(b"\n")
    others: List[Sequence[str]] = [
        ("schema",),
        ("schema", "uuid", "machine", "boot", "macs"),
        ("schema", "macs", "source"),
    ]
    for but in others:
        kept.write_bytes(json.dumps(evil(json.loads(line), but)).encode() + b"\n" + document)
        for command in ("plan --sources last-known-good", "status", "status --json"):
            outputs(command)
    lock = Path("/run/guest-routes/lock")
    lock.write_text(json.dumps({"pid": EVIL, "command": EVIL, "since": 1}))
    with lock.open("rb+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        service = start("--metadata", str(path))  # A command has the same words, after 30 s.
        service.wait_said("cannot lock /run/guest-routes/lock")
        service.stop()
    assert_clean(service.log.encode(), "the log")
    kept.write_bytes(line + b"\n" + document)
    outputs("withdraw")


# ---- names ----------------------------------------------------------------------------------------------------


def test_alternative_names_of_a_nic(lab: Lab, tmp_path: Path) -> None:
    documented(lab)
    ran = subprocess.run(["ip", "link", "property", "add", "dev", "eth1", "altname", "\x1b[2J\"'`$(id)"])
    if ran.returncode:
        pytest.skip("this kernel has no alternative names")
    path = write_document(tmp_path / "network_data.json", evil_documents()["as it is"])
    for command in COMMANDS:
        outputs(f"{command} --metadata {path}")


def test_processes_in_a_conflict(lab: Lab, start: Start, tmp_path: Path) -> None:
    """The kernel's name of a process is that of its program: any 15 bytes but / and NUL."""
    documented(lab)
    path = write_document(tmp_path / "network_data.json", evil_documents()["as it is"])
    names: List[str] = []
    for number, program in enumerate(("ip", "sh")):
        name = f"{number}\x1b[2J\n'$(id)\u202e"
        shutil.copy(os.path.realpath(str(shutil.which(program))), tmp_path / name)
        names.append(str(tmp_path / name))
    # ip reads what it does from its standard input, so that it lives while it is looked up.
    script = (
        'i=0; while [ $i -lt 40 ]; do echo route del 11.11.0.0/16; sleep 0.15; i=$((i+1)); done | "$0" -force -batch -'
    )
    service = start("--metadata", str(path), "--gateways", f"mac={MACS[1]}=11.8.0.1")
    service.wait(lambda: any("11.11.0.0" in line for line in lab.routes()), what="the host route")
    command = [names[1], "-c", script, names[0]]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as other:
        try:
            service.wait_said("conflict: ", seconds=20)
            after()
            record: Dict[str, Any] = json.loads(outputs("status --json").stdout)["service"]
        finally:
            os.killpg(other.pid, signal.SIGKILL)  # the loop and the program that it feeds, too
    service.stop()
    assert "[2J" in service.log and "[2J" in json.dumps(record["conflicts"])
    assert_clean(service.log.encode(), "the log")
