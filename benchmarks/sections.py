"""RESULTS.md in sections, so that each benchmark writes its own."""

from __future__ import annotations

import os
import platform
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


def machine() -> str:
    """What the figures were taken on, for a sentence."""
    release = platform.release().split("-")[0]
    return f"Linux {release}, Python {platform.python_version()}, {os.cpu_count()} cores"


def write(heading: str, text: str) -> None:
    """Puts the text under that heading, in place of what was there."""
    whole = RESULTS.read_text() if RESULTS.exists() else "# Results\n"
    title, *sections = whole.split("\n## ")
    kept = {section.partition("\n")[0]: section.partition("\n")[2].strip("\n") for section in sections}
    kept[heading] = text.strip("\n")
    parts = [title.strip("\n"), *(f"## {name}\n\n{body}" for name, body in kept.items())]
    RESULTS.write_text("\n\n".join(parts) + "\n")
