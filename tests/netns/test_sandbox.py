"""The tests' own safety: nothing runs in the machine's network namespace."""

from __future__ import annotations

import os

import pytest

from tests.support import sandbox
from tests.support.lab import Lab


def test_a_lab_has_nothing_but_its_own_nics(lab: Lab) -> None:
    lab.documented_nics()
    assert lab.routes() == [
        "10.65.0.0/24 dev eth0 proto kernel scope link src 10.65.0.7",
        "11.8.0.0/24 dev eth1 proto kernel scope link src 11.8.0.9",
    ]


def test_a_pass_outside_a_namespace_of_ours_is_refused(monkeypatch: pytest.MonkeyPatch, lab: Lab) -> None:
    monkeypatch.setattr(sandbox, "_machine_netns", os.stat("/proc/self/ns/net").st_ino)
    with pytest.raises(RuntimeError, match="the machine's own network namespace"):
        lab.run("status")
