"""`settings` for people and as JSON. Pure."""

from __future__ import annotations

from ...model.settings import Settings
from ..folding import Text, wrapped
from ..route_text import counted
from .values import setting_value, value_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping, Sequence

    from ...model.settings import Origin

    Origins = Mapping[str, Sequence[Origin]]
    """By the name of a setting; the default is from nowhere."""

_VALUE_COLUMN = 25


def settings_lines(settings: Settings, origins: Origins, helps: Mapping[str, str], verbose: bool) -> list[str]:
    """Each setting with its value and where that is from.

    Args:
        helps: what each means, by name; shown with `verbose`.
    """
    lines: list[str] = []
    for name in Settings._fields:
        value = value_text(setting_value(settings, name))
        lines.append(Text(f"{name:<{_VALUE_COLUMN}}{value}  ({_origins_text(name, origins)})", _VALUE_COLUMN))
        lines += wrapped(helps[name]) if verbose else []
    return lines


def _origins_text(name: str, origins: Origins) -> str:
    return ", ".join(_origin_text(one) for one in origins.get(name, ())) or "default"


def _origin_text(one: Origin) -> str:
    return f"{one.source}:{one.line}" if one.line else one.source


def checked_text(path: str, origins: Origins) -> str:
    """`settings --check` of a file that is right."""
    return f"{path}: {counted(len(origins), 'setting')}, nothing wrong"


def settings_json(settings: Settings, origins: Origins, problems: Sequence[str]) -> dict[str, Any]:
    """`settings --json`."""
    return {
        "schema": "guest-routes/settings/1",
        "exit_code": 2 if problems else 0,
        "settings": {
            name: {
                "value": setting_value(settings, name),
                "origins": [{"source": one.source, "line": one.line or None} for one in origins.get(name, ())],
            }
            for name in Settings._fields
        },
        "problems": list(problems),
    }
