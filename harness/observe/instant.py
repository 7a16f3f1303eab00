"""One instant at which nobody had a device beyond what the readings show: then nobody gets it any more.

The tables of a machine are not read at one time: a device can go from a process that is read later to one that was
read before, and at the next look the other way round.  It can do so in two ways only.

A process gets the device from its parent.  So a process is innocent that was born of one whose table had been read
already, and every other one that was born since the look began has to be read, too, until nobody is left.

A process gets the device by a UNIX socket, or by the pidfd of another process.  Both sides have to run for that, the
one to get it and the other to give it up.  So the tables of all that have a socket or a pidfd, and to which the device
can have come, are read again between two readings of their context switches.  Where no more than one of them ran, there
was nobody to pass a device to.

What runs, is born or dies beside all this, before and afterwards, changes nothing: what nobody has, nobody passes on.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol, TypeVar

from harness.linux import procfs
from harness.linux.births import Birth, Births
from harness.linux.procfs import GONE
from harness.model.records import Device

TRIES = 12
"""A process that wakes up a hundred times a second rests in most; two that pass a file on all the time do not."""
_ALONE = 3
"""Readings of one that runs alone: none of them shows a device."""
_GENERATIONS = 8
"""The number of rounds that read processes born in the round before."""
_PAUSE_S = 0.003
_LONGEST_S = 2.0
"""No further try is begun after this."""
_NEVER = 1 << 63
_NAMED = 5

K = TypeVar("K", bound=Hashable)


class Shown(NamedTuple):
    """The result of a reading of one process's tables."""

    ns: int
    """When the reading was complete."""
    receives: bool
    """It has a UNIX socket or a pidfd, by which it can get a file of another process (recvmsg(2), pidfd_getfd(2))."""
    devices: tuple[Device, ...] = ()
    """Those that were not shown before."""
    kept: str = ""
    """A message under way or a ring that may keep one, and was not shown before; empty where there is none."""


Read = Callable[[Iterable[int]], dict[int, "Shown | None"]]
"""Reads the tables of processes: None where one cannot be read; those that have gone are left out."""


Turns = Callable[[int], "dict[int, tuple[str, int]] | None"]
"""Reads the state and the context switches of each thread of a process."""


class Group(NamedTuple):
    """Processes to which a device can have come, in the same ways."""

    related: frozenset[int]
    receivers: frozenset[int]
    """Those of them that have a UNIX socket or a pidfd."""


class Source(Protocol):
    """Reports births."""

    def since(self) -> list[Birth] | None:
        """Return the births since the last call; None where some were lost."""


class Reported:
    """Births by the kernel's own reports, and by one listing of those before the first report."""

    def __init__(self, births: Births, listings: Listings) -> None:
        """`listings`: used once."""
        self._births = births
        self._before: Listings | None = listings

    def since(self) -> list[Birth] | None:
        """Return those that the last call did not."""
        reported = self._births.since()
        if self._before is not None:
            earlier, self._before = self._before.since(), None
            return None if reported is None else [*earlier, *reported]
        return reported


class Listings:
    """Births by listings of /proc: who was not in the one before was born since.  Who is dead already is not seen.

    The parent of one whose own parent has died is whoever adopted it: an ancestor may have (PR_SET_CHILD_SUBREAPER),
    and of its children the parent is not known.
    """

    def __init__(self, known: Collection[int], ns: int, adopters: Collection[int]) -> None:
        """`known`: the processes of a listing that began at `ns`; `adopters`: who may have children of others."""
        self._known = set(known)
        self._ns = ns
        self._adopters = adopters

    def since(self) -> list[Birth]:
        """Return those that the listing before did not show, born at the time of that or later."""
        before, self._ns = self._ns, time.monotonic_ns()
        pids = set(procfs.user_pids())
        found = []
        for pid in sorted(pids - self._known):
            with contextlib.suppress(*GONE):
                parent = procfs.parse_stat_of_status(procfs.read_record(f"/proc/{pid}/status")).ppid
                found.append(Birth(before, None if parent in self._adopters else parent, pid))
        self._known = pids
        return found


class _Ledger:
    """Since when each process has had nothing that the readings do not show."""

    def __init__(self, since: dict[int, int]) -> None:
        self.since = since
        self.suspects: dict[int, Birth] = {}
        """Born of one that may have had the device at that time, and not read yet."""
        self.unread: dict[int, int | None] = {}
        """Born since the look began, with their parents; those not read yet, innocent or not."""

    def enter(self, births: Iterable[Birth]) -> None:
        for birth in births:
            self.unread[birth.pid] = birth.parent
            parent = _NEVER if birth.parent is None else self.since.get(birth.parent, _NEVER)
            if parent < birth.ns:
                self.since[birth.pid] = birth.ns
                self.suspects.pop(birth.pid, None)
            else:
                self.since.pop(birth.pid, None)
                self.suspects[birth.pid] = birth

    def read(self, pid: int, ns: int) -> None:
        self.unread.pop(pid, None)
        self.suspects.pop(pid, None)
        if self.since.get(pid, _NEVER) == _NEVER:
            self.since[pid] = ns

    def gone(self, pid: int) -> None:
        """It gives no device to anybody any more; to whom it has given one before is known by their births."""
        self.unread.pop(pid, None)
        self.suspects.pop(pid, None)


class Search:
    """Looks for such an instant, for any number of groups of related processes at once."""

    def __init__(self, source: Source, known: Mapping[int, int], read: Read, turns: Turns | None = None) -> None:
        """`known`: when the tables of each process were read; 0 where they were not, which the judge is told of."""
        self._turns = turns or _turns
        self._source = source
        self._census = known.keys()
        self._ledger = _Ledger(dict(known))
        self._read = read
        self._origins: dict[int, int | None] = {}
        """For those that were born meanwhile, the ancestor that was there before; None where that is not known."""
        self._receivers: set[int] = set()
        """Times of those that were born meanwhile."""
        self.devices: dict[tuple[int, int], Device] = {}
        """Those that the first readings did not show: the judge has to know of them."""
        self._kept: dict[int, str] = {}
        """In the present attempt alone: a message arrives, and is gone."""
        self._unreadable: set[int] = set()

    def search(self, groups: Mapping[K, Group]) -> dict[K, tuple[str, ...]]:
        """Try until each group has had its instant, or all tries are used up.

        Args:
            groups: The groups, by any key.

        Returns:
            Why there was none, by the group's key; empty where there was one.
        """
        missing: dict[K, tuple[str, ...]] = dict.fromkeys(groups, ("nothing was read",))
        until = time.monotonic() + _LONGEST_S
        for attempt in range(TRIES):
            left = {key: groups[key] for key, why in missing.items() if why}
            if not left or (attempt > _ALONE and time.monotonic() > until):
                break
            if attempt:
                time.sleep(_PAUSE_S * attempt)
            missing.update(self._attempt(left, attempt))
        return missing

    def _attempt(self, groups: Mapping[K, Group], attempt: int) -> dict[K, tuple[str, ...]]:
        ledger = self._ledger
        self._kept.clear()
        lost = not self._arrive()
        self._examine(tuple(ledger.unread))
        members = {key: each.receivers | self.descended(each.related) & self._receivers for key, each in groups.items()}
        everybody = set[int]().union(*members.values())
        for pid in everybody:
            ledger.since[pid] = _NEVER  # it may have got a device since it was read
        before = {pid: self._turns(pid) for pid in everybody}
        self._examine(everybody)
        late = set(self._receivers)
        for _ in range(_GENERATIONS):
            lost |= not self._arrive()
            if not ledger.suspects:
                break
            self._examine(tuple(ledger.suspects))
        ran = {pid for pid in everybody if before[pid] != {} and (not before[pid] or before[pid] != self._turns(pid))}
        if any(len(ran & pids) == 1 for pids in members.values()):
            self._examine(tuple(ledger.unread))
        late = self._receivers - late
        return {
            key: tuple(self._reasons(each.related, ran & members[key], late, attempt, lost))
            for key, each in groups.items()
        }

    def _reasons(
        self, related: frozenset[int], ran: set[int], late: set[int], attempt: int, lost: bool
    ) -> Iterator[str]:
        descended = self.descended(related)
        suspects = {pid for pid in self._ledger.suspects if pid in descended or pid not in self._unreadable}
        if lost:
            yield "more processes were born between the looks than the kernel could report"
        if len(ran) > 1 or (ran and attempt < _ALONE):
            yield (
                f"processes {_listed(ran)} ran between the looks, and have UNIX sockets or pidfds by which they may "
                "have passed a device to each other"
            )
        if late & descended:
            yield f"process(es) {_listed(late & descended)} appeared between the looks, and have UNIX sockets or pidfds"
        if suspects:
            yield (
                f"process(es) {_listed(suspects)} appeared between the looks, born of one whose descriptors had not "
                "been read, and could not be read either"
            )
        kept = (related | descended) & self._kept.keys()
        if kept:
            words = ", ".join(sorted({self._kept[pid] for pid in kept})[:_NAMED])
            yield f"process(es) {_listed(kept)} show what they did not show at first: {words}"

    def _arrive(self) -> bool:
        births = self._source.since()
        for birth in births or ():
            origin = self._origins.get(birth.parent, birth.parent) if birth.parent is not None else None
            self._origins[birth.pid] = origin if origin in self._census else None
        self._ledger.enter(births or ())
        return births is not None

    def _examine(self, pids: Collection[int]) -> None:
        answers = self._read(pids)
        for pid in pids:
            if pid not in answers:
                self._ledger.gone(pid)
                self._receivers.discard(pid)
                continue
            shown = answers[pid]
            if shown is None:
                self._unreadable.add(pid)
                continue
            self._ledger.read(pid, shown.ns)
            if pid in self._origins and shown.receives:
                self._receivers.add(pid)
            self.devices.update({(pid, device.fd): device for device in shown.devices})
            if shown.kept:
                self._kept[pid] = shown.kept

    def descended(self, related: frozenset[int]) -> set[int]:
        """Those born meanwhile that descend from a relative, or of whom that is not known: one between has gone."""
        return {pid for pid, origin in self._origins.items() if origin is None or origin in related}


def _turns(pid: int) -> dict[int, tuple[str, int]] | None:
    """State and context switches of each thread; None where one runs; empty where the process has gone.

    A thread that sleeps in both readings, with the same counts, has not run between them: it would have been counted
    when it went to sleep again (__schedule(), kernel/sched/core.c).
    """
    found: dict[int, tuple[str, int]] = {}
    try:
        for tid in procfs.tids(pid):
            text = procfs.read_record(f"/proc/{pid}/task/{tid}/status")
            state, switches = procfs.parse_stat_of_status(text).state, procfs.parse_status(text).switches
            if state == "R" or switches is None:
                return None
            found[tid] = (state, switches)
    except GONE:
        return None if found else {}
    return found


def _listed(pids: Collection[int]) -> str:
    more = f" and {len(pids) - _NAMED} more" if len(pids) > _NAMED else ""
    return ", ".join(map(str, sorted(pids)[:_NAMED])) + more
