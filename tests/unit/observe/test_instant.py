"""When it is shown that nobody had a device at one instant, and when not: small histories of processes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from harness.linux.births import Birth
from harness.model.records import Device
from harness.observe.instant import Group, Search, Shown

READ = 100
"""When the tables of those that the look found were read."""
SHELL, DAEMON, OTHER, STRANGER = 10, 20, 21, 90


@dataclass
class Machine:
    """Events, drain by drain; a process that is born is gone by the next drain unless it `stays`."""

    births: list[list[Birth]] = field(default_factory=list)
    sockets: frozenset[int] = frozenset({DAEMON, OTHER})
    busy: frozenset[int] = frozenset()
    stays: frozenset[int] = frozenset()
    unreadable: frozenset[int] = frozenset()
    devices: frozenset[int] = frozenset()
    lost: bool = False
    again: bool = False
    """The last births happen again and again, each time with a process of a new number."""
    ns: int = 1000
    turns: int = 0
    alive: set[int] = field(default_factory=lambda: {SHELL, DAEMON, OTHER, STRANGER})

    def since(self) -> list[Birth] | None:
        if self.lost:
            return None
        self.alive = {pid for pid in self.alive if pid < 100 or pid in self.stays}
        born = self.births.pop(0) if self.births else []
        if self.again and not self.births:
            self.births.append([Birth(each.ns, each.parent, each.pid + 1) for each in born])
        self.alive.update(each.pid for each in born)
        return born

    def read(self, pids: Iterable[int]) -> dict[int, Shown | None]:
        self.ns += 1
        return {
            pid: None
            if pid in self.unreadable
            else Shown(self.ns, pid in self.sockets, (Device(pid, pid, 3, 40),) if pid in self.devices else ())
            for pid in pids
            if pid in self.alive
        }

    def switches(self, pid: int) -> dict[int, tuple[str, int]] | None:
        self.turns += pid in self.busy
        return {pid: ("S", self.turns if pid in self.busy else 0)} if pid in self.alive else {}

    def searched(self) -> tuple[Search, tuple[str, ...]]:
        known = dict.fromkeys((SHELL, DAEMON, OTHER, STRANGER), READ)
        search = Search(self, known, self.read, self.switches)
        group = Group(frozenset({SHELL, DAEMON, OTHER}), frozenset({DAEMON, OTHER}))
        return search, search.search({"a": group})["a"]

    def why(self) -> tuple[str, ...]:
        return self.searched()[1]


CHILD = Birth(READ + 50, SHELL, 100)
EARLY = Birth(READ - 50, SHELL, 100)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.mark.parametrize(
    "machine",
    [
        Machine(),
        Machine(busy=frozenset({DAEMON})),
        Machine(busy=frozenset({STRANGER})),
        Machine(births=[[CHILD]], again=True),
        Machine(births=[[EARLY]]),
        Machine(births=[[EARLY]], stays=frozenset({100})),
        Machine(births=[[CHILD, Birth(READ + 60, 100, 101)], [Birth(READ + 70, 101, 102)]], stays=frozenset({102})),
        Machine(births=[[Birth(READ + 50, STRANGER, 100)]], sockets=frozenset({DAEMON, 100}), stays=frozenset({100})),
        Machine(births=[[Birth(READ - 50, STRANGER, 100)]], unreadable=frozenset({100}), stays=frozenset({100})),
    ],
    ids=[
        "rest", "one daemon runs", "a stranger runs", "a shell runs commands", "one is gone when it is to be read",
        "one is read", "a line of descendants", "a stranger's child has a socket",
        "a stranger's child cannot be read",
    ],
)  # fmt: skip
def test_nobody_had_it(machine: Machine) -> None:
    assert machine.why() == ()


def _hops() -> list[list[Birth]]:
    """Each is born of the one before it, which nobody came to read in time."""
    return [[EARLY], *([Birth(READ + 50 + pid, pid - 1, pid)] for pid in range(101, 500))]


@pytest.mark.parametrize(
    ("machine", "word"),
    [
        (Machine(busy=frozenset({DAEMON, OTHER})), "ran between the looks"),
        (Machine(births=_hops(), unreadable=frozenset(range(100, 500))), "born of one"),
        (Machine(births=[[EARLY]], unreadable=frozenset({100}), stays=frozenset({100})), "could not be read"),
        (
            Machine(
                births=[[CHILD]],
                busy=frozenset({DAEMON, 100}),
                sockets=frozenset({DAEMON, 100}),
                stays=frozenset({100}),
            ),
            "20, 100 ran",
        ),
        (Machine(lost=True), "more processes"),
    ],
)
def test_somebody_may_have_had_it(machine: Machine, word: str) -> None:
    assert word in "; ".join(machine.why())


@pytest.mark.parametrize(
    ("machine", "relative"),
    [
        (Machine(births=[[EARLY]], devices=frozenset({100}), stays=frozenset({100})), True),
        (Machine(births=[[Birth(0, None, 100)]], devices=frozenset({100}), stays=frozenset({100})), True),
        (Machine(births=[[Birth(0, STRANGER, 100)]], devices=frozenset({100}), stays=frozenset({100})), False),
        (Machine(devices=frozenset({DAEMON})), False),
    ],
)
def test_a_device_that_has_moved_is_found(machine: Machine, relative: bool) -> None:
    search, _ = machine.searched()
    (device,) = search.devices.values()
    assert (device.tgid in search.descended(frozenset({SHELL, DAEMON, OTHER}))) == relative
