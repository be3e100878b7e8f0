"""The settings, read by a short-lived child: YAML and what reads it are larger than the rest of the service."""

from __future__ import annotations

import marshal

from ..errors import SettingsError
from ..model.network import Prefix
from ..model.network_data import HostRoute
from ..model.settings import GatewaySetting, Selector, Settings
from .child import result_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

LIMIT_BYTES = 64 << 20
_CLASSES = {one.__name__: one for one in (Settings, Selector, GatewaySetting, HostRoute, Prefix)}


def read_aside(read: Callable[[], Settings]) -> Settings:
    """What `read` returns or raises, without what it needs in memory.

    Raises:
        SettingsError: as `read` does; or no process can be had, or it failed, with the reason on standard error.
    """

    def work() -> bytes:
        try:
            return b"=" + marshal.dumps(_flat(read()))
        except SettingsError as error:
            return b"!" + str(error).encode()

    try:
        result = result_of(work, LIMIT_BYTES)
    except OSError as error:
        raise SettingsError(f"cannot start a process to read the settings: {error.strerror}") from error
    if result[:1] == b"=":
        made: Settings = _value(marshal.loads(result[1:]))  # noqa: S302  # from our own child
        return made
    raise SettingsError(result[1:].decode() or "the process that reads the settings failed")


def _flat(value: Any) -> Any:
    """Values as plain tuples, each with its class's name in front."""
    if isinstance(value, tuple):
        name = "" if type(value) is tuple else type(value).__name__
        return (name, *map(_flat, value))
    return value


def _value(flat: Any) -> Any:
    if isinstance(flat, tuple):
        values = tuple(map(_value, flat[1:]))
        return _CLASSES[flat[0]](*values) if flat[0] else values
    return flat
