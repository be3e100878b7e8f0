"""What no linter checks of the package's shape; the layers stand in pyproject.toml (import-linter, ruff's TID253)."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Iterator, List, Set

import pytest

from tests.support.sources import PACKAGE, in_modules, nodes, tree

MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 300
MAX_FILES = 14
"""Beside `__init__`; the commands are one module each, however many there are."""
MAX_FUNCTION_LINES = 50
PURE = ("model", "routing", "output")
"""Packages that do no I/O."""
SHORT_FUNCTIONS = ("model", "routing", "evidence")
"""Packages whose functions have at most MAX_FUNCTION_LINES lines."""
OLD_NAMES = frozenset(
    """
    beside testimony told speaking silent way ways leg legs front takedefault givedefault because complaint complaints
    doubt silence foresee foreseen described policy keeper look looks hear heard deeds deed undone rivals rival fights
    fight quarrel quarrels peace owed patience aside mend mended mends rendered said opinion opinions stand_in given
    by_itself uneasy trouble troubled
""".split()
)
"""Words of the private language that this package was written in once; docs/architecture.md has the terms in use."""
USUAL_NAMES = {
    "correct_rendered",  # a setting
    "look_up",  # rtnetlink's
    "register_policy",  # pyroute2's
    "set_aside", "set_aside_line",  # a document, as a court does
}  # fmt: skip
"""Names with such a word in its usual sense."""
KIND = re.compile(r"[a-z]+([-_][a-z]+)*")
"""A verdict, a kind, a reason or a source, as the package writes them."""


def names(path: Path) -> Iterator[str]:
    """Every name that a module gives to something: definitions, parameters, variables, attributes, keywords, kinds."""
    yield path.stem
    for node in nodes(path):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).rpartition(".")[2]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and KIND.fullmatch(node.value):
            yield node.value


@cache
def words(name: str) -> Set[str]:
    """The words of snake_case, CamelCase and kinds-with-hyphens, and the whole."""
    return {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)} | {name.strip("_").lower()}


@pytest.mark.parametrize(
    "name, found",
    [("_stand_in", "stand_in"), ("HearsAll", "hears"), ("set-aside", "aside"), ("UNDONE", "undone"), ("told2", "told")],
)
def test_names_are_taken_apart(name: str, found: str) -> None:
    assert found in words(name)


def old_names(path: Path) -> Set[str]:
    given = {name.strip("_").replace("-", "_") for name in names(path)}
    return {name for name in given - USUAL_NAMES if words(name) & OLD_NAMES}


def test_no_name_of_the_old_language() -> None:
    assert in_modules(old_names, MODULES) == {}


def prints(path: Path) -> List[int]:
    """The lines that do."""
    named = [node for node in nodes(path) if isinstance(node, ast.Name) and node.id == "print"]
    written = [node for node in nodes(path) if isinstance(node, ast.Attribute) and node.attr == "write"]
    return [node.lineno for node in (*named, *(one for one in written if ast.unparse(one.value) == "sys.stdout"))]


def test_only_the_terminal_prints() -> None:
    assert list(in_modules(prints, MODULES)) == ["cli/terminal.py"]


CORE = [path for path in MODULES if path.relative_to(PACKAGE).parts[0] in PURE]
COMPUTES = frozenset(
    "__future__ _bisect _collections _operator binascii difflib errno fnmatch itertools json operator typing".split()
)
"""Modules of the standard library that compute, and nothing else."""
OF_SOCKET = {"inet_aton", "inet_ntop", "inet_pton", "AF_INET", "AF_INET6"}
"""Names of _socket that open none."""
OPENERS = {"open", "__import__", "eval", "exec", "input"}


def opens(path: Path) -> Set[str]:
    """What does I/O, or may: functions, and modules that are not on the list."""
    called = {node.id for node in nodes(path) if isinstance(node, ast.Name)} & OPENERS
    found = {one.name for node in nodes(path) if isinstance(node, ast.Import) for one in node.names}
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and not node.level:
            computes = node.module == "_socket" and {one.name for one in node.names} <= OF_SOCKET
            found |= set() if computes else {str(node.module)}
    return called | (found - COMPUTES)


def test_the_core_opens_nothing() -> None:
    """No clock, no file, no process."""
    assert in_modules(opens, CORE) == {}


def lines_too_many(path: Path) -> int:
    return max(0, len(path.read_text().splitlines()) - MAX_LINES)


def test_modules_are_short() -> None:
    """Longer ones are split by subject."""
    assert in_modules(lines_too_many, MODULES) == {}


def test_packages_are_small() -> None:
    for folder in {path.parent for path in MODULES} - {PACKAGE / "cli/commands"}:
        files = len(list(folder.glob("*.py"))) - 1
        assert files <= MAX_FILES, f"{folder} has {files} files"


def test_modules_begin_with_their_law() -> None:
    assert in_modules(lambda path: not ast.get_docstring(tree(path)), MODULES) == {}


PACKAGES = sorted({path.parent for path in MODULES} - {PACKAGE})


def imported(package: Path) -> Set[str]:
    """What of guest_routes a package's own modules import, functions included: the first name below guest_routes."""
    found = set()
    for path in package.glob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        for node in nodes(path):
            if isinstance(node, ast.ImportFrom) and node.level:
                base = parts[: len(parts) - node.level]
                names = [node.module] if node.module else [one.name for one in node.names]
                found |= {(*base, *name.split("."))[1] for name in names}
    return found - {package.relative_to(PACKAGE).parts[0], "__version__"}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_packages_say_what_they_import(package: Path) -> None:
    """Each by name, or "whatever is below"."""
    law = (ast.get_docstring(tree(package / "__init__.py")) or "").partition("\n\n")[2]
    assert re.search(r"[Ii]mport", law)
    assert "whatever" in law or {name for name in imported(package) if name not in law} == set()


TESTED = ("leases", "managers", "model", "neutron", "output", "routing")
"""Packages in which each module has a unit test file of its name: they decide, read and render."""
UNTESTED = {"neutron/cloud.py"}
"""A cloud's API, by openstacksdk."""


def test_a_unit_test_file_for_each_module() -> None:
    """But for those that have nothing but fields."""
    computing = {str(path.relative_to(PACKAGE)) for path in MODULES if functions(path)}
    names = {name for name in computing if name.partition("/")[0] in TESTED}
    folder = Path(__file__).parent
    missing = {name for name in names if not (folder / Path(name).parent / f"test_{Path(name).name}").exists()}
    assert missing == UNTESTED


def functions(path: Path) -> List[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in nodes(path) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def long_functions(path: Path) -> List[str]:
    return [one.name for one in functions(path) if (one.end_lineno or 0) - one.lineno >= MAX_FUNCTION_LINES]


def test_functions_are_short() -> None:
    where = [path for path in MODULES if path.relative_to(PACKAGE).parts[0] in SHORT_FUNCTIONS]
    assert in_modules(long_functions, where) == {}


OWNERS = ("routing/ownership.py", "service/repairs.py")
"""Where it is asked whether a protocol is ours: of routes and rules, and of a notification's route."""


OURS = {"protocol", "settings.protocol", "report.protocol", "OUR_PROTOCOL", "121"}
"""What our protocol is called where it is compared."""
ROW = (ast.Tuple, ast.List, ast.Set)


def texts_of(*parts: ast.expr) -> Set[str]:
    return {ast.unparse(one) for part in parts for one in (part.elts if isinstance(part, ROW) else (part,))}


def asks_for_owner(node: ast.AST) -> bool:
    """Whether it compares a route's protocol with ours, or is what such a comparison is made with: a row that has ours
    beside others', or several places that a table and a protocol are looked for in.
    """
    if isinstance(node, ROW):
        return bool(texts_of(node) & OURS) and any(text.startswith("PROTOCOL_") for text in texts_of(node))
    if not isinstance(node, ast.Compare):
        return False
    texts = texts_of(node.left, *node.comparators)
    of_a_route = any(text.endswith(".protocol") for text in texts - OURS)
    among = isinstance(node.left, ast.Tuple) and isinstance(node.ops[0], (ast.In, ast.NotIn))
    return of_a_route and (among or bool(texts & OURS))


@pytest.mark.parametrize("text, asks", [
    ("route.protocol == settings.protocol", True), ("rule.protocol != protocol", True), ("121 == route.protocol", True),
    ("known = PROTOCOL_KERNEL, settings.protocol", True), ("route.protocol in (PROTOCOL_BOOT, OUR_PROTOCOL)", True),
    ("(route.table, route.protocol) in ours", True), ("(settings.table, settings.protocol)", False),
    ("route.protocol == PROTOCOL_RA", False), ("one.protocol == other.protocol", False),
])  # fmt: skip
def test_what_asks_for_the_owner(text: str, asks: bool) -> None:
    assert any(map(asks_for_owner, ast.walk(ast.parse(text)))) is asks


def owner_lines(path: Path) -> Set[int]:
    return {node.lineno for node in nodes(path) if isinstance(node, ast.expr) and asks_for_owner(node)}


def test_ownership_is_asked_in_one_place() -> None:
    assert set(in_modules(owner_lines, MODULES)) == set(OWNERS)
