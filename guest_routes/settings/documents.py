"""The text of a settings file, read as YAML or JSON, with the line of each key. Pure.

Most settings files are comments, and lines such as `metric: 5`. These are read here, as YAML 1.1 does: importing PyYAML
costs more than a pass that changes nothing. It and json are imported where there is a file that needs them.
"""

from __future__ import annotations

from ..model.namedtuple import NamedTuple
from .keys import BY_NAME
from .values import bare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

STANZA_KEY = "guest_routes"
"""The key the settings stand under in a cloud-init stanza; accepted in every file."""


class Loaded(NamedTuple):
    """What a text says."""

    document: object = None
    """None where it is empty, or can't be read."""
    lines: tuple[tuple[str, int], ...] = ()
    """Each setting's name and line, where that is known."""


_WORD = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")
_NO_TEXTS = frozenset(("yes", "no", "on", "off", "null"))
"""Words that YAML 1.1 takes for booleans and null, beside true and false."""


def load_json(path: str, text: str, problems: list[str]) -> Loaded:
    import json

    try:
        return Loaded(json.loads(text))
    except json.JSONDecodeError as error:
        problems.append(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}")
    except (ValueError, RecursionError) as error:
        problems.append(f"{path}: not JSON: {bare(str(error))}")
    return Loaded()


def load_yaml(path: str, text: str, problems: list[str]) -> Loaded:
    plain = plain_yaml(text)
    if plain is not None:
        return plain
    try:
        import yaml
    except ImportError:
        problems.append(
            f"{path}: cannot be read without PyYAML; install it (Debian's python3-yaml, or pip install PyYAML)"
        )
        return Loaded()
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        repeated = list(_repeated(node))
        problems += [f"{path}:{line}:{column}: {bare(key)}: is here a second time" for line, column, key in repeated]
        return Loaded() if node is None or repeated else Loaded(loader.construct_document(node), tuple(_lines(node)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        problems.append(f"{path}{place}: not YAML: {bare(error.problem or error.context or '')}")
    except Exception as error:  # noqa: BLE001  PyYAML lets int()'s, datetime's and its own slips through
        problems.append(f"{path}: not YAML: {bare(str(error).partition(chr(10))[0]) or type(error).__name__}")
    return Loaded()


def plain_yaml(text: str) -> Loaded | None:
    """What a text of comments and plain settings says; None where it takes PyYAML to read it.

    A plain setting is a key and a boolean, a decimal number or a lower-case word, on a line of its own.
    """
    found: dict[str, object] = {}
    lines = []
    for number, line in enumerate(text.split("\n"), 1):
        if not (line.isascii() and line.isprintable()):
            return None
        if line.lstrip(" ")[:1] in ("", "#"):
            continue
        key, colon, written = line.partition(" #")[0].partition(": ")
        value = _plain_value(written.strip(" "))
        if not colon or value is None or key not in BY_NAME or key in found:
            return None
        found[key] = value
        lines.append((key, number))
    return Loaded(found or None, tuple(lines))


def _plain_value(written: str) -> bool | int | str | None:
    """The boolean, number or word; None for all else."""
    if written in ("true", "false"):
        return written == "true"
    if written.isdigit():
        return int(written) if written == "0" or (written[0] != "0" and len(written) < 10) else None
    is_word = written[:1].isalpha() and _WORD.issuperset(written) and written not in _NO_TEXTS
    return written if is_word else None


def _lines(root: Any) -> Iterator[tuple[str, int]]:
    """The settings' names and lines, in a file or below STANZA_KEY."""
    import yaml

    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    stanza = next((value for key, value in pairs if key.value == STANZA_KEY), None)
    if isinstance(stanza, yaml.MappingNode):
        pairs = stanza.value
    yield from ((key.value, key.start_mark.line + 1) for key, _ in pairs if isinstance(key, yaml.ScalarNode))


def _repeated(root: object) -> Iterator[tuple[int, int, str]]:
    """Line, column and text of every key that its mapping has had already; YAML's own loader takes the last."""
    import yaml

    nodes, seen = [root], set()
    while nodes:
        node = nodes.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            nodes += node.value
        elif isinstance(node, yaml.MappingNode):
            nodes += [part for pair in node.value for part in pair]
            yield from _repeated_keys(key for key, _ in node.value if isinstance(key, yaml.ScalarNode))


def _repeated_keys(keys: Iterator[Any]) -> Iterator[tuple[int, int, str]]:
    known = set()
    for key in keys:
        if (key.tag, key.value) in known:
            yield key.start_mark.line + 1, key.start_mark.column + 1, key.value
        known.add((key.tag, key.value))
