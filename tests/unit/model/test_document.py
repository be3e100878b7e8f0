"""The property that came with a document, as a value and as text."""

from __future__ import annotations

import pytest

from guest_routes.model.document import ServerProperty, parse_property


@pytest.mark.parametrize("one, text", [
    (ServerProperty(), ""), (ServerProperty(True), "null"), (ServerProperty(True, '"x"'), '"x"'),
])  # fmt: skip
def test_a_property_as_text_and_back(one: ServerProperty, text: str) -> None:
    """Unknown, not set, and set are three things."""
    assert str(one) == text
    assert parse_property(text) == one
