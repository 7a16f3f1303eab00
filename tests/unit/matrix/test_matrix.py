"""A matrix is complete, in order, and measures nothing twice: whoever does the work, and however it is told."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.catalogue import catalogue
from harness.kernels.image import Image
from harness.matrix import store
from harness.matrix.fingerprint import fingerprint
from harness.matrix.job import Job, JobEvent, KernelFound, Labelled
from harness.matrix.measure import Matrix, MatrixSpec
from harness.matrix.store import Query, Store
from harness.model.events import Began, Ended, Failed, Said
from harness.model.records import Kernel, Mark, Series
from harness.run.session import SessionOptions
from harness.scenario import Scenario
from harness.vm.settings import Settings
from tests.unit.results import series_of

SPECS = ("debian:bookworm", "debian:sid")
SCENARIOS = tuple(catalogue()[name] for name in ("exit-flush-self", "healthy"))
SPEC = MatrixSpec(SPECS, SCENARIOS, SessionOptions(), Settings())


def image_of(spec: str, build: str = "1") -> Image:
    return Image(spec, f"release of {spec}", "#1", "x86_64", f"digest of {spec} {build}", Path("/vmlinuz"))


def cell(spec: str, scenario: Scenario) -> Series:
    return replace(series_of(scenario.name), kernel=Kernel(f"release of {spec}", "#1", "x86_64"))


def whole(job: Job) -> Iterator[JobEvent]:
    """As a machine does it that works."""
    image = image_of(job.spec)
    yield KernelFound(image)
    for scenario in job.left(image):
        yield Began(scenario.name, scenario.summary, 1)
        yield Ended(cell(job.spec, scenario))


def workers(work: Callable[[Job], Iterator[JobEvent]]) -> Callable[[Iterable[Job]], Generator[Labelled]]:
    def run(jobs: Iterable[Job]) -> Generator[Labelled]:
        for job in reversed(tuple(jobs)):
            for news in work(job):
                yield job.spec, news
            yield job.spec, None

    return run


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Store]:
    with store.opened(tmp_path / "results.sqlite") as found:
        yield found


def measured(opened: Store, work: Callable[[Job], Iterator[JobEvent]], spec: MatrixSpec = SPEC) -> Matrix:
    matrix = Matrix(spec, opened)
    for _ in matrix.measure(workers(work)):
        pass
    return matrix


def cells_of(events: Iterable[Labelled], spec: str) -> int:
    return sum(name == spec and isinstance(event, Ended) for name, event in events)


def test_cells_stand_in_the_order_that_was_asked_for(opened: Store) -> None:
    matrix = measured(opened, whole)
    assert [(each.kernel.release, each.about.name) for each in matrix.series] == [
        (f"release of {spec}", scenario.name) for spec in SPECS for scenario in SCENARIOS
    ]
    assert matrix.complete


def test_what_is_known_is_not_run_again(opened: Store) -> None:
    first = measured(opened, whole)
    ran: list[str] = []

    def noted(job: Job) -> Iterator[JobEvent]:
        ran.extend(scenario.name for scenario in job.left(image_of(job.spec)))
        return whole(job)

    assert measured(opened, noted).series == first.series
    assert ran == []
    assert measured(opened, noted, replace(SPEC, fresh=True)).complete
    assert len(ran) == 4
    assert len(opened.cells(Query(all=True))) == 8


def test_a_matrix_that_was_broken_off_goes_on(opened: Store) -> None:
    def broken_off(job: Job) -> Iterator[JobEvent]:
        for news in whole(job):
            yield news
            if isinstance(news, Ended):
                raise KeyboardInterrupt

    matrix = Matrix(SPEC, opened)
    with pytest.raises(KeyboardInterrupt):
        list(matrix.measure(workers(broken_off)))
    assert len(matrix.series) == 1
    matrix = Matrix(SPEC, opened)
    events = list(matrix.measure(workers(whole)))
    assert matrix.complete
    assert cells_of(events, "debian:sid") == 1
    assert ("debian:sid", KernelFound(image_of("debian:sid"), known=1)) in events


def test_an_update_of_the_kernel_is_measured_anew(opened: Store) -> None:
    measured(opened, whole)

    def updated(job: Job) -> Iterator[JobEvent]:
        image = image_of(job.spec, build="2")
        yield KernelFound(image)
        assert job.left(image) == SCENARIOS
        for scenario in job.left(image):
            yield Ended(cell(job.spec, scenario))

    assert measured(opened, updated).complete


def test_a_lost_cell_is_tried_again(opened: Store) -> None:
    def losing(job: Job) -> Iterator[JobEvent]:
        for news in whole(job):
            yield Ended(replace(news.series, mark=Mark.UNSURE)) if isinstance(news, Ended) else news

    assert measured(opened, losing).complete
    events = list(Matrix(SPEC, opened).measure(workers(whole)))
    assert sum(cells_of(events, spec) for spec in SPECS) == 4


def test_a_kernel_that_fails_does_not_keep_the_others(opened: Store) -> None:
    def failing(job: Job) -> Iterator[JobEvent]:
        if job.spec == "debian:sid":
            yield Said("asking the mirror")
            yield Failed("there is no mirror")
        else:
            yield from whole(job)

    matrix = measured(opened, failing)
    assert matrix.errors == ["debian:sid: there is no mirror"]
    assert len(matrix.series) == 2
    assert not matrix.complete


def test_a_job_that_was_done_twice_is_counted_once(opened: Store) -> None:
    """A worker of a cluster has died half way, and another has begun anew."""

    def twice(job: Job) -> Iterator[JobEvent]:
        for number, news in enumerate(whole(job)):
            if number < 3:
                yield news
        yield from whole(job)

    matrix = measured(opened, twice)
    assert matrix.complete
    assert len(opened.cells(Query(all=True))) == 4


def test_a_worker_with_another_kernel_of_that_name_begins_anew(opened: Store) -> None:
    """Two workers fetched at different times: cells of two kernels are not mixed."""

    def updated_between(job: Job) -> Iterator[JobEvent]:
        yield KernelFound(image_of(job.spec, build="old"))
        yield Ended(cell(job.spec, SCENARIOS[0]))
        yield KernelFound(image_of(job.spec, build="new"))
        yield Ended(cell(job.spec, SCENARIOS[1]))

    matrix = measured(opened, updated_between)
    assert {each.about.name for each in matrix.series} == {"healthy"}
    assert not matrix.complete


def test_a_fingerprint_changes_with_the_scenario_and_the_options() -> None:
    scenario = SCENARIOS[0]
    fingerprints = [
        fingerprint(scenario, SessionOptions()),
        fingerprint(replace(scenario, rules=("op=FLUSH delay=1s",)), SessionOptions()),
        fingerprint(scenario, SessionOptions(times=50)),
        fingerprint(scenario, SessionOptions(resolver="unmount")),
    ]
    assert len(set(fingerprints)) == 4
    assert fingerprint(scenario, SessionOptions(jobs=2)) == fingerprints[0]
