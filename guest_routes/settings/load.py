"""The settings, merged: defaults < /etc/guest-routes.yaml < /etc/guest-routes.d/*.yaml < cloud-init's stanza < flags.

A later layer's key replaces an earlier one's; `gateways` is merged by its selectors. Every layer is read whole
and all problems of all layers are reported at once. PyYAML is imported for a file that takes it.
"""

from __future__ import annotations

import errno
import os

from ..errors import SettingsError
from ..model.namedtuple import NamedTuple
from ..model.network import MAIN_TABLE
from ..model.settings import DOCUMENT_SOURCES, GatewaySetting, Origin, Selector, Settings
from ..output.escape import shell_word
from ..trusted import MUST_BE, Untrusted, read_named, read_trusted, trusted_names, unreadable
from .documents import STANZA_KEY, load_json, load_yaml
from .keys import BY_NAME, KEYS, Key
from .values import COMMAND_LINE, Place, bare, did_you_mean, one_of, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, Mapping, Sequence

    from ..trusted import File
    from .documents import Loaded

__all__ = ["KEYS", "Key", "read", "read_all", "read_usable"]

LIMIT_BYTES = 1 << 20
"""Of one settings file."""
_REFUSED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO)


class Layer(NamedTuple):
    """What one file or the command line says."""

    source: str
    values: Mapping[Any, object]
    lines: Mapping[str, int]
    """The line of each key, where that is known."""

    def place(self, name: object) -> Place:
        """Where a key stands."""
        return Place(self.source, bare(name), line=self.lines.get(name, 0) if isinstance(name, str) else 0)


class Usable(NamedTuple):
    """The settings without what is wrong in them."""

    settings: Settings
    problems: tuple[str, ...]
    """What is wrong."""
    layers: tuple[Layer, ...]
    """What each file and the command line say; the last wins."""
    origins: Mapping[str, tuple[Origin, ...]]
    """Where each value is from that is not the default; of several places the gateways."""
    refusals: tuple[OSError, ...] = ()
    """Where the system could not read a file, which may well be right."""
    hidden: bool = False
    """All that is wrong is that this user may not read a file; whoever makes passes may."""


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
        OSError: the system has no descriptor or memory, or the disk fails: no fault of the settings.
    """
    found = read_all(flags, settings_file, etc, stanza)
    for refusal in found.refusals:
        raise refusal
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
    _merge([Layer(COMMAND_LINE, dict(flags), {})], wrong)
    found = read_all(flags, settings_file, etc, stanza)
    if settings_file and found.problems:  # The stanza is not that of whoever names the file.
        wrong = [*read_all(flags, settings_file, etc, stanza="").problems]
    if wrong:
        raise SettingsError("\n".join(wrong))
    return found


def read_all(
    flags: Mapping[str, str | list[str]],
    settings_file: str = "",
    etc: str = "/etc",
    stanza: str = "/run/guest-routes/stanza.json",
) -> Usable:
    """Every file and the command line, merged; what is wrong is returned, not raised.

    Args:
        stanza: "": none is read.
    """
    problems: list[str] = []
    refusals: list[OSError] = []
    layers: list[Layer] = []
    for path, required in _files(settings_file, etc, problems, refusals):
        # The file that the operator names counts on the operator's word.
        text = _text_of(path, required, read_named if settings_file else read_trusted, problems, refusals)
        layers += _layer(path, text, load_yaml, problems)
    if stanza:
        layers += _layer(stanza, _text_of(stanza, False, read_trusted, problems, refusals), load_json, problems)
    layers.append(Layer(COMMAND_LINE, dict(flags), {}))
    merged, origins = _merge(layers, problems)
    if merged.source_routing and merged.table != MAIN_TABLE:
        problems.append(f"source_routing: true: needs `table: main`, and table is {merged.table}")
        merged = merged._replace(source_routing=False)
    kept_from = sum(isinstance(one, PermissionError) for one in refusals)
    failures = tuple(one for one in refusals if not isinstance(one, PermissionError))
    return Usable(merged, tuple(problems), tuple(layers), origins, failures, 0 < kept_from == len(problems))


def _merge(layers: Sequence[Layer], problems: list[str]) -> tuple[Settings, dict[str, tuple[Origin, ...]]]:
    """What the layers come to, later ones before earlier ones, without what is wrong in them; and from where."""
    values: dict[str, object] = {}
    gateways: dict[Selector, GatewaySetting] = {}
    origins: dict[str, tuple[Origin, ...]] = {}
    for layer in layers:
        for name, value in layer.values.items():
            key = _key_of(name, layer, problems)
            if key is None or value is None:
                continue
            read: Sequence[object]
            origin = Origin(layer.source, layer.lines.get(key.name, 0))
            if key.name == "gateways":
                read = _items(key, value, layer, problems)
                gateways.update((one.selector, one) for one in read if isinstance(one, GatewaySetting))
                origins[key.name] = (*origins.get(key.name, ()), origin)
                continue
            if key.many:
                known = len(problems)
                items = _items(key, value, layer, problems)
                read = [items] if items or len(problems) == known else []  # Nothing right in it says nothing.
            else:
                read = list(_one(key, value, layer.place(key.name), problems))
            if read:
                values[key.name], origins[key.name] = read[0], (origin,)
    return Settings()._replace(gateways=tuple(gateways.values()), **values), origins  # type: ignore[arg-type]


def _key_of(name: object, layer: Layer, problems: list[str]) -> Key | None:
    """The key of that name; None, and a problem, where there is none."""
    key = BY_NAME.get(name) if isinstance(name, str) else None
    if key is None:
        known = did_you_mean(name, tuple(BY_NAME)) or "; the settings are " + ", ".join(BY_NAME)
        problems.append(f"{layer.place(name)}: no such setting{known}")
    return key


def _one(key: Key, value: object, place: Place, problems: list[str]) -> Iterator[object]:
    """The value read, or nothing and a problem."""
    try:
        yield key.read(value, place)
    except ValueError as error:
        written = f"{shown(value[0])}: {shown(value[1])}" if isinstance(value, tuple) else shown(value)
        problems.append(f"{place}: {written}: {error}")


def _items(key: Key, value: object, layer: Layer, problems: list[str]) -> tuple[object, ...]:
    """A list's items read, without those that have a problem."""
    items = _written_items(key, value)
    if items is None:
        form = "a mapping such as {eth1: 11.8.0.1}" if key.name == "gateways" else "a list"
        problems.append(f"{layer.place(key.name)}: {shown(value)}: must be {form}")
        return ()
    if not items and key.name in ("sources", "metadata_urls"):
        problems.append(f"{layer.place(key.name)}: is empty; the default is {key.default}")
    return tuple(
        one for index, item in items for one in _one(key, item, layer.place(key.name)._replace(item=index), problems)
    )


def _written_items(key: Key, value: object) -> list[tuple[object, object]] | None:
    """A list's items, each with its index, or a mapping's with its key; None for what is neither."""
    if isinstance(value, dict) and key.name == "gateways":
        return [(name, (name, address)) for name, address in value.items()]
    if not isinstance(value, (str, list)):
        return None
    written = [value] if isinstance(value, str) else value
    if key.commas:
        written = [part.strip() if isinstance(part, str) else part for item in written for part in _split(item)]
    return list(enumerate(item for item in written if item != ""))


def _split(item: object) -> list[object]:
    """The parts between commas; a URL with a password, which is refused as a whole, may have commas in it."""
    return list(item.split(",")) if isinstance(item, str) and "@" not in item else [item]


def document_sources(text: str, settings: Settings) -> tuple[str, ...]:
    """The sources that --documents names, in its order, but those that the settings turn off.

    Raises:
        SettingsError: a name is no source of documents.
    """
    place, reader = Place(COMMAND_LINE, "documents"), one_of(DOCUMENT_SOURCES)
    try:
        named = [reader(name.strip(), place) for name in text.split(",")]
    except ValueError as error:
        raise SettingsError(f"{place}: {shown(text)}: {error}") from error
    return tuple(name for name in named if name in settings.sources)


# ---- files ------------------------------------------------------------------------------------------


def _files(settings_file: str, etc: str, problems: list[str], refusals: list[OSError]) -> list[tuple[str, bool]]:
    """The settings files in order, each with whether it must exist."""
    if settings_file:
        return [(settings_file, True)]
    folder, names = etc + "/guest-routes.d", []
    try:
        names = trusted_names(folder, lambda name: name.endswith(".yaml") and not name.startswith("."))
    except FileNotFoundError:
        # Whoever made the link has settings there: a disk that is not mounted yet, say.
        problems += [f"{folder}: is a link to nowhere"] if os.path.islink(folder) else []
    except OSError as error:
        problems.append(f"{folder}: {_unread(error)}")
        refusals += [error] if _is_refusal(error) else []
    except Untrusted as fault:
        problems.append(f"{folder}: {fault}; its files are not read")
    return [(etc + "/guest-routes.yaml", False), *((f"{folder}/{name}", True) for name in names)]


def _layer(
    path: str, text: str | None, load: Callable[[str, str, list[str]], Loaded], problems: list[str]
) -> list[Layer]:
    """The layer that a file's text makes; none when it is absent, empty, or can't be used."""
    document, lines = (None, ()) if text is None else load(path, text, problems)
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
    return [Layer(path, document, dict(lines))]


def _text_of(
    path: str, required: bool, read: Callable[[str, int], File], problems: list[str], refusals: list[OSError]
) -> str | None:
    """A file's text; None where it can't be used, with a problem unless it may be absent."""
    try:
        return read(path, LIMIT_BYTES).data.decode()
    except (OSError, Untrusted) as error:
        if required or not isinstance(error, FileNotFoundError):
            wanted = f"; {MUST_BE}: see `namei -l {shell_word(path)}`" if isinstance(error, Untrusted) else ""
            problems.append(f"{path}: {_unread(error)}{wanted}")
        refusals += [error] if isinstance(error, OSError) and _is_refusal(error) else []
    except UnicodeDecodeError as error:
        problems.append(f"{path}: is not UTF-8 text: byte {error.start} is 0x{error.object[error.start]:02x}")
    return None


def _unread(error: OSError | Untrusted) -> str:
    return f"{unreadable(error)}; run it as root" if _is_hidden(error) else unreadable(error)


def _is_refusal(error: OSError) -> bool:
    """Whether that is no fault of the settings."""
    return error.errno in _REFUSED or _is_hidden(error)


def _is_hidden(error: OSError | Untrusted) -> bool:
    """Whether this is an ordinary user, who may not read what others can."""
    return isinstance(error, PermissionError) and os.geteuid() != 0
