"""`guest-routes module`: the module guest_routes in cloud-init's list of modules."""

from __future__ import annotations

from ...errors import UsageError
from ...managers.cloud_cfg import CLOUD_CFG, edit, with_module, without_module
from ...output.configuration import module_json, module_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context


def run(context: Context) -> int:
    """0; 3 with --check when something would change."""
    options, terminal = context.options, context.terminal
    if options.add == options.remove:
        raise UsageError("one of --add and --remove is wanted", "module" if options.json else "")
    changed = edit(with_module if options.add else without_module, CLOUD_CFG, write=not options.check)
    code = 3 if changed and options.check else 0
    if options.json:
        terminal.json(module_json(CLOUD_CFG, changed, code))
    else:
        terminal.lines([module_text(CLOUD_CFG, options.add, changed, written=not options.check)])
    return code
