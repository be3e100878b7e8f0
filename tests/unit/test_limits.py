"""docs/limits.md: what it says that an operator sees is what the program prints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, Iterable, List, Sequence

from guest_routes.evidence.properties import host_routes
from guest_routes.model.document import OtherInstance, Unusable
from guest_routes.model.evidence import RecordedDefault
from guest_routes.model.network import MAIN_TABLE, Nic, Route, Rule
from guest_routes.model.operations import Outcome
from guest_routes.model.report import Report, Withdrawal
from guest_routes.model.settings import Settings
from guest_routes.output.report import report_lines, withdrawal_lines
from guest_routes.output.words.evidence import unusable_text
from guest_routes.output.words.warnings import warning_texts
from guest_routes.routing.decide import decide
from guest_routes.routing.lookups.answers import contradictions, overruled
from guest_routes.routing.lookups.probes import probes
from guest_routes.routing.planning.withdrawal import plan_withdrawal
from tests.support.iproute_text import parse_kernel, parse_route
from tests.support.model_kernel import ModelKernel
from tests.support.situations import THREE_NICS, network, situation

LIMITS = Path(__file__).parents[2] / "docs" / "limits.md"
FOUR = [
    network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
    network("eth1", "11.8.0.9/24", "default 11.8.0.1", "11.11.0.0/16 11.8.0.1"),
]
SIX = [
    network("eth0", "fd00:65::7/64", "default fd00:65::1"),
    network("eth1", "fd00:8::9/64", "default fd00:8::1", "fd11::/16 fd00:8::1"),
]
NICS = parse_kernel(THREE_NICS).state.nics
ENCAPSULATED = parse_route("default via 11.8.0.1 dev eth1 proto static", NICS)._replace(kind=0, unwritable="encap")
TABLE_220 = parse_route("11.0.0.0/8 via 10.200.0.1 dev tun0 proto static", NICS)._replace(table=220)


def passed(
    networks: List[Dict[str, Any]], kernel: str = "", also: Sequence[Route] = (), rules: Sequence[Rule] = (),
    listed: str = "",
) -> List[str]:  # fmt: skip
    """What a pass prints that has programmed this document, and this property, into that kernel."""
    evidence = situation(networks, kernel if kernel.startswith("nic") else THREE_NICS + kernel)
    evidence = evidence._replace(properties=tuple(host_routes(f'"{listed}"')[0]))
    state = evidence.kernel
    state = state._replace(routes=(*also, *state.routes), rules=(state.rules[0], *rules, *state.rules[1:]))
    elsewhere = {220: tuple(one for one in also if one.table == 220)}
    evidence = evidence._replace(kernel=state)
    decision = decide(evidence, Settings())
    world = ModelKernel(state)
    assert world.apply(decision.plan.operations) == ()
    after = world.snapshot(MAIN_TABLE)
    asked = probes(decision.plan, after, MAIN_TABLE, elsewhere)
    wrong = contradictions(asked, world.lookup([probe.address for probe in asked]))
    against = overruled(wrong, decision.plan, after, MAIN_TABLE, elsewhere)
    report = Report(evidence, decision, after, Outcome(decision.plan.operations), overruled=against)
    return [*report_lines(report, verbose=True), *warning_texts(report)]


def withdrawn(recorded: str, up: bool = True, there: str = "", **changed: Any) -> List[str]:
    """What `withdraw` prints of a recorded default."""
    ours = "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes"
    state = situation([], f"{THREE_NICS}{ours}\n{there}\n").kernel
    state = state._replace(nics=tuple(nic._replace(up=up) for nic in state.nics))
    one = RecordedDefault(parse_route(recorded, NICS))._replace(**changed)
    plan = plan_withdrawal(state, [one], Settings())
    return withdrawal_lines(Withdrawal(plan, Outcome(plan.operations), state, state))


def printed() -> Iterable[List[str]]:
    """Of one situation for each limit that has a message."""
    vpn = "default via 10.200.0.1 dev tun0"
    beyond = network("eth1", "11.8.0.9/24", "default 11.8.0.1", "13.0.0.0/8 11.9.0.1")
    yield passed([FOUR[0], beyond], THREE_NICS.replace("11.8.0.9/24", "11.8.0.9/24 11.9.0.9/24").lstrip())
    swapped = ({**one, "link": link} for one, link in zip(FOUR, ("eth1", "eth0")))
    yield passed(list(swapped))
    yield passed([network("eth0", kind="ipv4_dhcp"), network("eth1", kind="ipv4_dhcp")])
    by_dhcp = "default via 10.65.0.1 dev eth0 proto dhcp\n"
    yield passed([network("eth0", kind="ipv4_dhcp"), FOUR[1]], by_dhcp, listed="0.0.0.0/0,11.8.0.1")
    shared = [
        network("eth0", "10.65.0.7/24", "default 10.65.0.1"),
        network("eth1", "10.65.0.9/24", "default 10.65.0.1", "11.11.0.0/16 10.65.0.1"),
    ]
    yield passed(shared, "nic eth0 fa:16:3e:00:00:00 10.65.0.7/24\nnic eth1 fa:16:3e:00:00:01 10.65.0.9/24\n")
    there = "fd11::/16 via fd00:8::5 dev eth1 proto guest-routes metric 1"
    yield passed(SIX, f"fd11::/16 via fd00:65::1 dev eth0 metric 2\n{there}\n")
    twice = network("eth1", "11.8.0.9/24", "default 11.8.0.1", "11.11.0.0/16 11.8.0.1", "11.11.0.0/16 10.65.0.1")
    yield passed([FOUR[0], twice])
    yield passed(FOUR, also=[TABLE_220], rules=[Rule(4, 220, 220, True)])
    yield passed(FOUR, also=[ENCAPSULATED])
    behind = "default proto static nexthop via 10.200.0.1 dev tun0 nexthop via 11.8.0.1 dev eth1"
    yield passed(FOUR, f"{vpn} proto static\n{behind}\n")
    yield passed(FOUR, "nic eth0 fa:16:3e:00:00:00\nnic eth1 fa:16:3e:00:00:01\n")
    yield passed(FOUR, "11.11.0.0/16 via 11.8.0.1 dev eth0 onlink proto static metric 100\n")
    yield passed(SIX, "default via fd00:8::1 dev eth1 metric 1\ndefault via fd00:200::1 dev tun0 metric 2\n")
    yield passed(SIX, "default via fd00:200::1 dev tun0 metric 4294967295\n")
    equal = [parse_route(f"default via {hop} metric 9", NICS) for hop in ("fd00:65::1 dev eth0", "fd00:8::1 dev eth1")]
    hidden = equal[1]._replace(protocol=0, kind=0, nexthop_id=7, unwritable="hidden")
    yield passed(SIX, also=[equal[0], hidden, equal[1]])
    yield passed(SIX, "default via fd00:8::1 dev eth1 metric 9\nunreachable ::/0 metric 9\n")
    yield passed(FOUR, f"{vpn}\n")
    other = OtherInstance("macs", macs=(NICS[0].mac,))
    yield [unusable_text(Unusable("other-instance", "last-known-good", other=other))]
    yield withdrawn("default via 11.8.0.1 dev eth1 src 11.8.0.60")
    yield withdrawn("default via 11.8.0.1 dev eth1", absent=(Nic(3, "eth1"),))
    yield withdrawn("default via 11.9.0.1 dev eth1")
    yield withdrawn("default via fe80::1 dev eth1 proto ra expires 600")
    yield withdrawn("default via 11.8.0.1 dev eth1", up=False)
    six = "default via fd00:8::1 dev eth1 metric 1024"
    of_vpn = "default via fd00:200::1 dev tun0 metric 1024"
    yield withdrawn(six, there=of_vpn, order=(parse_route(six, NICS),))


def quoted() -> List[str]:
    """What the page has in quotes, but for single words."""
    found = re.findall(r'"([^"]+)"', LIMITS.read_text())
    return [" ".join(text.split()) for text in found if len(text.split()) > 2]


def test_every_quoted_message_is_printed() -> None:
    lines = [" ".join(" ".join(lines).split()) for lines in printed()]
    assert [text for text in quoted() if not any(text in one for one in lines)] == []


def test_every_situation_is_quoted() -> None:
    """So that none of them is there for nothing."""
    lines = [" ".join(" ".join(lines).split()) for lines in printed()]
    assert [one for one in lines if not any(text in one for text in quoted())] == []
