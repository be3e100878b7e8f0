"""What is built is built of what is named here: pinned by checksum; the sdist has all that its tests need."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINS = (ROOT / "packaging/zipapp.txt").read_text()
SCRIPTS = [
    path for folder in ("packaging", "tests") for path in sorted((ROOT / folder).rglob("*"))
    if path.is_file() and path.suffix in ("", ".example", ".sh") and path.stat().st_mode & 0o444
]  # fmt: skip
UNCHECKED = (
    r"--no-check-gpg|AllowUnauthenticated|--allow-unauthenticated|AllowInsecure|trusted=yes|--nogpgcheck|"
    r"Check-(?:Valid-Until|Date)=false|--trusted-host|curl [^|\n]*(?:-k|--insecure)\b|\| *(?:ba)?sh\b"
)
"""What would take a file that nobody has vouched for."""


@pytest.mark.parametrize("path", sorted((ROOT / "tests").glob("make-*")), ids=lambda path: path.name)
def test_what_makes_a_chroot_is_run_by_make(path: Path) -> None:
    assert f"@tests/{path.name}" in (ROOT / "Makefile").read_text()


def test_the_single_file_is_made_of_packages_by_their_checksums() -> None:
    lines = [line for line in PINS.splitlines() if line and not line.startswith("#")]
    assert {line.partition("==")[0] for line in lines} == {
        "certifi", "charset-normalizer", "idna", "pyyaml", "requests", "urllib3",
    }  # fmt: skip
    for line in lines:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+ --hash=sha256:[0-9a-f]{64}", line), line
    zipapp = (ROOT / "packaging/build").read_text().partition("\nzipapp)")[2].partition("\n    ;;")[0]
    installs = zipapp.replace("\\\n", " ").count("pip install")
    assert (installs, zipapp.count("--require-hashes"), zipapp.count("--no-deps")) == (1, 1, 1)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_check_is_switched_off(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    assert re.findall(UNCHECKED, text) == []
