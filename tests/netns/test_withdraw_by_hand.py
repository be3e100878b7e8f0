"""What `withdraw` names to remove by hand, followed word by word, cuts no machine off (R7, R18)."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.netns.test_removal import everything
from tests.support.lab import Lab
from tests.support.passes import run


def test_a_default_before_what_rejects_is_handed_over_where_it_stands(lab: Lab) -> None:
    """No metric of IPv6's is free there."""
    _, file = everything(lab, "dual-stack")
    lab.ip("-6", "route", "flush", "exact", "default")
    lab.ip("-6", "route", "add", "unreachable", "default", "metric", "2", "proto", "static")
    assert run(lab, f"sync {file}").code == 0
    assert run(lab, "withdraw").code == 0
    default, rejecting = lab.ip("-6", "route", "show", "default").splitlines()
    assert default.startswith("default via fd00:65::1 dev eth0 metric 1 "), default
    assert rejecting.startswith("unreachable default dev lo proto static metric 2 "), rejecting
    assert lab.ip("-6", "route", "show", "proto", "121") == ""


@pytest.mark.parametrize("action", ["unreachable", "prohibit", "blackhole"])
def test_behind_a_rule_that_lets_no_packet_out_the_advice_keeps_the_default(lab: Lab, action: str) -> None:
    """A VPN's kill switch: Linux looks for the gateway by the rules then, too, and finds none."""
    _, file = everything(lab, "ipv4")
    lab.ip("route", "flush", "exact", "default")
    assert run(lab, f"sync {file}").code == 0
    lab.ip("rule", "add", "priority", "32765", "not", "fwmark", "7", action)
    refused = run(lab, "withdraw")
    assert refused.code == 1 and "go on only once that has worked" in refused.err
    for command in re.findall("`(ip [^`]*)`", refused.err):
        lab.ip(*command.split()[1:])
    assert lab.ip("route", "show", "proto", "121") == ""
    (kept,) = lab.ip("route", "show", "default").splitlines()
    assert kept.startswith("default via 10.65.0.1 dev eth0 onlink")


@pytest.mark.parametrize("family", ["ipv4", "dual-stack"])
def test_the_advice_has_the_rules_and_tables_of_source_routing(lab: Lab, family: str) -> None:
    _, file = everything(lab, family)
    assert run(lab, f"sync --source-routing true {file}").code == 0
    refused = subprocess.run(
        [*WITHOUT_CAPABILITY, sys.executable, "-m", "guest_routes", "withdraw"], text=True, capture_output=True
    )
    assert refused.returncode == 1 and "still there: rule from 10.65.0.7 lookup 12102" in refused.stderr
    for command in re.findall("`(ip [^`]*)`", refused.stderr):
        lab.ip(*command.split()[1:])
    for flag in ("-4", "-6"):
        assert lab.ip(flag, "route", "show", "table", "all", "proto", "121") == ""
        assert "lookup 121" not in lab.ip(flag, "rule")
    assert len(lab.ip("route", "show", "default").splitlines()) == 1


WITHOUT_CAPABILITY = ("setpriv", "--bounding-set=-net_admin")


@pytest.mark.parametrize("there", ["none", "eth1", "both"])
@pytest.mark.parametrize("family", ["ipv4", "dual-stack"])
@pytest.mark.parametrize("options", ["", "--protocol 77"])
def test_a_default_is_left_when_the_advice_is_followed(lab: Lab, there: str, family: str, options: str) -> None:
    _, file = everything(lab, family)
    families = ["-4"] if family == "ipv4" else ["-4", "-6"]
    for flag in families if there != "both" else ():
        lab.ip(flag, "route", "del", "default", "dev", "eth0")
        if there == "none":
            lab.ip(flag, "route", "flush", "exact", "default")
    assert run(lab, f"sync {options} {file}").code == 0
    command = [*WITHOUT_CAPABILITY, sys.executable, "-m", "guest_routes", "withdraw", *options.split()]
    refused = subprocess.run(command, text=True, capture_output=True)
    assert refused.returncode == 1
    commands = re.findall("`(ip [^`]*)`", refused.stderr)
    assert commands
    assert ("first keep the default route" in refused.stderr) == (there != "both")
    for command in commands:
        lab.ip(*command.split()[1:])
    protocol = "77" if options else "121"
    for flag in families:
        assert lab.ip(flag, "route", "show", "table", "all", "proto", protocol) == ""
        shown = lab.ip(flag, "route", "show", "default").splitlines()
        assert len(shown) == 1
        assert ("proto static" if there == "both" else "dev eth0 ") in shown[0]
