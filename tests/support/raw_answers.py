"""HTTP answers that never end in one of their parts, sent byte for byte; each sends up to 400 MB as fast as it goes."""

from __future__ import annotations

import gzip
import socket
from typing import Iterator

LIMIT_BYTES = 5 * 1024 * 1024
"""guest_routes.evidence.document_file's, which virtual machines' metadata service can't import: it has no package."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BLOCK = 1 << 16
MOST_BYTES = 400 << 20
MODES = (
    "chunk-size", "chunk-zeros", "chunk-extension", "chunks-of-one", "trailer", "trailers", "header", "headers",
    "status-line", "interim", "gzip", "gzip-redirect", "numbers", "objects", "nested", "digits",
)  # fmt: skip


def send(mode: str, connection: socket.socket) -> None:
    """Sends one of MODES until the client hangs up."""
    sent = 0
    try:
        for part in parts(mode):
            connection.sendall(part)
            sent += len(part)
            if sent > MOST_BYTES:
                return
    except OSError:
        return


def forever(block: bytes) -> Iterator[bytes]:
    """The same again and again, in large pieces."""
    piece = block * max(1, BLOCK // len(block))
    while True:
        yield piece


def parts(mode: str) -> Iterator[bytes]:
    """The bytes of an answer."""
    if mode == "chunk-size":
        yield CHUNKED
        yield from forever(b"1")
    elif mode == "chunk-zeros":
        yield CHUNKED
        yield from forever(b"0")
    elif mode == "chunk-extension":
        yield CHUNKED + b"5;"
        yield from forever(b"a=b;")
    elif mode == "chunks-of-one":
        yield CHUNKED
        yield from forever(b"1\r\n \r\n")
    elif mode == "trailer":
        yield CHUNKED + b"2\r\n{}\r\n0\r\nX: "
        yield from forever(b"x")
    elif mode == "trailers":
        yield CHUNKED + b"2\r\n{}\r\n0\r\n"
        yield from forever(b"X: y\r\n")
    elif mode == "header":
        yield HEAD + b"X: "
        yield from forever(b"x")
    elif mode == "headers":
        yield HEAD
        yield from forever(b"X: y\r\n")
    elif mode == "status-line":
        yield from forever(b"HTTP")
    elif mode == "interim":
        yield from forever(b"HTTP/1.1 100 Continue\r\n\r\n")
    elif mode in ("gzip", "gzip-redirect"):
        # 2 GB of blanks in 2 MB, and once more.
        body = gzip.compress(gzip.compress(b" " * (64 << 20)) * 32)
        status = b"HTTP/1.1 302 Found\r\nLocation: http://10.9.9.9/\r\n" if mode == "gzip-redirect" else HEAD
        yield status + b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    elif mode == "numbers":
        body = b'{"links": [' + b"[]," * 1_700_000 + b"0]}"
        yield HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    elif mode == "objects":
        # As many as there may be, and the most bytes, of which an emoji makes four each.
        one = b'{"":' * 300 + b"0" + b"}" * 300 + b","
        head = b'{"links": [' + one * (LIMIT_BYTES // 48 // 301) + '"\U0001f600'.encode()
        body = head + b"x" * (LIMIT_BYTES - len(head) - 3) + b'"]}'
        yield HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    elif mode == "digits":
        yield HEAD + b"Content-Length: " + b"9" * 6000 + b"\r\n\r\n{}"
    elif mode == "nested":
        body = b'{"links": ' + b"[" * 5_000_000
        yield HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
