"""What is observed: a PID namespace, or one process."""

from __future__ import annotations

from dataclasses import dataclass

from harness.linux import procfs


@dataclass(frozen=True, slots=True)
class Target:
    """A PID namespace, named by its init for ever; or a process alone, in a namespace that goes on without it."""

    init: int
    start_time: int
    pid_ns: int | None
    """None: the process and what descends from it is all that counts."""

    @classmethod
    def of(cls, init: int) -> Target:
        return cls(init, procfs.read_process_stat(init).start_time, procfs.read_namespace(init, init, "pid"))

    @classmethod
    def of_process(cls, pid: int) -> Target:
        return cls(pid, procfs.read_process_stat(pid).start_time, None)
