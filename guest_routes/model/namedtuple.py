"""typing.NamedTuple without typing: what the boot path's values are made of.

Importing typing and making forty classes with it takes longer than the rest of a pass that changes nothing (it
compiles source text for every class and every annotation). The type checker takes it for typing's, and holds every
value to it. At run time the classes behave the same: tuples with named fields, defaults, _fields, _replace
and _asdict.
"""

from __future__ import annotations

from _collections import _tuplegetter  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple


class _Meta(type):
    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> _Meta:
        if not bases:
            return super().__new__(cls, name, bases, namespace)
        fields = tuple(namespace.get("__annotations__", ()))
        defaults = tuple(namespace[field] for field in fields if field in namespace)
        if any(field in namespace for field in fields[: len(fields) - len(defaults)]):
            raise TypeError(f"{name}: a field without a default follows one with a default")
        for index, field in enumerate(fields):
            namespace[field] = _tuplegetter(index, "")
        namespace.update(__slots__=(), _fields=fields, _defaults=defaults, __match_args__=fields)
        for method in ("__new__", "__repr__", "__getnewargs__", "_replace", "_asdict"):
            namespace.setdefault(method, _METHODS[method])
        return super().__new__(cls, name, (tuple,), namespace)


def _new(cls: Any, *values: object, **named: object) -> Any:
    fields: tuple[str, ...] = cls._fields
    missing = len(fields) - len(values)
    if not named and missing <= len(cls._defaults):
        if missing == 0:
            return tuple.__new__(cls, values)
        if missing > 0:
            return tuple.__new__(cls, values + cls._defaults[-missing:])
    if missing == len(named) and tuple(named) == fields[len(values) :]:
        return tuple.__new__(cls, (*values, *named.values()))
    remaining = []
    without_default = len(fields) - len(cls._defaults)
    for index, field in enumerate(fields[len(values) :], len(values)):
        if field in named:
            remaining.append(named.pop(field))
        elif index >= without_default:
            remaining.append(cls._defaults[index - without_default])
        else:
            raise TypeError(f"{cls.__name__}: no value for {field}")
    if named or missing < 0:
        raise TypeError(f"{cls.__name__}: too many values, or no such field: {', '.join(named)}")
    return tuple.__new__(cls, values + tuple(remaining))


def _repr(self: Any) -> str:
    pairs = (f"{field}={value!r}" for field, value in zip(self._fields, self))
    return f"{type(self).__name__}({', '.join(pairs)})"


def _newargs(self: Any) -> tuple[object, ...]:
    return tuple(self)


def _replace(self: Any, **named: object) -> Any:
    # A list: of an iterator CPython doesn't know the length, and keeps one more free tuple of that length each time.
    made = tuple.__new__(type(self), [*map(named.pop, self._fields, self)])
    if named:
        raise ValueError(f"{type(self).__name__} has no field {', '.join(named)}")
    return made


def _asdict(self: Any) -> dict[str, object]:
    return dict(zip(self._fields, self))


_METHODS = {"__new__": _new, "__repr__": _repr, "__getnewargs__": _newargs, "_replace": _replace, "_asdict": _asdict}


if not TYPE_CHECKING:

    class NamedTuple(metaclass=_Meta):
        """The base to write `class Value(NamedTuple)` with; the class made is a direct subclass of tuple."""


__all__ = ["NamedTuple"]
