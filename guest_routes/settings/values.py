"""How a single value of the settings is read and shown: booleans, numbers, names, URLs. Pure.

A reader raises ValueError that says what would be right; load.py adds the place.
"""

from __future__ import annotations

from ..model.namedtuple import NamedTuple
from ..model.network import MAIN_TABLE, OUR_PROTOCOL
from ..model.settings import has_room_for_ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence


MAX_SECONDS = 1_000_000_000
_HIDDEN = "(hidden)"
_SCALARS = (str, bool, int, float, type(None))


COMMAND_LINE = "the command line"
"""The source of what an option says."""


class Place(NamedTuple):
    """Where a value stands."""

    source: str
    """A file's name, or COMMAND_LINE."""
    key: str
    item: object = ""
    """An index or a mapping's key; "" for the whole value."""
    line: int = 0
    """Of the key in its file; 0 where it is unknown."""

    def __str__(self) -> str:
        if self.source == COMMAND_LINE:
            return "--" + self.key.replace("_", "-")
        item = "" if self.item == "" else f"[{bare(self.item)}]"
        line = f":{self.line}" if self.line else ""
        return f"{self.source}{line}: {self.key}{item}"


# ---- showing what was found -------------------------------------------------------------------------


def bare(value: object) -> str:
    """A value on one line of plain ASCII, shortened, without quotes, and without the user and password of a URL."""
    if isinstance(value, str):
        text = ascii(without_user(value))[1:-1]
    else:
        text = _short_int(value) if isinstance(value, int) else ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."


def without_user(text: str) -> str:
    """A text that shows nothing of a URL's user and password, also where a comma in them has cut the URL."""
    scheme, begins, rest = text.partition("://")
    if not begins:
        return text
    if "@" in rest:
        return f"{scheme}://{_HIDDEN}@{without_user(rest.rpartition('@')[2])}"
    place = rest.partition("/")[0]
    _, colon, port = place.rpartition(":")
    return text if not colon or not port or port.isdecimal() or place.endswith("]") else f"{scheme}://{_HIDDEN}"


def shown(value: object) -> str:
    """A value as a problem quotes it, in YAML's spelling."""
    if isinstance(value, str):
        return f'"{bare(value)}"'
    if value is None:
        return "null"
    if isinstance(value, dict):
        if value and len(value) <= 4 and all(isinstance(part, _SCALARS) for pair in value.items() for part in pair):
            return "{" + ", ".join(f"{bare(key)}: {bare(item)}" for key, item in value.items()) + "}"
        return "a mapping"
    return "a list" if isinstance(value, (list, tuple)) else bare(value)


def _short_int(value: int) -> str:
    return str(value).lower() if value.bit_length() < 200 else "a huge number"


def did_you_mean(value: object, names: Sequence[str], prefix: str = "") -> str:
    """`; did you mean "default"?`, or nothing when nothing is close.

    Args:
        prefix: of every name, and not compared: `--`.
    """
    from difflib import get_close_matches

    if not isinstance(value, str):
        return ""
    by_spelling = {name.replace("-", "_"): name for name in names}
    close = get_close_matches(value.lower().replace("-", "_")[:80], by_spelling, 1, 0.6)
    return f'; did you mean "{prefix}{by_spelling[close[0]]}"?' if close else ""


# ---- single values ----------------------------------------------------------------------------------


def text_of(value: object, what: str) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool) and value >= 60:
        raise ValueError(f"must be {what}; YAML reads unquoted digits and colons as a number: put it in quotes")
    raise ValueError(f"must be {what}")


def boolean(value: object, place: Place) -> bool:
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    word = value.lower() if isinstance(value, str) else value
    if isinstance(word, bool):
        return word
    if isinstance(word, str) and word in words:
        return words[word]
    raise ValueError("must be true or false")


def one_of(names: Sequence[str]) -> Callable[[object, Place], str]:
    def read(value: object, place: Place) -> str:
        if value in names:
            return str(value)
        raise ValueError(f"must be {' or '.join(names)}" + did_you_mean(value, names))

    return read


def _whole(value: object, low: int, high: int, what: str) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise ValueError(f"must be {what}")


def metric(value: object, place: Place) -> int:
    return _whole(value, 0, 2**32 - 1, "a number from 0 to 4294967295")


def table(value: object, place: Place) -> int:
    if value == "main":
        return 254
    table = _whole(value, 1, 2**32 - 1, "main, or a number from 1 to 4294967295")
    if not has_room_for_ours(table, OUR_PROTOCOL):
        raise ValueError("is the kernel's own table `local`; 254 is main")
    return table


def protocol(value: object, place: Place) -> int:
    protocol = _whole(value, 1, 255, "a number from 1 to 255")
    if not has_room_for_ours(MAIN_TABLE, protocol):
        raise ValueError(
            "marks routes of the kernel or of other programs, which would be taken for ours; 121 is the default"
        )
    return protocol


def source_routing_table(value: object, place: Place) -> int:
    return _whole(value, 256, 2**31 - 1, "a number from 256 to 2147483647: 253 to 255 are the kernel's own")


def source_routing_priority(value: object, place: Place) -> int:
    return _whole(value, 1, 32765, "a number from 1 to 32765: behind the table local, before main")


def seconds(value: object, place: Place) -> float:
    if isinstance(value, str) and value.isascii() and value.replace(".", "", 1).isdigit() and len(value) <= 20:
        value = float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= MAX_SECONDS:
        return float(value)
    raise ValueError("must be a number of seconds above 0, such as 10")


def nic_pattern(value: object, place: Place) -> str:
    pattern = text_of(value, "the name of a NIC, or a pattern such as docker*")
    if "/" in pattern or any(character.isspace() for character in pattern):
        raise ValueError("must be the name of a NIC, or a pattern such as docker*, without spaces and slashes")
    return pattern


def url(value: object, place: Place) -> str:
    from urllib.parse import urlsplit

    text = text_of(value, "an http:// or https:// URL")
    try:
        parts = urlsplit(text)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fine = False
    if "@" in text:
        raise ValueError("must be a URL alone: user names and passwords in URLs are refused")
    if not fine or not text.isprintable() or any(character in text for character in " ?#\\"):
        raise ValueError("must be an http:// or https:// URL, such as http://169.254.169.254")
    return text.rstrip("/")
