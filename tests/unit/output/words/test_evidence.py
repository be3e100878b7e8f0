"""Where documents and gateways are known from, in words."""

from __future__ import annotations

import pytest

from guest_routes.model.decision import Binding
from guest_routes.model.document import Missing, NoDocument, OtherInstance, Progress, Provenance, Unusable
from guest_routes.model.evidence import Contradiction, Elsewhere, GatewayEvidence
from guest_routes.model.lease import Lease
from guest_routes.model.network import parse_address, parse_prefix
from guest_routes.model.network_data import Link, Network, Problem
from guest_routes.output.words.evidence import (
    absence_text,
    argument_text,
    binding_label,
    elsewhere_text,
    evidence_text,
    lease_text,
    missing_text,
    no_document_text,
    other_instance_text,
    progress_text,
    provenance_text,
)
from tests.support.reports import ETH0

GATEWAY = parse_address("11.8.0.1")
LEASE = Lease("dhclient", "/var/lib/dhcp/dhclient.eth1.leases", parse_address("11.8.0.9"), "eth1")
NETWORK = Network(3, "network3", "tap3", "ipv4", 4)


@pytest.mark.parametrize(
    "provenance, text",
    [
        (Provenance("http", "http://169.254.169.254", ("eth1",)), "http://169.254.169.254 through eth1"),
        (Provenance("config-drive", "/dev/vdb"), "config drive /dev/vdb"),
        (Provenance("cloud-init", "/run/x.json"), "cloud-init's crawled copy (/run/x.json)"),
        (Provenance("argument", "-"), "standard input"),
        (Provenance("argument", "/tmp/network_data.json"), "/tmp/network_data.json"),
        (Provenance("leases", "", ("eth0", "eth1")), "none; using the DHCP leases of eth0, eth1"),
        (
            Provenance("last-known-good", "", first=Provenance("config-drive", "/dev/vdb")),
            "last known good (from config drive /dev/vdb)",
        ),
        (Provenance("last-known-good"), "last known good (from unknown)"),
    ],
)
def test_where_a_document_is_from(provenance: Provenance, text: str) -> None:
    assert provenance_text(provenance) == text


@pytest.mark.parametrize(
    "known, text",
    [
        (None, ""),
        (GatewayEvidence("document", "networks[1].routes[0]"), "networks[1].routes[0]"),
        (GatewayEvidence("settings", "gateways[eth1] of /etc/a.yaml"), "gateways[eth1] of /etc/a.yaml"),
        (
            GatewayEvidence("advertised", gateway=GATEWAY, nic="eth1"),
            "the router advertised on eth1: default via 11.8.0.1 dev eth1",
        ),
        (
            GatewayEvidence("kernel", gateway=GATEWAY, nic="eth1"),
            "the kernel's default route: default via 11.8.0.1 dev eth1",
        ),
        (
            GatewayEvidence("recorded", gateway=GATEWAY, nic="eth1"),
            "a default route removed earlier: default via 11.8.0.1 dev eth1",
        ),
        (
            GatewayEvidence("lease", lease=LEASE, option=121, index=2),
            "eth1's DHCP lease (dhclient, /var/lib/dhcp/dhclient.eth1.leases), option 121[2]",
        ),
    ],
)
def test_where_a_gateway_is_known_from(known: GatewayEvidence | None, text: str) -> None:
    assert evidence_text(known) == text


def test_which_option_of_a_lease_and_that_it_has_expired() -> None:
    known = GatewayEvidence("lease", lease=LEASE, option=3, expired=True)
    label = "DHCP lease (dhclient, /var/lib/dhcp/dhclient.eth1.leases)"
    assert lease_text(known, LEASE) == f"{label}, option 3 (which has expired)"


@pytest.mark.parametrize(
    "binding, label",
    [
        (Binding(NETWORK, None, ETH0), "eth0"),
        (Binding(NETWORK, None, None, ignored="docker0"), "docker0"),
        (Binding(NETWORK, Link(3, "tap3", "ovs", bytes.fromhex("fa163e000009")), None),
         "the NIC with MAC fa:16:3e:00:00:09"),
        (Binding(NETWORK, Link(3, "bond3", "bond", bytes.fromhex("fa163e000009")), None),
         "the bond with MAC fa:16:3e:00:00:09"),
        (Binding(NETWORK, None, None), "networks[3]"),
        (Binding(None, None, None), "?"),
    ],
)  # fmt: skip
def test_what_a_network_s_nic_is_called(binding: Binding, label: str) -> None:
    assert binding_label(binding) == label


PATH = "/var/lib/guest-routes/last-known-good"
FIRST, SECOND = bytes.fromhex("fa163e000001"), bytes.fromhex("fa163e000002")


@pytest.mark.parametrize("one, text", [
    (Unusable("absent", PATH), "none was kept in /var/lib/guest-routes"),
    (Unusable("not-permitted", PATH, "cannot be read: Permission denied"),
     f"{PATH}: cannot be read: Permission denied"),
    (Unusable("unreadable", PATH, "belongs to the user 7, not to root"),
     f"{PATH}: belongs to the user 7, not to root"),
    (Unusable("other-version", PATH, "'x/2'"), f"{PATH} is of another version ('x/2')"),
    (Unusable("cut-off", PATH, lengths=(3, "7")), f"{PATH} is damaged: 3 bytes, 7 were written"),
    (Unusable("no-header", PATH), f"{PATH} is damaged: no header of ours"),
    (Unusable("other-instance", PATH, other=OtherInstance("no-macs")),
     f"{PATH} is not of this instance: it describes no MAC"),
    (NoDocument("no-lease", clients=("dhclient", "dhcpcd")), "no NIC has a DHCP lease of dhclient, dhcpcd"),
    (NoDocument("no-lease", problems=(Problem("/a", "is odd"), Problem("/b", "too"))), "/a: is odd; /b: too"),
    (NoDocument("scheme"), "only http and https are supported"),
    (NoDocument("user"), "a user name or password in a URL is not taken, since reports show the URL"),
    (NoDocument("too-large", limit_bytes=5 << 20), "more than 5 MiB"),
    (NoDocument("no-copy", each=("/x: gone", NoDocument("no-network-json", "/y"))),
     "/x: gone; /y: no ds.network_json in it"),
    (NoDocument("no-object", "/y", found="[]"), "/y: its ds.network_json is no object but []"),
    ("no answer", "no answer"),
])  # fmt: skip
def test_why_a_source_has_no_document(one: Missing, text: str) -> None:
    assert missing_text(one) == text


@pytest.mark.parametrize("one, text", [
    (OtherInstance("machine", "a", "b"), "it was kept on machine a, this is b; harmless in a captured image"),
    (OtherInstance("instance", "a", "b"), "it was kept on instance a, this is b; harmless in a captured image"),
    (OtherInstance("macs", macs=(FIRST, SECOND)),
     "it describes fa:16:3e:00:00:01, fa:16:3e:00:00:02, which no NIC here has; harmless in a captured image"),
    (OtherInstance("unproven", macs=(SECOND,)),
     "it describes fa:16:3e:00:00:02 too, which no NIC here has, and no DMI uuid proves that the machine is the same"),
])  # fmt: skip
def test_why_a_document_is_of_another_instance(one: OtherInstance, text: str) -> None:
    assert other_instance_text(one) == text


def test_no_source_has_a_document() -> None:
    assert no_document_text([("http", "eth0: refused\nagain"), ("leases", NoDocument("no-lease", problems=(
        Problem("/a", "is odd"),)))]).splitlines() == [
        "cannot find network_data.json; nothing was changed",
        "  http: eth0: refused again; `ip route get 169.254.169.254` shows the way the kernel would take",
        "  leases: /a: is odd",
        "name one yourself: --metadata FILE, DIR or URL",
    ]  # fmt: skip
    assert argument_text("ftp://x", NoDocument("scheme")) == (
        "cannot get the metadata given as ftp://x: only http and https are supported; nothing was changed"
    )


def test_routes_left_elsewhere_and_drives_passed_over() -> None:
    one, many = Elsewhere(100, 121, 1), Elsewhere(254, 130, 1200)
    assert elsewhere_text(one) == "table 100: 1 route of protocol 121 left by a pass with other settings"
    assert elsewhere_text(many).startswith("table main: 1,200 routes of protocol 130 left")
    ruled = elsewhere_text(many._replace(routes=0, rules=2))
    assert ruled.startswith("table main: 0 routes and 2 rules of source routing of protocol 130 left")
    drives = (
        Problem("/dev/sr0", "not used as a config drive: a"),
        Problem("/dev/sr1", "not used as a config drive: b"),
    )
    assert missing_text(NoDocument("no-drive", problems=drives)) == f"{drives[0]}; {drives[1]}"


@pytest.mark.parametrize("progress, text", [
    (Progress("config-drive", "/dev/vdb"), "reading config drive /dev/vdb"),
    (Progress("each-nic"), "asking the metadata service through each NIC"),
    (Progress("no-nic", waited_seconds=0.5, deadline_seconds=8.0),
     "waiting for a NIC that is up and running (0.5 s of 8 s)"),
    (Progress("asked", hosts=("192.0.2.1:8775",), deadline_seconds=2.5), "asking 192.0.2.1:8775 (0.0 s of 2.5 s)"),
])  # fmt: skip
def test_what_is_waited_for(progress: Progress, text: str) -> None:
    assert progress_text(progress) == text


@pytest.mark.parametrize(
    "why, text",
    [
        (
            Contradiction("doubled-mac", "eth0"),
            "no NIC has 11.8.0.9/24, and eth0, which has its MAC, is another link's",
        ),
        (
            Contradiction("doubled-id", "eth0"),
            "two links have its link's id, no NIC has 11.8.0.9/24, and eth0, which one of them is, has others",
        ),
        (
            Contradiction("address-elsewhere", "eth0", "eth1"),
            "its link has the MAC of eth0, and its address 11.8.0.9/24 is on eth1, another link's NIC",
        ),
        (
            Contradiction("subnet-elsewhere", "eth0", "networks[0]"),
            "its link has the MAC of eth0, which has no address in 11.8.0.0/24, and one in networks[0]'s subnet",
        ),
        (
            Contradiction("other-network", "eth0"),
            "its link has the MAC of eth0, which hasn't the address of another network of that link",
        ),
    ],
)
def test_why_nothing_tells_a_network_s_nic(why: Contradiction, text: str) -> None:
    network = NETWORK._replace(address=parse_prefix("11.8.0.9/24"))
    binding = Binding(network, Link(0, "tap0", "tap", b"1"), None, contradiction=why)
    assert absence_text(binding) == f"networks[3]'s NIC is unknown: {text}"
