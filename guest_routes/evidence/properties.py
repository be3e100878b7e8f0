"""Host routes in the instance's properties. Pure.

    openstack server set --property guest_routes="11.11.0.0/16,11.8.0.1 10.2.0.0/16,11.8.0.1" SERVER

Nova keeps a property as text of at most 255 characters and puts it into meta_data.json under `meta`.
"""

from __future__ import annotations

from ..json_codec import loads
from ..model.document import PROPERTY_CHARACTERS
from ..model.network_data import PROPERTIES, HostRoute, Problem
from ..settings.route_values import host_route, legible_route
from ..settings.values import Place
from .json_fields import show

SOURCE = "meta_data.json"
PROPERTY = "guest_routes"


def host_routes(value: str) -> tuple[list[HostRoute], list[Problem]]:
    """The host routes in a ServerProperty's JSON, in order, and a problem for each that is none.

    Routes are separated by spaces, semicolons or line ends.
    """
    place = f"meta.{PROPERTY} of {SOURCE}"
    if len(value) > PROPERTY_CHARACTERS:
        text = (
            f"has more than {PROPERTY_CHARACTERS:,} characters, so none of its host routes is used; the setting "
            "`routes` takes as many as there are"
        )
        return [], [Problem(place, text, refused=True)]
    try:
        written = loads(value)
    except (ValueError, RecursionError):
        return [], [Problem(place, "is damaged", refused=True)]
    if not isinstance(written, str):
        text = f"must be text such as 11.11.0.0/16,11.8.0.1 10.2.0.0/16,11.8.0.1, not {show(written)}"
        return [], [Problem(place, text, refused=True)]
    routes: list[HostRoute] = []
    problems: list[Problem] = []
    for index, word in enumerate(written.replace(";", " ").split()):
        try:
            read = host_route(word, Place(SOURCE, f"meta.{PROPERTY}", index))
            routes.append(read._replace(network=PROPERTIES))
        except ValueError as error:
            where, text = f"meta.{PROPERTY}[{index}] of {SOURCE}", f"{show(word)}: {error}"
            problems.append(Problem(where, text, True, *legible_route(word)))
    return routes, problems
