"""`guest-routes lint`: Neutron's host routes, checked before an instance has them."""

from __future__ import annotations

import sys

from ...errors import SettingsError, UsageError
from ...neutron.check import check
from ...neutron.subnets import WANTED, parse
from ...output.words.subnet_findings import lint_json, lint_lines
from ...trusted import Untrusted, read_named, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..context import Context

LIMIT_BYTES = 64 << 20


def run(context: Context) -> int:
    """0; 1 with findings."""
    options, terminal = context.options, context.terminal
    if options.cloud and options.file != "-":
        raise UsageError("FILE and --cloud can't be used together; see `guest-routes help lint`")
    subnets = parse(*_input(options.file, options.cloud))
    findings = check(subnets)
    code = 1 if findings else 0
    if options.json:
        terminal.json(lint_json(subnets, findings, code))
    else:
        terminal.lines(lint_lines(subnets, findings))
    return code


def _input(path: str, cloud: str) -> tuple[bytes | str, str]:
    """The subnets as JSON, and what they were read from."""
    if cloud:
        from ...neutron.cloud import subnets_json

        return subnets_json(cloud), f"--cloud {cloud}"
    if path == "-" and sys.stdin.isatty():
        raise SettingsError(f"standard input is a terminal; {WANTED}: pipe it here, or name a FILE or --cloud NAME")
    if path == "-":
        return sys.stdin.buffer.read(LIMIT_BYTES), "standard input"
    try:
        return read_named(path, LIMIT_BYTES).data, path
    except (OSError, Untrusted) as error:
        raise SettingsError(f"{path}: {unreadable(error)}") from error
