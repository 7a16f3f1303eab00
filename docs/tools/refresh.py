"""Finds the generated parts of the documentation and computes their current text.

A generated block stands between two comments in any Markdown file:

    <!-- generated: KIND ARGUMENT -->
    …
    <!-- end of generated text -->

KIND is a file of `docs/tools/blocks/`. Two more outputs are whole files: the picture of the rooms and the man pages.
"""

from __future__ import annotations

import re
from pathlib import Path

from docs.tools import blocks, man, rooms
from harness import registry
from harness.errors import FusezapError

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PICTURE = DOCS / "explanation" / "rooms.svg"
MAN = {
    DOCS / "reference" / "fusezap.md": DOCS / "man" / "fusezap.1",
    DOCS / "reference" / "fakefs.md": DOCS / "man" / "fakefs.1",
}
_END = "<!-- end of generated text -->"
_BLOCK = re.compile(
    rf"^(?P<begin><!-- generated: (?P<kind>[a-z-]+)(?: (?P<argument>[^\n]+?))? -->\n).*?^{_END}$",
    re.DOTALL | re.MULTILINE,
)
_MARK = re.compile(r"^<!-- (?:generated: .*|end of generated text) -->$", re.MULTILINE)


def pages() -> list[Path]:
    """The Markdown files that may hold generated blocks."""
    return [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]


def stale() -> dict[Path, str]:
    """The generated files whose text on disk differs from what the code determines, each with its current text."""
    current = {path: fill(path.read_text()) for path in pages()}
    for source, target in MAN.items():
        current[target] = man.page(current[source])
    current[PICTURE] = rooms.svg(rooms.read())
    return {path: text for path, text in current.items() if not path.exists() or path.read_text() != text}


def fill(text: str) -> str:
    """Replaces the body of every generated block in a Markdown text.

    Raises:
        FusezapError: a block names a kind that does not exist, or a begin mark has no end mark.
    """
    filled = _BLOCK.sub(_block, text)
    if len(_MARK.findall(filled)) != 2 * len(_BLOCK.findall(filled)):
        raise FusezapError("a generated block does not end")
    return filled


def _block(match: re.Match[str]) -> str:
    kind = registry.chosen(blocks, "generated block", match["kind"], "render")
    body: str = kind.render(match["argument"] or "")
    return f"{match['begin']}\n{body.strip()}\n\n{_END}"
