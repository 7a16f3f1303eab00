"""The part of `fusezap bisect` that searches the history of a source tree, and builds each commit that it tests."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from harness import __version__
from harness.boundary import say
from harness.errors import Interrupted, KernelError, UsageError
from harness.model.printable import visible_lines

if TYPE_CHECKING:
    from harness.bisect.history import Found, NextCommit
    from harness.bisect.journal import Journal, Step
    from harness.bisect.line import Tested
    from harness.kernels.build.make import Recipe
    from harness.kernels.build.worktree import Worktree
    from harness.scenario import Scenario

_PACKAGED = Path(__file__).parents[1] / "kernels/build/minimal-kernel.config"
_IN_CHECKOUT = Path(__file__).parents[2] / "docs/examples/minimal-kernel.config"
"""The wheel has that file at the other place (pyproject.toml)."""
_WORDS = {"free": "is free of the defect", "has-it": "has the defect", "skip": "cannot be told"}


def arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--config", metavar="FILE", type=Path, help="a whole configuration; default: the minimal one of fusezap"
    )
    group.add_argument(
        "--make-jobs", metavar="N", type=int, default=None, help="compilers at a time (default: processors)"
    )
    group.add_argument("--llvm", action="store_true", help="build by clang (LLVM=1)")
    group.add_argument("--cross", metavar="PREFIX", default="", help="CROSS_COMPILE, such as aarch64-linux-gnu-")


def search(args: argparse.Namespace, scenario: Scenario, tested: Callable[[str], Tested]) -> int:
    """Search the history, and print the result.

    Args:
        args: The options.
        scenario: What is run under each kernel.
        tested: Tests the kernel of a SPEC.

    Returns:
        The exit status.
    """
    from harness.bisect import journal as journals
    from harness.kernels.build import worktree as worktrees

    recipe = _recipe(args)
    began = time.monotonic()
    with worktrees.opened(args.tree) as worktree:
        old, new = worktree.commit(args.old), worktree.commit(args.new)
        if old == new:
            raise UsageError("OLD and NEW are the same commit")
        question = _question(args, scenario, recipe)
        path = args.journal or journals.folder() / f"{hashlib.sha256(question.encode()).hexdigest()[:16]}.jsonl"
        with journals.opened(path, question, args.fresh) as journal:
            if journal.steps:
                say(f"fusezap: {len(journal.steps)} answers are known already, from {path}")
            job = _Search(worktree, recipe, tested, journal)
            try:
                found = job.every(old, new, args.gap) if args.boundaries == "all" else [job.one(old, new)]
            except Interrupted:
                say(f"fusezap: the same command goes on after {len(journal.steps)} answers, which {path} keeps")
                raise
            if args.json:
                print(json.dumps(job.document(scenario.name, found, time.monotonic() - began, path), indent=2))
            else:
                print(visible_lines("\n".join(job.text(scenario.name, found))))
    return 0 if found and all(len(each.commits) == 1 for each in found) else 1


def _recipe(args: argparse.Namespace) -> Recipe:
    from harness.kernels.build.make import recipe_of

    jobs = len(os.sched_getaffinity(0)) if args.make_jobs is None else args.make_jobs
    if not 1 <= jobs <= 1024:
        raise UsageError("--make-jobs takes a number from 1 to 1024")
    minimal = _PACKAGED if _PACKAGED.exists() else _IN_CHECKOUT
    return recipe_of(args.config or minimal, args.config is not None, jobs, args.llvm, args.cross)


def _question(args: argparse.Namespace, scenario: Scenario, recipe: Recipe) -> str:
    """All that the answer of a commit depends on: answers of one search serve every other one in the same tree."""
    from harness.matrix.fingerprint import fingerprint
    from harness.run.session import SessionOptions

    program = fingerprint(scenario, SessionOptions())
    asked = {"tree": str(args.tree.resolve()), "scenario": scenario.name, "program": program, "build": recipe.name}
    return json.dumps({**asked, "memory": args.memory, "accel": args.accel, "engine": args.engine})


class _Search:
    def __init__(self, worktree: Worktree, recipe: Recipe, tested: Callable[[str], Tested], journal: Journal) -> None:
        self.worktree = worktree
        self.recipe = recipe
        self.tested = tested
        self.journal = journal
        self.unseen: list[dict[str, object]] = []
        """Parts of the history that a search for every change did not look into."""

    def every(self, old: str, new: str, gap: int | None) -> list[Found]:
        """Find every change along first parents, and follow it into the merge that brought it."""
        from harness.bisect import history, search
        from harness.bisect.search import Plan, Told

        line = history.first_parents(self.worktree, old, new)
        places = {commit: place for place, commit in enumerate(line)}
        wide = len(line) // 16 if gap is None else gap
        plan = Plan(len(line), every=True, gap=wide, landmarks=history.releases(self.worktree, line))

        def told() -> list[Told]:
            return [Told(places[each.name], each.told.answer) for each in self.journal.steps if each.name in places]

        while (place := search.ask(plan, told())) is not None:
            for event in history.tested(self.worktree, line[place], "", self.test, self.journal, {}):
                self._show(event)
        conclusion = search.conclude(plan, told())
        self.unseen += [
            {"before": line[each.before], "after": line[each.after], "commits": each.count, "answer": str(each.answer)}
            for each in conclusion.unseen
        ]
        return [self.one(line[each.before], line[each.after]) for each in conclusion.changes]

    def one(self, old: str, new: str) -> Found:
        """Find one change between two ends that differ."""
        from harness.bisect import history

        for event in history.run(self.worktree, old, new, self.test, self.journal):
            if isinstance(event, history.Found):
                return event
            self._show(event)
        raise AssertionError("a search ends with its result")

    def test(self, commit: str) -> Tested:
        """Build a commit and test it; one that does not build is skipped, with the last lines of make."""
        from harness.bisect.line import Tested
        from harness.bisect.search import Answer

        try:
            image = self.worktree.image(commit, self.recipe, lambda progress: say(f"fusezap:   {progress}"))
        except KernelError as error:
            return Tested(Answer.SKIP, 1, "", f"{commit[:12]}: cannot tell: {error}")
        return self.tested(str(image))

    def _show(self, event: NextCommit | Step) -> None:
        from harness.bisect.journal import Step

        if isinstance(event, Step):
            say(f"fusezap:   {event.line}")
        else:
            left = f"; {event.left}" if event.left else ""
            say(f'fusezap: step {len(self.journal.steps) + 1}: {event.commit[:12]} ("{event.subject}"){left}')

    def text(self, scenario: str, found: list[Found]) -> list[str]:
        """Lines for a terminal."""
        lines = [f"{scenario}: {len(self.journal.steps)} commits tested"]
        for each in found:
            lines += self._told(each)
        if not found:
            lines.append("  no change was found")
        for part in self.unseen:
            between = f"{part['commits']} commits between {part['before']} and {part['after']}, which agree"
            lines.append(f"  not looked into: {between}; an even number of changes could hide there")
        return lines

    def _told(self, found: Found) -> list[str]:
        from harness.bisect import history

        if not found.commits:
            old, new = (_WORDS[each] for each in found.ends)
            return [f"  no change was found: the older end {old}, the newer end {new}"]
        newer = _WORDS[found.ends[1]]
        if len(found.commits) > 1:
            return [
                f"  one of these is the first that {newer}; the others cannot be told:",
                *map(self._named, found.commits),
            ]
        (commit,) = found.commits
        lines = [f"  the first that {newer}:", self._named(commit), f"  {history.fixes(self.worktree, commit)}"]
        return [*lines, f"  #regzbot introduced: {commit}", "", *found.log.splitlines()]

    def _named(self, commit: str) -> str:
        from harness.bisect import history

        return f'  {commit} ("{history.subject(self.worktree, commit)}")'

    def document(self, scenario: str, found: list[Found], duration_s: float, path: Path) -> dict[str, object]:
        """All of it, for --json."""
        from harness.bisect import history

        steps = [
            {"commit": each.name, "release": each.release, "answer": str(each.told.answer), "line": each.line}
            | {"duration_s": each.duration_s}
            for each in self.journal.steps
        ]
        changes = [
            {
                "commits": [
                    {"commit": commit, "subject": history.subject(self.worktree, commit)}
                    | {"fixes": history.fixes(self.worktree, commit)}
                    for commit in each.commits
                ],
                "before": str(each.ends[0]),
                "after": str(each.ends[1]),
                "log": each.log,
            }
            for each in found
        ]
        return {
            "version": __version__,
            "scenario": scenario,
            "steps": steps,
            "changes": changes,
            "unseen": self.unseen,
            "journal": str(path),
            "duration_s": round(duration_s, 3),
        }
