"""A file that an option names: it is replaced, and nothing else is made or taken away."""

from __future__ import annotations

import os

from ..errors import StateError
from ..state.files import refusal, replace


def write_named(path: str, content: bytes, mode: int, advice: str) -> None:
    """Replaces the file; a directory is not made, since its name may be a mistake, and what is no file is left alone.

    Args:
        path: an absolute one.
        advice: what to do where it can't be written.

    Raises:
        StateError: it can't be written.
    """
    try:
        os.stat(os.path.dirname(path) + "/")
    except OSError as error:
        raise refusal("write", path, error, advice) from error
    if os.path.exists(path) and not os.path.isfile(path):
        raise StateError(f"cannot write {path}: it is no regular file; {advice}")
    replace(path, content, mode, advice)
