"""Freezing tasks by their control group, as cgroup v1 and v2 have it.

v1 (kernel/cgroup/legacy_freezer.c): a frozen task stays where it sleeps, in state D, and a SIGKILL does not reach it
before the group is thawed.  v2 (kernel/cgroup/freezer.c): a killed task leaves the freezer.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from harness.linux import procfs
from harness.linux.mountinfo import MountEntry, mounts_named
from harness.record import record


def hierarchy(entries: tuple[MountEntry, ...], version: int) -> Path | None:
    """The mount point of the hierarchy that can freeze, of cgroup v1 or v2; None where there is none."""
    for entry in entries:
        if version == 1 and entry.fstype == "cgroup" and "freezer" in entry.options.split(","):
            return Path(entry.point)
        if version == 2 and entry.fstype == "cgroup2":
            return Path(entry.point)
    return None


_CGROUP = " - cgroup"


class _Hierarchies:
    """The mounts of control groups that this process sees: asked for each of a thousand stuck tasks, read once a
    second."""

    def __init__(self) -> None:
        self._read_at = -_AGE_S
        self._entries: tuple[MountEntry, ...] = ()

    def entries(self) -> tuple[MountEntry, ...]:
        """The mounts of cgroup v1 and v2; OSError as `read_mountinfo`."""
        if time.monotonic() - self._read_at >= _AGE_S:
            self._entries = mounts_named(_CGROUP, os.getpid(), os.getpid())
            self._read_at = time.monotonic()
        return self._entries


_AGE_S = 1.0
_HIERARCHIES = _Hierarchies()


def find(version: int) -> Path | None:
    """As this process sees it, and only where it may make a group."""
    found = hierarchy(mounts_named(_CGROUP, os.getpid(), os.getpid()), version)
    return found if found is not None and os.access(found, os.W_OK) else None


def parse_freezer(text: str) -> str | None:
    """The path of a task's group in the v1 freezer's hierarchy, from /proc/PID/cgroup (`6:freezer:/a/b`)."""
    for line in text.split("\n"):
        controllers, colon, path = line.partition(":")[2].partition(":")
        if colon and "freezer" in controllers.split(","):
            return path
    return None


def frozen_group(tid: int, tgid: int) -> str | None:
    """The v1 group that keeps the task frozen, or is about to; None if there is none, or if it cannot be read."""
    try:
        path = parse_freezer(procfs.read(f"/proc/{tgid}/task/{tid}/cgroup"))
        root = hierarchy(_HIERARCHIES.entries(), 1)
        if path is None or root is None:
            return None
        state = procfs.read(f"{root}{path.rstrip('/')}/freezer.state").strip()
    except OSError:
        return None  # the hierarchy's root has no state and cannot be frozen
    return None if state == "THAWED" else path


def thawing(tid: int, tgid: int) -> tuple[str, str, str] | None:
    """The way to thaw the group that keeps a task frozen: group, file and the text to write; None where none does.

    v1 first; in v2 the nearest group above the task that was asked to freeze (`cgroup.freeze`).
    """
    try:
        entries = _HIERARCHIES.entries()
        text = procfs.read(f"/proc/{tgid}/task/{tid}/cgroup")
    except OSError:
        return None
    path, root = parse_freezer(text), hierarchy(entries, 1)
    if path is not None and root is not None and frozen_group(tid, tgid) is not None:
        return path, f"{root}{path.rstrip('/')}/freezer.state", "THAWED"
    unified, root = (
        next((line[3:] for line in text.splitlines() if line.startswith("0::")), None),
        hierarchy(entries, 2),
    )
    while unified is not None and root is not None and unified not in ("", "/"):
        file = f"{root}{unified}/cgroup.freeze"
        try:
            if procfs.read(file).strip() == "1":
                return unified, file, "0"
        except OSError:
            return None
        unified = unified.rpartition("/")[0]
    return None


@record(frozen=True, slots=True)
class Freezer:
    """A group of our own in one of the hierarchies."""

    folder: Path
    version: int

    @classmethod
    def make(cls, name: str, version: int) -> Freezer:
        """OSError where there is no such hierarchy, or it may not be written to."""
        root = find(version)
        if root is None:
            raise FileNotFoundError(2, "no cgroup hierarchy that can freeze may be written to", f"cgroup v{version}")
        (root / name).mkdir()
        return cls(root / name, version)

    @classmethod
    def at(cls, folder: str, version: int) -> Freezer:
        return cls(Path(folder), version)

    def freeze(self, pids: list[int]) -> None:
        for pid in pids:
            (self.folder / "cgroup.procs").write_text(str(pid))
        self._set("FROZEN", "1")

    @property
    def frozen(self) -> bool:
        """Every task in it has come to rest."""
        if self.version == 1:
            return procfs.read(str(self.folder / "freezer.state")).strip() == "FROZEN"
        return "frozen 1" in procfs.read(str(self.folder / "cgroup.events")).split("\n")

    def thaw(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._set("THAWED", "0")

    def remove(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.folder.rmdir()

    def _set(self, v1: str, v2: str) -> None:
        name, value = ("freezer.state", v1) if self.version == 1 else ("cgroup.freeze", v2)
        (self.folder / name).write_text(value)


def groups(prefix: str) -> list[Freezer]:
    """Those whose name begins so, of both versions, whoever made them."""
    found = []
    for version in (1, 2):
        root = find(version)
        if root is not None:
            found += [Freezer(folder, version) for folder in _beginning(root, prefix)]
    return found


def trees(prefix: str) -> list[Path]:
    """Groups at the top of any hierarchy, of every controller, whose name begins so."""
    entries = mounts_named(_CGROUP, os.getpid(), os.getpid())
    roots = dict.fromkeys(entry.point for entry in entries if entry.fstype in ("cgroup", "cgroup2"))
    return [folder for root in roots for folder in _beginning(Path(root), prefix) if folder.is_dir()]


def _beginning(root: Path, prefix: str) -> list[Path]:
    """Entries with such a name.  glob() is not used: each run has a name of its own, and `fnmatch` keeps them all."""
    with contextlib.suppress(OSError):
        return sorted(path for path in root.iterdir() if path.name.startswith(prefix))
    return []


def below(folder: Path) -> list[Path]:
    """The groups in it, the innermost first."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for path in sorted(folder.iterdir()):
            if path.is_dir():
                found += [*below(path), path]
    return found


def remove_tree(folder: Path) -> None:
    """With all that are in it; OSError EBUSY while a task is."""
    for each in (*below(folder), folder):
        with contextlib.suppress(FileNotFoundError):
            each.rmdir()
