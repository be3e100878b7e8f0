"""SUSE's ifcfg and ifroute files, line by line."""

from __future__ import annotations

from typing import Dict, List

import pytest

from guest_routes.managers.parsed.config import CREATED, OTHER_NIC
from guest_routes.managers.parsed.wicked import moved_wicked, read_wicked
from guest_routes.model.configuration import ConfiguredRoute, ParsedConfig, Place
from guest_routes.model.network import parse_address
from tests.support.configs import lines, nic_of, routes
from tests.support.reports import ETH0, ETH1, prefix

IFCFG = "# Created by cloud-init automatically, do not edit.\n#\nBOOTPROTO=static\nLLADDR=fa:16:3e:00:00:01\n"
ROUTES = "default 10.65.0.1 - -\n11.11.0.0/16 11.8.0.1 - - metric 5\ndefault fd00:65::1 - -\n"


def read(files: Dict[str, str]) -> List[ParsedConfig]:
    return read_wicked([(path, lines(text)) for path, text in files.items()], nic_of)


def test_the_routes_of_a_nic() -> None:
    ifcfg, ifroute = read({"/d/ifcfg-eth0": IFCFG, "/d/ifroute-eth0": ROUTES})
    assert (ifcfg.routes, ifcfg.places, ifcfg.odd) == ((), (), None)
    assert routes(ifroute) == [
        ("default via 10.65.0.1 dev eth0", (0,)),
        ("11.11.0.0/16 via 11.8.0.1 dev eth0", (1,)),
        ("default via fd00:65::1 dev eth0", (2,)),
    ]
    assert [(one.family, one.after, one.takes) for one in ifroute.places] == [(4, 2, "any"), (6, 2, "any")]


def test_the_file_for_routes_can_be_made() -> None:
    _, ifroute = read({"/d/ifcfg-eth1": IFCFG.replace("LLADDR", "X")})
    assert (ifroute.path, ifroute.origin, ifroute.lines) == ("/d/ifroute-eth1", "absent", CREATED)
    assert [place.nic for place in ifroute.places] == [ETH1, ETH1]
    _, again = read({"/d/ifcfg-eth1": IFCFG.replace("LLADDR", "X"), "/d/ifroute-eth1": "".join(CREATED) + ROUTES})
    assert (again.origin, len(again.routes), again.odd) == ("correct", 3, None)


@pytest.mark.parametrize(
    "text, odd",
    [
        (ROUTES + "11.12.0.0/16 11.8.0.1 - eth0\n", "line 4 is not as cloud-init writes routes"),
        (ROUTES + "# mine\n", "line 4 is not as cloud-init writes routes"),
        (ROUTES + "x 11.8.0.1 - -\n", "not an IP address: 'x'"),
    ],
)
def test_files_that_are_left_alone(text: str, odd: str) -> None:
    assert read({"/d/ifcfg-eth0": IFCFG, "/d/ifroute-eth0": text})[1].odd == odd


def test_the_files_of_other_nics_are_left_alone() -> None:
    odd = [one.odd for one in read({"/d/ifcfg-eth9": "# x\n", "/d/ifroute-eth9": ROUTES})]
    assert odd == [OTHER_NIC, OTHER_NIC]
    assert [one.odd for one in read({"/d/ifcfg-eth9": "x y\n"})] == ["line 1 is not as cloud-init writes it"]


def test_a_line_moves_as_it_is() -> None:
    route = ConfiguredRoute(ETH0, prefix("11.11.0.0/16"), parse_address("11.8.0.1"), "/a", (1,))
    assert moved_wicked(["a b - -"], route, Place(ETH1, 4, "/b", 0)) == ["a b - -\n"]
