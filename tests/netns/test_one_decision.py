"""Every command that decides, decides the same: what `sync` keeps, `plan`, `export`, `explain` and `doctor` know of."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.lab import Lab, document
from tests.support.passes import DOCUMENTED, documented, run, table

PROPERTY = {"uuid": "u", "meta": {"guest_routes": "12.0.0.0/8,11.8.0.1"}}
BY_PROPERTY = "12.0.0.0/8 via 11.8.0.1 dev eth1"


def test_a_property_that_is_not_served_any_more(lab: Lab, tmp_path: Path) -> None:
    """The source of a property is gone, its routes stay (R6): every command goes by what it said last."""
    documented(lab)
    meta = tmp_path / "meta_data.json"
    meta.write_text(json.dumps(PROPERTY))
    server = lab.metadata_server(document("documented"), "--meta-data", str(meta))
    assert run(lab, "sync --deadline-seconds 5").code == 0
    lab.stop(server)
    lab.metadata_server(document("documented"))
    assert run(lab, "sync --deadline-seconds 5").code == 0
    assert table(lab) == [*DOCUMENTED, f"{BY_PROPERTY} proto 121"]
    exported = run(lab, "export --format networkd --deadline-seconds 5")
    assert (exported.code, "Destination=12.0.0.0/8" in exported.out) == (0, True), exported.out
    assert "nothing to change: 3 routes in place" in run(lab, "plan --deadline-seconds 5").out
    assert "meta.guest_routes[0] of meta_data.json" in run(lab, "explain 12.1.2.3 --deadline-seconds 5").out
    assert "not in place" not in run(lab, "doctor --deadline-seconds 5").out
