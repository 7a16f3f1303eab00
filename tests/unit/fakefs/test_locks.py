"""Record locks: ranges, conflicts, waiting."""

import fcntl
from concurrent.futures import ThreadPoolExecutor

import pytest

from fakefs.locks import END, Lock, Locks


def lock(owner: int, kind: int, first: int = 0, last: int = END, ino: int = 1) -> Lock:
    return Lock(ino, owner, kind, first, last, owner)


READ, WRITE, NONE = fcntl.F_RDLCK, fcntl.F_WRLCK, fcntl.F_UNLCK


def test_readers_share_and_a_writer_does_not() -> None:
    locks = Locks()
    locks.put(lock(1, READ), None)
    locks.put(lock(2, READ), None)
    with pytest.raises(BlockingIOError):
        locks.put(lock(3, WRITE), None)
    locks.put(lock(3, WRITE, ino=2), None)
    locks.put(lock(1, NONE), None)
    assert locks.find(lock(3, WRITE)) == lock(2, READ)
    locks.put(lock(2, WRITE), None)
    assert locks.find(lock(3, READ)) == lock(2, WRITE)
    assert locks.find(lock(2, WRITE)) is None


def test_a_hole_in_a_range() -> None:
    locks = Locks()
    locks.put(lock(1, WRITE, 0, 99), None)
    locks.put(lock(1, NONE, 40, 59), None)
    locks.put(lock(2, WRITE, 40, 59), None)
    for first, last in ((39, 39), (60, 60), (0, END)):
        assert locks.find(lock(3, READ, first, last)) is not None
    assert locks.find(lock(2, WRITE, 40, 59)) is None
    assert locks.find(lock(3, READ, 100, END)) is None


def test_waiting_ends_with_the_other_lock() -> None:
    locks = Locks()
    locks.put(lock(1, WRITE), None)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(locks.put, lock(2, WRITE), lambda: False)
        locks.put(lock(1, NONE), None)
        waiting.result(10)
    assert locks.find(lock(1, READ)) == lock(2, WRITE)


def test_an_interrupted_wait_fails() -> None:
    locks = Locks()
    locks.put(lock(1, WRITE), None)
    with pytest.raises(InterruptedError):
        locks.put(lock(2, WRITE), lambda: True)
