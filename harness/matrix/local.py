"""The jobs of a matrix on this machine, some at a time."""

from __future__ import annotations

import queue
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from subprocess import Popen
from threading import Lock

from harness.matrix import worker
from harness.matrix.job import Failed, Job, Told


def run(jobs: Sequence[Job], at_a_time: int) -> Generator[Told]:
    """What is told of each job, as it comes; None ends a job.  Closing the iterator ends those under way."""
    told: queue.SimpleQueue[Told] = queue.SimpleQueue()
    pool = _Pool(told)
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(at_a_time))
        stack.callback(pool.end)  # before the threads are waited for
        for job in jobs:
            threads.submit(pool.work, job)
        left = len(jobs)
        while left:
            spec, news = told.get()
            left -= news is None
            yield spec, news


class _Pool:
    def __init__(self, told: queue.SimpleQueue[Told]) -> None:
        self._told = told
        self._lock = Lock()
        self._under_way: set[Popen[bytes]] = set()
        self._over = False

    def work(self, job: Job) -> None:
        """In a thread that lives as long as its process: the process would be told of the thread's death."""
        try:
            with ExitStack() as stack:
                with self._lock:
                    if self._over:
                        return
                    process = stack.enter_context(worker.started(job))
                    self._under_way.add(process)
                for news in worker.news_of(process):
                    self._told.put((job.spec, news))
                with self._lock:
                    self._under_way.remove(process)
        except OSError as error:
            self._told.put((job.spec, Failed(f"no worker process: {error}")))
        finally:
            self._told.put((job.spec, None))

    def end(self) -> None:
        with self._lock:
            self._over = True
            for process in self._under_way:
                process.terminate()
