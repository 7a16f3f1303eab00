"""`fusezap runtimes`: what docker, containerd, podman, runc, crun, LXC and pods do while a container cannot die."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from harness import __version__, files, registry
from harness.commands._numbers import seconds
from harness.commands._progress import teller
from harness.errors import FusezapError, UsageError
from harness.model.records import Kernel
from harness.report import outputs
from harness.runtimes import formats, tools
from harness.runtimes.experiment import run_experiment
from harness.runtimes.records import Experiment, RuntimesReport, Subject

HELP = "what container runtimes answer while a container cannot die"
DESCRIPTION = """\
For each runtime that is installed: starts an instance of its own, apart from any that runs already (own mounts, own
state, own network), a container whose FUSE server holds a file open on its own mount, and kills it.  Shows the
deadlock, asks the runtime everything that people try then, aborts the connection, and tells what recovers and what is
lost.

Exit status 0: each showed the picture and runs containers again.  1: one did not.  2: nothing could be run.
3: usage, environment, or a bug of fusezap.
"""
PROGRAMS = ("dockerd", "docker", "containerd", "podman", "conmon", "runc", "crun")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runtime", action="append", metavar="NAME", help=f"{', '.join(tools.names())}; more than once; default: all"
    )
    parser.add_argument("--list", action="store_true", help="which of them are installed, and their versions")
    parser.add_argument(
        "--bound",
        type=seconds(0.5, 600),
        default=15.0,
        metavar="SECONDS",
        help="how long an answer is awaited; default: 15",
    )
    parser.add_argument(
        "--format",
        default="terminal",
        metavar="FORMAT",
        help=f"{', '.join(registry.names(formats))}; default: terminal",
    )
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    parser.add_argument(
        "--report",
        action="append",
        default=[],
        metavar="FORMAT=FILE",
        help="write that, too, after each experiment; more than once",
    )
    for name in PROGRAMS:
        parser.add_argument(f"--{name}", metavar="PATH", help=f"your own build of {name}")


def execute(args: argparse.Namespace) -> int:
    rendering: list[tuple[ModuleType, Path | None]] = [(outputs.module(args.format, formats), None)]
    rendering += [(outputs.module(each.name, formats), each.path) for each in outputs.parse(args.report, formats)]
    own = {name: tools.check(name, path) for name in PROGRAMS if (path := getattr(args, name)) is not None}
    names = tuple(dict.fromkeys(args.runtime or tools.names()))
    modules = [(name, tools.engine(name)) for name in names]
    if args.list:
        return _listed(modules, own)
    if os.geteuid() != 0:
        raise UsageError("container runtimes with instances of their own take root", "run it with sudo")
    began, started = time.monotonic(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    subjects: list[Subject] = []
    for name, module in modules:
        for subject in _subjects(name, module, own, args.bound):
            report = _gathered((*subjects, subject), started, time.monotonic() - began)
            _write(report, [(form, path) for form, path in rendering if path is not None])
        subjects.append(subject)
    _write(_gathered(tuple(subjects), started, time.monotonic() - began), rendering)
    return _status(subjects, asked=bool(args.runtime))


def _gathered(subjects: tuple[Subject, ...], started: str, duration_s: float) -> RuntimesReport:
    kernel = os.uname()
    command = shlex.join(["fusezap", *sys.argv[1:]])
    machine = Kernel(kernel.release, kernel.version, kernel.machine)
    return RuntimesReport(command, __version__, started, duration_s, machine, subjects)


def _write(report: RuntimesReport, rendering: list[tuple[ModuleType, Path | None]]) -> None:
    """Files are written after each experiment, so that whatever happens in the next one costs only that."""
    for module, path in rendering:
        text = module.render(report)
        if path is None:
            sys.stdout.write(text)
        else:
            files.replace_bytes(path, text.encode("utf-8", "backslashreplace"))


def _listed(modules: list[tuple[str, ModuleType]], own: dict[str, str]) -> int:
    there = False
    for name, module in modules:
        found, missing = tools.find(module.NEEDS, own)
        there = there or not missing
        told = ", ".join(f"{program} {version}" for program, version in tools.versions(module, found))
        print(f"{name:<12} {'; '.join(missing) if missing else told}")
    return 0 if there else 2


def _subjects(name: str, module: ModuleType, own: dict[str, str], bound_s: float) -> Iterator[Subject]:
    """The subject of a runtime so far, after each of its experiments; the last one is all of it."""
    found, missing = tools.find(module.NEEDS, own)
    if missing:
        yield Subject(name, module.SUMMARY, (), missing=missing)
        return
    subject = Subject(name, module.SUMMARY, tools.versions(module, found))
    for experiment in getattr(module, "EXPERIMENTS", (Experiment.FLUSH,)):
        try:
            course, left = run_experiment(module, found, experiment, bound_s, teller(f"{name}, {experiment}"))
            subject = replace(subject, courses=(*subject.courses, course), leftovers=(*subject.leftovers, *left))
        except (FusezapError, OSError) as error:
            subject = replace(subject, errors=(*subject.errors, f"{experiment}: {error}"))
        yield subject


def _status(subjects: Sequence[Subject], asked: bool) -> int:
    """One that is not installed counts only where it was asked for."""
    if not any(each.courses for each in subjects):
        return 2
    counted = [each for each in subjects if asked or not each.missing]
    return 0 if all(each.good for each in counted) else 1
