"""Each dialect with each age of header and each prefix: the same tasks and frames come out."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest

from docs.tools.blocks.explained import Case, cases
from harness.blockers.table import rows
from harness.explain import stream
from harness.explain.builder import body
from harness.explain.dialects import messages
from harness.explain.explanation import explain
from harness.explain.read import LOOSE_BYTES, Reader, read, says_something
from tests.unit.explain.texts import BODY, HEADERS, PREFIXES, TASKS, TOOLS, TRACES, Task, hung, log

Maker = Callable[[Task], list[str]]
EVERY = 4
"""A header is read after a quarter of the prefixes, another with its neighbour: each prefix with a quarter of them."""
ANNOUNCED = {"sysrq": lambda header: header, "hung task": hung}


@pytest.mark.parametrize(
    ("header", "stack", "announced"), list(itertools.product(HEADERS, TRACES, ANNOUNCED)), ids=lambda each: str(each)
)
def test_logs(header: str, stack: str, announced: str) -> None:
    announce: Callable[[Maker], Maker] = ANNOUNCED[announced]
    lines = log(announce(HEADERS[header]), TRACES[stack])
    chosen = list(HEADERS).index(header) + list(TRACES).index(stack) + list(ANNOUNCED).index(announced)
    for prefix, prefixed in itertools.islice(PREFIXES.items(), chosen % EVERY, None, EVERY):
        paste = read("\n".join(prefixed(line) for line in lines))
        named = [(task.comm, task.pid, task.state) for task in paste.tasks]
        assert named == [(task.comm, task.pid, "D") for task in TASKS], prefix
        for task, made in zip(paste.tasks, TASKS, strict=True):
            assert tuple(each for each in task.functions if each != "context_switch") == made.functions, prefix
            assert task.ppid == made.ppid
            assert not task.guessed
        if announced == "hung task":
            assert paste.kernel == "6.12.73+deb13-amd64", prefix
            assert {task.blocked_s for task in paste.tasks} == {120}
        found = explain(paste)
        assert (found.kind, found.certainty) == ("fuse-flush-exit", "likely"), prefix


@pytest.mark.parametrize("prefix", ["none", "quoted mail", "indented", "colours", "HTML"])
@pytest.mark.parametrize("tool", TOOLS)
def test_tools(tool: str, prefix: str) -> None:
    lines = [line for task in TASKS for line in TOOLS[tool](task)]
    text = "\n".join(PREFIXES[prefix](line).replace("[ 1088.614314] ", "") for line in lines)
    paste = read(text)
    assert [task.pid for task in paste.tasks] == [task.pid for task in TASKS]
    for task in paste.tasks:
        assert body(task.functions) == BODY[task.pid or 0]
    assert explain(paste).kind == "fuse-flush-exit"


def test_one_process_in_several_dialects_is_one_task() -> None:
    lines = log(HEADERS["tgid, task_flags (6.14)"], TRACES["names"])
    for tool in TOOLS.values():
        lines += ["", *(line for task in TASKS for line in tool(task))]
    lines += ["5 D root       4253    440  0  80   0 - 269979 reques Sep30 ?       00:00:00 /usr/bin/runc init"]
    paste = read("\n".join(lines))
    assert [task.pid for task in paste.tasks] == [task.pid for task in TASKS]
    assert paste.tasks[0].comm == "runc:[1:CHILD]"
    assert len(paste.tasks[0].dialects) >= 6


def test_lines_of_two_cpus_are_told_apart_by_their_caller() -> None:
    first, second = (log(HEADERS["task:, state: (5.10)"], TRACES["names"]) for _ in range(2))
    half = len(first) // 2
    one = [f"[  96.000001][  T101] {line}" for line in first[:half]]
    other = [f"[  96.000001][  T102] {line}" for line in second[half:]]
    mixed = [line for pair in itertools.zip_longest(one, other) for line in pair if line is not None]
    paste = read("\n".join(mixed))
    assert {task.pid: body(task.functions) for task in paste.tasks} == dict(BODY.items())


TYPED = {
    "bpftrace": "@[\n    schedule+2\n  request_wait_answer+3\n    fuse_flush+2\n    filp_close+9\n    do_exit+1\n]: 1",
    "arrows": "do_exit -> exit_files -> fuse_flush -> request_wait_answer",
    "bare names": "request_wait_answer\nfuse_flush\nfilp_close\ndo_exit",
}


@pytest.mark.parametrize("form", TYPED)
def test_stacks_without_a_mark_are_found_in_a_big_log(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines of a big log that name nothing are left out; a stack that somebody typed is read all the same."""
    monkeypatch.setattr(stream, "SMALL", 1 << 17)
    block = 1 << 15
    quiet = b"Nov 27 10:41:36 host1 app[7]: GET /item/7 HTTP/1.1 200 9\n" * (stream.SMALL // 40)
    log = quiet + TYPED[form].encode() + b"\n" + quiet
    reader = Reader()
    skipped_lines = 0
    blocks = (log[at : at + block] for at in range(0, len(log), block))
    for line, skipped in stream.kept(blocks, reader.says_something, says_something):
        if skipped:
            reader.gap(skipped)
        skipped_lines += skipped
        reader.feed(line)
    paste = reader.paste()
    assert skipped_lines > 1000
    assert 0 <= paste.lines - log.count(b"\n") <= 1, "a last line that is empty carries what was left out"
    assert [task.functions[-1] for task in paste.tasks] == ["do_exit"]
    assert explain(paste).kind == "fuse-flush-exit"


def test_the_end_of_a_block_adds_no_line() -> None:
    """An empty line would end the stack that goes on in the next block."""
    text = b"a\nb\nc\nd\n"
    assert [line for line, _ in stream.kept((text[:4], text[4:]), lambda _: True, lambda _: True)] == [
        "a",
        "b",
        "c",
        "d",
    ]


BARE = "nvme-cli-1365"
"""Bare names that no pattern names in full: in a big log, they are words like others."""


@pytest.mark.parametrize("case", [each for each in cases() if each.id != BARE], ids=lambda each: each.id)
def test_a_report_in_a_big_log_says_what_it_says_alone(case: Case) -> None:
    """The ways that are faster take the same frames from it."""
    reader = Reader()
    reader.gap(LOOSE_BYTES // 80 + 1)
    reader.says_something(case.text.encode())
    for line in case.text.splitlines():
        reader.feed(line)
    found, alone = reader.paste(), read(case.text)
    same = {(task.pid, task.comm, task.state, task.functions) for task in alone.tasks if task.functions}
    assert {(task.pid, task.comm, task.state, task.functions) for task in found.tasks if task.functions} == same
    assert explain(found).kind == explain(alone).kind


def test_a_function_is_told_from_one_that_differs_in_its_number_alone() -> None:
    reader = Reader()
    reader.gap(LOOSE_BYTES // 80 + 1)
    lines = ["kernel_wait3", "kernel_wait3", "kernel_wait4", "zap_pid_ns_processes", "do_exit"]
    reader.says_something("\n".join(lines).encode())
    for line in lines:
        reader.feed(line)
    assert [task.functions[0] for task in reader.paste().tasks] == ["kernel_wait4"]


@pytest.mark.parametrize("case", [each for each in cases() if each.id != BARE][::3], ids=lambda each: each.id)
def test_lines_that_differ_in_digits_alone_are_read_as_if_each_were_new(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report stands between lines of a big log, and its own lines come again with other digits."""
    quiet = [f"[ {number}.5] usb 1-{number % 7}: new device, state {number % 9}, task {number}" for number in range(9)]
    report = case.text.splitlines()
    again = [line.translate(str.maketrans("123456789", "912345678")) for line in report]
    text = [*quiet, *report, *quiet, *again, *quiet, *report]

    def paste() -> object:
        reader = Reader()
        reader.gap(LOOSE_BYTES // 80 + 1)
        reader.says_something("\n".join(text).encode())
        for line in text:
            reader.feed(line)
        return reader.paste()

    found = paste()
    monkeypatch.setattr("harness.explain.read.LONGEST_SHAPE", 0)
    assert found == paste()


@pytest.mark.parametrize(("kind", "pattern"), [(row.kind, each) for row in rows() for each in row.messages])
def test_the_part_that_a_message_must_have_is_in_its_pattern(kind: str, pattern: str) -> None:
    part = messages.literal(pattern)
    assert len(part) >= 3, kind
    assert re.sub(r"[\\?]", "", pattern).count(part)
