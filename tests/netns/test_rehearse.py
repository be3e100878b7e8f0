"""What rehearse builds, on the real kernel, as root and as an ordinary user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest

from guest_routes.diagnose.private_network import build
from guest_routes.diagnose.rehearse import EXAMPLE, example, rehearse
from guest_routes.errors import KernelError
from guest_routes.evidence import network_data
from guest_routes.kernel.rtnetlink.engine import RtnetlinkKernel
from guest_routes.model.network import parse_prefix
from guest_routes.model.network_data import Link, Network, NetworkData
from guest_routes.model.settings import Settings
from guest_routes.output.diagnosis.rehearsal import not_made_text
from guest_routes.output.route_text import table_text
from tests.support import sandbox
from tests.support.hostile import as_root
from tests.support.lab import Lab, document
from tests.support.passes import valid_json

NOBODY = 65534
DOCUMENTED = [
    "default via 10.65.0.1 dev eth0 proto static",
    "10.65.0.0/24 dev eth0 proto kernel scope link src 10.65.0.7",
    "11.8.0.0/24 dev eth1 proto kernel scope link src 11.8.0.9",
    "11.11.0.0/16 via 11.8.0.1 dev eth1 proto guest-routes",
]


def build_document(value: Dict[str, Any]) -> List[str]:
    return noted(network_data.parse(json.dumps(value).encode()))


def noted(data: NetworkData) -> List[str]:
    """Builds the document's network; what was not made, in words."""
    notes = build(data)
    kernel = RtnetlinkKernel()
    nics = kernel.nics()
    kernel.close()
    return [not_made_text(note, nics) for note in notes]


def test_the_example_as_cloud_init_leaves_it(lab: Lab) -> None:
    notes = noted(network_data.parse(EXAMPLE))
    assert lab.routes() == [
        "default via 10.65.0.1 dev eth0 proto static",
        "default via 11.8.0.1 dev eth1 proto static",
        *DOCUMENTED[1:3],
    ]
    assert notes == [
        "networks[0].routes[1]: the kernel refuses 11.11.0.0/16 via 11.8.0.1 dev eth0 proto static: "
        "Nexthop has invalid gateway"
    ]


def test_documented_metrics_as_cloud_init_writes_them(lab: Lab) -> None:
    example_document = json.loads(EXAMPLE)
    for network, metric in zip(example_document["networks"], (200, 100)):
        network["routes"][0]["metric"] = metric
    build_document(example_document)
    assert lab.routes()[:2] == [
        "default via 11.8.0.1 dev eth1 proto static metric 100",
        "default via 10.65.0.1 dev eth0 proto static metric 200",
    ]


def test_its_nics(lab: Lab) -> None:
    build(network_data.parse(EXAMPLE))
    kernel = RtnetlinkKernel()
    nics = kernel.nics()
    kernel.close()
    assert [(nic.name, nic.mac.hex(":"), nic.up, nic.running) for nic in nics] == [
        ("eth0", "fa:16:3e:00:00:01", True, True),
        ("eth1", "fa:16:3e:00:00:02", True, True),
    ]
    assert [str(nic.addresses[0]) for nic in nics] == ["10.65.0.7/24", "11.8.0.9/24"]


def test_the_example_says_what_nova_says() -> None:
    """Nova's own document of the same instance, but for names and ids."""
    ours, novas = (network_data.parse(data) for data in (EXAMPLE, document("wrong-subnet").read_bytes()))
    assert ours.routes == novas.routes
    assert [(n.kind, n.address, n.defaults) for n in ours.networks] == [
        (n.kind, n.address, n.defaults) for n in novas.networks
    ]
    assert [link.mac for link in ours.links] == [link.mac for link in novas.links]


def test_two_ipv6_defaults_become_one_multipath_route(lab: Lab) -> None:
    assert build(network_data.parse(document("dual-stack").read_bytes())) == []
    assert lab.routes(6)[-3:] == [
        "default proto static metric 1024 pref medium",
        "\tnexthop via fd00:65::1 dev eth0 weight 1",
        "\tnexthop via fd00:8::1 dev eth1 weight 1",
    ]
    assert "tentative" not in lab.ip("-6", "address")


def test_networks_without_addresses_get_none(lab: Lab) -> None:
    assert noted(network_data.parse(document("dhcp").read_bytes())) == [
        "networks[0]: its NIC gets no address, since the document has none",
        "networks[1]: its NIC gets no address, since the document has none",
    ]
    assert lab.routes() == []


UPPER = {
    "links": [
        {"id": "a", "type": "phy", "ethernet_mac_address": "fa:16:3e:00:00:01"},
        {"id": "b", "type": "phy", "ethernet_mac_address": "fa:16:3e:00:00:02"},
        {"id": "c", "type": "bond", "ethernet_mac_address": "fa:16:3e:00:00:03", "bond_links": ["a", "b"]},
        {"id": "d", "type": "vlan", "vlan_id": 7, "vlan_link": "c", "vlan_mac_address": "fa:16:3e:00:00:04"},
    ],
    "networks": [
        {"id": "n0", "type": "ipv4", "link": "c", "ip_address": "10.65.0.7", "netmask": "255.255.255.0", "routes": []},
        {"id": "n1", "type": "ipv4", "link": "d", "ip_address": "11.8.0.9", "netmask": "255.255.255.0", "routes": []},
    ],
}


def test_bonds_and_vlans_or_their_stand_ins(lab: Lab) -> None:
    notes = build_document(UPPER)
    kernel = RtnetlinkKernel()
    nics = {nic.name: nic for nic in kernel.nics()}
    kernel.close()
    assert sorted(nics) == ["bond0", "eth0", "eth1", "vlan7"]
    for name, mac, real in (("bond0", "fa:16:3e:00:00:03", "bond"), ("vlan7", "fa:16:3e:00:00:04", "vlan")):
        assert nics[name].mac.hex(":") == mac
        stands_in = any(f"stands in for {name}:" in note for note in notes)
        assert nics[name].kind == ("veth" if stands_in else real)
    assert [line.split()[2] for line in lab.routes()] == ["bond0", "vlan7"]


def test_an_infiniband_port_has_a_plain_nic(lab: Lab) -> None:
    """D13: veth takes six bytes; so does OpenStack, which gives the GUID without its middle."""
    port = Link(1, "b", "phy", bytes.fromhex("80000048fe80000000000000f4521403007bcba1"))
    network = Network(0, "n0", "b", "ipv4", 4, parse_prefix("11.8.0.9/24"))
    assert noted(NetworkData((port,), (network,))) == [
        "links[1]: a plain NIC with the MAC f4:52:14:7b:cb:a1 stands in for eth0: it is InfiniBand"
    ]


@pytest.mark.parametrize("mac", ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"])
def test_a_mac_that_no_nic_can_have_leaves_the_rest(lab: Lab, mac: str, tmp_path: Path) -> None:
    value = json.loads(EXAMPLE)
    value["links"][1]["ethernet_mac_address"] = mac
    path = tmp_path / "network_data.json"
    path.write_text(json.dumps(value))
    ran = lab.run("rehearse", "--metadata", str(path))
    said = " ".join(ran.stdout.split())
    assert f"(links[1]: it has no NIC: the kernel refuses the MAC {mac}: Cannot assign requested address)" in said
    assert "(networks[1]: it has no NIC, since the kernel refuses its link's MAC)" in said
    assert (ran.returncode, "! 11.11.0.0/16,11.8.0.1" in said) == (5, True), ran


def test_a_vlan_on_a_nic_that_can_not_be_made_has_a_stand_in(lab: Lab) -> None:
    parent, vlan = Link(0, "a", "phy", bytes(6)), Link(1, "b", "vlan", bytes.fromhex("fa163e000004"), (), 7, "a")
    refused, stands_in = noted(NetworkData((parent, vlan), ()))
    assert refused.startswith("links[0]: it has no NIC")
    assert stands_in.startswith("links[1]: a plain NIC with its MAC stands in for vlan7: ")


def test_what_is_not_in_the_document_is_noted(lab: Lab) -> None:
    network = Network(0, "n0", "nowhere", "ipv4", 4, parse_prefix("10.65.0.7/24"))
    vlan = Link(0, "d", "vlan", bytes.fromhex("fa163e000004"), vlan_id=7, vlan_link="gone")
    assert noted(NetworkData((vlan,), (network,))) == [
        "links[0]: a plain NIC with its MAC stands in for vlan7: the document has no link 'gone'",
        "networks[0]: it has no NIC, since the document has no link 'nowhere'",
    ]


def test_an_empty_document_makes_an_empty_network(lab: Lab) -> None:
    assert build_document({}) == []
    assert lab.routes() == []


def _in_a_child(*prefix: str) -> subprocess.CompletedProcess[str]:
    code = (
        "from guest_routes.diagnose.rehearse import example, rehearse;"
        "from guest_routes.model.settings import Settings;"
        "from guest_routes.output.route_text import table_text; r = rehearse(example(), Settings());"
        "print(table_text(r.after.routes, r.after.nics)); raise SystemExit(r.report.exit_code)"
    )
    return subprocess.run(
        [*prefix, sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "TMPDIR": "/tmp"}
    )


def test_the_pass_puts_the_documented_table_in_place(lab: Lab) -> None:
    before = lab.ip("link"), os.listdir("/run"), os.listdir("/var/lib")
    done = _in_a_child()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == DOCUMENTED
    assert (lab.ip("link"), os.listdir("/run"), os.listdir("/var/lib")) == before


def test_the_pass_on_both_engines(lab: Lab) -> None:
    for engine in ("rtnetlink", "pyroute2"):
        lab_settings = Settings(engine=engine)
        child = os.fork()
        if child == 0:
            ended = 1
            try:
                after = rehearse(example(), lab_settings).after
                ended = 0 if table_text(after.routes, after.nics).splitlines() == DOCUMENTED else 2
            finally:
                os._exit(ended)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, engine


@pytest.mark.skipif(sandbox.in_user_namespace(), reason="only the machine's root can become another user")
def test_as_an_ordinary_user(lab: Lab) -> None:
    drop = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--"]
    if subprocess.run([*drop, "unshare", "-Urn", "true"], capture_output=True).returncode:
        pytest.skip("user namespaces are not allowed here")
    if subprocess.run([*drop, sys.executable, "-c", "import guest_routes"], capture_output=True).returncode:
        pytest.skip("an ordinary user can't read this checkout")
    done = _in_a_child(*drop)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == DOCUMENTED


def test_forbidden_namespaces_say_what_would_help(lab: Lab) -> None:
    limit = Path("/proc/sys/user/max_user_namespaces")
    code = (
        "from guest_routes.errors import KernelError\n"
        "from guest_routes.diagnose.private_network import enter_private_network as enter\n"
        "try: enter()\nexcept KernelError as error: print(error)"
    )
    script = f'echo 0 > {limit} && setpriv --bounding-set -all --inh-caps -all -- {sys.executable} -c "$CODE"'
    done = subprocess.run(
        ["unshare", "-Ur", "sh", "-c", script], capture_output=True, text=True, env={**os.environ, "CODE": code}
    )
    if done.returncode:
        pytest.skip(f"no user namespace to try it in: {done.stderr.strip()}")
    assert "cannot make a private network namespace: " in done.stdout
    assert "sysctl user.max_user_namespaces=" in done.stdout


@pytest.mark.parametrize("capabilities", ["-all", "-net_admin"])
def test_root_without_capabilities_is_not_told_to_be_root(lab: Lab, capabilities: str) -> None:
    as_root()
    without = ["--bounding-set", capabilities, "--inh-caps", capabilities]
    words = ["setpriv", *without, "--", sys.executable, "-m", "guest_routes"]
    done = subprocess.run(
        [*words, "rehearse", "--metadata", str(document("documented"))], capture_output=True, text=True
    )
    if done.returncode == 0:
        pytest.skip("this kernel lets root without capabilities become itself")
    said = "nothing was rehearsed; run it as root with all its capabilities, or as an ordinary user"
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr and "[Errno" not in done.stderr


def test_without_pyroute2_the_error_names_the_package(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyroute2", None)
    with pytest.raises(KernelError, match="pip install pyroute2"):
        build(network_data.parse(EXAMPLE))


@pytest.mark.parametrize("name", ["documented", "wrong-subnet", "dhcp", "not-a-gateway", "dual-stack"])
def test_json_fits_its_schema(lab: Lab, name: str) -> None:
    value = valid_json("rehearse", lab.run("rehearse", "--json", "--metadata", str(document(name))))
    assert value["metadata"]["where"] == str(document(name))
