"""Findings out of recorded readings: the same judgement, on any machine."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.diagnosis import capture, formats
from harness.diagnosis.findings import findings
from harness.diagnosis.formats import terminal
from harness.diagnosis.records import Container, Diagnosis, Finding, PendingRequest, Reading, Readings
from harness.diagnosis.resolving import chosen, named
from harness.errors import UsageError
from harness.model.records import Outcome, Snapshot
from tests.schema import validate

RECORDED = Path(__file__).parents[2] / "data" / "capture-6.18.json"


def unrelated(readings: Readings) -> Readings:
    """As if somebody had looked for relatives of the stuck processes, and found none: the recording is older."""

    def without_relatives(reading: Reading) -> Reading:
        return replace(reading, snapshots=tuple(replace(each, relatives=()) for each in reading.snapshots))

    return replace(readings, readings=tuple(without_relatives(each) for each in readings.readings))


READINGS = unrelated(capture.load(RECORDED.read_text(), str(RECORDED)))
SCHEMA = Path(formats.__path__[0]) / "diagnosis.schema.json"


def diagnosis_of(readings: Readings, command: str = "fusezap diagnose") -> Diagnosis:
    return Diagnosis(readings, findings(readings), "1.2.3", command)


DIAGNOSIS = diagnosis_of(READINGS)


def of_kind(kind: str, outcome: Outcome) -> Finding:
    (found,) = (each for each in DIAGNOSIS.findings if (each.kind, each.outcome) == (kind, outcome))
    return found


FLUSH = of_kind("fuse-flush-exit", Outcome.DEADLOCK)


def only(readings: Readings, finding: Finding) -> Readings:
    """The readings of one finding alone."""
    (reading,) = (each for each in readings.readings if each.snapshots[-1].init_tid == finding.init_pid)
    return replace(readings, readings=(reading,))


def changed(readings: Readings, **values: Any) -> Readings:
    """Each snapshot of the one reading with other values."""
    (reading,) = readings.readings
    return replace(
        readings,
        readings=(replace(reading, snapshots=tuple(replace(each, **values) for each in reading.snapshots)),),
    )


def test_each_is_named_rightly() -> None:
    assert sorted((str(each.outcome), each.kind) for each in DIAGNOSIS.findings) == [
        ("deadlock", "fuse-flush-exit"),
        ("deadlock", "fuse-request"),
        ("starved", "freezer"),
        ("starved", "fuse-flush-exit"),
        ("starved", "ptrace"),
    ]
    assert DIAGNOSIS.status == 1


@pytest.mark.parametrize(
    ("kind", "outcome", "remedy"),
    [
        ("fuse-flush-exit", Outcome.DEADLOCK, "abort"),
        ("fuse-request", Outcome.DEADLOCK, "abort"),
        ("fuse-flush-exit", Outcome.STARVED, "abort"),
        ("ptrace", Outcome.STARVED, "kill-tracer"),
        ("freezer", Outcome.STARVED, "thaw"),
    ],
)
def test_the_remedy_is_that_of_the_kind(kind: str, outcome: Outcome, remedy: str) -> None:
    finding = of_kind(kind, outcome)
    assert chosen(finding, None).action == remedy
    assert chosen(finding, remedy).command


def test_another_remedy_is_refused_and_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match="abort"):
        chosen(FLUSH, "thaw")


def test_what_is_by_hand_only_is_refused_with_the_command() -> None:
    by_hand = replace(FLUSH, remedies=tuple(replace(each, resolver=None) for each in FLUSH.remedies))
    with pytest.raises(UsageError, match="echo 1 > /sys/fs/fuse"):
        chosen(by_hand, None)


def test_of_a_machine_that_is_dead_no_command_is_offered() -> None:
    """It would act on the machine where it is typed."""
    crashed = diagnosis_of(replace(READINGS, running=False), "fusezap diagnose --vmcore FILE")
    assert [each.id for each in crashed.findings] == [each.id for each in DIAGNOSIS.findings]
    for name in registry.names(formats):
        form = registry.module(formats, name, "render")
        for text in (formats.rendered(crashed, form, False), formats.rendered(crashed, form, True)):
            assert "--resolve" not in text, name
            assert "echo " not in text, name
    assert "what would have ended it" in terminal.details(crashed)
    assert all(remedy.effect for each in crashed.findings for remedy in each.remedies)
    with pytest.raises(UsageError, match="nothing that fusezap does"):
        chosen(crashed.findings[0], None)
    kept = capture.load(capture.dump(crashed.readings), "a capture of the dump")
    assert not kept.running


def test_a_finding_is_named_by_what_it_is() -> None:
    assert named(DIAGNOSIS, FLUSH.id) == FLUSH
    with pytest.raises(UsageError, match=FLUSH.id):
        named(DIAGNOSIS, "1-00000000")


def test_the_name_is_made_of_the_boot_and_the_namespace_alone() -> None:
    alone = only(READINGS, FLUSH)
    (same,) = findings(alone)
    assert same.id == FLUSH.id
    snapshot = alone.readings[0].snapshots[-1]
    later = tuple(replace(each, start_time=each.start_time + 1) for each in snapshot.tasks)
    for other in (replace(alone, boot="another"), changed(alone, tasks=later)):
        assert FLUSH.id not in {found.id for found in findings(other)}
    another_name = tuple(replace(each, fsname="another") for each in snapshot.mounts)
    more = tuple(replace(each, waiting=7) for each in snapshot.connections)
    stuck = next(each for each in snapshot.tasks if "request_wait_answer" in each.functions)
    queued = (*snapshot.tasks, replace(stuck, tid=99999, tgid=99999))
    for values in ({"mounts": another_name}, {"connections": more}, {"tasks": queued, "connections": more}):
        assert {found.id for found in findings(changed(alone, **values))} == {FLUSH.id}


def test_what_has_not_rested_is_no_finding_unless_it_is_proven() -> None:
    """A slow server's every FLUSH looks the same for a moment."""
    slow = of_kind("fuse-flush-exit", Outcome.STARVED)

    def rested(finding: Finding, seconds: float) -> tuple[Finding, ...]:
        (reading,) = only(READINGS, finding).readings
        rests = tuple(replace(each, seconds=seconds) for each in reading.rests)
        return findings(replace(READINGS, readings=(replace(reading, rests=rests),)))

    assert len(rested(slow, 5.0)) == 1
    assert rested(slow, 0.2) == ()
    assert len(rested(FLUSH, 0.2)) == 1


def test_what_has_gone_by_the_second_look_is_no_finding() -> None:
    (reading,) = only(READINGS, FLUSH).readings
    first, last = reading.snapshots
    gone: Snapshot = replace(last, tasks=())
    assert findings(replace(READINGS, readings=(replace(reading, snapshots=(first, gone)),))) == ()


def test_an_empty_answer_of_the_blind_means_nothing() -> None:
    nothing = replace(READINGS, readings=())
    assert diagnosis_of(nothing).status == 0
    assert diagnosis_of(replace(nothing, blind=("stacks",))).status == 2


def test_the_document_fits_its_schema() -> None:
    from harness.diagnosis.formats import json as form

    named_container = _in_container(Container("docker", "f" * 64, "its control group", "web", "nginx:1", "ns/pod"))
    for diagnosis in (DIAGNOSIS, diagnosis_of(replace(READINGS, readings=())), named_container):
        validate(json.loads(form.render(diagnosis)), SCHEMA)


def _in_container(container: Container) -> Diagnosis:
    readings = only(READINGS, FLUSH)
    reading: Reading = replace(readings.readings[0], container=container)
    return diagnosis_of(replace(readings, readings=(reading,)))


EVIL = 'name\x1b[31m"\n<script>\\'


@pytest.mark.parametrize("name", registry.names(formats))
def test_every_format_shows_all_and_lets_nothing_of_the_machine_act(name: str) -> None:
    module = registry.module(formats, name, "SUMMARY", "render")
    render = getattr(module, "details", module.render)
    text = render(DIAGNOSIS)
    for finding in DIAGNOSIS.findings:
        assert finding.id in text
        assert finding.kind in text
    hostile = _in_container(Container("docker", "a" * 64, "its control group", EVIL))
    evil = render(hostile)
    assert "\x1b" not in evil + module.render(hostile)
    assert ("a" * 64 in evil) == (name != "line")
    if name == "html":
        assert evil.count("<script") == 1, "its own"


def test_prometheus_can_be_parsed() -> None:
    """Follows the grammar of the text format: each line is a comment or a sample."""
    from harness.diagnosis.formats.prometheus import render

    sample = re.compile(r'[a-z_]+(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)*\})? (NaN|[0-9.e+-]+)')
    lines = render(_in_container(Container("docker", "a" * 64, "x", EVIL))).splitlines()
    assert lines
    for line in lines:
        assert line.startswith(("# HELP fusezap_", "# TYPE fusezap_")) or sample.fullmatch(line), line


def test_a_capture_is_read_strictly() -> None:
    text = capture.dump(READINGS)
    assert capture.is_capture(text)
    assert capture.load(text, "x") == READINGS
    assert not capture.is_capture('{"snapshots": []}')
    assert not capture.is_capture("no JSON")
    raw = json.loads(text)
    for wrong in (
        {**raw, "schema_version": 99},
        {**raw, "capture": {**raw["capture"], "surprise": 1}},
        {**raw, "capture": {**raw["capture"], "readings": [{"snapshots": []}]}},
        {**raw, "capture": {**raw["capture"], "records": {**raw["capture"]["records"], "Task": []}}},
        {**raw, "capture": {**raw["capture"], "records": {}}},
    ):
        with pytest.raises(UsageError, match="no capture"):
            capture.load(json.dumps(wrong), "x")


def requested(tid: int, connection: int) -> PendingRequest:
    return PendingRequest(connection, 10, "FUSE_FLUSH", 2, "/held", "not read by any server", tid)


def test_the_request_itself_is_in_every_format() -> None:
    assert FLUSH.connection is not None
    number, tid = FLUSH.connection.number, FLUSH.blockers[0].tid
    readings = replace(only(READINGS, FLUSH), requests=(requested(tid, number), requested(1, number + 1)))
    assert capture.load(capture.dump(readings), "x") == readings
    diagnosis = diagnosis_of(readings)
    (finding,) = diagnosis.findings
    assert finding.connection is not None
    assert [each.tid for each in finding.connection.requests] == [tid], "not another connection's"
    validate(json.loads(registry.module(formats, "json", "render").render(diagnosis)), SCHEMA)
    assert "FUSE_FLUSH" in terminal.details(diagnosis)
    for name in ("markdown", "html"):
        assert "FUSE_FLUSH" in registry.module(formats, name, "render").render(diagnosis), name


def test_a_request_names_the_connection_that_no_mount_names() -> None:
    assert FLUSH.connection is not None
    number, tid = FLUSH.connection.number, FLUSH.blockers[0].tid
    others = tuple(replace(each, waiting=1) for each in FLUSH.verdict.snapshots[-1].connections)
    more = replace(others[0], number=9999, waiting=1)
    blind = changed(only(READINGS, FLUSH), mounts=(), claims=(), connections=(*others, more))
    (finding,) = findings(blind)
    assert finding.connection is None
    (finding,) = findings(replace(blind, requests=(requested(tid, number),)))
    assert finding.connection is not None
    assert finding.connection.number == number
    assert "abort" in {remedy.action for remedy in finding.remedies}
