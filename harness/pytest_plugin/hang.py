"""A run whose steps a caller takes one by one; it has a process of its own: `python -m harness.pytest_plugin.hang FD`.

The guard is forked from the process that runs a scenario, and that must have one thread; the caller may have many.
FD is a socket that carries pickled messages (multiprocessing.connection): a `RunRequest`, then the names of the steps.
When it closes, for whatever reason, everything that was made is removed.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from typing import TYPE_CHECKING, Any

from harness.errors import FusezapError, LaunchError, MachineError
from harness.run.request import RunRequest
from harness.scenario import Scenario

if TYPE_CHECKING:
    from harness.model.records import Resolution, Result, Snapshot, Verdict

END_S = 30.0


def main(fd: int) -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # from a terminal; the caller decides
    connection = Connection(fd)
    with contextlib.suppress(EOFError, BrokenPipeError):
        try:
            _serve(connection, connection.recv())
        except (FusezapError, OSError) as error:
            connection.send((type(error).__name__, str(error)))


def _serve(connection: Connection, request: RunRequest) -> None:
    from harness.run.runner import armed

    with armed(request) as trial:
        connection.send((None, (trial.before_kill, trial.victim.target.init)))

        def judge() -> Verdict:
            for _ in trial.judge():
                pass
            return trial.verdict

        def resolve() -> Resolution | None:
            for _ in trial.resolve():
                pass
            return trial.resolution

        steps: dict[str, Callable[[], object]] = {
            "kill": trial.kill,
            "judge": judge,
            "resolve": resolve,
            "end": lambda: trial.result(left=trial.clean_up()),
        }
        step = ""
        while step != "end":
            step = connection.recv()
            connection.send((None, steps[step]()))


class HangSession:
    """An armed scenario, in a process of its own.

    The methods can be called in any order and repeatedly: each first does the steps that are missing, and a step that
    was done gives the same answer again.
    """

    armed: Snapshot
    """The namespace before the kill."""
    init: int
    """The number of its init in the caller's PID namespace."""

    def __init__(self, scenario: Scenario, patience_s: float | None = None, resolver: str | None = None) -> None:
        """Start and arm a scenario.

        Args:
            scenario: What to start.
            patience_s: Seconds that tasks which could still move get before the outcome is `starved`; the scenario's
                own by default.
            resolver: The name of a resolver; the one that fits by default.

        Raises:
            MachineError: The machine refuses it.
            LaunchError: The scenario cannot be armed. Nothing is left.
        """
        self.scenario = scenario
        self._killed = False
        self._verdict: Verdict | None = None
        self._resolution: tuple[Resolution | None] | None = None
        self._result: Result | None = None
        self._connection, theirs = Pipe()
        argv = [sys.executable, "-P", "-m", "harness.pytest_plugin.hang", str(theirs.fileno())]
        self._process = subprocess.Popen(argv, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        try:
            self._connection.send(RunRequest(scenario, resolver, patience_s))
            self.armed, self.init = self._receive()
        except BaseException:
            self.close()
            raise

    def kill(self) -> None:
        """Send SIGKILL to the init."""
        if not self._killed:
            self._killed = True
            self._ask("kill")

    def verdict(self) -> Verdict:
        """Kill, if that was not done, and judge.

        Returns:
            The outcome with its reasons, its wait-for graph and its evidence.
        """
        if self._verdict is None:
            self.kill()
            self._verdict = self._ask("judge")
        return self._verdict

    def resolve(self) -> Resolution | None:
        """Judge, if that was not done, and end the hang.

        Returns:
            How it ended, or None if there was nothing to resolve.
        """
        if self._resolution is None:
            self.verdict()
            self._resolution = (self._ask("resolve"),)
        return self._resolution[0]

    def result(self) -> Result:
        """Resolve, if that was not done, and clean up. No other step is possible afterwards.

        Returns:
            The verdict, the resolution, the times, and what was left behind.
        """
        if self._result is None:
            self.resolve()
            self._result = self._ask("end")
            self.close()
        return self._result

    def close(self) -> None:
        """Release, kill and reap whatever is left."""
        self._connection.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its guard cleans up
            self._process.wait()

    @property
    def judged(self) -> Verdict | None:
        """The verdict, if there is one already."""
        return self._verdict

    def _ask(self, step: str) -> Any:
        try:
            self._connection.send(step)
        except OSError as error:
            raise LaunchError("this hang is over: it has been closed") from error
        return self._receive()

    def _receive(self) -> Any:
        try:
            problem, value = self._connection.recv()
        except EOFError as error:
            raise LaunchError(
                "the process that ran the scenario is gone", "`fusezap clean` shows what is left"
            ) from error
        if problem is not None:
            raise (MachineError if problem == MachineError.__name__ else LaunchError)(value)
        return value


if __name__ == "__main__":
    main(int(sys.argv[1]))
