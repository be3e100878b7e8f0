"""`guest-routes module`: the module guest_routes in cloud-init's list of modules."""

from __future__ import annotations

from ...errors import UsageError
from ...managers.cloud_cfg import CLOUD_CFG, edit, overriding, python_without_module, with_module, without_module
from ...output.cloud_cfg import module_json, module_lines, not_in_force_texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """0; 3 with --check when something would change; 5 where cloud-init does otherwise all the same."""
    options, terminal = context.options, context.terminal
    if options.add == options.remove:
        raise UsageError("one of --add and --remove is wanted", "module" if options.json else "")
    changed = edit(with_module if options.add else without_module, CLOUD_CFG, write=not options.check)
    texts = not_in_force_texts(options.add, overriding(), python_without_module() if options.add else "")
    code = 3 if changed and options.check else 5 if texts else 0
    if options.json:
        terminal.json(module_json(CLOUD_CFG, changed, code))
    else:
        terminal.lines(module_lines(CLOUD_CFG, options.add, changed, written=not options.check))
    for text in texts:
        terminal.warning(text)
    return code
