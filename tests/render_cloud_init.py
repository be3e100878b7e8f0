"""Writes tests/data/rendered/DISTRIBUTION-VERSION.txt: what cloud-init's own code renders.

    python3 tests/render_cloud_init.py FOLDER VERSION DISTRIBUTION...

FOLDER holds the package `cloudinit`, as .cache/trixie/usr/lib/python3/dist-packages does, or an unpacked source.
DISTRIBUTION is `el` (the renderer sysconfig, EL 7 to 9), `el-networkmanager` (EL 9 and 10), `netplan`, `networkd` or
`suse`. SUSE's packages carry a patch without which no route is written; a FOLDER that has it (the branch with
cloud-init-write-routes.patch in cloud-init's repository) writes them.
Needs what cloud-init imports: PyYAML, jsonschema, configobj, requests.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict

DATA = Path(__file__).parent / "data"
DOCUMENTS = (
    "documented",
    "wrong-subnet",
    "dual-stack",
    "dhcp",
    "not-a-gateway",
    "foreign-default",
    "crossed",
    "bond",
    "vlan",
)
KEPT = (
    "etc/sysconfig/network-scripts/", "etc/sysconfig/network/", "etc/NetworkManager/system-connections/",
    "etc/netplan/", "etc/systemd/network/",
)  # fmt: skip
"""The folders that say routes."""


def main() -> None:
    folder, version, *distributions = sys.argv[1:]
    sys.path.insert(0, folder)
    for distribution in distributions:
        lines = [f"Made by tests/render_cloud_init.py with cloud-init {version}, as on {distribution}."]
        for document in DOCUMENTS:
            for path, text in sorted(rendered(document, distribution).items()):
                lines += [f"==== {document} {path}", text]
        Path(DATA / "rendered" / f"{distribution}-{version}.txt").write_text("\n".join(lines))


def rendered(document: str, distribution: str) -> Dict[str, str]:
    """The text of each file, by path; where cloud-init ends with an error, that in place of a path."""
    value = json.loads((DATA / f"{document}.network_data.json").read_text())
    nics = [link for link in value["links"] if link["type"] not in ("bond", "vlan")]
    macs = {link["ethernet_mac_address"].lower(): f"eth{number}" for number, link in enumerate(nics)}
    with tempfile.TemporaryDirectory() as root:
        try:
            found = _rendered(value, macs, distribution, root)
        except (KeyError, ValueError) as error:
            return {f"! {error!r}": ""}
        made = {path: path.read_text() for path in Path(root).rglob("*") if path.is_file()}
        found.update({str(path)[len(root) :]: text for path, text in made.items()})
    return {path: text for path, text in found.items() if path[1:].startswith(KEPT)}


def _rendered(value: Dict[str, Any], macs: Dict[str, str], distribution: str, root: str) -> Dict[str, str]:
    """Renders below `root`; the files that are written past it."""
    from cloudinit import util  # type: ignore[import-not-found]
    from cloudinit.distros import opensuse, rhel  # type: ignore[import-not-found]
    from cloudinit.net import netplan, network_manager, network_state, networkd, sysconfig  # type: ignore[import-not-found]
    from cloudinit.sources.helpers.openstack import convert_net_json  # type: ignore[import-not-found]

    config = convert_net_json(value, known_macs=macs)
    state = network_state.parse_net_config_data(config)
    if distribution == "el-networkmanager":
        network_manager.Renderer({}).render_network_state(state, target=root)
        return {}
    if distribution == "netplan":
        netplan.Renderer({"netplan_path": "etc/netplan/50-cloud-init.yaml"}).render_network_state(state, target=root)
        return {}
    if distribution == "networkd":
        networkd.Renderer({"network_conf_dir": "/etc/systemd/network/"}).render_network_state(state, target=root)
        return {}
    distro = {"el": rhel, "suse": opensuse}[distribution].Distro
    sysconfig.Renderer(distro.renderer_configs["sysconfig"]).render_network_state(state, target=root)
    beside: Dict[str, str] = {}
    if hasattr(distro, "_write_routes_v1"):
        original, util.write_file = util.write_file, lambda path, text: beside.update({path: text})
        try:
            distro._write_routes_v1(None, config)
        finally:
            util.write_file = original
    return beside


if __name__ == "__main__":
    main()
