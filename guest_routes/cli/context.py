"""What every command shares, each opened once and only when it is asked for: settings, state, kernel, terminal."""

from __future__ import annotations

import os

from ..model.settings import Settings
from .terminal import Terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..kernel.engine import Kernel
    from ..state.store import State

SETTINGS_PATHS = ("/etc/guest-routes.yaml", "/etc/guest-routes.d", "/run/guest-routes/stanza.json")


class Context:
    """One run of one command.

    Args:
        options: as parser.parse returns them.
    """

    def __init__(self, options: Any) -> None:
        self.options = options
        self.terminal = Terminal()
        self._state: State | None = None
        self._settings: Settings | None = None
        self._kernel: Kernel | None = None

    @property
    def state(self) -> State:
        """The files of this machine."""
        if self._state is None:
            from ..state.store import State

            self._state = State()
        return self._state

    @property
    def settings(self) -> Settings:
        """The merged settings.

        Raises:
            SettingsError: they are broken.
        """
        if self._settings is None:
            self._settings = self.read_settings()
        return self._settings

    def read_settings(self) -> Settings:
        """The settings as the files have them now.

        Raises:
            SettingsError: they are broken.
        """
        flags: dict[str, str | list[str]] = {
            name[len("setting_") :]: value
            for name, value in vars(self.options).items()
            if name.startswith("setting_") and value is not None
        }
        if not (flags or self.options.settings or any(map(os.path.exists, SETTINGS_PATHS))):
            return Settings()  # Nothing to read; reading nothing takes longer than a pass that changes nothing.
        from ..settings.load import read

        return read(flags, self.options.settings)

    @property
    def kernel(self) -> Kernel:
        """The kernel, by the settings' engine.

        Raises:
            SettingsError, KernelError: it can't be had.
        """
        if self._kernel is None:
            from ..kernel.open import open_kernel

            self._kernel = open_kernel(self.settings.engine)
        return self._kernel

    def close(self) -> None:
        """Releases the kernel's socket."""
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = None
