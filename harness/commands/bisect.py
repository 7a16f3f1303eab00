"""`fusezap bisect`: finds where in a line of kernels or in a history the defect came, went and came back."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from harness import __version__, catalogue
from harness.boundary import say
from harness.commands import _counting, _history, _kernel, _tester
from harness.commands._tester import Tester
from harness.errors import Interrupted, KernelError, UsageError
from harness.model.printable import visible_lines
from harness.record import record, replace
from harness.report import outputs
from harness.report.outputs import Outputs

if TYPE_CHECKING:
    from harness.bisect.journal import Journal, Step
    from harness.bisect.line import Next, Tested
    from harness.bisect.search import Change, Conclusion, Plan, Told
    from harness.model.records import Series
    from harness.scenario import Scenario

HELP = "find the kernel or the commit with which the defect came or went"
DESCRIPTION = """\
Tests kernels of an ordered list, or commits of a source tree that it builds, until it is known between which two the
outcome of a scenario changes.  Which of the two ends has the defect, it finds out itself.

With --tree, `git bisect` chooses the commits, and its log is printed.  Each is built in a worktree: the checkout in DIR
is not touched.  Images are kept, and no commit is built twice.

Each answer is kept in a journal at once: after Ctrl-C, a crash or a kill, the same command resumes where it was.

Exit status 0: every change that was found lies between two neighbours.  1: not so, or there is no change.
2: usage or environment.  3: a bug of fusezap.
"""
_DEFAULT = "exit-flush-self"
_LEAST_GAP_SHARE = 16
"""With `--boundaries all` and no --gap, this share of the list may lie untested between two that agree."""
_MARKS = {"free": "f", "has-it": "D", "skip": "?"}
_WORDS = {"free": "is free of the defect", "has-it": "has the defect"}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", nargs="?", metavar="OLD", help="with --tree: the older end, such as v6.2")
    parser.add_argument("new", nargs="?", metavar="NEW", help="with --tree: the newer end")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--kernels",
        metavar="SPEC,SPEC,…",
        action="append",
        help="the kernels, the oldest first: see `fusezap kernels`; @FILE has one in each line",
    )
    where.add_argument("--tree", metavar="DIR", type=Path, help="the git repository of a kernel's sources")
    parser.add_argument("--scenario", metavar="NAME", default=_DEFAULT, help=f"see `fusezap list`; default: {_DEFAULT}")
    parser.add_argument(
        "--boundaries",
        choices=("one", "all"),
        default="one",
        help="one change between two ends that differ (default), or every change",
    )
    parser.add_argument(
        "--gap",
        metavar="N",
        type=int,
        help="with --boundaries all: leave up to N kernels untested between two that agree (default: a 16th of all)",
    )
    parser.add_argument(
        "--flaky",
        metavar="RATE",
        type=_counting.share,
        help="the defect is a race that shows itself in this share of the runs, such as 0.1, or more",
    )
    parser.add_argument(
        "--confidence", metavar="C", type=_counting.share, help="how surely, such as 0.99 (default 0.95; with --flaky)"
    )
    parser.add_argument("--journal", metavar="FILE", type=Path, help="keep the answers there")
    parser.add_argument("--fresh", action="store_true", help="forget the answers of earlier searches")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    _counting.reports(parser)
    _tester.arguments(parser.add_argument_group("several kernels at a time"))
    _history.arguments(parser.add_argument_group("the build of each commit, with --tree"))
    _kernel.machine(parser.add_argument_group("the virtual machine of each kernel"))


def execute(args: argparse.Namespace) -> int:
    from harness.bisect import journal as journals

    _kernel.check(args)
    _check(args)
    (scenario, *others) = catalogue.find((args.scenario,))
    if others:
        raise UsageError(f"--scenario {args.scenario} names several scenarios", "name one: each has its own boundaries")
    confidence = 0.95 if args.confidence is None else args.confidence
    tester = Tester(args, scenario, args.flaky, confidence)
    if args.tree is not None:
        return _history.search(args, scenario, tester)
    specs = _specs(args.kernels)
    plan = _plan(args, len(specs))
    question = _question(args, specs, scenario)
    path = args.journal or journals.folder() / f"{hashlib.sha256(question.encode()).hexdigest()[:16]}.jsonl"
    began, started = time.monotonic(), time.time()
    out = Outputs(None, outputs.parse(args.report))
    with journals.opened(path, question, args.fresh) as journal:
        if journal.steps:
            say(f"fusezap: {len(journal.steps)} answers are known already, from {path}")
        try:
            _search(tester, plan, specs, journal)
        except Interrupted:
            say(f"fusezap: the same command goes on after {len(journal.steps)} answers, which {path} keeps")
            raise
        outcome = _Outcome(
            scenario.name, specs, plan, tuple(journal.steps), journal.told(specs), str(path), time.monotonic() - began
        )
        series = tuple(each for name in specs for each in _labelled(name, journal))
        out.write(outputs.report(shlex.join(["fusezap", *sys.argv[1:]]), started, outcome.duration_s, series, ()))
    conclusion = outcome.conclusion
    print(outcome.json() if args.json else outcome.text())
    return 0 if conclusion.exact else 1


def _labelled(spec: str, journal: Journal) -> tuple[Series, ...]:
    """The evidence about a kernel, with its SPEC beside the release: two may have the same release."""
    return tuple(
        replace(each, kernel=replace(each.kernel, release=f"{spec} {each.kernel.release}"))
        for each in journal.series(spec)
    )


def _check(args: argparse.Namespace) -> None:
    """UsageError for options that do not go together."""
    if args.gap is not None and (args.boundaries != "all" or args.gap < 0):
        raise UsageError("--gap takes a number from 0 on, and goes with --boundaries all")
    if args.confidence is not None and args.flaky is None:
        raise UsageError("--confidence goes with --flaky")
    if args.tree is None and args.old is not None:
        raise UsageError("OLD and NEW go with --tree", "--kernels has its ends in the list")
    if args.tree is not None and args.new is None:
        raise UsageError("--tree takes OLD and NEW, such as v6.2 and v6.3")
    _tester.check(args)


def _specs(texts: list[str]) -> tuple[str, ...]:
    """The kernels in their order, each once.  UsageError for fewer than two, or one that no source knows."""
    from harness.kernels import spec as kernel_spec

    found: list[str] = []
    for text in texts:
        if text.startswith("@"):
            try:
                lines = Path(text[1:]).read_text("utf-8").splitlines()
            except UnicodeDecodeError as error:
                raise UsageError(f"{text[1:]} is no list of kernels: it is no text in UTF-8") from error
            found += [name for line in lines if (name := line.partition("#")[0].strip())]
        else:
            found += [name for each in text.split(",") if (name := each.strip())]
    specs = tuple(dict.fromkeys(name for each in found for name in kernel_spec.line(each)))
    if len(specs) < 2:
        raise UsageError("--kernels needs two kernels or more, the oldest first")
    return specs


def _plan(args: argparse.Namespace, count: int) -> Plan:
    from harness.bisect.search import Plan

    every = args.boundaries == "all"
    gap = count // _LEAST_GAP_SHARE if args.gap is None else args.gap
    confidence = 0.95 if args.confidence is None else args.confidence
    return Plan(count, every, gap if every else 0, rate=args.flaky, confidence=confidence)


def _question(args: argparse.Namespace, specs: tuple[str, ...], scenario: Scenario) -> str:
    """All that an answer depends on: also the content of kernels that are files here, which may be built anew."""
    from harness.kernels import spec as kernel_spec
    from harness.matrix.fingerprint import fingerprint
    from harness.run.session import SessionOptions

    kernels = []
    for spec in specs:
        digest = ""
        if spec.startswith((".", "/")):
            with contextlib.suppress(KernelError):  # it is skipped when it is tested, with the reason
                digest = kernel_spec.find(spec, lambda _: None).digest
        kernels.append([spec, digest])
    asked = {"kernels": kernels, "scenario": scenario.name, "program": fingerprint(scenario, SessionOptions())}
    return json.dumps({**asked, "memory": args.memory, "accel": args.accel, "engine": args.engine, "rate": args.flaky})


def _search(tester: Tester, plan: Plan, specs: tuple[str, ...], journal: Journal) -> None:
    from harness.bisect import line
    from harness.bisect.line import Next

    def tests(revisions: tuple[int, ...]) -> Iterator[tuple[int, Tested]]:
        return tester.run((each, _tester.Ready(specs[each])) for each in revisions)

    for event in line.run(plan, specs, tests, journal, tester.workers):
        say(_next(event, specs) if isinstance(event, Next) else f"fusezap:   {event.line}")


def _next(event: Next, specs: tuple[str, ...]) -> str:
    inside = [each for each in event.conclusion.changes if each.before < event.revision < each.after]
    where = "".join(f", between {specs[each.before]} and {specs[each.after]}" for each in inside)
    return f"fusezap: step {event.number}, some {event.left} left: {specs[event.revision]}{where}"


@record(frozen=True, slots=True)
class _Outcome:
    """A search that is over, to be printed."""

    scenario: str
    specs: tuple[str, ...]
    plan: Plan
    steps: tuple[Step, ...]
    told: list[Told]
    journal: str
    duration_s: float

    @property
    def conclusion(self) -> Conclusion:
        from harness.bisect import search

        return search.conclude(self.plan, self.told)

    def text(self) -> str:
        """Lines for a terminal: the history as a row of letters, the changes, and what was not looked into."""
        conclusion = self.conclusion
        number = len(conclusion.changes)
        lines = [
            f"{self.scenario}: {number} change{'s' * (number != 1)} found in {len(self.specs)} kernels, by "
            f"{len(self.steps)} tests",
            f"  {self._row()}   from {self.specs[0]} to {self.specs[-1]}",
            "  D: has the defect, f: free of it, ?: cannot tell, .: not tested",
        ]
        lines += [f"  {self._change(each)}" for each in conclusion.changes]
        if not conclusion.changes:
            lines.append(f"  {self._no_change(conclusion)}")
        lines += [
            f"  not looked into: {each.count} between {self.specs[each.before]} and {self.specs[each.after]}, which "
            "agree; an even number of changes could hide there"
            for each in conclusion.unseen
        ]
        return visible_lines("\n".join(lines))

    def _row(self) -> str:
        marks = ["."] * len(self.specs)
        for each in self.told:
            if marks[each.revision] != _MARKS["has-it"]:
                marks[each.revision] = _MARKS[each.answer]
        return "".join(marks)

    def _change(self, change: Change) -> str:
        before, after = self.specs[change.before], self.specs[change.after]
        older, newer = ("has-it", "free") if change.answer == "free" else ("free", "has-it")
        surely = f" (confidence {change.confidence:.3f})" if change.confidence < 1 else ""
        if change.exact:
            return f"{before} {_WORDS[older]}, and {after} after it {_WORDS[newer]}{surely}"
        known = f"between {before}, which {_WORDS[older]}, and {after}, which {_WORDS[newer]}"
        return f"{known}: the {change.after - change.before - 1} between them cannot be told{surely}"

    def _no_change(self, conclusion: Conclusion) -> str:
        oldest, newest = conclusion.ends
        if oldest is None or newest is None:
            return "no kernel of the list can be told"
        hint = "" if self.plan.every else "; --boundaries all looks for changes between them"
        return f"both ends agree: each {_WORDS[oldest]}{hint}"

    def json(self) -> str:
        conclusion = self.conclusion
        steps = [
            {
                "kernel": each.name,
                "release": each.release,
                "answer": str(each.told.answer),
                "runs": each.told.runs,
                "line": each.line,
                "duration_s": each.duration_s,
            }
            for each in self.steps
        ]
        changes = [
            {
                "before": self.specs[each.before],
                "after": self.specs[each.after],
                "answer": str(each.answer),
                "exact": each.exact,
                "confidence": each.confidence,
                "between": list(self.specs[each.before + 1 : each.after]),
            }
            for each in conclusion.changes
        ]
        unseen = [
            {"before": self.specs[each.before], "after": self.specs[each.after], "answer": str(each.answer)}
            for each in conclusion.unseen
        ]
        document = {
            "version": __version__,
            "scenario": self.scenario,
            "kernels": list(self.specs),
            "steps": steps,
            "changes": changes,
            "unseen": unseen,
            "exact": conclusion.exact,
            "journal": self.journal,
            "duration_s": round(self.duration_s, 3),
        }
        return json.dumps(document, indent=2)
