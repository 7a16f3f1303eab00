"""`fusezap check`: one line and an exit status for scripts."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from harness import catalogue
from harness.boundary import say
from harness.commands import _counting, _kernel
from harness.errors import FusezapError, KernelError, UsageError
from harness.model.events import Event
from harness.model.printable import visible
from harness.model.terms import Mark, Outcome
from harness.report import outputs
from harness.report.outputs import Outputs
from harness.run.session import SessionOptions, deliver
from harness.scenario import Kind, Scenario

if TYPE_CHECKING:
    from harness.model.records import Series, Verdict

HELP = "does this kernel have the defect? for scripts and git bisect run"
DESCRIPTION = """\
Runs the defect scenarios (or those named) and prints one line.

Exit status 0: the kernel is free of the defect.  1: it has it.  125: it cannot be told (git bisect skips the commit),
also where a control does not come out as it must, or where the image may be of other sources than the tree has.  128
and more: what is not the commit's fault, so that git bisect run stops: usage and environment (128), a signal (129 to
143), a bug of fusezap's own (255).

A race that shows in some runs only is looked for with --rate and --confidence: each scenario is run as often as it
takes to call the kernel free of a race that shows at that rate, and no more once it has been seen.

--invert swaps 0 and 1, and nothing else, to bisect for the commit that ended a defect: name one scenario, and start
with `git bisect start --term-old broken --term-new fixed`.
"""
FREE, HAS_IT, CANNOT_TELL = 0, 1, 125
LINE = "line"
_INVERTED = {FREE: HAS_IT, HAS_IT: FREE}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", nargs="*", help="names or globs; default: every scenario of kind defect")
    parser.add_argument(
        "--format", default=LINE, metavar="FORMAT", help=f"on stdout: {LINE} (default), {', '.join(outputs.formats())}"
    )
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    _counting.arguments(parser)
    parser.add_argument("--rate", type=_counting.share, help="of the race to be found or excluded, such as 0.05")
    parser.add_argument(
        "--confidence", type=_counting.share, help="how surely, such as 0.999 (default 0.95; with --rate)"
    )
    parser.add_argument(
        "--invert",
        action="store_true",
        help="exit with 1 for a kernel that is free of the defect, and with 0 for one that has it",
    )
    _kernel.arguments(parser)


def epilog() -> str:
    return _counting.formats()


def execute(args: argparse.Namespace) -> int:
    errors: list[str] = []
    failure: FusezapError | None = None
    counter: _counting.Counter | None = None
    began = time.time()
    out = None
    release = args.kernel or os.uname().release
    try:
        options = _options(args)
        out = Outputs(None if args.format == LINE else args.format, outputs.parse(args.report))
        chosen = catalogue.find(tuple(args.scenario)) or _defects()
        broken = catalogue.read_catalogue()[1]
        if broken and not args.scenario:
            raise UsageError("a scenario cannot be read", "\n".join(broken))
        for each in broken:  # of scenarios that were not named
            say(f"fusezap: {each}")
        counter = _counting.Counter(shown=options.repeated)
        release, events = _kernel.session(args, options, chosen)
        deliver(events, partial(_take, (out, counter)))
    except FusezapError as error:
        errors.append(str(error).replace("\n", "; "))
        failure = None if isinstance(error, KernelError) else error
    finally:
        if counter is not None:
            counter.stop()
    series = counter.series if counter is not None else []
    if out is not None:
        command = shlex.join(["fusezap", *sys.argv[1:]])
        out.write(outputs.report(command, began, time.time() - began, tuple(series), tuple(errors)))
    if failure is not None:
        raise failure
    answer = status(series, errors)
    if args.format == LINE:
        print(visible(line(release, answer, series, errors)))
    return _INVERTED.get(answer, answer) if args.invert else answer


def _take(consumers: tuple[Outputs, _counting.Counter], event: Event) -> None:
    for each in consumers:
        each.take(event)


def _options(args: argparse.Namespace) -> SessionOptions:
    _counting.check(args)
    _kernel.check(args)
    confidence = 0.95 if args.confidence is None else args.confidence
    if args.confidence is not None and args.rate is None:
        raise UsageError("--confidence goes with --rate")
    if args.rate is not None and args.repeat is not None:
        raise UsageError("--rate decides how often to run; leave out --repeat")
    if args.invert and not args.scenario:
        raise UsageError(
            "--invert needs the name of a scenario", "the whole set of defects is never free on any kernel"
        )
    times = args.repeat or 1
    if args.rate is not None:
        from harness.run.statistics import runs_needed

        times = runs_needed(args.rate, confidence)
    brief = args.format == LINE and not args.report
    return SessionOptions(times=times, jobs=args.jobs, rate=args.rate, confidence=confidence, brief=brief)


def _defects() -> tuple[Scenario, ...]:
    return tuple(each for each in catalogue.catalogue().values() if each.kind is Kind.DEFECT)


def status(series: list[Series], errors: list[str]) -> int:
    """Decide what a session says of its kernel.

    A defect that was seen once is a yes, whatever else happened; an unclear series makes the others doubtful.

    Args:
        series: What was run.
        errors: What kept it from being run.

    Returns:
        FREE, HAS_IT or CANNOT_TELL.
    """
    marks = {each.mark for each in series}
    if Mark.FAIL in marks:
        return HAS_IT
    if errors or not series or marks & {Mark.UNSURE, Mark.SKIPPED}:
        return CANNOT_TELL
    return FREE


def line(release: str, status: int, series: list[Series], errors: list[str]) -> str:
    """The answer in one line: the kernel, what it is, and each outcome with its reasons."""
    verdict = {FREE: "free of the defect", HAS_IT: "has the defect", CANNOT_TELL: "cannot tell"}[status]
    words = ", ".join([*map(_words, series), *(error.replace("\n", "; ") for error in errors)])
    return f"{release}: {verdict}: {words}"


def _reasons(verdict: Verdict) -> tuple[str, ...]:
    """The reasons of a verdict; for a lost machine, the first two, because the output is one line."""
    return verdict.reasons[:2] if verdict.outcome is Outcome.LOST_VM else verdict.reasons


def _words(series: Series) -> str:
    times = "" if series.runs <= 1 else " x"
    found = " + ".join(f"{count.outcome}{f'{times}{count.times}' if times else ''}" for count in series.counts)
    text = f"{series.about.name} {found or ('skipped' if series.missing else 'not run')}"
    why = [*series.missing, *series.errors, *series.leftovers]
    if series.mark is Mark.UNSURE:
        why += [reason for example in series.examples for reason in _reasons(example.verdict)]
    if why:
        text += f" ({'; '.join(why)})".replace("\n", "; ")
    return text + (f" ({series.note})" if series.note else "")
