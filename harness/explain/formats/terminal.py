"""For a person: plain text."""

from __future__ import annotations

import textwrap

from harness.explain.answer import Explanation
from harness.explain.formats import _words
from harness.explain.records import Paste

SUMMARY = "for a person"
_WIDTH = 110


def render(explanation: Explanation, paste: Paste) -> str:
    lines = [_words.headline(explanation)]
    for title, texts in _words.parts(explanation, paste):
        lines.append(f"  {title}")
        for text in texts:
            visible = _words.visible(text)
            if title == "run next, on the host" and text is texts[0]:
                lines.append(f"    {visible}")  # a command is not broken: it is there to be copied
            else:
                lines += textwrap.wrap(
                    visible, _WIDTH, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False
                )
    return "\n".join(lines) + "\n"
