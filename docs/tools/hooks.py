"""MkDocs calls this while it builds the site: fills the blocks that no file in the repository holds.

`<!-- at build: KIND ARGUMENT -->` becomes the text of that block; KIND is a file of `docs/tools/blocks/`. Long tables
that only the site needs are made this way, so that nothing in the repository can be out of date.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from docs.tools import blocks
from harness import registry

_BLOCK = re.compile(r"^<!-- at build: (?P<kind>[a-z-]+)(?: (?P<argument>.+?))? -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The Markdown of a page with its blocks in place."""
    return _BLOCK.sub(_text, markdown)


def _text(match: re.Match[str]) -> str:
    text: str = registry.chosen(blocks, "generated block", match["kind"], "render").render(match["argument"] or "")
    return text
