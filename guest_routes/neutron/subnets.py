"""JSON to subnets: what `openstack subnet list --long -f json` prints, or Neutron's API answers. Pure.

Source: python-openstackclient, openstackclient/network/v2/subnet.py, for the columns; Networking API v2.0, "Subnets".
"""

from __future__ import annotations

from ..errors import SettingsError
from ..model.network import network_of, parse_address, parse_prefix
from ..model.subnet import Subnet, SubnetRoute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..model.network import Address

WANTED = "`openstack subnet list --long -f json` prints what is wanted"
_NAMES = {
    "id": ("ID", "id"),
    "name": ("Name", "name"),
    "project": ("Project", "project_id"),
    "prefix": ("Subnet", "cidr"),
    "gateway": ("Gateway", "gateway_ip"),
    "routes": ("Host Routes", "host_routes"),
}
"""Each field's name in the client's columns and in the API."""


def parse(text: str | bytes, where: str) -> tuple[Subnet, ...]:
    """Every subnet, in order.

    Args:
        where: what it was read from, for the errors.

    Raises:
        SettingsError: it is not JSON, no list of subnets, or a subnet in it is not one; with the place.
    """
    import json

    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(f"{where}:{error.lineno}:{error.colno}: not JSON: {error.msg}; {WANTED}") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{where}: not JSON: {ascii(str(error))[1:-1][:80]}; {WANTED}") from error
    if isinstance(found, dict):
        found = found.get("subnets", found)
    if not isinstance(found, list):
        raise SettingsError(f"{where}: not a list of subnets; {WANTED}")
    return tuple(_subnet(one, f"{where}: [{index}]") for index, one in enumerate(found))


def _subnet(entry: Any, place: str) -> Subnet:
    if not isinstance(entry, dict):
        raise SettingsError(f"{place}: not an object; {WANTED}")
    values = {}
    for field, names in _NAMES.items():
        name = next((name for name in names if name in entry), None)
        if name is None:
            raise SettingsError(f"{place}: has no {' or '.join(map(repr, names))}; {WANTED}")
        values[field] = (entry[name], f"{place}.{name}")
    prefix, at = values["prefix"]
    try:
        read = network_of(parse_prefix(prefix))
    except (ValueError, TypeError, AttributeError):
        raise SettingsError(f"{at}: must be a prefix such as 10.65.0.0/24, not {ascii(prefix)[:60]}") from None
    gateway, at = values["gateway"]
    routes, routes_at = values["routes"]
    if not isinstance(routes, list):
        raise SettingsError(f"{routes_at}: must be a list, not {ascii(routes)[:60]}")
    return Subnet(
        _id(*values["id"]),
        str(values["name"][0] or ""),
        str(values["project"][0] or ""),
        read,
        _address(gateway, at) if gateway else None,
        tuple(_route(one, f"{routes_at}[{index}]") for index, one in enumerate(routes)),
    )


def _id(value: Any, place: str) -> str:
    """An ID as Neutron makes them: it stands in commands, so that one which reads as an option is none."""
    if isinstance(value, str) and value[:1].isalnum() and value.isascii() and value.replace("-", "").isalnum():
        return value
    raise SettingsError(f"{place}: must be the ID of a subnet, not {ascii(value)[:60]}")


def _route(entry: Any, place: str) -> SubnetRoute:
    if not isinstance(entry, dict) or "destination" not in entry:
        raise SettingsError(f"{place}: must be an object with destination and nexthop, not {ascii(entry)[:60]}")
    try:
        destination = network_of(parse_prefix(entry["destination"]))
    except (ValueError, TypeError, AttributeError):
        wrong = ascii(entry["destination"])[:60]
        raise SettingsError(f"{place}.destination: must be a prefix such as 11.11.0.0/16, not {wrong}") from None
    return SubnetRoute(destination, _address(entry.get("nexthop", entry.get("gateway")), f"{place}.nexthop"))


def _address(value: Any, place: str) -> Address:
    try:
        return parse_address(value)
    except (ValueError, TypeError):
        raise SettingsError(f"{place}: must be an IP address, not {ascii(value)[:60]}") from None
