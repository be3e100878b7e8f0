"""Bad days: each ends with a clear error, the right exit code, and the routes as they were."""

from __future__ import annotations

import errno
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import pytest

from guest_routes.errors import LockError
from guest_routes.kernel.rtnetlink.engine import RtnetlinkKernel
from guest_routes.model.document import Document, Provenance
from guest_routes.model.operations import Failure, Operation
from guest_routes.model.report import RolledBack
from guest_routes.model.settings import Settings
from guest_routes.output.report import failure_text
from guest_routes.state.store import State
from guest_routes.sync import program, sync
from tests.support.lab import Lab, document, write_document
from tests.support.passes import CONNECTED, DOCUMENTED, HOST_ROUTE, Ran, documented, run, table, unfolded, valid_json

FILE = f"--metadata {document('documented')}"
HTTP = "--sources http --deadline-seconds 0.8"


def lived_in(lab: Lab) -> List[str]:
    """The documented NICs, with routes of ours, another program's, and both defaults; the table."""
    documented(lab)
    lab.ip("route", "add", *HOST_ROUTE.split())
    lab.ip("route", "add", "172.16.0.0/24", "via", "11.8.0.1", "dev", "eth1", "proto", "121")
    lab.ip("route", "add", "192.0.2.0/24", "via", "10.65.0.1", "dev", "eth0", "proto", "static")
    return table(lab)


# ---- the metadata service ---------------------------------------------------------------------------


def test_a_service_that_is_down(lab: Lab) -> None:
    before = lived_in(lab)
    ran = run(lab, "sync --deadline-seconds 0.5")
    assert ran.code == 4
    assert "cannot find network_data.json; nothing was changed" in ran.err
    assert "eth0: connection refused (169.254.169.254)" in ran.err
    assert "config-drive: no block device is labelled config-2" in ran.err
    assert "last-known-good: none was kept" in ran.err
    assert "name one yourself: --metadata FILE, DIR or URL" in ran.err
    assert table(lab) == before


def test_status_tells_of_a_pass_that_could_do_nothing(lab: Lab) -> None:
    documented(lab)
    run(lab, f"sync {FILE}")
    assert run(lab, "sync --metadata /nonexistent").code == 4
    ran = run(lab, "status")
    assert ran.code == 4
    assert "last pass just now: all in place" in ran.out
    assert "failed just now: cannot get the metadata given as /nonexistent" in ran.out
    assert "no such file" in valid_json("status", lab.run("status", "--json"))["failed"]["error"]
    run(lab, f"sync {FILE}")
    ran = run(lab, "status")
    assert ran.code == 0
    assert "failed" not in ran.out


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("hang", "no answer within 0.8 s"),
        ("slow=5", "no answer within 0.8 s"),
        ("404", "HTTP 404"),
        ("500", "HTTP 500"),
        ("reset", "connection"),
        ("truncated", "answer ends after"),
        ("endless", "more than 5 MiB"),
        ("large", "more than 5 MiB"),
        ("not-json", "answer is not JSON: Expecting value at byte 11"),
        ("list", "answer is not a JSON object but [1, 2]"),
        ("redirect", "redirect to http://10.9.9.9/elsewhere.json refused"),
    ],
)
def test_a_service_that_misbehaves(lab: Lab, behaviour: str, said: str) -> None:
    before = lived_in(lab)
    lab.metadata_server(document("documented"), "--behave", behaviour)
    ran = run(lab, f"sync {HTTP}")
    assert (ran.code, ran.out) == (4, "")
    assert said in ran.err
    assert "nothing was changed" in ran.err
    assert "169.254.169.254" in ran.err
    assert table(lab) == before


def test_an_empty_answer(lab: Lab) -> None:
    before = lived_in(lab)
    lab.metadata_server(document("documented"), "--behave", "empty")
    ran = run(lab, f"sync {HTTP}")
    assert ran.code == 4
    assert "it has no networks; 2 routes of ours stay" in ran.err
    assert table(lab) == before


def test_a_service_that_stays_bad_while_the_last_known_good_is_there(lab: Lab) -> None:
    documented(lab)
    run(lab, f"sync {FILE}")
    lab.ip("route", "del", "11.11.0.0/16")
    lab.metadata_server(document("dhcp"), "--behave", "500")
    ran = run(lab, "sync --deadline-seconds 0.5")
    assert ran.code == 0
    assert "metadata: last known good (from " in ran.out
    assert table(lab) == DOCUMENTED


def test_a_service_on_ipv6_only(lab: Lab) -> None:
    documented(lab)
    lab.metadata_server(document("documented"), "--only", "ipv6")
    ran = run(lab, "sync --deadline-seconds 5")
    assert ran.code == 0
    assert "metadata: http://[fe80::a9fe:a9fe] through eth" in ran.out
    assert table(lab) == DOCUMENTED


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"\x00\xff", "not JSON"),
        (b'{"links": [', "not JSON"),
        (b"[" * 100000, "nested too deeply"),
        (b"null", "not a JSON object"),
    ],
    ids=["nothing", "binary", "half", "deep", "null"],
)
def test_a_file_that_is_no_document(lab: Lab, tmp_path: Path, content: bytes, said: str) -> None:
    before = lived_in(lab)
    (tmp_path / "bad").write_bytes(content)
    ran = run(lab, f"sync --metadata {tmp_path / 'bad'}")
    assert (ran.code, ran.out) == (4, "")
    assert said in ran.err
    assert table(lab) == before


# ---- permission -------------------------------------------------------------------------------------


def less_privileged(lab: Lab, *words: str) -> Ran:
    """Runs `setpriv WORDS guest-routes ...`, or skips where there is only one user, or only root has this Python."""
    split = words.index("--")
    setpriv = ["setpriv", *words[:split]]
    tries = {"true": "setpriv can't change that here", sys.executable: "only root can run this Python"}
    for command, reason in tries.items():
        if subprocess.run([*setpriv, command], stdin=subprocess.DEVNULL, capture_output=True).returncode:
            pytest.skip(reason)
    return unfolded(
        subprocess.run(
            [*setpriv, sys.executable, "-m", "guest_routes", *words[split + 1 :]], text=True, capture_output=True
        )
    )


def test_an_ordinary_user_can_look_and_not_write(lab: Lab, tmp_path: Path) -> None:
    before = lived_in(lab)
    lab.metadata_server(document("documented"))
    Path("/run/guest-routes").mkdir(0o755)
    user = ("--reuid", "65534", "--regid", "65534", "--clear-groups", "--")
    ran = less_privileged(lab, *user, "plan", "--check")
    assert ran.code == 3
    assert "- default via 11.8.0.1 dev eth1 proto static" in ran.out
    assert less_privileged(lab, *user, "explain", "11.11.3.4").out.startswith("11.11.3.4 should leave by eth1")
    assert less_privileged(lab, *user, "status").code == 1  # Routes of ours are there, and no record of a pass.
    assert lab.run("sync").returncode == 0
    ran = less_privileged(lab, *user, "status", "--wait")  # It ends: waiting doesn't give this user a right.
    assert (ran.code, "cannot be read by this user: Permission denied" in ran.out) == (1, True)
    before = table(lab)
    for command in ("sync", "withdraw"):
        ran = less_privileged(lab, *user, command)
        assert ran.code == 1
        assert "cannot open /run/guest-routes/lock: Permission denied (EACCES)" in ran.err
        assert "run it as root" in ran.err
    assert table(lab) == before


def test_root_without_the_capability(lab: Lab) -> None:
    before = lived_in(lab)
    value: Dict[str, Any] = json.loads(document("documented").read_text())
    value["networks"][1]["routes"].append(
        {"network": "198.51.100.0", "netmask": "255.255.255.0", "gateway": "11.8.0.1"}
    )
    path = write_document(Path("/run/more.json"), value)
    ran = less_privileged(lab, "--bounding-set", "-net_admin", "--", "sync", "--metadata", str(path))
    assert ran.code == 1
    assert "cannot add 198.51.100.0/24 via 11.8.0.1 dev eth1 proto guest-routes: " in ran.err
    assert "(EPERM); this needs root (CAP_NET_ADMIN)" in ran.err
    assert "cannot remove default via 11.8.0.1 dev eth1" in ran.err
    assert "failed: 3 of 3 changes refused by the kernel" in ran.out
    assert table(lab) == before


# ---- the lock ---------------------------------------------------------------------------------------

HOLD = """
import sys, time
from guest_routes.state.store import State
with State().lock():
    print("held", flush=True)
    time.sleep(float(sys.argv[1]))
"""


def test_a_pass_waits_for_the_lock(lab: Lab) -> None:
    documented(lab)
    with subprocess.Popen([sys.executable, "-c", HOLD, "1.2"], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        started = time.monotonic()
        assert run(lab, f"sync {FILE}").code == 0
        assert time.monotonic() - started > 0.8
    assert table(lab) == DOCUMENTED


def test_a_lock_held_for_too_long_names_its_holder(lab: Lab) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, "60"], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        said = rf"held by pid {holder.pid} \(.*\) for \d+ s; nothing was done in 0.2 s"
        with pytest.raises(LockError, match=said), State().lock(wait_seconds=0.2):
            pytest.fail("locked twice")
        holder.kill()
    with State().lock(wait_seconds=0.2):
        pass


# ---- the kernel -------------------------------------------------------------------------------------


class VanishingNic(RtnetlinkKernel):
    """The real kernel, in which a NIC goes between the snapshot and the first write."""

    def __init__(self, lab: Lab, name: str) -> None:
        super().__init__()
        self.lab, self.name = lab, name

    def apply(self, operations: Sequence[Operation]) -> Tuple[Failure, ...]:
        if self.name:
            self.lab.ip("link", "delete", self.name)
            self.name = ""
        return super().apply(operations)


def test_a_nic_that_goes_between_snapshot_and_write(lab: Lab) -> None:
    before = documented(lab)
    report = sync(Settings(), State(), metadata_argument=str(document("documented")), kernel=VanishingNic(lab, "eth1"))
    assert report.exit_code == 1
    [refused] = [failure_text(one, report.before.nics) for one in report.outcome.failures]
    assert refused.startswith("cannot add 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes: ")
    assert refused.endswith("; its traffic is routed as before")
    assert table(lab) == [line for line in before if "eth1" not in line]
    ran = run(lab, f"sync {FILE}")
    assert ran.code == 5
    assert "which is not present (yet)" in ran.out


def test_an_elected_nic_that_goes_takes_no_other_default_with_it(lab: Lab) -> None:
    documented(lab, "eth1")
    report = sync(Settings(), State(), metadata_argument=str(document("documented")), kernel=VanishingNic(lab, "eth0"))
    assert report.exit_code == 1
    assert table(lab) == ["default via 11.8.0.1 dev eth1 proto static", CONNECTED[1], HOST_ROUTE]


def test_one_refused_route_does_not_stop_the_others(lab: Lab, tmp_path: Path) -> None:
    documented(lab, "eth0")
    # The kernel refuses a broadcast address as a gateway; of this one only its local table knows.
    lab.ip("route", "add", "broadcast", "11.8.0.77", "dev", "eth1", "table", "local")
    value: Dict[str, Any] = json.loads(document("documented").read_text().replace('11.8.0.1"', '11.8.0.77"'))
    value["networks"][1]["routes"].append(
        {"network": "198.51.100.0", "netmask": "255.255.255.0", "gateway": "10.65.0.1"}
    )
    ran = run(lab, f"sync --metadata {write_document(tmp_path / 'two.json', value)}")
    assert ran.code == 1
    refusal = "cannot add 11.11.0.0/16 via 11.8.0.77 dev eth1 proto guest-routes: Nexthop has invalid gateway (EINVAL)"
    assert refusal in ran.err
    assert "failed: 1 of 2 changes refused by the kernel" in ran.out
    assert "+ 11.11.0.0/16" not in ran.out
    assert table(lab) == [*DOCUMENTED[:-1], "198.51.100.0/24 via 10.65.0.1 dev eth0 proto 121"]
    assert run(lab, "status").code == 1


class OthersLeave(RtnetlinkKernel):
    """The real kernel, in which another program takes its default away right after the first write."""

    def __init__(self, lab: Lab, *words: str) -> None:
        super().__init__()
        self.lab, self.words = lab, words

    def apply(self, operations: Sequence[Operation]) -> Tuple[Failure, ...]:
        failures = super().apply(operations)
        if self.words:
            self.lab.ip("route", "delete", *self.words)
            self.words = ()
        return failures


@pytest.mark.parametrize("outside", [True, False])
def test_a_roll_back_never_takes_the_last_default(lab: Lab, outside: bool) -> None:
    """What was there before the pass is gone by then: the old state has no default to put back (R7)."""
    documented(lab, "")
    lab.nic("eth9", "fa:16:3e:00:00:09", "192.0.2.7/24", gateways=("192.0.2.1/24",))
    others = ("default", "via", "192.0.2.1", "dev", "eth9", "metric", "500")
    lab.ip("route", "add", *others)
    kernel = OthersLeave(lab, *(others if outside else ()))
    path = document("documented")
    fetched = Document(path.read_bytes(), Provenance("http", "http://169.254.169.254", ("eth0",)))
    report = program(fetched, Settings(), State(), kernel)
    assert report.errors == (RolledBack("metadata-unreachable", 0, 1 if outside else 0),)
    assert HOST_ROUTE not in table(lab)
    kept = "default via 10.65.0.1 dev eth0 proto 121 metric 501" if outside else " ".join(others)
    assert [line for line in table(lab) if line.startswith("default")] == [kept]


def test_a_pass_that_cuts_the_way_to_the_metadata_is_rolled_back(lab: Lab) -> None:
    before = documented(lab, "eth0")
    lab.metadata_server(document("documented"))
    # Only what comes by eth0 through its gateway reaches the service.
    lab.hypervisor("sysctl", "-qw", "net.ipv4.conf.tap-eth0.arp_ignore=1")
    lab.hypervisor("ip", "rule", "add", "priority", "10", "lookup", "local")
    lab.hypervisor("ip", "rule", "delete", "priority", "0")
    lab.hypervisor("ip", "rule", "add", "priority", "5", "iif", "tap-eth1", "to", "169.254.169.254", "blackhole")
    ran = run(lab, "sync --metadata-urls http://169.254.169.254 --default nic=eth1")
    assert ran.code == 1
    assert "the metadata service can't be reached since the routes were written" in ran.err
    assert "the routes are as they were before the pass" in ran.err
    assert "failed; above is what was planned" in ran.out
    assert table(lab) == before
    assert run(lab, "status").code == 1
    assert run(lab, "withdraw").code == 0
    assert table(lab) == before


def whole(terminal: int) -> str:
    """All that was written to it; its other end is closed."""
    parts = []
    while True:
        try:
            parts.append(os.read(terminal, 65536))
        except OSError as error:
            assert error.errno == errno.EIO
            os.close(terminal)
            return b"".join(parts).decode()


def test_on_a_terminal_waiting_is_a_live_line_and_errors_are_folded(lab: Lab) -> None:
    documented(lab)
    lab.metadata_server(None, "--behave", "hang")
    terminal, other_end = pty.openpty()
    command = [sys.executable, "-m", "guest_routes", "sync", "--deadline-seconds", "3", "--color", "never"]
    ran = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=other_end)
    os.close(other_end)
    shown = whole(terminal)
    live, _, message = shown.rpartition("\r\x1b[K")
    assert ran.returncode == 4
    told = live.split("\r\x1b[K")[1:]
    assert all(text.startswith("asking 169.254.169.254 ") for text in told)
    assert told[-1].partition(" (")[0] == "asking 169.254.169.254 and fe80::a9fe:a9fe through eth0, eth1"
    assert len(told) > 1
    assert message.startswith("guest-routes: cannot find network_data.json")
    assert max(map(len, message.splitlines())) <= 80
