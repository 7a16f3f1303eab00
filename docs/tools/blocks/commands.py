"""All commands of `fusezap` with their options, from the argument parsers."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterator

from docs.tools import parsers

_LAID_OUT = re.compile(r"^ |\S {3,}\S", re.MULTILINE)
_CODE_OR_SYNTAX = re.compile(r"(?P<code>`[^`]+`)|[\\*_<>\[\]]")


def render(argument: str) -> str:
    """Every command, or only the one that `argument` names, each as a section."""
    return "\n\n".join(_command(name) for name in ([argument] if argument else parsers.names()))


def _command(name: str) -> str:
    parser = parsers.parser(name)
    # argparse keeps the groups and actions of a parser in attributes that have had these names since Python 2.7.
    groups = [(group.title, group._group_actions) for group in parser._action_groups]
    positional = [action for _, actions in groups for action in actions if not action.option_strings]
    synopsis = " ".join([f"fusezap {name} [OPTION]...", *map(_placeholder, positional)])
    parts = [f"### fusezap {name}", f"`{synopsis}`", *_paragraphs(parser.description or "")]
    parts += [_definition(action) for action in positional]
    for title, actions in groups:
        shown = [action for action in actions if action.option_strings and action.dest != "help"]
        if shown and title and title != "options":
            parts.append(f"{title[0].upper()}{title[1:]}:")
        parts += [_definition(action) for action in shown if action.help != argparse.SUPPRESS]
    return "\n\n".join(parts)


def _paragraphs(text: str) -> Iterator[str]:
    """Plain text as Markdown; what is laid out with spaces stays as it is."""
    for paragraph in text.strip().split("\n\n"):
        if _LAID_OUT.search(paragraph):
            yield f"```text\n{textwrap.dedent(paragraph)}\n```"
        else:
            yield _escaped(" ".join(paragraph.split()))


def _escaped(text: str) -> str:
    """Text in which only backticks are Markdown."""
    return _CODE_OR_SYNTAX.sub(lambda match: match["code"] or f"\\{match[0]}", text)


def _placeholder(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest).upper()
    return {"*": f"[{name}]...", "+": f"{name}...", "?": f"[{name}]"}.get(str(action.nargs), name)


def _definition(action: argparse.Action) -> str:
    words = (action.help or "") % {**vars(action), "prog": "fusezap"}
    return f"{', '.join(_spellings(action))}\n:   {_escaped(' '.join(words.split())) or 'no further text'}"


def _spellings(action: argparse.Action) -> Iterator[str]:
    if not action.option_strings:
        yield f"`{_placeholder(action)}`"
        return
    values = ""
    if action.nargs != 0:
        metavar = action.metavar or (
            f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.dest.upper()
        )
        values = " " + (metavar if isinstance(metavar, str) else " ".join(metavar))
    for option in action.option_strings:
        yield f"`{option}{values}`"
