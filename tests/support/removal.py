"""The packages' removal scripts, run as package managers run them, with this checkout's `guest-routes`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Sequence

ROOT = Path(__file__).parents[2]
STEPS = {
    "deb": {"prerm": "prerm", "postrm": "postrm", "postinst": "postinst"},
    "rpm": {"prerm": "preun", "postrm": "postun", "postinst": "post"},
    "openrc": {"prerm": "pre-deinstall", "postrm": "post-deinstall"},
}
"""Of each kind of package, what it calls Debian's steps."""


def script(kind: str, name: str) -> str:
    """A script: of the Debian package, or the same step of the RPM, or of a package for OpenRC."""
    step = STEPS[kind][name]
    if kind == "openrc":
        return (ROOT / "packaging" / "openrc" / f"guest-routes.{step}").read_text()
    if kind == "deb":
        return (ROOT / "packaging" / "debian" / step).read_text()
    text = (ROOT / "packaging" / "rpm" / "guest-routes.spec").read_text()
    found = re.search(rf"^%{step}\n(.*?)^%\w", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group(1).replace("%{python3_sitelib}", "/run/tests/site-packages")


def put_commands(folder: Path) -> None:
    """`guest-routes` of this checkout, and a `deb-systemd-invoke` that does nothing: no service of this machine's."""
    for name, does in (
        ("guest-routes", f'exec {sys.executable} -m guest_routes "$@"'), ("deb-systemd-invoke", "exit 0"),
    ):  # fmt: skip
        (folder / name).write_text(f"#!/bin/sh\n{does}\n")
        (folder / name).chmod(0o755)


def ran(
    kind: str, name: str, commands: Path, *, upgrade: bool = False, systemctl: str = ":", inside: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """A script as the package manager runs it when the package is removed, and purged.

    Args:
        upgrade: by a newer version instead; no script for OpenRC runs then.
        systemctl: what it does; nothing of this machine's.
        inside: the command that enters what it runs in.
    """
    arguments = {
        "deb": {"prerm": "upgrade" if upgrade else "remove", "postrm": "purge", "postinst": "configure"}[name],
        "rpm": {"postinst": "2" if upgrade else "1"}.get(name, "1" if upgrade else "0"),
        "openrc": "0.1.0-r0",
    }
    own = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}"}
    shell = f"systemctl() {{ {systemctl}; }}\n{script(kind, name)}"
    done = subprocess.run([*inside, "sh", "-c", shell, "sh", arguments[kind]], text=True, capture_output=True, env=own)
    assert done.returncode == 0, done.stderr
    return done
