"""What happens to the instance: links, routes, metadata, settings and processes, at random, and how it ends.

What a change leaves, `end` repairs as its author would (the hypervisor, the network manager, another program), but
never what is guest-routes' to repair.
"""

from __future__ import annotations

import collections
import contextlib
import errno
import os
import random
import signal
import subprocess
import time
from typing import Callable, Counter, Deque, Dict, Iterator, List, Tuple

from guest_routes.service.schedule import LONGEST_FAULT_SECONDS
from tests.support.faults import free_memory, limit_descriptors, limit_memory
from tests.support.lab import Lab

from . import world
from .instance import START_SECONDS, Instance, disputed
from .world import CARDS, VPN, Card

FAULTS = ("404", "500", "hang", "not-json", "slow=1", "list", "reset", "truncated", "503-then-ok=2", "trickle=0.05")
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
DISK_CALLS = ("open", "write", "fsync", "rename", "mkdir", "utime")
FOLDERS = ("/run/guest-routes", "/var/lib/guest-routes")
HOUR, YEAR = 3600.0, 365.25 * 86400
CLOCKS = (0.0, -2.0, 5.0, -HOUR, 8 * HOUR, -YEAR, YEAR, -50 * YEAR, 200 * YEAR)
"""How far the wall clock is off."""
EVENTS_KEPT = 60
STORM_ROUTES = 3000


class Noise:
    """Changes by `dice`; `attacks` says when a default was taken or added by them (monotonic seconds)."""

    def __init__(self, lab: Lab, instance: Instance, dice: random.Random) -> None:
        self._lab, self._instance, self._dice = lab, instance, dice
        self.events: Deque[str] = collections.deque(maxlen=EVENTS_KEPT)
        self.counts: Counter[str] = collections.Counter()
        self.attacks: List[float] = []
        self._names: Dict[Card, str] = {card: card.name for card in CARDS}
        """What each NIC is called now; "" when it is unplugged."""
        self._leftovers: List[Tuple[Card, List[str]]] = []
        """Routes that the noise added under another protocol than ours, for `ip route del`."""
        self._doubtful = False
        """The document served is one that mustn't be believed."""
        self._stopped = False
        self._changes: Tuple[Tuple[int, Callable[[], object]], ...] = (
            (8, self.delete_routes), (2, self.flush_ours), (4, self.alter_route), (3, self.take_over_route),
            (3, self.adopted_route), (4, self.extra_default), (4, self.delete_default), (6, self.link_down_and_up),
            (3, self.link_down), (3, self.lose_carrier), (3, self.rename), (3, self.unplug), (2, self.renew_address),
            (3, self.reload_settings), (2, self.reload_broken_settings), (2, self.kill_service), (1, self.end_service),
            (1, self.stop_service), (4, self.sync_by_hand), (4, self.look_by_hand), (1, self.second_service),
            (8, self.change_metadata), (1, self.storm_of_foreign_routes), (1, self.foreign_rule), (2, self.mend_nic),
            (4, self.break_disk), (3, self.repair_disk), (2, self.refuse_processes), (2, self.take_memory),
            (2, self.take_descriptors), (3, self.kill_helper), (4, self.set_clock),
        )  # fmt: skip

    def change(self) -> None:
        """One, by the dice."""
        weights, changes = zip(*self._changes)
        chosen = self._dice.choices(changes, weights)[0]
        name = chosen.__name__.replace("_", " ")
        self.counts[name] += 1
        self.tell(f"{name}: {chosen() or ''}")
        if self._doubtful and disputed() >= 1:
            self.change_metadata()

    def tell(self, text: str) -> None:
        """Keeps it for the report."""
        self.events.append(f"{time.monotonic():.3f} {text}")

    # -- routes --------------------------------------------------------------------------------------------

    def ip(self, *words: str) -> bool:
        """Runs `ip`, which may fail: the noise tramples on itself."""
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
        return done.returncode == 0

    def _ours(self) -> List[str]:
        """Host routes of ours as `ip route` shows them."""
        shown = []
        for family in ("-4", "-6"):
            done = subprocess.run(["ip", family, "route", "show", "proto", "121"], capture_output=True, text=True)
            shown += [line.split(" pref ")[0].strip() for line in done.stdout.splitlines()]
        return [line for line in shown if not line.startswith("default")]

    def _present(self) -> List[Card]:
        return [card for card in CARDS if self._names[card]]

    def delete_routes(self) -> str:
        """Somebody takes a few of ours away."""
        ours = self._ours()
        chosen = self._dice.sample(ours, min(len(ours), self._dice.randint(1, 4)))
        for line in chosen:
            self.ip("route", "del", *line.replace(" linkdown", "").replace(" dead", "").split(), "proto", "121")
        return "; ".join(chosen)

    def flush_ours(self) -> str:
        """All of them, the default too if it is ours."""
        family = self._dice.choice(("-4", "-6"))
        self.attacks.append(time.monotonic())
        self.ip(family, "route", "flush", "proto", "121")
        return family

    def alter_route(self) -> str:
        """Somebody writes one of ours anew, through another NIC, under our protocol."""
        return self._overwrite("121", other=True)

    def take_over_route(self) -> str:
        """The same under their own protocol: theirs stays (R5), ours must win."""
        return self._overwrite("static", other=True)

    def adopted_route(self) -> str:
        """Somebody replaces ours by an equal one of their own: it is adopted, as long as it is there."""
        return self._overwrite("static", other=False)

    def _overwrite(self, protocol: str, other: bool) -> str:
        route = self._dice.choice(world.DOCUMENTS[self._instance.document])
        cards = [card for card in self._present() if (card != route.card) is other]
        if not cards:
            return ""
        card = self._dice.choice(cards)
        metric = ["metric", "50"] if self._instance.settings == "metric" else []
        words = [
            route.destination, "via", card.gateway(route.family), "dev", self._names[card], "proto", protocol, *metric
        ]  # fmt: skip
        if self.ip("route", "replace", *words) and protocol != "121":
            self._leftovers.append((card, words))
        return " ".join(words)

    def extra_default(self) -> str:
        """A DHCP client or a user adds one."""
        card, family = self._dice.choice(self._present() or [CARDS[0]]), self._dice.choice((4, 6))
        metric = self._dice.choice(([], ["metric", "100"], ["metric", "600"], ["metric", "5"]))
        words = ["default", "via", card.gateway(family), "dev", self._names[card] or card.name, "proto", "static"]
        self.attacks.append(time.monotonic())
        if self.ip("route", "append", *words, *metric):
            self._leftovers.append((card, [*words, *metric]))
        return " ".join([*words, *metric])

    def delete_default(self) -> str:
        """A user deletes one."""
        family = self._dice.choice(("-4", "-6"))
        done = subprocess.run(["ip", family, "route", "show", "default"], capture_output=True, text=True)
        lines = [line for line in done.stdout.splitlines() if f"dev {VPN}" not in line and " via " in line]
        if not lines:
            return "none"
        line = self._dice.choice(lines).split(" pref ")[0]
        self.attacks.append(time.monotonic())
        self.ip(family, "route", "del", *line.split())
        return line

    def storm_of_foreign_routes(self) -> str:
        """More notifications than a socket holds."""
        for verb in ("add", "del"):
            lines = (f"route {verb} 198.18.{n >> 8}.{n & 255}/32 dev {VPN} proto 99\n" for n in range(STORM_ROUTES))
            subprocess.run(["ip", "-batch", "-"], input="".join(lines), text=True, capture_output=True, check=True)
        return f"{STORM_ROUTES}"

    def foreign_rule(self) -> None:
        """A policy rule comes and goes."""
        for verb in ("add", "del"):
            self.ip("rule", verb, "from", "10.99.0.0/16", "lookup", "100", "pref", "30000")

    # -- NICs ----------------------------------------------------------------------------------------------

    def link_down_and_up(self) -> str:
        """A flap; the network manager puts addresses and its own routes back."""
        what = self.link_down()
        time.sleep(self._dice.choice((0.0, 0.02, 0.3)))
        return f"{what} {self.mend_nic()}"

    def link_down(self) -> str:
        """It stays down for now."""
        card = self._dice.choice(self._present() or [CARDS[0]])
        self.ip("link", "set", self._names[card] or card.name, "down")
        return card.name

    def lose_carrier(self) -> str:
        """Somebody pulls the cable."""
        card = self._dice.choice(CARDS)
        if self._names[card]:
            self._hypervisor("ip", "link", "set", f"tap-{card.name}", "down")
        return card.name

    def rename(self) -> str:
        """udev changes its mind."""
        card = self._dice.choice(self._present() or [CARDS[0]])
        name = self._dice.choice((f"ens{self._dice.randint(1, 9)}", card.name))
        if self._names[card] and self.ip("link", "set", self._names[card], "name", name):
            self._names[card] = name
        return f"{card.name} is {self._names[card]}"

    def unplug(self) -> str:
        """The NIC goes, and everything on it."""
        card = self._dice.choice(self._present() or [CARDS[0]])
        if self._names[card] and self.ip("link", "del", self._names[card]):
            self._names[card] = ""
        return card.name

    def renew_address(self) -> str:
        """A DHCP client loses its address and gets it again."""
        card = self._dice.choice(self._present() or [CARDS[0]])
        name = self._names[card] or card.name
        self.ip("address", "del", card.addresses[0], "dev", name)
        time.sleep(self._dice.choice((0.0, 0.1)))
        self._settle(card)
        return card.name

    def mend_nic(self) -> str:
        """The network manager brings any NIC up again, mostly with a default of its own."""
        card = self._dice.choice(CARDS)
        self._settle(card)
        if self._dice.random() < 0.6:
            for family in (4, 6):
                words = ["default", "via", card.gateway(family), "dev", self._names[card], "proto", "static"]
                self.attacks.append(time.monotonic())
                if self.ip("route", "append", *words):
                    self._leftovers.append((card, words))
        return f"{card.name} up"

    def _settle(self, card: Card) -> None:
        """As the network manager and the hypervisor leave it."""
        if not self._names[card]:
            world.plug(self._lab, card)
            self._names[card] = card.name
        name = self._names[card]
        self._hypervisor("ip", "link", "set", f"tap-{card.name}", "up")
        self.ip("link", "set", name, "up")
        for address in card.addresses:
            nodad = ["nodad"] if ":" in address else []
            self.ip("address", "replace", address, "dev", name, *nodad)
        self.ip("route", "replace", *card.foreign.replace(f"dev {card.name}", f"dev {name}").split())

    def _hypervisor(self, *command: str) -> None:
        self._lab.hypervisor(*command)

    # -- the service and commands --------------------------------------------------------------------------

    def reload_settings(self) -> str:
        """An operator edits the settings."""
        self._instance.set_settings(self._dice.choice(list(world.SETTINGS)))
        self._hurry()
        return self._instance.settings

    def reload_broken_settings(self) -> str:
        """And makes a mistake, which they correct later."""
        text = self._dice.choice(world.BROKEN_SETTINGS)
        self._instance.break_settings(text)
        self._hurry()
        time.sleep(0.3)
        self._instance.set_settings(self._instance.settings)
        return repr(text)

    def _hurry(self) -> None:
        """SIGHUP, which fetches: not while a document is served that three fetches would make true."""
        if not self._doubtful:
            self._instance.signal(signal.SIGHUP)

    def kill_service(self) -> None:
        """kill -9, and started again."""
        self._instance.end(signal.SIGKILL)
        time.sleep(self._dice.choice((0.0, 0.1, 1.0)))
        self._instance.start()

    def end_service(self) -> None:
        """Restarted in good order."""
        self._instance.end(signal.SIGTERM)
        self._instance.start()

    def stop_service(self) -> None:
        """As if it were swapped out for a while."""
        since = time.monotonic()
        self._instance.signal(signal.SIGSTOP)
        time.sleep(self._dice.uniform(0.2, 1.5))
        self._instance.signal(signal.SIGCONT)
        self._instance.away.append((since, time.monotonic()))

    def sync_by_hand(self) -> None:
        """Beside the service."""
        if self._instance.running() < 3 and not self._doubtful:
            self._instance.command("sync", *self._dice.choice(((), ("--json",), ("--verbose",))))

    def look_by_hand(self) -> str:
        """What changes nothing."""
        words = self._dice.choice((("plan",), ("status",), ("status", "--json"), ("explain", "11.11.3.4")))
        if self._instance.running() < 3:
            self._instance.command(*words)
        return " ".join(words)

    def second_service(self) -> None:
        """Which must say no; before the first is killed, whose place it would take."""
        with contextlib.suppress(subprocess.TimeoutExpired):  # `collect` says so.
            self._instance.command("watch").wait(START_SECONDS)

    def change_metadata(self) -> str:
        """Another behaviour, another document, or off."""
        what = self._dice.choice(("fault", "fault", "off", "document", "document", "partial", "empty"))
        self._doubtful = what in ("partial", "empty")
        if what == "fault":
            fault = self._dice.choice(FAULTS)
            self._instance.serve(self._instance.document, fault)
            return fault
        if what == "off":
            self._instance.omission_reason()
        elif self._doubtful:
            self._instance.serve(what)
        else:
            self._instance.serve(self._dice.choice(list(world.DOCUMENTS)))
            return self._instance.document
        return what

    # -- the machine ---------------------------------------------------------------------------------------

    def break_disk(self) -> str:
        """Full, over quota, broken or read-only, for all calls or some; a write may have got half of its bytes down."""
        error = self._dice.choice(DISK_ERRORS)
        calls = self._dice.choice((DISK_CALLS, self._dice.sample(DISK_CALLS, 2)))
        folders = self._dice.choice((FOLDERS, FOLDERS[:1], FOLDERS[1:]))
        self._instance.calls.refuse(error, folders, calls, self._dice.randint(0, 3), torn=self._dice.random() < 0.5)
        return f"{errno.errorcode[error]}, {' '.join(calls)}, {' '.join(folders)}"

    def repair_disk(self) -> None:
        """Somebody makes room."""
        self._instance.calls.permit()

    def refuse_processes(self) -> str:
        """Some forks fail, of the service and of the commands."""
        number = self._dice.randint(1, 4)
        self._instance.calls.refuse_forks(number)
        return str(number)

    def take_memory(self) -> str:
        """The service gets no more memory for a moment."""
        more_bytes = self._dice.choice((0, 64 << 10, 256 << 10, 2 << 20))
        with self._lacking():
            before = limit_memory(self._instance.pid, more_bytes)
            self.delete_routes()
            time.sleep(self._dice.uniform(0.1, 1.0))
            free_memory(self._instance.pid, before)
        return f"{more_bytes >> 10} KiB left"

    def take_descriptors(self) -> None:
        """The service can open nothing for a moment."""
        with self._lacking():
            before = limit_descriptors(self._instance.pid, 4)
            self.delete_routes()
            time.sleep(self._dice.uniform(0.1, 1.0))
            limit_descriptors(self._instance.pid, before)

    @contextlib.contextmanager
    def _lacking(self) -> Iterator[None]:
        """The service may not be able to do anything meanwhile, and up to ten seconds later."""
        since = time.monotonic()
        yield
        self._instance.away.append((since, time.monotonic() + LONGEST_FAULT_SECONDS))

    def kill_helper(self) -> str:
        """The process that asks the metadata service, or reads the settings, is killed."""
        children = self._instance.children()
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return str(len(children))

    def set_clock(self) -> str:
        """NTP, or an operator, sets the wall clock."""
        seconds = self._dice.choice(CLOCKS)
        self._instance.calls.set_clock(seconds)
        return f"{seconds:+.0f} s"

    # -- the end -------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Everybody but guest-routes repairs what is theirs; then the metadata are as they ought to be."""
        for card in CARDS:
            self._settle(card)
            if self._names[card] != card.name:
                self.ip("link", "set", self._names[card], "down")
                self.ip("link", "set", self._names[card], "name", card.name)
                self._names[card] = card.name
                self._settle(card)
        for card, words in self._leftovers:
            words[words.index("dev") + 1] = card.name
            self.ip("route", "del", *words)
        self._leftovers = []
        self._doubtful = False
        self._instance.calls.permit()
        self._instance.calls.refuse_forks(0)
        self._instance.serve(self._dice.choice(list(world.DOCUMENTS)))
        self._instance.set_settings(self._dice.choice(list(world.SETTINGS)))
        self._instance.signal(signal.SIGHUP)
        self.tell(f"quiet: {self._instance.document}, {self._instance.settings}")
