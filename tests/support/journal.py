"""A journal on files of its own, with all that it logs, and passes on the model of the kernel to tell it of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from guest_routes.model.report import Report
from guest_routes.model.settings import Settings
from guest_routes.service.journal import Journal
from guest_routes.service.sd_notify import Notifier
from guest_routes.state.store import State
from guest_routes.sync import sync

from .iproute_text import parse_kernel
from .lab import document
from .model_kernel import ModelKernel

KERNEL = "nic eth0 fa:16:3e:00:00:01 10.65.0.7/24\nnic eth1 fa:16:3e:00:00:02 11.8.0.9/24\n"
"""The documented machine before its first pass."""


class Bench:
    """A journal on a state directory of its own, with all that it logs."""

    def __init__(self, path: Path, notifier: Optional[Notifier] = None) -> None:
        self.state = State(str(path / "run"), str(path / "lib"))
        self.lines: List[Tuple[str, str]] = []
        self.fields: List[Tuple[str, ...]] = []
        """Those of the lines that have some: the name and value of each."""
        self.journal = Journal(self.state, self._log, notifier or Notifier({}))
        self._path = path

    def _log(self, level: str, text: str, fields: Sequence[Tuple[str, str]]) -> None:
        self.lines.append((level, text))
        if fields:
            self.fields.append(tuple("=".join(field) for field in fields))

    def logged(self) -> List[Tuple[str, str]]:
        """The lines since the last call."""
        lines, self.lines[:] = list(self.lines), []
        return lines

    @property
    def record(self) -> Dict[str, Any]:
        """What `status` reads."""
        self.journal.publish()
        return self.state.read_service()

    def report(self, kernel: str = KERNEL, more_routes: int = 0) -> Report:
        """A pass on the documented document, with so many host routes more."""
        value = json.loads(document("documented").read_text())
        value["networks"][1]["routes"] += [
            {"network": f"172.16.{number}.0", "netmask": "255.255.255.0", "gateway": "11.8.0.1"}
            for number in range(more_routes)
        ]
        path = self._path / "network_data.json"
        path.write_text(json.dumps(value))
        return sync(Settings(), self.state, ModelKernel(parse_kernel(kernel).state), str(path))
