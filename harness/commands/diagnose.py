"""`fusezap diagnose`: what on this machine is stuck, why, for how long, and what would end it."""

from __future__ import annotations

import argparse
import json
import os
import select
import shlex
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from harness import __version__, files, registry
from harness.commands._numbers import duration, seconds
from harness.diagnosis import capture, formats
from harness.diagnosis.abandon import in_child
from harness.diagnosis.clients import LONG_S
from harness.diagnosis.findings import findings
from harness.diagnosis.identify import Clerk, clerk_started
from harness.diagnosis.long_waits import long_waits
from harness.diagnosis.read import read
from harness.diagnosis.records import Diagnosis, Finding, Readings, Remedy
from harness.diagnosis.resolving import chosen, named, resolve
from harness.errors import UsageError
from harness.linux.fusectl import Fusectl, fusectl_opened
from harness.linux.timed_reader import TimedReader
from harness.observe.memory.helper import MemoryHelper, memory_helper

HELP = "find what is stuck on this machine, and what would end it"
DESCRIPTION = """\
Finds every PID namespace whose init waits in zap_pid_ns_processes(), every process that is stuck in its exit, and every
FUSE connection that nobody can answer any more; says why, for how long, which container it is, and what would end it.
Changes nothing unless --resolve asks for it, asks no container engine, and reads nothing that can hang.

Clients that have waited for 10 s on a server that lives are listed below what is stuck, and count with --stuck-for.

Exit status 0: nothing is stuck.  1: something is.  2: it cannot be told.  3: usage, environment, or a bug of fusezap.
With --resolve, 0: it is gone.  1: it is still there, or you said no.  3: it has changed since, or cannot be done.
"""

Beat = Callable[[str], None]
_BEAT_S = 5.0


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("finding", nargs="?", metavar="ID", help="show all that is known of that finding")
    parser.add_argument("-v", "--verbose", action="store_true", help="show all that is known of every finding")
    parser.add_argument("--format", metavar="FORMAT", help=f"{', '.join(registry.names(formats))}; default: terminal")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there, whole or not at all")
    parser.add_argument("--capture", type=Path, metavar="FILE", help="keep the raw readings there, for `fusezap judge`")
    parser.add_argument(
        "--debug-info", type=Path, metavar="FOLDER", help="where the kernel's lies too, for drgn (fusezap[drgn])"
    )
    parser.add_argument(
        "--vmcore", type=Path, metavar="FILE", help="not this machine, but a crash dump, by drgn (fusezap[drgn])"
    )
    parser.add_argument(
        "--stuck-for",
        type=duration(0.1),
        metavar="DURATION",
        help="also count clients that have waited so long for a live server (90, 90s, 5m, 2h, 1d); "
        "without it, those of 10 s are listed and do not count",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--resolve", metavar="ID", help="end that finding: shows the plan and asks")
    what.add_argument(
        "--watch", type=seconds(0.1), metavar="SECONDS", help="look so often, and tell what appears and what goes"
    )
    what.add_argument(
        "--trace",
        type=seconds(0.1),
        metavar="SECONDS",
        help="follow signals, exits and FUSE requests for so long (tracefs)",
    )
    parser.add_argument("--remedy", metavar="ACTION", help="with --resolve: not the mildest remedy, but this one")
    parser.add_argument("--yes", action="store_true", help="with --resolve: do not ask")


def execute(args: argparse.Namespace) -> int:
    form = registry.chosen(formats, "format", args.format or "terminal", "SUMMARY", "render")
    if (args.watch or args.trace) is not None and args.format not in (None, "terminal", "json"):
        raise UsageError("--watch and --trace tell in lines, for a person or as JSON", "leave --format out")
    if args.stuck_for is not None and (args.watch or args.trace or args.resolve) is not None:
        raise UsageError(
            "--stuck-for counts for the exit status of one look", "leave --watch, --trace and --resolve out"
        )
    if args.vmcore is not None:
        return _of_dump(args, form)
    return in_child(lambda beat: _work(args, form, beat), _given_up)


def _of_dump(args: argparse.Namespace, form: ModuleType) -> int:
    """A dump has no mounts and no locks: nothing that reads it can hang."""
    from harness.diagnosis.vmcore import read_dump

    if args.resolve is not None or args.watch is not None or args.trace is not None:
        raise UsageError("--resolve, --watch and --trace are for a machine that runs", "leave --vmcore out")
    readings = read_dump(args.vmcore, args.debug_info)
    return _write_out(_diagnosis(readings, args.stuck_for), args, form)


def _diagnosis(readings: Readings, stuck_for_s: float | None, beat: Beat = lambda _: None) -> Diagnosis:
    found = findings(readings, lambda: beat("judges what it has read"))
    waits = long_waits(readings, found, LONG_S if stuck_for_s is None else stuck_for_s)
    return Diagnosis(readings, found, __version__, _command(), waits, stuck_for_s is not None)


def _given_up(last: str) -> int:
    print(f"fusezap: gave up a reader that does not come back; what it did last: {last}", file=sys.stderr)
    return 2


class _Machine:
    """Looks at it, as often as it is asked; what made one look wait is not asked again."""

    def __init__(
        self, ctl: Fusectl | None, clerk: Clerk, memory: MemoryHelper, beat: Beat, stuck_for_s: float | None
    ) -> None:
        self.ctl = ctl
        self.beat = beat
        self._clerk = clerk
        self._memory = memory
        self.reader = TimedReader(lambda: beat("reads many processes"))
        self._stuck_for_s = stuck_for_s

    def look(self) -> Diagnosis:
        long_s = LONG_S if self._stuck_for_s is None else self._stuck_for_s
        readings = read(self.ctl, self._clerk.identify, self._memory, self.reader, self.beat, long_s)
        readings = replace(readings, unseen=(*readings.unseen, *self._clerk.unseen))
        return _diagnosis(readings, self._stuck_for_s, self.beat)


def _work(args: argparse.Namespace, form: ModuleType, beat: Beat) -> int:
    with ExitStack() as stack:
        clerk = stack.enter_context(clerk_started())
        memory = stack.enter_context(memory_helper(args.debug_info, beat))
        machine = _Machine(stack.enter_context(fusectl_opened()), clerk, memory, beat, args.stuck_for)
        if args.trace is not None:
            return _trace(machine, args.trace, args.format == "json")
        if args.watch is not None:
            _watch(machine, args.watch, args.format == "json")
        if args.resolve is not None:
            return _resolve(machine, args)
        return _write_out(machine.look(), args, form)


def _write_out(diagnosis: Diagnosis, args: argparse.Namespace, form: ModuleType) -> int:
    """Write what was asked for; return the exit status."""
    if args.capture is not None:
        _write(args.capture, capture.dump(diagnosis.readings), files.SECRET)
    if args.finding is not None:
        diagnosis = replace(diagnosis, findings=(named(diagnosis, args.finding),))
    text = formats.rendered(diagnosis, form, args.verbose or args.finding is not None)
    if args.output is None:
        sys.stdout.write(text)
    else:
        _write(args.output, text)
    return diagnosis.status


def _write(path: Path, text: str, mode: int | None = None) -> None:
    try:
        files.replace_file(path, text, mode)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "choose another FILE") from error


def _watch(machine: _Machine, every_s: float, as_json: bool) -> NoReturn:
    """Until it is interrupted."""
    known: dict[str, Finding] = {}
    while True:
        until = time.monotonic() + every_s
        diagnosis = machine.look()
        now = {each.id: each for each in diagnosis.findings}
        events = [("appeared", each) for name, each in now.items() if name not in known]
        events += [("gone", each) for name, each in known.items() if name not in now]
        for event, each in events:
            print(_event(diagnosis.readings.taken, event, each, as_json), flush=True)
        known = now
        _rest(machine, until)


def _event(at: str, event: str, finding: Finding, as_json: bool) -> str:
    if as_json:
        from harness.diagnosis.formats.json import finding_record

        return json.dumps({"at": at, "event": event, "finding": finding_record(finding)})
    from harness.diagnosis.formats import _words

    where = f", {_words.container_text(finding.container)}" if finding.container else ""
    return f"{at} {event}: {_words.title(finding)}{where}"


def _trace(machine: _Machine, seconds: float, as_json: bool) -> int:
    """Tasks of a finding are marked; who is stuck before it begins is known by the look."""
    from harness.diagnosis.formats import _words
    from harness.diagnosis.trace import traced
    from harness.report.text import visible

    with traced() as trace:
        diagnosis = machine.look()
        stuck = {each.tid: finding.id for finding in diagnosis.findings for each in finding.blockers}
        stuck |= {finding.init_pid: finding.id for finding in diagnosis.findings if finding.init_pid is not None}
        if not as_json:
            print(_words.headline(diagnosis))
            for each in trace.lacking:
                print(f"this kernel does not have the event {each}")
        sys.stdout.flush()
        for event in trace.follow(seconds, machine.beat):
            finding = stuck.get(event.tid)
            if as_json:
                print(json.dumps({**asdict(event), "finding": finding}), flush=True)
            else:
                mark = f"  [{finding}]" if finding else ""
                print(
                    f"{event.at_s:.6f} {visible(f'{event.comm} {event.tid} {event.event}: {event.told}')}{mark}",
                    flush=True,
                )
    return diagnosis.status


def _rest(machine: _Machine, until: float) -> None:
    while (left := until - time.monotonic()) > 0:
        machine.beat("rests")
        time.sleep(min(left, _BEAT_S))


def _resolve(machine: _Machine, args: argparse.Namespace) -> int:
    finding = named(machine.look(), args.resolve)
    remedy = chosen(finding, args.remedy)
    _show(finding, remedy)
    if not args.yes and not _agreed(machine):
        print("nothing was done")
        return 1
    from harness.diagnosis.formats import _words

    came = resolve(finding, remedy, machine.ctl, machine.look, machine.reader)
    print("\n".join(_words.aftermath(finding, remedy, came)))
    return 1 if came.took_s is None else 0


def _show(finding: Finding, remedy: Remedy) -> None:
    from harness.diagnosis.formats import _words

    print(_words.title(finding))
    for name, text in _words.facts(finding):
        print(f"  {name}: {text}")
    print(f"  plan: {remedy.action}: {remedy.command}\n  effect: {remedy.effect}", flush=True)


def _agreed(machine: _Machine) -> bool:
    """Asked of a person; whoever scripts it says --yes."""
    if not sys.stdin.isatty():
        raise UsageError("there is nobody to ask", "add --yes")
    print("Do it? [y/N] ", end="", flush=True)
    while not select.select([sys.stdin], [], [], _BEAT_S)[0]:
        machine.beat("waits for your answer")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _command() -> str:
    return shlex.join([os.path.basename(sys.argv[0]).replace("__main__.py", "fusezap"), *sys.argv[1:]])
