"""The records' own arithmetic."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.model.records import function_of
from tests.unit.records import HANG, LEADER, STUCK, exiting, killed, sleeper


@pytest.mark.parametrize(
    ("frame", "function"),
    [
        ("fuse_flush+0x155/0x190", "fuse_flush"),
        ("fuse_flush+0x155/0x190 [fuse]", "fuse_flush"),
        ("put_files_struct.part.0+0x5a/0xc0", "put_files_struct"),
        ("do_sigtimedwait.isra.0+0x156/0x1f0", "do_sigtimedwait"),
        ("fuse_dev_do_read.constprop.0.isra.0+0xa47/0xaa0 [fuse]", "fuse_dev_do_read"),
        ("request_wait_answer.llvm.1234567890+0x1/0x2", "request_wait_answer"),
        ("fuse_flush.cold+0x1/0x2", "fuse_flush"),
        ("request_wait_answer", "request_wait_answer"),
        ("0xffffffffffffffff", "0xffffffffffffffff"),
        ("", ""),
    ],
)
def test_function_of(frame: str, function: str) -> None:
    assert function_of(frame) == function


def test_functions_come_from_the_stack_where_there_is_one() -> None:
    task = sleeper(1, stack=("a+0x1/0x2 [fuse]", "b.part.0+0x1/0x2"), wchan="c")
    assert task.functions == ("a", "b")


def test_functions_are_the_wait_channel_where_the_stack_is_denied() -> None:
    assert sleeper(1, stack=None, wchan="request_wait_answer.isra.0").functions == ("request_wait_answer",)
    assert sleeper(1, stack=None, wchan=None).functions == ()


def test_an_empty_stack_is_not_replaced_by_the_wait_channel() -> None:
    """A task that runs has an empty stack; an old wait channel must not speak for it."""
    assert sleeper(1, stack=(), wchan="do_wait").functions == ()


def test_killed_by_either_pending_mask_or_by_exiting() -> None:
    assert not sleeper(1).killed
    assert killed(sleeper(1)).killed
    assert sleeper(1, pending=0x100).killed
    assert exiting(sleeper(1)).killed
    assert not sleeper(1, pending=0xFF, shared_pending=~0x100 & 0xFFFF).killed


def test_roles_in_the_recorded_hang() -> None:
    leader, stuck = HANG.task(LEADER), HANG.task(STUCK)
    assert leader is not None
    assert stuck is not None
    assert leader.leader
    assert leader.zombie
    assert not stuck.leader
    assert not stuck.zombie
    assert stuck.exiting
    assert HANG.init is not None
    assert [task.tid for task in HANG.live] == [HANG.init_tid, STUCK]


@pytest.mark.parametrize(
    "change",
    [
        {"tid": 2},
        {"start_time": 101},
        {"state": "R"},
        {"stack": ("futex_do_wait+0x47/0x90", "do_syscall_64+0x71/0x280")},
        {"stack": None},
        {"wchan": None},
        {"switches": 8},
    ],
    ids=str,
)
def test_any_sign_of_having_run_ends_the_rest(change: dict[str, Any]) -> None:
    task = sleeper(1)
    assert task.same_rest(replace(task))
    assert not task.same_rest(replace(task, **change))
