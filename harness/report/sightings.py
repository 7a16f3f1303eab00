"""The sightings of a timeline, grouped by task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from harness.model.records import Sighting


def by_task(sightings: Iterable[Sighting]) -> Iterator[list[Sighting]]:
    """Group sightings by task, in order of time.

    Args:
        sightings: The sightings of one run, in any order.

    Returns:
        One list per task, by thread group, each leader before its other threads.
    """
    ordered = sorted(sightings, key=lambda each: (each.tgid, each.tid != each.tgid, each.tid, each.at_ns))
    for _, group in groupby(ordered, lambda each: (each.tgid, each.tid)):
        yield list(group)
