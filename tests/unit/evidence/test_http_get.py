"""Why an answer is of no use, in words. tests/netns/test_metadata.py asks real servers."""

from __future__ import annotations

import errno
import http.client
import os

import pytest

from guest_routes.evidence.http_get import _network_reason, _not_an_object


@pytest.mark.parametrize("data, problem", [
    (b"{}", ""), (b'{"links": []}', ""),
    (b"", "not JSON: Expecting value at byte 0"), (b'{"a": }', "not JSON: Expecting value at byte 6"),
    ('{"ü": }'.encode(), "not JSON: Expecting value at byte 7"),
    (b'{"\xff"}', "not JSON: invalid start byte at byte 2"),
    (b"[" * 100_000, "not JSON: nested too deeply"),
    (b"[1]", "not a JSON object but [1]"), (b"null", "not a JSON object but null"),
    (b'"' + b"x" * 100 + b'"', "not a JSON object but '" + "x" * 39),
])  # fmt: skip
def test_what_is_no_json_object(data: bytes, problem: str) -> None:
    assert _not_an_object(data) == problem


def wrapped(cause: Exception, explicit: bool) -> Exception:
    """As requests wraps what urllib3 wrapped."""
    outer = RuntimeError("Max retries exceeded")
    outer.__cause__, outer.__context__ = (cause, None) if explicit else (None, cause)
    return outer


@pytest.mark.parametrize("explicit", [True, False])
@pytest.mark.parametrize("cause, text, refused", [
    (OSError(errno.ECONNREFUSED, "Connection refused"), "connection refused", True),
    (OSError(errno.ECONNRESET, "Connection reset"), "connection reset", True),
    (OSError(errno.EHOSTUNREACH, None), os.strerror(errno.EHOSTUNREACH).lower(), False),
    (http.client.RemoteDisconnected("Remote end closed"), "connection closed before the end of an answer", True),
    (ValueError("odd"), "Max retries exceeded", False),
    (OSError("no errno"), "Max retries exceeded", False),
])  # fmt: skip
def test_what_the_system_said_from_under_its_wrappings(
    cause: Exception, text: str, refused: bool, explicit: bool
) -> None:
    """And whether the other side refused: then it is asked slower (R11)."""
    assert _network_reason(wrapped(wrapped(cause, explicit), True)) == (text, refused)
