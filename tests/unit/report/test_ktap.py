"""KTAP: by the rules of the kernel's document, and by prove(1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from harness.model.records import Count, Kernel, Mark, Outcome, Report, Result, Series, Sighting, Snapshot, Task
from harness.report.formats.ktap import render
from tests.unit.records import unprivileged
from tests.unit.results import (
    KERNELS,
    WARNINGS,
    lost_series,
    matrix_report,
    not_armed_series,
    report_of,
    result_of,
    series_of,
    skipped_series,
)

HOSTILE = "<b>&# SKIP *x*\x1b[2J\n\udcff\0| `y`"
OTHER_KERNEL = Kernel("6.1.0-49-amd64", "#1 SMP Debian <6.1>", "x86_64")


def two_outcomes() -> Series:
    """A race: one run of 200 came out well."""
    hang, healthy = series_of("exit-flush-self", 200), result_of("healthy")
    counts = (Count(Outcome.DEADLOCK, 199, 0.972, 0.9999), Count(Outcome.RELEASED, 1, 0.0001, 0.028))
    return replace(hang, counts=counts, examples=(*hang.examples, replace(healthy, about=hang.about)))


def not_armed() -> Series:
    return not_armed_series("healthy")


def left_behind() -> Series:
    return replace(series_of("healthy"), mark=Mark.UNSURE, leftovers=("a mount at /run/x",))


def without_stacks() -> Series:
    series = series_of("exit-flush-self")
    verdict = series.examples[0].verdict
    denied = replace(verdict, snapshots=tuple(map(unprivileged, verdict.snapshots)))
    return with_result(series, replace(series.examples[0], verdict=denied, mode="user-namespace"))


def with_result(series: Series, result: Result) -> Series:
    return replace(series, examples=(result,))


def hostile() -> Series:
    """Everything that others name is named by somebody who means ill."""
    series = series_of("exit-flush-self")
    result = series.examples[0]
    verdict, graph = result.verdict, result.verdict.graph
    assert graph is not None
    nodes = tuple(replace(node, label=HOSTILE, why=HOSTILE) for node in graph.nodes)
    edges = tuple(replace(edge, evidence=HOSTILE) for edge in graph.edges)
    text = replace(
        verdict,
        reasons=(HOSTILE, *verdict.reasons),
        graph=replace(graph, nodes=nodes, edges=edges),
        form=tuple(replace(check, evidence=HOSTILE) for check in verdict.form),
        snapshots=tuple(map(_renamed, verdict.snapshots)),
    )
    sightings = tuple(_sighting(each) for each in result.timeline.sightings)
    told_result = replace(
        result,
        verdict=text,
        timeline=replace(result.timeline, sightings=sightings),
        journal=tuple({**entry, "path": HOSTILE, "caller": {"comm": HOSTILE, "tid": 5}} for entry in result.journal),
        leftovers=(HOSTILE,),
    )
    about = replace(series.about, summary=HOSTILE, why=HOSTILE, measured=(HOSTILE,), steps=(HOSTILE, f"# {HOSTILE}"))
    kernel = Kernel(HOSTILE, HOSTILE, HOSTILE)
    told_series = replace(with_result(series, told_result), about=about, kernel=kernel, note=HOSTILE)
    return replace(told_series, errors=(HOSTILE,), warnings=(HOSTILE,))


def _renamed(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, tasks=tuple(map(_named, snapshot.tasks)), others=tuple(map(_named, snapshot.others)))


def _named(task: Task) -> Task:
    return replace(task, comm=HOSTILE, wchan=HOSTILE)


def _sighting(sighting: Sighting) -> Sighting:
    return replace(sighting, comm=HOSTILE, where=HOSTILE)


def every_kind() -> dict[str, Report]:
    """A report of each kind, by its name."""
    hang, healthy = series_of("exit-flush-self", 200), series_of("healthy")
    elsewhere = replace(hang, kernel=OTHER_KERNEL)
    return {
        "mixed": report_of(hang, healthy, series_of("server-stopped", 3), skipped_series("exit-flush-peer-outside")),
        "two outcomes": report_of(two_outcomes()),
        "two kernels": report_of(hang, elsewhere, healthy),
        "matrix": matrix_report(),
        "lost": report_of(lost_series("healthy"), replace(healthy, warnings=WARNINGS)),
        "not armed": report_of(not_armed()),
        "left behind": report_of(left_behind()),
        "without stacks": report_of(without_stacks()),
        "hostile": replace(report_of(hostile()), command=HOSTILE, errors=(HOSTILE, HOSTILE)),
        "kept": report_of(with_result(hang, replace(hang.examples[0], resolution=None, attempts=()))),
        "hostile kernels": report_of(hostile(), series_of("healthy")),
        "empty": report_of(),
        "files": replace(report_of(healthy), errors=("scenarios/x.py: no SCENARIO",)),
    }


KINDS = every_kind()
AGAIN = every_kind()
"""The same reports, made a second time."""

VERSION = re.compile(r"KTAP version 1")
PLAN = re.compile(r"1\.\.(\d+)( # SKIP .*)?")
RESULT = re.compile(r"(ok|not ok) (\d+) ([^#]+?)(?: # (.*))?")
DIRECTIVES = ("SKIP", "XFAIL", "TIMEOUT", "ERROR")


@dataclass
class Point:
    ok: bool
    name: str
    after: str
    diagnostics: list[str]
    subtests: list[Point] = field(default_factory=list)

    @property
    def directive(self) -> str:
        word = self.after.partition(" ")[0]
        return word if word in DIRECTIVES else ""


class Lines:
    """A strict reader of the document's grammar: nothing unknown, no number out of order, every plan kept."""

    def __init__(self, text: str) -> None:
        assert text.endswith("\n")
        self.left = text[:-1].split("\n")

    def next(self, indent: str) -> str:
        line = self.left.pop(0)
        assert line.startswith(indent), line
        return line[len(indent) :]

    def tests(self, indent: str = "") -> list[Point]:
        assert VERSION.fullmatch(self.next(indent))
        plan = PLAN.fullmatch(self.next(indent))
        assert plan
        return [self.test(number, indent) for number in range(1, int(plan[1]) + 1)]

    def test(self, number: int, indent: str) -> Point:
        diagnostics, subtests = [*self.diagnostics(indent)], []
        if self.left[0].startswith(f"{indent}  KTAP"):
            subtests = self.tests(f"{indent}  ")
        diagnostics += self.diagnostics(indent)
        line = self.next(indent)
        match = RESULT.fullmatch(line)
        assert match, line
        assert int(match[2]) == number
        return Point(match[1] == "ok", match[3], match[4] or "", diagnostics, subtests)

    def diagnostics(self, indent: str) -> Iterator[str]:
        while self.left and self.left[0].startswith(f"{indent}# "):
            yield self.next(indent)[2:]


def parsed(text: str) -> list[Point]:
    lines = Lines(text)
    points = lines.tests()
    assert all(line.startswith("# ") for line in lines.left)
    return points


def walk(points: list[Point]) -> Iterator[Point]:
    for point in points:
        yield point
        yield from walk(point.subtests)


@pytest.mark.parametrize("kind", KINDS)
def test_it_keeps_the_rules(kind: str) -> None:
    text = render(KINDS[kind])
    assert all(each.isprintable() for each in text.replace("\n", ""))
    for point in walk(parsed(text)):
        if any(not each.ok for each in point.subtests):
            assert not point.ok, f"{point.name}: a subtest fails"
        assert not any(line.startswith("Subtest:") for line in point.diagnostics)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_report_gives_the_same_text(kind: str) -> None:
    assert render(KINDS[kind]) == render(AGAIN[kind])


def test_the_marks() -> None:
    hang, healthy, stopped, skipped = parsed(render(KINDS["mixed"]))
    assert (hang.ok, hang.name, hang.after) == (False, "exit-flush-self", "")
    assert (healthy.ok, healthy.directive) == (True, "")
    assert (stopped.ok, stopped.after) == (True, "XFAIL starved, by design")
    assert (skipped.ok, skipped.after, skipped.subtests) == (True, "SKIP missing: root", [])


def test_the_subtests_of_a_deadlock() -> None:
    (hang, *_) = parsed(render(KINDS["mixed"]))
    assert [(point.ok, point.name) for point in hang.subtests] == [
        (True, "armed"),
        (False, "outcome deadlock"),
        (True, "form"),
        (True, "resolved"),
        (True, "nothing left behind"),
    ]
    assert hang.subtests[1].after.startswith("200 of 200 runs (95 % interval")
    assert hang.subtests[2].after == "6 of 6 checks hold"
    text = "\n".join(hang.diagnostics)
    assert "deadlock: proven" in text
    assert re.search(r"    fuse_flush\+\S+ +close\(\) of a FUSE file", text)
    assert "waits for python 7317: the cycle closes here" in text
    assert "echo 1 > /sys/fs/fuse/connections/41/abort: gone after 0.61 ms" in text


def test_one_subtest_for_each_outcome() -> None:
    (race,) = parsed(render(KINDS["two outcomes"]))
    seen = [(point.ok, point.name, point.after[:13]) for point in race.subtests if point.name.startswith("outcome")]
    assert seen == [(False, "outcome deadlock", "199 of 200 ru"), (True, "outcome released", "1 of 200 runs")]
    assert not race.ok


def test_what_is_unsure_is_not_ok() -> None:
    (unarmed,) = parsed(render(KINDS["not armed"]))
    assert not unarmed.ok
    assert unarmed.subtests[0].after == "ERROR the mount did not answer within 10 s"
    (left,) = parsed(render(KINDS["left behind"]))
    assert not left.ok
    assert (left.subtests[-1].ok, left.subtests[-1].after) == (False, "a mount at /run/x")


def test_what_was_not_resolved() -> None:
    series = series_of("exit-flush-self")
    ending = series.examples[0].resolution
    assert ending is not None
    result = replace(series.examples[0], resolution=replace(ending, released=False))
    (point,) = parsed(render(report_of(with_result(series, result))))
    assert [each.ok for each in point.subtests if each.name == "resolved"] == [False]
    (kept,) = parsed(render(KINDS["kept"]))
    assert [each.after for each in kept.subtests if each.name == "resolved"] == ["SKIP nobody tried"]


def test_each_of_several_kernels_is_a_level() -> None:
    first, second, third = parsed(render(KINDS["matrix"]))
    assert [point.name for point in (first, second, third)] == [f"kernel {kernel.release}" for kernel in KERNELS]
    names = ["exit-flush-self", "exit-flush-peer-outside", "server-stopped", "healthy"]
    assert [point.name for point in second.subtests] == names
    assert [point.name for point in third.subtests] == names[:3]
    assert [point.ok for point in third.subtests] == [True, True, True]
    assert (third.ok, third.after) == (True, "3 of 3 ok")
    assert (second.ok, second.after) == (False, "1 of 4 ok")
    assert first.diagnostics[-1:] == ["kernel 6.1.0-49-amd64 #1 SMP Debian 6.1.147-1 x86_64"]
    race = [point for point in second.subtests[0].subtests if point.name.startswith("outcome")]
    assert [(point.ok, point.name) for point in race] == [(False, "outcome deadlock"), (True, "outcome released")]


def test_a_lost_machine_is_an_error_and_shows_its_console() -> None:
    lost, healthy = parsed(render(KINDS["lost"]))
    assert (lost.ok, lost.directive) == (False, "ERROR")
    (outcome,) = [point for point in lost.subtests if point.name == "outcome lost-vm"]
    assert (outcome.ok, outcome.directive) == (False, "ERROR")
    text = "\n".join(lost.diagnostics)
    assert "  - the kernel panicked 3.1 s after its start\n" in text
    assert "\n    [    3.109120] Kernel panic - not syncing: Fatal exception in interrupt\n" in text
    assert (healthy.ok, healthy.after) == (True, "")


def test_a_kernel_warning_is_a_diagnostic_line() -> None:
    _, healthy = parsed(render(KINDS["lost"]))
    assert [line for line in healthy.diagnostics if "log" in line] == [
        f"  the kernel's log: {each}" for each in WARNINGS
    ]


def test_a_file_that_could_not_be_read_fails() -> None:
    *_, file = parsed(render(KINDS["files"]))
    assert (file.ok, file.name, file.after) == (False, "scenario-file", "ERROR scenarios/x.py: no SCENARIO")


def test_a_hostile_name_is_no_directive() -> None:
    points = parsed(render(KINDS["hostile"]))
    assert [point.directive for point in points] == ["", "ERROR", "ERROR"]
    (armed,) = [point for point in points[0].subtests if point.name == "armed"]
    assert armed.after == r"ERROR <b>&_ SKIP *x*\x1b[2J \udcff\x00| `y`"
