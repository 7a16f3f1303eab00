"""The documentation agrees with the code: generated text, command lines, paths, links, and the changelog's form."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.tools import parsers, refresh
from harness.catalogue import catalogue
from harness.report.formats.table import HISTORY
from tests.meta import command_lines
from tests.meta.tree import ROOT, files, relative

DOCS = ROOT / "docs"
FARM = (DOCS / "how-to" / "farm.md").read_text()
PAGES = refresh.pages()
TOP = [path for path in PAGES if path.parent == ROOT]
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_MODULE = re.compile(r"python3? (?:-P )?-m (?P<module>(?:fakefs|harness|tests|docs)\b[\w.]*)")
_PATH = re.compile(r"`(?P<path>(?:docs|fakefs|harness|scenarios|tests)/[\w./-]*)`")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", FARM, re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as MkDocs and code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_generated_text_is_current() -> None:
    assert [relative(path) for path in refresh.stale()] == [], "run `python -m docs.tools refresh`"


def test_stale_text_would_be_found() -> None:
    text = "<!-- generated: outcomes -->\nold\n<!-- end of generated text -->\n"
    assert "old" not in refresh.fill(text)
    assert "| `deadlock` |" in refresh.fill(text)


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_command_line_parses(page: Path) -> None:
    problems = [problem for line in command_lines.shown(page.read_text()) for problem in command_lines.problems(line)]
    assert problems == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```sh\nsudo ./fusezap diagnose --jason | cat\n```", "unknown arguments: --jason"),
        ("`fusezap frobnicate`", "unknown command 'frobnicate'"),
        ("```console\n$ git bisect run sh -c 'make || exit 125; fusezap check --rat 0.1'\n```", "--rat"),
        ("```sh\nfusezap run no-such-scenario\n```", "no-such-scenario"),
        ("```sh\nfusezap run --report htm=x\n```", "htm"),
        ("```sh\nfakefs mnt --rule 'opn:hang'\n```", "opn"),
    ],
)
def test_a_wrong_command_line_would_be_found(text: str, problem: str) -> None:
    (line,) = command_lines.shown(text)
    assert any(problem in each for each in command_lines.problems(line))


def test_there_are_command_lines_to_look_at() -> None:
    lines = [line for page in PAGES for line in command_lines.shown(page.read_text())]
    assert len(lines) > 60
    assert {"run", "check", "diagnose", "matrix", "results", "fakefs"} <= {line.program for line in lines}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_module_and_path_exists(page: Path) -> None:
    text = page.read_text()
    modules = [match["module"] for match in _MODULE.finditer(text) if not importlib.util.find_spec(match["module"])]
    paths = [match["path"] for match in _PATH.finditer(text) if not (ROOT / match["path"]).exists()]
    assert modules + paths == []


@pytest.mark.parametrize("page", TOP, ids=relative)
def test_the_links_of_the_top_level_pages_resolve(page: Path) -> None:
    """MkDocs checks the links inside `docs/`."""
    for match in _LINK.finditer(page.read_text()):
        target, _, anchor = match["target"].partition("#")
        found = (page.parent / target) if target else page
        assert found.exists(), match["target"]
        assert not anchor or anchor in anchors(found), match["target"]


def test_the_changelog_has_the_form_of_keep_a_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    releases = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - (\d{4}-\d\d-\d\d)", heading) for heading in headings[1:]]
    assert None not in releases
    found = [(tuple(map(int, each.groups()[:3])), date.fromisoformat(each[4])) for each in releases if each]
    assert found == sorted(found, reverse=True)
    sections = set(re.findall(r"^### (.*)$", text, re.MULTILINE))
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_kernel_table_has_every_scenario_and_begins_with_what_was_fixed_where() -> None:
    text = (DOCS / "reference" / "kernels.md").read_text()
    assert text.startswith(HISTORY)
    assert {name for name in catalogue() if f"| `{name}` |" not in text} == set()


def test_the_page_of_runtimes_is_what_the_command_writes() -> None:
    """Docker and containerd and runc at least, each with its picture."""
    text = (DOCS / "reference" / "runtimes.md").read_text()
    assert "`fusezap runtimes --report markdown=" in text
    for name in ("docker", "containerd", "runc"):
        assert f"\n## {name}\n" in text
    assert text.count("DEADLOCK") >= 4


def test_the_page_of_servers_is_what_the_command_writes() -> None:
    """A dozen servers at least that really ran; both outcomes."""
    text = (DOCS / "reference" / "servers.md").read_text()
    assert "`fusezap servers --markdown " in text
    table = text[text.index("## A program") : text.index("## The server")]
    assert len([line for line in table.splitlines() if line.startswith("|") and "released" in line]) >= 12
    assert text.count("**deadlock**") >= 3
    assert "not installed" not in text


def test_the_examples_for_farms_can_be_read() -> None:
    for block in blocks("yaml"):
        assert isinstance(yaml.safe_load(block), dict)
    for block in blocks("python"):
        compile(block, "farm.md", "exec")


def test_the_exit_statuses_have_every_command() -> None:
    text = (DOCS / "reference" / "exit-statuses.md").read_text()
    assert [name for name in parsers.names() if f"`{name}`" not in text] == []


def test_every_environment_variable_is_documented() -> None:
    sources = [path for path in files() if relative(path).startswith(("harness/", "fakefs/")) or path.name == "fusezap"]
    text = "".join(path.read_text(errors="replace") for path in sources)
    found = set(re.findall(r"(?<!X_)\b(?:FUSEZAP|FAKEFS)_[A-Z_]+\b", text))
    assert "FUSEZAP_RUN_DIR" in found
    pages = (DOCS / "reference" / "fusezap.md").read_text() + (DOCS / "reference" / "fakefs.md").read_text()
    assert [name for name in sorted(found) if f"`{name}`" not in pages] == []


@pytest.mark.parametrize("path", [path for path in files() if path.name.endswith(".schema.json")], ids=relative)
def test_every_field_of_a_json_document_is_described(path: Path) -> None:
    """The reference page shows these descriptions."""

    def lacking(schema: dict[str, Any], below: str) -> Iterator[str]:
        for name, field in schema.get("properties", {}).items():
            if not field.get("description"):
                yield f"{below}{name}"
            for inner in (field, field.get("items", {}), *field.get("anyOf", ())):
                yield from lacking(inner, f"{below}{name}.")

    schema = json.loads(path.read_text())
    parts = {"": schema, **{f"{name}: ": part for name, part in schema.get("$defs", {}).items()}}
    assert [name for below, part in parts.items() for name in lacking(part, below)] == []
    assert relative(path) in (DOCS / "reference" / "json.md").read_text()


def test_every_example_is_shown_on_a_page() -> None:
    text = "".join(page.read_text() for page in PAGES)
    examples = [path for path in files() if path.is_relative_to(DOCS / "examples")]
    assert [path.name for path in examples if path.name not in text] == []
