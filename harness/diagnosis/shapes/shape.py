"""One row of the table: a shape of paths, the tool that makes them, and what they name."""

from __future__ import annotations

from harness.model.terms import StrEnum
from harness.record import record

ID = "(?P<id>[0-9a-f]{64})"
"""The ID of an OCI engine's container."""
NAME = "(?P<id>[A-Za-z0-9_][A-Za-z0-9_.+:@-]*)"
UNIT = r"(?P<id>(?!\.)(?:[A-Za-z0-9:_.-]|\\x[0-9a-f]{2})+)"
"""A name as systemd has it in a unit (unit_name_escape(), src/basic/unit-name.c in systemd)."""
UUID = "(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
BUILD = "(?P<id>[a-z0-9]{25})"
"""The ID of a step of a build: NewID() of the package identity in moby/buildkit."""
POD = "(?:[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})"
"""The UID of a pod; of a static pod, an MD5 sum."""

I = "1f" * 32  # noqa: E741  (an inner container in the examples)
J = "9e" * 32
"""An outer container in the examples."""
U = "0b5e1f2a-3c4d-4e5f-8a9b-0c1d2e3f4a5b"
V = U.replace("-", "_")
"""A pod's UID in the examples, as cgroupfs and as systemd has it."""
B = "n4eu0udvbz9vfzjy71jkvgkwh"
"""A step of a build in the examples."""


class NameKind(StrEnum):
    """The thing that a path names, the most telling first."""

    CONTAINER = "container"
    MEMBER = "member"  # a pod's container by the name in the pod's specification, without an ID
    SANDBOX = "sandbox"  # the container that holds a pod's namespaces
    POD = "pod"


@record(frozen=True, slots=True)
class PathShape:
    """A shape of paths.

    Attributes:
        runtime: The tool, as a person calls it; "A or B" where the path does not tell them apart.
        pattern: A regular expression of whole components of the path, anywhere in it, or from its root if it begins
            with `^`; the group `id` is the name, the group `pod` a pod's.
        source: The project and the file or page that has the shape.
        example: One such path; a test replays it.
        names: The ID that the table reads from the example.
        kind: The thing that the path names.
        pod: The pod that the table reads from the example.
        escaped: The name is escaped for systemd.
        note: A reservation, printed with the evidence.
    """

    runtime: str
    pattern: str
    source: str
    example: str
    names: str
    kind: NameKind = NameKind.CONTAINER
    pod: str | None = None
    escaped: bool = False
    note: str = ""


def scope(runtime: str, prefix: str, source: str, parent: str, child: str = "", pod: str | None = None) -> PathShape:
    """A container in a scope of systemd: /PARENT/PREFIX-ID.scope."""
    example = f"{parent}/{prefix}-{I}.scope{child}"
    return PathShape(runtime, rf"{prefix}-{ID}\.scope", source, example, I, pod=pod)


def mismatch(runtime: str, prefix: str, parent: str, source: str, pod: str | None = None) -> PathShape:
    """The engine names a scope of systemd, `SLICE:PREFIX:ID`, to an OCI runtime that takes it for a path."""
    return PathShape(runtime, rf"[^/:]*:{prefix}:{ID}", source, f"{parent}:{prefix}:{I}", I, pod=pod)
