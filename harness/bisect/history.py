"""Drives `git bisect` itself over a history: git chooses the commits, its log replays anywhere.

It runs with --no-checkout in a worktree of this program: an answer that is known costs no checkout and no build.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from harness.bisect.journal import Journal, Step
from harness.bisect.line import Tested
from harness.bisect.search import Answer, Told
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
    """For `git bisect replay`, in any clone."""


def run(
    worktree: Worktree, old: str, new: str, test: Callable[[str], Tested], journal: Journal
) -> Iterator[NextCommit | Step | Found]:
    """Search.

    Args:
        worktree: The worktree.
        old: Hash of the older end.
        new: Hash of the newer end.
        test: Tests a commit.  What it raises ends the search, and the journal keeps what came before.
        journal: Has the answers of earlier searches; each new one is added to it.

    Yields:
        Before and after each test, and the result at the end.
    """
    known = {each.name: each.told.answer for each in journal.steps}
    for end in (old, new):
        if end not in known:
            yield from tested(worktree, end, "", test, journal, known)
    ends = known[old], known[new]
    if ends[0] is ends[1] or Answer.SKIP in ends:
        yield Found((), ends, "")
        return
    with suppress(GitError):
        worktree.git("bisect", "reset")  # of a search that was killed
    terms = (f"--term-old={TERMS[ends[0]]}", f"--term-new={TERMS[ends[1]]}")
    try:
        said = worktree.git("bisect", "start", "--no-checkout", *terms, new, old)
        while not (commits := _result(said)):
            commit = worktree.git("rev-parse", "BISECT_HEAD")
            if commit not in known:
                left = _LEFT.search(said)
                yield from tested(worktree, commit, left[0] if left else "", test, journal, known)
            said = _answer(worktree, commit, known[commit])
        log = worktree.git("bisect", "log").replace(" '--no-checkout'", "")
        yield Found(commits, ends, f"{log}\n")
    finally:
        worktree.git("bisect", "reset")


def tested(
    worktree: Worktree,
    commit: str,
    left: str,
    test: Callable[[str], Tested],
    journal: Journal,
    known: dict[str, Answer],
) -> Iterator[NextCommit | Step]:
    """Test one commit.

    Args:
        worktree: The worktree.
        commit: The commit's hash.
        left: What is known of the steps that are left.
        test: Tests it.
        journal: Gets the answer.
        known: Gets it as well.

    Yields:
        Before and after the test.
    """
    yield NextCommit(commit, subject(worktree, commit), left)
    began = time.monotonic()
    said = test(commit)
    told = Told(len(journal.steps), said.answer, said.runs)
    step = Step(told, commit, said.release, said.line, round(time.monotonic() - began, 3))
    journal.add(step)
    known[commit] = said.answer
    yield step


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


def releases(worktree: Worktree, line: tuple[str, ...]) -> tuple[int, ...]:
    """The places in a line of the commits that have a tag: they are tested first."""
    tagged = worktree.git("for-each-ref", "--format=%(objectname) %(*objectname)", "refs/tags").split()
    places = {commit: place for place, commit in enumerate(line)}
    return tuple(sorted({places[each] for each in tagged if each in places}))


def is_merge(worktree: Worktree, commit: str) -> bool:
    """True if a commit has several parents."""
    return len(worktree.git("show", "--no-patch", "--format=%P", commit).split()) > 1


def subject(worktree: Worktree, commit: str) -> str:
    """The first line of a commit's message."""
    return worktree.git("show", "--no-patch", "--format=%s", commit)


def fixes(worktree: Worktree, commit: str) -> str:
    """The line for a patch that mends what a commit broke (Documentation/process/submitting-patches.rst)."""
    return worktree.git("show", "--no-patch", "--abbrev=12", '--format=Fixes: %h ("%s")', commit)
