"""The result of a search through a history, for a terminal and as a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.bisect import commit as commits
from harness.bisect.history import Found
from harness.record import record

if TYPE_CHECKING:
    from harness.bisect.journal import Journal
    from harness.kernels.build.worktree import Worktree
    from harness.model.records import Result

WORDS = {"free": "is free of the defect", "has-it": "has the defect", "skip": "cannot be told"}


@record(frozen=True, slots=True)
class Side:
    """A commit on one side of a change, and the run under its kernel."""

    commit: str
    result: Result | None
    """None where it was not tested, or its evidence is gone."""


@record(frozen=True, slots=True)
class Facts:
    """Everything that is known of the one commit of a change."""

    commit: str
    subject: str
    functions: tuple[str, ...]
    """The functions that it changes."""
    stuck: tuple[str, ...]
    """Those of them in the stack of a stuck task."""
    fixes: str
    regzbot: str
    """Both empty for a commit that ended a defect."""
    maintainers: tuple[str, ...]
    sides: tuple[Side, ...]
    """Its parent and itself."""


def facts(worktree: Worktree, journal: Journal, found: Found, commit: str) -> Facts:
    """Collect the facts about a commit that a search has found.

    Args:
        worktree: The worktree of the search.
        journal: The answers and their evidence.
        found: The result that the commit belongs to.
        commit: The commit.

    Returns:
        The facts.
    """
    older = commits.parent(worktree, commit)
    sides = tuple(Side(each, _result(journal, each)) for each in (older, commit) if each)
    results = [each.result for each in sides if each.result is not None and each.result.verdict.snapshots]
    stuck = {name for each in results for task in each.verdict.snapshots[-1].tasks for name in task.functions}
    functions = commits.functions(worktree, commit)
    broke = found.ends[1] == "has-it"
    return Facts(
        commit,
        commits.subject(worktree, commit),
        functions,
        tuple(name for name in functions if name in stuck),
        commits.fixes(worktree, commit) if broke else "",
        commits.regzbot(commit) if broke else "",
        commits.maintainers(worktree, commit),
        sides,
    )


def text(worktree: Worktree, journal: Journal, found: Found) -> Iterator[str]:
    """Write a change in lines for a terminal."""
    if not found.commits:
        old, new = (WORDS[each] for each in found.ends)
        yield f"  no change was found: the older end {old}, the newer end {new}"
        return
    newer = WORDS[found.ends[1]]
    surely = f" (confidence {found.confidence:.3f})" if found.confidence < 1 else ""
    if len(found.commits) > 1:
        yield f"  one of these is the first that {newer}{surely}; the others cannot be told:"
        for each in found.commits:
            yield f'  {each} ("{commits.subject(worktree, each)}")'
        return
    known = facts(worktree, journal, found, found.commits[0])
    yield f"  the first that {newer}{surely}:"
    yield f'  {known.commit} ("{known.subject}")'
    if known.functions:
        yield f"  changes {', '.join(known.functions)}"
        yield f"  of these in the stack of a stuck task: {', '.join(known.stuck) or 'none'}"
    for side in known.sides:
        yield from _side(side)
    yield from (f"  {each}" for each in (known.fixes, known.regzbot) if each)
    yield from (f"  Cc: {each}" for each in known.maintainers)
    if found.log:
        yield ""
        yield from found.log.splitlines()


def document(worktree: Worktree, journal: Journal, found: Found) -> dict[str, object]:
    """Everything known of a change, for JSON."""
    return {
        "commits": [_commit(facts(worktree, journal, found, each)) for each in found.commits],
        "before": str(found.ends[0]),
        "after": str(found.ends[1]),
        "confidence": found.confidence,
        "log": found.log,
    }


def _commit(known: Facts) -> dict[str, object]:
    from harness.model import codec

    sides = [
        {"commit": side.commit, "verdict": codec.encode(side.result.verdict)}
        for side in known.sides
        if side.result is not None
    ]
    names = ("commit", "subject", "functions", "stuck", "fixes", "regzbot", "maintainers")
    return {**{name: codec.encode(getattr(known, name)) for name in names}, "sides": sides}


def _side(side: Side) -> Iterator[str]:
    from harness.report.proof import wait_lines, why

    if side.result is None:
        return
    verdict = side.result.verdict
    yield f"  {side.commit[:12]}: {verdict.outcome}: {'; '.join(why(verdict))}"
    if verdict.graph is not None:
        yield from (f"    {'  ' * depth}{line}" for depth, line in wait_lines(verdict))


def _result(journal: Journal, commit: str) -> Result | None:
    """The run that decided: the one that shows the defect, where there is one."""
    results = [each for series in journal.series(commit) for each in series.examples]
    return next((each for each in results if each.verdict.outcome is not each.about.want), next(iter(results), None))
