"""What cloud-init has rendered (tests/data/rendered), and what such files say, read without anything of the package."""

from __future__ import annotations

import configparser
import ipaddress
import re
import shlex
from typing import Dict, List, Set

import yaml

from .lab import DATA

RENDERED = DATA / "rendered"
DEFAULTS = {"0.0.0.0/0": "default", "::/0": "default"}


def rendered(made: str, document: str) -> Dict[str, str]:
    """The text of each file, by path. `made` is the distribution and cloud-init's version."""
    found: Dict[str, str] = {}
    _, *parts = (RENDERED / f"{made}.txt").read_text().split("==== ")
    for part in parts:
        head, _, text = part.partition("\n")
        name, path = head.split(" ", 1)
        if name == document:
            found[path] = text[:-1]
    assert found, f"{document} is not in {made}"
    return found


def said(files: Dict[str, str]) -> Set[str]:
    """The routes of the files, as `DESTINATION GATEWAY NIC`; a default of a family in one NIC's files counts once."""
    found: List[str] = []
    for path, text in files.items():
        kind, _, nic = path.rpartition("/")[2].partition("-")
        if path.endswith(".nmconnection"):
            found += _keyfile(text, nic.partition("-")[2].removesuffix(".nmconnection"))
        elif path.endswith(".yaml"):
            found += _netplan(text)
        elif path.endswith((".network", ".netdev")):
            found += _networkd(text)
        elif kind == "ifcfg":
            keys = _keys(text)
            found += [f"default {keys[key]} {nic}" for key in ("GATEWAY", "IPV6_DEFAULTGW") if key in keys]
        elif kind == "route":
            found += _numbered(_keys(text), nic)
        else:
            found += [f"{line[0]} {line[2 if kind == 'route6' else 1]} {nic}" for line in _words(text)]
            assert all(line[-1] == (nic if kind == "route6" else "-") for line in _words(text))
    assert len(found) == len(set(found)), "a route is there twice"
    return set(found)


def _words(text: str) -> List[List[str]]:
    return [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _keys(text: str) -> Dict[str, str]:
    """As a shell reads them."""
    pairs = [word.partition("=") for line in text.splitlines() for word in shlex.split(line, comments=True)]
    return {key: value for key, _, value in pairs}


def _numbered(keys: Dict[str, str], nic: str) -> List[str]:
    """As network-scripts read them: up to the first number that isn't there."""
    found: List[str] = []
    while f"ADDRESS{len(found)}" in keys:
        n = len(found)
        network = ipaddress.ip_network(f"{keys[f'ADDRESS{n}']}/{keys[f'NETMASK{n}']}")
        found.append(f"{network} {keys[f'GATEWAY{n}']} {nic}")
    assert sum(key.startswith("ADDRESS") for key in keys) == len(found), "there is a gap in the numbers"
    return found


def _keyfile(text: str, nic: str) -> List[str]:
    config = configparser.ConfigParser()
    config.read_string(text)
    values = [value for name in config.sections() for key, value in config[name].items() if re.match(r"route\d+$", key)]
    fields = [value.split(",") for value in values]
    return [f"{DEFAULTS.get(one[0], one[0])} {one[1]} {nic}" for one in fields]


def _networkd(text: str) -> List[str]:
    """A file with several sections of one name, each of them of its own."""
    name = re.findall(r"^Name=(.*)$", text, re.MULTILINE)[-1]
    sections = [
        dict(re.findall(r"^(\w+)=(.*)$", one, re.MULTILINE)) for one in re.split(r"^\[", text, flags=re.MULTILINE)
    ]
    routes = [one for one in sections if "Gateway" in one]
    return [f"{DEFAULTS.get(one['Destination'], one['Destination'])} {one['Gateway']} {name}" for one in routes]


def _netplan(text: str) -> List[str]:
    kinds = [kind for kind in yaml.safe_load(text)["network"].values() if isinstance(kind, dict)]
    routes = [(nic, route) for kind in kinds for nic, keys in kind.items() for route in keys.get("routes", ())]
    return [f"{DEFAULTS.get(route['to'], route['to'])} {route['via']} {nic}" for nic, route in routes]
