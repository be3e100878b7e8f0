"""`correct`: what cloud-init rendered, put right on disk before the network manager reads it.

Each file is replaced as a whole, with its mode and owner, and only when it changes. What it was before is kept under
ORIGINALS, where no manager looks; a file that is made has no original. Asked for again, it changes nothing.
"""

from __future__ import annotations

import os
import re

from ..errors import StateError
from ..model.configuration import ORIGINALS, CorrectedFile, RewriteError, Rewritten
from ..state.files import cause_of, remove, replace
from ..trusted import Client, Untrusted, read_trusted
from .correct import correct, unchanged
from .parsed_config import PATTERNS
from .parsed_sysconfig import own_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from ..model.plan import Decision
    from ..model.settings import Settings

GENERATE_SECONDS = 10
USERS = {"systemd-networkd": ("systemd-network",)}
"""Whom cloud-init gives the manager's files, beside root. Source: cloudinit/net/networkd.py."""
CREATED_MODE = 0o644
"""Of the files that are made, as cloud-init makes those beside them."""
LIMIT_BYTES = 16 << 20
"""Of one file that cloud-init wrote: a hundred thousand routes are 8 MiB."""
_ROUTE = re.compile(
    r"^\s*(?:gateway|ipv6_defaultgw=|route\d+=|-? *(?:via|to|routes|gateway[46]):|\S+ route add |\S+ via |\S+ \S+ - -)",
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
    unread = [one.path[len(root) :] for one in errors]
    correction = correct(files, decide(), settings, unread) if has_routes else unchanged(files)
    if write:
        for one in correction.changed:
            try:
                _write(one, root)
            except StateError as error:
                errors.append(RewriteError("not-kept", one.path, str(error)))
            except OSError as error:
                errors.append(RewriteError("unwritable", one.path, cause_of(error)))
        if any(one.manager == "netplan" for one in correction.changed):
            errors += _generate()
    return Rewritten(correction, write, tuple(errors))


def _files(root: str, errors: list[RewriteError]) -> list[tuple[str, str, str]]:
    """Manager, path and text of every file that cloud-init has rendered."""
    from glob import glob

    found = []
    for manager, patterns in PATTERNS.items():
        for path in sorted(path for pattern in patterns for path in glob(root + pattern)):
            client = Client(os.path.dirname(path), USERS.get(manager, ()))
            try:
                found.append((manager, path[len(root) :], read_trusted(path, LIMIT_BYTES, client).data.decode()))
            except UnicodeDecodeError:
                errors.append(RewriteError("not-text", path))
            except OSError as error:
                errors.append(RewriteError("unreadable", path, cause_of(error)))
            except Untrusted as fault:
                errors.append(RewriteError("untrusted", path, str(fault)))
    return found


def _write(one: CorrectedFile, root: str) -> None:
    """The original kept, then the file replaced, made or removed."""
    path = root + one.path
    if one.after is None:
        remove(path, "it stays as it is")
        return
    if one.before is None:
        replace(path, one.after.encode(), CREATED_MODE, "it is not made")
        return
    there = os.lstat(path)
    replace(f"{root}{ORIGINALS}{one.path}", one.before.encode(), 0o600, f"{one.path} stays as cloud-init wrote it")
    replace(path, one.after.encode(), there.st_mode & 0o7777, "it stays as cloud-init wrote it")
    if (there.st_uid, there.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(path, there.st_uid, there.st_gid)


def _generate() -> list[RewriteError]:
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
