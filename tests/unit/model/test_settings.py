"""The settings as one value: what comes first of what, and what a selector is called."""

from __future__ import annotations

from typing import Tuple

import pytest

from guest_routes.model.network import parse_prefix
from guest_routes.model.settings import SOURCES, Selector, Settings


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        (Selector(nic="eth1"), "nic eth1"),
        (Selector(mac=bytes.fromhex("fa163e000001")), "mac fa:16:3e:00:00:01"),
        (Selector(network="a-b"), "network a-b"),
        (Selector(subnet=parse_prefix("11.8.0.0/24")), "subnet 11.8.0.0/24"),
    ],
)
def test_a_selectors_name(selector: Selector, text: str) -> None:
    assert str(selector) == text


@pytest.mark.parametrize(
    ("sources", "precedence", "documents"),
    [
        (
            SOURCES,
            ("settings", "properties", "metadata", "leases"),
            ("http", "config-drive", "last-known-good", "cloud-init"),
        ),
        (("leases", "http"), ("settings", "leases", "metadata"), ("http",)),
        (("leases", "settings"), ("leases", "settings"), ()),
        (("http", "properties", "cloud-init"), ("settings", "metadata", "properties"), ("http", "cloud-init")),
    ],
)
def test_sources(sources: Tuple[str, ...], precedence: Tuple[str, ...], documents: Tuple[str, ...]) -> None:
    settings = Settings(sources=sources)
    assert (settings.precedence, settings.document_sources) == (precedence, documents)


def test_other_documents_stand_where_the_first_one_stood() -> None:
    assert Settings().from_documents("last-known-good").sources == (
        "settings",
        "properties",
        "last-known-good",
        "leases",
    )
    assert Settings(sources=("leases", "http", "properties")).from_documents("a", "b").sources == (
        "leases",
        "a",
        "b",
        "properties",
    )
    assert Settings(sources=("settings",)).from_documents("a").sources == ("settings", "a")
    assert Settings().from_documents().sources == ("settings", "properties", "leases")
