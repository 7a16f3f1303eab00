"""One runtime in one experiment: a private instance, a container, the kill, the questions, the abort, what is left."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import fakefs
from harness.errors import FusezapError, LaunchError
from harness.guard import leftovers
from harness.guard.client import Guard, HeldConnection, guarded
from harness.linux import cgroup, fusectl, procfs
from harness.linux.polling import poll
from harness.linux.process import Process, Target
from harness.model.records import Claim
from harness.runtimes import observation, rootfs, tools
from harness.runtimes.driver import Argv, Ask, Commands, GuestContainer, InstancePaths
from harness.runtimes.records import Answer, Experiment, ExperimentResult, Moment, Operation, Recovery, StuckState
from harness.runtimes.sandbox import Pending, Sandbox, sandbox_started
from harness.runtimes.sandboxed import SANDBOX

READY_S = 30.0
LONG_S = 600.0
"""Seconds for a command that returns only after the hang has ended."""
RECOVERS_S = 10.0
_POLL_S = 0.02
_LONG_ID = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
HELD = "/held"
UNANSWERED = "getattr@/never:hang"
"""LOOKUP of that name, as libfuse 2's high level has it."""

Tell = Callable[[str], None]


def run_experiment(
    module: ModuleType, found: Mapping[str, str], experiment: Experiment, bound_s: float, report: Tell
) -> tuple[ExperimentResult, tuple[str, ...]]:
    """The course, and what fusezap itself could not remove."""
    began = time.monotonic()
    with guarded() as guard:
        with sandbox_started(guard) as sandbox:
            course = _Run(guard, sandbox, module, found, experiment, bound_s, report)
            with course.stack:
                picture = course.until_stuck()
                try:
                    course.ask_stuck()
                except (FusezapError, OSError, ValueError) as error:
                    course.note("the questions after this one", Moment.STUCK, error)
                recovery = course.end()
        left = (*guard.end(), *leftovers.of_run(guard.name, guard.folder))
    operations = tuple(course.operations)
    return ExperimentResult(experiment, picture, operations, recovery, time.monotonic() - began), left


def container(name: str, experiment: Experiment, init: str, notify: str) -> GuestContainer:
    """The container for every runtime: fakefs, which holds a file of its own mount open, below an init."""
    program = [sys.executable, "-P", "-m", "fakefs", rootfs.MOUNT_POINT, "--fsname", name, "--hold", HELD]
    if experiment is Experiment.EXEC:
        program += ["--rule", UNANSWERED]
    env = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONPATH": str(Path(fakefs.__file__).resolve().parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NOTIFY_SOCKET": notify,
    }
    return GuestContainer(
        name=f"{name}-{experiment}",
        program=tuple(program),
        env=env,
        rootfs=f"{SANDBOX}/rootfs",
        binds=rootfs.binds(notify),
        cgroup=f"/{name}",
        init=init,
    )


def _not_measured(error: Exception, bound_s: float) -> Answer:
    """An answer that says only why there is none."""
    return Answer(None, "", 0.0, bound_s, str(error) or type(error).__name__)


def findings_in(text: str, status: int, errors: str = "") -> list[dict[str, Any]]:
    """The findings in the document of diagnose; LaunchError where it wrote none."""
    try:
        document = json.loads(text)
        return list(document["findings"])
    except (ValueError, KeyError, TypeError) as error:
        last = errors.strip().rpartition("\n")[2]
        raise LaunchError(f"fusezap diagnose ended with {status} and without a document", last) from error


def is_about(finding: dict[str, Any], pid: int) -> bool:
    """True if a finding of diagnose is that of a namespace's init or, where the namespace stays, has the process."""
    roots = (finding["processes"] or {}).get("roots", ())
    return finding["init_pid"] == pid or any(_has_process(root, pid) for root in roots)


def _has_process(tree: dict[str, Any], pid: int) -> bool:
    return tree["pid"] == pid or any(_has_process(child, pid) for child in tree["children"])


def _told(finding: dict[str, Any]) -> str:
    """A finding of diagnose, in a few words."""
    container = finding["container"]
    named = f", {container['runtime']} {container['id'][:12]}" if container else ""
    return f"{finding['outcome']}, {finding['kind']}{named}"


class _Run:
    def __init__(
        self,
        guard: Guard,
        sandbox: Sandbox,
        module: ModuleType,
        found: Mapping[str, str],
        experiment: Experiment,
        bound_s: float,
        report: Tell,
    ) -> None:
        self.stack = ExitStack()
        self.operations: list[Operation] = []
        self._guard = guard
        self._sandbox = sandbox
        self._experiment = experiment
        self._bound_s = bound_s
        self._report = report
        self._notify = str(sandbox.notifications.path)
        self._container = container(guard.name, experiment, tools.init(found), self._notify)
        paths = InstancePaths(f"{SANDBOX}/instance", found)
        self._hidden: tuple[str, ...] = getattr(module, "HIDDEN", ())
        self._commands: Commands = module.commands(paths, self._container)
        self._log = f"{SANDBOX}/daemon.log"
        self._daemon: Process | None = None
        self._run: Pending | None = None
        self._pending: list[tuple[Ask, Pending]] = []
        self._abort_fd = -1
        self._forgotten = False
        sandbox.install(found)

    # ---- until the picture

    def until_stuck(self) -> StuckState:
        self._prepare()
        self._mounts = len(self._sandbox.mounts())
        self._processes = set(self._sandbox.processes())
        server = self._start()
        connection = self._hold()
        self._abort_fd = self.stack.enter_context(self._ctl().abort_opened(connection.number))
        init = observation.init_of(server)
        self._target = Target.of_process(server) if self._commands.namespace_stays else Target.of(init)
        shim = procfs.read_process_stat(init).ppid
        self._ask_healthy()
        if self._experiment is Experiment.EXEC:
            self._report("an exec blocks on the mount")
            self._blocked = self._sandbox.start(self._commands.blocked_exec, LONG_S)
            if not observation.await_blocked(init, server, READY_S):
                answer = self._blocked.answer(within_s=0.1)
                raise LaunchError(f"the exec did not come to wait for the mount within {READY_S:g} s", answer.words)
        self._pending = [(ask, self._sandbox.start(ask.argv, LONG_S)) for ask in self._commands.pending]
        self._report("the container is killed")
        began_ns = time.monotonic_ns()
        kill = self._sandbox.start(self._commands.kill.argv, self._bound_s)
        claims = (Claim(server, connection.number),)
        picture = observation.stuck_state(self._target, shim, self._ctl(), claims, began_ns)
        self._report(f"{picture.outcome}: {picture.reasons[0]}")
        self._record(self._commands.kill, Moment.STUCK, kill.answer(self._commands.kill.shows))
        return picture

    def _prepare(self) -> None:
        sandbox, commands = self._sandbox, self._commands
        for path in self._hidden:
            sandbox.hide(path)
        file = f"{SANDBOX}/rootfs.tar"
        archive = rootfs.archive(self._container.binds)
        sandbox.path(file).write_bytes(archive)
        rootfs.unpack(archive, sandbox.path(self._container.rootfs))
        for path, text in commands.files:
            sandbox.write(path, text)
        if commands.daemon:
            self._start_daemon()
        for argv in commands.prepare:
            self._succeed("the preparation", argv)

    def _start_daemon(self) -> float:
        """Seconds until it answers."""
        began = time.monotonic()
        daemon = self._daemon = self._sandbox.daemon(self._commands.daemon, self._log)
        answers = False

        def answered_or_ended() -> bool:
            nonlocal answers
            answers = self._sandbox.run(self._commands.hello, self._bound_s).status == 0
            return answers or not daemon.alive

        poll(READY_S, answered_or_ended, _POLL_S)
        if not answers:
            state = f"did not answer within {READY_S:g} s" if daemon.alive else "ended"
            raise LaunchError(f"{self._commands.daemon[0]} {state}", self._last_words())
        return time.monotonic() - began

    def _last_words(self) -> str:
        lines = self._sandbox.path(self._log).read_text(errors="replace").splitlines()[-8:]
        return "\n".join(("its last words:", *(f"  {line}" for line in lines)))

    def _succeed(self, what: str, argv: Argv) -> None:
        answer = self._sandbox.run(argv, READY_S)
        if answer.status != 0:
            raise LaunchError(f"{what} failed: {' '.join(argv)}", answer.words)

    def _start(self) -> int:
        """The server's process, once it holds its file."""
        self._report("a container is started")
        self._run = run = self._sandbox.start(self._commands.run, LONG_S if self._commands.stays else READY_S)
        if not self._commands.stays:
            answer = run.answer()
            if answer.status != 0:
                raise LaunchError("the container could not be started", answer.words)
        log = self._sandbox.path(self._log)

        def alive() -> bool:
            return not self._commands.stays or run.under_way()

        try:
            return self._sandbox.notifications.ready("the container's server", READY_S, log, alive).pid
        except LaunchError as error:
            words = run.answer(within_s=1.0).words if self._commands.stays else ""
            raise LaunchError(str(error), words) from error

    def _ctl(self) -> fusectl.Fusectl:
        if self._guard.ctl is None:
            raise LaunchError("no fusectl filesystem can be had", "mount -t fusectl none /sys/fs/fuse/connections")
        return self._guard.ctl

    def _hold(self) -> HeldConnection:
        """No kill may follow unless guard and harness can end the connection."""
        connections = self._guard.hold()
        if len(connections) != 1 or not connections[0].abort:
            raise LaunchError(f"expected one FUSE connection of {self._guard.name}, found {len(connections)}")
        return connections[0]

    def _ask_healthy(self) -> None:
        """Run the same commands before the hang: without that, their later answers would say nothing about it."""
        for ask in (self._commands.state, *self._commands.harmless):
            self._ask(ask, Moment.HEALTHY)

    # ---- while it is stuck

    def ask_stuck(self) -> None:
        self._diagnose()
        state = self._ask(self._commands.state, Moment.STUCK)
        self._stuck_words = state.words
        if self._experiment is Experiment.EXEC:
            return
        for ask in self._commands.stuck:
            self._ask(ask, Moment.STUCK)
        if self._commands.daemon:
            self._restart()
        again = Ask("inspect again", self._commands.state.argv, self._commands.state.shows)
        answer = self._ask(again, Moment.STUCK)
        self._forgotten = answer.status not in (0, None) and state.status == 0
        for ask, pending in self._pending:
            answer = pending.answer(ask.shows, within_s=0.05)
            self._record(ask, Moment.STUCK, Answer(answer.status, answer.words, answer.took_s, answer.took_s))

    def _diagnose(self) -> None:
        """The findings of `fusezap diagnose`, which knows nothing of the experiment."""
        argv = (sys.executable, "-P", "-m", "harness", "diagnose", "--json")
        began = time.monotonic()
        root = Path(__file__).parents[2]
        try:
            done = subprocess.run(
                argv, cwd=root, capture_output=True, text=True, timeout=self._bound_s + READY_S, check=False
            )
            findings = findings_in(done.stdout, done.returncode, done.stderr)
        except subprocess.TimeoutExpired as late:
            silent = Answer(None, "", late.timeout, late.timeout)
            self.operations.append(Operation("fusezap diagnose", Moment.STUCK, "fusezap diagnose", silent))
            return
        except (LaunchError, OSError) as error:
            self.note("fusezap diagnose", Moment.STUCK, error)
            return
        took = time.monotonic() - began
        found = [each for each in findings if is_about(each, self._target.init)]
        words = "; ".join(map(_told, found)) or "it does not find it"
        answer = Answer(done.returncode, words, took, self._bound_s)
        self.operations.append(Operation("fusezap diagnose", Moment.STUCK, "fusezap diagnose", answer))

    def _restart(self) -> None:
        assert self._daemon is not None
        self._report("daemon restart")
        began = time.monotonic()
        self._signal(signal.SIGTERM)
        stopped = self._ended_within(self._bound_s)
        if stopped is None:
            self._signal(signal.SIGKILL)
            self._ended_within(self._bound_s)
        words = (
            f"ends {stopped:.1f} s after SIGTERM" if stopped is not None else "SIGTERM does not end it, SIGKILL does"
        )
        try:
            words += f", answers {self._start_daemon():.1f} s after its start"
            status = int(stopped is None)
        except LaunchError as error:
            words, status = f"{words}; then {str(error).partition(chr(10))[0]}", 1
        answer = Answer(status, words, time.monotonic() - began, self._bound_s)
        self.operations.append(Operation("daemon restart", Moment.STUCK, "SIGTERM, then a new one", answer))

    def _signal(self, number: int) -> None:
        assert self._daemon is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._daemon.pid, number)

    def _ended_within(self, seconds: float) -> float | None:
        daemon = self._daemon
        assert daemon is not None
        began = time.monotonic()
        return time.monotonic() - began if poll(seconds, lambda: not daemon.alive, _POLL_S) else None

    # ---- after it

    def end(self) -> Recovery:
        """Aborts, and does nothing else until the runtime has had its time."""
        self._report("the connection is aborted")
        began = time.monotonic()
        fusectl.abort(self._abort_fd)
        released = observation.await_empty(self._target, RECOVERS_S)
        recovered, state = self._recovers(began)
        self._record(self._commands.state, Moment.ABORTED, state)
        removed = self._ask(self._commands.remove, Moment.ABORTED)
        status = self._exit_status(state, removed)
        healthy = self._sandbox.run(self._commands.healthy, READY_S)
        self._record(Ask("new container", self._commands.healthy), Moment.ABORTED, healthy)
        return Recovery(
            released_ms=None if released is None else released * 1e3,
            recovered_s=recovered,
            state=_LONG_ID.sub(r"\1…", state.words.replace(self._container.name, "ID")),
            exit_status=status,
            healthy=healthy.status == 0,
            lost=tuple(self._lost(status)),
        )

    def _recovers(self, began: float) -> tuple[float | None, Answer]:
        """(seconds since the abort, the last answer)"""
        answers: list[Answer] = []

        def recovered() -> bool:
            try:
                answer = self._sandbox.run(self._commands.state.argv, self._bound_s, self._commands.state.shows)
            except (FusezapError, OSError, ValueError) as error:
                answer = _not_measured(error, self._bound_s)
            answers.append(answer)
            return (not answer.error and answers[-1].words != self._stuck_words) or self._forgotten

        came = poll(RECOVERS_S - (time.monotonic() - began), recovered, _POLL_S)
        return (time.monotonic() - began if came else None), answers[-1]

    def _exit_status(self, *answers: Answer) -> int | None:
        """As the runtime still knows it, or as `run`, which stayed, has ended with it."""
        if self._commands.stays:
            assert self._run is not None
            answer = self._run.answer(within_s=RECOVERS_S)
            self._record(Ask("run", self._commands.run), Moment.ABORTED, answer)
            return answer.status
        if not self._commands.exit_status:
            return None
        found = (re.search(self._commands.exit_status, answer.words) for answer in answers)
        return next((int(each[1]) for each in found if each), None)

    def _lost(self, status: int | None) -> list[str]:
        lost = []
        if status is None:
            lost.append("the exit status")
        if self._forgotten:
            lost.append("the container: forgotten while its tasks were still there")
        groups = [path for tree in cgroup.trees(self._guard.name) for path in cgroup.below(tree)]
        groups = [path for path in groups if self._container.name in str(path)] or groups
        if groups:
            names = sorted({path.name for path in groups})
            lost.append(f"{len(groups)} cgroups stay: {', '.join(names[:3])}")
        for pid in set(self._sandbox.processes()) - self._processes:
            with contextlib.suppress(*procfs.GONE):  # it ends between two reads
                if self._is_stray(pid) and Process.of(pid).alive:
                    lost.append(f"process stays: {procfs.read_process_stat(pid).comm}")
        mounts = len(self._sandbox.mounts()) - self._mounts
        if mounts > 0:
            lost.append(f"{mounts} mounts stay")
        return lost

    def _is_stray(self, pid: int) -> bool:
        """Not the daemon, nor what a restarted daemon has started for itself."""
        return self._daemon is None or pid != self._daemon.pid

    # ---- asking

    def _ask(self, ask: Ask, when: Moment) -> Answer:
        self._report(f"{ask.name}" if when is Moment.STUCK else f"{ask.name} ({when})")
        try:
            answer = self._sandbox.run(ask.argv, self._bound_s, ask.shows)
        except (FusezapError, OSError, ValueError) as error:
            answer = _not_measured(error, self._bound_s)
        self._record(ask, when, answer)
        return answer

    def note(self, name: str, when: Moment, error: Exception) -> None:
        """Record that a part of the experiment failed: it costs this cell of the table, and no other."""
        self._report(f"{name}: not measured: {error}")
        self.operations.append(Operation(name, when, "", _not_measured(error, self._bound_s)))

    def _record(self, ask: Ask, when: Moment, answer: Answer) -> None:
        words = _LONG_ID.sub(r"\1…", answer.words.replace(self._container.name, "ID"))
        self.operations.append(Operation(ask.name, when, self._typed(ask.argv), replace(answer, words=words)))

    def _typed(self, argv: Argv) -> str:
        """Without what only the private instance needs."""
        own = set(self._commands.instance)
        words = [word for word in argv if word not in own]
        return " ".join((os.path.basename(words[0]), *words[1:])).replace(self._container.name, "ID")
