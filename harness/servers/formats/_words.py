"""Words that all formats of a report on servers share."""

from __future__ import annotations

from harness.report.text import visible
from harness.servers.records import Cell, Death, Ending, ServerResult, ServersReport, StuckTask, Workload

DEATHS = {
    Death.CONTAINER: "the container is killed",
    Death.SERVER: "the server is killed",
    Death.EXIT: "the server is stopped",
}
WORKLOADS = {
    Workload.CLIENT: "a program of the container has files open",
    Workload.NESTED: "the server has a file of its own mount open",
}
_FLUSH = {True: "waited for", False: "none", None: "not asked"}


def flush(server: ServerResult) -> str:
    """The words for whether a close() of one of its files waits for it."""
    return _FLUSH[server.flush]


def threads(server: ServerResult) -> str:
    """The numbers of threads that the server had when it was killed."""
    counts = sorted({cell.threads for cell in server.cells if cell.threads})
    return " to ".join(map(str, dict.fromkeys((counts[0], counts[-1])))) if counts else ""


def cell_of(server: ServerResult, workload: Workload, death: Death) -> Cell | None:
    """One cell of the table; None where there is no such experiment."""
    return next((cell for cell in server.cells if (cell.workload, cell.death) == (workload, death)), None)


def ending(found: Ending | None) -> str:
    """The tasks that were left, and when the abort released them."""
    if found is None or not found.stuck:
        return ""
    tasks = ", ".join(dict.fromkeys(map(_task, found.stuck)))
    released = "never" if found.released_ms is None else f"{found.released_ms:.1f} ms after the abort"
    return f"{tasks}; released {released}"


def _task(task: StuckTask) -> str:
    function = f" in {visible(task.function)}" if task.function else ""
    return f"{visible(task.comm)} {task.state}{function}"


def troubles(server: ServerResult) -> list[str]:
    """Why something was not measured, and what was left behind."""
    found = [f"not installed: {visible(text)}" for text in server.missing]
    for cell in server.cells:
        where = f"{WORKLOADS[cell.workload]}, {DEATHS[cell.death]}"
        found += [f"{where}: not measured: {visible(cell.error)}"] if cell.error else []
        found += [f"{where}: left behind: {visible(text)}" for text in cell.leftovers]
    return found


def summary(report: ServersReport) -> str:
    """Name the servers that are prone, and count the others."""
    ran = [each for each in report.servers if each.cells]
    prone = [each.name for each in ran if each.prone]
    if not ran:
        return "No server could be run."
    named = f": {', '.join(prone)}" if prone else ""
    return f"{len(prone)} of {len(ran)} servers leave a task that cannot end, in at least one way of dying{named}."
