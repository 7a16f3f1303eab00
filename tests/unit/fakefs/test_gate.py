"""The gate: requests wait, and are released."""

import errno
from concurrent.futures import ThreadPoolExecutor

from fakefs.gate import Gate, Release


def test_release_one_by_its_id() -> None:
    gate = Gate()
    gate.enter(1, "a")
    gate.enter(2, "b")
    with ThreadPoolExecutor() as pool:
        first, second = pool.submit(gate.wait, 1, None), pool.submit(gate.wait, 2, None)
        assert gate.release(2, errno.EIO) == (2,)
        assert second.result(5) == Release(errno.EIO)
        assert not first.done()
        assert [(one.id, one.what) for one in gate.held()] == [(1, "a")]
        assert gate.release(2) == ()
        assert gate.release(None) == (1,)
        assert first.result(5) == Release()
    assert gate.held() == ()


def test_a_release_before_the_wait_counts() -> None:
    gate = Gate()
    gate.enter(1, None)
    assert gate.release(1) == (1,)
    assert gate.held() == ()
    assert gate.release(None, errno.EIO) == ()
    assert gate.wait(1, None) == Release()


def test_time_ends_a_wait() -> None:
    gate = Gate()
    gate.enter(1, None)
    assert gate.wait(1, 0.001) == Release(by_time=True)


def test_a_closed_gate_holds_no_request() -> None:
    gate = Gate()
    gate.enter(1, None)
    gate.close()
    gate.enter(2, None)
    assert gate.wait(1, None) == Release()
    assert gate.wait(2, None) == Release()


def test_many_wait_at_once() -> None:
    gate = Gate()
    with ThreadPoolExecutor(100) as pool:
        for identity in range(100):
            gate.enter(identity, None)
        waits = [pool.submit(gate.wait, identity, None) for identity in range(100)]
        assert len(gate.held()) == 100
        assert gate.release(None) == tuple(range(100))
        assert {one.result(5) for one in waits} == {Release()}
