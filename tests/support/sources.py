"""The package's own modules as syntax trees, for the checks of its shape: each parsed once."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import Callable, Dict, Sequence, Tuple

PACKAGE = Path(__file__).parents[2] / "guest_routes"


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def nodes(path: Path) -> Tuple[ast.AST, ...]:
    """Every node of a module, outer ones first."""
    return tuple(ast.walk(tree(path)))


def in_modules(check: Callable[[Path], object], modules: Sequence[Path]) -> Dict[str, object]:
    """What a check finds, by module; those where it finds nothing are left out."""
    found = {str(path.relative_to(PACKAGE)): check(path) for path in modules}
    return {name: what for name, what in found.items() if what}
