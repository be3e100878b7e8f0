"""`settings`: every value with its origin."""

from __future__ import annotations

from guest_routes.model.settings import Origin, Selector, Settings
from guest_routes.output.folding import laid_out
from guest_routes.output.settings.effective import checked_text, settings_json, settings_lines
from tests.support.reports import assert_valid

SETTINGS = Settings(metric=50, default=Selector(nic="eth1"), source_routing=True)
ORIGINS = {
    "metric": (Origin("/etc/guest-routes.yaml", 3),),
    "default": (Origin("the command line"),),
    "gateways": (Origin("/a", 1), Origin("/b")),
}


def test_each_value_with_its_place() -> None:
    lines = settings_lines(SETTINGS, ORIGINS, {}, verbose=False)
    assert len(lines) == len(Settings._fields)
    assert "metric                   50  (/etc/guest-routes.yaml:3)" in lines
    assert "default                  {nic: eth1}  (the command line)" in lines
    assert "gateways                 {}  (/a:1, /b)" in lines
    assert "protocol                 121  (default)" in lines
    folded = laid_out(lines)
    assert max(map(len, folded)) <= 80
    assert " " * 25 + "last-known-good, cloud-init, leases]  (default)" in folded


def test_verbose_says_what_each_means() -> None:
    helps = {name: f"what {name} means" for name in Settings._fields}
    lines = settings_lines(SETTINGS, ORIGINS, helps, verbose=True)
    assert (
        lines[lines.index("metric                   50  (/etc/guest-routes.yaml:3)") + 1] == "      what metric means"
    )


def test_json() -> None:
    value = settings_json(SETTINGS, ORIGINS, ())
    assert_valid("settings", value)
    assert value["exit_code"] == 0
    assert value["settings"]["metric"] == {"value": 50, "origins": [{"source": "/etc/guest-routes.yaml", "line": 3}]}
    assert value["settings"]["gateways"]["origins"][1] == {"source": "/b", "line": None}
    assert value["settings"]["engine"] == {"value": "rtnetlink", "origins": []}
    wrong = settings_json(SETTINGS, ORIGINS, ("/a: metrics: no such setting",))
    assert_valid("settings", wrong)
    assert (wrong["exit_code"], wrong["problems"]) == (2, ["/a: metrics: no such setting"])


def test_a_file_that_is_right() -> None:
    assert checked_text("/a", ORIGINS) == "/a: 3 settings, nothing wrong"
