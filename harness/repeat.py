"""Many runs, some at a time, each in a worker process with a guard of its own: they share nothing but the machine."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING

from harness.errors import GuardError, Interrupted
from harness.model import Outcome, Result
from harness.orders import Answer, Order, perform

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue


class Workers:
    """A pool of `jobs` processes; `runs` hands out the answers as they come."""

    def __init__(self, pool: ProcessPoolExecutor, jobs: int) -> None:
        self._pool = pool
        self._jobs = jobs

    def runs(self, order: Order, times: int) -> Generator[Answer]:
        """At most `times` of them; closing the iterator hands out no more, and waits for those under way."""
        left = times
        under_way: set[Future[Answer]] = set()
        try:
            while left or under_way:
                while left and len(under_way) < self._jobs + 1:
                    under_way.add(self._pool.submit(_work, order))
                    left -= 1
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for each in done:
                    yield each.result()
        except BrokenProcessPool as error:
            raise GuardError("a worker process was killed", "`fusezap clean` shows whether it left anything") from error
        except Interrupted:
            under_way.clear()  # `workers` ends them
            raise
        finally:
            for each in under_way:
                each.cancel()
            wait(under_way)


@contextmanager
def workers(jobs: int) -> Iterator[Workers]:
    """Leaving the block, for whatever reason, ends the runs under way, with all that they made."""
    context = get_context("spawn")
    pids: SimpleQueue[int] = context.SimpleQueue()
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(pids, os.getpid()))
    try:
        with _main_without_script():
            yield Workers(pool, jobs)
    except BaseException:
        while not pids.empty():
            _end(pids.get())
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _main_without_script() -> Iterator[None]:
    """A spawned process imports the main module again, under another name, for what was defined there: here nothing."""
    main = sys.modules["__main__"]
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    main.__spec__ = None
    if file is not None:
        del main.__file__
    try:
        yield
    finally:
        main.__spec__ = spec
        if file is not None:
            main.__file__ = file


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return  # it was killed


_leaving = Event()
"""In a worker: it was told to end, and does no more of what it has been handed already."""
_met: set[tuple[str, Outcome]] = set()
"""In a worker: what it has sent whole."""


def _begin(pids: SimpleQueue[int], parent: int) -> None:
    """A worker goes with its parent; of a terminal's signals it hears through that."""
    import prctl

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    prctl.set_pdeathsig(signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(1)
    pids.put(os.getpid())
    from harness.guard import preload

    preload.programs()


def _leave(number: int, _: FrameType | None) -> None:
    """As an exception, so that the run under way cleans up."""
    import prctl

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    prctl.set_pdeathsig(signal.SIGKILL)  # should the parent be killed now, SIGTERM would not be heard
    _leaving.set()
    raise SystemExit(128 + number)


def _work(order: Order) -> Answer:
    if _leaving.is_set():
        return Answer(None, "ended before its turn came")
    from harness.runner import SILENT

    answer = perform(order, SILENT, lambda outcome: (order.scenario.name, outcome) not in _met)
    return answer if answer.result is None else Answer(_short(answer.result))


def _short(result: Result) -> Result:
    """Whole only the first time that this worker met the outcome: the others are for the counts."""
    met = (result.about.name, result.verdict.outcome)
    if met not in _met:
        _met.add(met)
        return result
    return result.without_evidence()
