"""Files replaced as a whole (temporary file, fsync, rename, fsync of the folder), and read or absent.

kill -9 or a power cut leaves the old one or the new one, with its mode and owner. What can't be read, or what others
could have written, is absent; what can't be written is an error.
"""

from __future__ import annotations

import errno
import os

from ..errors import StateError
from ..json_codec import loads
from ..trusted import MUST_BE, Untrusted, read_trusted, untrusted_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LIMIT_BYTES = 64 << 20
"""Of one file: a document given by the operator is the largest."""


def read(path: str) -> bytes | None:
    """The file's bytes; None where there is nothing to be read, or others could have written it."""
    try:
        return read_trusted(path, LIMIT_BYTES).data
    except (OSError, Untrusted):
        return None


def raise_shortage(error: Exception) -> None:
    """What the system has no descriptor or memory for may be read a moment later: it is not absent.

    Raises:
        OSError: it is such an error; the pass that would decide without the file is made later.
    """
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        raise error


def read_pseudo(path: str) -> bytes:
    """The bytes of a file that the kernel makes, under /proc or /sys; b"" where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def json_object(content: bytes | None) -> dict[str, Any]:
    """The JSON object in a file's bytes; {} when it is absent, damaged or no object."""
    try:
        value = loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def replace(
    path: str,
    content: bytes,
    mode: int,
    consequence: str,
    mtime: float | None = None,
    alone: bool = True,
    owner: tuple[int, int] | None = None,
) -> None:
    """Replace a file as a whole, with its directory on the way; what is on disk afterwards is on disk for good.

    Args:
        consequence: what follows when it can't be written, for the error.
        mtime: the new file's, in seconds since the epoch, when it isn't the present time.
        alone: False when others may write it at the same time; what a killed writer leaves then stays.
        owner: the new file's uid and gid, when they aren't this process's.

    Raises:
        StateError: it can't be written; the old file is still there.
    """
    # One name: what a killed writer left behind is overwritten by the next.
    temporary = path + ".new" if alone else f"{path}.{os.getpid()}.new"
    directory, made = os.path.dirname(path), False
    try:
        _make(directory, 0o755 if mode & 0o044 else 0o700)
        _unlink(temporary)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        made = True
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            if mtime is not None:
                os.utime(descriptor, (mtime, mtime))
            # Last: without CAP_FOWNER, as in a unit, mode and time are the owner's to set.
            if owner is not None and owner != (os.geteuid(), os.getegid()):
                os.chown(descriptor, *owner)
            os.fsync(descriptor)
        os.rename(temporary, path)
        made = False
        _sync(directory)
    except OSError as error:
        if made:
            _discard(temporary)
        raise refusal("write", path, error, consequence) from error


def replace_own(
    path: str, content: bytes, mode: int, consequence: str, mtime: float | None = None, alone: bool = True
) -> None:
    """The same for a file that we read again: what others could have written by then would not count.

    Raises:
        StateError: it can't be written, or others can write there.
    """
    replace(path, content, mode, consequence, mtime, alone)
    fault = untrusted_file(path)
    if isinstance(fault, Untrusted):
        raise refusal("use", path, fault, consequence)


def _make(directory: str, mode: int) -> None:
    """The directory, and those above it; a new one is on disk for good only once the one that has its name is."""
    missing = []
    while directory and not os.path.isdir(directory):
        missing.append(directory)
        directory = os.path.dirname(directory)
    for one in reversed(missing):
        os.makedirs(one, mode, exist_ok=True)
        _sync(os.path.dirname(one))


def _sync(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _discard(temporary: str) -> None:
    """On a full disk a part of a file would only keep others from being written."""
    try:
        os.unlink(temporary)
    except OSError:
        return


def remove(path: str, consequence: str) -> None:
    """Remove a file that may not be there; for good, so that a power cut doesn't bring it back.

    Raises:
        StateError: it is there and can't be removed.
    """
    try:
        if _unlink(path):
            _sync(os.path.dirname(path))
    except OSError as error:
        raise refusal("remove", path, error, consequence) from error


def _unlink(path: str) -> bool:
    """Whether there was such a file."""
    try:
        os.unlink(path)
    except OSError:  # A read-only file system says so of a file that isn't there, too.
        if os.path.lexists(path):
            raise
        return False
    return True


def refusal(action: str, path: str, error: OSError | Untrusted, consequence: str) -> StateError:
    """The error for a file that the system refused to open, write or remove, or that others can write."""
    if isinstance(error, Untrusted):
        return StateError(f"cannot {action} {path}: it {error}; {consequence}; {MUST_BE}")
    refused = error.filename  # A number, where a call by descriptor was refused.
    other = os.fsdecode(refused) if isinstance(refused, (str, bytes)) else path
    at = f" at {other}" if other and other != path else ""
    return StateError(f"cannot {action} {path}: {cause_of(error)}{at}; {consequence}")


def cause_of(error: OSError) -> str:
    """The system's words and the errno's name: "Permission denied (EACCES)"."""
    return f"{error.strerror} ({errno.errorcode.get(error.errno or 0, '?')})"
