"""What commands say beside their data."""

from __future__ import annotations

from errno import EPERM

import pytest

from guest_routes.model.operations import Add, Delete, Failure, Outcome
from guest_routes.model.plan import Plan
from guest_routes.model.report import RolledBack, Withdrawal
from guest_routes.model.settings import Settings
from guest_routes.output import notices
from guest_routes.output.notices import SHOWN
from tests.support.reports import assert_valid, report, route


def test_switched_off() -> None:
    assert notices.disabled_text(written=True) == "disabled by the settings (`enabled: false`); nothing was done"
    assert (
        notices.disabled_text(written=False) == "disabled by the settings (`enabled: false`): sync would change nothing"
    )
    assert_valid("sync", notices.disabled_json())


@pytest.mark.parametrize(
    "settings, off",
    [
        (Settings(enabled=False), "`enabled: false`"),
        (Settings(correct_rendered=False), "`correct_rendered: false`"),
        (Settings(enabled=False, correct_rendered=False), "`enabled: false`, `correct_rendered: false`"),
    ],
)
def test_correct_names_each_setting_that_turns_it_off(settings: Settings, off: str) -> None:
    assert notices.not_corrected_text(settings) == f"switched off by the settings ({off}); nothing was done"


def test_wrong_settings_say_what_the_command_does_all_the_same() -> None:
    settings = Settings(table=100, protocol=77)
    shown = notices.settings_wrong_text(("a: wrong", "b: wrong"), "withdraw", settings).splitlines()
    assert shown == ["the settings are wrong; routes of protocol 77 in table 100 are withdrawn", "a: wrong", "b: wrong"]
    others = {notices.settings_wrong_text(("a",), command, settings) for command in ("explain", "status")}
    assert len(others) == 2 and all("a service that runs keeps those that it has read" in text for text in others)


@pytest.mark.parametrize(
    "count, last", [(1, "refused"), (SHOWN + 1, "refused"), (SHOWN + 2, "... and 2 more refusals")]
)
def test_of_many_refusals_the_first_are_shown(count: int, last: str) -> None:
    failure = Failure(Add(route("11.11.0.0/16 via 11.8.0.1 dev eth1")), 1, "refused")
    found = report()._replace(outcome=Outcome(failures=(failure,) * count))
    texts = notices.error_texts(found)
    assert last in texts[-1] and len(texts) <= SHOWN + 1


def test_of_many_errors_the_first_are_shown_after_the_refusals() -> None:
    found = report()
    assert notices.error_texts(found) == []
    failure = Failure(Add(route("11.11.0.0/16 via 11.8.0.1 dev eth1")), 1, "refused")
    errors = (RolledBack("not-put-back", 1),) * (SHOWN + 5)
    texts = notices.error_texts(found._replace(outcome=Outcome(failures=(failure,)), errors=errors))
    assert "refused" in texts[0] and texts[-1] == "... and 5 more errors; --json has all"
    assert len(texts) == SHOWN + 2


def test_a_report_that_was_written() -> None:
    kept, replaced = (notices.bundle_text("/tmp/a.tar.gz", 4096, redacted) for redacted in (False, True))
    assert kept == "/tmp/a.tar.gz: 4 KiB; it has addresses: see --redact; secrets are left out"
    assert "MACs and uuids in it are replaced" in replaced
    assert_valid("report", notices.bundle_json("/tmp/a.tar.gz", 4096, ["commands/ip: not installed"]))


@pytest.mark.parametrize("command", ["sync", "status", "withdraw", "report"])
def test_a_command_that_could_do_nothing(command: str) -> None:
    assert_valid(command, notices.failed_json(command, 2, "the settings are wrong"))


def test_what_withdraw_could_not_do_is_counted_beyond_the_first() -> None:
    ours = [route(f"10.{n}.0.0/16 via 11.8.0.1 dev eth1") for n in range(SHOWN + 9)]
    failures = tuple(Failure(Delete(one, "withdrawn"), EPERM, "Operation not permitted") for one in ours)
    state = report().before
    done = Withdrawal(Plan((), ()), Outcome((), failures), state, state, tuple(ours))
    texts = notices.withdrawal_error_texts(done)
    assert len(texts) == 2 * (SHOWN + 1) + 1
    assert texts[SHOWN] == "... and 9 more refusals; --json has all"
    assert texts[-2] == "... and 9 more routes are still there; --json has all"
    assert texts[-1].startswith("to remove by hand what is left: `ip -4 route flush table 254 proto ")


def test_a_result_that_went_nowhere() -> None:
    assert notices.unwritten_text("No space left on device").endswith(
        "No space left on device; what was done stays done"
    )
