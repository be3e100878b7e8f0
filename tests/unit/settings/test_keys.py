"""The keys of the settings: each a field, with a default that reads as it is documented."""

from __future__ import annotations

import pytest

from guest_routes.model.settings import Settings
from guest_routes.settings.keys import BY_NAME, KEYS, Key
from guest_routes.settings.load import read


def test_keys_are_the_fields_in_their_order() -> None:
    assert [key.name for key in KEYS] == list(Settings._fields) == list(BY_NAME)


@pytest.mark.parametrize("key", KEYS, ids=[key.name for key in KEYS])
def test_the_default_is_the_documented_one(key: Key) -> None:
    if key.default == "none":
        assert (key.many, getattr(Settings(), key.name)) == (True, ())
    else:
        assert read({key.name: key.default}, etc="/nowhere", stanza="/nowhere") == Settings()


def test_flags_have_dashes() -> None:
    assert [key.flag for key in KEYS if key.name in ("metric", "deadline_seconds")] == [
        "--metric",
        "--deadline-seconds",
    ]


def test_only_lists_are_split_at_commas() -> None:
    """A host route has a comma of its own."""
    assert all(key.many for key in KEYS if key.commas)
    assert not BY_NAME["routes"].commas
