"""The settings, merged: defaults < /etc/guest-routes.yaml < /etc/guest-routes.d/*.yaml < cloud-init's stanza < flags.

A later layer's key replaces an earlier one's; `gateways` is merged by its selectors. Every layer is read whole
and all problems of all layers are reported at once. Without settings files no YAML is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ..errors import SettingsError
from ..model.namedtuple import NamedTuple
from ..model.network import MAIN_TABLE
from ..model.settings import GatewaySetting, Selector, Settings
from ..trusted import Untrusted, read_named, read_trusted, unreadable, untrusted_folder
from .keys import BY_NAME, KEYS, Key
from .values import COMMAND_LINE, Place, bare, did_you_mean, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, Sequence

    from ..trusted import File

__all__ = ["KEYS", "Key", "read", "read_usable"]

LIMIT_BYTES = 1 << 20
"""Of one settings file."""
STANZA_KEY = "guest_routes"
"""The key the settings stand under in a cloud-init stanza; accepted in every file."""


class Layer(NamedTuple):
    """What one file or the command line says."""

    source: str
    values: Mapping[Any, object]


class Usable(NamedTuple):
    """The settings without what is wrong in them."""

    settings: Settings
    problems: tuple[str, ...]
    """What is wrong."""
    layers: tuple[Layer, ...]
    """What each file and the command line say; the last wins."""


def read(
    flags: Mapping[str, str | list[str]],
    settings_file: str = "",
    etc: str = "/etc",
    stanza: str = "/run/guest-routes/stanza.json",
) -> Settings:
    """The merged settings.

    Args:
        flags: values by key name (`deadline_seconds`), as text in the same form as in YAML; lists for repeated flags.
        settings_file: replaces /etc/guest-routes.yaml and the drop-ins, and must exist.

    Raises:
        SettingsError: with every problem of every layer, one a line.
    """
    found = _read_all(flags, settings_file, etc, stanza)
    if found.problems:
        raise SettingsError("\n".join(found.problems))
    return found.settings


def read_usable(
    flags: Mapping[str, str | list[str]],
    settings_file: str = "",
    etc: str = "/etc",
    stanza: str = "/run/guest-routes/stanza.json",
) -> Usable:
    """The merged settings without what is wrong in the files: for the ways out (R18).

    Raises:
        SettingsError: the command line is wrong, or the file that it names: whoever wrote it can write another.
    """
    wrong: list[str] = []
    _merge([Layer(COMMAND_LINE, dict(flags))], wrong)
    found = _read_all(flags, settings_file, etc, stanza)
    wrong = [*found.problems] if settings_file else wrong
    if wrong:
        raise SettingsError("\n".join(wrong))
    return found


def _read_all(flags: Mapping[str, str | list[str]], settings_file: str, etc: str, stanza: str) -> Usable:
    """Every file and the command line, merged."""
    problems: list[str] = []
    layers: list[Layer] = []
    for path, required in _files(settings_file, etc, problems):
        # The file that the operator names counts on the operator's word.
        text = _text_of(path, required, read_named if settings_file else read_trusted, problems)
        layers += _layer(path, text, _load_yaml, problems)
    layers += _layer(stanza, _text_of(stanza, False, read_trusted, problems), _load_json, problems)
    layers.append(Layer(COMMAND_LINE, dict(flags)))
    merged = _merge(layers, problems)
    if merged.source_routing and merged.table != MAIN_TABLE:
        problems.append(f"source_routing: true: needs `table: main`, and table is {merged.table}")
        merged = merged._replace(source_routing=False)
    return Usable(merged, tuple(problems), tuple(layers))


def _merge(layers: Sequence[Layer], problems: list[str]) -> Settings:
    """What the layers come to, later ones before earlier ones, without what is wrong in them."""
    values: dict[str, object] = {}
    gateways: dict[Selector, GatewaySetting] = {}
    for layer in layers:
        for name, value in layer.values.items():
            key = _key_of(name, layer.source, problems)
            if key is None or value is None:
                continue
            if key.name == "gateways":
                read = _items(key, value, layer.source, problems)
                gateways.update((one.selector, one) for one in read if isinstance(one, GatewaySetting))
            elif key.many:
                values[key.name] = _items(key, value, layer.source, problems)
            else:
                values.update((key.name, one) for one in _one(key, value, Place(layer.source, key.name), problems))
    return Settings()._replace(gateways=tuple(gateways.values()), **values)  # type: ignore[arg-type]


def _key_of(name: object, source: str, problems: list[str]) -> Key | None:
    """The key of that name; None, and a problem, where there is none."""
    key = BY_NAME.get(name) if isinstance(name, str) else None
    if key is None:
        known = did_you_mean(name, tuple(BY_NAME)) or "; the settings are " + ", ".join(BY_NAME)
        problems.append(f"{Place(source, bare(name))}: no such setting{known}")
    return key


def _one(key: Key, value: object, place: Place, problems: list[str]) -> Iterator[object]:
    """The value read, or nothing and a problem."""
    try:
        yield key.read(value, place)
    except ValueError as error:
        written = f"{shown(value[0])}: {shown(value[1])}" if isinstance(value, tuple) else shown(value)
        problems.append(f"{place}: {written}: {error}")


def _items(key: Key, value: object, source: str, problems: list[str]) -> tuple[object, ...]:
    """A list's items read, without those that have a problem."""
    items = _written_items(key, value)
    if items is None:
        form = "a mapping such as {eth1: 11.8.0.1}" if key.name == "gateways" else "a list"
        problems.append(f"{Place(source, key.name)}: {shown(value)}: must be {form}")
        return ()
    if not items and key.name in ("sources", "metadata_urls"):
        problems.append(f"{Place(source, key.name)}: is empty; the default is {key.default}")
    return tuple(one for index, item in items for one in _one(key, item, Place(source, key.name, index), problems))


def _written_items(key: Key, value: object) -> list[tuple[object, object]] | None:
    """A list's items, each with its index, or a mapping's with its key; None for what is neither."""
    if isinstance(value, Mapping) and key.name == "gateways":
        return [(name, (name, address)) for name, address in value.items()]
    if not isinstance(value, (str, list)):
        return None
    written = [value] if isinstance(value, str) else value
    if key.commas:
        written = [part.strip() if isinstance(part, str) else part for item in written for part in _split(item)]
    return list(enumerate(item for item in written if item != ""))


def _split(item: object) -> list[object]:
    return list(item.split(",")) if isinstance(item, str) else [item]


# ---- files ------------------------------------------------------------------------------------------


def _files(settings_file: str, etc: str, problems: list[str]) -> list[tuple[str, bool]]:
    """The settings files in order, each with whether it must exist."""
    if settings_file:
        return [(settings_file, True)]
    folder = etc + "/guest-routes.d"
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".yaml") and not name.startswith("."))
        untrusted = untrusted_folder(folder) if names else None
        if untrusted is not None:
            problems.append(f"{folder}: {untrusted}; its files are not read")
            names = []
    except FileNotFoundError:
        names = []
    except OSError as error:
        problems.append(f"{folder}: cannot be read: {error.strerror}")
        names = []
    return [(etc + "/guest-routes.yaml", False), *((f"{folder}/{name}", True) for name in names)]


def _layer(
    path: str, text: str | None, load: Callable[[str, str, list[str]], object], problems: list[str]
) -> list[Layer]:
    """The layer that a file's text makes; none when it is absent, empty, or can't be used."""
    document = None if text is None else load(path, text, problems)
    if isinstance(document, dict) and STANZA_KEY in document:
        others = [key for key in document if key != STANZA_KEY]
        if others:
            problems.append(f"{path}: {bare(others[0])}: stands beside {STANZA_KEY}; put every key under it, or none")
        document = document[STANZA_KEY]
    if document is None:
        return []
    if not isinstance(document, dict):
        problems.append(f"{path}: must be a mapping of settings, such as `default: auto`, not {shown(document)}")
        return []
    return [Layer(path, document)]


def _text_of(path: str, required: bool, read: Callable[[str, int], File], problems: list[str]) -> str | None:
    """A file's text; None where it can't be used, with a problem unless it may be absent."""
    try:
        return read(path, LIMIT_BYTES).data.decode()
    except (OSError, Untrusted) as error:
        if required or not isinstance(error, FileNotFoundError):
            problems.append(f"{path}: {unreadable(error)}")
    except UnicodeDecodeError as error:
        problems.append(f"{path}: is not UTF-8 text: byte {error.start} is 0x{error.object[error.start]:02x}")
    return None


def _load_json(path: str, text: str, problems: list[str]) -> object:
    import json

    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        problems.append(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}")
    except (ValueError, RecursionError) as error:
        problems.append(f"{path}: not JSON: {bare(str(error))}")
    return None


def _load_yaml(path: str, text: str, problems: list[str]) -> object:
    try:
        import yaml
    except ImportError:
        problems.append(
            f"{path}: cannot be read without PyYAML; install it (Debian's python3-yaml, or pip install PyYAML)"
        )
        return None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        repeated = list(_repeated(node))
        problems += [f"{path}:{line}:{column}: {bare(key)}: is here a second time" for line, column, key in repeated]
        return None if node is None or repeated else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        problems.append(f"{path}{place}: not YAML: {bare(error.problem or error.context or '')}")
    except Exception as error:  # noqa: BLE001  PyYAML lets int()'s, datetime's and its own slips through
        problems.append(f"{path}: not YAML: {bare(str(error).partition(chr(10))[0]) or type(error).__name__}")
    return None


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
