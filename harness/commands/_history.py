"""The part of `fusezap bisect` that searches the history of a source tree, and builds each commit that it tests."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from harness import __version__
from harness.bisect.history import Found
from harness.bisect.search import Answer
from harness.boundary import say
from harness.commands import _changes
from harness.commands._tester import Ready, skipped
from harness.errors import Interrupted, KernelError, UsageError
from harness.model.printable import visible_lines
from harness.record import replace
from harness.report import outputs
from harness.report.outputs import Outputs

if TYPE_CHECKING:
    from harness.bisect.journal import Journal, Step
    from harness.bisect.line import Tested
    from harness.bisect.search import Change, Plan
    from harness.commands._tester import Tester
    from harness.kernels.build.make import Recipe
    from harness.kernels.build.worktree import Worktree
    from harness.model.records import Series
    from harness.scenario import Scenario

_PACKAGED = Path(__file__).parents[1] / "kernels/build/minimal-kernel.config"
_IN_CHECKOUT = Path(__file__).parents[2] / "docs/examples/minimal-kernel.config"
"""The wheel has that file at the other place (pyproject.toml)."""


def arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--config", metavar="FILE", type=Path, help="a whole configuration; default: the minimal one of fusezap"
    )
    group.add_argument(
        "--make-jobs", metavar="N", type=int, default=None, help="compilers at a time (default: processors)"
    )
    group.add_argument("--llvm", action="store_true", help="build by clang (LLVM=1)")
    group.add_argument("--cross", metavar="PREFIX", default="", help="CROSS_COMPILE, such as aarch64-linux-gnu-")


def search(args: argparse.Namespace, scenario: Scenario, tester: Tester) -> int:
    """Search the history, and print the result.

    Args:
        args: The options.
        scenario: What is run under each kernel.
        tester: Tests the kernels.

    Returns:
        The exit status.
    """
    from harness.bisect import journal as journals
    from harness.kernels.build import worktree as worktrees

    recipe = _recipe(args)
    began, started = time.monotonic(), time.time()
    with worktrees.opened(args.tree) as worktree:
        old, new = worktree.commit(args.old), worktree.commit(args.new)
        if old == new:
            raise UsageError("OLD and NEW are the same commit")
        question = _question(args, scenario, recipe)
        path = args.journal or journals.folder() / f"{hashlib.sha256(question.encode()).hexdigest()[:16]}.jsonl"
        with journals.opened(path, question, args.fresh) as journal:
            if journal.steps:
                say(f"fusezap: {len(journal.steps)} answers are known already, from {path}")
            job = _Search(worktree, recipe, tester, journal)
            try:
                found = job.found(args, old, new)
            except Interrupted:
                say(f"fusezap: the same command goes on after {len(journal.steps)} answers, which {path} keeps")
                raise
            out = Outputs(None, outputs.parse(args.report))
            command = shlex.join(["fusezap", *sys.argv[1:]])
            out.write(outputs.report(command, started, time.monotonic() - began, job.series(old, new), ()))
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
    def __init__(self, worktree: Worktree, recipe: Recipe, tester: Tester, journal: Journal) -> None:
        self.worktree = worktree
        self.recipe = recipe
        self.tester = tester
        self.journal = journal
        self.unseen: list[dict[str, object]] = []
        """Parts of the history that a search for every change did not look into."""
        self._said: set[str] = set()

    def found(self, args: argparse.Namespace, old: str, new: str) -> list[Found]:
        """The changes that the options ask for."""
        if args.boundaries == "one" and args.flaky is None:
            return [self._one(old, new)]
        from harness.bisect import history
        from harness.bisect.search import Plan

        line = history.first_parents(self.worktree, old, new)
        every = args.boundaries == "all"
        wide = (len(line) // 16 if args.gap is None else args.gap) if every else 0
        confidence = 0.95 if args.confidence is None else args.confidence
        landmarks = history.releases(self.worktree, line) if every else ()
        return self._along(line, Plan(len(line), every, wide, landmarks, args.flaky, confidence))

    def _along(self, line: tuple[str, ...], plan: Plan) -> list[Found]:
        """Find changes along first parents, and follow each into the merge that brought it."""
        from harness.bisect import search
        from harness.bisect.line import Next, run

        def tests(places: tuple[int, ...]) -> Iterator[tuple[int, Tested]]:
            for commit, tested in self._tests(tuple(line[each] for each in places)):
                yield line.index(commit), tested

        for event in run(plan, line, tests, self.journal, self.tester.workers):
            if isinstance(event, Next):
                self._announce(line[event.revision], f"some {event.left} left")
            else:
                self._show(event)
        conclusion = search.conclude(plan, self.journal.told(line))
        self.unseen += [
            {"before": line[each.before], "after": line[each.after], "commits": each.count, "answer": str(each.answer)}
            for each in conclusion.unseen
        ]
        if not conclusion.changes and not plan.every:
            oldest, newest = conclusion.ends
            return [Found((), (oldest or Answer.SKIP, newest or Answer.SKIP), "")]
        return [found for each in conclusion.changes for found in self._closer(line, each, plan)]

    def _closer(self, line: tuple[str, ...], change: Change, plan: Plan) -> list[Found]:
        """Look at a change of the line of first parents from near."""
        from harness.bisect import history

        before, after = line[change.before], line[change.after]
        if plan.rate is None:
            return [self._one(before, after)]
        ends = (Answer.FREE if change.answer is Answer.HAS_IT else Answer.HAS_IT, change.answer)
        inner = history.into_merge(self.worktree, before, after) if change.exact else ()
        if inner:
            found = self._along(inner, replace(plan, count=len(inner), every=False, gap=0, landmarks=()))
            if all(each.commits for each in found):
                return found
        commits = line[change.before + 1 : change.after + 1]
        return [Found(commits, ends, "", change.confidence)]

    def _one(self, old: str, new: str) -> Found:
        """Find one change between two ends that differ."""
        from harness.bisect import history

        for event in history.run(self.worktree, old, new, self._tests, self.journal, self.tester.workers):
            match event:
                case history.Found():
                    return event
                case history.NextCommit():
                    self._announce(event.commit, event.left)
                case _:
                    self._show(event)
        raise AssertionError("a search ends with its result")

    def _tests(self, commits: tuple[str, ...]) -> Iterator[tuple[str, Tested]]:
        return self.tester.run((each, self._ready(each)) for each in commits)

    def _ready(self, commit: str) -> Ready | Tested:
        """Build a commit; one that does not build is skipped, with the last lines of make."""
        began = time.monotonic()
        try:
            image = self.worktree.image(commit, self.recipe, self._report)
        except KernelError as error:
            return skipped(f"{commit[:12]}: cannot tell: {error}", time.monotonic() - began)
        return Ready(str(image), time.monotonic() - began)

    def _report(self, progress: object) -> None:
        """Say how far a build is; what kbuild did not take of a configuration, once."""
        line = str(progress)
        if line not in self._said:
            say(f"fusezap:   {line}")
        if line.startswith("kbuild"):
            self._said.add(line)

    def _announce(self, commit: str, left: str) -> None:
        from harness.bisect.commit import subject

        rest = f"; {left}" if left else ""
        say(f'fusezap: step {len(self.journal.steps) + 1}: {commit[:12]} ("{subject(self.worktree, commit)}"){rest}')

    def _show(self, step: Step) -> None:
        say(f"fusezap:   {step.line}")

    def text(self, scenario: str, found: list[Found]) -> Iterator[str]:
        """Lines for a terminal."""
        yield f"{scenario}: {len(self.journal.steps)} commits tested; {self._shares()}"
        for each in found:
            yield from _changes.text(self.worktree, self.journal, each)
        if not found:
            yield "  no change was found"
        for part in self.unseen:
            between = f"{part['commits']} commits between {part['before']} and {part['after']}, which agree"
            yield f"  not looked into: {between}; an even number of changes could hide there"

    def _shares(self) -> str:
        """The time of all steps, earlier searches too, and the shares of build, boot and verdict."""
        took, build, boot = self._times()
        share = [f"{name} {value / took if took else 0:.0%}" for name, value in (("build", build), ("boot", boot))]
        return f"{took:.0f} s: {', '.join(share)}, verdict {(took - build - boot) / took if took else 0:.0%}"

    def _times(self) -> tuple[float, float, float]:
        steps = self.journal.steps
        return sum(each.duration_s for each in steps), sum(each.build_s for each in steps), sum(s.boot_s for s in steps)

    def series(self, old: str, new: str) -> tuple[Series, ...]:
        """The evidence of all steps, in the order of the history, each with the commit beside the release."""
        listed = self.worktree.git("rev-list", "--topo-order", "--reverse", f"{old}..{new}").split()
        tested = {each.name for each in self.journal.steps}
        return tuple(
            replace(series, kernel=replace(series.kernel, release=f"{each[:12]} {series.kernel.release}"))
            for each in (old, *listed)
            if each in tested
            for series in self.journal.series(each)
        )

    def document(self, scenario: str, found: list[Found], duration_s: float, path: Path) -> dict[str, object]:
        """All of it, for --json."""
        steps = [
            {"commit": each.name, "release": each.release, "answer": str(each.told.answer), "runs": each.told.runs}
            | {"line": each.line, "duration_s": each.duration_s, "build_s": each.build_s, "boot_s": each.boot_s}
            for each in self.journal.steps
        ]
        took_s, build_s, boot_s = self._times()
        return {
            "version": __version__,
            "scenario": scenario,
            "steps": steps,
            "steps_s": {"all": round(took_s, 3), "build": round(build_s, 3), "boot": round(boot_s, 3)},
            "changes": [_changes.document(self.worktree, self.journal, each) for each in found],
            "unseen": self.unseen,
            "journal": str(path),
            "duration_s": round(duration_s, 3),
        }
