"""Every advice that a message gives, followed: the problem goes away, and nothing else changes.

What a pass and `doctor` say is read as an operator reads it: the commands in backquotes, and "use a gateway of". Each
is applied to what it is about (Neutron's host routes as the document shows them, the property, the settings, the NIC),
and decided again. The default of each family is on the NIC it was on. An advice that this module doesn't know is a
failure, so that a new one is tested too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import pytest

from guest_routes.diagnose.findings import findings
from guest_routes.kernel.apply import apply
from guest_routes.model.decision import Elected, NotElected, Unresolved
from guest_routes.model.diagnosis.inspection import Inspection, NicView
from guest_routes.model.evidence import Evidence
from guest_routes.model.network import MAIN_TABLE, Prefix, address_text, parse_address, parse_prefix
from guest_routes.model.network_data import DefaultEntry, HostRoute, Network
from guest_routes.model.plan import Decision
from guest_routes.model.report import Report
from guest_routes.model.settings import Settings
from guest_routes.output.diagnosis.findings import finding_words
from guest_routes.output.words.reasons import unresolved_reason
from guest_routes.output.words.warnings import warning_texts
from guest_routes.routing.compare import ifindexes
from guest_routes.routing.decide import decide
from guest_routes.routing.planning.leftovers import EVIDENCE_GONE
from guest_routes.routing.project import project
from guest_routes.settings import load
from tests.support.examples import examples
from tests.support.model_kernel import ModelKernel
from tests.support.odd_worlds import World, odd_world

from .test_scenarios import NAMES, Scenario

SEEDS = range(3000, 3000 + examples(400))
A_PASS = re.compile(r"guest-routes (sync|plan|plan --verbose|sync --accept-withdrawals|correct|export --format \w+)$")
"""Commands that only do or show what a pass decides."""
OF_A_MANAGER = re.compile(r"(systemctl|networkctl|nmcli|sysctl|apt-get|ip -d|stat) ")
"""Commands about other programs and the machine; tests/netns runs them with the real ones."""

WAITING = ("absent", "down", "no-address")
"""Kinds of Unresolved where nothing is wrong but that the NIC isn't ready."""


class Advice(NamedTuple):
    """What a message proposes."""

    text: str
    about: Optional[Unresolved]
    follow: Callable[[World], World]
    moves_default: bool = False
    """It is about a default, or brings a NIC up whose default the document has."""


# ---- what is followed -------------------------------------------------------------------------------------


def with_host(world: World, host: HostRoute) -> World:
    """`openstack subnet set --host-route` for the subnet that lists `host`; a lease's is its server's."""
    evidence = world.evidence
    if host.origin == "leases":
        return World(evidence._replace(lease_routes=(*evidence.lease_routes, host)), world.settings)
    if not host.destination.is_default:
        data = evidence.data._replace(routes=(*evidence.data.routes, host))
        return World(evidence._replace(data=data), world.settings)
    entry = DefaultEntry(host.next_hop, f"networks[{host.network}].routes[99]", 99)
    return of_network(world, host.network, lambda one: one._replace(defaults=(*one.defaults, entry)))


def without_host(world: World, host: HostRoute) -> World:
    """`openstack subnet unset --host-route`, or an entry that is taken out of settings or property."""
    evidence, settings = world
    same = (host.destination, host.next_hop, host.network)

    def left(routes: Tuple[HostRoute, ...]) -> Tuple[HostRoute, ...]:
        return tuple(one for one in routes if (one.destination, one.next_hop, one.network) != same)

    if host.destination.is_default:

        def entries(one: Network) -> Network:
            return one._replace(defaults=tuple(entry for entry in one.defaults if entry.gateway != host.next_hop))

        return of_network(world, host.network, entries)
    evidence = evidence._replace(
        data=evidence.data._replace(routes=left(evidence.data.routes)),
        lease_routes=left(evidence.lease_routes),
        properties=left(evidence.properties),
    )
    return World(evidence, settings._replace(routes=left(settings.routes)))


def of_network(world: World, index: int, change: Callable[[Network], Network]) -> World:
    data = world.evidence.data
    networks = tuple(change(one) if one.index == index else one for one in data.networks)
    return World(world.evidence._replace(data=data._replace(networks=networks)), world.settings)


def with_next_hop(world: World, host: HostRoute, gateway: str) -> World:
    """The same host route by another next hop, where it stands."""
    right = host._replace(next_hop=parse_address(gateway))
    evidence, settings = without_host(world, host)
    if host.origin in ("metadata", "leases"):
        return with_host(World(evidence, settings), right)
    if host.origin == "properties":
        return World(evidence._replace(properties=(*evidence.properties, right)), settings)
    return World(evidence, settings._replace(routes=(*settings.routes, right)))


def with_gateway(world: World, pasted: str, tmp_path: Path) -> World:
    """`gateways: {eth1: 11.8.0.1}` pasted into a settings file."""
    file = tmp_path / "pasted.yaml"
    file.write_text(pasted + "\n")
    found = load.read({}, str(file), stanza=str(tmp_path / "none"))
    (setting,) = found.gateways
    gateways = (*world.settings.gateways, setting)
    return World(world.evidence, world.settings._replace(gateways=gateways))


def with_nic_up(world: World, name: str) -> World:
    """Its network manager gives it the document's address then."""
    state = world.evidence.kernel
    ready = {one.name: one for one in project(world.evidence, world.settings).kernel.nics}
    nics = tuple(ready[name] if one.name == name else one for one in state.nics)
    return World(world.evidence._replace(kernel=state._replace(nics=nics)), world.settings)


# ---- what is said -----------------------------------------------------------------------------------------


def advices(report: Report, tmp_path: Path) -> Iterator[Advice]:
    """Of every message about this pass."""
    for one in report.resolution.unresolved:
        if one.host.destination.is_default and one.host.origin == "leases":
            continue  # The DHCP server's subnet: no other fault than the same in a document.
        yield from of_unresolved(one, unresolved_reason(one), tmp_path)
    for text in [*warning_texts(report), *doctors(report)]:
        for command in re.findall(r"`([^`]*)`", text):
            if command.startswith("gateways: "):
                yield from setting_of(command, text, report, tmp_path)
            else:
                assert command == "routes" or A_PASS.match(command) or OF_A_MANAGER.match(command), text


def doctors(report: Report) -> List[str]:
    """What `doctor` says of the same."""
    views = []
    for nic in report.before.nics:
        bindings = tuple(one for one in report.resolution.bindings if one.nic == nic)
        views.append(NicView(nic, bindings, (), None, None, 1, False))
    inspection = Inspection(tuple(views), report, "", ("wicked",), None, (), True)
    words = [finding_words(one, report.before.nics) for one in findings(inspection) if one.kind != "not-programmed"]
    return [f"{what} -> {remedy}" for what, remedy in words]


def of_unresolved(one: Unresolved, text: str, tmp_path: Path) -> Iterator[Advice]:
    host, default = one.host, one.host.destination.is_default
    commands = re.findall(r"`([^`]*)`", text)
    added = [c for c in commands if c.startswith("openstack subnet set --host-route ")]
    removed = [c for c in commands if c.startswith("openstack subnet unset --host-route ")]
    finding = [c for c in commands if c.startswith("SUBNET=$(openstack subnet list ")]
    cleared = [c for c in commands if c.startswith("openstack subnet set --no-gateway ")]  # Takes the entry away, too.
    assert bool(cleared) == bool(default and removed), text
    assert not (removed and default and host.network >= 0 and host.index < 0), f"Neutron has no such entry: {text}"
    assert all(c.endswith(" $SUBNET") == bool(finding) for c in (*added, *removed, *cleared)), text
    if finding:
        assert one.listing is not None and one.listing.network is not None, text
        assert host.origin == "leases" or one.listing.network.index == host.network, text
        subnets = re.findall(r"--subnet-range (\S+)", finding[0])
        assert subnets in ([], [str(one.listing.subnets[0])]), text
    if added or removed:
        right = [host._replace(next_hop=parse_address(neutrons(c)[1])) for c in added]
        assert all(neutrons(c)[0] == host.destination for c in (*added, *removed)), text
        assert all(neutrons(c)[1] == address_text(host.next_hop) for c in removed) and removed, text

        def follow(world: World) -> World:
            for route in right:
                world = with_host(world, route)
            return without_host(world, host)

        yield Advice(text, one, follow)
    for gateway in re.findall(r"(?:use a gateway of|or) (\S+) \(", text.partition("; use")[1] and text):
        yield Advice(text, one, lambda world, gateway=gateway: with_next_hop(world, host, gateway), default)  # type: ignore[misc]
    if "name that one as the next hop" in text:
        (gateway,) = re.findall(r"its gateway is (\S+);", text)
        yield Advice(text, one, lambda world: with_next_hop(world, host, gateway))
    if "take the other out" in text or "take the key gateway out" in text:
        yield Advice(text, one, lambda world: without_host(world, host))
    for command in commands:
        if command.startswith("gateways: "):
            pasted = command.replace("ADDRESS", quoted(host.next_hop))
            yield Advice(text, one, lambda world, pasted=pasted: with_gateway(world, pasted, tmp_path), default)  # type: ignore[misc]
        elif command.startswith("ip link set "):
            name = command.split()[4]
            yield Advice(text, one, lambda world, name=name: with_nic_up(world, name), True)  # type: ignore[misc]
        else:
            assert command == "sources" or command in (*finding, *added, *removed, *cleared), text


def neutrons(command: str) -> Tuple[Prefix, str]:
    found = re.search(r"destination=(\S+),gateway=(\S+) \$?SUBNET$", command)
    assert found, command
    return parse_prefix(found[1]), found[2]


def quoted(address: bytes) -> str:
    return f'"{address_text(address)}"'


def setting_of(command: str, text: str, report: Report, tmp_path: Path) -> Iterator[Advice]:
    """The gateway is the first address of the NIC's subnet, where an operator would find it."""
    family = 6 if "IPv6" in text else 4
    label = command.partition("{")[2].rpartition(":")[0].strip('"')
    for binding in report.resolution.bindings:
        named = binding.nic is not None and label in (binding.nic.name, binding.nic.mac.hex(":"))
        if named and binding.nic is not None and binding.family == family:
            own = [one.address for one in binding.nic.addresses if len(one.address) == {4: 4, 6: 16}[family]]
            own = [one for one in own if one[:2] != b"\xfe\x80"]
            if own:
                gateway = own[0][:-1] + b"\x01"
                if any(one.gateway == gateway for one in report.resolution.bindings):
                    return  # In made-up /32 networks it is another NIC's.
                pasted = command.replace("ADDRESS", quoted(gateway))
                yield Advice(text, None, lambda world, pasted=pasted: with_gateway(world, pasted, tmp_path))  # type: ignore[misc]
                return


# ---- what must hold ---------------------------------------------------------------------------------------


def passed(world: World, kernel: ModelKernel) -> Report:
    """A pass on the model of the kernel, R6 aside."""
    kernel_state = kernel.snapshot(MAIN_TABLE)._replace(nics=world.evidence.kernel.nics)
    evidence = world.evidence._replace(kernel=kernel_state)
    decision: Decision = decide(evidence, world.settings, accept_withdrawals=True)
    report = Report(evidence, decision, evidence.kernel)
    outcome = apply(report.plan, kernel, lambda routes: None)
    return report._replace(outcome=outcome, after=kernel.snapshot(MAIN_TABLE))


def removed_defaults(report: Report) -> Evidence:
    """What the next pass knows: the defaults that this one took away."""
    before = [route for route in report.before.routes if route.destination.is_default]
    gone = tuple(route for route in before if route not in report.after.routes and route.protocol != 121)
    evidence = report.evidence
    return evidence._replace(recorded_defaults=(*evidence.recorded_defaults, *gone))


def defaults(report: Report) -> Dict[int, Optional[int]]:
    """The NIC that the kernel sends packets beyond every prefix by, a family each."""
    found: Dict[int, Optional[int]] = {}
    for family in (4, 6):
        there = [r for r in report.after.routes if r.destination.is_default and r.family == family and r.kind == 1]
        best = min(there, key=lambda route: route.metric, default=None)
        found[family] = min(ifindexes(best)) if best else None
    return found


def ours(report: Report) -> Dict[Prefix, Tuple[str, str]]:
    return {
        one.host.destination: (one.next_hop.nic.name, address_text(one.next_hop.gateway))
        for one in report.resolution.resolved
    }


def check(world: World, first: Report, advice: Advice) -> None:
    start = World(removed_defaults(first), world.settings)
    kernel = ModelKernel(first.after)
    again = passed(advice.follow(start), kernel)
    if not advice.moves_default:
        before, after = defaults(first), defaults(again)
        # A default is wanted there that no NIC could have: then the advice is about it, too.
        lacking = [one.family for one in first.elections if isinstance(one, NotElected) and one.wanted]
        for family in (4, 6):
            stays = before[family] is None or after[family] == before[family]
            assert stays or family in lacking, (family, advice.text)
    about = advice.about
    # What waited for the same evidence may be listed before what is there.
    changed = {one.host.destination for one in first.resolution.unresolved if one.kind in EVIDENCE_GONE}
    changed |= {about.host.destination} if about else set()
    for destination, where in ours(first).items():
        if destination not in changed and not (about and about.kind == "down"):
            assert ours(again).get(destination) == where, (str(destination), advice.text)
    if about is None:
        return
    same = (about.host.destination, about.host.next_hop, about.host.network)
    left = [
        one
        for one in again.resolution.unresolved
        if (one.host.destination, one.host.next_hop, one.host.network) == same
        and one.kind not in ("overridden", *(() if about.kind in WAITING else WAITING))
    ]
    assert left == [], (advice.text, [unresolved_reason(one) for one in left])
    if not about.host.destination.is_default and about.kind in ("not-a-gateway", "no-subnet", "unknown-gateway"):
        waiting = [one.host.destination for one in again.resolution.unresolved if one.kind in WAITING]
        assert about.host.destination in (*ours(again), *waiting), advice.text


def settled(world: World) -> Report:
    """After two passes: IPv6 default routes of one metric are one multipath route, whose legs go one by one."""
    kernel = ModelKernel(world.evidence.kernel)
    first = passed(world, kernel)
    return passed(World(removed_defaults(first), world.settings), kernel)


def follow_all(world: World, tmp_path: Path) -> int:
    first = settled(world)
    found = list(advices(first, tmp_path))
    for advice in found:
        check(world, first, advice)
    return len(found)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_scenario_advises(name: str, tmp_path: Path) -> None:
    scenario = Scenario(name, tmp_path)
    told: Settings = scenario.settings()
    report = scenario.run(told, write=False)
    follow_all(World(report.evidence, told), tmp_path)


def test_what_made_up_machines_are_advised(tmp_path: Path) -> None:
    counted = sum(follow_all(odd_world(seed), tmp_path) for seed in SEEDS)
    assert counted > len(SEEDS) / 2


def test_elections_are_looked_at() -> None:
    """The worlds have defaults that could move."""
    reports = [passed(odd_world(seed), ModelKernel(odd_world(seed).evidence.kernel)) for seed in SEEDS[:50]]
    assert sum(isinstance(one, Elected) for report in reports for one in report.elections) > 0.8 * len(reports)
