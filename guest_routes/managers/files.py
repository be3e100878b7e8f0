"""The network managers' own files, read only where nobody else could have written them (trusted.py)."""

from __future__ import annotations

import os

from ..model.network_data import Problem
from ..trusted import NOBODY, Client, Untrusted, read_trusted, unreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

LIMIT_BYTES = 1 << 20
"""Of one file; netplan makes a line for each route."""


class ManagerFiles:
    """Reads files, and keeps why one that is there decides nothing."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        """A path and the reason, each once."""

    def lines(self, path: str, client: Client = NOBODY) -> Sequence[str]:
        """A file's lines; none where there is no such file, only root may look, or others could have written it."""
        try:
            return read_trusted(path, LIMIT_BYTES, client).data.decode("utf-8", "replace").splitlines()
        except (Untrusted, IsADirectoryError) as fault:
            problem = Problem(path, f"{unreadable(fault)}; ignored")
            if problem not in self.problems:
                self.problems.append(problem)
        except OSError:
            pass
        return ()

    def assignments(self, path: str, client: Client = NOBODY) -> dict[str, str]:
        """The KEY=VALUE lines of a file, of all its sections together, without empty values."""
        lines = self.lines(path, client)
        return {key: value for key, _, value in (line.partition("=") for line in lines) if value}


def owner_of(path: str, manager: str) -> Client:
    """Who may own this file of a manager's beside root: cloud-init gives networkd's files to networkd's user."""
    return Client(os.path.dirname(path), manager)


def names_in(folder: str) -> list[str]:
    """What is in a folder, sorted; nothing where there is no such folder, or only root may look."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
