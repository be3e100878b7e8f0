"""Answers made to take memory or time, and a neighbour that answers first: what the child and a pass by hand do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple

import pytest

from guest_routes.evidence.instance import KnownInstance, known_instance
from guest_routes.kernel.open import open_kernel
from guest_routes.state.store import State
from tests.support.lab import Lab, document, write_document
from tests.support.passes import DOCUMENTED, documented, table
from tests.support.raw_answers import MODES
from tests.support.service import FAST, Start

ROOT = Path(__file__).parents[2]
TRUE = "7c6f0d2e-5b6a-4c9e-9a3f-0f6c6a5b1e11"
FALSE = "0badc0de-5b6a-4c9e-9a3f-0f6c6a5b1e11"
LIMIT_KIB = 100_000
CHILD = """
import sys, time
from guest_routes.model.settings import Settings
from guest_routes.service.child import fetch
from guest_routes.service.child.process import result_of
from guest_routes.state.store import State
settings = Settings(sources=("http",), deadline_seconds=4.0, metadata_urls=("http://169.254.169.254",))
answer = result_of(lambda: fetch._ask(settings, State(), ""), 6 << 20)
got = fetch.parse_answer(answer)
print(got if isinstance(got, str) else "Document()")
"""
SAME_PROCESS = """
from guest_routes.evidence.http import fetch
from guest_routes.kernel.open import open_kernel
from guest_routes.model.settings import Settings
settings = Settings(sources=("http",), deadline_seconds=4.0, metadata_urls=("http://169.254.169.254",))
got = fetch(settings.metadata_urls, settings, open_kernel("rtnetlink").nics, lambda text: None)
print(got if isinstance(got, str) else "Document()")
"""


def peak(program: str, *path: str) -> Tuple[str, int, float]:
    """What it prints, the peak memory in KiB of it or a child of its, and the seconds that it took."""
    more = "\nimport resource\nprint(max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, " \
        "resource.RUSAGE_CHILDREN)))"  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((*path, str(ROOT)))}
    started = time.monotonic()
    # The shell's child: one of the tests' own process would count what that had when it was forked.
    command = ["sh", "-c", '"$@"; exit', "sh", sys.executable, "-c", program + more]
    ran = subprocess.run(command, text=True, capture_output=True, timeout=60, env=environment)
    assert ran.returncode == 0, ran.stderr
    printed, _, kib = ran.stdout.rstrip().rpartition("\n")
    return printed, int(kib), time.monotonic() - started


@pytest.mark.parametrize("program", [CHILD, SAME_PROCESS], ids=["child", "by hand"])
@pytest.mark.parametrize("mode", MODES)
def test_memory_and_time_of_an_answer_are_bounded(lab: Lab, mode: str, program: str) -> None:
    """With the urllib3 that is installed, and another where OLD_URLLIB3 names its folder."""
    documented(lab)
    lab.metadata_server(document("documented"), "--behave", mode)
    for path in filter(None, ("", os.environ.get("OLD_URLLIB3", ""))) if "OLD_URLLIB3" in os.environ else ("",):
        printed, kib, seconds = peak(program, *([path] if path else []))
        assert kib < LIMIT_KIB and seconds < 8, (printed[-200:], kib, seconds)
        assert "Document(" not in printed or mode in ("trailer", "trailers", "objects"), printed[:200]


# ---- the neighbour ----------------------------------------------------------------------------------


@pytest.fixture
def settings() -> Iterator[Path]:
    """A settings file: only HTTP, a short deadline."""
    path = Path("/etc/guest-routes.yaml")
    path.write_text("sources: [http, leases]\ndeadline_seconds: 1.5\nmetadata_urls: ['http://169.254.169.254']\n")
    yield path
    path.unlink()


def serve(lab: Lab, tmp_path: Path, nic: str, uuid: str, mode: str = "ok", extra: str = "") -> None:
    """A metadata service that answers through one NIC, with that uuid, and one host route more for a false one."""
    value = json.loads(document("documented").read_text())
    if extra:
        value["networks"][1]["routes"].append({"network": extra, "netmask": "255.255.255.0", "gateway": "11.8.0.1"})
    path = write_document(tmp_path / f"{nic}.json", value)
    meta_data = write_document(tmp_path / f"{nic}.meta.json", {"uuid": uuid} if uuid else {})
    options = ("--only", "ipv4", "--device", f"tap-{nic}", "--behave", mode, "--log", str(tmp_path / f"{nic}.log"))
    lab.metadata_server(path, "--meta-data", str(meta_data), *options)


def kept(lab: Lab, tmp_path: Path, nic: str = "eth0") -> None:
    """A pass, whose document came through that NIC and is kept with the true uuid."""
    documented(lab)
    serve(lab, tmp_path, nic, TRUE)
    assert lab.run("sync").returncode == 0
    for child in list(lab._children)[1:]:
        lab.stop(child)
    (tmp_path / f"{nic}.log").unlink()


def known() -> KnownInstance:
    """What a pass would know now."""
    kernel = open_kernel("rtnetlink")
    try:
        return known_instance(State(), kernel.nics())
    finally:
        kernel.close()


def sync(lab: Lab) -> Dict[str, Any]:
    """A pass by hand."""
    ran = lab.run("sync", "--json")
    assert ran.returncode in (0, 5), ran.stderr
    value: Dict[str, Any] = json.loads(ran.stdout)
    return value


def test_the_true_service_is_waited_for(lab: Lab, tmp_path: Path, settings: Path) -> None:
    """T6: it answers after 0.6 s, the neighbour at once."""
    kept(lab, tmp_path)
    serve(lab, tmp_path, "eth0", TRUE, "slow=0.6")
    serve(lab, tmp_path, "eth1", FALSE, extra="8.8.8.0")
    for _ in range(2):
        assert not [text for text in sync(lab)["warnings"] if "instance" in text]
        assert table(lab) == DOCUMENTED
    assert (tmp_path / "eth1.log").read_text(), "the neighbour was never asked"


def test_the_service_waits_as_well(lab: Lab, start: Start, tmp_path: Path, settings: Path) -> None:
    kept(lab, tmp_path)
    serve(lab, tmp_path, "eth0", TRUE, "slow=0.6")
    serve(lab, tmp_path, "eth1", FALSE, extra="8.8.8.0")
    service = start(settings={**FAST, "deadline_seconds": 2})
    service.wait(lambda: (tmp_path / "eth1.log").exists() and service.record.get("refreshed"))
    assert table(lab) == DOCUMENTED and "instance" not in service.log


THEIRS = pytest.mark.parametrize("uuid, text", [
    (FALSE, f"is of instance {FALSE}, and this is instance {TRUE}"),
    ("", f"doesn't say which instance it is of; this is instance {TRUE}"),
], ids=["another", "unnamed"])  # fmt: skip


@THEIRS
def test_a_neighbour_alone_is_used_at_the_deadline_with_a_warning(
    lab: Lab, tmp_path: Path, settings: Path, uuid: str, text: str
) -> None:
    kept(lab, tmp_path)
    serve(lab, tmp_path, "eth1", uuid, extra="8.8.8.0")
    before = Path("/var/lib/guest-routes/last-known-good").read_bytes()
    started = time.monotonic()
    (warning,) = [text for text in sync(lab)["warnings"] if "instance" in text]
    assert time.monotonic() - started > 1.5
    assert warning == (
        f"the metadata of http://169.254.169.254 through eth1 {text}. It is used, and not kept, since nothing else "
        "answered within the deadline; check which machine answers there"
    )
    assert "8.8.8.0/24 via 11.8.0.1 dev eth1 proto 121" in table(lab)
    assert Path("/var/lib/guest-routes/last-known-good").read_bytes() == before, "it is this instance's no longer"
    assert known().uuid == TRUE


@pytest.fixture
def proven(settings: Path) -> Iterator[None]:
    """cloud-init has found the instance's uuid in this boot; what was kept counts."""
    settings.write_text(settings.read_text().replace("leases]", "last-known-good]"))
    Path("/run/cloud-init").mkdir()
    Path("/run/cloud-init/.instance-id").write_text(TRUE + "\n")
    yield
    shutil.rmtree("/run/cloud-init")


@THEIRS
def test_where_the_instance_is_proven_a_neighbour_alone_moves_nothing(
    lab: Lab, tmp_path: Path, settings: Path, proven: None, uuid: str, text: str
) -> None:
    kept(lab, tmp_path)
    serve(lab, tmp_path, "eth1", uuid, extra="8.8.8.0")
    (warning,) = [text for text in sync(lab)["warnings"] if "instance" in text]
    assert warning == (
        f"http: the metadata of http://169.254.169.254 through eth1 {text}"
        "; using last known good (from http://169.254.169.254 through eth0)"
    )
    assert table(lab) == DOCUMENTED


@THEIRS
def test_nor_does_it_in_the_service(
    lab: Lab, start: Start, tmp_path: Path, settings: Path, proven: None, uuid: str, text: str
) -> None:
    kept(lab, tmp_path)
    serve(lab, tmp_path, "eth1", uuid, extra="8.8.8.0")
    service = start(settings={**FAST, "sources": ["http", "last-known-good"], "deadline_seconds": 1})
    service.wait_said(text)
    assert table(lab) == DOCUMENTED


def test_an_answer_without_a_uuid_waits_too(lab: Lab, tmp_path: Path, settings: Path) -> None:
    kept(lab, tmp_path)
    serve(lab, tmp_path, "eth0", TRUE, "slow=0.6")
    serve(lab, tmp_path, "eth1", "", extra="8.8.8.0")
    sync(lab)
    assert table(lab) == DOCUMENTED


def test_of_two_without_a_uuid_the_one_that_answered_last_time_counts(lab: Lab, tmp_path: Path, settings: Path) -> None:
    """The true service has no meta_data.json for a while."""
    kept(lab, tmp_path)
    serve(lab, tmp_path, "eth0", "", "slow=0.6")
    serve(lab, tmp_path, "eth1", "", extra="8.8.8.0")
    sync(lab)
    assert table(lab) == DOCUMENTED


def test_on_a_first_boot_what_cloud_init_found_identifies_the_instance(
    lab: Lab, tmp_path: Path, settings: Path, proven: None
) -> None:
    """Nothing is kept yet, and this machine's DMI has no uuid."""
    documented(lab)
    serve(lab, tmp_path, "eth0", TRUE, "slow=0.6")
    serve(lab, tmp_path, "eth1", FALSE, extra="8.8.8.0")
    assert not [text for text in sync(lab)["warnings"] if "instance" in text]
    assert table(lab) == DOCUMENTED
    assert (tmp_path / "eth1.log").read_text(), "the neighbour was never asked"


def test_who_answered_last_is_asked_first_and_alone(lab: Lab, tmp_path: Path, settings: Path) -> None:
    """A first answer within an interval leaves the others unasked."""
    kept(lab, tmp_path, "eth1")
    assert known() == KnownInstance(TRUE, "http://169.254.169.254", ("eth1",))
    serve(lab, tmp_path, "eth1", TRUE)
    serve(lab, tmp_path, "eth0", TRUE, "slow=0.1")
    sync(lab)
    assert (tmp_path / "eth1.log").exists() and not (tmp_path / "eth0.log").exists()
