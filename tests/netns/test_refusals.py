"""What could not be done isn't reported as done: each refusal, at each operation, by both engines (R18)."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import List, Tuple

import pytest

from guest_routes.errors import KernelError
from guest_routes.model.operations import Add, Operation, Promote, RestoreDefault
from guest_routes.model.settings import Settings
from guest_routes.output.json_documents import report_json, withdrawal_json
from guest_routes.output.report import left_texts, report_lines, withdrawal_lines
from guest_routes.state.store import State
from guest_routes.sync import sync
from guest_routes.withdraw import withdraw
from tests.support.lab import MACS, Lab, document
from tests.support.passes import Watch, run, table
from tests.support.refusals import ENGINES, ERRORS, MOST, RefusingKernel

FILE = str(document("dual-stack"))


def instance(lab: Lab) -> Tuple[List[str], List[str]]:
    """Both families, two defaults of each, and routes of ours from an earlier document; the tables without those."""
    lab.nic("eth0", MACS[0], "10.65.0.7/24", "fd00:65::7/64", gateways=("10.65.0.1/24", "fd00:65::1/64"))
    lab.nic("eth1", MACS[1], "11.8.0.9/24", "fd00:8::9/64", gateways=("11.8.0.1/24", "fd00:8::1/64"))
    for nic, *gateways in (("eth0", "10.65.0.1", "fd00:65::1"), ("eth1", "11.8.0.1", "fd00:8::1")):
        for gateway in gateways:
            lab.ip("route", "append", "default", "via", gateway, "dev", nic, "proto", "static")
    original = tables(lab)
    lab.ip("route", "add", "172.16.0.0/24", "via", "11.8.0.1", "dev", "eth1", "proto", "121")
    lab.ip("route", "add", "11.11.0.0/16", "via", "10.65.0.1", "dev", "eth0", "proto", "121", "metric", "5")
    return original


def tables(lab: Lab) -> Tuple[List[str], List[str]]:
    return table(lab), table(lab, 6)


def is_so(kernel: RefusingKernel, operation: Operation) -> bool:
    """Whether the table is as an operation that was carried out leaves it."""
    route = operation.route
    same = [
        one for one in kernel.snapshot(254).routes
        if (one.destination, one.gateway, one.ifindex, one.protocol)
        == (route.destination, route.gateway, route.ifindex, route.protocol)
    ]  # fmt: skip
    return bool(same) == isinstance(operation, (Add, Promote, RestoreDefault))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("code", ERRORS, ids=lambda code: errno.errorcode[code])
def test_sync(lab: Lab, engine: str, code: int) -> None:
    original = instance(lab)
    wanted = None
    for number in range(MOST):
        watch = Watch()
        kernel = RefusingKernel(engine, number, code)
        report = sync(Settings(), State(), kernel=kernel, metadata_argument=FILE)
        refused = kernel.seen > number
        assert all(is_so(kernel, one) for one in report.outcome.done)
        assert len(report.outcome.failures) == refused
        assert report.exit_code == (1 if refused else 0)
        text, value = "\n".join(report_lines(report)), report_json(report, "sync")
        assert ("failed: 1 of" in text, len(value["failures"]), value["exit_code"] == 0) == (
            refused,
            refused,
            not refused,
        )
        assert watch.fewest_defaults(2) >= 1
        watch.close()
        # The next pass completes it.
        again = sync(Settings(), State(), kernel=RefusingKernel(engine, MOST, 0), metadata_argument=FILE)
        assert again.exit_code == 0
        wanted = wanted or tables(lab)
        assert tables(lab) == wanted
        assert run(lab, "withdraw").code == 0
        assert tables(lab) == original
        if not refused:
            return
    pytest.fail(f"a pass has {MOST} operations and more")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("code", ERRORS, ids=lambda code: errno.errorcode[code])
def test_withdraw(lab: Lab, engine: str, code: int) -> None:
    original = instance(lab)
    for number in range(MOST):
        assert run(lab, f"sync --metadata {FILE}").code == 0
        watch = Watch()
        kernel = RefusingKernel(engine, number, code)
        done = withdraw(Settings(), State(), kernel)
        refused = kernel.seen > number
        assert all(is_so(kernel, one) for one in done.outcome.done)
        assert (len(done.outcome.failures), done.exit_code) == (refused, 1 if refused else 0)
        value = withdrawal_json(done)
        assert (len(value["failures"]), value["exit_code"]) == (refused, done.exit_code)
        shown = [line for line in withdrawal_lines(done, verbose=True) if line.startswith(("+", "-"))]
        assert len(shown) == len(done.outcome.done)
        if refused:
            assert left_texts(done) or not is_so(kernel, done.outcome.failures[0].operation)
            if isinstance(done.outcome.failures[0].operation, RestoreDefault):
                assert State().recorded_defaults(done.after.nics)  # what isn't back isn't forgotten
        assert watch.fewest_defaults(1) >= 1
        watch.close()
        assert run(lab, "withdraw").code == 0
        assert tables(lab) == original
        if not refused:
            return
    pytest.fail(f"a withdrawal has {MOST} operations and more")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_withdrawal_of_which_nothing_was_possible_is_none(lab: Lab, engine: str) -> None:
    """Without CAP_NET_ADMIN: the service goes on."""
    from tests.netns.test_bad_days import less_privileged

    instance(lab)
    assert run(lab, f"sync --metadata {FILE}").code == 0
    before = tables(lab)
    ran = less_privileged(lab, "--bounding-set", "-net_admin", "--", "withdraw", "--engine", engine)
    assert (ran.code, tables(lab)) == (1, before)
    assert "withdrawn" not in ran.out
    assert "(EPERM); this needs root (CAP_NET_ADMIN)" in ran.err
    assert not State().is_withdrawn()
    assert run(lab, "status").code == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("command", ["sync", "withdraw"])
def test_a_request_that_can_not_be_sent(lab: Lab, engine: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = instance(lab)
    before = tables(lab)
    if command == "withdraw":
        assert run(lab, f"sync --metadata {FILE}").code == 0
        before = tables(lab)
    kernel = RefusingKernel(engine, MOST, 0)
    real = kernel.apply

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))

    def fails(operations: List[Operation]) -> object:
        socket = kernel._kernel._socket  # type: ignore[attr-defined]
        if engine == "pyroute2":
            monkeypatch.setattr(socket, "nlm_request_batch", full)
            return real(operations)

        class Full:
            send = staticmethod(full)

        socket._socket, real_socket = Full(), socket._socket
        try:
            return real(operations)
        finally:
            socket._socket = real_socket

    monkeypatch.setattr(kernel, "apply", fails)
    with pytest.raises(KernelError, match="cannot send a request to the kernel: No buffer space available"):
        if command == "sync":
            sync(Settings(), State(), kernel=kernel, metadata_argument=FILE)
        else:
            withdraw(Settings(), State(), kernel)
    assert tables(lab) == before
    assert not State().is_withdrawn()
    assert run(lab, "withdraw").code == 0
    assert tables(lab) == original


def test_files_that_can_not_be_corrected(lab: Lab) -> None:
    """`correct` on a folder that takes no file: the exit code and the text say that nothing was corrected."""
    from tests.support.disks import broken
    from tests.support.passes import documented

    documented(lab)
    folder = Path("/etc/systemd/network")
    folder.mkdir(parents=True, exist_ok=True)
    eth0 = folder / "10-cloud-init-eth0.network"
    text = "[Match]\nName=eth0\nMACAddress=fa:16:3e:00:00:01\n\n[Route]\nDestination=11.11.0.0/16\nGateway=11.8.0.1\n"
    eth0.write_text(text)
    (folder / "10-cloud-init-eth1.network").write_text(
        "[Match]\nName=eth1\nMACAddress=fa:16:3e:00:00:02\n\n[Network]\nDHCP=no\n"
    )
    path = f"--metadata {document('documented')}"
    for fault in ("read-only", "full"):
        with broken(str(folder), fault):
            ran = run(lab, f"correct {path}")
            assert (ran.code, eth0.read_text()) == (1, text)
            assert "not corrected: a file could not be written, so that all stay as they were" in ran.out
            assert "cannot write /etc/systemd/network/" in ran.err
    ran = run(lab, f"correct {path}")
    assert ran.code == 0 and "corrected: 2 files;" in ran.out
    with broken(str(folder), "read-only"):
        ran = run(lab, "correct --undo")
        assert (ran.code, "undone" in ran.out) == (1, False)
    assert run(lab, "correct --undo").code == 0
    assert eth0.read_text() == text
