"""`guest-routes doctor`: inspects this machine, and says what to do."""

from __future__ import annotations

from ...diagnose.doctor import inspect
from ...diagnose.findings import findings
from ...output.diagnosis.doctor import doctor_json, doctor_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """0: nothing found; 1: something to do."""
    options, terminal = context.options, context.terminal
    settings = context.usable_settings
    inspection = inspect(
        settings,
        context.state,
        context.kernel,
        options.metadata,
        terminal.progress,
        settings_problems=context.settings_problems,
        settings_hidden=context.settings_hidden,
        file_settings=context.file_settings,
    )
    found = findings(inspection)
    if options.json:
        terminal.json(doctor_json(inspection, found))
    else:
        terminal.lines(doctor_lines(inspection, found))
    return 1 if found else 0
