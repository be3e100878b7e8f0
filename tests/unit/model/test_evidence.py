"""What evidence says of itself."""

from __future__ import annotations

from guest_routes.model.document import Document, Provenance
from tests.support.reports import NICS, evidence


def test_its_source_is_the_documents() -> None:
    assert evidence("documented", NICS).source == "http"
    assert evidence("documented", NICS, document=Document(b"{}", Provenance("leases", "eth0"))).source == "leases"
