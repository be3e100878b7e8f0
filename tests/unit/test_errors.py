"""What the system refuses is told from a bug."""

from __future__ import annotations

import subprocess
import sys
import weakref

import pytest

from guest_routes.errors import as_value

DEEP_CALL_WITHOUT_MEMORY = """
import resource, sys
from guest_routes.errors import SYSTEM_FAILURES, system_error_text

def deep(calls):
    return deep(calls - 1) + 1 if calls else 0

sys.setrecursionlimit(10**6)
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize(), resource.RLIM_INFINITY))
kept = []
try:
    while True:
        kept.append(bytearray(4096))
except MemoryError:
    pass
try:
    deep(5000)
except SYSTEM_FAILURES as error:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    kept.clear()
    print(system_error_text(error))
"""


@pytest.mark.skipif(
    sys.version_info < (3, 11), reason="a call of Python takes the C stack: SIGSEGV where that can't grow"
)
def test_no_memory_for_a_call_is_no_bug() -> None:
    done = subprocess.run([sys.executable, "-c", DEEP_CALL_WITHOUT_MEMORY], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "memory; " in done.stdout or "memory: " in done.stdout
    assert done.stdout.endswith("; what was written stays\n")


def test_as_a_value_an_error_keeps_no_frame_alive() -> None:
    def caught(given: object) -> OSError:
        try:
            try:
                raise ValueError(given)
            except ValueError:
                raise FileNotFoundError(2, "No such file or directory")  # noqa: B904
        except OSError as error:
            return as_value(error)

    class Given:
        """Something large."""

    given = Given()
    alive = weakref.ref(given)
    error = caught(given)
    del given
    assert alive() is None and str(error) == "[Errno 2] No such file or directory"
