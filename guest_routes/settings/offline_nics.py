"""The NICs of a machine that isn't running, as `export --nic` names them. Pure."""

from __future__ import annotations

from ..model.network import Nic
from .route_values import is_nic_name, parse_mac
from .values import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

FORM = "NAME=MAC, such as eth0=fa:16:3e:00:00:01"
FIRST_IFINDEX = 2
"""The kernel counts from 1, which is the loopback."""


def parse_nics(texts: Sequence[str]) -> tuple[Nic, ...]:
    """The NICs in their order, up, with indexes as a machine that boots with them has.

    Raises:
        ValueError: with everything that is wrong, one problem a line.
    """
    nics: list[Nic] = []
    problems: list[str] = []
    for number, text in enumerate(texts):
        name, _, written = (part.strip() for part in text.partition("="))
        mac = parse_mac(written)
        if mac is None or not is_nic_name(name):
            problems.append(f"--nic {shown(text)}: must be {FORM}")
        elif any(name == nic.name or mac == nic.mac for nic in nics):
            problems.append(f"--nic {shown(text)}: another --nic has the same name or MAC")
        else:
            nics.append(Nic(FIRST_IFINDEX + number, name, mac))
    if problems:
        raise ValueError("\n".join(problems))
    return tuple(nics)
