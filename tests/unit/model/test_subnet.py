"""What a subnet is called."""

from __future__ import annotations

import pytest

from guest_routes.model.network import parse_prefix
from guest_routes.model.subnet import Subnet


@pytest.mark.parametrize("name, shown", [("blue", "blue"), ("", "ca2aea54")])
def test_by_its_name_if_it_has_one(name: str, shown: str) -> None:
    assert str(Subnet("ca2aea54", name, "p", parse_prefix("11.8.0.0/24"), None)) == shown
