"""Commands, options, settings and exit codes are in the man pages and the README."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Dict, Iterator, List, Set

import pytest

from guest_routes import errors
from guest_routes.cli.exit_codes import BY_COMMAND
from guest_routes.cli.help import help_lines
from guest_routes.managers.export.render import FORMATS
from guest_routes.model.settings import Settings
from guest_routes.settings import load as settings

ROOT = Path(__file__).parent.parent.parent
EXIT_CODES = range(6)


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def readme() -> str:
    return page("README.md").replace("`", "")


@pytest.fixture(scope="module")
def commands() -> Dict[str, argparse.ArgumentParser]:
    from guest_routes.cli.parser import build_parser

    parser = build_parser()
    found = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {"": parser, **found[0]}


def options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if action.help != argparse.SUPPRESS:
            yield from (option for option in action.option_strings if option.startswith("--"))


def missing(names: List[str], text: str) -> List[str]:
    """Names that don't stand in the text as words of their own."""
    return [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)]


def test_every_command_is_in_the_manual_and_the_readme(commands: Dict[str, argparse.ArgumentParser]) -> None:
    names = [name for name in commands if name]
    assert missing([f".It Cm {name}" for name in names], page("docs/man/guest-routes.8")) == []
    assert missing([f"guest-routes {name}" for name in names], readme()) == []


def test_the_manual_has_no_other_commands(commands: Dict[str, argparse.ArgumentParser]) -> None:
    listed = page("docs/man/guest-routes.8").partition(".Ss Commands")[2].partition(".Ss ")[0]
    assert set(re.findall(r"^\.It Cm (\S+)", listed, re.MULTILINE)) == set(commands) - {""}


def test_every_option_is_in_the_manual(commands: Dict[str, argparse.ArgumentParser]) -> None:
    every: Set[str] = {option for parser in commands.values() for option in options(parser)}
    listed = {
        "--" + name for name in re.findall(r"^\.It Fl (?:\w , )?-(\S+)", page("docs/man/guest-routes.8"), re.MULTILINE)
    }
    assert listed == every


def test_every_setting_is_an_option_of_a_command(commands: Dict[str, argparse.ArgumentParser]) -> None:
    every = {option for parser in commands.values() for option in options(parser)}
    assert {key.flag for key in settings.KEYS} <= every


def test_every_option_of_its_own_is_in_the_readme(commands: Dict[str, argparse.ArgumentParser]) -> None:
    flags = {key.flag for key in settings.KEYS} | {"--help", "--version"}
    own = sorted({option for parser in commands.values() for option in options(parser)} - flags)
    assert missing(own, readme()) == []


def test_every_setting_is_in_the_manual_with_its_default() -> None:
    parts = re.split(r"^\.It Ic ", page("docs/man/guest-routes.yaml.5").partition(".Ss Keys")[2], flags=re.MULTILINE)[
        1:
    ]
    found = {part.split("\n")[0]: re.findall(r"^Default: (.*)$", part, re.MULTILINE) for part in parts}
    assert found == {key.name: [key.default.replace(",", ", ")] for key in settings.KEYS}


def test_every_setting_is_in_the_readme() -> None:
    assert missing(list(Settings._fields), readme()) == []


@pytest.mark.parametrize("name", FORMATS)
def test_every_export_format_is_named_where_the_formats_are(name: str) -> None:
    (row,) = [line for line in page("README.md").splitlines() if line.startswith("| `guest-routes export")]
    manual = page("docs/man/guest-routes.8").split(".It Fl -format")[1].split(".It Fl")[0]
    table = page("docs/network-managers.md").split("\n## export\n")[1].split("\n## ")[0]
    exported = json.loads(page("docs/schema/export.json"))["$defs"]["exported"]["properties"]
    shown = " ".join(help_lines("export")).split("--nic")[0]
    for text in (row, manual, shown):
        assert name in re.findall(r"\w+", text)
    assert f"| `{name}` |" in table
    assert name in exported["format"]["enum"]


def test_every_exit_code_is_in_the_manual_and_the_readme() -> None:
    listed = page("docs/man/guest-routes.8").partition(".Sh EXIT STATUS")[2].partition(".Sh ")[0]
    assert re.findall(r"^\.It (\d+)$", listed, re.MULTILINE) == [str(code) for code in EXIT_CODES]
    assert missing([f"| {code} |" for code in EXIT_CODES], readme()) == []
    raised = {value.exit_code for value in vars(errors).values() if isinstance(value, type)
              and issubclass(value, errors.GuestRoutesError)}  # fmt: skip
    assert raised <= set(EXIT_CODES)


@pytest.mark.parametrize("name", ["README.md", "docs/troubleshooting.md", "docs/man/guest-routes.8"])
def test_the_exit_codes_of_each_command_are_the_same_everywhere(name: str) -> None:
    text = " ".join(page(name).replace("\\-", "-").replace(".br", "").replace("`", "").split())
    for command, codes in BY_COMMAND.items():
        row = text.partition(f".It Cm {command} 0: " if name.endswith("8") else f"| {command} | 0: ")
        assert row[1], command
        shown = "0: " + row[2]
        for code, meaning in codes.items():
            wanted = f"{code}: {meaning}"
            assert wanted in shown[: sum(map(len, codes.values())) + 100], wanted


def test_every_rule_is_written_down() -> None:
    rules = [int(number) for number in re.findall(r"^## R(\d+) ", page("docs/rules.md"), re.MULTILINE)]
    assert rules[:20] == list(range(1, 21))
    assert rules == sorted(set(rules))
    code = "".join(path.read_text() for path in (ROOT / "guest_routes").rglob("*.py"))
    assert {int(number) for number in re.findall(r"\bR(\d+)\b", code)} <= set(rules)


DOCS = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
MADE = (".cache/", ".venv", "dist/")
"""What make makes."""
NOT_TO_BE = "utils.py"
NAMED = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w.-]+\.py|[\w./-]+\.toml)`")


def exists(name: str, beside: Path) -> bool:
    """A path from the root, from the package, or from the document; `find.fallback` is a name in a module."""
    folders = (ROOT, ROOT / "guest_routes", beside)
    module = re.sub(r"\.\w+$", "", name)
    return any((folder / path).exists() for folder in folders for path in (name, f"{name}.py", f"{module}.py"))


def paths_in(text: str) -> Set[str]:
    """The paths of the tree that a text names in backquotes; one with NAME in it is to be made."""
    found = {name for name in NAMED.findall(text) if name != NOT_TO_BE and not name.startswith(MADE)}
    return {name.rpartition("/")[0] if "NAME" in name else name for name in found}


@pytest.mark.parametrize("name", DOCS)
def test_docs_name_paths_that_exist(name: str) -> None:
    assert [path for path in sorted(paths_in(page(name))) if not exists(path, (ROOT / name).parent)] == []
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page(name))
    assert [link for link in links if not ((ROOT / name).parent / link).exists()] == []


def test_every_part_of_the_package_is_in_the_table() -> None:
    table = page("docs/architecture.md").partition("## Packages")[2].partition("## ")[0]
    firsts = " ".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    parts = {path.name + "/" * path.is_dir() for path in (ROOT / "guest_routes").glob("[a-z]*")}
    assert set(re.findall(r"`([^`]+)`", firsts)) == parts


def test_no_change_of_the_table_takes_more_than_three_files() -> None:
    table = page("docs/architecture.md").partition("| to change |")[2].partition("## ")[0]
    rows = [row for row in table.splitlines() if row.startswith("| ") and "---" not in row]
    assert len(rows) >= 5
    assert [row for row in rows if len(re.findall(r"`[\w/]+\.py`", row)) > 3] == []


def test_the_versions_that_render_for_el_and_suse_are_those_of_the_data() -> None:
    (row,) = re.findall(r"^\| EL, SUSE \|.*", page("docs/support.md"), re.MULTILINE)
    kept = {path.stem for path in (ROOT / "tests/data/rendered").iterdir()}
    made = {name.split("-")[1] for name in kept if name.startswith("el-") and "manager" not in name}
    suse = {name.split("-")[1] for name in kept if name.endswith("-patched")}
    assert set(re.findall(r"\d+\.[\d.]*\d", row.split("NetworkManager 1.42")[0])) == made | suse


OLD_WORDS = re.compile(
    r"complaints?|mend(?:s|ed)?|testimony|deeds?|rivals?|quarrels?|patience|uneasy|foresee[ns]?|keeper|second opinions?"
    r"|legs?|silence",
    re.IGNORECASE,
)
"""Of the private language that docs and schemas were written in once; docs/architecture.md has the terms in use."""
PUBLISHED = [
    *DOCS,
    *sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("docs/schema/*"), *ROOT.glob("docs/man/*"))),
]


@pytest.mark.parametrize("name", PUBLISHED)
def test_no_word_of_the_old_language(name: str) -> None:
    assert re.findall(rf"\b(?:{OLD_WORDS.pattern})\b", page(name), re.IGNORECASE) == []
