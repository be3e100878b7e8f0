"""bytecode.py: our modules as the library imports them, from the same files, and left to it wherever there is doubt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, Dict

import pytest

SOURCES = {
    "__init__.py": "",
    "one.py": "value = 1\n",
    "two.py": "from .inner import value\nfrom . import one\n",
    "inner/__init__.py": "from .deep import value\n",
    "inner/deep.py": "from ..one import value\ndef fails():\n    raise ValueError\n",
}
BYTECODE = Path(__file__).parent.parent.parent / "guest_routes" / "bytecode.py"
SHOWN = """
import sys, json, traceback
sys.path.insert(0, sys.argv[1])
if sys.argv[2] == "quick":
    from package.bytecode import find_quickly
    find_quickly()
import package.two
try:
    package.inner.deep.fails()
except ValueError as error:
    trace = traceback.format_exception(type(error), error, error.__traceback__)
found = {}
for name, module in sorted(sys.modules.items()):
    if name.startswith("package") and name != "package.bytecode":
        spec = module.__spec__
        found[name] = {
            "file": module.__file__, "cached": module.__cached__, "package": module.__package__, "doc": module.__doc__,
            "path": getattr(module, "__path__", None), "origin": spec.origin, "spec cached": spec.cached,
            "parent": spec.parent, "has_location": spec.has_location, "places": spec.submodule_search_locations,
            "source": module.__loader__.get_source(name), "is_package": module.__loader__.is_package(name),
            "code": module.__loader__.get_code(name).co_filename,
        }
quick = [name for name in found if type(sys.modules[name].__loader__).__module__ == "package.bytecode"]
print(json.dumps({"modules": found, "trace": trace, "quick": quick, "value": package.two.one.value}))
"""
QUICK = ["package.inner", "package.inner.deep", "package.one", "package.two"]
"""The package itself is there before anything of it can be asked."""


def imported(place: Path, how: str = "quick", *options: str) -> Dict[str, Any]:
    """What a process of its own imports from there."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [sys.executable, *options, "-c", SHOWN, str(place), how]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert ran.returncode == 0, ran.stderr
    found: Dict[str, Any] = json.loads(ran.stdout)
    return found


@pytest.fixture()
def place(tmp_path: Path) -> Path:
    """A folder with a package and its bytecode."""
    for name, source in {**SOURCES, "bytecode.py": BYTECODE.read_text()}.items():
        path = tmp_path / "package" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    assert imported(tmp_path)["quick"] == []  # There was no bytecode yet, and the library has written it.
    return tmp_path


def of(place: Path, module: str) -> Path:
    """A module's bytecode."""
    (path,) = (place / "package" / "__pycache__").glob(f"{module}.*.pyc")
    return path


def test_modules_are_as_the_library_imports_them(place: Path) -> None:
    """The same files, names, packages, sources and tracebacks."""
    quick, library = imported(place), imported(place, "library")
    assert (quick["quick"], library["quick"]) == (QUICK, [])
    assert quick["modules"] == library["modules"]
    assert quick["trace"] == library["trace"]


def test_a_changed_source_is_read(place: Path) -> None:
    """By its time alone, where its size is the same."""
    source = place / "package" / "one.py"
    source.write_text("value = 2\n")
    os.utime(source, (1, 1))
    found = imported(place)
    assert (found["value"], "package.one" in found["quick"]) == (2, False)
    assert imported(place)["quick"] == QUICK  # The library has written it anew.


def test_a_longer_source_is_read(place: Path) -> None:
    """By its size alone, where its time is the same."""
    source = place / "package" / "one.py"
    about = source.stat()
    source.write_text("value = 22\n")
    os.utime(source, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert imported(place)["value"] == 22


@pytest.mark.parametrize("damage", [b"", b"\0" * 15, b"\0" * 100], ids=["empty", "short", "another Python's"])
def test_bytecode_of_another_kind_is_left_to_the_library(place: Path, damage: bytes) -> None:
    """Which compiles the source."""
    of(place, "one").write_bytes(damage)
    found = imported(place)
    assert (found["value"], "package.one" in found["quick"]) == (1, False)


def test_bytecode_with_a_hash_is_left_to_the_library(place: Path) -> None:
    """PEP 552: whether the source is looked at stands in its flags."""
    mode = "import py_compile as p, sys; p.compile(sys.argv[1], invalidation_mode=p.PycInvalidationMode.CHECKED_HASH)"
    source = place / "package" / "one.py"
    subprocess.run([sys.executable, "-c", mode, str(source)], check=True)
    source.write_text("value = 3\n")
    assert imported(place)["value"] == 3


def test_without_a_source_the_library_says_what_is_missing(place: Path) -> None:
    """Bytecode in __pycache__ alone is no module."""
    (place / "package" / "one.py").unlink()
    with pytest.raises(AssertionError, match=r"No module named 'package\.one'"):
        imported(place)


def test_a_tree_that_was_moved_has_its_new_names(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """In tracebacks, as the library corrects them."""
    new = tmp_path_factory.mktemp("new") / "place"
    place.rename(new)
    found = imported(new)
    assert found["quick"] == []
    assert any(str(new) in line for line in found["trace"])


@pytest.mark.parametrize("options", [("-O",), ("-OO",)])
def test_optimized_bytecode_is_another_file(place: Path, options: tuple[str, ...]) -> None:
    """The first time there is none, and the library writes it."""
    assert imported(place, "quick", *options)["quick"] == []
    assert imported(place, "quick", *options)["quick"] == QUICK


def test_where_bytecode_is_kept_elsewhere_the_library_imports(place: Path, tmp_path: Path) -> None:
    """PYTHONPYCACHEPREFIX."""
    options = ("-X", f"pycache_prefix={tmp_path / 'elsewhere'}")
    assert imported(place, "quick", *options)["quick"] == []
    assert imported(place, "quick", *options)["quick"] == []


def test_an_archive_is_left_to_the_library(place: Path) -> None:
    """The single file."""
    archive = place / "package.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in (*SOURCES, "bytecode.py"):
            file.write(place / "package" / name, f"package/{name}")
    ran = subprocess.run(
        [sys.executable, "-c", "import sys; sys.path.insert(0, sys.argv[1]); from package import bytecode as b;"
         "b.find_quickly(); import package.two; print(package.two.one.value, package.two.__loader__)", str(archive)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.startswith("1 <zipimporter")
