"""`correct` and `export` for people and as JSON. Pure."""

from __future__ import annotations

from ..model.configuration import CORRECTED, ORIGINALS, Export, ExportNote, profile_name
from .escape import shell_word, shell_words
from .folding import entries, first_of, wrapped
from .route_text import counted
from .words.outcomes import suspicion_text, unprogrammed_text
from .words.verdicts import rewrite_error_text, verdict_reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence

    from ..model.configuration import Correction, Reverted, Rewritten, RouteVerdict
    from ..model.network import Nic
    from ..model.plan import Suspicion
    from ..model.report import Unprogrammed
    from .folding import Entry


READ_AGAIN = {
    "systemd-networkd": "`networkctl reload`, and `networkctl reconfigure NIC` for each NIC",
    "netplan": "`netplan apply`",
    "NetworkManager": "`nmcli connection reload`, and `nmcli device reapply NIC` for each NIC",
    "ifupdown": "`ifdown NIC; ifup NIC`, from a console, since it cuts the connection",
    "sysconfig": (
        "`nmcli connection reload`, and `nmcli device reapply NIC` for each NIC; with network-scripts `ifdown NIC; "
        "ifup NIC`, from a console, since it cuts the connection"
    ),
    "wicked": "`wicked ifreload all`",
}
READER = {"sysconfig": "NetworkManager (ifcfg-rh) or network-scripts"}
"""Who reads the files, where the manager's name doesn't say it."""
_MARKS = {"moved": ">", "removed": "-", "left": "!", "kept": "="}


def rewritten_lines(done: Rewritten, verbose: bool = False) -> list[str]:
    """What was done, for people and the journal."""
    found = done.correction
    if not found.files:
        # Errors say what could not be read; whether there is anything to correct is unknown then.
        return ["nothing to correct: cloud-init has written no network configuration here"][: not done.errors]
    left = [one for one in found.files if one.odd is not None]
    lines = [line for one in left for line in wrapped(f"{one.path}: not changed: {one.odd}", 4, 0)]
    shown = [one for one in found.verdicts if verbose or one.verdict != "kept"]
    lines += entries(shown, _entry, verbose)
    if done.refused:
        return wrapped("not corrected: a file could not be written, so that all stay as they were", 0)
    changed = _changed_files(found)
    if not found.changed:
        what = "nothing more can be corrected" if found.is_partial else "nothing to correct"
        return [*lines, f"{what} in {counted(len(found.files), 'file')} that cloud-init has written"]
    if not done.written:
        return [*lines, f"{changed} to correct; run `guest-routes correct`"]
    kept = f"what cloud-init wrote is kept in {ORIGINALS}; `guest-routes correct --undo` puts it back"
    lines += wrapped(f"corrected: {changed}; {kept}", 0)
    for manager in dict.fromkeys(one.manager for one in found.changed):
        reader = READER.get(manager, manager)
        lines += wrapped(f"if {reader} has read the old files already, run {READ_AGAIN[manager]}", 0)
    return lines


def _changed_files(found: Correction) -> str:
    """How many change, and how many of them come or go."""
    made = sum(one.before is None for one in found.changed)
    removed = sum(one.after is None for one in found.changed)
    more = [*([f"{made} made"] if made else []), *([f"{removed} removed"] if removed else [])]
    return counted(len(found.changed), "file") + (f" ({', '.join(more)})" if more else "")


def _entry(one: RouteVerdict) -> Entry:
    path = one.route.path
    where = path if one.to is None or one.to.path == path else f"{path} -> {one.to.path}"
    moved = f" -> {one.to.nic.name}" if one.to else ""
    return _MARKS[one.verdict], f"{one.route}{moved}", f"{where}: {verdict_reason(one)}"


def rewritten_json(done: Rewritten | None) -> dict[str, Any]:
    """`correct --json`; None: switched off by the settings."""
    head = {"schema": "guest-routes/correct/1", "exit_code": done.exit_code if done else 0}
    if done is None:
        return {**head, "disabled": True}
    return {
        **head,
        "written": done.written,
        "files": [
            {
                "path": one.path,
                "manager": one.manager,
                "changed": one.before != one.after,
                "made": one.before is None,
                "removed": one.after is None,
                "odd": one.odd or "",
            }
            for one in done.correction.files
        ],
        "routes": [
            {
                "route": str(one.route),
                "path": one.route.path,
                "verdict": one.verdict,
                "to": one.to.path if one.to else None,
                "reason": verdict_reason(one),
            }
            for one in done.correction.verdicts
        ],
        "errors": [rewrite_error_text(one) for one in done.errors],
    }


def reverted_lines(done: Reverted) -> list[str]:
    """What `correct --undo` did, for people."""
    if not (done.restored or done.exit_code):
        return ["nothing to undo: `correct` has changed no file"]
    lines = [f"< {path}: as cloud-init wrote it" for path in done.restored]
    for paths, why in (
        (done.left, "stays, since somebody has changed it; its original, if it had one: {0}{2}"),
        (done.gone, "not restored, since somebody has removed it; its original: {0}{2} (remove it, too, if nothing in"
         " it is needed)"),
        (done.lost, "stays as it is, since its original has gone from {0}; correct it by hand, then remove {1}{2}"),
    ):  # fmt: skip
        for path in paths:
            lines += wrapped(f"! {path}: {why.format(ORIGINALS, CORRECTED, path)}", 2, 0)
    if done.restored:
        again = "guest-routes-correct.service corrects it again at the next boot, unless `correct_rendered: false`"
        lines += wrapped(
            f"undone: {counted(len(done.restored), 'file')}; the manager reads it at its next start; {again}", 0
        )
    return lines


def reverted_json(done: Reverted) -> dict[str, Any]:
    """`correct --undo --json`."""
    return {
        "schema": "guest-routes/correct/1",
        "exit_code": done.exit_code,
        "restored": list(done.restored),
        "left": [*done.left, *done.gone, *done.lost],
        "errors": [rewrite_error_text(one) for one in done.errors],
    }


def exported_lines(made: Export) -> list[str]:
    """Every file with its path as a comment above it, fit for a terminal or a pipe."""
    lines: list[str] = []
    for file in made.files:
        lines += [f"# ==== {file.path}  (mode {file.mode:o})", *file.text.splitlines(), ""]
    return lines[:-1] or ["# nothing to export: the document describes no NIC that is present"]


def export_note_text(note: ExportNote) -> str:
    """What the files leave out, or what to do with them."""
    name, names = note.nics[0] if note.nics else "", ", ".join(note.nics)
    if note.kind == "apply":
        return _apply_text(note)
    return {
        "shares-mac": f"{name} is not exported: it is a {note.nic_kind}, and files tell NICs by MAC addresses alone",
        "other-table": f"the table {note.table} of the settings is not exported: these routes go to the main table",
        "source-dynamic": (
            f"the rules of source routing name the present addresses of {names}, which DHCP or router "
            "advertisements may change: the service follows them, these files don't"
        ),
        "first-next-hop": f"of multipath routes in the tables of {names} the first next hop is exported: this format "
        "has no others",
        "mtu-alone": f"of the metrics of routes in the tables of {names} the MTU is exported, without its lock where "
        "this format has none; the others aren't",
        "unsayable-routes": (
            f"routes in the tables of {names} that are for a TOS, or IPv4's with a gateway of IPv6, are "
            "left out where this format can't say them: packets that carry an address of the NIC leave by its gateway"
        ),
        "no-source-routing": "source routing is not exported: this format has no route of type throw; "
        "leave `source_routing` to `guest-routes watch`, or choose another format",
        "no-leases": (
            f"the document omits the routes of {names} (DHCP), and a machine that isn't running has no "
            "leases: name what they need by `gateways` and `routes`"
        ),
        "unknown-routes": (
            f"the document omits the routes of {names} (DHCP), and no lease has them: they are in none of these files, "
            "which keep those that DHCP brings away; name what is needed by `gateways` and `routes`"
        ),
        "replaces-file": (
            f"{note.path} takes precedence over {note.replaced or f'the file that configures {name}'}: copy its other "
            "settings, for example DNS= and MTUBytes="
        ),
        "precedes-profiles": (
            "these profiles take precedence over those of other files: copy their other settings, for example dns= "
            "and mtu="
        ),
        "router-default": (
            f"netplan can't stop the default route that {name}'s router advertises: use the drop-in of "
            "`guest-routes export --format networkd`"
        ),
        "other-files": (
            f"routes and gateway4 of {name} in other files of /etc/netplan stay: remove them there, or run "
            "`guest-routes correct` where cloud-init wrote them"
        ),
    }[note.kind]


def _apply_text(note: ExportNote) -> str:
    if note.format_name == "networkd":
        return f"then run `networkctl reload`, and `networkctl reconfigure {shell_words(note.nics)}`"
    if note.format_name == "networkmanager":
        ups = " && ".join(f"nmcli connection up {shell_word(profile_name(nic))}" for nic in note.nics)
        return f"then run `nmcli connection reload`, and `{ups}`"
    if note.format_name == "ifupdown":
        return "then run `ifdown --all; ifup --all` from a console, since it cuts the connection"
    if note.format_name == "nmstate":
        return f"then run `nmstatectl apply {shell_word(note.path)}`, which goes back if it cannot verify the result"
    if note.format_name == "ip":
        return f"then run `{shell_word(note.path)}` at each boot, and again after every change of the network"
    assert note.format_name == "netplan", note.format_name
    return "then run `netplan apply`"


def left_out_texts(unprogrammable: Sequence[Unprogrammed], nics: Sequence[Nic]) -> list[str]:
    """The routes of the document that are not in an export; of many the first, and how many more."""
    return first_of([unprogrammed_text(one, nics) for one in unprogrammable], "routes that are not in it")


def partial_text(suspicion: Suspicion) -> str:
    """What an export lacks where the document may be partial (R6)."""
    return (
        f"the document may be partial: {suspicion_text(suspicion)}; what it lacks is not in the configuration either; "
        "compare with `guest-routes plan`"
    )


def export_json(made: Export, format_name: str, code: int) -> dict[str, Any]:
    """`export --json`."""
    return {
        "schema": "guest-routes/export/1",
        "exit_code": code,
        "format": format_name,
        "files": [{"path": file.path, "mode": f"{file.mode:04o}", "text": file.text} for file in made.files],
        "notes": [export_note_text(note) for note in made.notes],
    }
