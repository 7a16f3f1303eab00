"""Takes over the files that a guest kept: the guest is root in its folder, and may have left anything there.

A link in the place of a file would bring a file of the host's into `--out`, a FIFO would block whoever reads it, a
device node would act when it is opened, and a file of holes would fill the disk.  So nothing is opened before it was
seen to be a plain file, no path is walked twice, and there are limits.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.model.printable import visible

FOLDERS = 10_000
"""Runs whose files are taken."""
FILES = 50
"""The most files of one run."""
FILE_BYTES = 64 << 20
BYTES = 1 << 30
"""The most bytes of all files together."""
SCRIPT = "repro.sh"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_CHUNK = 1 << 20


@dataclass(slots=True)
class Taken:
    """The fate of the guest's files."""

    bytes: int = 0
    refused: list[str] = field(default_factory=list)
    """Names, each with the reason, printable."""


def take(source: Path, folder_for: Callable[[str], Path]) -> Taken:
    """Copy plain files out of the folder of a guest, one level of folders deep.

    Args:
        source: the folder in which the guest has a folder for each run.  It need not be there, nor be a folder.
        folder_for: makes the folder on the host that takes a run's files, by the name that the guest gave it.

    Returns:
        What was refused, and why.

    Raises:
        OSError: the host cannot write.
    """
    taken = Taken()
    try:
        top = os.open(source, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return taken
    except OSError as error:
        taken.refused.append(f"{source.name}: {error.strerror}")
        return taken
    try:
        for name, run in _folders(top, taken):
            _take_run(name, run, folder_for, taken)
    finally:
        os.close(top)
    return taken


def _folders(top: int, taken: Taken) -> Iterator[tuple[str, int]]:
    for number, name in enumerate(sorted(os.listdir(top))):
        if number == FOLDERS:
            taken.refused.append(f"more than {FOLDERS} folders")
            return
        with _opened(name, top, taken, stat.S_ISDIR) as folder:
            if folder is not None:
                yield name, folder


def _take_run(name: str, run: int, folder_for: Callable[[str], Path], taken: Taken) -> None:
    target: Path | None = None
    for number, each in enumerate(sorted(os.listdir(run))):
        if number == FILES:
            taken.refused.append(f"{name}: more than {FILES} files")
            return
        if each == SCRIPT:
            continue  # the host writes its own
        with _opened(each, run, taken, stat.S_ISREG, f"{name}/") as file:
            if file is not None:
                target = target or folder_for(name)
                _copy(file, target / each, f"{name}/{each}", taken)


@contextmanager
def _opened(
    name: str, folder: int, taken: Taken, wanted: Callable[[int], bool], above: str = ""
) -> Iterator[int | None]:
    """None, with the reason told, for what is not wanted.  O_PATH opens the name and not what it stands for: no device
    acts, no FIFO waits, and what was looked at is what is read then."""
    shown = visible(f"{above}{name}")
    if not _NAME.fullmatch(name):
        taken.refused.append(f"{shown}: not a name that a run has")
        yield None
        return
    try:
        seen = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        taken.refused.append(f"{shown}: {error.strerror}")
        yield None
        return
    try:
        if not wanted(os.fstat(seen).st_mode):
            taken.refused.append(f"{shown}: not a plain file or folder of a run")
            yield None
            return
        opened = os.open(f"/proc/self/fd/{seen}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    finally:
        os.close(seen)
    try:
        yield opened
    finally:
        os.close(opened)


def _copy(file: int, target: Path, shown: str, taken: Taken) -> None:
    """Count the bytes that are read, not the size that the file has just now."""
    size = os.fstat(file).st_size
    if size > FILE_BYTES or taken.bytes + size > BYTES:
        taken.refused.append(f"{shown}: {size} bytes are too many")
        return
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as stream:
        left = FILE_BYTES
        while left > 0 and (data := os.read(file, min(_CHUNK, left))):
            stream.write(data)
            left -= len(data)
            taken.bytes += len(data)
