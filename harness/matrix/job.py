"""The work on one kernel: one boot, one Python start, a series for each scenario; the same here and on a cluster."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing

from harness.kernels.image import Image
from harness.model.events import Began, Ended, Event, Failed, Said
from harness.record import record
from harness.run.session import SessionOptions, run_session
from harness.scenario import Scenario
from harness.vm.root import Root
from harness.vm.settings import Settings


@record(frozen=True, slots=True)
class Job:
    """One kernel of a matrix, and what is to be measured under it."""

    spec: str
    options: SessionOptions
    scenarios: tuple[Scenario, ...]
    settings: Settings
    finished: Mapping[str, frozenset[str]]
    """Scenarios that need not run again, by the digest of the kernel: a worker need not see the store."""

    def left(self, image: Image) -> tuple[Scenario, ...]:
        """The scenarios that must run under this image."""
        done = self.finished.get(image.digest, frozenset())
        return tuple(each for each in self.scenarios if each.name not in done)


@record(frozen=True, slots=True)
class KernelFound:
    """The kernel is there; the first event of a job, but for what was said while it was fetched."""

    image: Image
    known: int = 0
    """Cells of this kernel that the store has already."""


JobEvent = KernelFound | Began | Ended | Said | Failed
"""The events of a job.  Of a series it yields the beginning and the end alone: a cell is whole or not there."""
Labelled = tuple[str, JobEvent | None]
"""An event with the spec of its job; None: the job has ended."""


def run_job(job: Job, image: Image, root: Root) -> Generator[JobEvent]:
    """Run what is left of a job.  Closing the iterator ends its machine.

    Args:
        job: What to measure.
        image: The kernel of `job.spec`.
        root: The root file system for a guest with that kernel.

    Yields:
        The events; each Ended is a cell of the matrix.

    Raises:
        FusezapError: The kernel cannot be started here.
    """
    yield KernelFound(image)
    left = job.left(image)
    if not left:
        return
    with _session(job, image, root, left) as events:
        for event in events:
            if isinstance(event, Began | Ended | Said | Failed):
                yield event


def _session(job: Job, image: Image, root: Root, scenarios: tuple[Scenario, ...]) -> closing[Generator[Event]]:
    if image.is_host:
        return closing(run_session(job.options, scenarios))
    from harness.vm.session import VmSession, run_in_vm

    return closing(run_in_vm(VmSession(image, root, job.settings, job.options, scenarios)))
