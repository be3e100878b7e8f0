"""No text decides, and sentences are made in output/: checks that find the next one.

They can't see a text that went through a name that says nothing before it was compared, nor one put together of single
words.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Iterable, Iterator, List, Set

from tests.support.sources import PACKAGE, in_modules, nodes

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "output")
SENTENCE = re.compile(r"[a-z]{2,}[,;:]? [a-z]{2,}")
PROSE = "text message fault detail error words why failure remedy odd unknown no_metadata problem".split()
"""Attributes that hold what people read."""
HELP = ["cli/exit_codes.py", "cli/grammar.py", "cli/help.py", "cli/parser.py", "settings/offline_nics.py"]
"""What --help says, and exceptions about the command line."""
READERS = """
    evidence/backing_file.py evidence/config_drive.py evidence/document_file.py evidence/http.py evidence/http_get.py
    evidence/json_fields.py evidence/links.py
    evidence/network_data.py evidence/properties.py leases/choose.py leases/client_files.py leases/networkd_socket.py
    leases/find.py leases/options.py managers/cloud_cfg.py managers/parsed/config.py neutron/cloud.py neutron/subnets.py
    settings/documents.py settings/keys.py settings/load.py settings/route_values.py settings/values.py state/lock.py
    state/store.py state/places.py state/recorded_defaults.py state/last_known_good.py state/settings_routes.py
    trusted.py
""".split()
"""What reads or writes others' files: an exception or a Problem says what is wrong there, and only its reader knows."""
WRITERS = """
    cli/commands/report.py cli/commands/status.py
    diagnose/bundle/collect.py diagnose/bundle/files.py diagnose/bundle/redaction.py diagnose/bundle/secrets.py
    managers/export/file.py
    managers/export/networkd.py managers/export/nmstate.py
    managers/export/scripts.py managers/export/source_routing.py managers/rewrite.py managers/undo.py
""".split()
"""Texts of these are files, commands, or what follows when a file can't be written (errors.StateError)."""


def no_messages(path: Path) -> Set[int]:
    """Nodes that no reader meets, or only as an exception: docstrings, annotations, and what is raised."""
    found: List[ast.AST] = []
    for node in nodes(path):
        if isinstance(node, ast.Raise) and node.exc is not None:
            found.append(node.exc)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.append(node.value)
        elif isinstance(node, ast.AnnAssign):
            found.append(node.annotation)
            if isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias" and node.value is not None:
                found.append(node.value)
        elif isinstance(node, ast.arg) and node.annotation is not None:
            found.append(node.annotation)
    return {id(inner) for node in found for inner in ast.walk(node)}


def sentences(path: Path) -> Iterator[str]:
    """The texts of a module that have two words in a row, f-strings whole, with their lines."""
    parts = {id(part) for node in nodes(path) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    silent = no_messages(path)
    for node in nodes(path):
        if id(node) in silent:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            text = node.value
        else:
            continue
        if SENTENCE.search(text):
            yield f"line {node.lineno}: {text}"


NO_SENTENCES = {
    "cli/commands/lint.py": {"standard input"},  # what it was read from
    "diagnose/names.py": {"write 11.11.3.4, 11.11.0.0/16 or a host name"},  # of an exception
    "diagnose/rehearse.py": {"the documented example"},  # a Provenance's location
    "diagnose/status.py": {
        "is damaged: it is no record of the service; ignored",
        "is damaged: it is not what a pass leaves; ignored",
    },  # of a Problem
    "model/diagnosis/status.py": {
        "process_started doing failure partial_reason last_error route what why destination actor remedy"
    },  # names of fields
    "service/child/confined_fetch.py": {"{}; install requests (Debian's python3-requests)"},  # the child's own words
    "service/child/files.py": {"to look for a document", "to read the settings"},  # of an exception
    "service/child/seccomp.py": {"not socket", "not clone", "{} with 32-bit programs"},  # labels of a program
    "trusted.py": {
        "it must be a regular file of root's in folders of root's, which nobody else can write"
    },  # of an exception
}  # fmt: skip
"""Texts of other modules that may stand there, and why."""


def stray_sentences(path: Path) -> List[str]:
    allowed = NO_SENTENCES.get(str(path.relative_to(PACKAGE)), set())
    return [text for text in sentences(path) if text.partition(": ")[2] not in allowed]


def test_sentences_are_made_in_output() -> None:
    may = {PACKAGE / name for name in (*HELP, *READERS, *WRITERS, "errors.py")}
    assert in_modules(stray_sentences, [path for path in MODULES if path not in may]) == {}


def test_the_modules_that_may_have_sentences_have_some() -> None:
    """A list of exceptions that is longer than need be hides the next one."""
    assert [name for name in HELP + READERS + WRITERS if not list(sentences(PACKAGE / name))] == []


def is_prose(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in PROSE


def texts(nodes: Iterable[ast.expr]) -> List[str]:
    """The texts among nodes, and those in a tuple, a list or a set of them."""
    found: List[str] = []
    for one in nodes:
        if isinstance(one, (ast.Tuple, ast.List, ast.Set)):
            found += texts(one.elts)
        elif isinstance(one, ast.Constant) and isinstance(one.value, str):
            found.append(one.value)
    return found


def conditions(path: Path) -> Iterator[ast.expr]:
    """Whatever is taken as true or false."""
    for node in nodes(path):
        if isinstance(node, (ast.If, ast.IfExp, ast.While)):
            yield node.test
        elif isinstance(node, ast.comprehension):
            yield from node.ifs
        elif isinstance(node, ast.BoolOp):
            yield from node.values
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield node.operand


TRUTHS = {
    "kernel/rtnetlink/engine.py": {"answer.text"},  # the kernel's own words where it has some
    "kernel/rtnetlink/source.py": {"answer.text"},  # the same
    "kernel/rtnetlink/socket.py": {"answer.text"},  # the same
    "settings/documents.py": {"error.problem"},  # PyYAML's
}


def prose_taken_as_true(path: Path) -> Set[str]:
    return {ast.unparse(one) for one in conditions(path) if is_prose(one)}


def test_no_text_decides_by_being_empty() -> None:
    """None is what there isn't; "" is a text."""
    assert in_modules(prose_taken_as_true, MODULES) == TRUTHS


SEARCHES = "startswith endswith partition rpartition find rfind index count removesuffix removeprefix".split()
MATCHES = "match fullmatch search findall finditer split sub".split()
"""Of the module re, or of an expression: what is searched is an argument."""
SEARCHED = {
    # mount(8) has no exit code for it.
    "evidence/config_drive.py": {"""words.partition("unknown filesystem type '")"""},
    "leases/forms.py": {"statement.startswith('option ')"},
    # A line of YAML, not words.
    "settings/documents.py": {"line.partition(' #')", "line.partition(' #')[0].partition(': ')"},
}  # fmt: skip


def searched(path: Path) -> Set[str]:
    """The searches in texts, and comparisons of them."""
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Compare):
            sides = (node.left, *node.comparators)
            prose = any(map(is_prose, sides))
            if any(" " in text.strip() or prose for text in texts(sides)):
                found.add(ast.unparse(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SEARCHES:
            blank = any(" " in text for text in texts(node.args))
            found.update([ast.unparse(node)] if blank or is_prose(node.func.value) else [])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MATCHES:
            found.update([ast.unparse(node)] if any(map(is_prose, node.args)) else [])
    return found


def test_no_text_is_searched_or_compared() -> None:
    """Verdicts and kinds are compared; they have no blanks, and people never meet them as they are."""
    assert in_modules(searched, MODULES) == SEARCHED
