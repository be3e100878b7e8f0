"""As much of Nova's metadata API as cloud-init crawls: the versions, meta_data.json, network_data.json.

    openstack_service.py NETWORK_DATA UUID [PATH=FILE ...]

Files beside them are answered at their paths, as user-data is at /openstack/latest/user_data. It prints "ready" when
it listens on port 80.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Dict


def answers(network_data: Path, uuid: str) -> Dict[str, bytes]:
    """What is answered, by path. Source: Nova's documentation, "Metadata", OpenStack format metadata API."""
    about = {"uuid": uuid, "hostname": "guest", "name": "guest", "availability_zone": "nova", "launch_index": 0}
    return {
        "/openstack": b"latest\n",
        "/openstack/": b"latest\n",
        "/latest/meta-data/": b"instance-id\n",
        "/latest/meta-data/instance-id": b"i-00000001\n",
        "/openstack/latest/meta_data.json": json.dumps(about).encode(),
        "/openstack/latest/network_data.json": network_data.read_bytes(),
    }


class Answers(BaseHTTPRequestHandler):
    """One request."""

    files: Dict[str, bytes]

    def do_GET(self) -> None:
        """The file, or 404."""
        body = self.files.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *values: object) -> None:
        """Nothing on stderr."""


if __name__ == "__main__":
    Answers.files = answers(Path(sys.argv[1]), sys.argv[2])
    more = (argument.partition("=") for argument in sys.argv[3:])
    Answers.files.update((path, Path(file).read_bytes()) for path, _, file in more)
    with ThreadingHTTPServer(("0.0.0.0", 80), Answers) as server:
        print("ready", flush=True)
        server.serve_forever()
