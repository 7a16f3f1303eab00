"""The only wiring: one scenario from launch to leftovers, in one fixed order, evidence before any remedy."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fakefs import journal
from harness import leftovers
from harness import resolve as resolving
from harness.exercise import not_exercised
from harness.form import form
from harness.guard.client import Guard, guarded
from harness.judge import stuck_task
from harness.launch.arm import arm
from harness.launch.victim import Victim
from harness.linux.fusectl import FOLDER
from harness.model import Attempt, Outcome, Resolution, Result, Timings, Verdict
from harness.observe.entry import try_entry
from harness.observe.snapshot import observe
from harness.observe.watch import watch
from harness.resolve import Resolver
from harness.resolvers import Scene
from harness.scenario import Scenario

STUCK = frozenset({Outcome.DEADLOCK, Outcome.STARVED, Outcome.INCONCLUSIVE})


class Listener(Protocol):
    """Told of each step as it happens; a report that tells a story overrides what it needs."""

    def arming(self, scenario: Scenario) -> None: ...
    def armed(self, victim: Victim, took_ms: float) -> None: ...
    def killed(self, victim: Victim) -> None: ...
    def looked(self, verdict: Verdict) -> None: ...
    def judged(self, verdict: Verdict, took_ms: float) -> None: ...
    def attempted(self, attempt: Attempt) -> None: ...
    def resolved(self, resolution: Resolution) -> None: ...
    def kept(self, victim: Victim, run: str, remedy: str) -> None: ...
    def finished(self, result: Result) -> None: ...


class Silent:
    """Listens to nothing: for formats that speak at the end."""

    def arming(self, scenario: Scenario) -> None: ...
    def armed(self, victim: Victim, took_ms: float) -> None: ...
    def killed(self, victim: Victim) -> None: ...
    def looked(self, verdict: Verdict) -> None: ...
    def judged(self, verdict: Verdict, took_ms: float) -> None: ...
    def attempted(self, attempt: Attempt) -> None: ...
    def resolved(self, resolution: Resolution) -> None: ...
    def kept(self, victim: Victim, run: str, remedy: str) -> None: ...
    def finished(self, result: Result) -> None: ...


@dataclass(frozen=True, slots=True)
class Options:
    resolver: Resolver | None = None
    """None: abort, or a forced unmount where there is no abort file."""
    patience_s: float | None = None
    keep: bool = False
    futile: bool = False
    evidence: Callable[[Victim, Verdict], None] | None = None
    """Called with the verdict before anything is done about it: writes what --out wants."""


@dataclass(slots=True)
class _Run:
    """What is known so far."""

    start: float
    victim: Victim | None = None
    verdict: Verdict | None = None
    resolution: Resolution | None = None
    attempts: list[Attempt] = field(default_factory=list)
    entries: tuple[journal.Entry, ...] = ()
    timings: Timings = field(default_factory=Timings)


def run(scenario: Scenario, options: Options, listener: Listener) -> Result:
    """FusezapError when the scenario could not be armed; whatever had been started is gone by then."""
    state = _Run(time.monotonic())
    listener.arming(scenario)
    with ExitStack() as stack:
        guard = stack.enter_context(guarded())
        mode = guard.mode
        victim = state.victim = arm(scenario, guard)
        state.timings = dataclasses.replace(state.timings, armed=_since(state.start))
        listener.armed(victim, _since(state.start))
        abort_fd = None
        if guard.ctl is not None and victim.connection.abort:
            abort_fd = stack.enter_context(guard.ctl.abort_opened(victim.connection.number))
        _kill_and_judge(state, victim, guard, options, listener)
        assert state.verdict is not None
        if options.evidence is not None:
            options.evidence(victim, state.verdict)
        if options.keep and state.verdict.outcome in STUCK:
            guard.keep()
            listener.kept(victim, guard.name, _by_hand(victim, state.verdict, guard))
            left: tuple[str, ...] = ()
        else:
            _resolve(state, victim, guard, abort_fd, options, listener)
            left = (*guard.end(), *leftovers.of_run(guard.name, Path(guard.folder)))
    timings = dataclasses.replace(state.timings, total=_since(state.start))
    result = Result(
        scenario=scenario.name,
        kind=scenario.kind.value,
        verdict=state.verdict,
        armed=victim.armed,
        resolution=state.resolution,
        timings=timings,
        mode=mode,
        leftovers=left,
        attempts=tuple(state.attempts),
        journal=tuple(entry.record() for entry in state.entries),
    )
    listener.finished(result)
    return result


def _kill_and_judge(state: _Run, victim: Victim, guard: Guard, options: Options, listener: Listener) -> None:
    patience = victim.scenario.patience_s if options.patience_s is None else options.patience_s
    killed_ns = time.monotonic_ns()
    os.kill(victim.target.init, signal.SIGKILL)
    listener.killed(victim)
    verdict = watch(victim.target, lambda: observe(victim.target, guard.ctl, victim.claims), patience, listener.looked)
    took = (time.monotonic_ns() - killed_ns) / 1e6
    state.timings = dataclasses.replace(state.timings, kill_to_verdict=took)
    state.entries = journal.read(victim.journal)
    if verdict.outcome is Outcome.RELEASED:
        why = not_exercised(victim.scenario.exercise, state.entries, killed_ns)
        if why:
            verdict = dataclasses.replace(verdict, outcome=Outcome.NOT_EXERCISED, reasons=(why,))
    else:
        entry = try_entry(victim.target.init, None if guard.mode == "root" else guard.pid)
        verdict = dataclasses.replace(verdict, form=form(verdict.snapshots[-1], stuck_task(verdict), entry))
    state.verdict = verdict
    listener.judged(verdict, took)


def _resolve(
    state: _Run, victim: Victim, guard: Guard, abort_fd: int | None, options: Options, listener: Listener
) -> None:
    assert state.verdict is not None
    if state.verdict.outcome not in STUCK:
        return
    scene = Scene(
        verdict=state.verdict,
        target=victim.target,
        connection=victim.connection,
        abort_fd=abort_fd,
        user_ns_of=None if guard.mode == "root" else guard.pid,
        server=victim.server,
        control=victim.control,
    )
    if options.futile:
        for resolver in resolving.futile():
            state.attempts.append(resolving.attempt(resolver, scene))
            listener.attempted(state.attempts[-1])
    resolver = options.resolver or resolving.find("abort" if abort_fd is not None else "unmount")
    state.resolution = resolving.resolve(resolver, scene)
    state.timings = dataclasses.replace(state.timings, release=state.resolution.release_ms)
    listener.resolved(state.resolution)


def _by_hand(victim: Victim, verdict: Verdict, guard: Guard) -> str:
    """What ends a kept hang without us: the mounts, fusectl's too, are in the guard's namespaces."""
    if victim.connection.abort:
        return f"echo 1 > /proc/{guard.pid}/root{FOLDER}/{victim.connection.number}/abort"
    task = stuck_task(verdict)
    where = f"/proc/{task.tgid}/task/{task.tid}" if task else f"/proc/{guard.pid}"
    return f"nsenter --user=/proc/{guard.pid}/ns/user --mount={where}/ns/mnt umount -f -i {victim.connection.point}"


def _since(start: float) -> float:
    return (time.monotonic() - start) * 1000
