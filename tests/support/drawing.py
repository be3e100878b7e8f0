"""Programs that read what `--graph` and packaging/prometheus hold; `tests/unpack-tools` puts them into .cache/tools."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict, List

import pytest

TOOLS = Path(__file__).parents[2] / ".cache" / "tools"
MERMAID = """
import { JSDOM } from "jsdom";
const { window } = new JSDOM("");
globalThis.window = window; globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");
let text = "";
for await (const part of process.stdin) text += part;
await mermaid.parse(text);
const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
console.log(JSON.stringify({
    nodes: Object.fromEntries([...db.getVertices().values()].map((one) => [one.id, one.text])),
    edges: db.getEdges().map((one) => [one.start, one.end, one.stroke, one.text]),
}));
"""


def program(name: str) -> str:
    """The path of a program of the system's or of an unpacked Debian package; skips the test where there is none."""
    found = shutil.which(name) or TOOLS / "root" / "usr" / "bin" / name
    if not os.path.exists(found):
        pytest.skip(f"{name} is not there; as root on Debian: tests/unpack-tools")
    return str(found)


def unpacked() -> Dict[str, str]:
    """The environment in which unpacked programs find their libraries."""
    libraries = [*TOOLS.glob("root/usr/lib/*-linux-gnu"), *TOOLS.glob("root/usr/lib/*-linux-gnu/graphviz")]
    plugins = {"GVBINDIR": str(libraries[-1])} if len(libraries) > 1 else {}
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries)), **plugins}


def dot(text: str) -> List[List[str]]:
    """A digraph as Graphviz lays it out: the words of each line of its format `plain`."""
    path, environment = program("dot"), unpacked()
    if "GVBINDIR" in environment:
        subprocess.run([path, "-c"], env=environment, check=True)  # Writes down which plugins there are.
    ran = subprocess.run([path, "-Tplain"], input=text, env=environment, text=True, capture_output=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    return [shlex.split(line) for line in ran.stdout.splitlines()]


def mermaid(text: str) -> Any:
    """A flowchart's nodes and edges, by Mermaid's own parser; skips the test where it is not there."""
    folder = TOOLS / "npm"
    if not (folder / "node_modules" / "mermaid").exists() or not shutil.which("node"):
        pytest.skip("Mermaid is not there; with npm: tests/unpack-tools")
    ran = subprocess.run(
        ["node", "--input-type=module", "-e", MERMAID], cwd=folder, input=text, text=True, capture_output=True
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
