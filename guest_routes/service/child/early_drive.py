"""The config drives that guest-routes-early.service's pass reads: mounted for it, since it may not mount.

systemd runs this before that pass, with all rights and in a mount namespace of its own, where udev names a device of
that label. The rules are those of a pass: `sources`, the last known good first, the file behind a loop device root's,
iso9660 and vfat alone (R10).
"""

from __future__ import annotations

import os

from ...errors import GuestRoutesError
from ...model.document import LastKnownGood

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from ...model.network import Nic
    from ...model.settings import Settings
    from ...state.store import State

POINTS = "/run/guest-routes/drives"
"""Root's alone: a drive has user-data, and whatever is in it would be readable by everybody."""
_MACHINES = ("nsenter", "--target", "1", "--mount")
"""Into the mount namespace from which the pass's own is made."""
_ASK_SECONDS = 5.0
"""For blkid; the unit's own limit is for all of it."""


def main() -> None:
    """Mounts what the pass would read. It is silent where the settings or the kernel say no: the pass says why."""
    from ...kernel.open import open_kernel
    from ...settings.load import read
    from ...state.store import State

    try:
        settings = read({})
        kernel = open_kernel(settings.engine)
    except GuestRoutesError:
        return
    mount_for_pass(settings, State(), kernel.nics())


def mount_for_pass(
    settings: Settings, state: State, nics: Sequence[Nic], points: str = POINTS, enter: Sequence[str] = _MACHINES
) -> None:
    """Mounts each config drive below `points`, for nobody but root to see; nothing where no drive would be read.

    Args:
        enter: the words before the command mount(8).
    """
    import subprocess

    from ...evidence.config_drive import MOUNT_OPTIONS, drives

    if not (settings.enabled and "config-drive" in settings.sources):
        return
    if "last-known-good" in settings.sources and isinstance(state.last_known_good(nics), LastKnownGood):
        return
    for device, kind in drives(_ASK_SECONDS):
        point = f"{points}/{os.path.basename(device)}"
        os.makedirs(points, 0o700, exist_ok=True)
        os.makedirs(point, exist_ok=True)
        command = [*enter, "mount", "-t", kind, "-o", MOUNT_OPTIONS, device, point]
        subprocess.run(command, stdin=subprocess.DEVNULL, check=False)  # It says itself what went wrong.
