"""What every command shares, each opened once and only when it is asked for: settings, state, kernel, terminal."""

from __future__ import annotations

import os

from ..model.settings import Settings
from .terminal import Terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from ..kernel.engine import Kernel
    from ..model.report import Report
    from ..settings.load import Layer
    from ..state.store import State

SETTINGS_PATHS = ("/etc/guest-routes.yaml", "/etc/guest-routes.d", "/run/guest-routes/stanza.json")


class Context:
    """One run of one command.

    Args:
        options: as parser.parse returns them.
    """

    def __init__(self, options: Any) -> None:
        self.options = options
        self.terminal = Terminal(options.color or "auto", options.quiet)
        self.settings_problems: tuple[str, ...] = ()
        """What is wrong in the settings, once `usable_settings` was asked for."""
        self.settings_hidden = False
        """All that is wrong is that this user may not read them."""
        self.settings_layers: tuple[Layer, ...] = ()
        """What each file and the command line say, likewise."""
        self.report: Report | None = None
        """Of the pass that was run, kept as long as this is: main's `held`."""
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

    @property
    def usable_settings(self) -> Settings:
        """The settings of a command that works with broken ones too (R18): what is right in them.

        Where something is wrong, the table and the protocol are those of the last pass, where our routes are.

        Raises:
            SettingsError: the command line is wrong.
        """
        if self._settings is None:
            self._settings = self._read_usable_settings()
        return self._settings

    def read_settings(self) -> Settings:
        """The settings as the files have them now.

        Raises:
            SettingsError: they are broken.
        """
        documents = getattr(self.options, "documents", "")
        if not (self._has_settings or documents):
            return Settings()  # Nothing to read, and no need of the modules that would.
        from ..settings.load import document_sources, read

        settings = read(self.flags, self.options.settings)
        return settings.from_documents(*document_sources(documents, settings)) if documents else settings

    def _read_usable_settings(self) -> Settings:
        if not self._has_settings:
            return Settings()
        from ..errors import EngineMissingError
        from ..settings.load import read_usable

        found = read_usable(self.flags, self.options.settings)
        settings, self.settings_problems, self.settings_layers = found.settings, found.problems, found.layers
        self.settings_hidden = found.hidden
        if self.settings_problems:
            last = self.state.read_status()
            place = {key: last[key] for key in ("table", "protocol") if key in last and key not in self.flags}
            settings = settings._replace(**place)
        if settings.engine == "rtnetlink":
            return settings
        try:
            self._kernel = self._open(settings.engine)
        except EngineMissingError as error:
            self.settings_problems += (str(error),)
            self.settings_hidden = False
            settings = settings._replace(engine="rtnetlink")
        return settings

    @property
    def _has_settings(self) -> bool:
        return bool(self.flags or self.options.settings or any(map(os.path.lexists, SETTINGS_PATHS)))

    @property
    def flags(self) -> dict[str, str | list[str]]:
        """The settings as options, by key name."""
        return {
            name[len("setting_") :]: value
            for name, value in vars(self.options).items()
            if name.startswith("setting_") and value is not None
        }

    @property
    def has_file_settings(self) -> bool:
        """Whether the settings are those of the files that every command reads, without options."""
        return not (self.flags or self.options.settings)

    @property
    def file_settings(self) -> Settings | None:
        """The settings of these files, whatever the options say; None where they can't be used."""
        if self.has_file_settings:
            usable = self.usable_settings
            return None if self.settings_problems else usable
        from ..errors import SettingsError
        from ..settings.load import read

        try:
            return read({})
        except SettingsError:
            return None

    def show_settings_problems(self, command: Literal["explain", "status", "withdraw"]) -> None:
        """What is wrong in the settings, on standard error; nothing where they are right."""
        settings = self.usable_settings
        if self.settings_problems:
            from ..output.notices import settings_wrong_text

            self.terminal.failure(settings_wrong_text(self.settings_problems, command, settings, self.settings_hidden))

    @property
    def kernel(self) -> Kernel:
        """The kernel, by the settings' engine.

        Raises:
            SettingsError, KernelError: it can't be had.
        """
        if self._kernel is None:
            self._kernel = self._open(self.settings.engine)
        return self._kernel

    def _open(self, engine: str) -> Kernel:
        from ..kernel.open import open_kernel

        return open_kernel(engine)

    def close(self) -> None:
        """Releases the kernel's socket."""
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = None
