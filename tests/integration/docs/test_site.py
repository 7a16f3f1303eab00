"""The site builds without a warning, loads nothing from elsewhere, and the man pages render."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.conftest import require
from tests.meta.tree import ROOT

MAN = sorted((ROOT / "docs" / "man").iterdir())
_LOADS = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")}


class _Loads(HTMLParser):
    """Collects what a page makes a browser load, and the targets of its links."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (tag, name) in _LOADS and value:
                self.loads.append(value)
            if (tag, name) == ("a", "href") and value:
                self.links.append(value)
            if name == "id" and value:
                self.anchors.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    argv = [sys.executable, "-P", "-m", "docs.tools", "build", str(folder)]
    ended = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "WARNING" not in ended.stderr
    return folder


def read(page: Path) -> _Loads:
    parser = _Loads()
    parser.feed(page.read_text())
    return parser


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    pages = {page: read(page) for page in site.rglob("*.html")}
    assert len(pages) > 20
    assert [load for page in pages.values() for load in page.loads if "//" in load] == []
    for page, found in pages.items():
        missing = [load for load in found.loads if not (page.parent / load.partition("?")[0]).resolve().exists()]
        assert page.name == "404.html" or missing == []
    for sheet in site.rglob("*.css"):
        assert re.findall(r"(?:@import|url\()\s*['\"]?(?:https?:)?//[^)]*", sheet.read_text()) == [], sheet


def test_every_link_leads_to_a_page_and_an_anchor_of_the_site(site: Path) -> None:
    """MkDocs checks the links that stand in Markdown; this sees those of the generated text and of the theme too."""
    pages = {page.resolve(): read(page) for page in site.rglob("*.html")}
    broken = []
    for page, found in pages.items():
        for link in found.links if page.name != "404.html" else ():
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            found_anchor = not anchor or anchor.startswith("__") or anchor in pages[target].anchors
            if "//" in link or not target.exists() or not found_anchor:
                broken.append(f"{page.name}: {link}")
    assert broken == []


def test_the_generated_tables_are_there(site: Path) -> None:
    assert "exit-flush-nested-namespace" in (site / "reference/scenarios.html").read_text()
    assert "at build:" not in "".join(page.read_text() for page in site.rglob("*.html"))


@pytest.mark.parametrize("page", MAN, ids=lambda page: page.name)
def test_a_man_page_renders_without_a_warning(page: Path) -> None:
    require("man", "groff")
    argv = ["man", "--warnings", "--encoding=UTF-8", "--local-file", str(page)]
    env = {"LC_ALL": "C.UTF-8", "MANWIDTH": "80", "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Synopsis" in ended.stdout
