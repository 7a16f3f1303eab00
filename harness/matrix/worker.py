"""A job in a process of its own: killed, it takes its machine with it, and whoever started it goes on.

The job comes by stdin and what is told of it leaves by stdout, pickled: both ends are ours.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from harness.boundary import OTHERS, finish, status_of
from harness.errors import FusezapError, Interrupted
from harness.matrix import job as jobs
from harness.matrix.job import Failed, Job, News
from harness.signals import take_signals


@contextmanager
def started(job: Job) -> Iterator[subprocess.Popen[bytes]]:
    """The process, gone when the block is left.  In a session of its own: of a terminal's Ctrl-C it hears from us."""
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
                pass  # it died; its status will tell
            yield process
        finally:
            process.terminate()
            process.wait()


def news_of(process: subprocess.Popen[bytes]) -> Iterator[News]:
    """Up to its end; a process that does not end well has failed."""
    assert process.stdout is not None
    while True:
        try:
            news: News = pickle.load(process.stdout)
        except (EOFError, pickle.UnpicklingError):
            break
        yield news
    status = process.wait()
    if status:
        yield Failed(f"its worker process ended with status {status}")


def main(parent: int) -> int:
    channel = _channel()

    def tell(news: News) -> None:
        pickle.dump(news, channel)
        channel.flush()

    import prctl

    take_signals()
    prctl.set_pdeathsig(signal.SIGTERM)
    if os.getppid() != parent:
        return OTHERS.refused
    job: Job = pickle.load(sys.stdin.buffer)
    try:
        jobs.carry_out(job, tell)
    except (FusezapError, OSError) as error:
        tell(Failed(str(error)))
    except Interrupted as interrupted:
        return 128 + interrupted.number  # its parent asked for it
    return 0


def _channel() -> BinaryIO:
    """What was stdout; what anybody prints goes to stderr from now on."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return channel


if __name__ == "__main__":
    finish(status_of(lambda: main(int(sys.argv[1])), OTHERS))
