"""Which errors of the service are the same one: the log has each once, until it is over. Pure."""

from __future__ import annotations

from ..model.namedtuple import NamedTuple


class ErrorKind(NamedTuple):
    """What makes two errors the same for the log: not their texts, which have process ids and times in them."""

    error: type[BaseException]
    errno: int | None = None
    """Of the system's refusal, where one is behind it."""
    path: str = ""
    """The file that the system refused."""
    place: str = ""
    """The function that raised an unexpected error."""


def error_kind(error: BaseException, expected: bool = True) -> ErrorKind:
    """The kind of an error; of an unexpected one, its place in the code is a part."""
    refused = error if isinstance(error, OSError) else error.__cause__
    place = "" if expected else _place(error)
    if not isinstance(refused, OSError):
        return ErrorKind(type(error), place=place)
    return ErrorKind(type(error), refused.errno, str(refused.filename or ""), place)


def _place(error: BaseException) -> str:
    """The function that raised it, with its file; "" for an error that was never raised."""
    place, frame = "", error.__traceback__
    while frame is not None:
        place, frame = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_frame.f_code.co_name}", frame.tb_next
    return place
