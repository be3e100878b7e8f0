"""What is accepted, how layers merge, and the exact words of problems."""

from __future__ import annotations

import errno
import json
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.errors import SettingsError
from guest_routes.model.network import parse_address, parse_prefix
from guest_routes.model.network_data import HostRoute
from guest_routes.model.settings import SOURCES, GatewaySetting, Selector, Settings
from guest_routes.settings import load as settings

ROOT = Path(__file__).parents[3]
NAMES = [key.name for key in settings.KEYS]


class Files:
    """An /etc and a stanza of its own."""

    def __init__(self, path: Path) -> None:
        self.etc, self.stanza = path / "etc", path / "stanza.json"
        (self.etc / "guest-routes.d").mkdir(parents=True)
        self.main = self.etc / "guest-routes.yaml"

    def drop_in(self, name: str, text: str) -> Path:
        path = self.etc / "guest-routes.d" / name
        path.write_text(text)
        return path

    def read(self, flags: Any = None, settings_file: str = "") -> Settings:
        return settings.read(flags or {}, settings_file, str(self.etc), str(self.stanza))

    def problems(self, flags: Any = None, settings_file: str = "") -> List[str]:
        with pytest.raises(SettingsError) as raised:
            self.read(flags, settings_file)
        return [line.replace(str(self.etc), "/etc") for line in str(raised.value).splitlines()]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_example_file_states_the_defaults(files: Files) -> None:
    example = (ROOT / "packaging/guest-routes.yaml").read_text()
    files.main.write_text(example)
    assert files.read() == Settings()
    uncommented = re.sub(rf"^# ({'|'.join(NAMES)}):", r"\1:", example, flags=re.MULTILINE)
    assert list(yaml.safe_load(uncommented)) == NAMES
    files.main.write_text(uncommented)
    assert files.read() == Settings()


def host_route(text: str, source: str, index: int = 0) -> HostRoute:
    destination, next_hop = text.split(",")
    return HostRoute(parse_prefix(destination), parse_address(next_hop), source, -1, index)


ACCEPTED: Dict[str, Dict[str, Any]] = {
    "": {},
    "{}": {},
    "guest_routes:": {},
    "guest_routes: {metric: 7}": {"metric": 7},
    "routes:": {},
    "enabled: off": {"enabled": False},
    "enabled: 'no'": {"enabled": False},
    "enabled: yes": {"enabled": True},
    "default: auto": {"default": None},
    "default: {nic: eth0}": {"default": Selector(nic="eth0")},
    "default: nic=eth0": {"default": Selector(nic="eth0")},
    "default: {mac: 'FA:16:3e:00:00:01'}": {"default": Selector(mac=bytes.fromhex("fa163e000001"))},
    "default: network=aa-bb": {"default": Selector(network="aa-bb")},
    "default: {subnet: 10.65.0.7/24}": {"default": Selector(subnet=parse_prefix("10.65.0.0/24"))},
    "default_mode: demote": {"default_mode": "demote"},
    "next_hops: on-link": {"next_hops": "on-link"},
    "sources: [config-drive, http]": {"sources": ("config-drive", "http")},
    "sources: http, config-drive": {"sources": ("http", "config-drive")},
    "metadata_urls: ['http://192.0.2.1:8775/']": {"metadata_urls": ("http://192.0.2.1:8775",)},
    "table: main": {"table": 254},
    "table: 1000000": {"table": 1000000},
    "protocol: 200": {"protocol": 200},
    "ignore_nics: ['docker*', tun0]": {"ignore_nics": ("docker*", "tun0")},
    "ignore_nics: docker0": {"ignore_nics": ("docker0",)},
    "ignore_destinations: [169.254.1.1/16, 'fd00::/8']": {
        "ignore_destinations": (parse_prefix("169.254.0.0/16"), parse_prefix("fd00::/8"))
    },
    "refresh_seconds: 0.5": {"refresh_seconds": 0.5},
    "deadline_seconds: '3'": {"deadline_seconds": 3.0},
    "engine: pyroute2": {"engine": "pyroute2"},
}


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(files: Files, text: str) -> None:
    files.main.write_text(text)
    assert files.read() == Settings()._replace(**ACCEPTED[text])


def test_host_routes_in_both_forms_are_masked(files: Files) -> None:
    files.main.write_text("routes:\n- 11.11.3.4/16, 11.8.0.1\n- {destination: 'fd11::/48', nexthop: 'fd08::1'}\n")
    source = str(files.main)
    assert files.read().routes == (
        host_route("11.11.0.0/16,11.8.0.1", source),
        host_route("fd11::/48,fd08::1", source, 1),
    )
    assert files.read().routes[1].place == f"routes[1] of {source}"


def test_gateways_by_every_selector(files: Files) -> None:
    uuid = "3fa85f64-5717-4562-b3fc-2c963f66afa6"
    files.main.write_text(
        f"gateways:\n  eth1: 11.8.0.1\n  'fa:16:3e:00:00:02': 11.9.0.1\n  {uuid}: 11.10.0.1\n"
        "  11.12.0.9/24: 11.12.0.1\n  network=network0: 'fd00::1'\n"
    )
    assert [setting[:2] for setting in files.read().gateways] == [
        (Selector(nic="eth1"), parse_address("11.8.0.1")),
        (Selector(mac=bytes.fromhex("fa163e000002")), parse_address("11.9.0.1")),
        (Selector(network=uuid), parse_address("11.10.0.1")),
        (Selector(subnet=parse_prefix("11.12.0.0/24")), parse_address("11.12.0.1")),
        (Selector(network="network0"), parse_address("fd00::1")),
    ]


NO_PASSWORDS = "must be a URL alone: user names and passwords in URLs are refused"
PROBLEMS: Dict[str, List[str]] = {
    'routes: ["10.0.0.0/8,10.0.0.1", "10.0.0.0/8,10.0.0.1", "11.11.0.0/33,11.8.0.1"]': [
        ': routes[2]: "11.11.0.0/33,11.8.0.1": prefix length must be 0 to 32'
    ],
    "routes: [11.11.0.0/16]": [
        ': routes[0]: "11.11.0.0/16": must be destination,nexthop, such as 11.11.0.0/16,11.8.0.1'
    ],
    'routes: ["destination=11.12.0.0/16,gateway=11.8.0.1"]': [
        ': routes[0]: "destination=11.12.0.0/16,gateway=11.8.0.1": write it as 11.12.0.0/16,11.8.0.1'
    ],
    'routes: ["11.0.0.0/0,10.0.0.1"]': [
        ': routes[0]: "11.0.0.0/0,10.0.0.1": 11.0.0.0/0 is no destination; the default route is 0.0.0.0/0'
    ],
    'routes: ["11.11.0.0/16,fd00::1"]': [
        ': routes[0]: "11.11.0.0/16,fd00::1": IPv4 destination with an IPv6 next hop'
    ],
    'routes: ["224.0.0.0/8,10.0.0.1"]': [
        ': routes[0]: "224.0.0.0/8,10.0.0.1": 224.0.0.0/8 is multicast: no destination for a host route'
    ],
    'default: {"\\x1f": null}': [
        ": default: {\\x1f: None}: must be nic=eth0, mac=fa:16:3e:00:00:01, network=ID or subnet=10.65.0.0/24"
    ],
    'routes: ["11.11.0.0/16,0.0.0.0"]': [': routes[0]: "11.11.0.0/16,0.0.0.0": 0.0.0.0 can\'t be a next hop'],
    'routes: ["11.11.0/16,10.0.0.1"]': [': routes[0]: "11.11.0/16,10.0.0.1": "11.11.0" is not an IP address'],
    "routes: [{destination: 11.11.0.0/16, next_hop: 11.8.0.1}]": [
        ": routes[0]: {destination: 11.11.0.0/16, next_hop: 11.8.0.1}: no such key: next_hop;"
        " it has `destination` and `nexthop`"
    ],
    "routes: [{destination: 11.11.0.0/16}]": [
        ": routes[0]: {destination: 11.11.0.0/16}: needs both `destination` and `nexthop`"
    ],
    "routes: {a: b}": [": routes: {a: b}: must be a list"],
    "defualt: auto": [': defualt: no such setting; did you mean "default"?'],
    "default-mode: demote": [': default-mode: no such setting; did you mean "default_mode"?'],
    "xyzzy: 1": [": xyzzy: no such setting; the settings are " + ", ".join(NAMES)],
    "on: 1": [": true: no such setting; the settings are " + ", ".join(NAMES)],
    "default: {mac: 52:54:00:12:34:56}": [
        ": default: {mac: 41135085296}: YAML reads an unquoted MAC of digits as a number: put it in quotes:"
        ' "52:54:00:12:34:56"'
    ],
    "gateways: {52:54:00:12:34:56: 11.8.0.1}": [
        ': gateways[41135085296]: 41135085296: "11.8.0.1": YAML reads an unquoted MAC of digits as a number:'
        ' put it in quotes: "52:54:00:12:34:56"'
    ],
    "gateways: {eth1: 11.8.0}": [': gateways[eth1]: "eth1": "11.8.0": "11.8.0" is not an IP address'],
    "gateways: 7": [": gateways: 7: must be a mapping such as {eth1: 11.8.0.1}"],
    "default: eth0": [
        ': default: "eth0": must be auto, nic=eth0, mac=fa:16:3e:00:00:01, network=ID or subnet=10.65.0.0/24'
    ],
    "default: {nix: eth0}": [
        ": default: {nix: eth0}: must be nic=eth0, mac=fa:16:3e:00:00:01, network=ID or subnet=10.65.0.0/24;"
        ' did you mean "nic"?'
    ],
    "default: {nic: eth0, mac: x}": [": default: {nic: eth0, mac: x}: needs exactly one of nic, mac, network, subnet"],
    "default: mac=fa:16": [': default: "mac=fa:16": mac must be 6 bytes, such as fa:16:3e:00:00:01'],
    "enabled: 1": [": enabled: 1: must be true or false"],
    "default_mode: enforced": [
        ': default_mode: "enforced": must be enforce or demote or observe; did you mean "enforce"?'
    ],
    "sources: [htp]": [
        ': sources[0]: "htp": must be settings or properties or http or config-drive or last-known-good or '
        'cloud-init or leases; did you mean "http"?'
    ],
    "sources: []": [": sources: is empty; the default is "
                    + ",".join(SOURCES)],
    "metadata_urls: ['ftp://x']": [
        ': metadata_urls[0]: "ftp://x": must be an http:// or https:// URL, such as http://169.254.169.254'
    ],
    **{f"metadata_urls: {url!r}": [f': metadata_urls[0]: "http://{shown}": {NO_PASSWORDS}'] for url, shown in (
        ("http://admin:" + "hunter2" * 20 + "@169.254.169.254", "(hidden)@169.254.169.254"),
        ("http://admin:hun,t,er2@h,http://x", "(hidden)@h,http://x"), ("http://admin:hun/t@er2@h", "(hidden)@h"),
        ("http://hunter2@h", "(hidden)@h"),
        ("http://a:hunter2@h http://b:hunter2", "(hidden)@h http://(hidden)"),
    )},
    "metadata_urls: {'http://a:hunter2@h': 1}": [': metadata_urls: {http://(hidden)@h: 1}: must be a list'],
    "metadata_urls: ['http://admin:hunter2']": [
        ': metadata_urls[0]: "http://(hidden)": must be an http:// or https:// URL, such as http://169.254.169.254'
    ],
    "protocol: 4": [
        ": protocol: 4: marks routes of the kernel or of other programs, which would be taken for ours;"
        " 121 is the default"
    ],
    "protocol: 256": [": protocol: 256: must be a number from 1 to 255"],
    "table: 255": [": table: 255: is the kernel's own table `local`; 254 is main"],
    "table: 0": [": table: 0: must be main, or a number from 1 to 4294967295"],
    "metric: 4294967296": [": metric: 4294967296: must be a number from 0 to 4294967295"],
    "refresh_seconds: 300s": [': refresh_seconds: "300s": must be a number of seconds above 0, such as 10'],
    "deadline_seconds: .inf": [": deadline_seconds: inf: must be a number of seconds above 0, such as 10"],
    "deadline_seconds: -1": [": deadline_seconds: -1: must be a number of seconds above 0, such as 10"],
    "engine: netlink": [': engine: "netlink": must be rtnetlink or pyroute2; did you mean "rtnetlink"?'],
    "[auto]": [": must be a mapping of settings, such as `default: auto`, not a list"],
    "auto": [': must be a mapping of settings, such as `default: auto`, not "auto"'],
    "guest_routes: {}\nmetric: 1": [
        ": metric: stands beside guest_routes; put every key under it, or none"
    ],
    "metric: 1\ntable: main\nmetric: 2": [":3:1: metric: is here a second time"],
    "gateways: {eth0: 10.0.0.1, eth0: 10.0.0.2}": [":1:28: eth0: is here a second time"],
    "metric: 1\n table: 2": [":2:7: not YAML: mapping values are not allowed here"],
    "ignore_nics: [*]": [":1:16: not YAML: expected alphabetic or numeric character, but found ']'"],
    "metric: !!int x": [": not YAML: invalid literal for int() with base 10: 'x'"],
    "metric: x\ntable: y\nnope: 1": [
        ': metric: "x": must be a number from 0 to 4294967295',
        ': table: "y": must be main, or a number from 1 to 4294967295',
        ": nope: no such setting; the settings are " + ", ".join(NAMES),
    ],
}  # fmt: skip


def line_of(text: str, problem: str) -> str:
    """The line of the setting that a problem names, as a file's name has it behind it."""
    key = re.match(r": ([\w-]+): (?!stands beside)", problem) or re.match(r": (\w+)\[", problem)
    lines = [number for number, line in enumerate(text.splitlines(), 1) if key and line.startswith(key.group(1))]
    return f":{lines[0]}" if lines else ""


@pytest.mark.parametrize("text", PROBLEMS)
def test_problems(files: Files, text: str) -> None:
    files.main.write_text(text)
    named = [f"/etc/guest-routes.yaml{line_of(text, problem)}{problem}" for problem in PROBLEMS[text]]
    assert files.problems() == named


def test_a_problem_has_the_line_of_its_key_wherever_it_stands(files: Files) -> None:
    files.main.write_text("# ours\nguest_routes:\n  metric: 5\n\n  sources:\n  - http\n  - htp\n  engin: x\n")
    files.stanza.write_text('{"metric": "x"}')
    assert [problem.partition(": ")[0] for problem in files.problems()] == [
        "/etc/guest-routes.yaml:5", "/etc/guest-routes.yaml:8", str(files.stanza),
    ]  # fmt: skip


def test_layers_replace_keys_and_merge_gateways(files: Files) -> None:
    files.main.write_text("metric: 1\ntable: 11\nprotocol: 131\ndeadline_seconds: 1\nrefresh_seconds: 1\n"
                          "ignore_nics: [a, b]\ngateways: {eth0: 10.0.0.1, eth1: 11.0.0.1}")  # fmt: skip
    files.drop_in("20.yaml", "table: 13\nprotocol: 133\ndeadline_seconds: 3\nrefresh_seconds: 3")
    drop_in = files.drop_in("10.yaml", "table: 12\nignore_nics: [c]\ngateways: {eth1: 11.0.0.2}")
    files.drop_in("30.yaml.orig", "table: x")
    files.drop_in(".40.yaml", "table: x")
    files.stanza.write_text(json.dumps({"guest_routes": {"deadline_seconds": 4, "refresh_seconds": 4}}))
    merged = files.read({"refresh_seconds": "5"})
    assert merged == Settings(
        metric=1,
        table=13,
        protocol=133,
        deadline_seconds=4,
        refresh_seconds=5,
        ignore_nics=("c",),
        gateways=(
            GatewaySetting(Selector(nic="eth0"), parse_address("10.0.0.1"), f"gateways[eth0] of {files.main}"),
            GatewaySetting(Selector(nic="eth1"), parse_address("11.0.0.2"), f"gateways[eth1] of {drop_in}"),
        ),
    )


def test_flags(files: Files) -> None:
    flags = {
        "routes": ["11.11.0.0/16,11.8.0.1", "11.12.0.0/16,11.8.0.1"],
        "gateways": ["eth1=11.8.0.1", "mac=fa:16:3e:00:00:02=11.9.0.1"],
        "sources": "http,config-drive",
        "ignore_nics": ["docker*,tun0", "br0"],
        "enabled": "false",
        "default": "nic=eth0",
        "table": "main",
        "metric": "0",
    }
    source = "the command line"
    assert files.read(flags) == Settings(
        routes=(host_route("11.11.0.0/16,11.8.0.1", source), host_route("11.12.0.0/16,11.8.0.1", source, 1)),
        gateways=(
            GatewaySetting(Selector(nic="eth1"), parse_address("11.8.0.1"), "gateways[eth1] of the command line"),
            GatewaySetting(
                Selector(mac=bytes.fromhex("fa163e000002")),
                parse_address("11.9.0.1"),
                "gateways[mac=fa:16:3e:00:00:02] of the command line",
            ),
        ),
        sources=("http", "config-drive"),
        ignore_nics=("docker*", "tun0", "br0"),
        enabled=False,
        default=Selector(nic="eth0"),
    )


def test_problems_of_flags(files: Files) -> None:
    assert files.problems({"deadline_seconds": "5m", "gateways": ["eth1"], "routes": ["11.11.0.0/33,11.8.0.1"]}) == [
        '--deadline-seconds: "5m": must be a number of seconds above 0, such as 10',
        '--gateways: "eth1": must be selector=address, such as eth1=11.8.0.1',
        '--routes: "11.11.0.0/33,11.8.0.1": prefix length must be 0 to 32',
    ]


def test_an_empty_flag_empties_a_list(files: Files) -> None:
    files.main.write_text("ignore_nics: [a]")
    assert files.read({"ignore_nics": ""}) == Settings()


def test_settings_file_stands_in_for_the_files_of_etc(files: Files, tmp_path: Path) -> None:
    files.main.write_text("metric: x")
    files.drop_in("1.yaml", "metric: x")
    (tmp_path / "own.yaml").write_text("metric: 5")
    assert files.read({}, str(tmp_path / "own.yaml")).metric == 5
    assert files.problems({}, "/nowhere/own.yaml") == ["/nowhere/own.yaml: cannot be read: No such file or directory"]


def test_unreadable_files(files: Files) -> None:
    files.main.mkdir()
    files.drop_in("1.yaml", "").write_bytes(b"metric: \xff")
    files.stanza.write_text("{,}")
    found = files.problems()
    assert found[:2] == [
        "/etc/guest-routes.yaml: cannot be read: Is a directory",
        "/etc/guest-routes.d/1.yaml: is not UTF-8 text: byte 8 is 0xff",
    ]
    assert found[2].startswith(f"{files.stanza}:1:2: not JSON: Expecting property name")


def child(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=True, text=True, capture_output=True, cwd=ROOT).stdout.strip()


def test_without_pyyaml(files: Files) -> None:
    files.main.write_text("metric: 1")
    code = (
        "import sys; sys.modules['yaml'] = None\n"
        "from guest_routes import errors\nfrom guest_routes.settings import load as settings\n"
        "try: print(settings.read({}, '', sys.argv[1], '/no').metric)\n"
        "except errors.SettingsError as error: print(error)"
    )
    assert child(code, str(files.etc)) == "1"
    files.main.write_text("metric: '1'")
    assert child(code, str(files.etc)) == (
        f"{files.main}: cannot be read without PyYAML; install it (Debian's python3-yaml, or pip install PyYAML)"
    )


def test_without_files_and_with_plain_ones_nothing_heavy_is_imported(files: Files) -> None:
    files.main.write_text((ROOT / "packaging/guest-routes.yaml").read_text() + "\nsource_routing: true\n")
    code = (
        "import sys; before = set(sys.modules)\nfrom guest_routes.settings import load as settings\n"
        "settings.read({'routes': ['11.11.0.0/16,11.8.0.1'], 'default': 'nic=eth0'}, '', sys.argv[1], '/nowhere')\n"
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    heavy = {"yaml", "json", "difflib", "re", "typing", "collections", "pathlib", "urllib", "ipaddress", "argparse"}
    assert heavy.isdisjoint(child(code, str(files.etc)).split())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates()
    | st.sampled_from(["auto", "nic=", "mac=fa:16:3e:00:00:01", "=", ",", "1.2.3.4/5,6.7.8.9", "::/0", "a" * 300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers() | st.sampled_from(
        ["nic", "mac", "network", "subnet", "destination", "nexthop", "eth0", "10.0.0.0/8"]), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def outcome(path: Path, flags: Any = None, stanza: str = "/nowhere") -> None:
    try:
        assert isinstance(settings.read(flags or {}, str(path) if path.name else "", "/nowhere", stanza), Settings)
    except SettingsError as error:
        assert all(line and line.isprintable() for line in str(error).split("\n"))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings") / "own.yaml"


@given(key=st.sampled_from([*NAMES, "guest_routes", "other"]), value=JSON)
def test_any_value_gives_settings_or_problems(scratch: Path, key: str, value: Any) -> None:
    """Values as YAML's and JSON's loaders make them, handed to the same code by way of flags."""
    outcome(Path(), {key: value})


TOKENS = [*NAMES, *":{}[]?|'", " ", "\n", "- ", "!!int ", "!!bool ", "!!timestamp ", "&a ", "*a", "<<", "0x", "1_", '"']
TEXT = st.text() | st.lists(st.sampled_from([*TOKENS, "52:54:00:12:34:56", "eth0", "9" * 5000])).map("".join)


@given(text=TEXT)
def test_any_text_gives_settings_or_problems(scratch: Path, text: str) -> None:
    scratch.write_bytes(text.encode("utf-8", "surrogatepass"))
    outcome(scratch)
    outcome(Path(), stanza=str(scratch))


def test_deep_and_self_containing_yaml(scratch: Path) -> None:
    outcome(Path(), {"routes": [10**5000], "metric": 10**5000, "gateways": {10**5000: "x"}, "default": 10**5000})
    for text in ("[" * 600, "{a: " * 600, "&a [*a]", "routes: &a [*a]", "default: &a {nic: *a}", "{? {a: b} : c}"):
        scratch.write_text(text)
        outcome(scratch)


def test_a_file_that_the_system_can_not_read_is_no_fault_of_the_settings(files: Files) -> None:
    files.main.write_text("default: auto\n")
    files.drop_in("10.yaml", "deadline_seconds: 3\n")
    files.read()  # What reads YAML is imported.
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(OSError) as refused:
            files.read()
        found = settings.read_usable({}, "", str(files.etc), str(files.stanza))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))
    assert (refused.value.errno, refused.value.filename) == (errno.EMFILE, str(files.etc / "guest-routes.d"))
    assert found.settings == Settings()
    assert f"{files.main}: cannot be read: Too many open files" in found.problems


def test_a_list_of_which_nothing_is_right_says_nothing(files: Files) -> None:
    """Empty, it would mean something: no source, nobody to ask."""
    files.main.write_text("sources: [leases]\nroutes: ['11.12.0.0/16,11.8.0.1']\nignore_nics: [eth9]\n")
    files.drop_in("10.yaml", "sources: [htpp]\nmetadata_urls: []\nroutes: {a: b}\nignore_nics: []\n")
    found = settings.read_usable({}, "", str(files.etc), str(files.stanza))
    assert len(found.problems) == 3
    route = host_route("11.12.0.0/16,11.8.0.1", str(files.main))
    assert found.settings == Settings(sources=("leases",), routes=(route,))
    assert "metadata_urls" not in found.origins
    files.drop_in("10.yaml", "sources: [htpp, http]\n")
    found = settings.read_usable({}, "", str(files.etc), str(files.stanza))
    assert found.settings.sources == ("http",)
