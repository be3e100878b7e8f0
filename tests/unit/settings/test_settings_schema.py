"""docs/schema/settings-file.json and the reader of settings accept the same.

What the reader accepts, the schema accepts. What the schema accepts, the reader accepts, but for what only the reader
can judge: the schema's description says what that is, and BEYOND has the reader's words for it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guest_routes.model.network_data import HostRoute
from guest_routes.model.settings import GatewaySetting, Settings
from guest_routes.output.settings.values import setting_value
from guest_routes.settings.keys import KEYS
from guest_routes.settings.load import read_all

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs/schema/settings-file.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
BEYOND = [
    (("routes", "gateways"), r"can't be a next hop$"),
    (("routes",), r"no destination for a host route$|the default route is "),
    (
        ("routes",),
        r"^.*: a mapping: IPv. destination with an IPv. next hop$|\}: IPv. destination with an IPv. next hop$",
    ),
    (("routes", "gateways", "ignore_destinations", "default"), r'"[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*" is not an IP address$'),
    (("gateways",), r"must be nic=|nic must be|mac must be|is not an IP address$|prefix length|=TEXT"),
    (("metadata_urls",), r"must be an http:// or https:// URL"),
    (("metric", "table", "protocol", "source_routing_table", "source_routing_priority"), r': "[0-9]+": must be'),
    (("protocol",), r': "[0-9]+": marks routes of'),
    (("table",), r': "[0-9]+": is the kernel'),
    (("refresh_seconds", "deadline_seconds"), r': "[0-9.]+": must be a number of seconds'),
    (("metric", "table", "protocol", "source_routing_table", "source_routing_priority"), r": [0-9]+\.0: must be"),
]
"""Keys, and the reader's words for what the schema can't say of them."""

ADDRESSES = [
    "11.8.0.1",
    "2001:db8::1",
    "fe80::1",
    "127.0.0.1",
    "224.0.0.1",
    "256.1.1.1",
    "1.2.3",
    "01.2.3.4",
    "::",
    ":",
    "x",
]
PIECES = [
    *ADDRESSES, "11.11.0.0/16", "2001:db8::/32", "0.0.0.0/0", "10.0.0.0/33", "10.0.0.0/032", "::/128", "::/129", "/",
    ",", "=", " ", "nic", "mac", "network", "subnet", "auto", "eth0", "eth1", "docker*", "averylongnicname1",
    "fa:16:3e:00:00:01", "FA-16-3e:00:00:0g", "destination", "nexthop", "gateway", "http", "leases",
    "http://169.254.169.254", "https://[::1]:80/x", "ftp://x", "http://", "main", "on-link", "enforce", "rtnetlink",
    "yes", "OFF", "True", "maybe", "0", "5", "254", "255", "256", "300", "32766", "4294967296", "0.5", ".", "1.5.2",
    "1000000001", "",
]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(PIECES),
    st.lists(st.sampled_from(PIECES), min_size=2, max_size=5).map("".join),
    st.text(st.characters(codec="ascii", exclude_characters="\n"), max_size=6),
)
SCALARS = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    st.sampled_from(
        [-1, 0, 1, 4, 5, 9, 16, 59, 60, 121, 254, 255, 256, 32765, 32766, 2**31 - 1, 2**31, 2**32 - 1, 2**32]
    ),
    st.sampled_from([0.0, 0.5, 5.0, -1.5, 1e9, 1.5e9]),
)
MAPPINGS = st.dictionaries(TEXTS, SCALARS, max_size=2)
ROUTES = st.fixed_dictionaries({"destination": TEXTS, "nexthop": st.sampled_from(ADDRESSES)})
VALUES = st.one_of(SCALARS, MAPPINGS, ROUTES, st.lists(st.one_of(SCALARS, MAPPINGS, ROUTES), max_size=3))
GOOD: Dict[str, List[Any]] = {
    "enabled": [True, "No", "on"],
    "default": ["auto", {"nic": "eth0"}, "mac=fa:16:3e:00:00:01", {"subnet": "10.65.0.0/24"}, {"network": "an id"}],
    "default_mode": ["demote"],
    "next_hops": ["on-link"],
    "routes": [
        ["11.11.0.0/16,11.8.0.1", {"destination": "2001:db8::/32", "nexthop": "fe80::1"}],
        "10.0.0.1 , 11.8.0.1",
    ],
    "gateways": [
        {"eth1": "11.8.0.1", "mac=fa:16:3e:00:00:01": "fe80::1"},
        ["eth1=11.8.0.1"],
        "subnet=10.0.0.0/8=10.0.0.1",
    ],
    "sources": [["http", "leases"], "http, leases", ["http,leases", ""]],
    "metadata_urls": [["http://169.254.169.254/"], "http://a,https://b:1"],
    "metric": [0, 2**32 - 1, "7"],
    "table": ["main", 300, "300"],
    "protocol": [5, 255, "121"],
    "ignore_nics": [["docker*", "tun0"], "docker*, tun0"],
    "ignore_destinations": [["169.254.0.0/16"], "::/0,10.0.0.1"],
    "refresh_seconds": [0.5, 300, "2.5", ".5"],
    "deadline_seconds": [10],
    "correct_rendered": [False],
    "source_routing": [True],
    "source_routing_table": [256],
    "source_routing_priority": [1, 32765],
    "engine": ["pyroute2"],
}


def problems(folder: Path, document: Any) -> Tuple[str, ...]:
    """What the reader finds wrong in a file with that document."""
    path = folder / "stanza.json"
    path.write_text(json.dumps(document))
    return read_all({}, "", str(folder / "none"), str(path)).problems


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("settings")


def without_places(value: Any) -> Any:
    """The value of a setting, whatever file it is from."""
    if not isinstance(value, tuple):
        return value
    return [
        (one.selector, one.gateway) if isinstance(one, GatewaySetting)
        else (one.destination, one.next_hop) if isinstance(one, HostRoute) else one
        for one in value
    ]  # fmt: skip


def assert_agree(folder: Path, document: Any) -> None:
    found = problems(folder, document)
    valid = VALIDATOR.is_valid(document)
    if not found:
        assert valid, (document, [error.message for error in VALIDATOR.iter_errors(document)])
    elif valid:
        names = next(iter(document))
        left = [one for one in found if not any(names in keys and re.search(words, one) for keys, words in BEYOND)]
        assert left == [], document


@pytest.mark.parametrize("key", [key.name for key in KEYS])
class TestKey:
    """One setting."""

    def test_what_is_good_is_good_for_both(self, folder: Path, key: str) -> None:
        for value in (*GOOD[key], None):
            assert problems(folder, {key: value}) == (), value
            assert VALIDATOR.is_valid({key: value}), value
            assert VALIDATOR.is_valid({"guest_routes": {key: value}}), value

    @settings(deadline=None)  # each example is a file that is written and read
    @given(value=VALUES)
    @example(value="true\t")
    def test_schema_and_reader_agree(self, folder: Path, key: str, value: Any) -> None:
        assert_agree(folder, {key: value})

    def test_every_value_that_settings_shows_is_good(self, folder: Path, key: str) -> None:
        for value in (*GOOD[key], None):
            (folder / "stanza.json").write_text(json.dumps({key: value}))
            found = read_all({}, "", str(folder / "none"), str(folder / "stanza.json")).settings
            shown = {key: setting_value(found, key)}
            assert VALIDATOR.is_valid(shown), shown
            (folder / "stanza.json").write_text(json.dumps(shown))
            again = read_all({}, "", str(folder / "none"), str(folder / "stanza.json")).settings
            assert without_places(getattr(again, key)) == without_places(getattr(found, key))


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["source_routing", "table"]),
        st.sampled_from([True, "yes", False, None, "main", 254, "0254", 300]),
    )
)
def test_two_settings_that_exclude_each_other(folder: Path, document: Dict[str, Any]) -> None:
    assert bool(problems(folder, document)) is not VALIDATOR.is_valid(document)


@pytest.mark.parametrize(
    "document",
    [
        None, {}, {"guest_routes": None}, {"guest_routes": {}}, {"metrics": 5}, {"guest_routes": {}, "metric": 5}, [],
        "text", 5, {"guest_routes": {"guest_routes": {}}}, {"guest_routes": []},
    ],
)  # fmt: skip
def test_the_form_of_a_file(folder: Path, document: Any) -> None:
    assert bool(problems(folder, document)) is not VALIDATOR.is_valid(document)


def test_every_setting_is_in_it_and_nothing_else() -> None:
    assert list(SCHEMA["$defs"]["settings"]["properties"]) == [key.name for key in KEYS]


def test_the_example_of_the_package_is_valid() -> None:
    text = (ROOT / "packaging/guest-routes.yaml").read_text()
    document = yaml.safe_load(re.sub(rf"^# ({'|'.join(Settings._fields)}):", r"\1:", text, flags=re.MULTILINE))
    assert list(document) == list(Settings._fields)
    VALIDATOR.validate(document)


def test_it_is_sound_and_described() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    described = SCHEMA["$defs"]["settings"]["properties"].values()
    assert all(one["description"] for one in (*described, *SCHEMA["$defs"].values()))
    used = set(re.findall(r'"#/\$defs/(\w+)"', json.dumps(SCHEMA)))
    assert used == set(SCHEMA["$defs"])
