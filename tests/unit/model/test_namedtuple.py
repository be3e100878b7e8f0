"""values.NamedTuple does what typing.NamedTuple does."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import typing

import pytest

from guest_routes.model.namedtuple import NamedTuple


class Ours(NamedTuple):
    """Two fields without and two with a default."""

    a: int
    b: str
    c: int = 7
    d: tuple[int, ...] = ()

    @property
    def double(self) -> int:
        """A property of its own."""
        return self.a * 2


class Theirs(typing.NamedTuple):
    """The same, by typing."""

    a: int
    b: str
    c: int = 7
    d: typing.Tuple[int, ...] = ()


CALLS: list[tuple[tuple[object, ...], dict[str, object]]] = [
    ((1, "x"), {}),
    ((1, "x", 3), {}),
    ((1, "x", 3, (4,)), {}),
    ((1,), {"b": "x"}),
    ((), {"b": "x", "a": 1, "d": (2,)}),
    ((1, "x"), {"d": (9,)}),
]


@pytest.mark.parametrize(("values", "named"), CALLS)
def test_the_same_values(values: tuple[object, ...], named: dict[str, object]) -> None:
    ours, theirs = Ours(*values, **named), Theirs(*values, **named)  # type: ignore[arg-type]
    assert tuple(ours) == tuple(theirs)
    assert ours._asdict() == theirs._asdict()
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert ours._fields == theirs._fields
    assert ours._replace(c=5)[2] == 5
    assert (ours.a, ours.b, ours.c, ours.d, ours.double) == (*theirs, 2)


@pytest.mark.parametrize(
    ("values", "named"),
    [((), {}), ((1,), {}), ((1, "x", 3, (), 5), {}), ((1, "x"), {"e": 1}), ((1, "x"), {"a": 2}), ((1,), {"c": 2})],
)
def test_the_same_mistakes(values: tuple[object, ...], named: dict[str, object]) -> None:
    for kind in (Ours, Theirs):
        with pytest.raises(TypeError):
            kind(*values, **named)  # type: ignore[arg-type]


def test_frozen_hashable_copied_and_pickled() -> None:
    value = Ours(1, "x")
    with pytest.raises(AttributeError):
        value.a = 2  # type: ignore[misc]
    with pytest.raises(AttributeError):
        value.e = 2  # type: ignore[attr-defined]
    assert {value: 1}[Ours(1, "x")] == 1
    assert pickle.loads(pickle.dumps(value)) == copy.copy(value) == value
    assert isinstance(pickle.loads(pickle.dumps(value)), Ours)
    with pytest.raises(ValueError, match="no field e"):
        value._replace(e=1)  # type: ignore[call-arg]


def test_a_field_without_a_default_comes_first() -> None:
    with pytest.raises(TypeError, match="without a default"):

        class Wrong(NamedTuple):
            a: int = 1
            b: int  # type: ignore[misc]


def test_a_replaced_value_leaves_no_memory_behind() -> None:
    """CPython keeps up to 2000 tuples of each length for later; made by an iterator they would never be taken again."""
    value = Ours(1, "x")
    before = sys.getallocatedblocks()
    for number in range(1000):
        value._replace(a=number)
    assert sys.getallocatedblocks() - before < 100


def test_the_boot_path_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from guest_routes.cli import main\nfrom guest_routes.cli.commands import sync\n"
        "from guest_routes.kernel.rtnetlink import engine\nfrom guest_routes.output import json_documents, report\n"
        "print(*{'typing', 'argparse', 'socket', 'logging', 'dataclasses', 'ipaddress', 'requests', 'yaml', 'pyroute2',"
        " 'textwrap', 'subprocess', 'pathlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
