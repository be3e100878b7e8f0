"""MkDocs' events: the site has what the pages in docs/ link to, wherever in the tree that is, and the manual pages.

A file outside docs/ has its page below source/. Links are written for the tree, so that they work there, in a package
and on a forge alike; here they are rewritten.
"""

from __future__ import annotations

import posixpath
import re
import subprocess
from pathlib import Path
from typing import Any, Dict, Iterator

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
DOCS = "docs/"
LINK = re.compile(r"\]\(([^)\s#:]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Adds the pages of the manual, and what is linked to outside docs/."""
    for manual in sorted((ROOT / "docs/man").iterdir()):
        replace(files, File.generated(config, f"man/{manual.name}.md", content=manual_page(manual)))
    known: Dict[str, str] = {}
    waiting = [DOCS + file.src_uri for file in files.documentation_pages()]
    while waiting:
        name = waiting.pop()
        if not (ROOT / name).exists():
            continue  # A manual page's own file; it has no links.
        for target in targets(name, (ROOT / name).read_text("utf-8")):
            if target.startswith(DOCS) or target in known or not (ROOT / target).is_file():
                continue
            known[target] = site_path(target)
            replace(files, File.generated(config, site_path(target), abs_src_path=str(ROOT / target)))
            if target.endswith(".md"):
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page with its links as the site has them."""
    uri = page.file.src_uri
    name = uri[len("source/") :] if uri.startswith("source/") else DOCS + uri
    folder = posixpath.dirname(uri) or "."

    def link(found: re.Match[str]) -> str:
        target = site_path(resolved(name, found[1]))
        return f"]({posixpath.relpath(target, folder)}{found[2] or ''})"

    return LINK.sub(link, markdown)


def manual_page(path: Path) -> str:
    """A page of the manual as Markdown with HTML in it."""
    command = ["mandoc", "-T", "html", "-O", "fragment", str(path)]
    html = subprocess.run(command, check=True, text=True, capture_output=True).stdout
    html = re.sub(r'<(table|div) class="(?:head|foot)".*?</\1>', "", html, flags=re.DOTALL)
    html = re.sub(r"(</?h)([12])", lambda found: found[1] + str(int(found[2]) + 1), html)
    return f"# {path.stem}({path.suffix[1:]})\n\n<div>\n{html}</div>\n"


def targets(name: str, text: str) -> Iterator[str]:
    """The paths from the root that a page links to."""
    return (resolved(name, found[1]) for found in LINK.finditer(text))


def resolved(name: str, link: str) -> str:
    """The path from the root of a link in that page."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), link))


def site_path(name: str) -> str:
    """Where the site has a file of the tree."""
    if not name.startswith(DOCS):
        return f"source/{name}"
    name = name[len(DOCS) :]
    if name.startswith("man/"):
        return f"{name}.md"
    return f"{name}/index.md" if (ROOT / DOCS / name / "index.md").exists() else name


def replace(files: Files, file: File) -> None:
    """Adds a file in place of one that goes to the same address."""
    for old in [old for old in files if old.src_uri in (file.src_uri, file.src_uri[: -len(".md")])]:
        files.remove(old)
    files.append(file)
