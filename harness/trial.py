"""What happens to an armed scenario: the kill, the verdict, the form, the remedy."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fakefs import journal
from harness import leftovers
from harness import resolve as resolving
from harness.exercise import not_exercised
from harness.form import form
from harness.judge import stuck_task
from harness.linux.fusectl import FOLDER
from harness.model import STUCK, Attempt, Outcome, Resolution, Result, Snapshot, Timings, Verdict
from harness.observe.entry import try_entry
from harness.observe.snapshot import observe
from harness.scene import Scene
from harness.watch import watch

if TYPE_CHECKING:
    from harness.guard.client import Guard
    from harness.launch.victim import Victim
    from harness.runner import Listener, Options


class Trial:
    """The steps, in the order in which `runner` calls them; each leaves here what the next ones need."""

    verdict: Verdict

    def __init__(self, victim: Victim, guard: Guard, options: Options, listener: Listener) -> None:
        self.victim = victim
        self.armed = observe(victim.target, guard.ctl, victim.claims)
        self._guard = guard
        self._options = options
        self._listener = listener
        self._abort_fd: int | None = None
        self._entries: tuple[journal.Entry, ...] = ()
        self._attempts: list[Attempt] = []
        self._resolution: Resolution | None = None
        self._kill_to_verdict_ms: float | None = None

    @property
    def stuck(self) -> bool:
        return self.verdict.outcome in STUCK

    @contextmanager
    def abort_file_opened(self) -> Iterator[None]:
        """Before the kill: the number may be reused later, the open file stays bound to this connection."""
        connection = self.victim.connection
        if self._guard.ctl is None or not connection.abort:
            yield
            return
        with self._guard.ctl.abort_opened(connection.number) as fd:
            self._abort_fd = fd
            yield

    def kill_and_judge(self) -> None:
        killed_ns = time.monotonic_ns()
        os.kill(self.victim.target.init, signal.SIGKILL)
        self._listener.killed(self.victim)
        verdict = watch(self.victim.target, self._look, self._patience_s(), self._listener.looked)
        took = self._kill_to_verdict_ms = (time.monotonic_ns() - killed_ns) / 1e6
        self._entries = journal.read(self.victim.journal)
        if verdict.outcome is Outcome.RELEASED:
            verdict = self._exercised(verdict, killed_ns)
        else:
            entry = try_entry(self.victim.target.init, self._user_ns_of())
            verdict = dataclasses.replace(verdict, form=form(verdict.snapshots[-1], stuck_task(verdict), entry))
        self.verdict = verdict
        self._listener.judged(verdict, took)

    def keep(self) -> None:
        """Leaves the hang to the guard and the user."""
        self._guard.keep()
        self._listener.kept(self.victim, self._guard.name, self._by_hand())

    def resolve(self) -> None:
        """Shows what does not help, where that is wanted, then does what helps."""
        if not self.stuck:
            return
        scene = Scene(
            verdict=self.verdict,
            target=self.victim.target,
            connection=self.victim.connection,
            abort_fd=self._abort_fd,
            user_ns_of=self._user_ns_of(),
            server=self.victim.server,
            control=self.victim.control,
        )
        if self._options.futile:
            for resolver in resolving.futiles():
                self._attempts.append(resolving.attempt(resolver, scene))
                self._listener.attempted(self._attempts[-1])
        default = "abort" if self._abort_fd is not None else "unmount"
        self._resolution = resolving.resolve(self._options.resolver or resolving.find(default), scene)
        self._listener.resolved(self._resolution)

    def clean_up(self) -> tuple[str, ...]:
        """What is left after it, in words."""
        return (*self._guard.end(), *leftovers.of_run(self._guard.name, self._guard.folder))

    def result(self, left: tuple[str, ...]) -> Result:
        scenario, resolution = self.victim.scenario, self._resolution
        return Result(
            scenario=scenario.name,
            kind=scenario.kind.value,
            verdict=self.verdict,
            armed=self.armed,
            resolution=resolution,
            timings=Timings(
                kill_to_verdict=self._kill_to_verdict_ms, release=resolution.release_ms if resolution else None
            ),
            mode=self._guard.mode,
            leftovers=left,
            attempts=tuple(self._attempts),
            journal=tuple(entry.record() for entry in self._entries),
        )

    def _look(self) -> Snapshot:
        return observe(self.victim.target, self._guard.ctl, self.victim.claims, self.armed)

    def _patience_s(self) -> float:
        chosen = self._options.patience_s
        return self.victim.scenario.patience_s if chosen is None else chosen

    def _exercised(self, verdict: Verdict, killed_ns: int) -> Verdict:
        why = not_exercised(self.victim.scenario.exercise, self._entries, killed_ns)
        return dataclasses.replace(verdict, outcome=Outcome.NOT_EXERCISED, reasons=(why,)) if why else verdict

    def _user_ns_of(self) -> int | None:
        return None if self._guard.mode == "root" else self._guard.pid

    def _by_hand(self) -> str:
        """What ends a kept hang without us: the mounts, fusectl's too, are in the guard's namespaces."""
        guard, connection = self._guard.pid, self.victim.connection
        if connection.abort:
            return f"echo 1 > /proc/{guard}/root{FOLDER}/{connection.number}/abort"
        task = stuck_task(self.verdict)
        where = f"/proc/{task.tgid}/task/{task.tid}" if task else f"/proc/{guard}"
        return f"nsenter --user=/proc/{guard}/ns/user --mount={where}/ns/mnt umount -f -i {connection.point}"
