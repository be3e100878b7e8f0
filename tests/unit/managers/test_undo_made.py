"""Files that `correct` made are undone too: they go."""

from __future__ import annotations

from pathlib import Path
from typing import Dict

from guest_routes.managers.rewrite import rewrite
from guest_routes.managers.undo import undo
from guest_routes.model.configuration import CORRECTED, ORIGINALS
from guest_routes.model.settings import Settings
from tests.support.rendered import rendered
from tests.support.reports import projected

MADE = "/etc/sysconfig/network-scripts/route-eth1"


def put(root: Path) -> None:
    """What cloud-init renders on EL of the host route under the wrong subnet."""
    for path, text in rendered("el-26.2", "wrong-subnet").items():
        file = Path(str(root) + path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def tree(root: Path) -> Dict[str, str]:
    return {str(path)[len(str(root)) :]: path.read_text() for path in root.rglob("*") if path.is_file()}


def test_a_made_file_goes_and_the_rest_is_as_before(tmp_path: Path) -> None:
    put(tmp_path)
    before = tree(tmp_path)
    assert rewrite(Settings(), lambda: projected("wrong-subnet"), root=str(tmp_path)).exit_code == 0
    now = tree(tmp_path)
    assert MADE in now
    assert CORRECTED + MADE in now and ORIGINALS + MADE not in now
    done = undo(str(tmp_path))
    assert done.exit_code == 0, done
    assert MADE in done.restored
    assert tree(tmp_path) == before


def test_a_made_file_that_somebody_has_changed_stays(tmp_path: Path) -> None:
    put(tmp_path)
    rewrite(Settings(), lambda: projected("wrong-subnet"), root=str(tmp_path))
    made = Path(f"{tmp_path}{MADE}")
    made.write_text(made.read_text() + "# mine\n")
    done = undo(str(tmp_path))
    assert done.left == (MADE,)
    assert made.exists()


def test_where_it_can_not_be_made_nothing_is_corrected(tmp_path: Path) -> None:
    put(tmp_path)
    before = tree(tmp_path)
    in_the_way = Path(f"{tmp_path}{MADE}.new")
    in_the_way.mkdir()
    (in_the_way / "x").write_text("")
    done = rewrite(Settings(), lambda: projected("wrong-subnet"), root=str(tmp_path))
    assert done.refused
    assert {path: text for path, text in tree(tmp_path).items() if path in before} == before
