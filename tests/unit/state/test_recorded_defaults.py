"""Which records of removed defaults are of this boot, and which files are damaged."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from guest_routes.state.recorded_defaults import NO_BOOT, SCHEMA, of_boot

DAMAGED = "is damaged: no list of records, or not of which boot"


@pytest.mark.parametrize("document, boot, fault", [
    ({"schema": SCHEMA, "boot_id": "b", "records": []}, "b", ""),
    ({"schema": SCHEMA, "boot_id": "of before", "records": [7]}, "b", ""),
    ({"schema": SCHEMA, "boot_id": "b", "records": []}, "", NO_BOOT),
    ({"schema": "x", "boot_id": "b", "records": []}, "b", f"is not of the form {SCHEMA}"),
    ({"schema": SCHEMA, "boot_id": "b", "records": {}}, "b", DAMAGED),
    ({"schema": SCHEMA, "records": []}, "b", DAMAGED),
    ({"schema": SCHEMA, "boot_id": 7, "records": []}, "b", DAMAGED),
    ({"schema": SCHEMA, "boot_id": "b", "records": [7]}, "b", "is damaged: a record is no route"),
    ({"schema": SCHEMA, "boot_id": "b", "records": [{}]}, "b", "is damaged: a record is no route"),
])  # fmt: skip
def test_a_file_of_records(document: Dict[str, Any], boot: str, fault: str) -> None:
    records, found = of_boot(document, boot)
    assert found == fault
    assert all(isinstance(one, dict) for one in records)
