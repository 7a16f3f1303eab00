"""`fusezap run`: make the hang, prove it, resolve it."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness import catalogue, registry
from harness.commands import _counting, _kernel
from harness.commands._numbers import seconds
from harness.errors import UsageError
from harness.model.events import Event, Said
from harness.model.terms import NO_VERDICT, STUCK, Outcome
from harness.report import outputs
from harness.report.outputs import Outputs
from harness.resolve import resolvers
from harness.run.session import ENDLESS, SessionOptions, deliver
from harness.scenario import Scenario

if TYPE_CHECKING:
    from harness.model.records import Series
    from harness.report.formats.terminal import Story

HELP = "make the hang, prove it, resolve it"
DESCRIPTION = """\
Runs scenarios one after the other: arms each, kills its namespace, watches, judges by proof, resolves and verifies.

Exit status 0: every run came to a conclusive outcome (and to the one of --expect), was resolved, and nothing was
left.  1: not so.  2: usage or environment.  3: a bug of fusezap.
"""
DEFAULT = ("exit-flush-self",)
TERMINAL = "terminal"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", nargs="*", help=f"names or globs, see `fusezap list`; default {DEFAULT[0]}")
    parser.add_argument(
        "--format", default=TERMINAL, metavar="FORMAT", help=f"on stdout: {', '.join(outputs.formats())}"
    )
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    _counting.arguments(parser)
    parser.add_argument("--until", metavar="OUTCOME", help="stop at the first run that comes to this outcome")
    parser.add_argument("--expect", metavar="OUTCOME", help="fail unless every run comes to this outcome")
    parser.add_argument(
        "--resolve", metavar="NAME", help=f"how to end the hang: {', '.join(registry.names(resolvers))}; default: abort"
    )
    parser.add_argument("--futile", action="store_true", help="first show what does not help: SIGKILL, lazy unmount")
    parser.add_argument("--keep", action="store_true", help="leave the hang to look at; `fusezap clean` ends it")
    parser.add_argument(
        "--patience", metavar="SECONDS", type=seconds(0), help="for what could still move; no proof needs it"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="keep snapshots, journal, result and repro.sh there")
    parser.add_argument(
        "--server",
        metavar="CMD",
        help="your own FUSE server in place of fakefs: 'CMD {mountpoint}'; see docs/how-to/own-server.md",
    )
    parser.add_argument(
        "--hold",
        metavar="PATH",
        help="with --server: the file that is held open, seen from the mount; may have {mountpoint} in it",
    )
    _kernel.arguments(parser)
    parser.add_argument(
        "--shell", action="store_true", help="with --kernel: keep the hang there, and give me a shell beside it"
    )
    parser.add_argument(
        "--dump", metavar="FILE", type=Path, help="with --kernel: keep a crash dump of the guest while it hangs"
    )


def epilog() -> str:
    return _counting.formats()


def execute(args: argparse.Namespace) -> int:
    chosen = _chosen(args)
    options = _options(args)
    if args.keep and (len(chosen) > 1 or options.repeated):
        raise UsageError("--keep takes one scenario, once")
    if args.keep and args.kernel is not None:
        raise UsageError(
            "--keep is for this kernel: a virtual machine ends with its runs", "use --shell to look at it there"
        )
    if args.dump is not None:
        _check_dump(args, chosen, options)
    if args.shell:
        return _shell(args, chosen, options)
    targets = outputs.parse(args.report)
    out = Outputs(None if args.format == TERMINAL else args.format, targets)
    single = args.format == TERMINAL and not options.repeated
    story = _story() if single else None
    counter = _counting.Counter(shown=options.repeated)
    errors = _broken(args)

    def take(event: Event) -> None:
        if isinstance(event, Said):
            _report(event.message)
        if story is not None:
            story.take(event)
        out.take(event)
        counter.take(event)

    began = time.time()
    try:
        _, events = _kernel.session(args, options, chosen, steps=single)
        deliver(events, take)
    finally:
        counter.stop()
        if counter.series and (options.repeated or len(chosen) > 1) and args.format == TERMINAL:
            _story().summary(tuple(counter.series))
        if args.format != TERMINAL or targets:
            command = shlex.join(["fusezap", *sys.argv[1:]])
            out.write(outputs.report(command, began, time.time() - began, tuple(counter.series), errors))
    good = not errors and len(counter.series) == len(chosen)
    return 0 if good and all(_good(each, args.expect, args.keep) for each in counter.series) else 1


def _check_dump(args: argparse.Namespace, chosen: tuple[Scenario, ...], options: SessionOptions) -> None:
    """Now, and not when the guest hangs already."""
    if args.kernel is None:
        raise UsageError("--dump is for a virtual machine: it goes with --kernel")
    if args.shell or len(chosen) > 1 or options.repeated:
        raise UsageError("--dump takes one scenario, once, and no --shell")
    folder = args.dump.absolute().parent
    if not os.access(folder, os.W_OK) or args.dump.is_dir():
        raise UsageError(f"{args.dump} cannot be written", "it is as large as the memory of the guest (--memory)")


def _shell(args: argparse.Namespace, chosen: tuple[Scenario, ...], options: SessionOptions) -> int:
    if args.kernel is None:
        raise UsageError("--shell goes with --kernel", "here, --keep leaves the hang to look at")
    if len(chosen) > 1 or options.repeated or args.report or args.format != TERMINAL:
        raise UsageError("--shell takes one scenario, once, and no report")
    words = ["--server", args.server] if args.server else [chosen[0].name]
    words += ["--hold", args.hold] if args.hold else []
    words += ["--futile"] if args.futile else []
    words += ["--patience", str(args.patience)] if args.patience is not None else []
    _kernel.open_shell(args, tuple(words), chosen[0])
    return 0


def _chosen(args: argparse.Namespace) -> tuple[Scenario, ...]:
    if args.server is None:
        if args.hold is not None:
            raise UsageError("--hold goes with --server")
        return catalogue.find(tuple(args.scenario) or DEFAULT)
    if args.scenario:
        raise UsageError("--server is a scenario of its own; name no other")
    from harness.scenario import foreign

    return (foreign.scenario(args.server, args.hold),)


def _options(args: argparse.Namespace) -> SessionOptions:
    _counting.check(args)
    _kernel.check(args)
    if args.resolve:
        from harness.resolve import resolver

        resolver.find(args.resolve)
    for option in ("expect", "until"):
        value = getattr(args, option)
        if value is not None and value not in list(Outcome):
            raise UsageError(f"--{option}: unknown outcome {value!r}", f"there are: {', '.join(Outcome)}")
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)  # now, and not when a namespace hangs already
    return SessionOptions(
        times=args.repeat or (ENDLESS if args.until else 1),
        jobs=args.jobs,
        until=Outcome(args.until) if args.until else None,
        resolver=args.resolve,
        patience_s=args.patience,
        keep=args.keep,
        futile=args.futile,
        out=args.out,
    )


def _broken(args: argparse.Namespace) -> tuple[str, ...]:
    """Scenario files that are wrong; they matter to the exit status where they could have been meant."""
    broken = catalogue.read_catalogue()[1]
    for each in broken:
        _report(each)
    meant = any(set(name) & set("*?[") for name in args.scenario)
    return broken if meant else ()


def _report(message: str) -> None:
    print(f"fusezap: {message}", file=sys.stderr)


def _story() -> Story:
    from harness.report.formats.terminal import Story

    return Story()


def _good(series: Series, expect: str | None, keep: bool) -> bool:
    """Every run conclusive and as expected, everything resolved unless it was to be kept; a skip is no failure."""
    if series.missing:
        return expect is None
    outcomes = {count.outcome for count in series.counts}
    if not outcomes or outcomes & NO_VERDICT or series.leftovers or series.errors:
        return False
    if expect is not None and outcomes != {expect}:
        return False
    stuck = [each for each in series.examples if each.verdict.outcome in STUCK]
    return keep or all(each.resolution is not None and each.resolution.released for each in stuck)
