"""A reply to paste into the thread."""

from __future__ import annotations

from harness.explain.answer import Explanation
from harness.explain.formats import _words
from harness.explain.records import Paste

SUMMARY = "a reply to paste into the thread"


def render(explanation: Explanation, paste: Paste) -> str:
    lines = [f"**{_words.headline(explanation)}**", ""]
    for title, texts in _words.parts(explanation, paste):
        if title == "what it is":
            lines += [_escaped(texts[0]), ""]
        elif title == "run next, on the host":
            lines += [
                f"{title}:",
                "",
                "```",
                _words.visible(texts[0]),
                "```",
                "",
                *(_escaped(each) for each in texts[1:]),
                "",
            ]
        elif len(texts) == 1:
            lines += [f"{title}: {_escaped(texts[0])}", ""]
        else:
            lines += [f"{title}:", "", *(f"- {_escaped(each)}" for each in texts), ""]
    return "\n".join(lines).rstrip() + "\n"


def _escaped(text: str) -> str:
    """Text of others cannot make markup, links or mentions."""
    parts = _words.visible(text).split("`")
    return "`".join(part if at % 2 and at < len(parts) - 1 else _plain(part) for at, part in enumerate(parts))


def _plain(text: str) -> str:
    for each in "\\*_[]<>#|~":
        text = text.replace(each, f"\\{each}")
    return text.replace("@", "@\u200b")
