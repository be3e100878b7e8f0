"""The commands about the network managers beside us: `export`, `correct`, `doctor`; pure modules decide."""

from __future__ import annotations

import json

from .policy import Settings
from .state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Sequence, TypeAlias

    from .foresee import Foreseen
    from .model import Nic

Tell: TypeAlias = "Callable[[str], None]"
Show: TypeAlias = "Callable[[Sequence[str]], None]"


def run(settings: Settings, options: Any, tell: Tell, show: Show, complain: Tell) -> int:
    """The command's exit code; `show` gets what goes to standard output, `complain` what goes to standard error."""
    return COMMANDS[options.command](settings, options, tell, show, complain)


def _export(settings: Settings, options: Any, tell: Tell, show: Show, complain: Tell) -> int:
    from .export import export, export_json, exported_lines
    from .managers import network_files

    foreseen, nics = _foreseen(settings, options, tell)
    made = export(foreseen, settings, options.format, network_files(nics))
    code = 5 if foreseen.unprogrammed else 0
    if options.json:
        show([json.dumps(export_json(made, options.format, code), indent=2)])
    else:
        show(exported_lines(made))
    for text in (*foreseen.unprogrammed, *made.notes):
        complain(text)
    return code


def _foreseen(settings: Settings, options: Any, tell: Tell) -> tuple[Foreseen, tuple[Nic, ...]]:
    """What the document means for this machine's NICs, and these."""
    from . import metadata, network_data
    from .foresee import foresee
    from .kernel import open_kernel
    from .testimony import gather

    kernel = open_kernel(settings.engine)
    try:
        document = metadata.find(settings, kernel.nics, State(), options.metadata, tell)
        before = kernel.snapshot(settings.table)
    finally:
        kernel.close()
    data = network_data.parse(document.data)
    beside = gather(settings, document, data, before.nics, State().root)
    foreign = [r for r in before.routes if not r.destination.length and r.protocol != settings.protocol]
    recorded = State().recorded_defaults(before.nics)
    return foresee(data, before.nics, settings, foreign, recorded, beside), before.nics


def _correct(settings: Settings, options: Any, tell: Tell, show: Show, complain: Tell) -> int:
    from .mend import mend, mended_json, mended_lines

    off = "" if settings.enabled else "`enabled: false`"
    off = off if settings.correct_rendered else "`correct_rendered: false`"
    done = None if off else mend(settings, lambda: _foreseen(settings, options, tell)[0], write=not options.check)
    if options.json:
        show([json.dumps(mended_json(done), indent=2)])
    elif done is None:
        complain(f"switched off by the settings ({off}); nothing was done")
    else:
        show(mended_lines(done, options.verbose))
    for text in done.errors if done else ():
        complain(text)
    return done.exit_code if done else 0


def _doctor(settings: Settings, options: Any, tell: Tell, show: Show, complain: Tell) -> int:
    from .doctor import look
    from .doctor_text import doctor_json, doctor_lines, exit_code
    from .findings import findings

    seen = look(settings, options.metadata, tell)
    show([json.dumps(doctor_json(seen), indent=2)] if options.json else doctor_lines(seen))
    return exit_code(findings(seen))


COMMANDS: dict[str, Callable[[Settings, Any, Tell, Show, Tell], int]] = {
    "export": _export,
    "correct": _correct,
    "doctor": _doctor,
}
