"""The module guest_routes in cloud-init's list of modules, put in and taken out.

A drop-in can't append to a list of cloud.cfg, only replace it, and with one wrong indent cloud-init loses the whole
file: the instance then comes up without SSH. So one line is written, with the list's own indentation, and only where
the file parses before and afterwards and means the same but for the module.

Source: cloud-init's documentation, "Base configuration", `cloud_config_modules`.
"""

from __future__ import annotations

import os
import re

from ..errors import GuestRoutesError
from ..state.files import cause_of
from ..trusted import Untrusted, read_trusted
from .rewrite import replace_keeping_owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator

CLOUD_CFG = "/etc/cloud/cloud.cfg"
DROP_INS = "/etc/cloud/cloud.cfg.d"
CLOUD_INIT = "/usr/bin/cloud-init"
LIST = "cloud_config_modules"
MODULE = "guest_routes"
ITEM = f"[{MODULE}, always]"
"""Every boot, not once an instance."""
LIMIT_BYTES = 1 << 20
_KEY = re.compile(rf"^{LIST}:[ \t]*(?P<flow>\[)?", re.MULTILINE)
_FIRST = re.compile(r"(?:[ \t]*(?:#.*)?\r?\n)+(?P<indent> *)- ")
_LINE_END = re.compile(r"[^\n]*(?:\n|\Z)")
_COMMA = re.compile(r"\s*,[ \t]*")
_SECONDS = 20.0
"""So long cloud-init's Python may take to look for our module."""


def with_module(text: str) -> str:
    """A cloud.cfg with the module first in its list; unchanged where it is in the list. Pure.

    Raises:
        GuestRoutesError: it is no cloud.cfg with such a list, or the result would mean something else.
    """
    before = _parsed(text)
    if _has_module(before):
        return text
    key = _KEY.search(text)
    if key is None:
        raise GuestRoutesError(f"the key {LIST} does not begin a line")
    if key["flow"]:
        comma = "" if text[key.end() :].lstrip().startswith("]") else ", "
        changed = text[: key.end()] + ITEM + comma + text[key.end() :]
    else:
        first = _FIRST.match(text, key.end())
        if first is None:
            line = text.count("\n", 0, key.start()) + 1
            raise GuestRoutesError(f"line {line}: {LIST} is not followed by a list, one `- name` a line")
        at, end = first.start("indent"), "\r\n" if text[key.end() :].partition("\n")[0].endswith("\r") else "\n"
        changed = f"{text[:at]}{first['indent']}- {ITEM}{end}{text[at:]}"
    return _checked(changed, {**before, LIST: [_item(), *before[LIST]]})


def without_module(text: str) -> str:
    """A cloud.cfg without the module; unchanged where it is not in the list. Pure.

    Raises:
        GuestRoutesError: it is no cloud.cfg with such a list, or the result would mean something else.
    """
    before = _parsed(text)
    if not _has_module(before):
        return text
    kept = [one for one in before[LIST] if _name(one) != MODULE]
    changed = text
    for start, end in reversed(list(_places(text))):
        changed = changed[:start] + changed[end:]
    return _checked(changed, {**before, LIST: kept})


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Where the list has the module: a line each, or in a list within brackets the item and the comma beside it."""
    import yaml

    document: Any = yaml.compose(text, yaml.SafeLoader)
    items = [value for key, value in document.value if key.value == LIST][-1]
    spans = [(item.start_mark.index, item.end_mark.index) for item in items.value]
    for place, item in enumerate(items.value):
        scalar = item.value[0] if isinstance(item, yaml.SequenceNode) and item.value else item
        if _name(scalar.value) != MODULE:
            continue
        start, end = spans[place]
        if not items.flow_style:
            line = _LINE_END.match(text, end)
            yield text.rfind("\n", 0, start) + 1, line.end() if line else end
        elif place + 1 < len(spans):
            comma = _COMMA.match(text, end)
            yield start, comma.end() if comma else end
        else:
            yield (spans[place - 1][1] if place else start), end


def edit(change: Callable[[str], str], path: str = CLOUD_CFG, write: bool = True) -> bool:
    """Changes the file on disk, as a whole, with its mode; whether it had to be changed.

    Raises:
        GuestRoutesError: it can't be read, trusted, changed or written; it is as it was.
    """
    try:
        before = read_trusted(path, LIMIT_BYTES).data.decode()
        after = change(before)
    except OSError as error:
        raise GuestRoutesError(f"cannot read {path}: {cause_of(error)}") from error
    except UnicodeDecodeError as error:
        raise GuestRoutesError(f"{path} is not UTF-8 text; it stays as it is") from error
    except Untrusted as fault:
        raise GuestRoutesError(f"cannot use {path}: it {fault}; it stays as it is") from fault
    except GuestRoutesError as error:
        raise GuestRoutesError(f"{path}: {error}; it stays as it is") from error
    if after == before:
        return False
    if write:
        replace_keeping_owner(path, after.encode(), "it stays as it was")
    return True


def overriding(folder: str = DROP_INS) -> tuple[str, bool] | None:
    """The drop-in whose list cloud-init goes by in place of cloud.cfg's, and whether the module is in that; or None.

    Files that cloud-init can't read or parse don't count, as with cloud-init.
    """
    found = None
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        path = os.path.join(folder, name)
        try:
            document = _parsed(read_trusted(path, LIMIT_BYTES).data.decode()) if name.endswith(".cfg") else None
        except (OSError, UnicodeDecodeError, Untrusted, GuestRoutesError):
            continue
        if document is not None:
            found = path, _has_module(document)
    return found


def python_without_module(program: str = CLOUD_INIT) -> str:
    """The Python that runs cloud-init, where it has no module of ours, as with the single file; "" where it has.

    Also "" without a cloud-init that is root's alone, and where its Python doesn't run here.
    """
    import subprocess

    looked = "import importlib.util, sys; sys.exit(42 * (importlib.util.find_spec('cc_guest_routes') is None))"
    try:
        line = read_trusted(program, LIMIT_BYTES).data.partition(b"\n")[0].decode()
        command = [line[2:].split()[0] if line.startswith("#!") else "", "-c", looked]
        ran = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS)
    except (OSError, UnicodeDecodeError, IndexError, Untrusted, subprocess.SubprocessError):
        return ""
    return command[0] if ran.returncode == 42 else ""


def _parsed(text: str) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise GuestRoutesError(
            f"not YAML{where}: {getattr(error, 'problem', None) or 'a character that it has not'}"
        ) from error
    except Exception as error:
        raise GuestRoutesError(f"not YAML: {ascii(str(error))[1:-1][:80] or type(error).__name__}") from error
    if not isinstance(found, dict) or not isinstance(found.get(LIST), list):
        raise GuestRoutesError(f"there is no list {LIST} in it")
    return found


def _checked(text: str, wanted: dict[str, Any]) -> str:
    try:
        same = _parsed(text) == wanted
    except (RecursionError, GuestRoutesError):  # A list that is in itself, by an alias; none that is left.
        same = False
    if not same:
        raise GuestRoutesError(
            f"the module can't be put in or taken out without changing something else; edit {LIST} by hand"
        )
    return text


def _has_module(document: dict[str, Any]) -> bool:
    return any(_name(one) == MODULE for one in document[LIST])


def _name(item: object) -> object:
    """A module's name, which may stand in a list with its frequency; cloud-init takes `-` for `_`."""
    name = item[0] if isinstance(item, list) and item else item
    return name.replace("-", "_") if isinstance(name, str) else name


def _item() -> list[str]:
    return [MODULE, "always"]
