"""Fuzz target: what the process that asks the metadata service sends is a document or a printable reason (R16)."""

from __future__ import annotations

import atheris

from tests.fuzz.harness import fuzz, printable

with atheris.instrument_imports(include=["guest_routes"]):
    from guest_routes.model.document import Document, Provenance
    from guest_routes.service.child.confined_fetch import framed
    from guest_routes.service.child.fetch import parse_answer

SEEDS = (
    framed("no answer"),
    framed(Document(b"{}", Provenance("http", "http://169.254.169.254", ("eth0",)), uuid="u")),
)


def one_input(data: bytes) -> None:
    """What libFuzzer calls."""
    got = parse_answer(data)
    if isinstance(got, str):
        assert printable(got)
        return
    provenance = got.provenance
    assert data.endswith(got.data) and provenance.source == "http"
    for text in (provenance.location, *provenance.nics, got.uuid, str(got.properties), got.expected_uuid):
        printable(text)


if __name__ == "__main__":
    fuzz(
        one_input,
        SEEDS,
        ["reason", "location", "nics", "uuid", "properties", "expected_uuid", "\\\\ud800", "\\\\u001b"],
        20000,
    )
