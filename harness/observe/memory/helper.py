"""Reads the running kernel's memory in a child: whatever it meets there, who asks gets an answer, and memory back."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from harness.boundary import contain
from harness.linux.children import end
from harness.model import codec
from harness.model.memory import KernelMemory
from harness.observe.memory import live, program
from harness.observe.memory.account import take_account
from harness.observe.memory.kernel import FaultError, Kernel, UnavailableError, UnknownError

DEADLINE_S = 120.0
"""For one answer; the first takes the longest, for the types are read."""
_BEAT_S = 1.0

Beat = Callable[[str], None]
"""Called with what is being done, so that whoever watches knows that it goes on."""
Answer = tuple["KernelMemory | None", str]
"""The account, or None and the reason why there is none."""


class MemoryHelper:
    """Asks the child, which is started when it is first needed."""

    def __init__(self, folder: Path | None, beat: Beat) -> None:
        """`folder`: debug information for drgn; None: BTF, and the system's debug information where that fails."""
        self._folder = folder
        self._beat = beat
        self._child: _Child | None = None
        self.failure = ""
        """Why this kernel's memory cannot be read; empty where it can, or where nobody asked yet."""

    def account(self) -> KernelMemory | None:
        """Return an account of this moment; None where there is none, for the reason in `failure`."""
        if self.failure:
            return None  # it is the same at every look
        if self._child is None:
            self._child = _Child(self._folder)
        found, self.failure = self._child.ask(self._beat)
        return found

    def close(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None


@contextmanager
def memory_helper(folder: Path | None, beat: Beat) -> Iterator[MemoryHelper]:
    """A helper whose child is gone after the block."""
    helper = MemoryHelper(folder, beat)
    try:
        yield helper
    finally:
        helper.close()


class _Child:
    def __init__(self, folder: Path | None) -> None:
        asked_reader, asked_writer = os.pipe()
        answer_reader, answer_writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(asked_writer)
            os.close(answer_reader)
            contain(lambda: _serve(folder, asked_reader, answer_writer))
        os.close(asked_reader)
        os.close(answer_writer)
        self._asked = asked_writer
        self._answer = answer_reader

    def ask(self, beat: Beat) -> Answer:
        """An account with a reason is final: a second reading of this kernel would give the same."""
        raw = self._received(beat)
        if raw is None:
            return None, "kernel memory: its reader gave no answer"
        if "error" in raw:
            return None, f"kernel memory: {raw['error']}"
        return codec.decode(KernelMemory, raw["memory"]), ""

    def _received(self, beat: Beat) -> dict[str, Any] | None:
        data = b""
        until = time.monotonic() + DEADLINE_S
        try:
            os.write(self._asked, b"\n")
            while time.monotonic() < until:
                beat("reads the FUSE connections in kernel memory")
                if select.select([self._answer], [], [], _BEAT_S)[0]:
                    chunk = os.read(self._answer, 65536)
                    data += chunk
                    if data.endswith(b"\n"):
                        found: dict[str, Any] = json.loads(data)
                        return found
                    if not chunk:
                        return None
        except BrokenPipeError:
            pass  # it has ended
        return None

    def close(self) -> None:
        os.close(self._asked)
        os.close(self._answer)
        end(self._pid)


def _serve(folder: Path | None, asked: int, answer: int) -> None:
    """In the child: an account for every line that is asked for."""
    with ExitStack() as stack, open(answer, "w", encoding="utf-8", errors="surrogateescape") as stream:
        kernel: Kernel | None = None
        while os.read(asked, 1):
            try:
                if kernel is None:
                    kernel = _opened(folder, stack)
                said: dict[str, Any] = {"memory": codec.encode(take_account(kernel))}
            except (UnavailableError, FaultError, UnknownError) as error:
                said = {"error": str(error)}
            json.dump(said, stream)
            stream.write("\n")
            stream.flush()


def _opened(folder: Path | None, stack: ExitStack) -> Kernel:
    """Open it by BTF, which needs nothing else; by debug information where that was asked for, or BTF is missing."""
    if folder is not None:
        return stack.enter_context(program.opened_running(folder))
    try:
        return stack.enter_context(live.opened())
    except UnavailableError as error:
        try:
            return stack.enter_context(program.opened_running(None))
        except UnavailableError as other:
            raise UnavailableError(f"{error}; {other}") from other
