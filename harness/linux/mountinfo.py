"""/proc/PID/mountinfo: which mounts a task sees.  Reading it asks no filesystem; a hung mount is listed like any."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from harness.linux import procfs

_NUMBER = re.compile(r"[0-9]{1,10}")
_ESCAPE = re.compile(r"\\([0-7]{3})")


class MountEntry(NamedTuple):
    major: int
    minor: int
    root: str
    point: str
    fstype: str
    source: str
    options: str = ""
    """Options of the filesystem, not of the mount."""
    id: int = 0
    """The mount's own number, by which fdinfo names it (`mnt_id`)."""

    @property
    def device(self) -> int:
        """dev_t as the kernel keeps it and fusectl names a connection: the minor alone where the major is 0."""
        return self.major << 20 | self.minor


def unescape(text: str) -> str:
    """The kernel writes blank, tab, newline and backslash as three octal digits (mangle_path())."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)


def parse_mountinfo(text: str) -> tuple[MountEntry, ...]:
    """A line ends at a newline and nowhere else: other line separators may be part of a name."""
    entries = []
    for line in text.split("\n"):
        front, _, back = line.partition(" - ")
        fields, kind = front.split(" "), back.split(" ")
        if len(fields) < 5 or len(kind) < 2:
            continue  # no line of show_mountinfo(), fs/proc_namespace.c
        major, _, minor = fields[2].partition(":")
        if not all(map(_NUMBER.fullmatch, (fields[0], major, minor))):
            continue
        entries.append(
            MountEntry(
                int(major),
                int(minor),
                unescape(fields[3]),
                unescape(fields[4]),
                kind[0],
                unescape(kind[1]),
                kind[2] if len(kind) > 2 else "",
                int(fields[0]),
            )
        )
    return tuple(entries)


def is_fuse(entry: MountEntry) -> bool:
    """fuse, fuseblk or fuse.SUBTYPE; not fusectl, the control filesystem."""
    return entry.fstype in ("fuse", "fuseblk") or entry.fstype.startswith(("fuse.", "fuseblk."))


def fuse_mounts(tid: int, tgid: int) -> tuple[MountEntry, ...]:
    """The FUSE mounts that a task sees; OSError as `read_mountinfo`.  Hosts have hundreds of other mounts: only lines
    that can be one are parsed."""
    return fuse_mounts_of(procfs.read(f"/proc/{tgid}/task/{tid}/mountinfo"))


def fuse_mounts_of(text: str) -> tuple[MountEntry, ...]:
    """The FUSE mounts in the text of a mountinfo."""
    lines = text.split("\n") if " - fuse" in text else []
    found = (line for line in lines if " - fuse" in line and " - fusectl " not in line)
    return tuple(filter(is_fuse, parse_mountinfo("\n".join(found))))


def topmost(points: Iterable[str], text: str) -> dict[str, int]:
    """Find the mount that whoever names a path reaches: the last one there.

    Args:
        points: The paths.
        text: A mountinfo.

    Returns:
        The number of the topmost mount, by its path.
    """
    wanted = {_escaped(point): point for point in points}
    if not wanted:
        return {}
    found = (line.split(" ", 5) for line in text.split("\n"))
    return {wanted[fields[4]]: int(fields[0]) for fields in found if len(fields) == 6 and fields[4] in wanted}


def mount_roots(tid: int, tgid: int) -> list[str]:
    """The folder or file of its filesystem that each mount shows; OSError as `read_mountinfo`."""
    lines = procfs.read(f"/proc/{tgid}/task/{tid}/mountinfo").split("\n")
    return list(map(unescape, dict.fromkeys(root for line in lines for root in line.split(" ", 4)[3:4])))


def fstypes_by_point(text: str) -> dict[str, str]:
    """The filesystem at the top of each mount point, in the text of a mountinfo."""
    found = {}
    for line in text.split("\n"):
        front, _, back = line.partition(" - ")
        fields = front.split(" ", 5)
        if len(fields) > 4:
            found[fields[4]] = back.partition(" ")[0]
    return {unescape(point): fstype for point, fstype in found.items()}


def mounts_at(points: Iterable[str], tid: int, tgid: int) -> tuple[MountEntry, ...]:
    """The mounts at these paths, in the order of the mountinfo; OSError as `read_mountinfo`."""
    wanted = {_escaped(point) for point in points}
    lines = procfs.read(f"/proc/{tgid}/task/{tid}/mountinfo").split("\n")
    return parse_mountinfo("\n".join(line for line in lines if wanted.intersection(line.split(" ", 5)[4:5])))


def _escaped(point: str) -> str:
    """Write a path as mountinfo does (mangle(), fs/proc_namespace.c)."""
    return "".join(f"\\{ord(each):03o}" if each in " \t\n\\#" else each for each in point)


def mounts_named(name: str, tid: int, tgid: int) -> tuple[MountEntry, ...]:
    """The mounts in whose line the name occurs, of whatever filesystem; OSError as `read_mountinfo`."""
    lines = procfs.read(f"/proc/{tgid}/task/{tid}/mountinfo").split("\n")
    return parse_mountinfo("\n".join(line for line in lines if name in line))


def virtiofs_of(text: str) -> frozenset[int]:
    """Connections that the host of this virtual machine answers, in the text of a mountinfo."""
    found = (line for line in text.split("\n") if " - virtiofs " in line) if " - virtiofs " in text else ()
    return frozenset(entry.device for entry in parse_mountinfo("\n".join(found)))


def read_mountinfo(tid: int, tgid: int) -> tuple[MountEntry, ...]:
    """OSError EINVAL once the task has left its namespaces (exit_task_namespaces(), after exit_files())."""
    return parse_mountinfo(procfs.read(f"/proc/{tgid}/task/{tid}/mountinfo"))
