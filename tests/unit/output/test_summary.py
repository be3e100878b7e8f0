"""A pass in short: its last line, where its document is from, and what `status` is left."""

from __future__ import annotations

from errno import EINVAL

import pytest

from guest_routes.model.document import Document, Provenance
from guest_routes.model.lease import Lease, LeaseSet
from guest_routes.model.network import parse_address
from guest_routes.model.network_data import Problem
from guest_routes.model.operations import Add, Delete, Failure, Outcome, Promote, RemoveForeignDefault
from guest_routes.model.report import Discrepancy, PassError, RolledBack
from guest_routes.output.folding import laid_out
from guest_routes.output.summary import (
    evidence_lines,
    is_remarkable,
    is_removal,
    last_pass_json,
    short_lines,
    source_line,
    source_lines,
    summary,
    verb_of,
)
from tests.support.lab import document
from tests.support.reports import BOTH_DEFAULTS, IN_PLACE, NICS, assert_fits, report, route

WANTED = route("11.11.0.0/16 via 11.8.0.1 dev eth1")


def test_where_the_document_is_from_and_its_age() -> None:
    kept = Document(document("wrong-subnet").read_bytes(), Provenance("config-drive", "/dev/vdb"), 7300.0)
    assert source_line(report(document=kept)) == "metadata: config drive /dev/vdb, 2 h ago"


def test_the_leases_that_are_used() -> None:
    fresh = Lease("dhclient", "/a", parse_address("10.65.0.7"), "eth0", obtained=40.0, expires=500.0, ifindex=2)
    old = Lease("systemd-networkd", "/b" * 40, parse_address("11.8.0.9"), "eth1", obtained=0, expires=40.0, ifindex=3)
    lines = laid_out(source_lines(report(leases=LeaseSet((fresh, old), now=100.0))))
    assert_fits(lines)
    assert lines[1] == "lease:    eth0, dhclient, 60 s ago (/a)"
    assert lines[2].startswith("lease:    eth1, systemd-networkd, expired 60 s ago")


@pytest.mark.parametrize(
    "kind, removal, verb",
    [
        (Add, False, "added"),
        (Promote, False, "added"),
        (Delete, True, "removed"),
        (RemoveForeignDefault, True, "removed"),
    ],
)
def test_what_an_operation_does(kind: type, removal: bool, verb: str) -> None:
    operation = kind(route("default via 10.65.0.1 dev eth0"))
    assert (is_removal(operation), verb_of(operation)) == (removal, verb)


@pytest.mark.parametrize("error", [RolledBack("metadata-unreachable"), Discrepancy("missing", WANTED)])
def test_a_pass_that_failed(error: PassError) -> None:
    assert summary(report()._replace(errors=(error,))) == "failed; above is what was planned"


def test_a_pass_of_which_nothing_more_is_to_be_shown() -> None:
    quiet = report("wrong-subnet", IN_PLACE)
    assert not is_remarkable(quiet)
    assert short_lines(quiet) == [
        "nothing to do: 2 routes in place",
        "metadata: http://169.254.169.254 through eth0, just now",
    ]
    assert is_remarkable(report())
    assert is_remarkable(report("not-a-gateway", BOTH_DEFAULTS))


def test_what_status_is_left() -> None:
    found = report("not-a-gateway", BOTH_DEFAULTS)
    value = last_pass_json(found, 12.5)
    assert (value["finished"], value["exit_code"], value["changes"]) == (12.5, 5, 1)
    assert value["defaults"] == ["default via 10.65.0.1 dev eth0 proto static"]
    assert (len(value["unprogrammed"]), value["unprogrammed_count"]) == (1, 1)
    assert value["routes"] == {}


def test_what_status_is_left_stays_small() -> None:
    many = [{"network": f"12.{n}.0.0", "netmask": "255.255.0.0", "gateway": "11.8.0.77"} for n in range(30)]
    good = [{"network": f"13.{n}.0.0", "netmask": "255.255.0.0", "gateway": "11.8.0.1"} for n in range(3)]
    default = [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "11.8.0.1"}]
    value = {
        "links": [{"id": "a", "type": "phy", "ethernet_mac_address": "fa:16:3e:00:00:02"}],
        "networks": [
            {"id": "n", "type": "ipv4", "link": "a", "ip_address": "11.8.0.9", "netmask": "255.255.255.0",
             "routes": [*default, *good, *many]}
        ],
    }  # fmt: skip
    found = report(value, NICS, leases=LeaseSet())
    failures = tuple(Failure(op, EINVAL, "no") for op in found.plan.additions)
    kept = last_pass_json(found._replace(outcome=Outcome(failures=failures)), 1.0)
    assert (len(kept["unprogrammed"]), kept["unprogrammed_count"]) == (20, 30)
    assert kept["routes"] == {"add": 3}
    assert kept["errors"][:2] == ["13.0.0.0/16: no", "13.1.0.0/16: no"]
    assert len(kept["errors"]) == 4


def test_leases_that_can_t_be_used_are_named_where_no_warnings_are_shown() -> None:
    many = tuple(Problem(f"/l/{number}", "is cut off; ignored") for number in range(30))
    lines = evidence_lines(report(leases=LeaseSet((), many, now=100.0)))
    assert lines[1] == "unused:   /l/0: is cut off; ignored"
    assert lines[-1].startswith("unused:   ... and ") and len(lines) < 25
    assert evidence_lines(report()) == source_lines(report())
