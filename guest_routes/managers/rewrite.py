"""`correct`: what cloud-init rendered, put right on disk before the network manager reads it.

Each file is replaced as a whole, with its mode and owner, and only when it changes. What it was before is kept under
ORIGINALS, where no manager looks, and what it became under CORRECTED, for undo.py; a file that is made has no original.
Asked for again, it changes nothing.
"""

from __future__ import annotations

import os
import re

from ..errors import StateError
from ..model.configuration import CORRECTED, NEXT, ORIGINALS, CorrectedFile, RewriteError, Rewritten
from ..state.files import cause_of, read, remove, replace, replace_own
from ..trusted import Untrusted, read_trusted
from .correct import correct, unchanged
from .files import owner_of
from .parsed.config import COMMON, PATTERNS
from .parsed.sysconfig import own_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence

    from ..model.plan import Decision
    from ..model.settings import Settings

GENERATE_SECONDS = 30
"""From netplan 1.2 on it has systemd read its units again: 26 s in an emulated machine. cloud-init sets no limit."""
CREATED_MODE = 0o644
"""Of the files that are made, as cloud-init makes those beside them."""
LIMIT_BYTES = 16 << 20
"""Of one file that cloud-init wrote: a hundred thousand routes are 8 MiB."""
_ROUTE = re.compile(
    r"^\s*(?:gateway|ipv6_defaultgw=|route\d+=|address\d+=.*,|-? *(?:via|to|routes|gateway[46]):|"
    r".*\broute\s+add\s|\S+ via |\S+ \S+ - -)",
    re.MULTILINE | re.IGNORECASE,
)
"""Whatever may be a route in one of the forms; with DHCP alone there is none, and no document is needed."""


def rewrite(settings: Settings, decide: Callable[[], Decision], write: bool = True, root: str = "") -> Rewritten:
    """Reads what cloud-init rendered, and with `write` puts it right.

    Args:
        decide: for the NICs as the document will have them; called only when a file has a route.
        root: stands before every path.

    Raises:
        GuestRoutesError: there are files, but no document to judge them by.
    """
    errors: list[RewriteError] = []
    files = own_files(_files(root, errors))
    has_routes = any(_ROUTE.search(text) for _, _, text in files)
    common = _common(files, root, errors) if has_routes else []
    unread = [one.path[len(root) :] for one in errors]
    correction = correct(files, decide(), settings, unread, common) if has_routes else unchanged(files)
    refused = write and not _write_all(correction.changed, root, errors)
    if write and not refused and any(one.manager == "netplan" for one in correction.changed):
        errors += generate()
    return Rewritten(correction, write and not refused, tuple(errors), refused)


def _write_all(files: Sequence[CorrectedFile], root: str, errors: list[RewriteError]) -> bool:
    """Whether every file was written; else all are as they were: a route that moves would be in none of two files.

    Files that grow come first, and those that go come last: whoever is killed in between leaves a route in two files.
    """
    files = sorted(files, key=lambda one: len(one.before or "") - len(one.after or "") + (one.after is None))
    for number, one in enumerate(files):
        try:
            _write(one, root)
        except (StateError, OSError) as error:
            errors.append(_refusal(one.path, error))
            for written in reversed(files[: number + 1]):
                _put_back(written, root, errors)
            return False
    return True


def _put_back(one: CorrectedFile, root: str, errors: list[RewriteError]) -> None:
    """The file as it was, if it has become what it was to become."""
    try:
        if _content(root + one.path, one.manager) == (None if one.after is None else one.after.encode()):
            _put(root + one.path, one.after, one.before, "it stays corrected")
    except (StateError, OSError) as error:
        errors.append(_refusal(one.path, error))
    except Untrusted as fault:
        errors.append(RewriteError("untrusted", one.path, str(fault)))


def _content(path: str, manager: str) -> bytes | None:
    try:
        return read_trusted(path, LIMIT_BYTES, owner_of(path, manager)).data
    except FileNotFoundError:
        return None


def _refusal(path: str, error: StateError | OSError) -> RewriteError:
    if isinstance(error, StateError):
        return RewriteError("not-kept", path, str(error))
    return RewriteError("unwritable", path, cause_of(error))


def _files(root: str, errors: list[RewriteError]) -> list[tuple[str, str, str]]:
    """Manager, path and text of every file that cloud-init has rendered."""
    named = [
        (manager, path)
        for manager, patterns in PATTERNS.items()
        for path in sorted(path for pattern in patterns for path in _matches(root + pattern, errors))
    ]
    return _read(named, root, errors)


def _common(files: Sequence[tuple[str, str, str]], root: str, errors: list[RewriteError]) -> list[tuple[str, str, str]]:
    """The same of what says for all NICs how these are taken (COMMON)."""
    managers = dict.fromkeys(manager for manager, _, _ in files)
    paths = [(manager, root + path) for manager in managers for path in COMMON.get(manager, ())]
    return _read([(manager, path) for manager, path in paths if os.path.lexists(path)], root, errors)


def _read(named: Sequence[tuple[str, str]], root: str, errors: list[RewriteError]) -> list[tuple[str, str, str]]:
    """Manager, path and text of each of these files that can be read."""
    found = []
    for manager, path in named:
        try:
            data = read_trusted(path, LIMIT_BYTES, owner_of(path, manager)).data
            found.append((manager, path[len(root) :], data.decode()))
        except UnicodeDecodeError:
            errors.append(RewriteError("not-text", path))
        except OSError as error:
            errors.append(RewriteError("unreadable", path, cause_of(error)))
        except Untrusted as fault:
            errors.append(RewriteError("untrusted", path, str(fault)))
    return found


def _matches(pattern: str, errors: list[RewriteError]) -> list[str]:
    """The paths that fit, as glob has them; but a folder that can't be read is no empty one."""
    from fnmatch import fnmatchcase

    folder, _, form = pattern.rpartition("/")
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        refused = RewriteError("unreadable", folder, cause_of(error))
        errors += [refused] if refused not in errors else []
        return []
    return [f"{folder}/{name}" for name in names if fnmatchcase(name, form)]


def _write(one: CorrectedFile, root: str) -> None:
    """What it was kept, and what it becomes, then the file replaced, made or removed.

    Killed anywhere, the original is kept, and the file is known to be ours if it is: what our own work becomes stands
    in a file of its own until it has become so.
    """
    stays = f"{one.path} stays as it is"
    original, corrected = f"{root}{ORIGINALS}{one.path}", f"{root}{CORRECTED}{one.path}"
    before = one.before.encode() if one.before is not None else None
    again = before is not None and before in (read(corrected), read(corrected + NEXT))
    if again and before is not None and before != read(corrected):
        replace_own(corrected, before, 0o600, stays)
    if before is None or one.after is None:
        remove(original, stays)  # Of an earlier file of that name: nobody had written this one.
    elif not again:
        replace_own(original, before, 0o600, stays)
    if one.after is not None:
        replace_own(corrected + NEXT if again else corrected, one.after.encode(), 0o600, stays)
    _put(root + one.path, one.before, one.after, stays)
    unknown = "`correct --undo` may take it for another's work"
    if one.after is None:
        remove(corrected, "it is looked for by `correct --undo`")
    elif again:
        replace_own(corrected, one.after.encode(), 0o600, unknown)
    remove(corrected + NEXT, unknown)


def _put(path: str, before: str | None, after: str | None, consequence: str) -> None:
    """The file replaced, made or removed."""
    if after is None:
        remove(path, consequence)
    elif before is None:
        replace(path, after.encode(), CREATED_MODE, consequence)
    else:
        replace_keeping_owner(path, after.encode(), consequence)


def replace_keeping_owner(path: str, content: bytes, consequence: str) -> None:
    """Replaces a file that is there, with its mode and owner.

    Raises:
        StateError, OSError: it isn't there, or can't be written.
    """
    there = os.lstat(path)
    replace(path, content, there.st_mode & 0o7777, consequence, owner=(there.st_uid, there.st_gid))


def generate() -> list[RewriteError]:
    """netplan's generator has run for the file as it was: cloud-init starts it as soon as it has written."""
    import subprocess

    command = ["netplan", "generate"]
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=GENERATE_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [RewriteError("not-run", detail=str(error))]
    words = " ".join((ran.stderr or ran.stdout).split())
    return [RewriteError("failed", detail=words or str(ran.returncode))] if ran.returncode else []
