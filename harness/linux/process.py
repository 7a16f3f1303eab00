"""Processes and PID namespaces that stay the same ones although PIDs are reused."""

from __future__ import annotations

from harness.linux import procfs
from harness.record import record


@record(frozen=True, slots=True)
class Process:
    """A process for ever: the number alone is reused."""

    pid: int
    start_time: int

    @classmethod
    def of(cls, pid: int) -> Process:
        return cls(pid, procfs.read_process_stat(pid).start_time)

    @property
    def alive(self) -> bool:
        """Still there, and more than a zombie; a zombie leader with a live thread is alive, and is what hangs."""
        try:
            stat = procfs.read_process_stat(self.pid)
        except (FileNotFoundError, ProcessLookupError):
            return False
        return stat.start_time == self.start_time and (stat.state not in "ZX" or stat.threads > 1)


def _pid_namespace(pid: int) -> int:
    return procfs.read_namespace(pid, pid, "pid")


@record(frozen=True, slots=True)
class Target:
    """A PID namespace, named by its init for ever; or a process alone, in a namespace that goes on without it."""

    init: int
    start_time: int
    pid_ns: int | None
    """None: the process and what descends from it is all that counts."""

    @classmethod
    def of(cls, init: int) -> Target:
        """The PID namespace of a process; OSError once that is gone.

        Of a process in an execve() that hangs, stat and the namespace's link make the reader wait: it is known by its
        number alone then, and counts as the one that was meant.
        """
        from harness.linux.timed_reader import read_each  # late: it brings threads, which few commands need

        done, *_ = read_each([init], lambda pid: (procfs.read_process_stat(pid).start_time, _pid_namespace(pid)))
        if init not in done:
            procfs.read_stat_of_status(init)  # raises where it is gone
            return cls(init, 0, 0)
        return cls(init, *done[init])

    @classmethod
    def of_process(cls, pid: int) -> Target:
        return cls(pid, procfs.read_process_stat(pid).start_time, None)
