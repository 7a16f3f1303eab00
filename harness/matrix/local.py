"""The jobs of a matrix on this machine, some at a time."""

from __future__ import annotations

import queue
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from subprocess import Popen
from threading import Lock

from harness.matrix import worker
from harness.matrix.job import Job, Labelled
from harness.model.events import Failed


def run(jobs: Iterable[Job], at_a_time: int) -> Generator[Labelled]:
    """Run jobs.

    Args:
        jobs: The jobs.  A job is taken from an iterator once a worker is free, so that its kernel may be built while
            others run.
        at_a_time: Number of workers.

    Yields:
        The events of the jobs, as they come; None ends a job.  Closing the iterator ends the jobs under way.
    """
    events: queue.SimpleQueue[Labelled] = queue.SimpleQueue()
    pool = _Pool(events)
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(at_a_time))
        stack.callback(pool.end)  # before the threads are waited for
        left = 0
        for job in jobs:
            threads.submit(pool.work, job)
            left += 1
            while left >= at_a_time:
                spec, event = events.get()
                left -= event is None
                yield spec, event
        while left:
            spec, event = events.get()
            left -= event is None
            yield spec, event


class _Pool:
    def __init__(self, events: queue.SimpleQueue[Labelled]) -> None:
        self._events = events
        self._lock = Lock()
        self._under_way: set[Popen[bytes]] = set()
        self._over = False

    def work(self, job: Job) -> None:
        """Run one job, in a thread that outlives the job's process.

        PR_SET_PDEATHSIG fires when the parent *thread* dies (forget_original_parent(), reparent_leader()).
        """
        try:
            with ExitStack() as stack:
                with self._lock:
                    if self._over:
                        return
                    process = stack.enter_context(worker.started(job))
                    self._under_way.add(process)
                for event in worker.events_of(process):
                    self._events.put((job.spec, event))
                with self._lock:
                    self._under_way.remove(process)
        except OSError as error:
            self._events.put((job.spec, Failed(f"no worker process: {error}")))
        finally:
            self._events.put((job.spec, None))

    def end(self) -> None:
        with self._lock:
            self._over = True
            for process in self._under_way:
                process.terminate()
