"""A job in a process of its own: when it is killed, its machine ends with it, and whoever started it goes on.

The job arrives on stdin and its events leave by stdout, pickled: this program wrote both ends.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import BinaryIO

from harness.boundary import OTHERS, finish, status_of
from harness.errors import FusezapError, Interrupted, KernelError
from harness.kernels import spec as kernel_spec
from harness.kernels.progress import at_tenths
from harness.matrix.job import Job, JobEvent, run_job
from harness.model.events import Failed, Said
from harness.signals import take_signals
from harness.vm import root as roots
from harness.vm.session import root_for


@contextmanager
def started(job: Job) -> Iterator[subprocess.Popen[bytes]]:
    """Start a job's process; it is gone when the block is left.

    It has a session of its own: a terminal's Ctrl-C does not reach it, and we end it.
    """
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "harness.matrix.worker", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout:
        try:
            try:
                process.stdin.write(pickle.dumps(job))
                process.stdin.close()
            except BrokenPipeError:
                pass  # it has died, and its status says how
            yield process
        finally:
            process.terminate()
            process.wait()


def events_of(process: subprocess.Popen[bytes]) -> Iterator[JobEvent]:
    """The events of a job's process, up to its end; Failed where it ended by an error of its own."""
    assert process.stdout is not None
    while True:
        try:
            event: JobEvent = pickle.load(process.stdout)
        except (EOFError, pickle.UnpicklingError):
            break
        yield event
    status = process.wait()
    if status:
        yield Failed(f"its worker process ended with status {status}")


def main(parent: int) -> int:
    channel = _channel()

    def send(event: JobEvent) -> None:
        pickle.dump(event, channel)
        channel.flush()

    import prctl

    take_signals()
    prctl.set_pdeathsig(signal.SIGTERM)
    if os.getppid() != parent:
        return OTHERS.refused
    job: Job = pickle.load(sys.stdin.buffer)
    report = at_tenths(lambda message: send(Said(message)))
    try:
        image = kernel_spec.find(job.spec, report)
        root = roots.own() if image.is_host or not job.left(image) else root_for(image, job.settings, report)
        with closing(run_job(job, image, root)) as events:
            for event in events:
                send(event)
    except (FusezapError, OSError) as error:
        send(Failed(str(error), unfit=isinstance(error, KernelError)))
    except Interrupted as interrupted:
        return 128 + interrupted.number
    return 0


def _channel() -> BinaryIO:
    """The former stdout; whatever is printed goes to stderr from now on."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return channel


if __name__ == "__main__":
    finish(status_of(lambda: main(int(sys.argv[1])), OTHERS))
