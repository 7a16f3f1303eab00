"""The table of stacks: each row is met by what it describes, and by no row before it."""

from __future__ import annotations

import pytest

from harness.blockers import table
from harness.blockers.row import Role
from harness.judge import blockers
from harness.model.records import Progress
from tests.unit.records import FLUSH_STACKS, HANG, STUCK, unprivileged, with_task

STACKS = {
    "fuse-exec": "request_wait_answer fuse_simple_request fuse_flush filp_close do_close_on_exec begin_new_exec",
    "fuse-fault": "request_wait_answer fuse_simple_request fuse_read_folio filemap_fault exc_page_fault",
    "fuse-writeback": "folio_wait_bit_common folio_wait_writeback filemap_fdatawait fuse_flush filp_close do_exit",
    "fuse-request": "request_wait_answer __fuse_simple_request fuse_do_getattr vfs_statx do_syscall_64",
    "fuse-lock": "rwsem_down_read_slowpath down_read fuse_lookup path_openat",
    "nfs": "rpc_wait_bit_killable __rpc_execute nfs4_proc_getattr vfs_statx",
    "smb": "wait_for_response compound_send_recv cifs_open",
    "ceph": "ceph_mdsc_wait_request ceph_do_getattr",
    "9p": "p9_client_rpc p9_client_clunk v9fs_dir_release",
    "afs": "afs_wait_for_call_to_complete afs_make_call",
    "userfault": "handle_userfault do_anonymous_page handle_mm_fault exc_page_fault",
    "slow-exit": "unmap_vmas exit_mmap __mmput exit_mm do_exit",
    "core-dump": "pipe_write dump_emit elf_core_dump do_coredump get_signal",
    "vfork": "wait_for_vfork_done kernel_clone __do_sys_vfork",
    "freezer": "__refrigerator get_signal do_syscall_64",
    "ptrace": "ptrace_stop get_signal do_syscall_64",
    "frozen-filesystem": "percpu_rwsem_wait __percpu_down_read ext4_file_write_iter",
    "block-device": "io_schedule folio_wait_bit_common filemap_read ext4_file_read_iter",
}


@pytest.mark.parametrize("kind", STACKS)
def test_each_kind_is_told_by_its_stack(kind: str) -> None:
    row = blockers.of_stack(tuple(STACKS[kind].split()))
    assert row is not None
    assert row.kind == kind


@pytest.mark.parametrize("kernel", FLUSH_STACKS)
def test_the_flush_of_an_exit_is_told_on_every_kernel(kernel: str) -> None:
    task = with_task(HANG, STUCK, stack=FLUSH_STACKS[kernel]).task(STUCK)
    assert task is not None
    assert blockers.of_task(task).kind == "fuse-flush-exit"


def test_without_a_stack_the_wait_channel_tells() -> None:
    task = unprivileged(HANG).task(STUCK)
    assert task is not None
    assert blockers.of_task(task).kind == "fuse-flush-exit"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"state": "Z", "stack": None, "wchan": None}, "unreaped"),
        ({"state": "Z", "stack": None, "wchan": None, "tracer": 7}, "ptrace"),
        ({"frozen": "/a", "stack": ()}, "freezer"),
        ({"state": "T", "stack": ("do_signal_stop+0x1/0x2",)}, "stopped"),
        ({"state": "R", "stack": ()}, "slow-exit"),
        ({"stack": ("a_name_never_heard_of+0x1/0x2", "do_exit+0x1/0x2")}, "unknown"),
    ],
)
def test_what_no_stack_tells(changes: dict[str, object], kind: str) -> None:
    task = with_task(HANG, STUCK, **changes).task(STUCK)
    assert task is not None
    assert blockers.of_task(task).kind == kind


def test_a_wait_for_other_tasks_never_lets_the_judge_conclude_anything() -> None:
    known = {"jbd2", "ext4", "xfs", "btrfs", "zfs", "local-filesystem"}
    waits = [row for row in table.rows() if row.role is not Role.CAUSE and row.kind not in known]
    assert waits
    assert {row.kind for row in waits if row.progress is not Progress.UNKNOWN} == set()
    assert blockers.named("unknown").progress is Progress.UNKNOWN


def test_the_rank_is_the_order_of_the_table() -> None:
    assert blockers.rank("fuse-flush-exit") < blockers.rank("nfs") < blockers.rank("unknown")
