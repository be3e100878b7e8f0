"""Links between pages lead somewhere, headings included; the index and the site's contents name every page."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Iterator, Set, Tuple

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "tests/e2e/*.md", "benchmarks/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def links(name: str) -> Iterator[Tuple[str, str]]:
    """Each as the path from the root and the heading's anchor; those to other sites left out."""
    for link in LINK.findall(FENCED.sub("", (ROOT / name).read_text("utf-8"))):
        if not re.match(r"[a-z]+:", link):
            path, _, anchor = link.partition("#")
            yield (posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name), anchor


def anchors(name: str) -> Set[str]:
    """Of a page's headings: small letters, words joined by dashes, nothing else."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", (ROOT / name).read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    found = list(links(name))
    assert [path for path, _ in found if not (ROOT / path).exists()] == []
    assert [f"{path}#{anchor}" for path, anchor in found if anchor and anchor not in anchors(path)] == []


def test_the_index_names_every_page() -> None:
    own = {name for name in PAGES if name.startswith("docs/")} - {"docs/index.md"}
    assert own - {path for path, _ in links("docs/index.md")} == set()


def test_the_list_of_schemas_has_every_one() -> None:
    every = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/schema").glob("*.json")}
    assert every - {path for path, _ in links("docs/schema/index.md")} == set()


def test_the_site_has_every_page_in_its_contents() -> None:
    class Loader(yaml.SafeLoader):
        """Passes over what names Python objects."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda loader, suffix, node: None)
    contents = yaml.load((ROOT / "mkdocs.yml").read_text(), Loader)["nav"]
    named = {page for part in contents for page in (next(iter(part.values())) if isinstance(part, dict) else [part])}
    wanted = {name[len("docs/") :] for name in PAGES if name.startswith("docs/")}
    wanted |= {f"man/{path.name}.md" for path in (ROOT / "docs/man").iterdir()}
    assert wanted - named == set()
