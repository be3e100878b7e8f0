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


def test_a_document_file_without_a_property_beside_it(lab: Lab, tmp_path: Path) -> None:
    """No meta_data.json says nothing of the property; one without it does."""
    documented(lab)
    (tmp_path / "meta_data.json").write_text(json.dumps(PROPERTY))
    lab.metadata_server(document("documented"), "--meta-data", str(tmp_path / "meta_data.json"))
    assert run(lab, "sync --deadline-seconds 5").code == 0
    assert table(lab) == [*DOCUMENTED, f"{BY_PROPERTY} proto 121"]
    option = f"--metadata {document('documented')}"
    assert "nothing to change: 3 routes in place" in run(lab, f"plan {option}").out
    assert (run(lab, f"sync {option}").code, table(lab)) == (0, [*DOCUMENTED, f"{BY_PROPERTY} proto 121"])
    (tmp_path / "meta_data.json").write_text(json.dumps({"uuid": "u"}))
    beside = tmp_path / "network_data.json"
    beside.write_bytes(document("documented").read_bytes())
    assert (run(lab, f"sync --metadata {beside}").code, table(lab)) == (0, DOCUMENTED)


def partial_document(path: Path) -> Path:
    """The documented one without eth1's network and link: its host route may only be missing."""
    data = json.loads(document("documented").read_bytes())
    data["networks"] = [one for one in data["networks"] if one["link"] == data["networks"][0]["link"]]
    data["networks"][0]["routes"] = [one for one in data["networks"][0]["routes"] if one["network"] == "0.0.0.0"]
    data["links"] = [one for one in data["links"] if one["id"] == data["networks"][0]["link"]]
    path.write_text(json.dumps(data))
    return path


def test_a_document_that_may_be_partial(lab: Lab, tmp_path: Path) -> None:
    """Each command knows that it may be, what stays because of it, and that the third fetch in a row is believed."""
    documented(lab)
    assert run(lab, f"sync --metadata {document('documented')}").code == 0
    option = f"--metadata {partial_document(tmp_path / 'network_data.json')}"
    assert "stays, since the document may be partial" in run(lab, f"plan {option}").out
    explained = run(lab, f"explain 11.11.3.4 {option}").out
    assert "a route of an earlier pass, which stays since the document may be partial" in " ".join(explained.split())
    exported = run(lab, f"export --format ip {option}")
    assert exported.code == 5 and "the document may be partial" in exported.err
    checked = run(lab, f"doctor {option}")
    assert checked.code == 1 and "the document may be partial" in " ".join(checked.out.split())
    for _ in range(2):
        assert run(lab, f"plan --check {option}").code == 0
        run(lab, f"sync {option}")
    assert run(lab, f"plan --check {option}").code == 3
    run(lab, f"sync {option}")
    assert not [line for line in table(lab) if line.startswith("11.11")]


def test_what_is_missing_now_is_in_the_status(lab: Lab) -> None:
    documented(lab)
    assert run(lab, f"sync --metadata {document('documented')}").code == 0
    lab.ip("link", "set", "eth1", "down")
    status = run(lab, "status")
    assert (status.code, run(lab, f"plan --metadata {document('documented')}").code) == (5, 5)
    assert "missing" in status.out and "`ip link set dev eth1 up` fixes it" in " ".join(status.out.split())


def test_a_rule_that_wins_is_in_the_plan(lab: Lab) -> None:
    documented(lab)
    option = f"--metadata {document('documented')}"
    assert run(lab, f"sync {option}").code == 0
    lab.ip("route", "add", "11.0.0.0/8", "via", "10.65.0.1", "dev", "eth0", "table", "77")
    lab.ip("rule", "add", "to", "11.11.0.0/16", "lookup", "77")
    planned, done = run(lab, f"plan {option}"), run(lab, f"sync {option}")
    assert (planned.code, done.code) == (5, 5)
    assert "the kernel sends" in planned.out


def test_a_rehearsal_has_the_property(lab: Lab, tmp_path: Path) -> None:
    latest = tmp_path / "openstack" / "latest"
    latest.mkdir(parents=True)
    (latest / "network_data.json").write_bytes(document("documented").read_bytes())
    (latest / "meta_data.json").write_text(json.dumps(PROPERTY))
    assert f"+ {BY_PROPERTY}" in run(lab, f"rehearse --metadata {tmp_path}").out
