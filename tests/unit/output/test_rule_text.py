"""Policy rules as `ip rule` has them."""

from __future__ import annotations

import pytest

from guest_routes.model.network import Rule, parse_prefix
from guest_routes.output.rule_text import rule_json, rule_text

OWN = Rule(4, 32765, 12103, False, 121, parse_prefix("11.8.0.9/32"))
VPN = Rule(4, 32764, 51820, False, 3, restricted=True)
PREFIX = parse_prefix("11.8.0.0/24")


@pytest.mark.parametrize(
    "rule, text",
    [
        (OWN, "from 11.8.0.9 lookup 12103 priority 32765 proto guest-routes"),
        (OWN._replace(source=parse_prefix("11.8.0.0/24"), protocol=0), "from 11.8.0.0/24 lookup 12103 priority 32765"),
        (VPN, "from all (of some packets) lookup 51820 priority 32764 proto boot"),
        (Rule(4, 32766, 254, True, 2), "from all lookup main priority 32766 proto kernel"),
        (Rule(4, 9, 0, False, 3, among=PREFIX, action=8), "from 11.8.0.0/24 prohibit priority 9 proto boot"),
        (Rule(4, 9, 0, False, 3, action=2, target=99), "from all goto 99 priority 9 proto boot"),
        (Rule(4, 9, 0, False, restricted=True, action=6), "from all (of some packets) blackhole priority 9"),
        (
            Rule(4, 9, 254, False, restricted=True, suppresses=0),
            "from all lookup main suppress_prefixlength 0 priority 9",
        ),
        (Rule(4, 9, 0, False, action=77), "from all does 77 priority 9"),
        (Rule(4, 9, 77, True, 99), "from all lookup 77 priority 9 proto 99"),
    ],
)
def test_rules(rule: Rule, text: str) -> None:
    assert rule_text(rule) == text
    value = rule_json(rule)
    assert (value["priority"], value["text"]) == (rule.priority, text)
