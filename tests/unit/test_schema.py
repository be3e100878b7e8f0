"""docs/schema: the schemas are sound and strict. That real output fits them is tests/netns/test_sync.py's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Iterator

import pytest

from guest_routes.cli.grammar import COMMON
from guest_routes.output.route_text import route_json
from tests.support.reports import ETH0, ETH1, route

jsonschema = pytest.importorskip("jsonschema")

SCHEMAS = [
    path for path in sorted((Path(__file__).parents[2] / "docs" / "schema").glob("*.json"))
    if path.stem != "settings-file"  # which no command prints: tests/unit/settings/test_settings_schema.py
]  # fmt: skip


def objects(value: Any) -> Iterator[Any]:
    """Every object of a schema that describes an object."""
    if isinstance(value, dict):
        if "properties" in value:
            yield value
        for inner in value.values():
            yield from objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner)


def test_every_command_that_prints_json_has_a_schema() -> None:
    """And nothing else has one."""
    assert {path.stem for path in SCHEMAS} == {command for command, options in COMMON.items() if "--json" in options}


ROUTE = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"
PROMISE = (Path(__file__).parents[2] / "docs" / "compatibility.md").read_text()


def test_a_route_has_the_same_form_everywhere_and_is_the_promised_one() -> None:
    definitions = [json.loads(path.read_text())["$defs"].get("route") for path in SCHEMAS]
    forms = [one for one in definitions if one is not None and "dst" in one["properties"]]  # `correct` has a file's.
    assert len(forms) == 6
    assert all(one == forms[0] for one in forms)
    example = json.loads(re.search(r'^    (\{"text".*?\})$', PROMISE, re.MULTILINE | re.DOTALL)[1])  # type: ignore[index]
    assert example == route_json(route(ROUTE), (ETH0, ETH1))
    assert set(forms[0]["required"]) == set(example)
    optional = re.findall(r"`(\w+)`", PROMISE.partition("`gateway` and `dev` as null")[2].partition("`table` only")[0])
    assert set(optional) - {"ip"} == set(forms[0]["properties"]) - set(example)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
class TestSchema:
    """One schema each."""

    def test_is_valid_json_schema_2020_12(self, path: Path) -> None:
        schema = json.loads(path.read_text())
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["$id"] == f"urn:guest-routes:{path.stem}:1"

    def test_is_strict_and_described(self, path: Path) -> None:
        found = list(objects(json.loads(path.read_text())))
        assert found
        for one in found:
            assert one["additionalProperties"] is False, one["description"]
            assert set(one["required"]) <= set(one["properties"])
            for name, inner in one["properties"].items():
                assert inner.get("description") or "$ref" in inner, name

    def test_every_reference_leads_somewhere_and_every_definition_is_used(self, path: Path) -> None:
        text = path.read_text()
        defined = set(json.loads(text)["$defs"])
        used = {part.partition('"')[0] for part in text.split('"#/$defs/')[1:]}
        assert used == defined

    def test_names_its_own_command_and_takes_an_error_for_an_answer(self, path: Path) -> None:
        validator = jsonschema.Draft202012Validator(json.loads(path.read_text()))
        error = {"schema": f"guest-routes/{path.stem}/1", "exit_code": 2, "error": "wrong"}
        assert validator.is_valid(error)
        assert not validator.is_valid({**error, "schema": "guest-routes/other/1"})
        assert not validator.is_valid({**error, "more": 1})
        assert not validator.is_valid({**error, "error": ""})
