"""`correct --undo`: the files that `correct` has changed, as cloud-init wrote them.

A file is put back only where it is still as `correct` left it; whatever somebody has changed since stays, and what
somebody has removed is not restored, with its original kept; one whose original has gone can't be. What has been put
back is no longer kept.
"""

from __future__ import annotations

import os

from ..errors import StateError
from ..model.configuration import CORRECTED, NEXT, ORIGINALS, Reverted, RewriteError
from ..state.files import cause_of, remove
from ..trusted import NOBODY, Client, Untrusted, read_trusted
from .files import owner_of
from .parsed.config import CREATED, PATTERNS
from .rewrite import LIMIT_BYTES, generate, replace_keeping_owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Fate = Literal["restored", "left", "gone", "lost", ""]


def undo(root: str = "") -> Reverted:
    """Puts back every original that is kept.

    Args:
        root: stands before every path.
    """
    fates: dict[str, Fate] = {}
    errors: list[RewriteError] = []
    for path in _kept(root, errors):
        try:
            fates[path] = _undo(path, root)
        except StateError as error:
            errors.append(RewriteError("not-kept", path, str(error)))
        except OSError as error:
            errors.append(RewriteError("unreadable", path, cause_of(error)))
        except Untrusted as fault:
            errors.append(RewriteError("untrusted", path, str(fault)))
    restored, left, gone, lost = (
        tuple(path for path, fate in fates.items() if fate == one) for one in ("restored", "left", "gone", "lost")
    )
    if any(_manager(path) == "netplan" for path in restored):
        errors += generate()
    return Reverted(restored, left, tuple(errors), gone, lost)


def _kept(root: str, errors: list[RewriteError]) -> list[str]:
    """The paths of the files that `correct` has changed or made; a folder that can't be read is no empty one."""

    def refused(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            errors.append(RewriteError("unreadable", str(error.filename), cause_of(error)))

    found: set[str] = set()
    for top in (root + ORIGINALS, root + CORRECTED):
        paths = [os.path.join(folder, name) for folder, _, names in os.walk(top, onerror=refused) for name in names]
        found.update(path[len(top) :] for path in paths if not path.endswith((".new", NEXT)))
    return sorted(found)


def _manager(path: str) -> str:
    """Whose folder the file is in; empty where it is nobody's."""
    folder = os.path.dirname(path)
    return next((one for one, paths in PATTERNS.items() if folder in map(os.path.dirname, paths)), "")


def _undo(path: str, root: str) -> Fate:
    """What becomes of one file.

    Raises:
        StateError, OSError, Untrusted: it can't be read or written.
    """
    original = _read(f"{root}{ORIGINALS}{path}")
    corrected = [_read(f"{root}{CORRECTED}{path}{end}") for end in ("", NEXT)]
    now = _read(root + path, owner_of(root + path, _manager(path)))
    if now is None and original is not None:
        return "gone"  # The only copy of its routes: they may be in no other file.
    if now is not None and now != original:
        if now not in corrected:
            return "left"
        if original is None and not now.startswith(CREATED[0].encode()):
            return "lost"
        if original is None:
            remove(root + path, "it stays as `correct` made it")
        else:
            replace_keeping_owner(root + path, original, "it stays as `correct` left it")
    _forget(path, root)
    return "" if now is None or now == original else "restored"


def _forget(path: str, root: str) -> None:
    """What is kept of a file goes, and the folders that are empty then."""
    # The original last: killed before, what is there is known to be it.
    for top, name in ((root + CORRECTED, path + NEXT), (root + CORRECTED, path), (root + ORIGINALS, path)):
        remove(top + name, "it is put back a second time")
        folder = os.path.dirname(top + name)
        while len(folder) >= len(top):
            try:
                os.rmdir(folder)
            except OSError:  # It isn't there, or has others in it.
                break
            folder = os.path.dirname(folder)


def _read(path: str, client: Client = NOBODY) -> bytes | None:
    try:
        return read_trusted(path, LIMIT_BYTES, client).data
    except FileNotFoundError:
        return None
