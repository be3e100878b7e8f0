"""What the cloud-init module adds to the process that runs it: import and `handle`, on a pass that changes nothing.

    make bench-cloudinit

Two whole processes in turn, which both import what cloud-init's own has imported by then; one of them also imports the
module and runs it on the last known good document. The difference is what a boot pays, beyond the wait for metadata.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import sections  # noqa: E402
from tests.support import sandbox  # noqa: E402

sandbox.enter()

from tests.support.lab import Lab, document  # noqa: E402
from tests.support.passes import DOCUMENTED, documented, table  # noqa: E402

TARGET_MS = 40.0
RUNS = 41
BEFORE = "import argparse, json, logging, os, subprocess, tempfile, requests, yaml"
"""Modules of cloud-init that stand for the rest: all are imported before any of its modules run."""
CALL = "; import cc_guest_routes as m; m.handle('guest_routes', {'guest_routes': STANZA}, None, None, [])"
STANZA = "{'sources': ['last-known-good']}"


def seconds(code: str) -> float:
    """Seconds of one whole process."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd="/")
    return time.perf_counter() - began


def main() -> int:
    """Measures; 1 when it is more than the target."""
    lab = Lab()
    documented(lab)
    ran = subprocess.run([sys.executable, "-m", "guest_routes", "sync", "--metadata", str(document("documented"))],
                         capture_output=True, text=True)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    ours = BEFORE + CALL.replace("STANZA", STANZA)
    seconds(ours), seconds(BEFORE)
    taken = sorted((seconds(ours) - seconds(BEFORE)) * 1000 for _ in range(RUNS))
    assert table(lab) == DOCUMENTED
    assert '"last-known-good"' in Path("/run/guest-routes/status").read_text()
    lab.close()
    lower, median, upper = statistics.quantiles(taken, n=4)
    figure = f"{median:.1f} ms (half of {RUNS} pairs: {lower:.1f} to {upper:.1f} ms), target <= {TARGET_MS:g} ms"
    print(f"the module adds {figure}")
    text = (
        f"`make bench-cloudinit`: {sections.machine()}. A process that has imported what cloud-init's own has, and\n"
        "the same that also imports the module and runs a pass that changes nothing on the last known good document,\n"
        f"in turn. The module adds {figure}."
    )
    sections.write("The module of cloud-init", text)
    return int(median > TARGET_MS)


if __name__ == "__main__":
    sys.exit(main())
