"""`correct`: what cloud-init rendered, put right on disk before the network manager reads it.

Each file is replaced as a whole, with its mode and owner, and only when it changes. What it was before is kept under
ORIGINALS, where no manager looks. Asked for again, it changes nothing.
"""

from __future__ import annotations

import os
import re

from .correct import Corrected, Correction, correct, unchanged
from .errors import StateError
from .files import cause_of, replace
from .render import counted
from .rendered import PATTERNS
from .text import entries, wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, NamedTuple

    from .correct import Verdict
    from .foresee import Foreseen
    from .policy import Settings
else:
    from .values import NamedTuple

ORIGINALS = "/var/lib/guest-routes/originals"
GENERATE_SECONDS = 10
_ROUTE = re.compile(
    r"^\s*(?:gateway|route\d+=|-? *(?:via|to|routes|gateway[46]):|\S+ route add )", re.MULTILINE | re.IGNORECASE
)
"""Whatever may be a route in one of the forms; with DHCP alone there is none, and no document is needed."""
READ_AGAIN = {
    "systemd-networkd": "`networkctl reload`, and `networkctl reconfigure NIC` for each NIC",
    "netplan": "`netplan apply`",
    "NetworkManager": "`nmcli connection reload`, and `nmcli device reapply NIC` for each NIC",
    "ifupdown": "`ifdown NIC; ifup NIC`, from a console",
}


class Mended(NamedTuple):
    """What was found, and what was done about it."""

    correction: Correction
    written: bool
    errors: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """1: something couldn't be read or written; 3: `--check` found something wrong."""
        if self.errors:
            return 1
        return 3 if self.correction.changed and not self.written else 0


def mend(settings: Settings, foreseen: Callable[[], Foreseen], write: bool = True, root: str = "") -> Mended:
    """Reads what cloud-init rendered, and with `write` puts it right.

    Args:
        foreseen: asked only when a file says a route.
        root: stands before every path.

    Raises:
        GuestRoutesError: there are files, but no document to judge them by.
    """
    errors: list[str] = []
    files = list(_files(root, errors))
    speaking = any(_ROUTE.search(text) for _, _, text in files)
    correction = correct(files, foreseen(), settings) if speaking else unchanged(files)
    if write:
        for one in correction.changed:
            try:
                _write(one, root)
            except (StateError, OSError) as error:
                text = str(error) if isinstance(error, StateError) else f"cannot write {one.path}: {cause_of(error)}"
                errors.append(text)
        if any(one.manager == "netplan" for one in correction.changed):
            errors += _generate()
    return Mended(correction, write, tuple(errors))


def _files(root: str, errors: list[str]) -> list[tuple[str, str, str]]:
    """Manager, path and text of every file that cloud-init has rendered."""
    from glob import glob

    found = []
    for manager, patterns in PATTERNS.items():
        for path in sorted(path for pattern in patterns for path in glob(root + pattern)):
            try:
                with open(path, encoding="utf-8", newline="") as file:
                    found.append((manager, path[len(root) :], file.read()))
            except (OSError, UnicodeDecodeError) as error:
                cause = cause_of(error) if isinstance(error, OSError) else "it is not UTF-8 text"
                errors.append(f"cannot read {path}: {cause}; it stays as it is")
    return found


def _write(one: Corrected, root: str) -> None:
    """The original kept, then the file replaced."""
    path = root + one.path
    there = os.stat(path)
    replace(f"{root}{ORIGINALS}{one.path}", one.before.encode(), 0o600, f"{one.path} stays as cloud-init wrote it")
    replace(path, one.after.encode(), there.st_mode & 0o7777, "it stays as cloud-init wrote it")
    if (there.st_uid, there.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(path, there.st_uid, there.st_gid)


def _generate() -> list[str]:
    """netplan's generator has run for the file as it was: cloud-init starts it as soon as it has written."""
    import subprocess

    command = ["netplan", "generate"]
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=GENERATE_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"`netplan generate` could not be run: {error}; what it made before stays until the next boot"]
    said = " ".join((ran.stderr or ran.stdout).split())
    return [f"`netplan generate` failed: {said or ran.returncode}; what it made before stays"] if ran.returncode else []


def mended_lines(done: Mended, verbose: bool = False) -> list[str]:
    """What was done, for people and the journal."""
    found = done.correction
    if not found.files:
        return ["nothing to correct: cloud-init has rendered no network configuration here"]
    marks = {"moved": ">", "removed": "-", "left": "!", **({"kept": "="} if verbose else {})}
    lines = [line for one in found.files if one.odd for line in wrapped(f"{one.path}: left alone: {one.odd}", 4, 0)]
    told = [one for one in found.verdicts if one.verdict in marks]

    def shown(one: Verdict) -> tuple[str, str, str]:
        where = one.said.path if one.to is None or one.to.path == one.said.path else f"{one.said.path} -> {one.to.path}"
        moved = f" -> {one.to.nic.name}" if one.to else ""
        return marks[one.verdict], f"{one.said}{moved}", f"{where}: {one.because}"

    lines += entries(told, shown, verbose)
    changed = counted(len(found.changed), "file")
    if not found.changed:
        return [*lines, f"nothing to correct in {counted(len(found.files), 'file')} that cloud-init has rendered"]
    if not done.written:
        return [*lines, f"{changed} to correct; `guest-routes correct` does it"]
    lines += wrapped(f"corrected: {changed}; what cloud-init wrote is kept in {ORIGINALS}", 0)
    for manager in dict.fromkeys(one.manager for one in found.changed):
        lines += wrapped(f"if {manager} has read the old text already: {READ_AGAIN[manager]}", 0)
    return lines


def mended_json(done: Mended | None) -> dict[str, Any]:
    """`correct --json`."""
    head = {"schema": "guest-routes/correct/1", "exit_code": done.exit_code if done else 0}
    if done is None:
        return {**head, "disabled": True}
    return {
        **head,
        "written": done.written,
        "files": [
            {"path": one.path, "manager": one.manager, "changed": one.before != one.after, "odd": one.odd}
            for one in done.correction.files
        ],
        "routes": [
            {
                "route": str(one.said),
                "path": one.said.path,
                "verdict": one.verdict,
                "to": one.to.path if one.to else None,
                "because": one.because,
            }
            for one in done.correction.verdicts
        ],
        "errors": list(done.errors),
    }
