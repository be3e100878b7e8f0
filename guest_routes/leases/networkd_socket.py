"""systemd-networkd's leases, asked of networkd itself where it keeps no files of them: 257 does, 262 doesn't.

Its socket is asked only for NICs of which it has no lease file, and believed as far as its folder is: nobody but root
or networkd's own user can have put it there. A networkd that doesn't know the question has nothing to say.

Source: `varlinkctl introspect /run/systemd/netif/io.systemd.Network`, io.systemd.Network.Link.Describe; varlink.org,
"Protocol": JSON that ends with a zero byte, one answer to each call.
"""

from __future__ import annotations

import _socket
import os
import time

from ..clocks import seconds_since_boot
from ..json_codec import dumps
from ..model.network_data import Problem
from ..trusted import Client, Untrusted, trusted_names
from .client_files import networkd_answer
from .options import LeaseFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ..model.lease import Lease
    from ..model.network import Nic

FOLDER = "run/systemd/netif"
SOCKET = "io.systemd.Network"
METHOD = "io.systemd.Network.Link.Describe"
LIMIT_BYTES = 16 * 1024 * 1024
"""An answer has every route of the NIC in it, 400 bytes each."""
WAIT_SECONDS = 2.0
"""For the answers to all questions of one pass: networkd may be stopped."""


def networkd_leases(nics: Sequence[Nic], root: str, problems: list[Problem]) -> list[Lease]:
    """What networkd says of its leases of these NICs; what can't be used is added to `problems`."""
    folder = os.path.join(root, FOLDER)
    path = os.path.join(folder, SOCKET)
    try:
        if not nics or not trusted_names(folder, SOCKET.__eq__, Client(folder, "systemd-networkd")):
            return []
        # Lease times are counted from the boot.
        booted = time.time() - seconds_since_boot()
        until = time.monotonic() + WAIT_SECONDS
        answers = [_answer(path, nic.ifindex, until) for nic in nics]
        return [lease for answer in answers for lease in networkd_answer(answer, path, booted)]
    except (TimeoutError, _socket.timeout):  # One and the same since Python 3.10.
        problems.append(Problem(path, f"no answer within {WAIT_SECONDS:.0f} s; ignored"))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (LeaseFault, Untrusted) as fault:
        problems.append(Problem(path, f"{fault}; ignored"))
    except OSError as error:
        problems.append(Problem(path, f"cannot be asked: {error.strerror}; ignored"))
    return []


def _answer(path: str, ifindex: int, until: float) -> bytes:
    """One call, and the answer without its last byte.

    Raises:
        OSError: it can't be asked; TimeoutError: it doesn't answer.
        LeaseFault: the answer is too large, or cut off.
    """
    question = dumps({"method": METHOD, "parameters": {"InterfaceIndex": ifindex}}).encode() + b"\0"
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.settimeout(WAIT_SECONDS)
        connection.connect(path)
        connection.send(question)
        answer = bytearray()
        while not answer.endswith(b"\0"):
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
            got = connection.recv(1 << 16)
            answer += got
            if not got:
                raise LeaseFault("its answer is cut off")
            if len(answer) > LIMIT_BYTES:
                raise LeaseFault(f"its answer is larger than {LIMIT_BYTES >> 20} MiB")
        return bytes(answer[:-1])
    finally:
        connection.close()
