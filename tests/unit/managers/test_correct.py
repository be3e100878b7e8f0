"""What `correct` makes of files: cloud-init's, and those that are not as expected."""

from __future__ import annotations

from typing import Dict, List

import pytest

from guest_routes.evidence import network_data
from guest_routes.managers.correct import correct
from guest_routes.model.configuration import Correction
from guest_routes.model.document import Document, Provenance
from guest_routes.model.evidence import Evidence
from guest_routes.model.network import KernelState, Nic
from guest_routes.model.settings import Selector, Settings
from guest_routes.routing.decide import decide
from guest_routes.routing.project import project
from tests.support.lab import MACS, document

NICS = tuple(Nic(index + 2, f"eth{index}", bytes.fromhex(MACS[index].replace(":", "")), up=False) for index in range(3))
ETH0 = f"""[Match]
MACAddress={MACS[0]}
Name=eth0

[Network]
DHCP=no

[Route]
Destination=0.0.0.0/0
Gateway=10.65.0.1

[Route]
Destination=11.11.0.0/16
Gateway=11.8.0.1
"""
ETH1 = f"""[Match]
MACAddress={MACS[1]}

[Route]
Gateway=11.8.0.1
"""
MOVED = "\n[Route]\nDestination=11.11.0.0/16\nGateway=11.8.0.1\n"
NETPLAN = f"""# by cloud-init
network:
    version: 2
    ethernets:
        eth0:
            match:
                macaddress: "{MACS[0].upper()}"
            routes:
            -   to: default
                via: 10.65.0.1
            -   metric: 5
                to: 11.11.0.0/16
                via: 11.8.0.1
            set-name: eth0
        eth1:
            addresses:
            - 11.8.0.9/24
            match:
                macaddress: {MACS[1]}
            routes:
            -   to: 0.0.0.0/0
                via: 11.8.0.1
            set-name: eth1
"""
IFUPDOWN = """auto eth0
iface eth0 inet static
    address 10.65.0.7/24
    gateway 10.65.0.1
    post-up route add -net 11.11.0.0 netmask 255.255.0.0 gw 11.8.0.1 || true
    pre-down route del -net 11.11.0.0 netmask 255.255.0.0 gw 11.8.0.1 || true

# eth1's
auto eth1
iface eth1 inet static
    address 11.8.0.9/24
    gateway 11.8.0.1
    post-up echo hello
"""
KEYFILE = """[connection]
id=cloud-init {nic}

[ethernet]
mac-address={mac}

[ipv4]
method=manual
{routes}
[ipv6]
method=disabled
"""


def corrected(manager: str, files: Dict[str, str], name: str = "wrong-subnet", **settings: object) -> Correction:
    """The files, by the document of that name."""
    wanted = Settings()._replace(**settings)  # type: ignore[arg-type]
    data = document(name).read_bytes()
    found = Document(data, Provenance("argument", name))
    evidence = Evidence(found, network_data.parse(data), KernelState(NICS, ()))
    decision = decide(project(evidence, wanted), wanted)
    return correct([(manager, path, text) for path, text in files.items()], decision, wanted)


def texts(made: Correction) -> List[str]:
    return [one.after or "" for one in made.files]


def test_networkd_sections_move_whole() -> None:
    made = corrected("systemd-networkd", {"0": ETH0, "1": ETH1})
    left, right = texts(made)
    assert left == ETH0.replace(MOVED, "") + "\n" * left.endswith("\n\n")
    assert right.replace("\n", "") == ETH1.replace("[Route]\nGateway=11.8.0.1\n", MOVED).replace("\n", "")
    assert [one.verdict for one in made.verdicts] == ["kept", "moved", "removed"]


def test_netplan_items_move_whole_and_an_empty_list_goes() -> None:
    (after,) = texts(corrected("netplan", {"p": NETPLAN}))
    item = "            -   metric: 5\n                to: 11.11.0.0/16\n                via: 11.8.0.1\n"
    wanted = NETPLAN.replace(item, "").replace("            -   to: 0.0.0.0/0\n                via: 11.8.0.1\n", item)
    assert after == wanted
    without = NETPLAN.replace(item, "")
    (after,) = texts(corrected("netplan", {"p": without}, "documented"))
    assert after == without.replace(
        "            routes:\n            -   to: 0.0.0.0/0\n                via: 11.8.0.1\n", ""
    )


def test_netplan_begins_a_list_where_there_is_none() -> None:
    text = NETPLAN.replace("            routes:\n            -   to: 0.0.0.0/0\n                via: 11.8.0.1\n", "")
    (after,) = texts(corrected("netplan", {"p": text}))
    import yaml

    ethernets = yaml.safe_load(after)["network"]["ethernets"]
    assert ethernets["eth1"]["routes"] == [{"metric": 5, "to": "11.11.0.0/16", "via": "11.8.0.1"}]
    assert ethernets["eth0"]["routes"] == [{"to": "default", "via": "10.65.0.1"}]


def test_ifupdown_commands_move_in_pairs() -> None:
    (after,) = texts(corrected("ifupdown", {"p": IFUPDOWN}))
    pair = [line for line in IFUPDOWN.splitlines() if "11.11.0.0" in line]
    head, _, tail = after.partition("iface eth1")
    assert not any(line in head for line in pair)
    assert tail.splitlines()[1:] == ["    address 11.8.0.9/24", "    post-up echo hello", *pair]


@pytest.mark.parametrize("bare", [False, True])
def test_ifupdown_with_a_comment_in_a_stanza_and_without_indents(bare: bool) -> None:
    text = IFUPDOWN.replace("    gateway 11", "# mine\n    gateway 11")
    text = "".join(line.lstrip(" ") for line in text.splitlines(keepends=True)) if bare else text
    (after,) = texts(corrected("ifupdown", {"p": text}))
    assert "gateway 11.8.0.1" not in after
    assert after.index("11.11.0.0") > after.index("iface eth1")


def test_keyfile_routes_are_numbered_on() -> None:
    first = KEYFILE.format(
        nic="eth0",
        mac=MACS[0],
        routes="route1=0.0.0.0/0,10.65.0.1\nroute2=11.11.0.0/16,11.8.0.1,7\nroute2_options=mtu=1400\n",
    )
    second = KEYFILE.format(nic="eth1", mac=MACS[1].upper(), routes="gateway=11.8.0.1\nroute4=11.12.0.0/16,11.8.0.1\n")
    left, right = texts(corrected("NetworkManager", {"0": first, "1": second}))
    assert "route2" not in left
    assert "route5=11.11.0.0/16,11.8.0.1,7\nroute5_options=mtu=1400\n" in right
    assert right.index("route5") < right.index("[ipv6]")
    assert "gateway=" not in right
    assert "route4=11.12.0.0/16,11.8.0.1" in right, "not of the document"


@pytest.mark.parametrize(
    ("manager", "text"),
    [
        ("netplan", NETPLAN.replace("routes:\n", "routes: [{to: 1.2.3.0/24, via: 10.65.0.1}]\n", 1)),
        ("netplan", NETPLAN.replace("via: 11.8.0.1", "via: 11.8.0.x")),
        ("netplan", NETPLAN.replace("    version", "\tversion")),
        ("systemd-networkd", ETH0 + "nonsense\n"),
        ("systemd-networkd", ETH0.replace("11.11.0.0/16", "11.11.0.0/99")),
        ("systemd-networkd", ETH0.replace(MACS[0], "fa:16:3e:99:99:99")),
        ("ifupdown", IFUPDOWN.replace("255.255.0.0 gw", "255.255.0.x gw")),
        ("NetworkManager", "route1=0.0.0.0/0,10.65.0.1\n"),
    ],
)  # fmt: skip
def test_what_is_not_as_expected_is_left_alone_with_the_reason(manager: str, text: str) -> None:
    made = corrected(manager, {"p": text})
    assert texts(made) == [text]
    assert made.files[0].odd
    assert made.changed == ()


def test_only_enforce_takes_defaults_away() -> None:
    made = corrected("systemd-networkd", {"0": ETH0, "1": ETH1}, default_mode="observe")
    assert "Gateway=11.8.0.1" in texts(made)[1]
    assert [one.verdict for one in made.verdicts] == ["kept", "moved", "left"]


def test_defaults_of_the_main_table_stay_where_the_settings_have_another() -> None:
    made = corrected("systemd-networkd", {"0": ETH0, "1": ETH1}, table=100)
    assert "Gateway=11.8.0.1" in texts(made)[1]
    assert [(one.verdict, one.reason) for one in made.verdicts][-1] == ("left", "other-table")


def test_the_settings_choice_keeps_its_default() -> None:
    made = corrected("systemd-networkd", {"0": ETH0, "1": ETH1}, default=Selector(nic="eth1"))
    assert "Destination=0.0.0.0/0" not in texts(made)[0]
    assert "[Route]\nGateway=11.8.0.1\n" in texts(made)[1]


def test_one_default_stays_when_the_elected_one_is_not_there() -> None:
    made = corrected("systemd-networkd", {"0": ETH0.replace("Destination=0.0.0.0/0\nGateway=10.65.0.1", ""), "1": ETH1})
    assert "[Route]\nGateway=11.8.0.1\n" in texts(made)[1]
    assert "only-default" in [one.reason for one in made.verdicts]


def test_a_next_hop_out_of_reach_goes_and_one_within_stays() -> None:
    text = ETH0.replace("Gateway=11.8.0.1", "Gateway=11.8.0.99")
    assert (
        MOVED.replace("11.8.0.1", "11.8.0.99")
        not in texts(corrected("systemd-networkd", {"0": text}, "not-a-gateway"))[0]
    )
    text = ETH1 + MOVED.replace("11.8.0.1", "11.8.0.99")
    assert "11.8.0.99" in texts(corrected("systemd-networkd", {"1": text}, "not-a-gateway"))[0]


def test_routes_of_others_and_ignored_nics_stay() -> None:
    text = ETH0.replace("11.11.0.0/16", "12.12.0.0/16")
    assert texts(corrected("systemd-networkd", {"0": text})) == [text]
    made = corrected("systemd-networkd", {"0": ETH0, "1": ETH1}, ignore_nics=("eth1",))
    assert texts(made) == [ETH0, ETH1]


def test_a_route_that_stands_in_both_places_goes_from_the_wrong_one() -> None:
    made = corrected("systemd-networkd", {"0": ETH0, "1": ETH1 + MOVED})
    assert texts(made)[1].count("11.11.0.0/16") == 1
    assert "11.11.0.0/16" not in texts(made)[0]


@pytest.mark.parametrize("manager", ["netplan", "systemd-networkd", "ifupdown", "NetworkManager"])
@pytest.mark.parametrize("text", ["", "\n", "x", "[", "  - a\n", "[Route]\n", "network:\n", "iface eth0 inet static"])
def test_anything_can_be_read(manager: str, text: str) -> None:
    assert texts(corrected(manager, {"p": text})) == [text]


def moves(manager: str, files: Dict[str, str], name: str = "wrong-subnet") -> List[str]:
    """Each route's verdict with its reason."""
    return [f"{one.verdict}: {one.reason}" for one in corrected(manager, files, name).verdicts]


def test_a_route_stays_where_no_file_configures_its_nic() -> None:
    made = corrected("systemd-networkd", {"0": ETH0})
    assert [(one.verdict, one.reason, one.to) for one in made.verdicts][1] == ("left", "no-file", None)
    assert texts(made) == [ETH0]


def test_a_route_on_its_nic_stays() -> None:
    assert moves("systemd-networkd", {"0": ETH0.replace(MOVED, ""), "1": ETH1 + MOVED})[-1] == "kept: resolved"


def test_a_default_stays_where_none_is_elected_or_the_document_has_another() -> None:
    nowhere = corrected("systemd-networkd", {"1": ETH1}, default=Selector(nic="eth7"))
    assert [(one.verdict, one.reason) for one in nowhere.verdicts] == [("kept", "none-elected")]
    other = ETH1.replace("11.8.0.1", "11.8.0.254")
    assert moves("systemd-networkd", {"0": ETH0, "1": other})[-1] == "kept: not-in-document"


def test_a_file_without_a_last_line_end_gets_one() -> None:
    made = corrected(
        "systemd-networkd", {"0": ETH0, "1": ETH1.replace("[Route]\nGateway=11.8.0.1\n", "[Network]\nDHCP=no")}
    )
    assert "DHCP=no\n[Route]\nDestination=11.11.0.0/16\n" in texts(made)[1]


def test_two_routes_begin_one_list() -> None:
    text = NETPLAN.replace("            routes:\n            -   to: 0.0.0.0/0\n                via: 11.8.0.1\n", "")
    twice = text.replace(
        "            set-name: eth0",
        "            -   to: 11.11.0.0/16\n                via: 11.8.0.1\n            set-name: eth0",
    )
    (after,) = texts(corrected("netplan", {"p": twice}))
    assert after.count("routes:") == 2
    assert after.partition("eth1:")[2].count("11.11.0.0/16") == 2


def test_files_without_routes_are_unchanged() -> None:
    from guest_routes.managers.correct import unchanged

    made = unchanged([("netplan", "/a", "x")])
    assert [(one.path, one.before, one.after, one.odd) for one in made.files] == [("/a", "x", "x", None)]
    assert (made.verdicts, made.changed) == ((), ())
