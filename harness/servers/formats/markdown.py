"""A page of documentation: a table of servers by ways of dying, then why."""

from __future__ import annotations

import re

from harness.report.text import visible
from harness.servers import why
from harness.servers.formats import _words
from harness.servers.records import Death, ServerResult, ServersReport, Workload

SUMMARY = "a page of documentation (docs/reference/servers.md is one)"
_HEAD = ("server", "version", "FUSE by", "threads", "FLUSH")


def render(report: ServersReport) -> str:
    """Render the report as Markdown."""
    release, machine = (_cell(visible(each)) for each in (report.kernel.release, report.kernel.machine))
    lines = [
        "# Which FUSE servers leave a task that cannot end",
        "",
        "Each server ran in a container of its own, with files of its mount open. The container was killed, or the "
        "server alone, or the server was stopped (SIGTERM, and SIGKILL 5 s later where that did not end it); then what "
        "remained was judged. A neighbour in another PID namespace had the same files open, and was killed after it. "
        + _words.summary(report),
        "",
        f"Measured {report.started} on Linux {release} ({machine}) by fusezap {report.version}, with",
        f"`{visible(report.command)}`. A second outcome after a stroke is that of the neighbour's container, where it",
        "is another one. `FLUSH` says whether a `close()` waits for the server's answer.",
        "",
    ]
    for workload in Workload:
        rows = [row for server in report.servers if (row := _row(server, workload))]
        if rows:
            heads = (*_HEAD, *_words.DEATHS.values())
            title = _words.WORKLOADS[workload]
            lines += [f"## {title[:1].upper()}{title[1:]}", "", _line(heads), _line(("---",) * len(heads)), *rows, ""]
    lines += ["## Why", ""]
    for server in report.servers:
        lines += _details(server)
    return "\n".join(lines).rstrip("\n") + "\n"


def _row(server: ServerResult, workload: Workload) -> str:
    cells = [_words.cell_of(server, workload, death) for death in Death]
    if not any(cells):
        return ""
    facts = (server.name, server.version, server.library, _words.threads(server), _words.flush(server))
    endings = []
    for cell in cells:
        own, other = (why.short(each) for each in (cell.server, cell.neighbour)) if cell else ("", "")
        endings.append(own if own == other or not own else f"{own} / {other}")
    return _line((*map(_cell, map(visible, facts)), *(each or "not measured" for each in endings)))


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _details(server: ServerResult) -> list[str]:
    """The sentences of a server, each with the experiments that it is true of."""
    reasons: dict[tuple[Workload, str, str, str], list[Death]] = {}
    for cell in server.cells:
        if cell.server is not None:
            left = _words.ending(cell.server).partition(";")[0]
            key = (cell.workload, why.short(cell.server), why.of_cell(server, cell), left)
            reasons.setdefault(key, []).append(cell.death)
    lines = [f"### {server.name}", "", f"{_cell(visible(server.summary[:1].upper() + server.summary[1:]))}.", ""]
    lines += [f"- {_cell(each)}" for each in _words.troubles(server)]
    for (workload, outcome, reason, left), deaths in reasons.items():
        tasks = f" Left: {_cell(left)}." if left else ""
        how = "however it dies" if len(deaths) == len(Death) else " or ".join(map(_words.DEATHS.__getitem__, deaths))
        lines.append(f"- {_words.WORKLOADS[workload]}, {how}: **{outcome}**: {_cell(reason)}.{tasks}")
    return [*lines, ""]


def _cell(text: str) -> str:
    """Escape text from a machine for a cell of a table."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", " ".join(text.split()))
