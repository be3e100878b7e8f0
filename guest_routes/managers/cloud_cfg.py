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
from ..state.files import cause_of, replace
from ..trusted import Untrusted, read_trusted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

CLOUD_CFG = "/etc/cloud/cloud.cfg"
LIST = "cloud_config_modules"
MODULE = "guest_routes"
ITEM = f"[{MODULE}, always]"
"""Every boot, not once an instance."""
LIMIT_BYTES = 1 << 20
_KEY = re.compile(rf"^{LIST}:[ \t]*(?P<flow>\[)?", re.MULTILINE)
_FIRST = re.compile(r"(?:[ \t]*(?:#.*)?\r?\n)+(?P<indent> *)- ")
_BLOCK_ITEM = re.compile(rf"^ *-[ \t]+(?:\[[ \t]*)?{MODULE}\b.*\r?\n", re.MULTILINE)
_FLOW_ITEM = re.compile(rf"\[[ \t]*{MODULE}[ \t]*,[ \t]*\w+[ \t]*\],?[ \t]*")


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
    changed = _FLOW_ITEM.sub("", _BLOCK_ITEM.sub("", text))
    return _checked(changed, {**before, LIST: kept})


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
        replace(path, after.encode(), os.stat(path).st_mode & 0o7777, "it stays as it was")
    return True


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
    except RecursionError:  # A list that is in itself, by an alias.
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
