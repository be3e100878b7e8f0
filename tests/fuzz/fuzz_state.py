"""Fuzz target: whatever is in a file of state, it is read and shown without an exception, and escaped.

The first byte says which file. Every one gets its whole life: read, judged, made into text, JSON and Prometheus text.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import atheris

from tests.fuzz.harness import fuzz, printable

with atheris.instrument_imports(include=["guest_routes"]):
    from guest_routes.diagnose.status import _last_pass
    from guest_routes.model.diagnosis.comparison import Comparison
    from guest_routes.model.diagnosis.record_forms import status_record_from_json
    from guest_routes.model.diagnosis.status import Status
    from guest_routes.model.document import Unusable
    from guest_routes.model.network import KernelState, Nic
    from guest_routes.output.diagnosis.status import status_json, status_lines
    from guest_routes.output.escape import escaped
    from guest_routes.output.prometheus import metrics_text
    from guest_routes.state.store import State

NICS = (Nic(2, "eth0", bytes.fromhex("fa163e000001")),)
FILES = ("status", "service", "disputed", "defaults", "last-known-good")
LAST = {
    "finished": 1.0,
    "exit_code": 0,
    "table": 254,
    "protocol": 121,
    "metadata": {"source": "http", "where": "x", "age_seconds": 1, "uuid": ""},
    "routes": {"kept": 1},
    "changes": 0,
    "source_routing": None,
    "unprogrammed_count": 0,
    "defaults": ["x"],
    "unprogrammed": ["x"],
    "overrides": [],
    "errors": [],
    "warnings": ["x"],
    "leases": [
        {
            "nic": "eth0",
            "client": "x",
            "path": "x",
            "obtained": 1,
            "expires": None,
            "expired": False,
            "tells_routes": False,
        }
    ],
    "failed": {"finished": 2.0, "exit_code": 4, "error": "x"},
}
ROUTE = {"destination": "0.0.0.0/0", "gateway": "10.65.0.1", "ifindex": 2, "metric": 0}
RECORD = {"route": ROUTE, "nics": {}}
SERVICE = {
    "schema": "guest-routes/service/1",
    "pid": 1,
    "process_started": "7",
    "started": 1.0,
    "doing": "x",
    "refreshed": 0.0,
    "next_refresh": 0.0,
    "failing_since": 0.0,
    "failures": 0,
    "failure": "",
    "partial_reason": "",
    "passes": 0,
    "events": 0,
    "repairs": 0,
    "recent": [{"when": 1.0, "route": "x", "what": "added", "why": "x"}],
    "conflicts": [{"since": 1.0, "destination": "x", "times": 1, "actor": "x", "remedy": "x"}],
    "last_error": "",
    "foreign_messages": 0,
    "malformed_messages": 0,
    "enabled": True,
    "settings": "",
    "overdue_from": 0.0,
}
HEADER = {
    "schema": "guest-routes/last-known-good/1",
    "uuid": "",
    "machine": "",
    "boot": "",
    "macs": ["fa:16:3e:00:00:01"],
    "source": "http",
    "location": "x",
    "nics": [],
    "properties": "",
    "length": 2,
    "crc32": 2745614147,
}
SEEDS = (
    b"\0" + json.dumps(LAST).encode(),
    b"\1" + json.dumps(SERVICE).encode(),
    b'\2{"length": 1, "crc32": 5, "count": 2}',
    b"\3" + json.dumps({"schema": "guest-routes/defaults/1", "boot_id": "", "records": [RECORD]}).encode(),
    b"\4" + json.dumps(HEADER).encode() + b"\n{}",
)
FOLDER = Path(tempfile.mkdtemp(dir="/run"))
STATE = State(str(FOLDER), str(FOLDER), root=str(FOLDER))


def one_input(data: bytes) -> None:
    """What libFuzzer calls."""
    if not data:
        return
    for name in FILES:
        (FOLDER / name).unlink(missing_ok=True)
    (FOLDER / FILES[data[0] % len(FILES)]).write_bytes(data[1:])
    STATE.agreeing_fetches(b"x")
    STATE.recorded_defaults(NICS)
    kept = STATE.last_known_good(NICS)
    last, failed, problems = _last_pass(STATE)
    service = status_record_from_json(STATE.read_service())
    compared = kept if isinstance(kept, Unusable) else Comparison((), ())
    problems += STATE.problems
    found = Status(last, KernelState(NICS, ()), (), compared, failed, 5.0, False, service, True, tuple(problems))
    for line in map(escaped, status_lines(found)):
        printable(line)
    json.dumps(status_json(found))
    for line in metrics_text(found).splitlines():
        printable(line)


if __name__ == "__main__":
    fuzz(one_input, SEEDS, [*LAST, *HEADER, *SERVICE, "\\\\ud800", "\\\\u001b", "1e999", "null"], 8192)
