"""The answers of a search, on disk as soon as they are given: whatever ends the search, the next one resumes there."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from harness.bisect.search import Answer, Told
from harness.errors import UsageError
from harness.model import bounded_json, codec
from harness.record import record

MOST = 64 << 20
"""Bytes that a journal may have."""


@record(frozen=True, slots=True)
class Step:
    """One answer, and what it rests on."""

    told: Told
    name: str
    """The revision, as the user named it, or its commit."""
    release: str
    """`uname -r` of its kernel; empty where there is none."""
    line: str
    """The result of the test, in one line."""
    duration_s: float


def folder() -> Path:
    """The folder of journals that the user gave no name."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "fusezap" / "bisect"


class Journal:
    """A file with the question in its first line, and one answer in each of the others."""

    def __init__(self, stream: IO[str], steps: list[Step]) -> None:
        self._stream = stream
        self.steps = steps
        """The answers so far, with those of earlier searches."""

    @property
    def told(self) -> list[Told]:
        return [each.told for each in self.steps]

    def add(self, step: Step) -> None:
        """Append an answer; it is on the disk when this returns."""
        self._stream.write(json.dumps(codec.encode(step), separators=(",", ":")) + "\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self.steps.append(step)


@contextmanager
def opened(path: Path, question: str, fresh: bool = False) -> Iterator[Journal]:
    """Open the journal of a question, and keep others out of it.

    Args:
        path: Its file; it is made where there is none.
        question: All that the answers depend on, in one line of text.
        fresh: Forget the answers that it has.

    Yields:
        The journal, with the answers of earlier searches.

    Raises:
        UsageError: It answers another question, is no journal, or another search has it open.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"another search writes {path}", "wait for its end, or name another --journal") from None
        if fresh:
            stream.truncate(0)
        stream.seek(0)
        steps, whole = _read(stream.read(MOST), path, question)
        # A line that was being written when the power went is cut off.
        stream.truncate(whole)
        if not whole:
            stream.write(json.dumps({"question": question}) + "\n")
            stream.flush()
        yield Journal(stream, steps)


def _read(text: str, path: Path, question: str) -> tuple[list[Step], int]:
    """The steps, and the number of bytes of the whole lines."""
    whole = text[: text.rfind("\n") + 1]
    lines = whole.splitlines()
    if not lines:
        return [], 0
    try:
        first = bounded_json.parse(lines[0].encode(), MOST)
        if not isinstance(first, dict) or not isinstance(first.get("question"), str):
            raise ValueError("its first line asks nothing")
        if first["question"] != question:
            raise UsageError(
                f"{path} is the journal of another search",
                f"it has: {first['question'][:300]}\nthis is: {question[:300]}\n--fresh begins anew",
            )
        return [codec.decode(Step, bounded_json.parse(line.encode(), MOST)) for line in lines[1:]], len(whole.encode())
    except ValueError as error:
        raise UsageError(f"{path} is no journal of a search: {error}", "--fresh begins anew") from error


def answer_of(status: int) -> Answer:
    """The answer that an exit status of `check` stands for."""
    return {0: Answer.FREE, 1: Answer.HAS_IT}.get(status, Answer.SKIP)
