"""`explain`: the NIC, the rule, the place in the document, and what the kernel does."""

from __future__ import annotations

from typing import List, Optional, Tuple

import pytest

from guest_routes.diagnose.explain import explain
from guest_routes.model.diagnosis.explanation import Explanation
from guest_routes.model.network import Lookup, Rule, parse_address
from guest_routes.model.report import Overruled, Report
from guest_routes.model.settings import Settings
from guest_routes.output.diagnosis.explanation import (
    explanation_json,
    explanation_lines,
    explanation_reason,
    explanations_json,
    kernel_only_json,
    kernel_only_lines,
    resolved_text,
)
from guest_routes.output.folding import laid_out
from tests.support.lab import MACS
from tests.support.reports import BOTH_DEFAULTS, IN_PLACE, NICS, assert_fits, assert_valid, prefix, report, with_rules

NICS_6 = f"""
nic eth0 {MACS[0]} fd00:65::7/64
nic eth1 {MACS[1]} fd00:8::9/64
nic tun0 02:00:00:00:00:07 fd00:200::2/64
"""
BY_ETH0, BY_ETH1 = (2, "10.65.0.1"), (3, "11.8.0.1")


def explained(asked: str, found: Report, by: tuple[int, str] | None, error: str = "") -> Explanation:
    ifindex, gateway = by or (0, "")
    address = prefix(asked).address
    answer = Lookup(address, ifindex, parse_address(gateway) if gateway else None, 254 if by else 0, error)
    return explain(prefix(asked), found, answer)


def lines_of(one: Explanation) -> List[str]:
    lines = laid_out(explanation_lines(one))
    assert_fits(lines)
    assert_valid("explain", explanation_json(one))
    return lines


def test_an_address_that_a_host_route_serves() -> None:
    one = explained("11.11.3.4", report("wrong-subnet", IN_PLACE), BY_ETH1)
    assert lines_of(one) == [
        "11.11.3.4 should leave by eth1, via 11.8.0.1",
        "",
        "  host route 11.11.0.0/16,11.8.0.1",
        "  listed at  networks[0].routes[1]",
        '             {"network": "11.11.0.0", "netmask": "255.255.0.0",',
        '             "gateway": "11.8.0.1"}',
        "  rule       11.8.0.1 is eth1's gateway (networks[1].routes[0])",
        "  NIC        eth1 (fa:16:3e:00:00:02)",
        "  route      11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes",
        "  state      in place, ours",
        "  kernel now via 11.8.0.1 dev eth1  (as wanted)",
        "",
        "metadata: http://169.254.169.254 through eth0, just now",
    ]


def test_a_route_that_is_not_there_yet() -> None:
    one = explained("11.11.0.0/16", report(), BY_ETH0)
    lines = lines_of(one)
    assert lines[0] == "11.11.0.0/16 should leave by eth1, via 11.8.0.1"
    assert "  state      not there yet; `guest-routes sync` adds it" in lines
    assert "  kernel now via 10.65.0.1 dev eth0  (NOT as wanted; `guest-routes sync` fixes" in lines
    value = explanation_json(one)
    assert (value["verdict"], value["nic"], value["as_wanted"]) == ("add", "eth1", False)
    assert value["kernel"] == {"nic": "eth0", "gateway": "10.65.0.1", "table": 254, "error": ""}
    assert value["reason"] == "networks[0].routes[1]: 11.8.0.1 is eth1's gateway (networks[1].routes[0])"
    assert (value["host_route"], value["place"]) == ("11.11.0.0/16,11.8.0.1", "networks[0].routes[1]")


@pytest.mark.parametrize(
    ("route", "by", "headline", "nic"),
    [
        (
            "9.9.0.0/16 nexthop via 11.8.0.1 dev eth1 nexthop via 11.8.0.1 dev eth1",
            BY_ETH1,
            "by eth1, via 11.8.0.1",
            "eth1",
        ),
        (
            "9.9.0.0/16 nexthop via 11.8.0.1 dev eth1 nexthop via 10.65.0.1 dev eth0",
            BY_ETH0,
            "by eth1, via 11.8.0.1, or by eth0, via 10.65.0.1",
            None,
        ),
    ],
)
def test_a_narrower_route_of_any_kind(
    route: str, by: Optional[Tuple[int, str]], headline: str, nic: Optional[str]
) -> None:
    one = explained("9.9.9.9", report("wrong-subnet", f"{IN_PLACE}{route}\n"), by)
    lines = lines_of(one)
    assert lines[0] == f"9.9.9.9 should leave {headline}"
    assert "another program's route: more specific" in " ".join(lines)
    assert (one.as_wanted, one.exit_code, explanation_json(one)["nic"]) == (True, 0, nic)


@pytest.mark.parametrize("kind", ["unreachable", "blackhole", "prohibit", "throw"])
@pytest.mark.parametrize("destination", ["9.9.0.0/16", "11.11.3.0/24"])
def test_what_a_narrower_route_drops_does_not_leave(kind: str, destination: str) -> None:
    address = destination.replace("0/", "9/").partition("/")[0]
    one = explained(address, report("wrong-subnet", f"{IN_PLACE}{kind} {destination}\n"), None, "No route to host")
    lines = lines_of(one)
    assert lines[0] == f"{address} leaves by no NIC"
    assert "(NOT as wanted: that route drops it; take it away if nobody needs it)" in " ".join(" ".join(lines).split())
    assert (one.as_wanted, one.exit_code, explanation_json(one)["nic"]) == (False, 1, None)


def test_another_route_or_rule_decides() -> None:
    text = " ".join(lines_of(explained("11.11.0.0/16", report("wrong-subnet", IN_PLACE), BY_ETH0))).split()
    assert "(NOT as wanted: another route or a policy rule decides; see `ip rule` and `ip route get 11.11.0.0`)" in (
        " ".join(text)
    )


def test_a_rule_before_the_tables_own_decides() -> None:
    """Then sync doesn't help; where the answer comes from a rule behind it, sync does."""
    for rules, text in (
        ((220, 254), "NOT as wanted: another route or a policy rule decides"),
        ((254, 220), "NOT as wanted; `guest-routes sync` fixes it"),
        ((220,), "NOT as wanted: no rule looks up table main for IPv4: none of its routes is used; `ip -4 rule add"),
    ):
        found = report()
        found = with_rules(found, tuple(Rule(4, 9, table, True) for table in rules))
        one = explained("11.11.0.0/16", found, BY_ETH0)
        one = one._replace(answer=one.answer._replace(table=220))
        lines = lines_of(one)
        assert text in " ".join(" ".join(lines).split())
        assert ("  state      not there yet" in lines) is (254 not in rules)


@pytest.mark.parametrize("same", [True, False])
def test_what_wins_over_the_route_is_named_where_it_decides_about_the_address(same: bool) -> None:
    found = report("wrong-subnet", IN_PLACE)
    one = explained("11.11.3.4", found, BY_ETH0)
    other = one.answer._replace(address=prefix("11.11.200.4").address, table=254 if same else 220)
    wins = Overruled(prefix("11.11.0.0/16"), other.address, other)
    text = " ".join(" ".join(lines_of(one._replace(report=found._replace(overruled=(wins,))))).split())
    assert ("the kernel sends 11.11.3.4 via 10.65.0.1 dev eth0" in text) is same
    assert ("another route or a policy rule decides" in text) is not same


def test_an_adopted_route_and_its_competitor() -> None:
    kernel = f"""{BOTH_DEFAULTS}
11.11.0.0/16 via 11.8.0.1 dev eth1 proto static
11.11.0.0/16 via 10.65.0.66 dev eth0 proto static metric 9
"""
    lines = lines_of(explained("11.11.3.4", report("wrong-subnet", kernel), BY_ETH1))
    assert "  state      in place: another program's equal route, adopted" in lines
    assert "  competes   11.11.0.0/16 via 10.65.0.66 dev eth0 proto static metric 9" in lines


def test_the_default_route_serves_the_rest() -> None:
    one = explained("8.8.8.8", report(), BY_ETH0)
    text = " ".join(" ".join(lines_of(one)).split())
    assert text.startswith("8.8.8.8 should leave by eth0, via 10.65.0.1 host route none covers it, so the default")
    assert "rule the first network with a documented default on a NIC that is up: networks[0], eth0" in text
    assert "state in place: another program's equal route, adopted" in text
    assert (
        "extra default via 11.8.0.1 dev eth1 proto static: one default too many; `guest-routes sync` removes it" in text
    )
    value = explanation_json(one)
    assert (value["verdict"], value["host_route"], value["place"]) == ("adopted", None, None)
    assert value["reason"].startswith("the first network with a documented default on")


def test_a_default_that_is_not_there_yet_is_said_to_be() -> None:
    one = explained("8.8.8.8", report("wrong-subnet", NICS), None, "Network is unreachable")
    assert "  state      not there yet; `guest-routes sync` adds it" in lines_of(one)


def test_a_default_that_is_shadowed_names_what_wins() -> None:
    """IPv6 has no metric behind a VPN's at the worst one."""
    vpn = "default via fd00:200::1 dev tun0 proto boot metric 4294967295"
    one = explained("2001:db8::1", report("dual-stack", NICS_6 + f"{vpn}\n"), (4, "fd00:200::1"))
    lines = [" ".join(line.split()) for line in lines_of(one)]
    assert lines[0] == "2001:db8::1 should leave by eth0, via fd00:65::1"
    assert "state shadowed by another route" in lines and f"competes {vpn}" in " ".join(lines)
    assert f"(NOT as wanted: {vpn} wins)" in " ".join(lines)


def test_an_extra_default_that_stays() -> None:
    text = lines_of(explained("8.8.8.8", report(settings=Settings(default_mode="observe")), BY_ETH0))
    assert "one default too many; it stays, as `default_mode` says" in " ".join(" ".join(text).split())


def test_an_elected_default_that_is_only_observed() -> None:
    kernel = f"{NICS}default via 11.8.0.1 dev eth1 proto static\n"
    one = explained("8.8.8.8", report("documented", kernel, Settings(default_mode="observe")), BY_ETH1)
    lines = lines_of(one)
    assert lines[0] == "8.8.8.8: no host route, and the elected default is not programmed"
    text = " ".join(" ".join(lines).split())
    assert "; not programmed: `default_mode` leaves the default routes as they are extra default via 11.8.0.1" in text
    assert explanation_json(one)["verdict"] == "observed" and explanation_reason(one) in text


@pytest.mark.parametrize(
    "asked, kernel, by, headline, rule",
    [
        ("10.65.0.9", IN_PLACE, (2, ""), "10.65.0.9 should leave by eth0",
         "a directly connected subnet: more specific than the default route, so it decides"),
        ("9.9.9.9", f"{IN_PLACE}\n0.0.0.0/1 dev eth0", (2, ""), "9.9.9.9 should leave by eth0",
         "another program's route: more specific than the default route, so it decides"),
        ("11.11.9.9", f"{IN_PLACE}\n11.11.9.0/24 via 10.65.0.66 dev eth0", (2, "10.65.0.66"),
         "11.11.9.9 should leave by eth0, via 10.65.0.66",
         "another program's route: more specific than the host route 11.11.0.0/16,11.8.0.1, so it decides"),
    ],
)  # fmt: skip
def test_a_more_specific_route_decides(asked: str, kernel: str, by: tuple[int, str], headline: str, rule: str) -> None:
    one = explained(asked, report("wrong-subnet", kernel), by)
    lines = lines_of(one)
    assert lines[0] == headline
    assert f"rule {rule} kernel now" in " ".join(" ".join(lines).split())
    assert "(as wanted)" in "".join(lines)
    value = explanation_json(one)
    assert (value["verdict"], value["reason"], value["host_route"]) == ("nearer", rule, None)


def test_this_machine_s_own_address() -> None:
    lines = lines_of(explained("10.65.0.7", report("wrong-subnet", IN_PLACE), (1, "")))
    assert lines[0] == "10.65.0.7 is this machine's own address"
    assert "dev lo  (this machine itself)" in "".join(lines)


def test_nothing_covers_it() -> None:
    one = explained("fd00::1", report(), None, "Network is unreachable")
    assert lines_of(one)[:3] == [
        "fd00::1: no host route covers it, and no default route is elected",
        "",
        "  kernel now Network is unreachable  (no route of ours decides)",
    ]
    assert explanation_reason(one) == ""
    value = explanation_json(one)
    assert (value["verdict"], value["route"], value["nic"]) == ("none", None, None)
    assert value["kernel"] == {"nic": None, "gateway": None, "table": 0, "error": "Network is unreachable"}


def test_a_host_route_that_is_not_programmed() -> None:
    one = explained("11.11.3.4", report("not-a-gateway"), BY_ETH0)
    lines = lines_of(one)
    assert lines[2:6] == [
        "! not programmed: 11.11.0.0/16,11.8.0.99",
        "  listed at  networks[1].routes[1]",
        '             {"network": "11.11.0.0", "netmask": "255.255.0.0",',
        '             "gateway": "11.8.0.99"}',
    ]
    assert lines[6].startswith("  why not    11.8.0.99 is in eth1's subnet 11.8.0.0/24, but its gateway")
    assert [missed["next_hop"] for missed in explanation_json(one)["unresolved"]] == ["11.8.0.99"]


def test_a_host_route_of_the_settings_has_no_entry_in_the_document() -> None:
    from guest_routes.model.network_data import SETTINGS, HostRoute

    own = HostRoute(prefix("12.0.0.0/8"), parse_address("11.8.0.1"), "/etc/a.yaml", SETTINGS, 4)
    lines = lines_of(explained("12.1.1.1", report("wrong-subnet", NICS, Settings(routes=(own,))), None, "no"))
    at = lines.index("  listed at  routes[4] of /etc/a.yaml")
    assert lines[at + 1] == "  rule       11.8.0.1 is eth1's gateway (networks[1].routes[0])"


def test_a_nic_that_has_gone() -> None:
    found = report("wrong-subnet", IN_PLACE)
    one = explained("11.11.3.4", found, BY_ETH1)
    kernel = found.evidence.kernel._replace(nics=found.evidence.kernel.nics[:1])
    gone = one._replace(report=found._replace(evidence=found.evidence._replace(kernel=kernel)))
    assert explanation_lines(gone)[0] == "11.11.3.4 should leave by ?, via 11.8.0.1"


def test_several_targets_and_a_host_name() -> None:
    one = explained("11.11.3.4", report("wrong-subnet", IN_PLACE), BY_ETH1)
    documents = [{**explanation_json(one), "name": "mirror.internal"}, explanation_json(one)]
    assert_valid("explain", {**explanations_json(documents, {}), "exit_code": 0})
    unknown = {"no-such-host.invalid": "cannot explain 'no-such-host.invalid'"}
    assert_valid("explain", {**explanations_json(documents[:1], unknown), "exit_code": 2})
    assert_valid("explain", documents[0])
    assert resolved_text("mirror.internal", one.asked) == "mirror.internal is 11.11.3.4"


@pytest.mark.parametrize(
    "asked, by, source, head, now",
    [
        ("11.11.3.4", BY_ETH0, None, "11.11.3.4: which", "via 10.65.0.1 dev eth0"),
        ("11.11.0.0/16", BY_ETH1, "11.8.0.9", "11.11.0.0/16 from 11.8.0.9: which", "via 11.8.0.1 dev eth1"),
        ("fd00::1", None, None, "fd00::1: which", "Network is unreachable"),
    ],
)
def test_without_metadata(
    asked: str, by: Optional[Tuple[int, str]], source: Optional[str], head: str, now: str
) -> None:
    answer = explained(asked, report("wrong-subnet", IN_PLACE), by, "" if by else "Network is unreachable").answer
    nics = report("wrong-subnet", IN_PLACE).before.nics
    lines = laid_out(kernel_only_lines(prefix(asked), parse_address(source) if source else None, answer, nics))
    assert_fits(lines)
    text = f"{head} way is wanted is unknown, since there is no metadata"
    assert (" ".join(lines[: lines.index("")]), lines[-2]) == (text, f"  kernel now {now}")
    value = kernel_only_json([(prefix(asked), answer)], nics, 4, "cannot find it")
    assert_valid("explain", value)
    assert value["known"][0]["kernel"]["error"] == answer.error
