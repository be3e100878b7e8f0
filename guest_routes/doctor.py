"""`doctor`: looks at this machine from every side and says what to do. Changes nothing."""

from __future__ import annotations

import os

from .errors import GuestRoutesError
from .findings import NicView, Seen
from .kernel import open_kernel
from .managers import Holder, holders, running
from .rendered_ini import sections
from .second_opinions import netifaces_opinion, pyroute2_opinion
from .state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Sequence

    from .bind import Binding
    from .correct import Correction
    from .lease import Lease
    from .model import Nic
    from .policy import Settings
    from .report import Report

ASK_SECONDS = 5.0
"""How long the metadata service gets to answer through each NIC."""
FOLDERS = ("/etc", "/run", "/usr/local/lib", "/usr/lib")
"""Where systemd-networkd looks for drop-ins. Source: systemd.network(5)."""
_YES = ("1", "yes", "y", "true", "t", "on")


def look(settings: Settings, given: str, tell: Callable[[str], None], proc: str = "/proc") -> Seen:
    """Everything that can be seen without changing anything.

    Raises:
        KernelError: the kernel can't be asked.
    """
    kernel = open_kernel(settings.engine)
    try:
        state = kernel.snapshot(settings.table)
        report, reason = _pass(settings, given, tell)
        answers = _ask(settings, state.nics, tell)
        held, described = holders(state.nics), _described(report)
        told = {lease.ifindex: lease for lease in _leases(state.nics)}
        views = tuple(
            NicView(
                nic=nic,
                bindings=described.get(nic.ifindex, ()),
                holders=tuple(one for one in held if one.ifindex == nic.ifindex),
                lease=told.get(nic.ifindex),
                metadata=answers.get(nic.ifindex, (False, ""))[1],
                answers=answers.get(nic.ifindex, (False, ""))[0],
                rp_filter=_rp_filter(nic.name, proc),
                takes_routes=any(_takes_routes(one) for one in held if one.ifindex == nic.ifindex),
            )
            for nic in state.nics
            if any(nic.mac)
        )
        opinions = (netifaces_opinion(state.nics), pyroute2_opinion(kernel, settings.table))
    finally:
        kernel.close()
    return Seen(views, report, reason, running(proc), _correction(settings, report), opinions, _has("route"))


def _pass(settings: Settings, given: str, tell: Callable[[str], None]) -> tuple[Report | None, str]:
    """A pass that writes nothing, or why there can't be one."""
    from .sync import sync

    try:
        return sync(settings, State(), given, write=False, tell=tell), ""
    except GuestRoutesError as error:
        return None, str(error)


def _described(report: Report | None) -> dict[int, tuple[Binding, ...]]:
    found: dict[int, tuple[Binding, ...]] = {}
    for binding in report.resolution.bindings if report else ():
        if binding.nic is not None:
            found[binding.nic.ifindex] = (*found.get(binding.nic.ifindex, ()), binding)
    return found


def _ask(settings: Settings, nics: Sequence[Nic], tell: Callable[[str], None]) -> dict[int, tuple[bool, str]]:
    """Whether the metadata service answers through each NIC, all asked at once; and where, or why not."""
    from concurrent.futures import ThreadPoolExecutor

    from . import metadata_http
    from .fetched import Document
    from .ways import usable_nics

    brief = settings._replace(deadline_seconds=min(settings.deadline_seconds, ASK_SECONDS))

    def asked(nic: Nic) -> tuple[bool, str]:
        got = metadata_http.fetch(settings.metadata_urls, brief, lambda: (nic,), lambda text: None)
        return (True, f"answers ({got.where})") if isinstance(got, Document) else (False, f"no answer: {got}")

    usable = usable_nics(nics, settings.ignore_nics)
    if not usable:
        return {}
    tell("asking the metadata service through each NIC")
    with ThreadPoolExecutor(len(usable)) as pool:
        return {nic.ifindex: got for nic, got in zip(usable, pool.map(asked, usable))}


def _leases(nics: Sequence[Nic]) -> tuple[Lease, ...]:
    from . import leases

    return leases.told(nics).leases


def _correction(settings: Settings, report: Report | None) -> Correction | None:
    """What `correct` would do, by the document of the pass."""
    if report is None:
        return None
    from .foresee import foresee
    from .mend import mend

    return mend(settings, lambda: foresee(report.data, report.before.nics, settings), write=False).correction


def _rp_filter(name: str, proc: str) -> int:
    """The larger of `all` and the NIC's own counts. Source: kernel, networking/ip-sysctl, rp_filter."""
    values = []
    for key in ("all", name):
        try:
            with open(f"{proc}/sys/net/ipv4/conf/{key}/rp_filter") as file:
                values.append(int(file.read()))
        except (OSError, ValueError):
            continue  # A NIC that has just gone, or a kernel without IPv4.
    return max(values, default=0)


def _takes_routes(holder: Holder) -> bool:
    """Whether systemd-networkd is configured to take a default route for the NIC from a DHCP server."""
    if holder.manager != "systemd-networkd" or not holder.file:
        return False
    name = os.path.basename(holder.file)
    drop_ins = {
        entry: f"{folder}/systemd/network/{name}.d/{entry}"
        for folder in reversed(FOLDERS)
        for entry in _listed(f"{folder}/systemd/network/{name}.d")
        if entry.endswith(".conf")
    }
    said: dict[str, str] = {}
    for path in (holder.file, *(drop_ins[entry] for entry in sorted(drop_ins))):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                found = sections(file.read().splitlines())
        except (OSError, ValueError):
            continue  # networkd itself says so in its journal.
        for section in found:
            if section.name in ("Network", "DHCP", "DHCPv4"):
                said.update((key, value.lower()) for key, value, _ in section.keys)
    routes = said.get("UseRoutes", "yes")
    return said.get("DHCP", "no") in ("yes", "ipv4", "true", "both", "v4") and said.get("UseGateway", routes) in _YES


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _has(program: str) -> bool:
    from shutil import which

    return which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is not None
