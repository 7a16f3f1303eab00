"""Whole results, made from recorded verdicts, for the reports to tell."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from harness.catalogue import catalogue
from harness.judge.form import form
from harness.judge.verdict import judge, stuck_task
from harness.model.records import (
    Attempt,
    Count,
    Entry,
    Kernel,
    Kind,
    Latency,
    Mark,
    Milestone,
    Outcome,
    Report,
    Resolution,
    Result,
    Series,
    Sighting,
    Snapshot,
    Timeline,
    Timings,
    Verdict,
)
from harness.run.tally import Tally
from harness.scenario.steps import about
from tests.unit.records import recorded

KERNEL = Kernel("6.18.44", "#1 SMP PREEMPT_DYNAMIC", "x86_64")
KERNELS = (
    Kernel("6.1.0-49-amd64", "#1 SMP Debian 6.1.147-1", "x86_64"),
    Kernel("6.12.43+deb13-amd64", "#1 SMP Debian 6.12.43-1", "x86_64"),
    Kernel("7.2.0", "#1 SMP PREEMPT_DYNAMIC", "x86_64"),
)
WARNINGS = (
    "WARNING: CPU: 1 PID: 7317 at fs/fuse/dev.c:412 fuse_request_end+0x12f/0x210 [fuse]",
    "BUG: kernel NULL pointer dereference, address: 0000000000000018",
)
CONSOLE = (
    "[    3.101733] #PF: supervisor read access in kernel mode",
    "[    3.109120] Kernel panic - not syncing: Fatal exception in interrupt",
    "[    3.109877] ---[ end Kernel panic - not syncing: Fatal exception in interrupt ]---",
)


@cache
def verdict_of(name: str) -> Verdict:
    """With its checklist, as `run` completes it."""
    verdict = judge(recorded(name))
    if verdict.outcome is Outcome.RELEASED:
        return verdict
    return replace(verdict, form=form(verdict.snapshots[-1], stuck_task(verdict), Entry(0, errno.ENOMEM)))


@cache
def result_of(name: str) -> Result:
    verdict = verdict_of(name)
    released = verdict.outcome is Outcome.RELEASED
    resolution = Resolution("abort", "echo 1 > /sys/fs/fuse/connections/41/abort", True, 0.61, "ends the requests")
    snapshots = recorded(name)
    return Result(
        about=about(catalogue()[name]),
        kernel=KERNEL,
        verdict=verdict,
        armed=snapshots[0],
        resolution=None if released else resolution,
        timings=Timings(armed=80.5, kill_to_verdict=9.25, release=None if released else 0.61, total=101.0),
        mode="root",
        attempts=() if released else (Attempt("sigkill", "kill -KILL 1", "no error, and no effect", False),),
        journal=tuple(_journal(snapshots[0].taken_ns)),
        timeline=_timeline(snapshots, released),
    )


def _journal(armed_ns: int) -> Iterable[dict[str, object]]:
    for number, (after_ms, event, operation, path) in enumerate(
        (
            (-40.0, "called", "init", "/"),
            (-39.9, "replied", "init", "/"),
            (-20.0, "called", "open", "/held"),
            (-19.8, "replied", "open", "/held"),
        ),
        start=1,
    ):
        time = armed_ns + int(after_ms * 1e6)
        yield {
            "seq": number,
            "time": time,
            "event": event,
            "operation": operation,
            "path": path,
            "caller": 7317,
            "result": 0 if event == "replied" else None,
        }


def _timeline(snapshots: tuple[Snapshot, ...], released: bool) -> Timeline:
    armed, last = snapshots[0], snapshots[-1]
    killed = armed.taken_ns + 1_000_000
    milestones = [
        Milestone(armed.taken_ns - 80_500_000, "started", "the run began"),
        Milestone(armed.taken_ns, "armed", "the file is held open"),
        Milestone(killed, "killed", f"SIGKILL sent to init {armed.init_tid}"),
        Milestone(last.taken_ns, "judged", "released" if released else "stuck"),
    ]
    if not released:
        milestones.append(Milestone(last.taken_ns + 1_000_000, "resolving", "abort"))
        milestones.append(Milestone(last.taken_ns + 1_610_000, "gone", "the namespace is gone"))
    sightings = [
        Sighting(snapshot.taken_ns, task.tid, task.tgid, task.comm, task.state, (task.functions or (None,))[0])
        for snapshot in snapshots
        for task in snapshot.tasks
    ]
    end = milestones[-1].at_ns
    sightings += [Sighting(end, task.tid, task.tgid, task.comm, "", None) for task in last.tasks]
    return Timeline(tuple(milestones), tuple(sightings))


@cache
def series_of(name: str, runs: int = 1) -> Series:
    """`runs` times the recorded outcome, with latencies that differ."""
    result = result_of(name)
    outcome, kind = result.verdict.outcome, result.about.kind
    latencies = tuple(9.25 + (number * 7919 % 101) / 10 for number in range(runs))
    told = Mark.PASS if outcome is result.about.want else Mark.FAIL
    mark = Mark.REPORTED if kind is Kind.BEHAVIOUR else told
    return Series(
        kernel=KERNEL,
        about=result.about,
        mark=mark,
        counts=(Count(outcome, runs, 0.025, 1.0),),
        latencies_ms=latencies,
        latency=Latency(sorted(latencies)[runs // 2], max(latencies), max(latencies)),
        examples=(result,),
        duration_s=0.2 * runs,
    )


def skipped_series(name: str) -> Series:
    return replace(
        series_of(name), mark=Mark.SKIPPED, counts=(), latencies_ms=(), latency=None, examples=(), missing=("root",)
    )


def differing_series(name: str, wrong: int, right: int) -> Series:
    """A race: some runs of a scenario come to its outcome, and others go well."""
    hang, healthy = series_of(name, wrong + right), result_of("healthy")
    counts = (Count(hang.counts[0].outcome, wrong, 0.1, 0.9), Count(Outcome.RELEASED, right, 0.1, 0.9))
    return replace(hang, counts=counts, examples=(*hang.examples, replace(healthy, about=hang.about)))


def lost_series(name: str) -> Series:
    """The kernel under test went down with the virtual machine that it ran in."""
    series = series_of(name)
    reasons = ("the kernel panicked 3.1 s after its start", *CONSOLE)
    verdict = Verdict(Outcome.LOST_VM, reasons, None, (), (), None, ())
    lost = Result(series.about, series.kernel, verdict, None, None, Timings(), "root")
    counts = (Count(Outcome.LOST_VM, 1, 0.025, 1.0),)
    return replace(series, mark=Mark.UNSURE, counts=counts, latencies_ms=(), latency=None, examples=(lost,))


def not_armed_series(name: str) -> Series:
    bare = replace(series_of(name), counts=(), latencies_ms=(), latency=None, examples=())
    return replace(bare, mark=Mark.UNSURE, errors=("the mount did not answer within 10 s",))


def under(kernel: Kernel, series: Series) -> Series:
    examples = tuple(replace(result, kernel=kernel) for result in series.examples)
    return replace(series, kernel=kernel, examples=examples)


@cache
def matrix_report() -> Report:
    """Four scenarios under three kernels, and all that a cell can be: one differs, a machine was lost, a kernel warned,
    one was skipped, one not armed, one not run."""
    first, second, third = KERNELS
    fixed = replace(series_of("healthy", 20), about=series_of("exit-flush-self").about)
    return report_of(
        under(first, series_of("exit-flush-self", 20)),
        under(first, series_of("exit-flush-peer-outside")),
        under(first, series_of("server-stopped", 3)),
        under(first, series_of("healthy")),
        under(second, differing_series("exit-flush-self", 17, 3)),
        under(second, lost_series("exit-flush-peer-outside")),
        under(second, replace(series_of("server-stopped", 3), warnings=WARNINGS)),
        under(second, not_armed_series("healthy")),
        under(third, fixed),
        under(third, skipped_series("exit-flush-peer-outside")),
        under(third, series_of("server-stopped", 3)),
    )


@cache
def large_report(kernels: int) -> Report:
    """Every scenario of the catalogue under so many kernels; the later ones are free of the defects, some in between
    differ from run to run, and of the others the numbers do."""
    hang, stopped, healthy = series_of("exit-flush-self", 20), series_of("server-stopped", 20), series_of("healthy", 20)
    race = differing_series("exit-flush-self", 17, 3)
    every = []
    for number in range(kernels):
        kernel = Kernel(f"6.12.{number}+deb13-amd64", f"#1 SMP PREEMPT_DYNAMIC Debian 6.12.{number}-1", "x86_64")
        for place, scenario in enumerate(catalogue().values()):
            told = about(scenario)
            if told.kind is Kind.BEHAVIOUR:
                series = stopped
            elif told.kind is Kind.CONTROL or number > kernels * 3 // 4:
                series = healthy
            elif (number + place) % 5 == 0:
                wrong = 1 + (number * place) % 19
                counts = (replace(race.counts[0], times=wrong), replace(race.counts[1], times=20 - wrong))
                series = replace(race, counts=counts)
            else:
                series = hang
            every.append(replace(series, kernel=kernel, about=told))
    return replace(report_of(*every), command="fusezap run --all")


def report_of(*series: Series) -> Report:
    return Report(
        command="fusezap run " + " ".join(each.about.name for each in series),
        version="0.1.0",
        started="2026-11-24T01:30:00Z",
        duration_s=sum(each.duration_s for each in series),
        series=series,
    )


def reported(*results: Result, errors: tuple[str, ...] = ()) -> Report:
    """Each result as the one run of its scenario."""
    series = []
    for result in results:
        tally = Tally(result.kernel, result.about)
        tally.add(result)
        series.append(tally.series(duration_s=0.2))
    return replace(report_of(*series), errors=errors)
