"""Where network_data.json comes from; the only module that speaks HTTP (requests, imported when it is needed).

A source that has nothing says why, in words, and the next one is asked (R10, R11):

    http             every metadata address through every NIC at once; the first valid answer wins
    config-drive     a block device labelled config-2, mounted for a moment where nobody else sees it
    last-known-good  what the last accepted pass kept, for this instance only
    cloud-init       what cloud-init crawled; stale from the second boot on

Known hazards: a proxy or a redirect would send the question elsewhere, so both are off whatever the environment
says. A server can trickle for ever, so the deadline is kept by the one who waits, not by socket timeouts. The
zone of fe80::a9fe:a9fe must not get into the Host header. A container may answer on its own veth, so where
there are plain NICs only they, and what stands on them, are asked.
"""

from __future__ import annotations

import json
import os
import time

from .errors import MetadataError
from .model import Nic, address_text
from .policy import Settings
from .state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    import queue
    import threading
    from typing import Any, Callable, NamedTuple, Sequence, TypeAlias, Union

    import requests
else:
    from .values import NamedTuple


NETWORK_DATA = "network_data.json"
META_DATA = "meta_data.json"
LATEST = "openstack/latest"
"""Source: Nova's documentation, "Metadata", OpenStack format metadata API."""
LIMIT_BYTES = 5 * 1024 * 1024
"""Of what comes over the network or from a drive (R11)."""
LOCAL_LIMIT_BYTES = 64 * 1024 * 1024
"""Of what the operator names on the command line: a hundred thousand routes are 8 MiB."""
BACKOFF_SECONDS = (0.2, 2.0)
"""The pause after a first failure, and what its doubling ends at."""
TICK_SECONDS = 0.5
"""How often new NICs are looked for, and told what is being waited for."""
UUID_SECONDS = 2.0
INSTANCE_DATA = ("/run/cloud-init/instance-data-sensitive.json", "/run/cloud-init/instance-data.json")

REMEDIES = {
    "http": "`guest-routes doctor` shows which NIC reaches the metadata service",
    "config-drive": "an instance created with `--config-drive true` has one",
    "last-known-good": "a pass that reaches another source keeps it",
    "cloud-init": "it is there when cloud-init's datasource is OpenStack or ConfigDrive",
}


class Document(NamedTuple):
    """A network_data.json as it came, and from where."""

    data: bytes
    source: str
    """One of policy.SOURCES, or "given" (for --metadata)."""
    where: str
    """For people: "http://169.254.169.254 through eth0", "config drive /dev/vdb", a path."""
    age_seconds: float = 0.0
    """0 for what came over HTTP just now."""
    uuid: str = ""
    """The instance's uuid in the meta_data.json beside it; "" when unknown."""


class Way(NamedTuple):
    """One metadata URL through one NIC."""

    url: str
    nic: str = ""
    """"" for whichever NIC the routing table says."""
    bound: bool = False
    """By SO_BINDTODEVICE: the NIC is used whatever the routing table says."""
    source: tuple[str, int, int, int] = ("", 0, 0, 0)
    """Where a link-local URL's socket can't be bound to the NIC: the NIC's own link-local address, with its zone."""

    @property
    def host(self) -> str:
        """The URL's host, IPv6 in brackets, with the port when it has one."""
        return self.url.partition("://")[2].partition("/")[0].rpartition("@")[2]

    def __str__(self) -> str:
        return self.url.rstrip("/") + (f" through {self.nic}" if self.nic else "")


class Failed(NamedTuple):
    """Why an attempt brought nothing."""

    reason: str
    """"" when the time was up."""
    final: bool
    """Another attempt would bring the same."""


Nics: TypeAlias = "Callable[[], tuple[Nic, ...]]"
Tell: TypeAlias = "Callable[[str], None]"


def _tell_nobody(text: str) -> None:
    """Nobody watches."""


def find(settings: Settings, nics: Nics, state: State, given: str = "", tell: Tell = _tell_nobody) -> Document:
    """The instance's network_data.json: the given one, else from the first of the settings' sources that has one.

    `nics` is asked again and again while waiting, since at boot NICs appear late. `tell` gets a line about every
    half second of waiting. What HTTP brings is a JSON object; whatever comes from elsewhere is as it was found.

    Raises:
        MetadataError: no source has one; a line for each says why, and what to do.
    """
    if given:
        got = _from_given(given, settings, nics, tell)
        if isinstance(got, str):
            raise MetadataError(f"cannot get the metadata given as {given}: {got}; nothing was changed")
        return got
    asked: dict[str, Callable[[], Union[Document, str]]] = {
        "http": lambda: _from_http(settings.metadata_urls, settings, nics, tell),
        "config-drive": lambda: _from_config_drive(settings.deadline_seconds, tell),
        "last-known-good": lambda: _from_last_known_good(state, nics),
        "cloud-init": _from_cloud_init,
    }
    reasons: list[str] = []
    for source in settings.sources:
        got = asked[source]()
        if isinstance(got, Document):
            return got
        reasons.append(f"  {source}: {got}; {REMEDIES[source]}")
    lines = ["cannot find network_data.json; nothing was changed", *reasons, "name one: --metadata FILE, DIR or URL"]
    raise MetadataError("\n".join(lines))


def probe(settings: Settings, nics: Sequence[Nic], deadline_seconds: float) -> bool:
    """Whether a TCP connection to any metadata address can be made now, through any NIC or unbound (R8).

    All are tried at once, and again until the deadline, so that a service being restarted isn't taken for a
    way that is cut.
    """
    import selectors

    until = time.monotonic() + deadline_seconds
    urls, usable = settings.metadata_urls, usable_nics(nics, settings.ignore_nics)
    while True:
        with selectors.DefaultSelector() as selector:
            try:
                for way in dict.fromkeys(ways_to(urls, usable) + ways_to(urls, usable, bind=False)):
                    connecting = _start_connecting(way)
                    if connecting is not None:
                        selector.register(connecting, selectors.EVENT_WRITE)
                while selector.get_map() and time.monotonic() < until:
                    for key, _ in selector.select(max(0.0, until - time.monotonic())):
                        if _connected(key.fileobj):
                            return True
                        selector.unregister(key.fileobj)
                        key.fileobj.close()  # type: ignore[union-attr]
            finally:
                for key in list(selector.get_map().values()):
                    key.fileobj.close()  # type: ignore[union-attr]
        if time.monotonic() + BACKOFF_SECONDS[0] >= until:
            return False
        time.sleep(BACKOFF_SECONDS[0])


# ---- HTTP: which ways there are ---------------------------------------------------------------------


def usable_nics(nics: Sequence[Nic], ignored: Sequence[str]) -> tuple[Nic, ...]:
    """The NICs through which the metadata service may be asked: up, with a carrier, no port of another one.

    Where the machine has plain NICs (kind ""), only they and the VLANs, bonds and bridges on them count.
    """
    from fnmatch import fnmatchcase

    trusted = {nic.ifindex for nic in nics if not nic.kind and any(nic.mac)}
    if trusted:
        for _ in nics:  # a VLAN on a bond on a NIC: one step of the ladder at a time
            trusted |= {nic.master for nic in nics if nic.ifindex in trusted and nic.master}
            trusted |= {nic.ifindex for nic in nics if nic.kind == "vlan" and nic.parent in trusted}
    return tuple(
        nic
        for nic in nics
        if (nic.up and nic.running and not nic.master and any(nic.mac))
        and (not trusted or nic.ifindex in trusted)
        and not any(fnmatchcase(nic.name, pattern) for pattern in ignored)
    )


def ways_to(urls: Sequence[str], nics: Sequence[Nic], bind: bool = True) -> tuple[Way, ...]:
    """Each URL through each NIC; without `bind`, or where that isn't permitted, by the routing table's choice.

    A link-local URL goes through each NIC in any case. Its zone never stands in the URL, where it would get into
    the Host header (and urllib3 reads it differently from version to version): the kernel takes it from the NIC
    or the source address that the socket is bound to.
    """
    ways: dict[Way, None] = {}
    for url in urls:
        link_local = Way(url).host.lower().startswith(("[fe8", "[fe9", "[fea", "[feb"))
        if not (bind or link_local):
            ways[Way(url)] = None
            continue
        for nic in nics:
            if _may_bind(nic.name):
                ways[Way(url, nic.name, bound=True)] = None
            elif not link_local:
                ways[Way(url)] = None
            else:
                own = next((address_text(a.address) for a in nic.addresses if a.address[:2] == b"\xfe\x80"), "")
                if own:
                    ways[Way(url, nic.name, source=(own, 0, 0, nic.ifindex))] = None
    return tuple(ways)


def _device_option(nic: str) -> tuple[int, int, bytes]:
    """The socket option which binds to a NIC. Source: socket(7), SO_BINDTODEVICE."""
    import socket

    return socket.SOL_SOCKET, socket.SO_BINDTODEVICE, os.fsencode(nic) + b"\0"


def _may_bind(nic: str) -> bool:
    """Before Linux 5.7, and in some sandboxes, SO_BINDTODEVICE asks for CAP_NET_RAW."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        try:
            tried.setsockopt(*_device_option(nic))
        except PermissionError:
            return False
        except OSError:
            return True  # the NIC has just gone: the attempt will say so
    return True


def _start_connecting(way: Way) -> Any | None:
    import socket
    from urllib.parse import urlsplit

    made = None
    try:
        parts = urlsplit(way.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        kind, _, _, _, address = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(kind, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        if way.bound:
            made.setsockopt(*_device_option(way.nic))
        if way.source[0]:
            made.bind(way.source)
        made.connect(address)
    except BlockingIOError:
        return made
    except (OSError, ValueError):
        if made is not None:
            made.close()
        return None
    return made


def _connected(connecting: Any) -> bool:
    import socket

    return bool(connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0)


# ---- HTTP: asking -----------------------------------------------------------------------------------


def _from_http(
    urls: Sequence[str], settings: Settings, nics: Nics, tell: Tell, bind: bool = True
) -> Union[Document, str]:
    """Ask every way at once until one answers, all have failed for good, or the deadline has come.

    The threads are daemons: whatever one of them still waits for, nobody waits for it.
    """
    try:
        import requests  # noqa: F401  # once, before the threads would do it all at a time
    except ImportError as error:
        return f"{error}; install it (pip install requests, or Debian's python3-requests)"
    import queue
    import threading

    started = time.monotonic()
    until = started + settings.deadline_seconds
    answers: queue.SimpleQueue[tuple[Way, Union[bytes, str, Failed]]] = queue.SimpleQueue()
    asked: dict[Way, Failed | None] = {}
    stop, won = threading.Event(), threading.Lock()
    next_look = started
    try:
        while (now := time.monotonic()) < until:
            if now >= next_look:
                if asked or now - started >= TICK_SECONDS:
                    tell(_waiting_text(asked, now - started, settings.deadline_seconds))
                next_look = now + TICK_SECONDS
                for way in ways_to(urls, usable_nics(nics(), settings.ignore_nics), bind):
                    if way not in asked:
                        asked[way] = None
                        threading.Thread(target=_ask, args=(way, until, stop, won, answers), daemon=True).start()
            try:
                way, got = answers.get(timeout=max(0.0, min(next_look, until) - time.monotonic()))
            except queue.Empty:
                continue
            if isinstance(got, bytes):
                return Document(got, "http", str(way), 0.0, _await_uuid(answers, way, until))
            if isinstance(got, Failed) and got.reason:
                asked[way] = got
                if all(failed is not None and failed.final for failed in asked.values()):
                    break
    finally:
        stop.set()
    if not asked:
        return f"no NIC to ask through was up and running within {settings.deadline_seconds:g} s"
    silent = Failed(f"no answer within {settings.deadline_seconds:g} s", False)
    return "; ".join(f"{way.nic or 'any NIC'}: {(why or silent).reason} ({way.host})" for way, why in asked.items())


def _ask(
    way: Way,
    until: float,
    stop: threading.Event,
    won: threading.Lock,
    answers: queue.SimpleQueue[tuple[Way, Union[bytes, str, Failed]]],
) -> None:
    """A thread: try one way until it answers; the first of all to hold `won` also asks for the uuid."""
    base = way.url.rstrip("/")
    base = base[: -len(NETWORK_DATA)] if base.endswith(NETWORK_DATA) else f"{base}/{LATEST}/"
    pause, longest = BACKOFF_SECONDS
    with _session(way) as session:
        while not stop.is_set():
            got = _get(session, base + NETWORK_DATA, until)
            if isinstance(got, bytes):
                if won.acquire(blocking=False):
                    answers.put((way, got))
                    meta = _get(session, base + META_DATA, until)
                    answers.put((way, _uuid_of(meta) if isinstance(meta, bytes) else ""))
                return
            answers.put((way, got))
            if got.final or time.monotonic() + pause >= until or stop.wait(pause):
                return
            pause = min(pause * 2, longest)


def _await_uuid(answers: queue.SimpleQueue[Any], winner: Way, until: float) -> str:
    """The uuid that the winner's thread asks for next; "" when it doesn't come soon: it only guards a later boot."""
    import queue

    until = min(until, time.monotonic() + UUID_SECONDS)
    while True:
        try:
            way, got = answers.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            return ""
        if way == winner and isinstance(got, str):
            return got


def _session(way: Way) -> requests.Session:
    """A session bound to the way's NIC that nothing in the environment can lead elsewhere (R11)."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection

    class BoundAdapter(HTTPAdapter):
        """Connections whose sockets are bound to the NIC."""

        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            if way.bound:
                options["socket_options"] = [*HTTPConnection.default_socket_options, _device_option(way.nic)]
            if way.source[0]:
                options["source_address"] = way.source
            super().init_poolmanager(*args, **options)

    session = requests.Session()
    session.trust_env = False  # no proxies, no netrc
    session.headers.update({"Connection": "close", "Accept-Encoding": "identity"})
    for scheme in ("http://", "https://"):
        session.mount(scheme, BoundAdapter())
    return session


def _get(session: requests.Session, url: str, until: float) -> Union[bytes, Failed]:
    """One GET of a JSON object: its bytes, or why not."""
    import requests
    import urllib3

    remaining = max(0.01, until - time.monotonic())
    try:
        with session.get(url, timeout=remaining, allow_redirects=False, stream=True) as response:
            if response.is_redirect or response.is_permanent_redirect:
                return Failed(f"redirect to {ascii(response.headers['Location'])[1:-1][:200]} refused", True)
            if response.status_code != 200:
                passing = response.status_code >= 500 or response.status_code in (408, 425, 429)
                return Failed(f"HTTP {response.status_code}", not passing)
            return _body(response, until)
    except requests.exceptions.SSLError as error:
        return Failed(f"TLS failed: {error}", True)
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        return Failed(str(error), True)
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        return Failed("", False)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return Failed(_network_reason(error), False)


def _body(response: requests.Response, until: float) -> Union[bytes, Failed]:
    """The body of an answer, within the limits of size and time."""
    too_large = Failed(f"more than {LIMIT_BYTES >> 20} MiB", True)
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and int(announced) > LIMIT_BYTES:
        return too_large
    parts: list[bytes] = []
    size = 0
    response.raw.enforce_content_length = False  # said below, the same with every version of urllib3
    # Not decoded: a compressed body, which wasn't asked for, could be of any size.
    for part in response.raw.stream(65536, decode_content=False):
        parts.append(part)
        size += len(part)
        if size > LIMIT_BYTES:
            return too_large
        if time.monotonic() >= until:
            return Failed(f"no more than {size} bytes in time", False)
    if announced.isdigit() and size < int(announced):
        return Failed(f"answer ends after {size} of {announced} bytes", False)
    data = b"".join(parts)
    complaint = _not_an_object(data)
    return Failed(f"answer is {complaint}", True) if complaint else data


def _network_reason(error: BaseException) -> str:
    """What the system said, from under the wrappings of requests and urllib3."""
    innermost: BaseException | None = error
    while innermost is not None:
        if isinstance(innermost, OSError) and innermost.errno:
            return (innermost.strerror or os.strerror(innermost.errno)).lower()
        if type(innermost).__name__ in ("RemoteDisconnected", "IncompleteRead"):
            return "connection closed before the end of an answer"
        innermost = innermost.__cause__ or innermost.__context__
    return str(error)


def _waiting_text(asked: dict[Way, Failed | None], waited: float, deadline: float) -> str:
    time_text = f"({waited:.1f} s of {deadline:g} s)"
    if not asked:
        return f"waiting for a NIC that is up and running {time_text}"
    hosts = " and ".join(dict.fromkeys(way.host.strip("[]") for way in asked))
    names = ", ".join(dict.fromkeys(way.nic for way in asked if way.nic))
    return f"asking {hosts}" + (f" through {names}" if names else "") + f" {time_text}"


# ---- documents --------------------------------------------------------------------------------------


def _not_an_object(data: bytes) -> str:
    """What is wrong with bytes that should be a JSON object; "" when nothing is."""
    try:
        value = json.loads(data)
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at byte {len(error.doc[: error.pos].encode())}"
    except UnicodeDecodeError as error:
        return f"not JSON: {error.reason} at byte {error.start}"
    except RecursionError:
        return "not JSON: nested too deeply"
    return "" if isinstance(value, dict) else f"not a JSON object but {ascii(value)[:40]}"


def _uuid_of(meta_data: bytes) -> str:
    """The instance's uuid in a meta_data.json; "" when it says none."""
    try:
        uuid = json.loads(meta_data)["uuid"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return uuid if isinstance(uuid, str) else ""


class _Read(NamedTuple):
    data: bytes
    mtime: float


def _read(path: str) -> Union[_Read, str]:
    """A file's bytes and mtime, or why not."""
    try:
        with open(path, "rb") as file:
            data = file.read(LOCAL_LIMIT_BYTES + 1)
            mtime = os.fstat(file.fileno()).st_mtime
    except OSError as error:
        return f"{path}: {(error.strerror or str(error)).lower()}"
    too_large = len(data) > LOCAL_LIMIT_BYTES
    return f"{path}: more than {LOCAL_LIMIT_BYTES >> 20} MiB" if too_large else _Read(data, mtime)


def _age(mtime: float) -> float:
    return max(0.0, time.time() - mtime)


# ---- given with --metadata --------------------------------------------------------------------------


def _from_given(given: str, settings: Settings, nics: Nics, tell: Tell) -> Union[Document, str]:
    """A file, "-", a tree like a config drive's, or a base URL, whose address may be any."""
    if "://" in given:
        if not given.lower().startswith(("http://", "https://")):
            return "only http and https are spoken"
        got = _from_http((given,), settings, nics, tell, bind=False)
        return got if isinstance(got, str) else got._replace(source="given")
    if given == "-":
        import sys

        data = sys.stdin.buffer.read(LOCAL_LIMIT_BYTES + 1)
        too_large = len(data) > LOCAL_LIMIT_BYTES
        return f"more than {LOCAL_LIMIT_BYTES >> 20} MiB" if too_large else Document(data, "given", "standard input")
    path = given
    if os.path.isdir(given):
        places = [os.path.join(given, place, NETWORK_DATA) for place in (LATEST, "latest", "")]
        path = next((place for place in places if os.path.exists(place)), places[0])
    return _from_file(path, "given", path)


def _from_file(path: str, source: str, where: str) -> Union[Document, str]:
    got = _read(path)
    if isinstance(got, str):
        return got
    meta = _read(os.path.join(os.path.dirname(path), META_DATA))
    uuid = "" if isinstance(meta, str) else _uuid_of(meta.data)
    return Document(got.data, source, where, _age(got.mtime), uuid)


# ---- config drive -----------------------------------------------------------------------------------

_READ_DRIVE = """
mount -o ro,nosuid,nodev,noexec "$1" "$2" || exit 42
cd "$2/$3" || exit 43
for name in "$4" "$5"; do
    stat -L -c "%n %s %Y" "$name" && head -c "$6" "$name"
done
"""
"""Each file as a line with its name, size and mtime, and then its bytes."""


def _from_config_drive(deadline_seconds: float, tell: Tell) -> Union[Document, str]:
    """The first device labelled config-2 that holds the document.

    Source: Nova's documentation, "Config drives"; the label in capitals is what vfat makes of it.
    """
    devices = _labelled_devices(deadline_seconds)
    if not devices:
        unseen = "" if os.geteuid() == 0 else " (only root can look into all of them)"
        return "no block device is labelled config-2" + unseen
    reasons: list[str] = []
    for device in devices:
        tell(f"reading config drive {device}")
        mounted = _mount_point(device)
        path = os.path.join(mounted, LATEST, NETWORK_DATA)
        where = f"config drive {device}"
        got = _from_file(path, "config-drive", where) if mounted else _read_drive(device, where, deadline_seconds)
        if isinstance(got, Document):
            return got
        reasons.append(got)
    return "; ".join(reasons)


def _labelled_devices(deadline_seconds: float) -> tuple[str, ...]:
    links = [f"/dev/disk/by-label/{label}" for label in ("config-2", "CONFIG-2")]
    found = [os.path.realpath(link) for link in links if os.path.exists(link)]
    if found:
        return tuple(found)
    for label in ("config-2", "CONFIG-2"):
        # -c: the cache knows drives that were there once.
        ran = _run(["blkid", "-c", "/dev/null", "-t", f"LABEL={label}", "-o", "device"], deadline_seconds)
        if isinstance(ran, _Ran):
            found += sorted(os.fsdecode(line) for line in ran.output.splitlines())
    return tuple(found)


def _mount_point(device: str) -> str:
    """Where a device is mounted already, as a whole; "" when it isn't. Source: proc_pid_mountinfo(5)."""
    try:
        number = os.stat(device).st_rdev
        with open("/proc/self/mountinfo", "rb") as file:
            lines = [line.split() for line in file]
    except OSError:
        return ""
    wanted = b"%d:%d" % (os.major(number), os.minor(number))
    point = next((fields[4] for fields in lines if fields[2:4] == [wanted, b"/"]), b"")
    for character in b" \t\n\\":
        point = point.replace(b"\\%03o" % character, bytes((character,)))
    return os.fsdecode(point)


def _read_drive(device: str, where: str, deadline_seconds: float) -> Union[Document, str]:
    """Mount the drive in a mount namespace that ends with the child, so that not even kill -9 leaves it mounted."""
    point = "/mnt" if os.path.isdir("/mnt") else "/tmp"  # noqa: S108  # hidden in the child's namespace only
    command = ["unshare", "--mount", "sh", "-c", _READ_DRIVE, "sh"]
    command += [device, point, LATEST, NETWORK_DATA, META_DATA, str(LIMIT_BYTES + 1)]
    ran = _run(command, deadline_seconds)
    if isinstance(ran, str):
        return f"cannot read {device}: {ran}"
    said = ran.said
    if ran.returncode == 43:
        return f"{device} has no {LATEST}"
    _, unknown, rest = said.partition("unknown filesystem type '")
    if unknown:
        kind = rest.partition("'")[0]
        return f"cannot mount {device}: this kernel has no driver for its filesystem type {kind} (modprobe {kind})"
    if ran.returncode == 42 or not ran.output:
        return f"cannot mount or read {device}: {said or 'exit code ' + str(ran.returncode)}"
    files = _drive_files(ran.output)
    got = files.get(NETWORK_DATA)
    if got is None:
        return f"{device} has no {LATEST}/{NETWORK_DATA}"
    if len(got.data) > LIMIT_BYTES:
        return f"{device}: more than {LIMIT_BYTES >> 20} MiB"
    meta = files.get(META_DATA)
    return Document(got.data, "config-drive", where, _age(got.mtime), _uuid_of(meta.data) if meta else "")


def _drive_files(output: bytes) -> dict[str, _Read]:
    files: dict[str, _Read] = {}
    while output:
        line, _, output = output.partition(b"\n")
        name, size, mtime = line.decode().split(" ")
        length = min(int(size), LIMIT_BYTES + 1)
        if len(output) < length:
            break
        files[name] = _Read(output[:length], float(mtime))
        output = output[length:]
    return files


class _Ran(NamedTuple):
    returncode: int
    output: bytes
    said: str


def _run(command: Sequence[str], deadline_seconds: float) -> Union[_Ran, str]:
    """Run one of the system's tools; why it brought nothing. One that hangs on a dead device isn't waited for."""
    import signal
    import subprocess

    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    try:
        child = subprocess.Popen(command, stdin=null, stdout=pipe, stderr=pipe, env=environment, start_new_session=True)
    except OSError as error:
        return f"{command[0]}: {error.strerror}"
    try:
        output, said = child.communicate(timeout=deadline_seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        return f"{command[0]}: nothing came within {deadline_seconds:g} s"
    return _Ran(child.returncode, output, " ".join(said.decode("utf-8", "replace").split()))


# ---- last known good, cloud-init --------------------------------------------------------------------


def _from_last_known_good(state: State, nics: Nics) -> Union[Document, str]:
    kept = state.last_known_good(nics())
    if kept.reason:
        return kept.reason
    return Document(kept.data, "last-known-good", f"last known good (from {kept.where})", _age(kept.fetched), kept.uuid)


def _from_cloud_init() -> Union[Document, str]:
    """cloud-init's copy of the document. Source: cloud-init's documentation, "Instance metadata"."""
    reasons: list[str] = []
    for path in [path for path in INSTANCE_DATA if os.access(path, os.R_OK)] or INSTANCE_DATA[-1:]:
        got = _read(path)
        if isinstance(got, str):
            reasons.append(got)
            continue
        try:
            crawled = json.loads(got.data)["ds"]
            network_json = crawled["network_json"]
        except (ValueError, KeyError, TypeError, RecursionError):
            reasons.append(f"{path}: no ds.network_json in it")
            continue
        if not isinstance(network_json, dict):
            reasons.append(f"{path}: its ds.network_json is no object but {ascii(network_json)[:40]}")
            continue
        uuid = _uuid_of(json.dumps(crawled.get("meta_data")).encode())
        data = json.dumps(network_json).encode()
        return Document(data, "cloud-init", f"cloud-init's crawled copy ({path})", _age(got.mtime), uuid)
    return "; ".join(reasons)
