"""The table of blockers: each row is met by its own example, and names no command that ends anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.tools.blocks.explained import cases
from harness.blockers import table
from harness.blockers.row import Pattern, Role, Row
from harness.explain.builder import clean
from harness.explain.judged import of_wchan
from harness.explain.read import read

ROWS = table.rows()
WITH_EXAMPLE = [row for row in ROWS if row.example]
SCHEDULER = ("__schedule", "schedule", "schedule_preempt_disabled", "rwsem_down_write_slowpath", "down_write")


def in_document(value: object, inside: bool = False) -> Iterator[tuple[str, ...]]:
    """All stacks of a document of this program."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from in_document(each, inside or key in ("stack", "stacks"))
    elif isinstance(value, list) and inside and value and all(isinstance(each, str) for each in value):
        yield tuple(clean(each.partition("+")[0]) for each in value)
    elif isinstance(value, list):
        for each in value:
            yield from in_document(each, inside)


def name(row: Row) -> str:
    return f"{row.kind}-{ROWS.index(row)}"


@pytest.mark.parametrize("row", WITH_EXAMPLE, ids=name)
def test_each_row_is_met_by_its_example(row: Row) -> None:
    found = table.match(tuple(row.example.split()))
    assert found is not None
    assert found.row is row


@pytest.mark.parametrize("row", WITH_EXAMPLE, ids=name)
def test_the_dialect_of_proc_leads_to_the_same_kind(row: Row) -> None:
    """/proc/PID/stack leaves the scheduler's and the locks' functions out."""
    functions = tuple(row.example.split())
    without = tuple(each for each in functions if not table.sleeps(each))
    found = table.match(without)
    assert found is not None
    assert found.row.kind == row.kind or found.row.role is row.role or found.row.fallback


@pytest.mark.parametrize("row", [row for row in WITH_EXAMPLE if not table.sleeps(row.example.split()[0])], ids=name)
def test_the_dialect_of_the_hung_task_message_leads_to_the_same_row(row: Row) -> None:
    """The scheduler's functions before it change nothing."""
    found = table.match((*SCHEDULER[:2], *row.example.split()))
    assert found is not None
    assert found.row is row


@pytest.mark.parametrize("row", [row for row in ROWS if row.recorded], ids=name)
def test_a_recorded_example_is_in_its_report(row: Row) -> None:
    """Its functions stand one below the other in a stack of the report, or of what was recorded here."""
    texts = [case.text for case in cases() if case.source == row.recorded]
    stacks = [task.functions for text in texts for task in read(text).tasks]
    if row.recorded.endswith(".json"):
        stacks = list(in_document(json.loads((Path(__file__).parents[3] / row.recorded).read_text())))
    assert stacks
    example = tuple(row.example.split())
    assert any(stack[at : at + len(example)] == example for stack in stacks for at in range(len(stack)))


@pytest.mark.parametrize("row", [row for row in ROWS if not row.recorded], ids=name)
def test_an_example_that_is_not_recorded_names_its_source(row: Row) -> None:
    assert re.search(r"\w\(\*?\)", row.reference) or row.reference == "out of tree"
    assert re.search(r"\.[chS]\b|out of tree", row.reference)


def test_only_a_row_of_modules_has_no_example() -> None:
    assert [row.kind for row in ROWS if not row.example] == ["vendor-module"]


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_each_row_says_who_and_what_and_where_from(row: Row) -> None:
    assert row.meaning.startswith(("it ", "its ", "a ", "lockdep ", "another thread", "execve()"))
    assert row.fault
    assert row.lossless
    assert row.kernels
    assert row.ask
    assert row.answer
    assert "()" in row.reference or "out of tree" in row.reference
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+#\d+|[\w-]+: .+", each) for each in row.threads)
    assert all(re.compile(each) for each in row.messages)


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_what_it_asks_for_changes_nothing(row: Row) -> None:
    writes = re.findall(r"\d?>\s*/[\w/-]+", row.ask)
    assert set(writes) <= {"> /proc/sysrq-trigger", "2>/dev/null"}
    assert not re.search(r"\b(kill|umount|abort|rm|reboot|dmsetup (?:remove|message)|fsfreeze)\b", row.ask)


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_a_destructive_remedy_is_a_kind_with_its_price_and_no_command(row: Row) -> None:
    assert "echo 1 >" not in row.destructive
    assert not row.destructive or ":" in row.destructive or ";" in row.destructive or "," in row.destructive


def test_the_issue_s_blockers_are_all_there() -> None:
    wanted = (
        "fuse-request fuse-writeback nfs smb ceph 9p fuse-virtiofs lustre gpfs drbd nbd rbd iscsi dm "
        "multipath md loop overlayfs autofs freezer ptrace vfork core-dump userfault io-uring aio memcg-oom "
        "reclaim hugetlb exit-mmap futex-exit tty perf bpf rcu cgroup-removal netns-cleanup "
        "mount-namespace-lock umount jbd2 xfs btrfs zfs fscrypt kvm vfio gpu usb "
    )
    assert set(wanted.split()) <= set(table.kinds())


def test_a_pattern_is_a_chain_from_the_inside_out() -> None:
    pattern = Pattern("a|b* < c < [zfs]")
    assert pattern.place(("x", "bee", "y", "c", "z"), ("", "", "", "", "zfs"), 0) == 1
    assert pattern.place(("c", "a"), (), 0) is None
    assert pattern.place(("a", "c", "z"), (), 0) is None


def test_an_anchored_name_is_met_only_innermost() -> None:
    pattern = Pattern("^fuse_flush")
    assert pattern.place(("down_write", "fuse_flush"), (), 1) == 1
    assert pattern.place(("request_wait_answer", "fuse_flush"), (), 0) is None


def test_a_module_says_more_than_a_name_that_others_use_too() -> None:
    found = table.match(("mutex_lock", "dm_suspend", "amdgpu_device_ip_suspend"), ("", "amdgpu", "amdgpu"))
    assert found is not None
    assert found.row.kind == "gpu"


@pytest.mark.parametrize(
    ("wchan", "kind"),
    [
        ("refrig", "freezer"),
        ("request_wait_answer", "fuse-request"),
        ("reques", None),
        ("zap_pid_ns_processes", "namespace-init"),
        ("zap_pi", "namespace-init"),
        ("rpc_wait_bit_killable", "nfs"),
        ("p9_client_rpc", "9p"),
        ("cgroup_drain_dying", "cgroup-removal"),
        ("io_schedule", "block-device"),
        ("-", None),
        ("a_name_never_heard_of", None),
    ],
)
def test_a_wait_channel_cut_off_by_ps_is_taken_only_where_it_is_one_kind_s(wchan: str, kind: str | None) -> None:
    row = of_wchan(wchan)
    assert (row.kind if row is not None else None) == kind


def test_an_unknown_stack_has_no_row() -> None:
    assert table.of_stack(("a_name_never_heard_of", "another_one", "do_syscall_64")) is None
    assert table.of_stack(()) is None


def test_at_rest_is_never_a_cause() -> None:
    rest = [row for row in ROWS if row.kind in ("idle", "user-lock", "fuse-server", "child")]
    assert {row.role for row in rest} == {Role.IDLE}
