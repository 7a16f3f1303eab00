"""Finds what a path names, by the rows of `families/`."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

from harness import registry
from harness.diagnosis.shapes import families
from harness.diagnosis.shapes.shape import POD, NameKind, PathShape
from harness.record import record

MOST = 16
"""Names in one path that are looked up."""
_POD = re.compile(rf"pod(?P<uid>{POD})|libpod_pod_(?P<id>[0-9a-f]{{64}})")
_BYTE = re.compile(r"\\x([0-9a-f]{2})")


@record(frozen=True, slots=True)
class Named:
    """A thing that a path names."""

    shape: PathShape
    id: str
    pod: str | None


@functools.lru_cache(maxsize=1)
def groups() -> tuple[PathShape, ...]:
    """The shapes of control groups, in the order of the families' `ORDER`: where two overlap, the first counts."""
    return tuple(shape for module in _families() for shape in module.GROUPS)


@functools.lru_cache(maxsize=1)
def folders() -> tuple[PathShape, ...]:
    """The shapes of folders and files that runtimes mount into containers or work in, likewise."""
    return tuple(shape for module in _families() for shape in module.FOLDERS)


def prepare() -> None:
    """Read and compile the table, so that the first answer does not wait for it."""
    _compiled(groups())
    _compiled(folders())


def of_group(path: str) -> tuple[Named, ...]:
    """Find what a control group is named after.

    Args:
        path: As /proc/PID/cgroup has it: of a control group that is gone, with " (deleted)" behind it
            (proc_cgroup_show(), kernel/cgroup/cgroup.c), and with `..` where it lies outside of the reader's
            namespace (cgroup_path_ns()).

    Returns:
        All that the path names, the innermost first, `MOST` at most.
    """
    return _found(path[: -len(" (deleted)")] if path.endswith(" (deleted)") else path, _compiled(groups()))


def of_folder(path: str) -> tuple[Named, ...]:
    """Find what a folder or file is named after; arguments and result are like those of `of_group`."""
    return _found(path, _compiled(folders()))


def unescaped(name: str) -> str:
    r"""Undo systemd's `\x2d`; a name that could then not be one component of a path is left as it is."""
    raw = _BYTE.sub(lambda found: chr(int(found[1], 16)), name)
    try:
        text = raw.encode("latin-1").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return name
    return name if "/" in text or "\0" in text or text in (".", "..") else text


def _families() -> list[Any]:
    modules = registry.modules(families, "ORDER", "GROUPS", "FOLDERS")
    return sorted(modules, key=lambda each: int(each.ORDER))


@functools.lru_cache(maxsize=2)
def _compiled(shapes: tuple[PathShape, ...]) -> tuple[tuple[PathShape, re.Pattern[str]], ...]:
    found = []
    for shape in shapes:
        begin = "" if shape.pattern.startswith("^") else "(?:^|/)"
        found.append((shape, re.compile(f"{begin}(?:{shape.pattern})(?=/|$)" if begin else f"{shape.pattern}(?=/|$)")))
    return tuple(found)


def _found(path: str, shapes: Iterable[tuple[PathShape, re.Pattern[str]]]) -> tuple[Named, ...]:
    taken: list[tuple[int, int, PathShape, re.Match[str]]] = []
    for shape, pattern in shapes:
        for match in pattern.finditer(path):
            start, end = match.span()
            if all(end <= first or start >= last for first, last, _, _ in taken):
                taken.append((start, end, shape, match))
    found, above = [], 0
    for _, end, shape, match in sorted(taken, key=lambda each: each[0]):
        name = match["id"]
        pod = (
            name
            if shape.kind is NameKind.POD
            else match.groupdict().get("pod") or _pod(path[above : match.start("id")])
        )
        above = end
        found.append(Named(shape, unescaped(name) if shape.escaped else name, pod))
    return tuple(reversed(found))[:MOST]


def _pod(between: str) -> str | None:
    """The last pod that a part of a path names."""
    found = [each["id"] or each["uid"].replace("_", "-") for each in _POD.finditer(between)]
    return found[-1] if found else None


def rank(kind: NameKind) -> int:
    """0 for the kind that tells most."""
    return tuple(NameKind).index(kind)
