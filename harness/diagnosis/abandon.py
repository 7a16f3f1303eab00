"""Does the work in a child, which is left behind when it hangs: whoever asks gets an answer in any case."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable

from harness.boundary import ANSWERS_2, contain
from harness.errors import Interrupted, MachineError
from harness.linux.children import end

SILENCE_S = 20.0
"""Without a word for so long, the child is taken for stuck."""


def in_child(work: Callable[[Callable[[str], None]], int], given_up: Callable[[str], int]) -> int:
    """The status that `work` returns in a child of ours; `given_up(what it said last)` when it falls silent."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        contain(lambda: _worked(work, reader, writer), ANSWERS_2, prints=True)
    os.close(writer)
    try:
        last = b"started"
        while select.select([reader], [], [], SILENCE_S)[0]:
            said = os.read(reader, 65536)
            if not said:
                return _answer(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            last = said.split(b"\n")[-2]
        return given_up(last.decode())
    finally:
        os.close(reader)
        end(pid)


def _worked(work: Callable[[Callable[[str], None]], int], reader: int, writer: int) -> int:
    """Runs in the child.  The parent reports a signal to the group, such as Ctrl-C."""
    os.close(reader)
    try:
        return work(lambda text: _say(writer, text))
    except Interrupted as interrupted:
        return 128 + interrupted.number


def _answer(status: int) -> int:
    """MachineError where the child was killed before it had an answer."""
    if status < 0:
        name = signal.Signals(-status).name
        raise MachineError(f"the process that looks was killed by {name}", "was there too little memory?")
    return status


def _say(writer: int, text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(writer, text.encode(errors="backslashreplace") + b"\n")
