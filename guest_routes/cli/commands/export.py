"""`guest-routes export`: the routes as configuration for a network manager."""

from __future__ import annotations

from ...managers.detect import network_files
from ...managers.export.render import export, offline, unknown_routes
from ...managers.files import ManagerFiles
from ...model.configuration import ExportNote
from ...model.decision import Unresolved
from ...output.configuration import export_json, export_note_text, exported_lines, left_out_texts, partial_text
from ...output.words.outcomes import unnamed_texts
from ..projected import projected, projected_offline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.network import Nic
    from ...model.plan import Decision
    from ..context import Context


def run(context: Context) -> int:
    """0; 5 when some routes are not in it or unknown, or the document may be partial; 4 when it has no networks."""
    options, terminal = context.options, context.terminal
    evidence, decision = projected_offline(context) if options.nic else projected(context)
    nics, files = evidence.kernel.nics, ManagerFiles()
    if options.nic:
        made = offline(export(decision, context.settings, options.format, {}))
        left_out = _left_out_offline(decision, nics)
    else:
        made = export(decision, context.settings, options.format, network_files(nics, files))
        left_out = left_out_texts(decision.unprogrammable, nics)
    # DHCP alone has its routes kept away by these files; IPv6's are the routers' advertisements.
    unknown = unknown_routes(decision, evidence.leases, (4, 6) if options.nic else (4,))
    if unknown:
        note = ExportNote("no-leases" if options.nic else "unknown-routes", unknown)
        made = made._replace(notes=(note, *made.notes))
    code = 5 if left_out or unknown else 0
    if decision.suspicion is not None:
        left_out.append(partial_text(decision.suspicion))
        code = 4 if decision.suspicion.kind == "no-networks" else 5
    if options.json:
        terminal.json(export_json(made, options.format, code))
    else:
        terminal.verbatim(exported_lines(made))
    for text in (*left_out, *map(str, files.problems), *map(export_note_text, made.notes)):
        terminal.warning(text)
    return code


def _left_out_offline(decision: Decision, nics: Sequence[Nic]) -> list[str]:
    """What is left out, where a NIC that isn't there is one that no --nic names."""
    unnamed = [one for one in decision.resolution.bindings if one.nic is None and one.is_identified]
    others = [one for one in decision.unprogrammable if not (isinstance(one, Unresolved) and one.binding in unnamed)]
    return [*unnamed_texts(unnamed), *left_out_texts(others, nics)]
