"""Has the server said itself that it will not answer?  Pure: the journal and the verdict decide.

A starved namespace is given time, for a server that lives may only be slow.  One that holds back every request that its
connection counts, by a rule that never answers, is not slow: there is nothing to be waited for.
"""

from __future__ import annotations

from collections.abc import Sequence

from fakefs.journal import Entry
from harness.model.records import Outcome, Verdict, tid_of

_NEVER_ANSWERS = "hang"


def withheld(verdict: Verdict, journal: Sequence[Entry], server: int) -> str | None:
    """The reason in words; None if it is not so, or not known.  `server`: the process that writes the journal."""
    if verdict.outcome is not Outcome.STARVED:
        return None
    now = verdict.snapshots[-1]
    blockers = [now.task(tid) if (tid := tid_of(name)) is not None else None for name in verdict.blockers]
    if any(task is None or task.tgid != server for task in blockers):
        return None  # somebody else could end it, too
    waiting = next((each.waiting for each in now.connections if each.number == verdict.connection), None)
    held = _held(journal)
    if not waiting or len(held) != waiting:
        return None
    return (
        f"the server holds back all of its connection's waiting requests ({waiting}) by rule "
        f"{', '.join(sorted(held))}, and does not answer before it is told to"
    )


def _held(journal: Sequence[Entry]) -> list[str]:
    """The rules, one for each request that is held back for good."""
    from fakefs.parse import parse_spec  # with all faults: few runs come here, and all import this module

    held: dict[int, str] = {}
    for entry in journal:
        held.pop(entry.seq, None)
        if entry.event == "held" and entry.spec is not None and parse_spec(entry.spec).fault == _NEVER_ANSWERS:
            held[entry.seq] = entry.spec
    return list(held.values())
