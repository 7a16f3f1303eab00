"""The jobs of a matrix on a cluster of dask.distributed: a task a kernel, done again elsewhere when its worker dies.

A worker sends the events of its job by the scheduler's event log while the task runs, and once more, all of them, as
the task's result: so an event that was late or lost arrives all the same.  Each worker fetches its kernels itself,
once, into its own cache.
"""

from __future__ import annotations

import pickle
import queue
import uuid
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from harness.errors import MachineError, UsageError
from harness.kernels.image import HOST
from harness.matrix import worker
from harness.matrix.fingerprint import program
from harness.matrix.job import Job, JobEvent, Labelled
from harness.matrix.measure import Workers
from harness.model.events import Failed

if TYPE_CHECKING:
    from distributed import Client, Future

SLOT = "vm"
"""The resource that counts virtual machines: `dask worker … --resources vm=4` runs four at a time."""
PATIENCE_S = 20
"""Seconds to wait for the scheduler, and for its first worker."""
LOOK_EVERY_S = 0.5

Piece = tuple[str, int, bytes]
"""An event on its way: the attempt at the job, the number of the event within it, the event packed."""


def workers(address: str) -> Workers:
    """MachineError, before anything is measured, where the cluster is not there or has no workers."""
    if find_spec("distributed") is None:
        raise MachineError("dask.distributed is not there", "install fusezap[farm]")

    def run(jobs: Iterable[Job]) -> Generator[Labelled]:
        all_jobs = tuple(jobs)
        if any(job.spec == HOST for job in all_jobs):
            raise UsageError(f"on a cluster {HOST!r} names no kernel: each worker may have another")
        with _connected(address) as client:
            yield from _run(client, all_jobs)

    return run


@contextmanager
def _connected(address: str) -> Iterator[Client]:
    from distributed import Client

    with ExitStack() as stack:
        try:
            client = stack.enter_context(Client(address, timeout=PATIENCE_S, set_as_default=False))
            client.wait_for_workers(1, timeout=PATIENCE_S)
        except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:  # the last two: no TLS settings
            hint = "start `dask scheduler` and `dask worker`"
            raise MachineError(f"no cluster with workers at {address}: {error}", hint) from error
        yield client


def _run(client: Client, jobs: Sequence[Job]) -> Generator[Labelled]:
    arrived: queue.SimpleQueue[tuple[str, Piece | Failed | None]] = queue.SimpleQueue()
    topic = f"fusezap-{uuid.uuid4().hex}"
    client.subscribe_topic(topic, lambda event: arrived.put(event[1]))
    with ExitStack() as stack:
        stack.callback(client.unsubscribe_topic, topic)
        for job in jobs:
            future = client.submit(
                run_task, job, topic, program(), key=f"{job.spec} {topic}", resources=_resources(client), pure=False
            )
            stack.callback(future.cancel)
            future.add_done_callback(lambda done, spec=job.spec: _end(arrived, spec, done))
        left = len(jobs)
        seen: set[tuple[str, int]] = set()
        while left:
            spec, piece = arrived.get()
            match piece:
                case attempt, number, packed:
                    if (attempt, number) not in seen:
                        seen.add((attempt, number))
                        yield spec, _unpacked(packed)
                case _:
                    left -= piece is None
                    yield spec, piece


def _resources(client: Client) -> dict[str, int] | None:
    """A slot, where the workers count them."""
    known = client.scheduler_info()["workers"].values()
    return {SLOT: 1} if any(SLOT in each["resources"] for each in known) else None


def _end(arrived: queue.SimpleQueue[tuple[str, Any]], spec: str, done: Future[list[Piece]]) -> None:
    """Runs in a thread of the client."""
    if done.status == "finished":
        for piece in done.result():
            arrived.put((spec, piece))
    elif done.status == "error":
        arrived.put((spec, Failed(f"not done by the cluster: {done.exception()!r}")))
    arrived.put((spec, None))


def run_task(job: Job, topic: str, expected: str) -> list[Piece]:
    """Run a job on a worker, in a process of its own, which ends when the task is cancelled or the worker dies."""
    from distributed import get_worker

    here = get_worker()
    if program() != expected:
        raise RuntimeError(f"{here.address} has another fusezap than the client: install the same on both")
    attempt = uuid.uuid4().hex
    pieces: list[Piece] = []
    with worker.started(job) as process, _cancelled(here, here.get_current_task(), process.terminate):
        for number, event in enumerate(worker.events_of(process)):
            piece = (attempt, number, _packed(event))
            pieces.append(piece)
            here.log_event(topic, (job.spec, piece))
    return pieces


@contextmanager
def _cancelled(here: Any, key: object, end: Callable[[], None]) -> Iterator[None]:
    """Call `end` when nobody wants the task's result any more: its client has cancelled it, or is gone."""
    over = Event()

    def look() -> None:
        while not over.wait(LOOK_EVERY_S):
            task = here.state.tasks.get(key)
            if task is None or task.state != "executing":
                end()
                return

    thread = Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _packed(event: JobEvent) -> bytes:
    return zlib.compress(pickle.dumps(event), level=1)


def _unpacked(data: bytes) -> JobEvent:
    event: JobEvent = pickle.loads(zlib.decompress(data))
    return event
