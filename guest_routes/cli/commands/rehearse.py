"""`guest-routes rehearse`: the pass in a private network built from a document."""

from __future__ import annotations

from ...diagnose.rehearse import example, rehearse
from ...evidence.find import find
from ...output.diagnosis.rehearsal import rehearsal_json, rehearsal_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model.document import Document
    from ..context import Context


def run(context: Context) -> int:
    """The pass's exit code."""
    options, terminal = context.options, context.terminal
    done = rehearse(_document(context), context.settings)
    if options.json:
        terminal.json(rehearsal_json(done))
    else:
        terminal.lines(rehearsal_lines(done, options.verbose))
    return done.report.exit_code


def _document(context: Context) -> Document:
    """The document; fetched, if it has to be, before the machine's network is left."""
    options = context.options
    if options.example or not options.metadata:
        return example()
    try:
        return find(context.settings, context.kernel.nics, context.state, options.metadata, context.terminal.progress)
    finally:
        context.close()  # The private network has an engine of its own.
