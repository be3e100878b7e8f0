"""Host routes of the document in `explain`: of many that are not programmed a dozen, the document read once."""

from __future__ import annotations

from guest_routes.output.diagnosis.listed import not_programmed_lines
from guest_routes.output.folding import SHOWN
from tests.support.reports import report

FOUND = report("not-a-gateway")
MISSED = FOUND.resolution.unresolved * 1000


def test_of_many_a_dozen_are_shown() -> None:
    lines = not_programmed_lines(MISSED, FOUND, verbose=False)
    assert sum(line.startswith("! not programmed") for line in lines) == SHOWN
    assert lines[-2:] == ["! ... and 988 more; --verbose shows all", ""]


def test_verbose_shows_all_with_their_entries() -> None:
    lines = not_programmed_lines(MISSED, FOUND, verbose=True)
    assert lines.count("! not programmed: 11.11.0.0/16,11.8.0.99") == 1000
    assert sum('"gateway": "11.8.0.99"' in line for line in lines) == 1000
