"""Our own modules found and read in one step each.

A pass that changes nothing imports eighty modules, and the library's search for them (every finder, every suffix, a
dozen system calls each) takes longer than the pass. Where a module's bytecode stands beside its source and is valid by
the library's own rule (the source's time and size), it is taken from there; all else is left to the library.

Source: CPython, Lib/importlib/_bootstrap_external.py, for the first 16 bytes of bytecode; PEP 552; PEP 3147.
"""

from __future__ import annotations

import os
import sys
from marshal import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec, SourceFileLoader
    from types import CodeType
    from typing import Sequence
else:
    # What this module itself was imported with: importing importlib.machinery takes longer than ten modules.
    ModuleSpec, SourceFileLoader = type(__spec__), type(__loader__)

_PREFIX = f"{__package__}."
_HEADER_BYTES = 16
_LARGEST = 1 << 16
"""Bytes; none of our modules has as much."""


def find_quickly() -> None:
    """From now on our modules are found here first; not within an archive, or where bytecode is kept elsewhere."""
    before, _, suffix = (__spec__.cached or "").rpartition("/__pycache__/bytecode")
    if before and before == os.path.dirname(__file__) and hasattr(SourceFileLoader, "path_stats"):
        sys.meta_path.insert(0, _Finder(suffix))


class _Loader(SourceFileLoader):
    """The library's, with the code that was found."""

    code: CodeType | None = None

    def get_code(self, fullname: str) -> CodeType | None:
        """The code, once: who loads the module again has it read again."""
        code, self.code = self.code, None
        return code or super().get_code(fullname)


class _Finder:
    """A meta path finder.

    Args:
        suffix: what this interpreter calls bytecode, from the module's name on.
    """

    def __init__(self, suffix: str) -> None:
        from _frozen_importlib_external import MAGIC_NUMBER

        self._suffix = suffix
        self._head = MAGIC_NUMBER + bytes(4)
        """Of bytecode that is valid while the source's time and size are those beside it."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        """How to import a module of ours; None leaves it to the finders after this one."""
        if path is None or not name.startswith(_PREFIX):
            return None
        folder, module = path[0], name.rpartition(".")[2]
        return self._found(name, folder, module) or self._found(name, f"{folder}/{module}", "__init__")

    def _found(self, name: str, folder: str, module: str) -> ModuleSpec | None:
        source, cached = f"{folder}/{module}.py", f"{folder}/__pycache__/{module}{self._suffix}"
        try:
            number = os.open(cached, os.O_RDONLY | os.O_CLOEXEC)
            try:
                data = os.read(number, _LARGEST)
            finally:
                os.close(number)
            about = os.stat(source)
        except OSError:
            return None
        stamp = int(about.st_mtime) & 0xFFFFFFFF | (about.st_size & 0xFFFFFFFF) << 32
        if data[:_HEADER_BYTES] != self._head + stamp.to_bytes(8, "little") or len(data) == _LARGEST:
            return None
        code = loads(data[_HEADER_BYTES:])  # noqa: S302 - the library does the same with it
        if code.co_filename != source:  # Compiled elsewhere: the library corrects it.
            return None
        loader = _Loader(name, source)
        loader.code = code
        spec = ModuleSpec(name, loader, origin=source, is_package=module == "__init__")
        spec.cached, spec.has_location = cached, True
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(folder)
        return spec
