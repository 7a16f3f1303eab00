"""Long waits for a live server: who is listed, when they count, and what each format says of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness import registry
from harness.commands._numbers import duration
from harness.diagnosis import capture, formats
from harness.diagnosis.findings import findings
from harness.diagnosis.long_waits import long_waits
from harness.diagnosis.records import Client, Diagnosis, Readings, Serving
from harness.model.records import Task
from tests.schema import validate
from tests.unit.diagnosis.test_findings import DIAGNOSIS, READINGS, SCHEMA

WAITS = ("request_wait_answer+0x1/0x2", "__fuse_simple_request+0x1/0x2", "fuse_do_getattr+0x1/0x2")
READS = ("fuse_dev_do_read+0x1/0x2", "fuse_dev_read+0x1/0x2", "vfs_read+0x1/0x2")


def task(tid: int, comm: str, state: str, stack: tuple[str, ...], tgid: int | None = None) -> Task:
    return Task(tid, tgid or tid, 1, comm, state, 0, 1, 5, stack=stack)


def client(tid: int, for_s: float, *connections: int) -> Client:
    return Client(task(tid, "cat", "D", WAITS), connections, "sshfs#host", "/mnt/remote", 3, for_s)


CLIENTS = (client(90001, 12.0, 77), client(90002, 700.0, 77), client(90003, 4.0, 77), client(90004, 11.0, 78, 79))
SERVING = (
    Serving(77, task(80000, "sshfs", "S", READS)),
    Serving(77, task(80001, "sshfs", "S", READS, 80000)),
    Serving(77, task(80002, "sshfs", "T", READS, 80000)),
)
IDLE = replace(READINGS, readings=(), clients=CLIENTS, serving=SERVING)


def of(readings: Readings, least_s: float = 10.0, count: bool = False) -> Diagnosis:
    found = findings(readings)
    return Diagnosis(readings, found, "1.2.3", "fusezap diagnose", long_waits(readings, found, least_s), count)


def test_they_are_grouped_by_connection_and_the_longest_comes_first() -> None:
    first, second = of(IDLE).waits
    assert first.connections == (77,)
    assert [each.task.tid for each in first.clients] == [90002, 90001], "the third has not waited long"
    assert (first.fsname, first.point, first.waiting) == ("sshfs#host", "/mnt/remote", 3)
    (server,) = first.servers
    assert (server.pid, server.comm) == (80000, "sshfs")
    assert [each.partition(":")[0] for each in server.doing] == ["2 threads in state S", "state T"]
    assert (second.connections, second.servers) == ((78, 79), ())
    assert [len(each.clients) for each in of(IDLE, 4.0).waits] == [3, 1]


def test_they_count_only_where_it_is_asked_for() -> None:
    assert of(IDLE).status == 0
    assert of(IDLE, count=True).status == 1
    assert of(replace(IDLE, clients=()), count=True).status == 0


def test_who_belongs_to_a_finding_is_not_listed_again() -> None:
    stuck = DIAGNOSIS.findings[0].blockers[0]
    twice = replace(client(stuck.tid, 50.0, 77), task=task(stuck.tid, "cat", "D", WAITS, stuck.pid))
    assert of(replace(READINGS, clients=(twice,))).waits == ()


@pytest.mark.parametrize("name", registry.names(formats))
def test_every_format_says_who_waits_where(name: str) -> None:
    form = registry.module(formats, name, "render")
    for diagnosis in (of(IDLE, count=True), of(replace(READINGS, clients=CLIENTS, serving=SERVING))):
        for details in (False, True):
            text = formats.rendered(diagnosis, form, details)
            assert "/mnt/remote" in text or (name == "line" and diagnosis.findings), name
    if name == "json":
        validate(json.loads(form.render(of(IDLE))), SCHEMA)


def test_a_capture_keeps_them() -> None:
    kept = capture.load(capture.dump(IDLE), "a capture")
    assert of(kept).waits == of(IDLE).waits


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200), ("1d", 86400)])
def test_a_duration_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert duration(0.1)(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "5x", "nan", "0", "-5s", "1e9d"])
def test_no_other_text_is_a_duration(text: str) -> None:
    with pytest.raises(Exception, match=r"seconds|duration"):
        duration(0.1)(text)
