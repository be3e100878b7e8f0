"""A setting's value as it is written in YAML and JSON, which its reader takes again. Pure."""

from __future__ import annotations

from ...model.network import MAIN_TABLE, address_text, mac_text
from ..escape import yaml_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...model.settings import Selector, Settings


def setting_value(settings: Settings, name: str) -> Any:
    """The value of docs/schema/settings-file.json's form."""
    value = getattr(settings, name)
    if name == "default":
        return "auto" if value is None else dict([_selector(value)])
    if name == "gateways":
        return {_bare(one.selector): address_text(one.gateway) for one in value}
    if name == "table":
        return "main" if value == MAIN_TABLE else value
    if isinstance(value, tuple):
        return list(map(str, value))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _selector(one: Selector) -> tuple[str, str]:
    """Its form and its text."""
    if one.mac:
        return "mac", mac_text(one.mac)
    if one.subnet is not None:
        return "subnet", str(one.subnet)
    return ("network", one.network) if one.network else ("nic", one.nic)


def _bare(one: Selector) -> str:
    """A key of `gateways`, with its form in front where the text alone would say something else."""
    form, text = _selector(one)
    plain = form in ("mac", "subnet") or (form == "nic" and "=" not in text)
    return text if plain else f"{form}={text}"


def value_text(value: Any) -> str:
    """A value on one line of YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return yaml_text(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{yaml_text(key)}: {value_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(value_text, value)) + "]"
    return str(value)
