"""The netlink socket that requests go by: one at a time, dumps read to their end.

Known hazards, each dealt with below:
- A dump may be interrupted by a change (NLM_F_DUMP_INTR) and is then incomplete: it starts again.
- Others could send to the socket's port; connected to port 0, it gets the kernel's only (netlink_getsockbyportid).

Source: netlink(7), include/uapi/linux/netlink.h.
"""

from __future__ import annotations

import _socket
from _struct import pack
from errno import ENOBUFS, ENOENT, EOPNOTSUPP
from os import strerror

from ...errors import KernelError
from ..netlink import (
    NETLINK_CAP_ACK,
    NETLINK_EXT_ACK,
    NETLINK_GET_STRICT_CHK,
    NLM_F_DUMP_INTR,
    NLMSG_DONE,
    NLMSG_ERROR,
    SOL_NETLINK,
    messages,
)
from .decode import UNDECODABLE, decode_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterator, TypeAlias

    from ..netlink import Message

_RECEIVE_BYTES = 64 * 1024
"""The kernel fills at most 32 KiB a time."""
_QUEUE_BYTES = 1 << 20
_WAIT_SECONDS = 10
"""The kernel answers in the time of a system call; a longer silence is a lost answer."""
_TRIES = 10

Decoder: TypeAlias = "Callable[[bytes, int, int], None]"
FastDecoder: TypeAlias = "Callable[[bytes], Iterator[Message]]"
"""Decodes those messages of a datagram that are like earlier ones of the same dump; the others come out."""


class RequestSocket:
    """One netlink socket, in the network namespace it was made in.

    Attributes:
        buffer: the datagram that was received last.
        sequence: the number of the request that was sent last.
    """

    def __init__(self) -> None:
        try:
            self._socket = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_RAW | _socket.SOCK_CLOEXEC, 0)
            self._socket.bind((0, 0))
            self._socket.connect((0, 0))
        except OSError as error:
            raise KernelError(
                f"cannot open a netlink socket: {error.strerror}; no route was read or changed"
            ) from error
        # Not settimeout: with it recv would wait even with MSG_DONTWAIT.
        self._socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVTIMEO, pack("ll", _WAIT_SECONDS, 0))
        self._socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF, _QUEUE_BYTES)
        for option in (NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK):
            try:
                self._socket.setsockopt(SOL_NETLINK, option, 1)
            except OSError:  # A kernel before 4.20: answers are longer, dumps unfiltered, and both still right.
                continue
        self.buffer = bytearray(_RECEIVE_BYTES)
        self.sequence = 0

    @property
    def port(self) -> int:
        """Its port, which the kernel names as the origin of changes."""
        return int(self._socket.getsockname()[0])

    def close(self) -> None:
        """Releases it."""
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Sends; where it can't (no memory for it), the kernel has seen none of it.

        Raises:
            KernelError: it can't.
        """
        try:
            self._socket.send(data)
        except OSError as error:
            raise KernelError(f"cannot send a request to the kernel: {error.strerror}; try again") from error

    def receive(self, flags: int = 0) -> int:
        """How many bytes of the kernel's next datagram are in the buffer."""
        return int(self._socket.recv_into(self.buffer, 0, flags))

    def dump(
        self,
        request: Callable[[int], bytes],
        kind: int,
        decode: Decoder,
        again: Callable[[], None],
        fast: FastDecoder | None = None,
    ) -> None:
        """Runs one dump to its end; starts again, after calling `again`, when it was interrupted or overrun."""
        for _ in range(_TRIES):
            self.sequence += 1
            self.send(request(self.sequence))
            try:
                if self._read_dump(kind, decode, fast):
                    return
            except UNDECODABLE as error:
                raise KernelError(f"the kernel's dump can't be read: {error}") from error
            again()
        raise KernelError(f"the routing tables changed during each of {_TRIES} dumps; no route was changed")

    def _read_dump(self, wanted: int, decode: Decoder, fast: FastDecoder | None) -> bool:
        """Whether the dump came whole."""
        whole = True
        while True:
            try:
                received = self.receive()
            except OSError as error:
                if error.errno == ENOBUFS:
                    whole = False
                    continue
                raise KernelError(f"the kernel's dump did not come to its end: {error}") from error
            data = bytes(memoryview(self.buffer)[:received])
            left = messages(data, received) if fast is None else fast(data)
            for kind, flags, sequence, _, start, end in left:
                if sequence != self.sequence:
                    continue
                if flags & NLM_F_DUMP_INTR:
                    whole = False
                if kind == wanted:
                    decode(data, start, end)
                elif kind == NLMSG_DONE:
                    return whole
                elif kind == NLMSG_ERROR:
                    answer = decode_error(data, start, end, flags)
                    # IPv4 tables that were never used don't exist; nor do nexthop objects before Linux 5.3.
                    if answer.errno in (ENOENT, EOPNOTSUPP):
                        return True
                    raise KernelError(f"the kernel refused a dump: {answer.text or strerror(answer.errno)}")
