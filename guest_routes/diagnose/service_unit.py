"""Whether the service's unit is installed and enabled, from the files that systemd and OpenRC go by."""

from __future__ import annotations

import glob
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.diagnosis.status import UnitState

UNIT = "guest-routes.service"
_SYSTEMD = ("run/systemd/generator.early", "etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system",
            "usr/lib/systemd/system", "lib/systemd/system")  # fmt: skip
"""Where units are; the first that has it counts. Source: systemd.unit(5)."""


def unit_state(root: str = "/") -> UnitState:
    """What the init that runs makes of the service; "" where it has no such unit or masks it, or none of both runs."""
    if os.path.isdir(os.path.join(root, "run/systemd/system")):
        units = (os.path.join(root, folder, UNIT) for folder in _SYSTEMD)
        unit = next(filter(os.path.lexists, units), "")
        # `systemctl mask`, or systemd.mask= on the kernel's command line: it is not to run, whoever wants it.
        installed = bool(unit) and not (os.path.islink(unit) and os.readlink(unit) == os.devnull)
        wanted = os.path.join(root, "etc/systemd/system/*.wants", UNIT)
    elif os.path.isdir(os.path.join(root, "run/openrc")):
        installed = os.path.exists(os.path.join(root, "etc/init.d/guest-routes"))
        wanted = os.path.join(root, "etc/runlevels/*/guest-routes")
    else:
        return ""
    if not installed:
        return ""
    return "enabled" if any(map(os.path.lexists, glob.glob(wanted))) else "not-enabled"
