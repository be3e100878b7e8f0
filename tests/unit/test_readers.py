"""Whatever opens a file does it through trusted.py, or stands here with the reason why it needn't."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Dict, Iterator, Set, Tuple

import pytest

from tests.support import sources

ROOT = Path(__file__).parents[2]
MODULES = [*sorted((ROOT / "guest_routes").rglob("*.py")), *sorted((ROOT / "cloudinit_module").rglob("*.py"))]
OPENERS = {
    "open", "io.open", "os.open", "os.fdopen", "codecs.open", "fileinput.input", "linecache.getline", "mmap.mmap",
    "shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copyfileobj", "shutil.copytree", "os.sendfile",
}  # fmt: skip
METHODS = {"read_text", "read_bytes", "open"}
"""Of pathlib's, and of anything else that has them."""
EXCEPTIONS: Dict[Tuple[str, str], str] = {
    ("guest_routes/trusted.py", "read_trusted"): "it is the reader",
    ("guest_routes/trusted.py", "read_named"): "the operator names the file",
    ("guest_routes/trusted.py", "_descend"): "it is the reader",
    ("guest_routes/evidence/document_file.py", "_meta_data_of"): "beside a named file; as trusted as that",
    ("guest_routes/evidence/document_file.py", "read_below"): "a drive that is mounted; no link is followed",
    ("guest_routes/evidence/backing_file.py", "untrusted_backing"): "/sys",
    ("guest_routes/evidence/backing_file.py", "_has_file"): "a loop device; nothing is read from it",
    ("guest_routes/evidence/config_drive.py", "_mount"): "/proc",
    ("guest_routes/state/files.py", "read_pseudo"): "/proc and /sys",
    ("guest_routes/clocks.py", "namespace_offset"): "/proc",
    ("guest_routes/bytecode.py", "_found"): "our own modules, where Python itself would read them",
    ("guest_routes/state/files.py", "_sync"): "a folder, for fsync",
    ("guest_routes/diagnose/rehearse.py", "_begin_boot"): "writes into a folder of its own",
    ("guest_routes/state/files.py", "replace"): "writes a new file of ours",
    ("guest_routes/state/lock.py", "_open"): "the lock; what is in it is read through trusted.py",
    ("guest_routes/state/processes.py", "_stat"): "/proc",
    ("guest_routes/kernel/hidden.py", "_lines"): "/proc",
    ("guest_routes/diagnose/doctor.py", "_rp_filter"): "/proc",
    ("guest_routes/diagnose/private_network.py", "_become_root"): "/proc",
    ("guest_routes/diagnose/private_network.py", "_fresh_network"): "/proc",
    ("guest_routes/diagnose/private_network.py", "_write"): "/proc",
    ("guest_routes/service/child/privileges.py", "_volunteer_for_oom"): "/proc",
    ("guest_routes/service/child/privileges.py", "_limit_resources"): "/proc",
    ("guest_routes/cli/terminal.py", "_locale"): "/proc",
    ("guest_routes/cli/terminal.py", "open_closed_streams"): "a standard stream",
    ("guest_routes/diagnose/bundle/collect.py", "archive"): "bytes in memory",
    ("guest_routes/diagnose/bundle/opening.py", "names_in"): "listed for the report; decides nothing",
    ("guest_routes/diagnose/bundle/opening.py", "read_file"): "copied into the report; decides nothing",
    ("guest_routes/diagnose/bundle/opening.py", "_opened_folder"): "a folder; follows no link but root's",
    ("guest_routes/diagnose/bundle/opening.py", "_root"): "a folder",
    ("cloudinit_module/cc_guest_routes.py", "_write"): "writes a new file of ours",
}


def opened(node: ast.AST, function: str = "") -> Iterator[str]:
    """The name of every function that opens a file; "" outside of one."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        function = node.name
    elif isinstance(node, ast.Call) and _opens(node):
        yield function
    for child in ast.iter_child_nodes(node):
        yield from opened(child, function)


def _opens(call: ast.Call) -> bool:
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if method not in METHODS and ast.unparse(call.func) not in OPENERS:
        return False
    return not call.args or ast.unparse(call.args[0]) not in ("os.devnull", "'/dev/null'")


def test_every_file_is_opened_through_trusted_or_for_a_reason() -> None:
    found: Set[Tuple[str, str]] = set()
    for path in MODULES:
        found |= {(str(path.relative_to(ROOT)), function) for function in opened(sources.tree(path))}
    assert sorted(found - set(EXCEPTIONS)) == []
    assert sorted(set(EXCEPTIONS) - found) == []  # An exception that isn't needed would let the next one through.


@pytest.mark.parametrize(
    "code",
    ["open('x')", "os.open('x', 0)", "Path('x').read_text()", "p.open()", "with open(p, 'rb') as f: pass",
     "lambda: open('x')"],
)  # fmt: skip
def test_it_would_be_seen(code: str) -> None:
    assert list(opened(ast.parse(f"def f():\n    {code}\n"))) == ["f"]
