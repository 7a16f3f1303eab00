"""For a person: one line per experiment."""

from __future__ import annotations

from harness.report.text import INDENT, visible
from harness.servers import why
from harness.servers.formats import _words
from harness.servers.records import ServersReport

SUMMARY = "for a person"


def render(report: ServersReport) -> str:
    """Render the report as text."""
    lines = []
    for server in report.servers:
        facts = [server.version and f"version {visible(server.version)}", visible(server.library)]
        facts += [f"{_words.threads(server)} threads", f"FLUSH: {_words.flush(server)}"] if server.cells else []
        lines.append(f"{server.name}: {', '.join(filter(None, facts)) or server.summary}")
        lines += [f"{INDENT}{each}" for each in _words.troubles(server)]
        for cell in server.cells:
            if cell.server is None:
                continue
            lines.append(f"{INDENT}{_words.WORKLOADS[cell.workload]}, {_words.DEATHS[cell.death]}")
            lines.append(f"{INDENT * 2}{why.short(cell.server).upper()}: {why.of_cell(server, cell)}")
            for name, ending in (("left", cell.server), ("the neighbour", cell.neighbour)):
                text = _words.ending(ending)
                lines += [f"{INDENT * 2}{name}: {why.short(ending)}: {text}"] if text else []
    lines.append(_words.summary(report))
    return "\n".join(lines) + "\n"
