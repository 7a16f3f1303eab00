"""Why an experiment ended as it did, by what was measured of it.  Pure."""

from __future__ import annotations

from harness.model.records import Outcome
from harness.servers.records import Cell, Death, Ending, ServerResult, Workload


def short(ending: Ending | None) -> str:
    """The ending in a word or two, for a cell of a table."""
    if ending is None:
        return ""
    if ending.outcome is Outcome.INCONCLUSIVE and ending.stuck:
        return "hangs before its exit"
    return ending.outcome.value


def of_cell(server: ServerResult, cell: Cell) -> str:
    """Explain the ending of the server's side in a sentence; empty where there is no result."""
    ending = cell.server
    if ending is None:
        return ""
    before = "SIGTERM did not end it; at SIGKILL, " if cell.needed_kill else ""
    if ending.outcome is Outcome.RELEASED:
        return before + _released(server, cell)
    if ending.outcome is Outcome.DEADLOCK:
        return before + _deadlock(cell, ending)
    return before + (ending.reasons[0] if ending.reasons else "")


def _released(server: ServerResult, cell: Cell) -> str:
    if cell.workload is Workload.CLIENT or not (cell.holds_own or cell.waits_for_itself):
        return "the server has no file of its own mount: its exit closes the device, which ends every request"
    if cell.waits_for_itself:
        return "it waited for itself; nobody had read the request, and such a wait ends at a SIGKILL"
    if server.flush is False:
        return "it answers no FLUSH, so the exit that closes its own file asks nothing"
    if cell.death is Death.EXIT and not cell.needed_kill:
        return "it closes the device before its files"
    return "its own file was closed while something still held the device, or needed no answer"


def _deadlock(cell: Cell, ending: Ending) -> str:
    functions = {task.function for task in ending.stuck}
    if "fuse_flush" in functions:
        return (
            "the exit of the server flushes a file of its own mount: fuse_flush() waits for the server, and the device "
            "is closed only after that"
        )
    if cell.waits_for_itself:
        return (
            "it waited for itself, and had read the request: nobody is left to answer, and no signal ends such a wait"
        )
    return "a task waits for an answer of the server, which is gone: " + ", ".join(sorted(functions - {""}))
