"""A situation made real: veth NICs in the tests' own namespace, or the same snapshot in the model of the kernel."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Dict, List, Optional, Sequence, Tuple

from guest_routes.kernel.open import open_kernel
from guest_routes.model.network import MAIN_TABLE, Address, Route, address_text, parse_address
from guest_routes.model.network import Nic as KernelNic
from guest_routes.model.operations import Failure, Operation
from guest_routes.model.report import Report
from guest_routes.model.settings import GatewaySetting, Selector, Settings
from guest_routes.settings.route_values import host_route
from guest_routes.settings.values import Place
from guest_routes.state.store import State
from guest_routes.sync import dry_run, sync
from tests.support import sandbox
from tests.support.model_kernel import ModelKernel

from .oracle import Nic
from .situation import MACS, NICS, Change, Lease, Row, Situation, own

KERNELS_OWN = 2
SOURCES = ("settings", "properties", "http", "leases")
"""The document's place is that of http; asked is only the file."""
LEASED = {name: own(number, 4) for number, name in enumerate(NICS)}
"""The address that a NIC's lease is for."""


class Machine:
    """The NICs of every situation; `prepare` makes one of them."""

    def __init__(self) -> None:
        sandbox.fresh_netns()
        Path("/proc/sys/net/ipv6/conf/default/accept_dad").write_text("0")
        batch(
            [f"link add {name} address {mac} type veth peer name peer-{name}" for name, mac in MACS.items()]
            + [f"link set peer-{name} up" for name in MACS]
        )
        assert {nic.name for nic in self.nics()} == set(MACS)

    def prepare(self, situation: Situation) -> None:
        """Its links, addresses and routes, and nothing of the situation before."""
        sandbox.assert_private()
        lines = []
        there = {nic.name for nic in situation.nics}
        for name in MACS:
            lines += [f"address flush dev {name} scope global", f"route flush dev {name} proto 121"]
            lines += [f"link set {name} down", f"link set peer-{name} up"]
            if name not in there:
                lines.append(f"link set {name} address {MACS[name].replace('fa:', '0a:')}")
        for nic in situation.nics:
            lines.append(f"link set {nic.name} address {MACS[nic.name]}")
            lines += [f"link set {nic.name} up"] if nic.up else []
            lines += [f"address add {a} dev {nic.name}{' nodad' * (':' in a)}" for a in nic.addresses]
        for row in situation.rows:
            metric = f" metric {row.metric}" if row.metric else ""
            onlink = " onlink" if row.onlink else ""
            hop = f"via {row.via} dev {row.dev}" if row.via else f"dev {row.dev}"
            lines.append(f"-{row.family} route append {row.destination} {hop} proto {row.proto}{metric}{onlink}")
        lines += [f"link set peer-{nic.name} down" for nic in situation.nics if not nic.carrier and nic.up]
        batch([line for line in lines if not line.startswith("-")])
        for family in ("-4", "-6"):
            batch([line[3:] for line in lines if line.startswith(family)], family)

        # The kernel's linkwatch tells of a carrier up to a second late.
        wanted = {nic.name: (nic.up, nic.up and nic.carrier) for nic in situation.nics}
        deadline = time.monotonic() + 5
        while any((nic.up, nic.carrier) != wanted.get(nic.name, (False, False)) for nic in self.nics()):
            assert time.monotonic() < deadline, (wanted, self.nics())
            time.sleep(0.01)

    def change(self, changes: Sequence[Change]) -> None:
        """What becomes of NICs before a pass."""
        for one in changes:
            lines = [f"link set {one.nic} address {one.mac}"] if one.mac else []
            lines += [f"address add {a} dev {one.nic}{' nodad' * (':' in a)}" for a in one.addresses]
            for nic in self.nics():
                former = [a for a in nic.addresses if a not in one.addresses and not a.startswith("fe80")]
                if nic.name == one.nic and one.addresses:
                    lines += [f"address del {a} dev {one.nic}" for a in former]
            batch(lines)
            for row in one.defaults:
                hop = f"via {row.via} dev {row.dev} proto {row.proto} metric {row.metric}"
                batch([f"route append {row.destination} {hop}"], f"-{row.family}")

    def nics(self) -> List[Nic]:
        found = []
        for link in ip_json("address"):
            flags = link["flags"]
            addresses = tuple(f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"])
            if link["ifname"] in MACS:
                carrier = "NO-CARRIER" not in flags and "UP" in flags
                found.append(Nic(link["ifname"], link["address"], "UP" in flags, carrier, addresses))
        return found

    def rows(self) -> List[Row]:
        found = []
        for family in (4, 6):
            for entry in ip_json(f"-{family}", "-N", "route", "show", "table", "254"):
                hops = entry.get("nexthops", [entry])
                found += [row_of(family, entry, hop) for hop in hops]
        return [row for row in found if row.proto != KERNELS_OWN]


def row_of(family: int, entry: Dict[str, Any], hop: Dict[str, Any]) -> Row:
    to = entry["dst"]
    to = (
        {4: "0.0.0.0/0", 6: "::/0"}[family]
        if to == "default"
        else to
        if "/" in to
        else f"{to}/{32 if family == 4 else 128}"
    )
    onlink = "onlink" in (*hop.get("flags", []), *entry.get("flags", []))
    proto = int(entry.get("protocol", 3))
    return Row(family, to, hop.get("gateway", ""), hop.get("dev", ""), entry.get("metric", 0), proto, onlink)


def batch(lines: Sequence[str], *options: str) -> None:
    """`ip -batch`, going on after what is refused: a made-up route may be impossible."""
    if lines:
        command = ["ip", *options, "-force", "-batch", "-"]
        subprocess.run(command, input="\n".join(lines), text=True, capture_output=True, check=False)


def ip_json(*arguments: str) -> List[Dict[str, Any]]:
    ran = subprocess.run(["ip", "-j", *arguments], check=True, capture_output=True, text=True)
    return [entry for entry in json.loads(ran.stdout or "[]") if entry]


class Watched(ModelKernel):
    """One operation after another; remembers the fewest next hops of a default, a family each (R7)."""

    fewest: Counter[int]

    def apply(self, operations: Sequence[Operation]) -> Tuple[Failure, ...]:
        refused: List[Failure] = []
        for operation in operations:
            refused += super().apply([operation])
            defaults = Counter(r.family for r in self.snapshot(MAIN_TABLE).routes if r.destination.is_default)
            for family in (4, 6):
                self.fewest[family] = min(self.fewest[family], defaults[family])
        return tuple(refused)


class Passes:
    """Passes on one machine that share a State, by one engine ("model": the model of the kernel)."""

    def __init__(self, engine: str, machine: Machine, situation: Situation) -> None:
        self._machine, self._situation = machine, situation
        self._folder = TemporaryDirectory(dir="/run/tests")  # where root alone can write: else state is not believed
        self._state = State(f"{self._folder.name}/run", f"{self._folder.name}/lib", root=self._folder.name)
        boot = Path("/proc/sys/kernel/random/boot_id")  # It proves the machine to R10 where a described NIC is absent.
        copy = Path(self._folder.name, *boot.parts[1:])
        copy.parent.mkdir(parents=True)
        copy.write_text(boot.read_text())
        real = open_kernel("rtnetlink" if engine == "model" else engine)
        self.model: Optional[Watched] = None
        self._kernel: Any = real
        if engine == "model":
            self._kernel = self.model = Watched(real.snapshot(MAIN_TABLE))
            real.close()

    def close(self) -> None:
        self._kernel.close()
        self._folder.cleanup()

    def rows(self) -> List[Row]:
        if self.model is None:
            return self._machine.rows()
        nics: Dict[int, KernelNic] = {nic.ifindex: nic for nic in self.model.nics()}
        routes = self.model.snapshot(MAIN_TABLE).routes
        return [row for route in routes for row in _rows(route, nics) if row.proto != KERNELS_OWN]

    def plan(self, document: Dict[str, Any], accept: bool) -> Report:
        """What `plan` says of the pass."""
        return dry_run(self._settings(), self._state, self._kernel, self._written(document), accept_withdrawals=accept)

    def give(self, guest_routes: Optional[str], leases: Dict[str, Lease]) -> None:
        """The property beside the next documents (None for no meta_data.json), and the leases of NICs."""
        path = Path(self._folder.name, "meta_data.json")
        path.unlink(missing_ok=True)
        if guest_routes is not None:
            path.write_text(json.dumps({"meta": {"guest_routes": guest_routes} if guest_routes else {}}))
        folder = Path(self._folder.name, "run/systemd/netif/leases")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for nic in self._kernel.nics():
            if nic.name in leases:
                lease = leases[nic.name]
                lines = [f"ADDRESS={LEASED[nic.name]}", *([f"ROUTER={lease.router}"] if lease.router else [])]
                lines += [f"CLASSLESS_ROUTES={' '.join(map(','.join, lease.routes))}"] if lease.routes else []
                Path(folder, str(nic.ifindex)).write_text("".join(f"{line}\n" for line in lines))

    def _written(self, document: Dict[str, Any]) -> str:
        path = Path(self._folder.name, "network_data.json")
        path.write_text(json.dumps(document))
        return str(path)

    def sync(self, document: Dict[str, Any], accept: bool) -> Report:
        if self.model is not None:
            before = Counter(r.family for r in self.model.snapshot(MAIN_TABLE).routes if r.destination.is_default)
            self.model.fewest = Counter({4: before[4], 6: before[6]})
        return sync(self._settings(), self._state, self._kernel, self._written(document), accept_withdrawals=accept)

    def _settings(self) -> Settings:
        told = self._situation.settings
        gateways = tuple(
            GatewaySetting(Selector(nic=nic), parse_address(address), f"gateways[{nic}]")
            for nic, address in told.get("gateways", {}).items()
        )
        plain = {key: told[key] for key in ("default_mode", "next_hops") if key in told}
        selector = Selector(nic=told["nic"]) if "nic" in told else None
        routes = tuple(
            host_route(word, Place("settings", "routes", n)) for n, word in enumerate(told.get("routes", ()))
        )
        return Settings(default=selector, gateways=gateways, routes=routes, sources=SOURCES, **plain)


def _rows(route: Route, nics: Dict[int, KernelNic]) -> List[Row]:
    hops = [(hop.gateway, hop.ifindex, hop.onlink) for hop in route.nexthops]
    hops = hops or [(route.gateway, route.ifindex, route.onlink)]

    def row(gateway: Optional[Address], ifindex: int, onlink: bool) -> Row:
        dev = nics[ifindex].name if ifindex in nics else ""
        via = address_text(gateway) if gateway else ""
        return Row(route.family, str(route.destination), via, dev, route.metric, route.protocol, onlink)

    return [row(*hop) for hop in hops]
