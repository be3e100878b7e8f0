"""What `correct` has changed, put back: only where nobody has changed it since."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

import pytest

from guest_routes.managers.rewrite import rewrite
from guest_routes.managers.undo import undo
from guest_routes.model.configuration import CORRECTED, ORIGINALS, Reverted
from guest_routes.model.settings import Settings
from guest_routes.output.configuration import reverted_json, reverted_lines
from guest_routes.output.words.verdicts import rewrite_error_text
from tests.unit.managers.test_rewrite import ETH0, ETH1, FOLDER, decided, rendered

PATHS = (f"/{FOLDER}/10-cloud-init-eth0.network", f"/{FOLDER}/10-cloud-init-eth1.network")


@pytest.fixture
def corrected(tmp_path: Path) -> Tuple[Path, Path]:
    files = rendered(tmp_path)
    assert rewrite(Settings(), decided, root=str(tmp_path)).written
    return files


def test_every_file_is_as_cloud_init_wrote_it(tmp_path: Path, corrected: Tuple[Path, Path]) -> None:
    done = undo(str(tmp_path))
    assert done == Reverted(PATHS)
    assert done.exit_code == 0
    assert [path.read_text() for path in corrected] == [ETH0, ETH1]
    assert corrected[0].stat().st_mode & 0o777 == 0o640
    assert [path for top in (ORIGINALS, CORRECTED) for path in Path(str(tmp_path) + top).rglob("*")] == []
    assert undo(str(tmp_path)) == Reverted(())
    assert rewrite(Settings(), decided, root=str(tmp_path)).written  # and corrected again, when asked


def test_what_somebody_has_changed_stays(tmp_path: Path, corrected: Tuple[Path, Path]) -> None:
    corrected[0].write_text("mine\n")
    done = undo(str(tmp_path))
    assert done == Reverted(PATHS[1:], PATHS[:1])
    assert done.exit_code == 1
    assert corrected[0].read_text() == "mine\n"
    assert Path(f"{tmp_path}{ORIGINALS}{PATHS[0]}").read_text() == ETH0
    said = "\n".join(reverted_lines(done))
    assert (
        f"! {PATHS[0]}: stays, since somebody has changed it; its original, if it had one: {ORIGINALS}{PATHS[0]}"
        in said
    )
    assert "undone: 1 file" in said


def test_what_somebody_has_removed_stays_away_and_its_original_kept(
    tmp_path: Path, corrected: Tuple[Path, Path]
) -> None:
    corrected[0].unlink()
    done = undo(str(tmp_path))
    assert done == Reverted(PATHS[1:], gone=PATHS[:1])
    assert done.exit_code == 1 and not corrected[0].exists()
    original = Path(f"{tmp_path}{ORIGINALS}{PATHS[0]}")
    assert original.read_text() == ETH0
    words = f"! {PATHS[0]}: not restored, since somebody has removed it; its original: {ORIGINALS}{PATHS[0]}"
    assert words in "\n".join(reverted_lines(done))
    assert reverted_json(done)["left"] == list(PATHS[:1])
    assert undo(str(tmp_path)) == Reverted((), gone=PATHS[:1])  # said again, until nobody needs it
    original.unlink()
    assert undo(str(tmp_path)) == Reverted(())


def test_what_has_lost_its_original_stays_and_nobody_is_said_to_have_changed_it(
    tmp_path: Path, corrected: Tuple[Path, Path]
) -> None:
    Path(f"{tmp_path}{ORIGINALS}{PATHS[0]}").unlink()
    before = corrected[0].read_text()
    done = undo(str(tmp_path))
    assert done == Reverted(PATHS[1:], lost=PATHS[:1])
    assert (done.exit_code, corrected[0].read_text(), reverted_json(done)["left"]) == (1, before, list(PATHS[:1]))
    words = (
        f"! {PATHS[0]}: stays as it is, since its original has gone from {ORIGINALS}; correct it by hand, then remove "
        f"{CORRECTED}{PATHS[0]}"
    )
    assert words in reverted_lines(done)
    Path(f"{tmp_path}{CORRECTED}{PATHS[0]}").unlink()
    assert undo(str(tmp_path)) == Reverted(())


def test_what_is_as_it_was_is_forgotten(tmp_path: Path, corrected: Tuple[Path, Path]) -> None:
    for path, text in zip(corrected, (ETH0, ETH1)):
        path.write_text(text)
    assert undo(str(tmp_path)) == Reverted(())
    assert reverted_lines(undo(str(tmp_path))) == ["nothing to undo: `correct` has changed no file"]


def test_what_can_not_be_written_is_said_and_stays_kept(tmp_path: Path, corrected: Tuple[Path, Path]) -> None:
    before = corrected[0].read_text()
    corrected[0].with_name(corrected[0].name + ".new").mkdir()
    done = undo(str(tmp_path))
    assert (done.restored, done.exit_code) == (PATHS[1:], 1)
    assert "it stays as `correct` left it" in done.errors[0].detail
    assert corrected[0].read_text() == before
    assert Path(f"{tmp_path}{ORIGINALS}{PATHS[0]}").read_text() == ETH0
    assert reverted_json(done)["errors"] == [rewrite_error_text(one) for one in done.errors]
