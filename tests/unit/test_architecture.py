"""The pure modules stay pure, start-up stays light, and modules stay readable; by AST."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Dict, Iterator, List, Set

import pytest

PACKAGE = Path(__file__).parent.parent.parent / "guest_routes"
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py"))
PURE = {"nic_routes", "foresee", "correct", "rendered", "rendered_ifupdown", "rendered_ini", "rendered_netplan",
    "exported", "export", "export_networkd", "export_networkmanager", "export_scripts", "findings", "doctor_text",
    "lease", "lease_options", "lease_files", "properties", "schedule", "fights", "deeds", "record", "remedies",
    "document", "route_json", "json_values", "wire_answers", "values", "report",
    "errors", "model", "policy", "network_data", "bind", "resolve", "elect", "plan", "plan_default", "verify", "render",
    "setting_keys", "setting_routes", "setting_values", "as_json", "doubt", "explain", "text", "wire",
}  # fmt: skip
PURE_IMPORTS = {
    "__future__",
    "typing",
    ".values",
    "json",
    "struct",
    "re",
    "difflib",
    "fnmatch",
    "operator",
    "itertools",
}
HEAVY = {"requests", "yaml", "pyroute2", "argparse", "logging", "dataclasses", "ipaddress", "socket", "netifaces",
         "subprocess", "pathlib", "urllib", "http"}  # fmt: skip
HEAVY_ALLOWED = {"kernel_pyroute2", "pyroute2_messages", "rehearse"}
NOT_FOR_A_LOCAL_DOCUMENT: Dict[str, Set[str]] = {
    "metadata_http": set(),
    "config_drive": set(),
    "testimony": set(),
    "properties": set(),
    "leases": set(),
    "lease": {"leases", "lease_files", "lease_options"},
    "lease_files": {"leases"},
    "lease_options": {"leases", "lease_files"},
    "ways": {"metadata_http", "keeper"},
    "watch": set(),
    "keeper": {"watch", "refresher"},
    "fetching": {"refresher"},
}
"""Each with the modules that may import it at their top; all others import it in the function that needs it."""
MAX_LINES = 300
EXTRA_IMPORTS = {
    "model": {"_socket"},  # inet_pton
    "network_data": {"_socket"},  # inet_pton
    "setting_values": {"urllib"},  # urlsplit
    "wire": {"sys"},  # byteorder
    "wire_answers": {"sys"},
    "values": {"_collections"},
    "verify": {".apply"},  # Outcome; the rest are the values a pass ends with
    "report": {".apply", ".fetched"},
    "findings": {".managers"},  # Holder
    "as_json": {".withdraw"},
    "text": {".withdraw", "errno", "textwrap"},
}
OUR_PURE_NEIGHBOURS = PURE | {"kernel"}
"""kernel.py is a protocol and the names of its engines; opening one is a function there."""


def tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / f"{module}.py").read_text())


def imported(node: ast.AST) -> Iterator[str]:
    """Top-level names of what one import statement brings; our own modules with a dot in front."""
    if isinstance(node, ast.Import):
        yield from (alias.name.split(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        if not node.level:
            yield (node.module or "").split(".")[0]
        elif node.module:
            yield "." + node.module.split(".")[0]
        else:
            yield from ("." + alias.name for alias in node.names)


def type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def at_import(body: List[ast.stmt]) -> Iterator[ast.AST]:
    """Every node that runs when the module is imported: function bodies and TYPE_CHECKING left out."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or type_checking(node):
            continue
        yield node
        for field in ("body", "orelse", "finalbody"):
            yield from at_import(getattr(node, field, []))
        for handler in getattr(node, "handlers", []):
            yield from at_import(handler.body)


def test_the_walk_sees_what_it_should() -> None:
    text = "import a.b\ntry:\n  import c\nexcept E:\n  import d\nclass K:\n  import e\ndef f():\n  import g\n"
    text += "if TYPE_CHECKING:\n  import h\nfrom . import i\nfrom .j import k\n"
    assert {name for node in at_import(ast.parse(text).body) for name in imported(node)} == {*"acde", ".i", ".j"}


@pytest.mark.parametrize("module", sorted(PURE & set(MODULES)))
def test_pure_modules_import_only_pure_ones(module: str) -> None:
    found: Set[str] = {name for node in ast.walk(tree(module)) for name in imported(node)}
    allowed = PURE_IMPORTS | EXTRA_IMPORTS.get(module, set()) | {f".{name}" for name in OUR_PURE_NEIGHBOURS}
    assert found <= allowed, f"{module} is pure and may not import {sorted(found - allowed)}"


@pytest.mark.parametrize("module", sorted(PURE & set(MODULES)))
def test_pure_modules_do_no_io(module: str) -> None:
    calls = {node.func.id for node in ast.walk(tree(module)) if isinstance(node, ast.Call)
             and isinstance(node.func, ast.Name)}  # fmt: skip
    assert not calls & {"open", "print", "input", "exec", "eval", "__import__"}


@pytest.mark.parametrize("module", MODULES)
def test_only_cli_prints(module: str) -> None:
    if module == "cli" or module.startswith("cli_"):
        return
    for node in ast.walk(tree(module)):
        assert not (isinstance(node, ast.Name) and node.id == "print"), f"{module}:{node.lineno} prints"
        written = isinstance(node, ast.Attribute) and node.attr == "stdout"
        assert not (written and ast.unparse(node) == "sys.stdout"), f"{module} writes to stdout"


@pytest.mark.parametrize("module", MODULES)
def test_only_metadata_http_speaks_http(module: str) -> None:
    found = {name for node in ast.walk(tree(module)) for name in imported(node)}
    if module != "metadata_http":
        assert not found & {"requests", "http"}


@pytest.mark.parametrize("module", sorted(set(MODULES) - HEAVY_ALLOWED))
def test_nothing_heavy_at_import(module: str) -> None:
    found = {name for node in at_import(tree(module).body) for name in imported(node)}
    assert not found & HEAVY, f"{module} imports {sorted(found & HEAVY)} at its top; put it into the function"
    if module not in HEAVY_ALLOWED:
        assert not found & {f".{name}" for name in HEAVY_ALLOWED}


@pytest.mark.parametrize("module", MODULES)
def test_a_pass_with_a_local_document_imports_no_way_to_fetch_one(module: str) -> None:
    found = {name for node in at_import(tree(module).body) for name in imported(node)}
    late = {f".{name}" for name, users in NOT_FOR_A_LOCAL_DOCUMENT.items() if module not in users}
    assert not found & late, f"{module} imports {sorted(found & late)} at its top; put it into the function"


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_short(module: str) -> None:
    lines = len((PACKAGE / f"{module}.py").read_text().splitlines())
    assert lines <= MAX_LINES, f"{module}.py has {lines} lines; past {MAX_LINES}, split by subject"


@pytest.mark.parametrize("module", MODULES)
def test_modules_begin_with_their_law(module: str) -> None:
    assert ast.get_docstring(tree(module)), f"{module}.py has no docstring"
