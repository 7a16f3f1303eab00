"""Random systems of tasks, servers, connections and hidden references, and who can really end what in them.

`python -m tests.unit.judge.simulator CASES` judges that many, and prints how often the judge was wrong, and how often
it proved.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.judge.verdict import judge
from harness.model.holders import PossibleHolder, Relative
from harness.model.records import PF_EXITING, SIGKILL_MASK, Connection, Device, Mount, Outcome, Snapshot, Task

INIT = 100
_FLUSH = ("request_wait_answer+0x1/0x2", "fuse_flush+0x1/0x2", "filp_close+0x1/0x2", "do_exit+0x1/0x2")
_CALL = ("request_wait_answer+0x1/0x2", "fuse_file_read_iter+0x1/0x2", "vfs_read+0x1/0x2")
_ZAP = ("do_wait+0x1/0x2", "kernel_wait4+0x1/0x2", "zap_pid_ns_processes+0x1/0x2", "do_exit+0x1/0x2")
_IDLE = ("hrtimer_nanosleep+0x1/0x2", "do_syscall_64+0x1/0x2")


@dataclass
class Process:
    """A process of one thread, and what it really does and has."""

    pid: int
    inside: bool
    kind: str
    """exits, calls (both wait for `waits`), idle, stopped, runs."""
    waits: int = 0
    table: list[int] = field(default_factory=list)
    """Connections whose device it has, where it can be seen as long as the table is."""
    hidden: list[int] = field(default_factory=list)
    """Connections whose device it keeps outside of its table."""
    decoy: bool = False
    """It has the means to hide a device, and hides none."""
    sees: list[int] = field(default_factory=list)
    related: bool = False

    @property
    def alive(self) -> bool:
        """Return True where it could answer by itself."""
        return self.kind in ("idle", "stopped")


@dataclass
class World:
    """A whole machine at rest."""

    connections: list[int]
    processes: list[Process]
    background: dict[int, int]
    """Requests that nobody waits for, by connection."""
    names_connections: bool

    def ends(self) -> bool:
        """Return True where the namespace could still end: the least fixpoint over what really is."""
        moving: set[int] = {each.pid for each in self.processes if each.alive or each.kind == "runs"}
        ended: set[int] = set()
        changed = True
        while changed:
            changed = False
            for number in self.connections:
                if number not in ended and self._ends(number, moving):
                    ended.add(number)
                    changed = True
            for each in self.processes:
                if each.pid not in moving and each.waits in ended:
                    moving.add(each.pid)
                    changed = True
        return all(each.pid in moving for each in self.processes if each.inside)

    def _ends(self, number: int, moving: set[int]) -> bool:
        """Somebody answers, or the last reference goes."""
        keepers = [each for each in self.processes if number in (*each.table, *each.hidden)]
        able = [each for each in keepers if each.pid in moving]
        return any(each.kind != "exits" for each in able) or len(able) == len(keepers)

    def snapshot(self) -> Snapshot:
        """The view that /proc and the probes give of it."""
        counts = {number: self.background.get(number, 0) for number in self.connections}
        for each in self.processes:
            if each.waits:
                counts[each.waits] += 1
        outside = [each for each in self.processes if not each.inside]
        return Snapshot(
            taken_ns=1,
            release="6.18.0",
            pid_ns=4026532000,
            init_tid=INIT,
            tasks=(_init(), *(_task(each) for each in self.processes if each.inside)),
            others=tuple(_task(each) for each in outside),
            devices=tuple(self._devices()),
            connections=tuple(Connection(number, counts[number]) for number in self.connections),
            mounts=tuple(
                Mount(number, "x", f"/m{number}", each.pid) for each in self.processes for number in each.sees
            ),
            names_connections=self.names_connections,
            holders=tuple(
                PossibleHolder(each.pid, each.pid, "x", "io-uring", "a ring", "an ancestor" if each.related else "")
                for each in self.processes
                if each.hidden or each.decoy
            ),
            relatives=tuple(Relative(each.pid, 1, "an ancestor") for each in outside if each.related),
        )

    def _devices(self) -> Iterator[Device]:
        for each in self.processes:
            if each.kind != "exits":  # the table of a task that exits is detached
                for fd, number in enumerate(each.table):
                    yield Device(each.pid, each.pid, fd + 3, number if self.names_connections else None, number)


def _init() -> Task:
    return Task(INIT, INIT, 1, "init", "S", PF_EXITING, 1, 1, ns_tids=(INIT, 1), fd_slots=0, switches=5, stack=_ZAP)


def _task(each: Process) -> Task:
    exits = each.kind == "exits"
    stack = {"exits": _FLUSH, "calls": _CALL, "runs": ()}.get(each.kind, _IDLE)
    state = {"exits": "D", "calls": "D", "runs": "R", "stopped": "T"}.get(each.kind, "S")
    return Task(
        tid=each.pid,
        tgid=each.pid,
        ppid=INIT if each.inside else 1,
        comm="x",
        state=state,
        flags=PF_EXITING if exits or (each.kind == "runs" and each.inside) else 0,
        threads=1,
        start_time=1,
        shared_pending=SIGKILL_MASK if each.inside else 0,
        fd_slots=0 if exits else 64,
        switches=5,
        stack=stack,
    )


def world(seed: int) -> World:
    """A random machine whose every connection has a holder, and whose every hidden holder has a way, or is a decoy."""
    chance = random.Random(seed)
    connections = list(range(40, 40 + chance.randint(1, 3)))
    processes = [
        Process(200 + place, True, chance.choice(("exits", "exits", "exits", "calls", "runs")))
        for place in range(chance.randint(1, 3))
    ]
    processes += [
        Process(300 + place, False, chance.choice(("exits", "calls", "calls", "idle", "stopped", "runs")))
        for place in range(chance.randint(0, 4))
    ]
    for each in processes:
        if each.kind in ("exits", "calls"):
            each.waits = chance.choice(connections)
            if chance.random() < 0.85:
                each.sees.append(each.waits)
        each.sees += [number for number in connections if number not in each.sees and chance.random() < 0.15]
        # A file of a mount that it does not see has come to it on some way.
        each.related = each.inside or chance.random() < 0.4 or bool(each.waits and each.waits not in each.sees)
        each.decoy = not each.inside and chance.random() < 0.15
    for number in connections:
        for keeper in chance.sample(processes, chance.choice((1, 1, 1, 2)) if len(processes) > 1 else 1):
            hides = not keeper.inside and keeper.kind != "exits" and chance.random() < 0.3
            (keeper.hidden if hides else keeper.table).append(number)
            keeper.related = True  # it has the device, so it has come to it on some way
    return World(
        connections,
        processes,
        {number: chance.choice((0, 0, 0, 1)) for number in connections},
        chance.random() < 0.7,
    )


def check(seed: int) -> tuple[bool, bool]:
    """The judge's answer, deadlock or not, and the truth: True where somebody could end it all the same."""
    case = world(seed)
    seen = case.snapshot()
    return judge((seen, seen)).outcome is Outcome.DEADLOCK, case.ends()


def main() -> int:
    """Judge as many cases as the command line asks for; the status is 1 where the judge was wrong once."""
    cases = int(sys.argv[1])
    found = [(seed, *check(seed)) for seed in range(cases)]
    wrong = [seed for seed, proven, ends in found if proven and ends]
    dead = sum(not ends for _, _, ends in found)
    proven = sum(proven for _, proven, _ in found)
    print(f"{cases} cases: {dead} are dead, {proven} of them proven, {len(wrong)} proven wrongly {wrong[:5]}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
