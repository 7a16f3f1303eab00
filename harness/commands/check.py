"""`fusezap check`: one line and an exit status for scripts."""

from __future__ import annotations

import argparse
import os

from harness import scenario as scenarios
from harness.errors import FusezapError
from harness.model import Outcome, Result
from harness.runner import SILENT, Options, run
from harness.scenario import Kind, Scenario

HELP = "does this kernel have the defect? for scripts and git bisect run"
DESCRIPTION = """\
Runs the defect scenarios (or those named) and prints one line.

Exit status 0: the kernel is free of the defect.  1: it has it.  125: cannot tell (git bisect skips the commit).
A control that does not come out as it must says that the harness is wrong here: 125.
"""
FREE, HAS_IT, CANNOT_TELL = 0, 1, 125


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", nargs="*", help="default: every scenario of kind defect")


def execute(args: argparse.Namespace) -> int:
    try:
        chosen = scenarios.find(tuple(args.scenario)) or _defects()
        status, words = _check(chosen)
    except FusezapError as error:
        status, words = CANNOT_TELL, str(error).replace("\n", "; ")
    verdict = {FREE: "free of the defect", HAS_IT: "has the defect", CANNOT_TELL: "cannot tell"}[status]
    print(f"{os.uname().release}: {verdict}: {words}")
    return status


def _defects() -> tuple[Scenario, ...]:
    return tuple(each for each in scenarios.catalogue().values() if each.kind is Kind.DEFECT)


def _check(chosen: tuple[Scenario, ...]) -> tuple[int, str]:
    options = Options()
    statuses, words = [], []
    for scenario in chosen:
        result = run(scenario, options, SILENT)
        statuses.append(_status(scenario, result))
        words.append(f"{scenario.name} {result.verdict.outcome}")
        if statuses[-1] is CANNOT_TELL:
            words[-1] += f" ({'; '.join((*result.verdict.reasons, *result.leftovers))})"
    worst = max(statuses, key=lambda status: (status == HAS_IT, status == CANNOT_TELL))
    return worst, ", ".join(words)


def _status(scenario: Scenario, result: Result) -> int:
    """A deadlock is a yes whatever else happened; a control that is wrong makes the others doubtful."""
    outcome = result.verdict.outcome
    if scenario.kind is Kind.CONTROL:
        return FREE if outcome is scenario.want else CANNOT_TELL
    if outcome in (Outcome.INCONCLUSIVE, Outcome.NOT_EXERCISED) or result.leftovers:
        return CANNOT_TELL
    if scenario.kind is Kind.BEHAVIOUR:
        return FREE
    return FREE if outcome is scenario.want else HAS_IT
