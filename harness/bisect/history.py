"""Drives `git bisect` itself over a history: git chooses the commits, its log replays anywhere.

It runs with --no-checkout in a worktree of this program: an answer that is known costs no checkout and no build.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress

from harness.bisect.commit import subject
from harness.bisect.journal import Journal, Step
from harness.bisect.line import Tested, noted
from harness.bisect.search import Answer
from harness.errors import UsageError
from harness.kernels.build.worktree import GitError, Worktree
from harness.record import record

TERMS = {Answer.FREE: "free", Answer.HAS_IT: "defect"}
"""The words of git's log for the two outcomes: which of them is the old one depends on the ends."""
_FOUND = re.compile(r"^([0-9a-f]{40,64}) is the first (?:free|defect) commit$", re.M)
_LEFT = re.compile(r"Bisecting: (\d+) revisions? left .* \(roughly (\d+) steps?\)")
_ONLY_SKIPPED = "only 'skip'ped commits left"
_HASH = re.compile(r"^[0-9a-f]{40,64}$", re.M)


@record(frozen=True, slots=True)
class NextCommit:
    """A commit is about to be tested."""

    commit: str
    subject: str
    left: str
    """Git's estimate of the steps that are left; empty at the ends."""


@record(frozen=True, slots=True)
class Found:
    """The end of a search through a history."""

    commits: tuple[str, ...]
    """The first commit with the outcome of the newer end; several where only those cannot be told apart; empty where
    the ends agree or cannot be told."""
    ends: tuple[Answer, Answer]
    """The outcomes of the older and the newer end."""
    log: str
    """For `git bisect replay`, in any clone; empty where git did not search."""
    confidence: float = 1.0
    """The probability that the commit is one of these, for a race."""


Tests = Callable[[tuple[str, ...]], Iterator[tuple[str, Tested]]]
"""Tests commits at the same time, and yields each result as it comes."""


def run(
    worktree: Worktree, old: str, new: str, tests: Tests, journal: Journal, workers: int = 1
) -> Iterator[NextCommit | Step | Found]:
    """Search.

    Args:
        worktree: The worktree.
        old: Hash of the older end.
        new: Hash of the newer end.
        tests: Tests commits.  What it raises ends the search, and the journal keeps what came before.
        journal: Has the answers of earlier searches; each new one is added to it.
        workers: Number of commits that can be tested at the same time.

    Yields:
        Before and after each test, and the result at the end.
    """
    missing = tuple(end for end in (old, new) if end not in _known(journal))
    for number in range(0, len(missing), workers):
        yield from tested(worktree, missing[number : number + workers], "", tests, journal)
    ends = _known(journal)[old], _known(journal)[new]
    if ends[0] is ends[1] or Answer.SKIP in ends:
        yield Found((), ends, "")
        return
    with suppress(GitError):
        worktree.git("bisect", "reset")  # of a search that was killed
    terms = (f"--term-old={TERMS[ends[0]]}", f"--term-new={TERMS[ends[1]]}")
    given = {old, new}
    try:
        said = worktree.git("bisect", "start", "--no-checkout", *terms, new, old)
        while not (commits := _result(said)):
            known = _known(journal)
            head = worktree.git("rev-parse", "BISECT_HEAD")
            between = _between(worktree, ends)
            # An answer that is known narrows the history before git chooses.
            answered = next((each for each in (head, *between) if each in known and each not in given), None)
            if answered is None:
                left = _LEFT.search(said)
                chosen = _chosen(head, [each for each in between if each not in known], workers)
                yield from tested(worktree, chosen, left[0] if left else "", tests, journal)
            else:
                given.add(answered)
                said = _answer(worktree, answered, known[answered])
        log = worktree.git("bisect", "log").replace(" '--no-checkout'", "")
        yield Found(commits, ends, f"{log}\n")
    finally:
        worktree.git("bisect", "reset")


def tested(
    worktree: Worktree, commits: tuple[str, ...], left: str, tests: Tests, journal: Journal
) -> Iterator[NextCommit | Step]:
    """Test commits at the same time.

    Args:
        worktree: The worktree.
        commits: The commits' hashes.
        left: What is known of the steps that are left.
        tests: Tests them.
        journal: Gets the answers.

    Yields:
        Before and after each test.
    """
    for commit in commits:
        yield NextCommit(commit, subject(worktree, commit), left)
    for commit, said in tests(commits):
        yield noted(said, len(journal.steps), commit, journal)


def _known(journal: Journal) -> dict[str, Answer]:
    return {each.name: each.told.answer for each in journal.steps}


def _between(worktree: Worktree, ends: tuple[Answer, Answer]) -> list[str]:
    """The commits among which the first one with the newer outcome is, the oldest first."""
    newest, oldest = f"refs/bisect/{TERMS[ends[1]]}", f"refs/bisect/{TERMS[ends[0]]}-*"
    return worktree.git("rev-list", "--topo-order", "--reverse", newest, "--not", f"--glob={oldest}").split()


def _chosen(head: str, untested: list[str], workers: int) -> tuple[str, ...]:
    """The commits that part the history into equal parts; of one, that is git's choice."""
    if workers == 1 or head not in untested:
        return (head,)
    places = (len(untested) * number // (workers + 1) for number in range(1, workers + 1))
    return tuple(dict.fromkeys(untested[place] for place in places))


def _answer(worktree: Worktree, commit: str, answer: Answer) -> str:
    """Git's reply to an answer; git exits with a status of its own when only skipped commits are left."""
    try:
        return worktree.git("bisect", TERMS.get(answer, "skip"), commit)
    except GitError as error:
        if _ONLY_SKIPPED not in error.output:
            raise
        return error.output


def _result(said: str) -> tuple[str, ...]:
    found = _FOUND.search(said)
    if found:
        return (found[1],)
    if _ONLY_SKIPPED in said:
        return tuple(_HASH.findall(said))
    return ()


def first_parents(worktree: Worktree, old: str, new: str) -> tuple[str, ...]:
    """The line of commits from one to another, the oldest first, along the first parent of each merge.

    Raises:
        UsageError: The one is not among the others' ancestors by first parents.
    """
    line = worktree.git("rev-list", "--first-parent", "--reverse", f"{old}..{new}").split()
    if not line or worktree.git("rev-parse", f"{line[0]}^") != old:
        raise UsageError(
            f"{old[:12]} is no ancestor of {new[:12]} along first parents", "search for one change instead"
        )
    return (old, *line)


def into_merge(worktree: Worktree, before: str, after: str) -> tuple[str, ...]:
    """The line of commits that a merge brought; empty where a commit is no merge.

    Args:
        worktree: The worktree.
        before: The first parent of the merge.
        after: The merge.

    Returns:
        From the merge base to the second parent, along first parents.
    """
    if not is_merge(worktree, after):
        return ()
    other = worktree.git("rev-parse", f"{after}^2")
    base = worktree.git("merge-base", before, other)
    try:
        return first_parents(worktree, base, other)
    except UsageError:
        return ()


def releases(worktree: Worktree, line: tuple[str, ...]) -> tuple[int, ...]:
    """The places in a line of the commits that have a tag: they are tested first."""
    tagged = worktree.git("for-each-ref", "--format=%(objectname) %(*objectname)", "refs/tags").split()
    places = {commit: place for place, commit in enumerate(line)}
    return tuple(sorted({places[each] for each in tagged if each in places}))


def is_merge(worktree: Worktree, commit: str) -> bool:
    """True if a commit has several parents."""
    return len(worktree.git("show", "--no-patch", "--format=%P", commit).split()) > 1
