"""NICs as `export --nic` names them."""

from __future__ import annotations

import pytest

from guest_routes.model.network import Nic
from guest_routes.settings.offline_nics import parse_nics

ONE, TWO = "fa:16:3e:00:00:01", "fa:16:3e:00:00:02"


def test_nics_are_up_and_counted_as_a_booting_machine_counts_them() -> None:
    assert parse_nics([f"eth0={ONE}", f" ens4 = {TWO.upper().replace(':', '-')} "]) == (
        Nic(2, "eth0", bytes.fromhex(ONE.replace(":", ""))),
        Nic(3, "ens4", bytes.fromhex(TWO.replace(":", ""))),
    )


@pytest.mark.parametrize(
    "text",
    ["", "eth0", "eth0=", f"={ONE}", "eth0=fa:16:3e:00:00", f"sixteen-letters.={ONE}", f"a b={ONE}", f"..={ONE}"],
)
def test_what_is_no_nic(text: str) -> None:
    with pytest.raises(ValueError, match="must be NAME=MAC, such as eth0=fa:16:3e:00:00:01"):
        parse_nics([text])


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ValueError, match=r"same name or MAC\n.*must be NAME=MAC"):
        parse_nics([f"eth0={ONE}", f"eth1={ONE}", "eth2"])


def test_a_name_has_fifteen_bytes_at_most() -> None:
    assert parse_nics([f"fifteen-letters={ONE}"])[0].name == "fifteen-letters"
