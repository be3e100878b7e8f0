"""Measures the service: how fast it repairs, what it keeps in memory, what it costs when nothing and when much happens.

    make bench-service             all of it, some five minutes; its part of RESULTS.md
    python benchmarks/service.py JOB [WORDS]     one of JOBS, as JSON

Each job is a process with namespaces of its own. What is compared runs in the same job and sees the same.
"""

from __future__ import annotations

import json
import os
import random
import select
import socket
import statistics
import struct
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Sequence

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import sections  # noqa: E402

COMMAND = [str(Path(sysconfig.get_path("scripts"), "guest-routes")), "watch"]
DEBIAN = "/usr/bin/python3"
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
RECORD = Path("/run/guest-routes/service")
SETTINGS = Path("/etc/guest-routes.yaml")
LOG = Path("/run/service.log")
DELETIONS = 1000
SLOW_DELETIONS = 30
FOREIGN = 50_000
CHURN = 100
CROWDED_DELETIONS = 100
IDLE_SECONDS = 60
HOUR_OF_REFRESHES = 720
"""One every 5 s for an hour."""
PASSES = 10_000
EVENTS = 100_000
MEMORY_KIB = 12 * 1024


class Service:
    """One service in this process's namespaces."""

    def __init__(self, *words: str, command: Sequence[str] = (), environment: Dict[str, str] = ENVIRONMENT) -> None:
        with LOG.open("wb") as log:
            self._child = subprocess.Popen([*(command or COMMAND), *words], env=environment, cwd="/", stderr=log)
        self.wait(lambda: self.record().get("pid") == self._child.pid)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._child.pid

    def record(self) -> Dict[str, Any]:
        """What it tells `status`."""
        try:
            found: Dict[str, Any] = json.loads(RECORD.read_text())
        except (OSError, ValueError):
            return {}
        return found

    def wait(self, so: Callable[[], object], seconds: float = 300.0) -> None:
        """Until it is so."""
        until = time.monotonic() + seconds
        while not so():
            if self._child.poll() is not None or time.monotonic() > until:
                sys.exit(f"the service is not as it should be:\n{LOG.read_text()[-2000:]}")
            time.sleep(0.05)

    def kib(self) -> Dict[str, int]:
        """RSS and PSS."""
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        return {word: int(line.split()[1]) for line in lines for word in ("Rss", "Pss") if line.startswith(f"{word}:")}

    def switches(self) -> int:
        """How often it has been woken."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))

    def end(self) -> None:
        """In good order."""
        self._child.terminate()
        self._child.wait()


def cpu_seconds(pid: int) -> float:
    """Processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settled_instance(count: int, settings: str = "") -> Any:
    """The documented NICs, a metadata server with so many host routes, and settings; the Lab."""
    from tests.support.lab import Lab, document
    from tests.support.passes import documented

    lab = Lab()
    documented(lab)
    value = json.loads(document("documented").read_text())
    value["networks"][1]["routes"] = value["networks"][1]["routes"][:1] + [
        {"network": destination(n), "netmask": "255.255.255.0", "gateway": "11.8.0.1"} for n in range(count)
    ]
    path = Path("/run/network_data.json")
    path.write_text(json.dumps(value))
    SETTINGS.write_text(settings or "{}\n")
    lab.metadata_server(path)
    return lab


def destination(number: int) -> str:
    """The address of the so-manieth /24."""
    return f"20.{number >> 8}.{number & 255}.0"


def installed(service: Service, count: int) -> None:
    """Waits until all are there."""

    def there() -> bool:
        done = subprocess.run(["ip", "route", "show", "proto", "121"], capture_output=True, check=True)
        return done.stdout.count(b"\n") >= count

    service.wait(there)


# ---- jobs -------------------------------------------------------------------------------------------------


class Listener:
    """Hears when a route is back, or there, in a table; 0 for any."""

    def __init__(self, table: int = 0) -> None:
        self._table = struct.pack("=HHI", 8, 15, table) if table else b""  # RTA_TABLE
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self._socket.bind((0, 0x40))  # RTMGRP_IPV4_ROUTE

    def seconds_until_back(self, wanted: str, since: float) -> float:
        """From `since` (perf_counter) to the notification of that /24."""
        packed = socket.inet_aton(wanted)
        while True:
            if not select.select([self._socket], [], [], 30)[0]:
                sys.exit(f"{wanted}/24 didn't come back within 30 s")
            data = self._socket.recv(1 << 16)
            now = time.perf_counter()
            while data:
                length, kind = struct.unpack_from("=IH", data)
                message = data[:length]
                if kind == 24 and data[17] == 24 and packed in message and self._table in message:
                    return now - since
                data = data[(length + 3) & ~3 :]

    def close(self) -> None:
        """Hears nothing more."""
        self._socket.close()


class Crowd:
    """So many routes of another program through eth0, of which it replaces CHURN again and again."""

    def __init__(self, count: int) -> None:
        self._stop = threading.Event()
        lines = [f"198.{18 + (n >> 15)}.{n >> 7 & 255}.{(n & 127) * 2}/31 dev eth0 proto 99\n" for n in range(count)]
        self._batches = ["".join(f"route {verb} {line}" for line in lines[:CHURN]) for verb in ("del", "add")]
        self._batch("".join(f"route add {line}" for line in lines))
        self._thread = threading.Thread(target=self._churn)
        self._thread.start()

    def _batch(self, lines: str) -> None:
        subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)

    def _churn(self) -> None:
        while not self._stop.wait(0.1):
            for batch in self._batches:
                self._batch(batch)

    def end(self) -> None:
        """No more of it."""
        self._stop.set()
        self._thread.join()


def repairs(engine: str, routes: str, deletions: str, how: str, foreign: str = "0") -> Dict[str, float]:
    """Deletions of different routes one after the other, at random moments; how long until each is back, in ms.

    Args:
        foreign: so many routes of another program beside them, which change all the time; "0" for none.
    """
    from guest_routes.kernel.rtnetlink.engine import RtnetlinkKernel
    from guest_routes.model.network import Prefix, Route, parse_address
    from guest_routes.model.operations import Delete

    lab = settled_instance(int(routes), f"engine: {engine}\n")
    service = Service()
    installed(service, int(routes))
    time.sleep(1)
    kernel = RtnetlinkKernel()
    nic = next(nic for nic in kernel.nics() if nic.name == "eth1")
    crowd = Crowd(int(foreign)) if int(foreign) else None
    time.sleep(5 if crowd else 0)
    listener, taken = Listener(), []
    for number in range(int(deletions)):
        time.sleep(random.uniform(0.0, 0.1))
        address = destination(number % int(routes))
        began = time.perf_counter()
        if how == "ip":
            subprocess.run(["ip", "route", "del", f"{address}/24"], check=True)
        else:
            route = Route(Prefix(socket.inet_aton(address), 24), parse_address("11.8.0.1"), nic.ifindex)
            if kernel.apply([Delete(route, "")]):
                sys.exit(f"{address}/24 can't be deleted")
        taken.append(listener.seconds_until_back(address, began) * 1000)
    if crowd:
        crowd.end()
    service.end()
    lab.close()
    return spread(taken)


def followed(routes: str, additions: str) -> Dict[str, float]:
    """Routes by a router in eth1's subnet that appear in main; how long until each is in eth1's own table, in ms."""
    from guest_routes.model.settings import Settings

    lab = settled_instance(int(routes), "source_routing: true\n")
    service = Service()
    installed(service, int(routes))
    service.wait(lambda: service.record().get("refreshed"))
    time.sleep(1)
    table = Settings().source_routing_table + socket.if_nametoindex("eth1")
    taken = []
    for number in range(int(additions)):
        time.sleep(random.uniform(0.0, 0.1))
        listener, address = Listener(table), f"30.{number >> 8}.{number & 255}.0"
        began = time.perf_counter()
        subprocess.run(["ip", "route", "add", f"{address}/24", "via", "11.8.0.50", "dev", "eth1"], check=True)
        taken.append(listener.seconds_until_back(address, began) * 1000)
        listener.close()
    service.end()
    lab.close()
    return spread(taken)


def spread(taken: List[float]) -> Dict[str, float]:
    """Of so many milliseconds each."""
    taken.sort()
    return {
        "p50": statistics.median(taken), "p99": taken[min(len(taken) - 1, int(len(taken) * 0.99))], "max": taken[-1]
    }  # fmt: skip


def idle(watchdog_seconds: str) -> Dict[str, float]:
    """Wakeups in a minute in which nothing happens."""
    lab = settled_instance(10, "refresh_seconds: 3600\n")
    environment = dict(ENVIRONMENT)
    hearing = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    hearing.bind("/run/notify")
    if float(watchdog_seconds):
        environment["WATCHDOG_USEC"] = str(int(float(watchdog_seconds) * 1e6))
        environment["NOTIFY_SOCKET"] = "/run/notify"
    service = Service(environment=environment)
    service.wait(lambda: service.record().get("refreshed"))
    time.sleep(2)
    before, cpu = service.switches(), cpu_seconds(service.pid)
    time.sleep(IDLE_SECONDS)
    found = {"wakeups": service.switches() - before, "cpu": cpu_seconds(service.pid) - cpu}
    service.end()
    lab.close()
    return found


def as_installed(python: str) -> Dict[str, Any]:
    """How that interpreter runs the installed package: our own environment's, or Debian's on the same modules."""
    if python == sys.executable:
        return {}
    # Not PYTHONPATH: what a machine's .pth files then find and import would be counted as the service's.
    code = (
        f"import sys; sys.path.append({sysconfig.get_path('purelib')!r}); from guest_routes.__main__ import run; run()"
    )
    return {"command": [python, "-c", code, "watch"]}


def hour(python: str) -> Dict[str, int]:
    """Memory over an hour's refreshes, made as fast as they go."""
    lab = settled_instance(10, "refresh_seconds: 0.01\n")
    service = Service(**as_installed(python))
    service.wait(lambda: service.record().get("passes", 0) >= HOUR_OF_REFRESHES // 10)
    start = service.kib()
    service.wait(lambda: service.record().get("passes", 0) >= HOUR_OF_REFRESHES)
    end = service.kib()
    service.end()
    lab.close()
    return {"start": start["Rss"], "rss": end["Rss"], "pss": end["Pss"]}


def flat(python: str, engine: str, passes: str, events: str) -> Dict[str, Any]:
    """Memory at the start, in the middle and at the end of passes, and of events; and what the events cost."""
    lab = settled_instance(10, f"refresh_seconds: 0.0001\nengine: {engine}\n")
    how = as_installed(python)
    service = Service("--metadata", "/run/network_data.json", **how)
    sizes = []
    for part in (0.1, 0.5, 1.0):
        service.wait(lambda part=part: service.record().get("passes", 0) >= int(passes) * part)  # type: ignore[misc]
        sizes.append(service.kib()["Rss"])
    service.end()
    SETTINGS.write_text(f"refresh_seconds: 3600\nengine: {engine}\n")
    service = Service(**how)
    service.wait(lambda: service.record().get("refreshed"))
    with open(os.devnull, "wb") as nowhere:
        monitor = subprocess.Popen(["ip", "monitor", "link", "address", "route", "rule"], stdout=nowhere)
    time.sleep(0.5)
    cpu, monitor_cpu = cpu_seconds(service.pid), cpu_seconds(monitor.pid)
    event_sizes = []
    batches = int(events) // 1000
    text = {
        verb: "".join(f"route {verb} 198.18.{n >> 8}.{n & 255}/32 dev eth1 proto 99\n" for n in range(500))
        for verb in ("add", "del")
    }
    for batch in range(batches):
        for verb in ("add", "del"):
            subprocess.run(["ip", "-batch", "-"], input=text[verb], text=True, check=True)
            time.sleep(0.05)
        if batch + 1 in (batches // 10, batches // 2, batches):
            event_sizes.append(service.kib()["Rss"])
    time.sleep(0.5)
    found = {
        "passes": sizes, "events": event_sizes, "cpu": cpu_seconds(service.pid) - cpu,
        "monitor_cpu": cpu_seconds(monitor.pid) - monitor_cpu, "pss": service.kib()["Pss"],
        "monitor_kib": int(Path(f"/proc/{monitor.pid}/statm").read_text().split()[1]) * 4,
    }  # fmt: skip
    os.kill(service.pid, 1)  # SIGHUP: it publishes what it has heard; of an overrun queue it can't tell how many.
    service.wait(lambda: service.record().get("events", 0) >= int(events) // 2, 30)
    found["heard"] = service.record()["events"]
    monitor.kill()
    monitor.wait()
    service.end()
    lab.close()
    return found


JOBS: Dict[str, Callable[..., Dict[str, Any]]] = {
    "repairs": repairs, "followed": followed, "idle": idle, "hour": hour, "flat": flat,
}  # fmt: skip


# ---- the whole ------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """One row of the table."""

    what: str
    measured: str
    supplements: str
    target: str


def start(job: str, *words: str) -> subprocess.Popen[bytes]:
    """A job's process."""
    return subprocess.Popen([sys.executable, __file__, job, *words], stdout=subprocess.PIPE, cwd=ROOT)


def result(job: subprocess.Popen[bytes]) -> Dict[str, Any]:
    """What a job has found."""
    out, _ = job.communicate()
    if job.returncode:
        sys.exit(f"{' '.join(map(str, job.args))}: exit {job.returncode}")  # type: ignore[arg-type]
    found: Dict[str, Any] = json.loads(out)
    print(f"{' '.join(map(str, job.args[2:]))}: {found}", file=sys.stderr, flush=True)  # type: ignore[index]
    return found


def measure() -> List[Line]:
    """Every row. What sleeps runs beside the rest."""
    quiet, beats = start("idle", "0"), start("idle", "10")
    deleted = result(start("repairs", "rtnetlink", "1100", str(DELETIONS), "netlink"))
    by_ip = result(start("repairs", "rtnetlink", "40", "120", "ip"))
    crowded = result(start("repairs", "rtnetlink", "100", str(CROWDED_DELETIONS), "netlink", str(FOREIGN)))
    slow = result(start("repairs", "pyroute2", "1100", str(SLOW_DELETIONS), "netlink"))
    into_table = result(start("followed", "40", "120"))
    into_full_table = result(start("followed", "1000", "40"))
    quiet_found, beats_found = result(quiet), result(beats)
    hours = [start("hour", python) for python in (sys.executable, DEBIAN)]
    own_hour, debian_hour = (result(job) for job in hours)
    flats = [start("flat", python, "rtnetlink", str(PASSES), str(EVENTS)) for python in (sys.executable, DEBIAN)]
    own, debian = (result(job) for job in flats)
    other = result(start("flat", sys.executable, "pyroute2", "200", "10000"))

    def times(found: Dict[str, float]) -> str:
        return f"p50 {found['p50']:.0f}, p99 {found['p99']:.0f}, max {found['max']:.0f} ms"

    def sizes(found: Sequence[int]) -> str:
        return ", ".join(f"{one:,}" for one in found) + " KiB"

    most = f"<= {MEMORY_KIB:,} KiB"
    return [
        Line(f"a deleted route is back, {DELETIONS:,} of 1,100 routes", times(deleted), f"pyroute2: {times(slow)}",
             "p99 <= 20 ms"),
        Line("the same, deleted by `ip`, 120 of 40 routes", times(by_ip), "", "p99 <= 20 ms"),
        Line(f"the same among {FOREIGN:,} foreign routes, of which {CHURN} go and come all the time",
             times(crowded), "", "p99 <= 200 ms"),
        Line("a route that appears in main is in its NIC's own table (source routing), 40 routes", times(into_table),
             f"1,000 routes: {times(into_full_table)}", "<= 100 ms"),
        Line(f"resident after {HOUR_OF_REFRESHES} refreshes", f"{own_hour['rss']:,} KiB (PSS {own_hour['pss']:,})",
             f"after {HOUR_OF_REFRESHES // 10}: {own_hour['start']:,}", most),
        Line("the same, Debian's Python", f"{debian_hour['rss']:,} KiB (PSS {debian_hour['pss']:,})",
             f"after {HOUR_OF_REFRESHES // 10}: {debian_hour['start']:,}", most),
        Line(f"resident after 10, 50, 100 % of {PASSES:,} passes", sizes(own["passes"]),
             f"pyroute2, 200 passes: {sizes(other['passes'])}", "flat"),
        Line(f"resident after 10, 50, 100 % of {own['heard']:,} events", sizes(own["events"]),
             f"pyroute2, 10,000: {sizes(other['events'])}; `ip monitor`: {own['monitor_kib']:,}", "flat"),
        Line("both, Debian's Python", f"{sizes(debian['passes'])}; {sizes(debian['events'])}", "", "flat"),
        Line(f"processor time for {own['heard']:,} events", f"{own['cpu']:.2f} s",
             f"`ip monitor` {own['monitor_cpu']:.2f} s; pyroute2, 10,000: {other['cpu']:.2f} s", "-"),
        Line(f"wakeups in {IDLE_SECONDS} s of quiet", f"{quiet_found['wakeups']}", "", "0"),
        Line("the same with a watchdog of 10 s", f"{beats_found['wakeups']}", "", f"{IDLE_SECONDS // 5}, its beats"),
    ]  # fmt: skip


def results(lines: Sequence[Line]) -> str:
    """The part of RESULTS.md."""
    head = [
        f"`make bench-service`: {sections.machine()}. The service as it is installed, in namespaces of its own. Each",
        "deletion comes up to 0.1 s after the last repair; the time is from the deletion to the kernel's notification",
        "that the route is back. Refreshes ask a real metadata server, as fast as they can. What stands beside a",
        "figure was measured in the same way, `ip monitor` on the same events at the same time.",
        "",
        "| what | measured | supplements | target |",
        "| --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *(f"| {' | '.join(line)} |" for line in lines)]) + "\n"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        from tests.support import sandbox

        sandbox.enter()
        print(json.dumps(JOBS[sys.argv[1]](*sys.argv[2:])))
    else:
        text = results(measure())
        print(text)
        sections.write("The service", text)
