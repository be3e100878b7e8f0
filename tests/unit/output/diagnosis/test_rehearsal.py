"""A rehearsal for people and as JSON."""

from __future__ import annotations

from errno import EINVAL

import pytest

from guest_routes.model.network import KernelState
from guest_routes.model.operations import Failure, Outcome
from guest_routes.model.report import Discrepancy, NotMade, Rehearsal
from guest_routes.output.diagnosis.rehearsal import not_made_text, rehearsal_json, rehearsal_lines
from guest_routes.output.folding import laid_out
from tests.support.iproute_text import parse_kernel
from tests.support.reports import (
    BOTH_DEFAULTS,
    ETH0,
    ETH1,
    IN_PLACE,
    NICS,
    assert_fits,
    assert_valid,
    prefix,
    report,
    route,
)

REFUSED = NotMade(
    "route-refused",
    "networks[0].routes[1]",
    route=route("11.11.0.0/16 via 11.8.0.1 dev eth0 proto static"),
    error="Nexthop has invalid gateway",
)


def rehearsed() -> Rehearsal:
    return Rehearsal(report(), (REFUSED,), parse_kernel(BOTH_DEFAULTS).state, parse_kernel(IN_PLACE).state)


def test_before_the_pass_the_pass_and_after_it() -> None:
    lines = laid_out(rehearsal_lines(rehearsed()))
    assert_fits(lines)
    assert lines[:14] == [
        "A private network with the document's NICs:",
        "  eth0 fa:16:3e:00:00:01 10.65.0.7/24",
        "  eth1 fa:16:3e:00:00:02 11.8.0.9/24",
        "",
        "Before the pass, as cloud-init configures it:",
        "  default via 10.65.0.1 dev eth0 proto static",
        "  default via 11.8.0.1 dev eth1 proto static",
        "  10.65.0.0/24 dev eth0 proto kernel scope link src 10.65.0.7",
        "  11.8.0.0/24 dev eth1 proto kernel scope link src 11.8.0.9",
        "  (networks[0].routes[1]: the kernel refuses 11.11.0.0/16 via 11.8.0.1 dev eth0",
        "   proto static: Nexthop has invalid gateway)",
        "",
        "The pass:",
        "metadata: http://169.254.169.254 through eth0, just now",
    ]
    at = lines.index("After the pass:")
    assert "  11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes" in lines[at:]


def test_an_empty_table_is_said_to_be_empty_and_the_warnings_are_shown() -> None:
    empty = KernelState((ETH0, ETH1), ())
    lines = laid_out(rehearsal_lines(Rehearsal(report("dhcp", NICS), (), empty, empty)))
    assert lines.count("  (no routes)") == 2
    assert "the metadata omits eth1's routes (networks[1], type ipv4_dhcp); its gateway and" in lines


def test_refusals_and_errors_of_the_pass() -> None:
    done = rehearsed()
    refused = Failure(done.report.plan.additions[0], EINVAL, "no")
    missing = Discrepancy("missing", refused.operation.route)
    failed = done.report._replace(outcome=Outcome(failures=(refused,)), errors=(missing,))
    text = " ".join(" ".join(rehearsal_lines(done._replace(report=failed))).split())
    assert "cannot add 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes: no (EINVAL); its traffic" in text
    assert "missing after the pass: 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes After the pass:" in text


def test_json() -> None:
    value = rehearsal_json(rehearsed())
    assert_valid("rehearse", value)
    assert value["schema"] == "guest-routes/rehearse/1"
    assert value["before"][1]["text"] == "default via 11.8.0.1 dev eth1 proto static"
    assert "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes" in [one["text"] for one in value["after"]]
    assert value["not_made"] == [not_made_text(REFUSED, (ETH0, ETH1))]


@pytest.mark.parametrize(
    "one, text",
    [
        (NotMade("no-carrier", nic="eth5"), "eth5 has no carrier"),
        (
            NotMade("port-missing", "links[2]", "bond0", link="gone"),
            "links[2]: a plain NIC with its MAC stands in for bond0: the document has no link 'gone'",
        ),
        (
            NotMade("kind-refused", "links[2]", "bond0", error="Operation not supported"),
            "links[2]: a plain NIC with its MAC stands in for bond0: Operation not supported",
        ),
        (
            NotMade("link-missing", "networks[1]", link="gone\n"),
            "networks[1]: it has no NIC, since the document has no link 'gone\\n'",
        ),
        (NotMade("link-missing", "networks[1]"), "networks[1]: it has no NIC, since it names no link that can be used"),
        (
            NotMade("infiniband", "links[1]", "eth1", mac=bytes.fromhex("f452147bcba1")),
            "links[1]: a plain NIC with the MAC f4:52:14:7b:cb:a1 stands in for eth1: it is InfiniBand",
        ),
        (
            NotMade("mac-refused", "links[1]", mac=bytes(6), error="Cannot assign requested address"),
            "links[1]: it has no NIC: the kernel refuses the MAC 00:00:00:00:00:00: Cannot assign requested address",
        ),
        (
            NotMade("link-refused", "networks[1]"),
            "networks[1]: it has no NIC, since the kernel refuses its link's MAC",
        ),
        (NotMade("no-address", "networks[1]"), "networks[1]: its NIC gets no address, since the document has none"),
        (
            NotMade("address-refused", "networks[1]", address=prefix("224.0.0.1/24"), error="Invalid argument"),
            "networks[1]: the kernel refuses the address 224.0.0.1/24: Invalid argument",
        ),
    ],
)
def test_what_the_private_network_has_otherwise(one: NotMade, text: str) -> None:
    assert not_made_text(one, (ETH0, ETH1)) == text
