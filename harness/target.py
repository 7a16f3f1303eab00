"""What is observed: a PID namespace."""

from __future__ import annotations

from dataclasses import dataclass

from harness.linux import procfs


@dataclass(frozen=True, slots=True)
class Target:
    """A PID namespace, named by its init for ever."""

    init: int
    start_time: int
    pid_ns: int

    @classmethod
    def of(cls, init: int) -> Target:
        return cls(init, procfs.read_process_stat(init).start_time, procfs.read_namespace(init, init, "pid"))
