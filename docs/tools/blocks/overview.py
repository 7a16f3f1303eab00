"""The commands of `fusezap` as a table, each with its line of help."""

from __future__ import annotations

from docs.tools import parsers


def render(argument: str) -> str:
    """One row per command; `argument` is the folder prefix of the link to the reference page."""
    lines = ["| command | does |", "|---|---|"]
    lines += [
        f"| [`{name}`]({argument}fusezap.md#fusezap-{name}) | {parsers.one_line(name)} |" for name in parsers.names()
    ]
    return "\n".join(lines)
