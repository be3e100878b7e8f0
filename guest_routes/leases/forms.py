"""The forms that DHCP clients write their values in: lines, statements, dates, lifetimes. Pure."""

from __future__ import annotations

from .options import LeaseFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

_SECONDS = {"": 1, "s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800, "month": 2629800, "y": 31557600}


def text_of(data: bytes) -> str:
    """A file's text; bytes that are no UTF-8 become U+FFFD.

    Raises:
        LeaseFault: it has NUL bytes, as a file has after a crash.
    """
    if b"\0" in data:
        raise LeaseFault("is damaged: it has NUL bytes")
    return data.decode("utf-8", "replace")


def assignments(data: bytes) -> dict[str, str]:
    """KEY=VALUE lines without their comments; of two of a key the last.

    Raises:
        LeaseFault: the last line has no end, so it is being written.
    """
    text = text_of(data)
    if text and not text.endswith("\n"):
        raise LeaseFault("is cut off: its last line has no end")
    # Not splitlines: a form feed in a server's text ends no line.
    pairs = (line.partition("=") for line in text.split("\n") if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, _, value in pairs}


def needed(values: dict[str, str], key: str) -> str:
    """A value that every lease has.

    Raises:
        LeaseFault: it is empty, or not there.
    """
    if not values.get(key):
        raise LeaseFault(f"is no lease, or cut off: it has no {key}")
    return values[key]


def statements(body: str) -> Iterator[tuple[str, str]]:
    """`option routers 11.8.0.1;` as name and value; quoted values may have any sign in them."""
    for line in body.split("\n"):
        statement = line.strip()
        if not statement.endswith(";"):
            continue
        words = statement[:-1].split(None, 2 if statement.startswith("option ") else 1)
        if words:
            yield " ".join(words[:-1]), words[-1]


def quoted_octets(text: str) -> bytes:
    """Octets that dhclient took for text: `"\\020\\013..."`."""
    found = bytearray()
    inner, at = text[1:-1], 0
    while at < len(inner):
        octal = inner[at + 1 : at + 4]
        if inner[at] == "\\" and len(octal) == 3 and set(octal) <= set("01234567"):
            found.append(int(octal, 8) & 255)
            at += 4
            continue
        at += inner[at] == "\\"
        found += inner[at : at + 1].encode()
        at += 1
    return bytes(found)


def date_of(text: str) -> float | None:
    """`2 2026/11/24 04:29:31` in UTC, `epoch 1795493735; #...`, or `never`; None for what is none of these."""
    words = text.split()
    if words[:1] == ["epoch"] and len(words) > 1:
        return number_of(words[1].rstrip(";"))
    try:
        year, month, day = map(int, words[1].split("/"))
        hour, minute, second = map(int, words[2].split(":"))
    except (ValueError, IndexError):
        return None
    if not (1970 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= 31):
        return None
    # calendar.timegm would bring datetime and locale with it. Years that begin in March have their leap day last.
    year, month = (year - 1, month + 9) if month < 3 else (year, month - 3)
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 719469
    return float(days * 86400 + hour * 3600 + minute * 60 + second)


def number_of(text: str | None) -> float | None:
    """Decimal digits, twelve at most; None for anything else."""
    return float(text) if text and text.isascii() and text.isdigit() and len(text) <= 12 else None


def end_of(obtained: float, lifetime: str | None) -> float | None:
    """When a lifetime in seconds ends; 0xffffffff is for ever (RFC 2131, section 3.3)."""
    seconds = number_of(lifetime)
    return None if seconds is None or seconds >= 0xFFFFFFFF else obtained + seconds


def timespan_seconds(text: str) -> str:
    """Seconds, of `3600` as systemd 252 writes it or `52min 30s` as 257 does; "" for what is neither, as `infinity`.

    Source: systemd.time(7), "Parsing Time Spans".
    """
    seconds = 0
    for word in text.split():
        number = word.rstrip("abcdefghijklmnopqrstuvwxyz")
        unit = _SECONDS.get(word[len(number) :])
        if unit is None or not (number.isascii() and number.isdigit() and len(number) <= 12):
            return ""
        seconds += int(number) * unit
    return str(seconds) if text else ""


def ifindex_of(path: str) -> int:
    """Of a file that is called by it; 0 for another name."""
    name = path.rpartition("/")[2]
    return int(name) if name.isascii() and name.isdigit() and len(name) < 10 else 0
