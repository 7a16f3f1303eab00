"""Converts a reference page in Markdown into a man page in roff, with MyST's parser and Docutils' writer."""

from __future__ import annotations

import re

from docutils import nodes
from docutils.core import publish_doctree, publish_from_doctree
from myst_parser.parsers.docutils_ import Parser

from harness import __version__

_TITLE = re.compile(r"\A# (?P<name>[a-z]+)\((?P<section>\d)\)\n")
_NAME = re.compile(r"^## Name\n\n(?P<name>[a-z]+): (?P<summary>[^\n]+(?:\n[^\n]+)*)\n\n", re.MULTILINE)
_COMMENT = re.compile(r"^<!-- .*? -->\n+", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)\s]+\)")
_PARSER = {"myst_enable_extensions": ["deflist"], "report_level": 2, "halt_level": 2}


def page(markdown: str) -> str:
    """The man page of a reference page.

    Args:
        markdown: A page that begins with `# NAME(SECTION)` and has a section `## Name` of the form `NAME: SUMMARY`.
            Links become their text, because a terminal cannot follow them.

    Raises:
        ValueError: The page has not that form.
        docutils.utils.SystemMessage: The Markdown does not parse.
    """
    title, name = _TITLE.search(markdown), _NAME.search(markdown)
    if not title or not name:
        raise ValueError("a man page begins with '# name(section)' and has a section '## Name'")
    body = _NAME.sub("", _TITLE.sub(f"# {name['name']}\n", markdown), count=1)
    body = _LINK.sub(r"\1", _COMMENT.sub("", body))
    tree = publish_doctree(body, parser=Parser(), settings_overrides=_PARSER)
    tree.insert(1, nodes.subtitle(text=" ".join(name["summary"].split())))
    tree.insert(2, nodes.docinfo("", *_fields(manual_section=title["section"], version=f"fusezap {__version__}")))
    roff: bytes = publish_from_doctree(tree, writer="manpage")
    return roff.decode()


def _fields(**fields: str) -> list[nodes.Node]:
    return [nodes.version(text=fields.pop("version"))] + [
        nodes.field("", nodes.field_name(text=name), nodes.field_body("", nodes.paragraph(text=value)))
        for name, value in fields.items()
    ]
