"""Lists what a run has left on the machine, in words; changes nothing."""

from __future__ import annotations

from pathlib import Path

from harness.guard.cleanup import fuse_mounts_of
from harness.linux import cgroup, procfs


def of_run(name: str, folder: Path) -> tuple[str, ...]:
    """Mounts by their unique name in any task's mountinfo, and the run's folder."""
    found = [
        f"mount {seen.point} of connection {seen.connection}, seen by task {seen.tid}"
        for seen in fuse_mounts_of(procfs.user_pids(), name)
    ]
    found += [f"cgroup {folder}" for folder in cgroup.trees(name)]
    if folder.exists():
        found.append(f"folder {folder}")
    return tuple(found)
