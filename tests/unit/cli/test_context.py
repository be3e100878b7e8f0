"""Settings and kernel are opened once, and only when they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guest_routes.cli import context as module
from guest_routes.cli.context import Context
from guest_routes.cli.parser import parse
from guest_routes.errors import KernelError, SettingsError
from guest_routes.model.settings import Settings


@pytest.fixture(autouse=True)
def no_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings but those of the test."""
    monkeypatch.setattr(module, "SETTINGS_PATHS", (str(tmp_path / "none.yaml"),))


def context(*arguments: str) -> Context:
    return Context(parse(arguments))


def test_without_files_and_flags_the_settings_are_the_defaults() -> None:
    assert context("sync").settings == Settings()


def test_flags_and_a_file_of_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("metric: 7\ntable: 100\n")
    made = context("sync", "--settings", str(path), "--metric", "9")
    assert (made.settings.metric, made.settings.table) == (9, 100)
    path.write_text("table: 101\n")
    assert made.settings.table == 100
    assert made.read_settings().table == 101


def test_files_are_read_where_there_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "there.yaml"
    path.write_text("metric: 7\n")
    monkeypatch.setattr(module, "SETTINGS_PATHS", (str(path),))
    calls = []
    from guest_routes.settings import load

    def read(flags: Any, given: str) -> Settings:
        calls.append((flags, given))
        return Settings(metric=7)

    monkeypatch.setattr(load, "read", read)
    made = context("sync")
    assert (made.settings.metric, made.settings.metric, calls) == (7, 7, [({}, "")])


def test_broken_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("metric: x\n")
    with pytest.raises(SettingsError, match="metric"):
        _ = context("sync", "--settings", str(path)).settings


def test_the_kernel_is_opened_once_and_closed() -> None:
    made = context("sync")
    made.close()
    kernel = made.kernel
    assert made.kernel is kernel
    made.close()
    assert made.kernel is not kernel
    made.close()


def test_an_engine_that_is_not_there() -> None:
    made = context("sync", "--engine", "magic")
    with pytest.raises((SettingsError, KernelError)):
        _ = made.kernel
