"""What is said of a fetch: while it waits, and when nobody had the document. tests/netns/test_metadata.py fetches."""

from __future__ import annotations

from typing import Dict, Optional

import pytest

from guest_routes.evidence.http import _no_answer, _progress
from guest_routes.evidence.http_endpoints import Endpoint
from guest_routes.evidence.http_get import Failed
from guest_routes.output.words.evidence import progress_text

ETH0 = Endpoint("http://169.254.169.254", "eth0", bound=True)
ETH1 = ETH0._replace(nic="eth1")
IPV6 = Endpoint("http://[fe80::a9fe:a9fe]", "eth0", bound=True)
UNBOUND = Endpoint("http://192.0.2.1:8775")


@pytest.mark.parametrize("asked, text", [
    ({}, "no NIC to ask through was up and running within 10 s"),
    ({ETH0: Failed("HTTP 404", True), IPV6: None},
     "eth0: HTTP 404 (169.254.169.254); eth0: no answer within 10 s ([fe80::a9fe:a9fe])"),
    ({UNBOUND: Failed("connection refused", False)}, "any NIC: connection refused (192.0.2.1:8775)"),
])  # fmt: skip
def test_why_no_document_came(asked: Dict[Endpoint, Optional[Failed]], text: str) -> None:
    assert _no_answer(asked, 10.0) == text


@pytest.mark.parametrize("asked, text", [
    ({}, "waiting for a NIC that is up and running (1.5 s of 10 s)"),
    ({ETH0: None, ETH1: None, IPV6: None},
     "asking 169.254.169.254 and fe80::a9fe:a9fe through eth0, eth1 (1.5 s of 10 s)"),
    ({UNBOUND: None}, "asking 192.0.2.1:8775 (1.5 s of 10 s)"),
])  # fmt: skip
def test_what_is_waited_for(asked: Dict[Endpoint, Optional[Failed]], text: str) -> None:
    assert progress_text(_progress(asked, 1.5, 10.0)) == text
