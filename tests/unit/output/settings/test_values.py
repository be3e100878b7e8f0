"""A setting's value as YAML: on one line, and never read as something else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from guest_routes.model.network import parse_address, parse_prefix
from guest_routes.model.settings import GatewaySetting, Selector, Settings
from guest_routes.output.settings.values import setting_value, value_text
from guest_routes.settings.keys import BY_NAME
from guest_routes.settings.route_values import is_nic_name
from guest_routes.settings.values import Place

PLACE = Place("/a", "gateways")


@pytest.mark.parametrize(
    "value, text",
    [
        (True, "true"), ("auto", "auto"), ("on", '"on"'), (50, "50"), (0.5, "0.5"), ([], "[]"), ({}, "{}"),
        (["10.0.0.0/8,10.1.1.1"], '["10.0.0.0/8,10.1.1.1"]'), ({"nic": "eth0"}, "{nic: eth0}"),
        ({"eth1": "11.8.0.1", "network=a b": "::1"}, '{eth1: "11.8.0.1", "network=a b": "::1"}'),
    ],
)  # fmt: skip
def test_how_it_is_written(value: Any, text: str) -> None:
    assert value_text(value) == text
    assert yaml.safe_load(text) == value


def test_the_defaults() -> None:
    shown = {name: setting_value(Settings(), name) for name in Settings._fields}
    assert (shown["default"], shown["table"], shown["refresh_seconds"]) == ("auto", "main", 300)
    assert type(shown["refresh_seconds"]) is int
    assert setting_value(Settings(table=300, deadline_seconds=0.5), "table") == 300
    assert setting_value(Settings(deadline_seconds=0.5), "deadline_seconds") == 0.5


SELECTORS = st.one_of(
    st.builds(lambda text: Selector(nic=text), st.text("ab0.=-", min_size=1, max_size=15).filter(is_nic_name)),
    st.builds(lambda text: Selector(network=text), st.text("ab0=/:", min_size=1, max_size=20)),
    st.builds(lambda value: Selector(mac=value), st.binary(min_size=6, max_size=6)),
    st.just(Selector(subnet=parse_prefix("10.65.0.0/24"))),
)


@given(SELECTORS)
def test_a_selector_is_read_as_what_it_was(selector: Selector) -> None:
    gateway = parse_address("11.8.0.1")
    ((name, address),) = setting_value(Settings(gateways=(GatewaySetting(selector, gateway, ""),)), "gateways").items()
    read = BY_NAME["gateways"].read((name, address), PLACE)
    assert isinstance(read, GatewaySetting)
    assert (read.selector, read.gateway) == (selector, gateway)
    assert BY_NAME["default"].read(setting_value(Settings(default=selector), "default"), PLACE) == selector
