"""The package's own modules as syntax trees, for the checks of its shape: each parsed once for a file of tests."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import Tuple


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def nodes(path: Path) -> Tuple[ast.AST, ...]:
    """Every node of a module, outer ones first."""
    return tuple(ast.walk(tree(path)))
