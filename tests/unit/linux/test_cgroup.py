"""The cgroup that can freeze, and the group of a task."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.linux.cgroup import hierarchy, parse_freezer
from harness.linux.mountinfo import parse_mountinfo

HYBRID = """\
30 23 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
36 30 0:32 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
39 30 0:35 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
"""
UNIFIED = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


@pytest.mark.parametrize(
    ("text", "v1", "v2"),
    [
        (HYBRID, Path("/sys/fs/cgroup/freezer"), Path("/sys/fs/cgroup/unified")),
        (UNIFIED, None, Path("/sys/fs/cgroup")),
        ("", None, None),
    ],
    ids=["hybrid", "unified", "none"],
)
def test_the_hierarchy(text: str, v1: Path | None, v2: Path | None) -> None:
    entries = parse_mountinfo(text)
    assert (hierarchy(entries, 1), hierarchy(entries, 2)) == (v1, v2)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("12:cpu,cpuacct:/a\n6:freezer:/docker/x:y\n0::/\n", "/docker/x:y"),
        ("6:pids,freezer:/\n", "/"),
        ("0::/user.slice\n", None),
        ("", None),
    ],
)
def test_the_group_of_a_task(text: str, path: str | None) -> None:
    assert parse_freezer(text) == path
