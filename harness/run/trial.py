"""The steps of a run after it was armed: the kill, the verdict, the form, the remedy."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fakefs import journal
from harness.guard import leftovers
from harness.judge.exercise import not_exercised
from harness.judge.form import form
from harness.judge.verdict import stuck_task
from harness.judge.withheld import withheld
from harness.linux.fusectl import FOLDER
from harness.model.events import Armed, Attempted, Judged, Kept, Killed, Looked, Resolved
from harness.model.records import STUCK, Attempt, Kernel, Outcome, Resolution, Result, Snapshot, Timings, Verdict
from harness.observe.entry import try_entry
from harness.observe.snapshot import observe
from harness.record import replace
from harness.resolve import by_hand
from harness.resolve import resolver as resolving
from harness.resolve.scene import Scene
from harness.run.request import RunRequest
from harness.run.timeline import Recorder
from harness.run.watch import watch
from harness.scenario.steps import about

if TYPE_CHECKING:
    from harness.guard.client import Guard
    from harness.launch.victim import Victim


class Trial:
    """The steps of a run.  A caller takes them in the order of the methods; each keeps here what later steps need."""

    verdict: Verdict

    def __init__(self, victim: Victim, guard: Guard, request: RunRequest, began_ns: int) -> None:
        self.victim = victim
        self.recorder = Recorder()
        self.recorder.reached("started", "the run began", began_ns)
        self.before_kill = None if request.brief else observe(victim.target, guard.ctl, victim.claims)
        """A snapshot of the armed scenario; None where only the outcome is asked for."""
        if self.before_kill is not None:
            self.recorder.saw(self.before_kill)
        self._latest = self.before_kill
        armed_ns = time.monotonic_ns()
        self.recorder.reached("armed", victim.about, armed_ns)
        self._armed_ms = (armed_ns - began_ns) / 1e6
        self._began_ns = began_ns
        self._guard = guard
        self._request = request
        self._abort_fd: int | None = None
        self._entries: tuple[journal.Entry, ...] = ()
        self._attempts: list[Attempt] = []
        self._resolution: Resolution | None = None
        self._killed_ns = 0
        self._kill_to_verdict_ms: float | None = None

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The snapshot of the armed scenario, and those that the verdict rests on."""
        return self.verdict.snapshots if self.before_kill is None else (self.before_kill, *self.verdict.snapshots)

    @property
    def stuck(self) -> bool:
        return self.verdict.outcome in STUCK

    @contextmanager
    def abort_file_opened(self) -> Iterator[None]:
        """Before the kill: the number may be reused later, the open file stays bound to this connection."""
        connection = self.victim.connection
        if self._guard.ctl is None or connection is None or not connection.abort:
            yield
            return
        with self._guard.ctl.abort_opened(connection.number) as fd:
            self._abort_fd = fd
            yield

    def armed(self) -> Iterator[Armed]:
        """Yield what was proven to be in place, unless only the outcome is asked for."""
        if self.before_kill is not None:
            yield Armed(self.victim.about, self.victim.target.init, self.before_kill, self._armed_ms)

    def kill(self) -> Killed:
        """Send SIGKILL to init."""
        self._killed_ns = time.monotonic_ns()
        os.kill(self.victim.target.init, signal.SIGKILL)
        self.recorder.reached("killed", f"SIGKILL sent to {self.victim.target.init}", self._killed_ns)
        return Killed(self.victim.target.init)

    def judge(self) -> Generator[Looked | Judged]:
        """Watch until the verdict is final or the patience is over; yield each look, and the verdict."""
        for verdict in watch(self.victim.target, self._look, self._patience_s(), self._settled):
            judged_ns = time.monotonic_ns()
            yield Looked(verdict)
        took = self._kill_to_verdict_ms = (judged_ns - self._killed_ns) / 1e6
        if why := self._withheld(verdict):
            verdict = replace(verdict, reasons=(*verdict.reasons, why))
        self._entries = self._journal()
        if verdict.outcome is Outcome.RELEASED:
            verdict = self._exercised(verdict)
        else:
            entry = None
            if self.victim.target.pid_ns is not None:
                entry = try_entry(self.victim.target.init, self._user_ns_of())
            verdict = replace(verdict, form=form(verdict.snapshots[-1], stuck_task(verdict), entry))
        self.verdict = verdict
        self.recorder.reached("judged", verdict.outcome, judged_ns)
        yield Judged(verdict, took)

    def keep(self) -> Kept:
        """Leave the hang to the guard and the user."""
        self._guard.keep()
        return Kept(self.victim.target.init, self._guard.name, self._by_hand())

    @property
    def resolution(self) -> Resolution | None:
        """The resolver's act; None before `resolve`, and where the namespace is not stuck."""
        return self._resolution

    @property
    def scene(self) -> Scene:
        """The input of a resolver; available after `judge`."""
        return Scene(
            verdict=self.verdict,
            target=self.victim.target,
            connection=self.victim.connection,
            abort_fd=self._abort_fd,
            user_ns_of=self._user_ns_of(),
            server=self.victim.server,
            control=self.victim.control,
            guard=self._guard,
            remedy=self.victim.remedy,
        )

    def resolve(self) -> Generator[Attempted | Resolved]:
        """Try what does not help, where the request asks for it, then end the hang; nothing where nothing is stuck."""
        if not self.stuck:
            return
        scene = self.scene
        if self._request.futile:
            for resolver in resolving.futiles():
                self._attempts.append(resolving.attempt(resolver, scene))
                yield Attempted(self._attempts[-1])
        chosen = resolving.find(self._request.resolver) if self._request.resolver else resolving.default(scene)
        began_ns = time.monotonic_ns()
        self.recorder.reached("resolving", chosen.name, began_ns)
        self._resolution = resolving.resolve(chosen, scene, watch_others=not self._request.brief)
        if self._resolution.release_ms is not None:
            gone_ns = began_ns + int(self._resolution.release_ms * 1e6)
            self.recorder.reached("gone", "the namespace is gone", gone_ns)
        yield Resolved(self._resolution)

    def clean_up(self) -> tuple[str, ...]:
        """Remove all that the run made; return what could not be removed, in words."""
        return (*self._guard.end(), *leftovers.of_run(self._guard.name, self._guard.folder))

    def result(self, left: tuple[str, ...]) -> Result:
        kernel, resolution = os.uname(), self._resolution
        now_ns = time.monotonic_ns()
        return Result(
            about=about(self.victim.scenario),
            kernel=Kernel(kernel.release, kernel.version, kernel.machine),
            verdict=self.verdict,
            armed=self.before_kill,
            resolution=resolution,
            timings=Timings(
                armed=self._armed_ms,
                kill_to_verdict=self._kill_to_verdict_ms,
                release=resolution.release_ms if resolution else None,
                total=(now_ns - self._began_ns) / 1e6,
            ),
            mode=self._guard.mode,
            leftovers=left,
            attempts=tuple(self._attempts),
            journal=tuple(entry.record() for entry in self._entries),
            timeline=self.recorder.end(now_ns),
        )

    def _look(self) -> Snapshot:
        snapshot = self._latest = observe(self.victim.target, self._guard.ctl, self.victim.claims, self._latest)
        self.recorder.saw(snapshot)
        return snapshot

    def _journal(self) -> tuple[journal.Entry, ...]:
        return journal.read(self.victim.journal) if self.victim.journal.exists() else ()

    def _settled(self, verdict: Verdict) -> bool:
        return self._withheld(verdict) is not None

    def _withheld(self, verdict: Verdict) -> str | None:
        """Why the server will not answer by itself; None where that is not known.  --patience disables it."""
        if verdict.outcome is not Outcome.STARVED or self._request.patience_s is not None or self.victim.server is None:
            return None
        return withheld(verdict, self._journal(), self.victim.server.pid)

    def _patience_s(self) -> float:
        chosen = self._request.patience_s
        return self.victim.scenario.patience_s if chosen is None else chosen

    def _exercised(self, verdict: Verdict) -> Verdict:
        """A release is one only if the path under test ran, and if no call failed that must not fail."""
        scenario = self.victim.scenario
        why = not_exercised(scenario.exercise, scenario.path, self._entries, self._killed_ns)
        if why:
            return replace(verdict, outcome=Outcome.NOT_EXERCISED, reasons=(why,))
        if self.victim.failures:
            return replace(verdict, outcome=Outcome.FAILED, reasons=self.victim.failures)
        return verdict

    def _user_ns_of(self) -> int | None:
        return None if self._guard.mode == "root" else self._guard.pid

    def _by_hand(self) -> str:
        """The command that ends a kept hang.  The mounts, fusectl's too, are in the guard's namespaces."""
        guard, connection = self._guard.pid, self.victim.connection
        if connection is None:
            return by_hand.kill("TERM", guard)
        if connection.abort:
            return by_hand.write("1", f"/proc/{guard}/root{FOLDER}/{connection.number}/abort")
        task = stuck_task(self.verdict)
        where = f"/proc/{task.tgid}/task/{task.tid}" if task else f"/proc/{guard}"
        return by_hand.unmount(where, connection.point, by_hand.FORCE, f"/proc/{guard}/ns/user")
