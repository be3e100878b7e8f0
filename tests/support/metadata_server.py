"""The metadata service as a real HTTP server on port 80, well-behaved or not.

    metadata_server.py --network-data FILE --meta-data FILE --log FILE --behave MODE[=ARGUMENT][@CLIENT] ...

`--behave` says how network_data.json is answered, to all clients or to one client address; the first that fits
counts. The document is read anew for each request. It prints "ready" when it listens, and logs each request as a JSON
line (path, host, client).
"""

from __future__ import annotations

import argparse
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional

import raw_answers  # type: ignore[import-not-found]  # this file runs as a script, from its own folder

NETWORK_DATA = "/openstack/latest/network_data.json"
META_DATA = "/openstack/latest/meta_data.json"
LISTINGS = {
    "/openstack": b"latest\n",
    "/openstack/": b"latest\n",
    "/latest/meta-data/": b"instance-id\n",
    "/latest/meta-data/instance-id": b"i-00000001\n",
}
"""What cloud-init asks for beside the documents. Source: Nova, "Metadata", OpenStack and EC2 formats."""
MODES = (
    "ok", "404", "500", "503-then-ok", "slow", "trickle", "truncated", "endless", "not-json", "list", "redirect",
    "empty", "large", "hang", "reset", "alternate", "raw", *raw_answers.MODES,
)  # fmt: skip


class Behaviour(NamedTuple):
    """One --behave."""

    mode: str
    argument: str = ""
    client: str = ""


class Service(NamedTuple):
    """What all requests share."""

    document: Optional[Path]
    meta_data: Optional[bytes]
    behaviours: List[Behaviour]
    log: Optional[Path]
    asked: Dict[str, int]
    """Requests for network_data.json so far, by client address."""
    lock: threading.Lock

    @property
    def network_data(self) -> bytes:
        """The document as it is now."""
        return self.document.read_bytes() if self.document else b"{}"


def behaviour(text: str) -> Behaviour:
    """`slow=1.5@10.65.0.7`"""
    head, _, client = text.partition("@")
    mode, _, argument = head.partition("=")
    if mode not in MODES:
        raise argparse.ArgumentTypeError(f"{mode}: one of {', '.join(MODES)} is wanted")
    return Behaviour(mode, argument, client)


class Answers(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    service: Service

    def do_GET(self) -> None:
        """Logs, then answers."""
        client = self.client_address[0].partition("%")[0]
        with self.service.lock:
            if self.service.log is not None:
                line = {"path": self.path, "host": self.headers.get("Host"), "client": client}
                with self.service.log.open("a") as file:
                    file.write(json.dumps(line) + "\n")
            if self.path == NETWORK_DATA:
                self.service.asked[client] = self.service.asked.get(client, 0) + 1
        if self.path == META_DATA and self.service.meta_data is not None:
            self.answer(self.service.meta_data)
        elif self.path in LISTINGS:
            self.answer(LISTINGS[self.path])
        elif self.path == NETWORK_DATA:
            fitting = (b for b in self.service.behaviours if b.client in ("", client))
            self.misbehave(next(fitting, Behaviour("ok")), self.service.asked[client])
        else:
            self.answer(b"no such thing", 404)

    def misbehave(self, how: Behaviour, count: int) -> None:
        """Answers a request for network_data.json, the `count`th of its client."""
        data = self.service.network_data
        if how.mode == "ok" or (how.mode == "503-then-ok" and count > int(how.argument or "1")):
            self.answer(data)
        elif how.mode[:3].isdigit():
            self.answer(b"sorry", int(how.mode[:3]))
        elif how.mode == "slow":
            time.sleep(float(how.argument or "1"))
            self.answer(data)
        elif how.mode == "trickle":
            self.head(len(data))
            for byte in data:
                self.wfile.write(bytes((byte,)))
                self.wfile.flush()
                time.sleep(float(how.argument or "0.1"))
        elif how.mode == "truncated":
            self.head(len(data) + 100)
            self.wfile.write(data)
            self.close_connection = True
        elif how.mode == "endless":
            self.head(None)
            while True:
                self.wfile.write(b"[" * 65536)
                time.sleep(float(how.argument or "0"))
        elif how.mode == "large":
            self.answer(b'{"links": [' + b" " * (5 * 1024 * 1024) + b"]}")
        elif how.mode == "not-json":
            self.answer(b'{"links": [nothing]}')
        elif how.mode == "list":
            self.answer(b"[1, 2]")
        elif how.mode == "empty":
            self.answer(b"{}")
        elif how.mode == "redirect":
            self.send_response(302)
            self.send_header("Location", how.argument or "http://10.9.9.9/elsewhere.json")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif how.mode == "alternate":
            self.answer(data if count % 2 else Path(how.argument).read_bytes())
        elif how.mode == "raw":
            self.close_connection = True
            self.connection.sendall(Path(how.argument).read_bytes())
        elif how.mode in raw_answers.MODES:
            self.close_connection = True
            raw_answers.send(how.mode, self.connection)
        elif how.mode == "hang":
            time.sleep(3600)
        elif how.mode == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
            self.connection.close()

    def answer(self, body: bytes, status: int = 200) -> None:
        """A whole answer."""
        self.head(len(body), status)
        self.wfile.write(body)

    def head(self, length: Optional[int], status: int = 200) -> None:
        """The headers; without a length, the body ends with the connection."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if length is not None:
            self.send_header("Content-Length", str(length))
        else:
            self.close_connection = True
        self.end_headers()

    def log_message(self, format: str, *values: object) -> None:
        """Nothing on stderr."""


class Server(ThreadingHTTPServer):
    """IPv4 or IPv6, many clients at once, silent about those that hang up."""

    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # Not HTTPServer's: that looks the host's name up.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "metadata", self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is none of our business."""


class Server6(Server):
    """On IPv6."""

    address_family = socket.AF_INET6


def on_device(name: str) -> None:
    """All servers of this process answer only what comes through that device."""

    def server_bind(server: Server, bind: Callable[[Server], None] = Server.server_bind) -> None:
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name.encode())
        bind(server)

    Server.server_bind = server_bind  # type: ignore[method-assign, assignment]


def main() -> None:
    """Serves until it is killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network-data", type=Path)
    parser.add_argument("--meta-data", type=Path)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--behave", type=behaviour, action="append", default=[])
    parser.add_argument("--only", choices=("ipv4", "ipv6"), help="listen on one family")
    parser.add_argument("--device", help="answer only what comes through this device")
    parser.add_argument("--port", type=int, default=80)
    options = parser.parse_args()
    Answers.service = Service(
        options.network_data,
        options.meta_data.read_bytes() if options.meta_data else None,
        options.behave,
        options.log,
        {},
        threading.Lock(),
    )
    if options.device:
        on_device(options.device)
    servers: List[Server] = []
    if options.only != "ipv6":
        servers.append(Server(("0.0.0.0", options.port), Answers))
    if options.only != "ipv4":
        servers.append(Server6(("::", options.port), Answers))
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
