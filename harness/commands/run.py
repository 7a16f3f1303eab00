"""`fusezap run`: make the hang, prove it, resolve it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness import registry, resolvers
from harness import scenario as scenarios
from harness.errors import FusezapError, MachineError, UsageError
from harness.runner import SILENT, Listener, Options, run
from harness.terms import STUCK, Outcome

if TYPE_CHECKING:
    from harness.evidence import Evidence
    from harness.model import Result

HELP = "make the hang, prove it, resolve it"
DESCRIPTION = """\
Runs scenarios one after the other: arms each, kills its namespace, watches, judges by proof, resolves and verifies.

Exit status 0: every scenario came to a conclusive outcome (and to the one of --expect), was resolved, and nothing
was left.  1: not so.  2: usage or environment.
"""
DEFAULT = ("exit-flush-self",)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", nargs="*", help=f"see `fusezap list`; default {DEFAULT[0]}")
    parser.add_argument("--format", choices=("terminal", "json"), default="terminal", help="default: terminal")
    parser.add_argument("--expect", metavar="OUTCOME", help="fail unless every scenario comes to this outcome")
    parser.add_argument(
        "--resolve", metavar="NAME", help=f"how to end the hang: {', '.join(registry.names(resolvers))}; default: abort"
    )
    parser.add_argument("--futile", action="store_true", help="first show what does not help: SIGKILL, lazy unmount")
    parser.add_argument("--keep", action="store_true", help="leave the hang to look at; `fusezap clean` ends it")
    parser.add_argument(
        "--patience", metavar="SECONDS", type=float, help="for what could still move; no proof needs it"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="keep snapshots, journal, result and repro.sh there")


def execute(args: argparse.Namespace) -> int:
    chosen = scenarios.find(tuple(args.scenario) or DEFAULT)
    resolver = None
    if args.resolve:
        from harness import resolve

        resolver = resolve.find(args.resolve)
    if args.expect is not None and args.expect not in list(Outcome):
        raise UsageError(f"unknown outcome {args.expect!r}", f"there are: {', '.join(Outcome)}")
    if args.patience is not None and args.patience < 0:
        raise UsageError("--patience must not be negative")
    if args.keep and len(chosen) > 1:
        raise UsageError("--keep takes one scenario")
    listener = _listener(args.format)
    results: list[Result] = []
    errors: list[str] = []
    for scenario in chosen:
        out = _out(args.out, scenario.name) if args.out else None
        options = Options(
            resolver=resolver,
            patience_s=args.patience,
            keep=args.keep,
            futile=args.futile,
            evidence=out.before_remedy if out else None,
        )
        try:
            results.append(run(scenario, options, listener))
        except MachineError:
            raise
        except FusezapError as error:
            errors.append(f"{scenario.name}: {error}")
            print(f"fusezap: {errors[-1]}", file=sys.stderr)
            continue
        if out:
            out.result(results[-1])
    if args.format == "json":
        from harness.report import json as report

        sys.stdout.write(report.render(tuple(results), tuple(errors)))
    good = not errors and all(_good(result, args.expect, args.keep) for result in results)
    return 0 if good else 1


def _out(base: Path, scenario: str) -> Evidence:
    from harness.evidence import Evidence

    return Evidence(base, scenario)


def _listener(name: str) -> Listener:
    if name == "terminal":
        from harness.report.terminal import Story

        return Story()
    return SILENT


def _good(result: Result, expect: str | None, keep: bool) -> bool:
    outcome = result.verdict.outcome
    if outcome in (Outcome.INCONCLUSIVE, Outcome.NOT_EXERCISED) or result.leftovers:
        return False
    if expect is not None and outcome != expect:
        return False
    resolved = result.resolution is not None and result.resolution.released
    return outcome not in STUCK or keep or resolved
