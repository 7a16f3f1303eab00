"""The answers of a search, on disk as soon as they are given: whatever ends the search, the next one resumes there."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from harness.bisect.search import Answer, Told
from harness.errors import UsageError
from harness.files import replace_file, user_folder
from harness.model import bounded_json, codec
from harness.model.records import Series
from harness.record import record, replace

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
    """Seconds of the whole test."""
    build_s: float = 0.0
    """Seconds of it in which the kernel was built or found."""
    boot_s: float = 0.0
    """Seconds of it until the scenario began."""


def folder() -> Path:
    """The folder of journals that the user gave no name."""
    return user_folder("XDG_STATE_HOME", ".local/state") / "fusezap" / "bisect"


class Journal:
    """A file with the question in its first line, and one answer in each of the others."""

    def __init__(self, stream: IO[str], steps: list[Step], evidence: Path) -> None:
        self._stream = stream
        self.steps = steps
        """The answers so far, with those of earlier searches."""
        self.evidence = evidence
        """The folder with the evidence of each step."""

    def told(self, names: tuple[str, ...]) -> list[Told]:
        """The answers about a line of revisions, each with its place there."""
        places = {name: place for place, name in enumerate(names)}
        return [replace(each.told, revision=places[each.name]) for each in self.steps if each.name in places]

    def add(self, step: Step, series: tuple[Series, ...] = ()) -> None:
        """Append an answer; it is on the disk when this returns.

        Args:
            step: The answer.
            series: Its evidence; a later answer about the same revision replaces it.
        """
        if series:
            self.evidence.mkdir(parents=True, exist_ok=True)
            text = json.dumps([codec.encode(each) for each in series], separators=(",", ":"))
            replace_file(self._evidence(step.name), text)
        self._stream.write(json.dumps(codec.encode(step), separators=(",", ":")) + "\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self.steps.append(step)

    def series(self, name: str) -> tuple[Series, ...]:
        """The evidence about a revision; empty where there is none, or it cannot be read."""
        try:
            raw = bounded_json.parse(self._evidence(name).read_bytes(), MOST)
            return tuple(codec.decode(Series, each) for each in raw)
        except (OSError, TypeError, ValueError):
            return ()

    def _evidence(self, name: str) -> Path:
        return self.evidence / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"


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
            shutil.rmtree(path.with_name(f"{path.name}-evidence"), ignore_errors=True)
        stream.seek(0)
        steps, whole = _read(stream.read(MOST), path, question)
        # A line that was being written when the power went is cut off.
        stream.truncate(whole)
        if not whole:
            stream.write(json.dumps({"question": question}) + "\n")
            stream.flush()
        yield Journal(stream, steps, path.with_name(f"{path.name}-evidence"))


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
