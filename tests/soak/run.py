"""The service among random faults on the real kernel: after each noise the table must be the documented one.

    make soak                           3 minutes
    make soak SOAK_SECONDS=3600 SEED=7

In namespaces: an instance with three NICs, both families, a VPN, foreign routes; a metadata server with faults; links
that flap, are renamed, unplugged and come back; routes deleted, altered and added by others; settings reloaded, some of
them wrong; the service killed, stopped, started again, commands beside it. Then everybody but guest-routes repairs what
is theirs, and within QUIET_SECONDS the table must be the wanted one, with all that is foreign as it was. A monitor of
its own watches that there is a default route whenever there can be one. Exit 1 if anything of this fails.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support import sandbox  # noqa: E402

sandbox.enter()

from tests.soak import verdict, world  # noqa: E402
from tests.soak.instance import WORK, Instance  # noqa: E402
from tests.soak.noise import Noise  # noqa: E402
from tests.support.lab import Lab  # noqa: E402

QUIET_SECONDS = 45.0
"""A repair in a conflict waits 10 s, a failed look up to 60 s if nothing happens, R6 wants three fetches, 2 s apart."""
STAYS_SECONDS = 1.0
"""What is right must stay so."""
NOISE_SECONDS = (5.0, 15.0)
PAUSE_SECONDS = (0.0, 0.02, 0.1, 0.5)
DIFFERENCES_SHOWN = 40
NO_HASH = re.compile(r"ERROR:root:code for hash .*?\nValueError[^\n]*\n", re.DOTALL)
"""Python's own words, with a traceback, where a fault keeps it from loading a hash."""


def main() -> int:
    """Rounds of noise and quiet until the time is up; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=180.0, help="how long (180)")
    parser.add_argument("--seed", type=int, help="the dice's; printed when it isn't given")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(3), "big")
    print(
        f"soak: {options.seconds:g} s, seed {seed} (SEED={seed} does the same again, as far as time allows)", flush=True
    )
    WORK.mkdir(exist_ok=True)
    machine_with_dmi()
    lab = Lab()
    try:
        world.build(lab)
        soak = Soak(lab, random.Random(seed))
        try:
            faults = soak.run(time.monotonic() + options.seconds)
        finally:
            soak.close()
    finally:
        lab.close()
    if faults:
        print(f"\nsoak: {len(faults)} faults, seed {seed}")
        return 1
    print(f"soak: no violation, seed {seed}")
    return 0


def machine_with_dmi() -> None:
    """As every instance of OpenStack has: it proves the machine while a NIC is unplugged (R10)."""
    layer = WORK / "class"
    (layer / "dmi" / "id").mkdir(parents=True, exist_ok=True)
    (layer / "dmi" / "id" / "product_uuid").write_text(world.UUID + "\n")
    subprocess.run(
        ["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={layer}:/sys/class", "/sys/class"], check=True
    )


class Soak:
    """One run."""

    def __init__(self, lab: Lab, dice: random.Random) -> None:
        self._lab, self._dice = lab, dice
        self._instance = Instance(lab)
        self._noise = Noise(lab, self._instance, dice)
        self._monitored = WORK / "monitor.jsonl"
        macs = [f"{card.mac}={card.name}" for card in world.CARDS]
        with self._monitored.open("wb") as out:
            self._monitor = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("monitor.py")), *macs, world.VPN], stdout=out
            )
        self._foreign = world.untouchable(lab)
        self._poked = self._heard = 0

    def close(self) -> None:
        """Ends what runs."""
        self._instance.close()
        self._monitor.kill()
        self._monitor.wait()

    def run(self, until: float) -> List[str]:
        """Rounds until then; what was wrong."""
        while not any("ready" in line for line in self._lines()):
            time.sleep(0.02)
        self._instance.set_settings("plain")
        self._instance.serve("full")
        self._instance.start()
        settled = self._settles()
        faults = self._faults(settled)
        rounds = 0
        while time.monotonic() < until and not faults:
            rounds += 1
            noisy = min(time.monotonic() + self._dice.uniform(*NOISE_SECONDS), until)
            changes = 0
            while time.monotonic() < noisy:
                self._noise.change()
                changes += 1
                self._instance.check_service()
                self._instance.collect()
                time.sleep(self._dice.choice(PAUSE_SECONDS))
            self._noise.end()
            self._instance.collect(wait=True)
            settled = self._settles()
            faults = self._faults(settled) or self._poke()
            print(
                f"round {rounds}: {changes} changes, right after {settled:.1f} s; {self._instance.size()}", flush=True
            )
        if not faults and self._poked and self._heard * 2 < self._poked:
            faults.append(f"{self._poked} deletions in the quiet: only {self._heard} repaired before a refresh did it")
        self._summary()
        if faults:
            self._explain(faults)
        return faults

    # -- judging -------------------------------------------------------------------------------------------

    def _settles(self) -> float:
        """Waits until the table is right and stays so; after how many seconds, negative when it isn't."""
        began = time.monotonic()
        right_since = 0.0
        while (now := time.monotonic()) < began + QUIET_SECONDS:
            if self._differences():
                right_since = 0.0
            elif not right_since:
                right_since = now
            elif now - right_since >= STAYS_SECONDS:
                return right_since - began
            time.sleep(0.1)
        return -1.0

    def _differences(self) -> List[str]:
        found: List[str] = []
        for family in (4, 6):
            wanted = world.wanted(self._instance.document, self._instance.settings, family)
            shown = world.shown(self._lab, self._instance.settings, family)
            if wanted != shown:
                found += list(difflib.unified_diff(wanted, shown, "wanted", "found", lineterm="", n=0))[2:]
        return found

    def _faults(self, settled: float) -> List[str]:
        """Everything wrong until now."""
        faults = list(self._instance.faults)
        if settled < 0:
            faults.append(f"the table isn't the wanted one {QUIET_SECONDS:g} s after the noise ended")
        if world.untouchable(self._lab) != self._foreign:
            faults.append(f"table 100 or the rules have changed: {world.untouchable(self._lab)}")
        lines = self._lines()
        for line in lines:
            if "foreign" in line:
                faults.append(f"{line['foreign']}, by {line['port']} at {line['t']:.3f}")
            if "lost" in line:
                faults.append(f"the monitor lost notifications, so it proves nothing: {line['lost']}")
        found = verdict.gaps(lines, world.CARRIERS, time.monotonic())
        faults += verdict.problems(found, self._instance.ours, self._instance.away, self._noise.attacks)
        log = NO_HASH.sub("", self._instance.log.read_text(errors="replace"))
        for text in ("bug of guest-routes", "Traceback"):
            if text in log:
                faults.append(f"the service's log has {text!r}:\n{text}{log.partition(text)[2][:4000]}")
        if self._instance.zombies():
            faults.append(f"the service has {self._instance.zombies()} children that nobody waited for")
        if settled >= 0:
            faults += self._by_command()
        return faults

    def _poke(self) -> List[str]:
        """In the quiet a route is deleted: an event must bring it back. A refresh may come first, now and then."""
        before = self._instance.record().get("repairs", 0)
        there = [line for line in world.shown(self._lab, self._instance.settings, 4) if "proto 121" in line]
        destination = self._dice.choice(there).split()[0]
        self._lab.ip("route", "del", destination)
        self._noise.tell(f"poked: {destination}")
        settled = self._settles()
        self._poked += 1
        self._heard += self._instance.record().get("repairs", 0) > before
        return self._faults(settled)

    def _by_command(self) -> List[str]:
        """In the quiet nothing is to be done, and nothing wrong but that a VPN has both halves of the default (R8)."""
        faults = []
        for words, good in ((("plan", "--check"), (5,)), (("status",), (5,))):
            done = self._lab.run(*words)
            if done.returncode not in good:
                faults.append(f"`{' '.join(words)}` ends with {done.returncode}:\n{done.stdout}{done.stderr}")
        return faults

    def _lines(self) -> List[Dict[str, Any]]:
        text = self._monitored.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    # -- telling -------------------------------------------------------------------------------------------

    def _summary(self) -> None:
        changes = ", ".join(f"{name} {count}" for name, count in sorted(self._noise.counts.items()))
        print(f"changes: {changes}")
        lines = self._lines()
        found = verdict.gaps(lines, world.CARRIERS, time.monotonic())
        longest = max(found, key=lambda gap: gap.seconds, default=None)
        if longest is not None:
            print(
                f"default routes: missing {len(found)} times, always by the noise or the kernel, at most "
                f"{longest.seconds:.2f} s (IPv{longest.family}, {', '.join(longest.able)} up); the service was killed, "
                f"stopped or restarted {len(self._instance.away) - 1} times"
            )
        print(f"deleted in the quiet: {self._poked}, repaired by an event: {self._heard}, else by a refresh")
        astray = [line["astray"] for line in lines if "astray" in line]
        if astray:
            print(f"the monitor's own account went astray {len(astray)} times: {astray[-1]}")

    def _explain(self, faults: List[str]) -> None:
        print("\nthe last of what happened:")
        print("\n".join(f"  {event}" for event in self._noise.events))
        print("\nthe last of the service's log:")
        print("\n".join(f"  {line}" for line in self._instance.log.read_text().splitlines()[-40:]))
        differences = self._differences()
        if differences:
            print(f"\nthe table wanted ({self._instance.document}, {self._instance.settings}) and found:")
            print("\n".join(f"  {line}" for line in differences[:DIFFERENCES_SHOWN]))
        print("\nfaults:")
        for fault in faults:
            print(f"  {fault}")


if __name__ == "__main__":
    sys.exit(main())
