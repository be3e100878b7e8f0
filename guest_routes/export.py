"""The routes of a document as configuration for a network manager: what each format's module makes of them. Pure.

Two things in one: no further default route, and, for sites that want no service, the routes themselves. NICs are
matched by MAC. What a manager's own files hold already can't be taken away by further files; notes say where.
"""

from __future__ import annotations

from .export_networkd import netplan, networkd
from .export_networkmanager import networkmanager
from .export_scripts import ifupdown, script
from .exported import Exported, File
from .foresee import Foreseen
from .nic_routes import NicRoutes, nic_routes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Mapping, Sequence

    from .policy import Settings

FORMATS: dict[str, Callable[[Sequence[NicRoutes], Mapping[int, str]], Exported]] = {
    "networkd": networkd,
    "netplan": netplan,
    "networkmanager": networkmanager,
    "ifupdown": ifupdown,
    "ip": script,
}
STACKED = ("vlan", "bond", "bridge")
"""Kinds of NIC that share a MAC with another."""


def export(foreseen: Foreseen, settings: Settings, form: str, network_files: Mapping[int, str]) -> Exported:
    """The files of one format.

    Args:
        network_files: the .network file that systemd-networkd has applied to a NIC, by ifindex.
    """
    every = nic_routes(foreseen.resolution.bindings, foreseen.resolution.resolved, foreseen.elections, settings)
    made = FORMATS[form]([one for one in every if one.nic.kind not in STACKED], network_files)
    notes = [
        f"{one.nic.name} is a {one.nic.kind}, which shares its MAC address: not exported"
        for one in every if one.nic.kind in STACKED
    ]  # fmt: skip
    if settings.table != 254:
        notes.append(f"the settings' table {settings.table} is not exported: these routes go to the main table")
    return made._replace(notes=(*made.notes, *notes))


def exported_lines(made: Exported) -> list[str]:
    """Every file with its path as a comment above it, fit for a terminal or a pipe."""
    lines: list[str] = []
    for file in made.files:
        lines += [f"# ==== {file.path}  (mode {file.mode:o})", *file.text.splitlines(), ""]
    return lines[:-1] or ["# nothing to export: the document describes no NIC that is present"]


def export_json(made: Exported, form: str, code: int) -> dict[str, Any]:
    """`export --json`."""
    return {
        "schema": "guest-routes/export/1",
        "exit_code": code,
        "format": form,
        "files": [{"path": file.path, "mode": f"{file.mode:04o}", "text": file.text} for file in made.files],
        "notes": list(made.notes),
    }


__all__ = ["FORMATS", "Exported", "File", "export", "export_json", "exported_lines"]
