"""A pass for people: marks, reasons, the last line, refusals."""

from __future__ import annotations

import json
from errno import EINVAL, EPERM
from pathlib import Path
from typing import List

import pytest

from guest_routes.model.network import parse_address, parse_prefix
from guest_routes.model.network_data import Problem
from guest_routes.model.operations import Add, Delete, Failure, Outcome
from guest_routes.model.report import Report, Withdrawal
from guest_routes.model.settings import Selector, Settings
from guest_routes.output.folding import laid_out
from guest_routes.output.report import (
    failure_text,
    left_texts,
    report_lines,
    withdrawal_lines,
)
from guest_routes.routing.planning.withdrawal import plan_withdrawal
from tests.support.iproute_text import parse_kernel
from tests.support.reports import BOTH_DEFAULTS, ETH0, ETH1, IN_PLACE, NICS, assert_fits, report, route
from tests.support.situations import recorded

DATA = Path(__file__).parents[2] / "data"
SOURCE = "metadata: http://169.254.169.254 through eth0, just now"
ELECTED = [
    "= default via 10.65.0.1 dev eth0 proto static",
    "      adopted: another program's equal route. Elected: the first network with a",
    "      documented default on a NIC that is up: networks[0], eth0; its gateway:",
    "      networks[0].routes[0]",
]


def lines_of(found: Report, verbose: bool = False, written: bool = True) -> List[str]:
    lines = laid_out(report_lines(found, verbose, written))
    assert_fits(lines)
    return lines


def flat(lines: List[str]) -> str:
    return " ".join(" ".join(lines).split())


def test_a_pass_that_changes_something() -> None:
    assert lines_of(report()) == [
        SOURCE,
        "",
        *ELECTED,
        "+ 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes",
        "      networks[0].routes[1]: 11.8.0.1 is eth1's gateway (networks[1].routes[0])",
        "- default via 11.8.0.1 dev eth1 proto static",
        "      one default too many: eth0 has it; `guest-routes withdraw` restores it",
        "",
        "done, verified: 1 added, 1 removed, 1 route in place",
    ]


def test_what_would_change() -> None:
    assert lines_of(report(), written=False)[-1] == "would change: 1 to add, 1 to remove, 1 route in place"


def test_a_pass_that_changes_nothing_is_short() -> None:
    found = report("wrong-subnet", IN_PLACE)
    assert lines_of(found) == ["nothing to do: 2 routes in place", SOURCE]
    assert lines_of(found, written=False)[0] == "nothing to change: 2 routes in place"
    assert "= 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes" in lines_of(found, verbose=True)


def test_another_program_s_route_is_adopted() -> None:
    found = report("documented", f"{BOTH_DEFAULTS}\n11.11.0.0/16 via 11.8.0.1 dev eth1 proto static\n")
    text = flat(lines_of(found))
    assert (
        "= 11.11.0.0/16 via 11.8.0.1 dev eth1 proto static adopted: another program's equal route. networks[1]" in text
    )


def test_a_route_that_is_not_programmed_with_its_remedy() -> None:
    lines = lines_of(report("not-a-gateway"))
    assert "! 11.11.0.0/16,11.8.0.99  (networks[1].routes[1])" in lines
    assert "`openstack subnet set --host-route destination=11.11.0.0/16,gateway=11.8.0.1 $SUBNET`" in flat(lines)
    assert lines[-1] == "done, verified: 1 removed, 1 route in place, 1 not programmed"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("11.11.0.0/16 via 11.8.0.99 dev eth1 proto static", True),
        ("11.11.0.0/16 via 11.8.0.99 dev eth1 proto guest-routes", False),  # Ours, which goes.
        ("11.11.4.0/24 via 11.8.0.99 dev eth1 proto static", False),
    ],
)
def test_a_route_that_is_not_programmed_and_is_there_all_the_same(line: str, said: bool) -> None:
    """A network manager has made it of the same document."""
    text = flat(lines_of(report("not-a-gateway", f"{BOTH_DEFAULTS}\n{line}\n")))
    assert (f"removes this one; another program's {line} is there, and stays" in text) == said
    assert ("another program's 11.11" in text) == said


def test_of_two_ways_the_one_that_is_used_is_not_another_programs() -> None:
    document = json.loads((DATA / "documented.network_data.json").read_text())
    document["networks"][0]["routes"].append({"network": "11.11.0.0", "netmask": "16", "gateway": "10.65.0.1"})
    text = flat(lines_of(report(document, f"{BOTH_DEFAULTS}\n11.11.0.0/16 via 10.65.0.1 dev eth0 proto static\n")))
    assert "is listed first" in text
    assert "another program's 11.11" not in text


def test_a_default_too_many_that_stays() -> None:
    observe = report(settings=Settings(default_mode="observe"))
    lines = lines_of(observe)
    at = lines.index("? default via 11.8.0.1 dev eth1 proto static")
    assert lines[at + 1] == "      one default too many; it stays, as `default_mode` says"


def test_a_default_of_the_settings_that_is_not_there() -> None:
    lines = lines_of(report(settings=Settings(default=Selector(nic="eth7"))))
    at = lines.index("! IPv4 default")
    assert lines[at + 1] == "      the settings choose nic eth7 for the default route, but no IPv4 network of"
    assert lines[-1] == "done, verified: 1 added, 1 not programmed"


def test_no_default_is_elected_and_the_kernel_s_stays() -> None:
    network = {"id": "n", "type": "ipv4", "link": "a", "ip_address": "10.65.0.7", "netmask": "255.255.255.0"}
    links = [{"id": "a", "type": "phy", "ethernet_mac_address": "fa:16:3e:00:00:01"}]
    only_foreign = f"{NICS}\ndefault dev eth0 proto static scope link\n"
    found = report({"links": links, "networks": [{**network, "routes": []}]}, only_foreign)
    text = flat(lines_of(found, verbose=True))
    own = "no default is documented, and in the kernel eth0's own, which comes first, has no IPv4 gateway"
    assert f"? IPv4 default left as it is: {own}" in text


def test_the_elected_default_is_added_and_a_vpn_s_is_not_changed() -> None:
    kernel = f"{NICS}\nnic tun0 none 10.9.0.1/24\ndefault via 10.9.0.2 dev tun0 proto static metric 5\n"
    text = flat(lines_of(report("wrong-subnet", kernel)))
    assert "+ default via 10.65.0.1 dev eth0 proto guest-routes metric 6 Elected: the first network" in text
    assert (
        "= default via 10.9.0.2 dev tun0 proto static metric 5 through a NIC that no network of the "
        "metadata is on: never changed" in text
    )
    nowhere = flat(lines_of(report("wrong-subnet", "unreachable default metric 4278198272\n")))
    assert "= unreachable default proto boot metric 4278198272 it leads nowhere: never changed" in nowhere


def test_the_default_of_an_ignored_nic_is_not_called_undescribed() -> None:
    kernel = f"{NICS}\ndefault via 10.65.0.1 dev eth0 proto static\n"
    text = flat(lines_of(report("wrong-subnet", kernel, settings=Settings(ignore_nics=("eth0",)))))
    shown = "= default via 10.65.0.1 dev eth0 proto static through a NIC that `ignore_nics` covers: never changed"
    assert shown in text


def test_a_route_that_wins_over_another_and_one_that_is_shadowed() -> None:
    behind = f"{IN_PLACE}\n11.11.0.0/16 via 10.65.0.66 dev eth0 proto static metric 5\n"
    text = flat(lines_of(report("wrong-subnet", behind), verbose=True))
    assert "(networks[1].routes[0]); wins over 11.11.0.0/16 via 10.65.0.66 dev eth0 proto static metric 5" in text
    six = (
        "nic eth0 fa:16:3e:00:00:01 10.65.0.7/24 fd00:65::7/64\nnic eth1 fa:16:3e:00:00:02 11.8.0.9/24 fd00:8::9/64\n"
        "fd00:11:11::/48 via fd00:65::1 dev eth0 proto static metric 1\n"
    )
    lines = lines_of(report("dual-stack", six))
    assert "! fd00:11:11::/48,fd00:8::1  (networks[3].routes[1])" in lines
    assert "shadowed by fd00:11:11::/48 via fd00:65::1 dev eth0 proto static metric 1" in flat(lines)
    assert "+ fd00:11:11::/48" not in flat(lines)


def test_routes_that_stay_because_the_document_may_be_partial() -> None:
    lines = lines_of(report({"links": [], "networks": []}, IN_PLACE))
    at = lines.index("= 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes")
    assert lines[at + 1] == "      nothing lists it any more; stays, since the document may be partial"
    assert lines[-1] == "nothing done: the document has no networks"


def test_an_extra_default_stays_while_the_document_may_be_partial() -> None:
    others = "\n".join(f"11.{number}.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes" for number in range(20, 32))
    found = report("wrong-subnet", f"{BOTH_DEFAULTS}\n{others}\n")
    assert found.suspicion is not None
    assert "one default too many; it stays, since the document may be partial" in flat(lines_of(found))


def test_routes_that_the_settings_leave_out_and_notes() -> None:
    from tests.support.reports import prefix

    ignored = Settings(ignore_destinations=(prefix("11.0.0.0/8"),))
    lines = lines_of(report(settings=ignored))
    at = lines.index("  11.11.0.0/16,11.8.0.1  (networks[0].routes[1])")
    assert lines[at + 1] == "      ignored: ignore_destinations covers it"
    noted = report(notes=(Problem("links[1]", "an unknown type"),))
    assert flat(lines_of(noted, verbose=True)).count("links[1] an unknown type") == 1
    assert "links[1]" not in flat(lines_of(noted))


def test_a_demoted_default_and_the_rest_of_a_multipath_route() -> None:
    text = flat(lines_of(report(settings=Settings(default_mode="demote"))))
    assert "an extra default, kept at a worse metric" in text


def test_what_the_kernel_refused_is_not_shown_as_added() -> None:
    found = report()
    refused = Failure(found.plan.additions[0], EINVAL, "Nexthop has invalid gateway")
    failed = found._replace(outcome=Outcome(failures=(refused,)))
    lines = lines_of(failed)
    assert [line for line in lines if line.startswith("+ 11.11")] == []
    assert lines[-1] == "failed: 1 of 2 changes refused by the kernel"


def test_long_places_stand_below_their_route() -> None:
    long = (
        "eth1's DHCP lease (NetworkManager with dhclient, /var/lib/NetworkManager/dhclient-eth1.lease), option 121[1]"
    )
    from guest_routes.model.network_data import LEASES, HostRoute
    from tests.support.reports import prefix

    host = HostRoute(prefix("11.12.0.0/16"), parse_address("11.8.0.77"), long.partition("[")[0], LEASES, 1)
    lines = lines_of(report(lease_routes=(host,)))
    assert "! 11.12.0.0/16,11.8.0.77" in lines
    assert long in flat(lines)


# ---- the source -------------------------------------------------------------------------------------


# ---- operations -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, number, text",
    [
        (
            Add, EINVAL,
            "cannot add 11.11.0.0/16 via 11.8.0.1 dev eth1 proto static: no (EINVAL); its traffic is routed as before",
        ),
        (Delete, EINVAL, "cannot remove 11.11.0.0/16 via 11.8.0.1 dev eth1 proto static: no (EINVAL); it stays"),
        (
            Add, EPERM,
            "cannot add 11.11.0.0/16 via 11.8.0.1 dev eth1 proto static: no (EPERM); this needs root (CAP_NET_ADMIN)",
        ),
        (Delete, 9999, "cannot remove 11.11.0.0/16 via 11.8.0.1 dev eth1 proto static: no (9999); it stays"),
    ],
)  # fmt: skip
def test_what_the_kernel_refused(kind: type, number: int, text: str) -> None:
    one = Failure(kind(route("11.11.0.0/16 via 11.8.0.1 dev eth1 proto static")), number, "no")
    assert failure_text(one, (ETH0, ETH1)) == text


def withdrawal(kernel: str) -> Withdrawal:
    written = parse_kernel(kernel)
    plan = plan_withdrawal(written.state, recorded(written.recorded), Settings())
    return Withdrawal(plan, Outcome(done=plan.operations), written.state, written.state)


def test_what_withdraw_did() -> None:
    done = withdrawal(f"{IN_PLACE}\nrecorded default via 11.8.0.1 dev eth1 proto static\n")
    refused = Outcome(failures=tuple(Failure(one, 101, "Network is unreachable") for one in done.plan.additions))
    assert withdrawal_lines(done._replace(outcome=refused)) == []
    assert withdrawal_lines(done) == [
        "+ default via 11.8.0.1 dev eth1 proto static",
        "      recorded when it was removed",
        "- 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes",
        "",
        "withdrawn: 1 route, 1 default restored",
    ]
    assert withdrawal_lines(withdrawal(IN_PLACE))[-1] == "withdrawn: 1 route"
    assert withdrawal_lines(withdrawal(BOTH_DEFAULTS)) == ["nothing to withdraw: the table has no route of ours"]


def test_copies_are_counted_as_routes() -> None:
    copies = "11.8.0.1 dev eth0 proto dhcp scope link", "11.11.0.0/16 via 11.8.0.1 dev eth0 proto dhcp"
    ours = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"
    default = "default via 11.8.0.1 dev eth1 proto static"
    done = withdrawal("\n".join([NICS, ours, *(f"recorded {one}" for one in (*copies, default)), ""]))
    assert withdrawal_lines(done)[-1] == "withdrawn: 1 route, 1 default restored, 2 routes restored"


def test_what_is_there_for_a_moment_is_not_told() -> None:
    """The route on link to the gateway of a default that comes back, where a tunnel covers it."""
    six = "default via fd00:8::1 dev eth1 proto static metric 1024 onlink"
    assert withdrawal_lines(withdrawal(f"{IN_PLACE}\nfd00:8::/80 dev eth0 proto static\nrecorded {six}\n")) == [
        f"+ {six}",
        "      recorded when it was removed",
        "- 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes",
        "",
        "withdrawn: 1 route, 1 default restored",
    ]


def test_what_withdraw_could_not_remove() -> None:
    done = withdrawal(IN_PLACE)
    left = done._replace(left=tuple(op.route for op in done.plan.removals))
    by_hand = "to remove by hand what is left: `ip -4 route flush table 254 proto 121`"
    assert left_texts(left) == ["still there: 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes", by_hand]
    one = left.left[0]
    others = (one._replace(table=100, protocol=130), one._replace(destination=parse_prefix("fd00::/48")))
    many = left_texts(done._replace(left=(*left.left * 9, *others), state_errors=("no record",)), 2)
    assert (many[0], many[2:]) == (
        "still there: 11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes",
        ["... and 9 more routes are still there; --json has all",
         "to remove by hand what is left: `ip -4 route flush table 100 proto 130`, "
         "`ip -4 route flush table 254 proto 121`, `ip -6 route flush table 254 proto 121`",
         "no record"],
    )  # fmt: skip
