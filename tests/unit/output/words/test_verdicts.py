"""Why a route of a file stays, moves or goes, and a file stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from guest_routes.model.configuration import ConfiguredRoute, RewriteError, RouteVerdict
from guest_routes.model.decision import Elected, Resolved, ResolvedNextHop, Unresolved
from guest_routes.model.evidence import GatewayEvidence
from guest_routes.model.network import parse_address
from guest_routes.model.network_data import HostRoute
from guest_routes.output.words.verdicts import rewrite_error_text, verdict_reason
from tests.support.reports import ETH0, ETH1, prefix, report

GATEWAY = parse_address("11.8.0.1")
ROUTE = ConfiguredRoute(ETH0, prefix("11.11.0.0/16"), GATEWAY, "/a", (3,))
DEFAULT = ConfiguredRoute(ETH1, prefix("0.0.0.0/0"), GATEWAY, "/b", (3,))
HOST = HostRoute(prefix("11.11.0.0/16"), GATEWAY, "network_data.json", 0, 1)
RESOLVED = Resolved(HOST, ResolvedNextHop(ETH1, GATEWAY, GatewayEvidence("document", "networks[1].routes[0]")))
UNRESOLVED = Unresolved(HOST, "no-subnet")
(ELECTED,) = (one for one in report().elections[:1] if isinstance(one, Elected))
WAY = "networks[0].routes[1]: 11.8.0.1 is eth1's gateway (networks[1].routes[0])"
RULE = (
    "the first network with a documented default on a NIC that is up: networks[0], eth0; its gateway: "
    "networks[0].routes[0]"
)
NOWHERE = "11.8.0.1 is in no NIC's subnet; use a gateway of a NIC (none is known)"


@pytest.mark.parametrize(
    "route, reason, basis, text",
    [
        (ROUTE, "resolved", RESOLVED, WAY),
        (ROUTE, "there-already", RESOLVED, f"{WAY}; a file has it there already"),
        (ROUTE, "no-file", RESOLVED, f"{WAY}; but no file of eth1 can take it"),
        (ROUTE, "in-other-line", RESOLVED, f"{WAY}; but its line says more, and is not changed"),
        (ROUTE, "unresolved", UNRESOLVED, f"networks[0].routes[1]: {NOWHERE}"),
        (
            ROUTE, "out-of-reach", UNRESOLVED,
            f"networks[0].routes[1]: eth0 can't reach 11.8.0.1, and the manager would wait for it; {NOWHERE}",
        ),
        (ROUTE, "not-in-document", None, "not in the document"),
        (ROUTE, "no-longer-listed", None, "no longer in the document; `correct` had put it there"),
        (ROUTE, "not-main", None, "in another table than main, or in a VRF: not the document's"),
        (DEFAULT, "none-elected", None, "no default is elected"),
        (DEFAULT, "elected", ELECTED, RULE),
        (DEFAULT, "extra-default", ELECTED, f"eth0 has the default route: {RULE}"),
        (
            DEFAULT, "in-other-line", ELECTED,
            f"eth0 has the default route: {RULE}; but its line says more, and is not changed",
        ),
        (DEFAULT, "default-mode", ELECTED, f"eth0 has the default route: {RULE}; it stays, as `default_mode` says"),
        (
            DEFAULT, "other-table", ELECTED,
            f"eth0 has the default route: {RULE}; it stays: it is the main table's, and `table` is another",
        ),
        (
            DEFAULT, "only-default", ELECTED,
            f"eth0 has the default route: {RULE}; but no file gives it that default, and one must stay (R7)",
        ),
    ],
)  # fmt: skip
def test_why_a_route_of_a_file_stays_moves_or_goes(route: ConfiguredRoute, reason: Any, basis: Any, text: str) -> None:
    assert verdict_reason(RouteVerdict(route, "kept", reason, basis)) == text


@pytest.mark.parametrize("error, text", [
    (RewriteError("not-text", "/x"), "cannot read /x: it is not UTF-8 text; it stays as it is"),
    (RewriteError("unreadable", "/x", "gone"), "cannot read /x: gone; it stays as it is"),
    (RewriteError("untrusted", "/x", "is large"), "cannot use /x: it is large; it stays as it is"),
    (RewriteError("unwritable", "/x", "full"), "cannot write /x: full"),
    (RewriteError("not-kept", "/x", "cannot write /y: full; /x stays"), "cannot write /y: full; /x stays"),
    (RewriteError("not-run", detail="gone"),
     "`netplan generate` could not be run: gone; what it made before stays until the next boot"),
    (RewriteError("failed", detail="7"), "`netplan generate` failed: 7; what it made before stays"),
])  # fmt: skip
def test_why_a_file_stays_as_it_is(error: RewriteError, text: str) -> None:
    assert rewrite_error_text(error) == text
