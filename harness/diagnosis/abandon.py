"""Does the work in a child, which is left behind when it hangs: whoever asks gets an answer in any case."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Callable

from harness.linux.children import end

SILENCE_S = 20.0
"""Without a word for so long, the child is taken for stuck."""


def in_child(work: Callable[[Callable[[str], None]], int], given_up: Callable[[str], int]) -> int:
    """The status that `work` returns in a child of ours; `given_up(what it said last)` when it falls silent."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        status = 2
        try:
            status = work(lambda text: _say(writer, text))
        finally:
            os._exit(status)
    os.close(writer)
    try:
        last = b"starts"
        while select.select([reader], [], [], SILENCE_S)[0]:
            said = os.read(reader, 65536)
            if not said:
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            last = said.split(b"\n")[-2]
        return given_up(last.decode())
    finally:
        os.close(reader)
        end(pid)


def _say(writer: int, text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(writer, text.encode() + b"\n")
