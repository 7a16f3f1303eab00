"""The checklist: each line holds, does not hold, or cannot be told."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from harness.judge.form import form
from harness.judge.verdict import judge, stuck_task
from harness.model.records import Check, Entry, Snapshot, Task
from tests.unit.records import (
    HANG,
    INIT,
    KERNELS,
    LEADER,
    STUCK,
    on_kernel,
    recorded,
    resting,
    sleeper,
    stuck_in_call,
    unprivileged,
    with_connection,
    with_inside,
    with_task,
)

NO_MEMORY = Entry(0, errno.ENOMEM)
LINES = ("init-in-zap", "leader-zombie", "one-live-task", "flush-in-exit", "sigkill-futile", "no-entry")


def checked(snapshot: Snapshot, entry: Entry | None = NO_MEMORY, stuck: Task | None = None) -> dict[str, Check]:
    task = stuck or stuck_task(judge(resting(snapshot)))
    checks = form(snapshot, task, entry)
    assert tuple(check.check for check in checks) == LINES
    assert all(check.title and check.evidence for check in checks)
    return {check.check: check for check in checks}


def holds(snapshot: Snapshot, entry: Entry | None = NO_MEMORY) -> dict[str, bool | None]:
    return {name: check.holds for name, check in checked(snapshot, entry).items()}


ALL_HOLD = dict.fromkeys(LINES, True)


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_line_holds_on_every_kernel(kernel: str) -> None:
    assert holds(on_kernel(HANG, kernel)) == ALL_HOLD


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_line_holds_without_root(kernel: str) -> None:
    assert holds(unprivileged(on_kernel(HANG, kernel))) == ALL_HOLD


def test_the_evidence_names_tasks_and_functions() -> None:
    checks = checked(HANG)
    assert checks["init-in-zap"].evidence == (
        f"stack of {INIT}: do_wait < kernel_wait4 < zap_pid_ns_processes < do_exit"
    )
    assert checks["leader-zombie"].evidence == f"{LEADER} (python): state Z, 2 threads in its group"
    assert checks["one-live-task"].evidence == f"{STUCK} (python) state D"
    assert "request_wait_answer < __fuse_simple_request < fuse_flush" in checks["flush-in-exit"].evidence
    assert f"{STUCK}: ShdPnd 100, SigPnd 0, state D, PF_EXITING set" in checks["sigkill-futile"].evidence
    assert checks["no-entry"].evidence == "setns succeeds, fork fails with ENOMEM"


def test_without_root_the_evidence_says_that_the_stack_is_denied() -> None:
    checks = checked(unprivileged(HANG))
    assert "stack not readable" in checks["init-in-zap"].evidence
    assert "wchan do_wait" in checks["init-in-zap"].evidence
    assert "wchan request_wait_answer" in checks["flush-in-exit"].evidence


def test_before_the_kill_nothing_holds() -> None:
    armed = recorded("exit-flush-self")[0]
    assert holds(armed, Entry(0, 0)) == dict.fromkeys(LINES, False)


class TestInit:
    def test_gone(self) -> None:
        gone = replace(HANG, tasks=tuple(task for task in HANG.tasks if task.tid != INIT))
        assert checked(gone)["init-in-zap"].holds is False
        assert checked(with_task(HANG, INIT, state="Z"))["init-in-zap"].evidence == "init is gone"

    def test_somewhere_else(self) -> None:
        check = checked(with_task(HANG, INIT, stack=("exit_mm+0x1/0x2", "do_exit+0x1/0x2")))["init-in-zap"]
        assert (check.holds, check.evidence) == (False, f"stack of {INIT}: exit_mm < do_exit")

    def test_without_root_an_exiting_init_that_sleeps_elsewhere_cannot_be_told(self) -> None:
        assert checked(with_task(unprivileged(HANG), INIT, wchan="exit_mm"))["init-in-zap"].holds is None
        assert checked(with_task(unprivileged(HANG), INIT, wchan=None))["init-in-zap"].holds is None

    def test_without_root_a_living_init_in_do_wait_is_not_in_the_zap(self) -> None:
        assert checked(with_task(unprivileged(HANG), INIT, flags=0))["init-in-zap"].holds is False


class TestLeader:
    def test_it_may_itself_be_the_last_live_task(self) -> None:
        """Not the form that was first described, and a deadlock all the same."""
        stuck = HANG.task(STUCK)
        assert stuck is not None
        last = replace(stuck, tid=LEADER, threads=1)
        mounts = tuple(replace(each, seen_by=LEADER) for each in HANG.mounts)
        tasks = (*(task for task in HANG.tasks if task.tid == INIT), last)
        snapshot = replace(HANG, tasks=tasks, mounts=mounts)
        assert holds(snapshot) == {**ALL_HOLD, "leader-zombie": False}
        assert checked(snapshot)["leader-zombie"].evidence == f"{LEADER} (python): state D, 1 threads in its group"

    def test_alive_beside_the_stuck_thread(self) -> None:
        alive = with_task(HANG, LEADER, state="S")
        assert checked(alive)["leader-zombie"].holds is False
        assert checked(alive)["one-live-task"].holds is False

    def test_not_seen(self) -> None:
        unseen = replace(HANG, tasks=tuple(task for task in HANG.tasks if task.tid != LEADER))
        assert checked(unseen, stuck=HANG.task(STUCK))["leader-zombie"].holds is None


class TestLiveTasks:
    def test_two(self) -> None:
        check = checked(with_inside(HANG, sleeper(9001)))["one-live-task"]
        assert (check.holds, check.evidence) == (False, f"{STUCK} (python) state D, 9001 (stranger) state S")

    def test_zombies_do_not_count(self) -> None:
        assert checked(with_inside(HANG, sleeper(9001, state="Z")))["one-live-task"].holds is True

    def test_none(self) -> None:
        none = replace(HANG, tasks=tuple(task for task in HANG.tasks if task.tid == INIT))
        assert checked(none)["one-live-task"] == Check(
            "one-live-task", "exactly one live task remains beside init", False, "none"
        )


class TestFlush:
    def test_in_a_system_call_and_not_in_the_exit(self) -> None:
        checks = checked(stuck_in_call(HANG, STUCK))
        assert checks["flush-in-exit"].holds is False
        assert checks["sigkill-futile"].holds is False

    def test_another_request_below_the_exit(self) -> None:
        """The release of a mapping can send one too: it is no FLUSH."""
        stack = ("request_wait_answer+0x1/0x2", "fuse_writepages+0x1/0x2", "exit_mm+0x1/0x2", "do_exit+0x1/0x2")
        assert checked(with_task(HANG, STUCK, stack=stack))["flush-in-exit"].holds is False

    def test_without_root_in_a_system_call(self) -> None:
        assert checked(unprivileged(stuck_in_call(HANG, STUCK)))["flush-in-exit"].holds is False

    def test_without_root_an_exiting_task_whose_table_is_whole(self) -> None:
        assert checked(unprivileged(with_task(HANG, STUCK, fd_slots=64)))["flush-in-exit"].holds is False

    def test_no_task_is_stuck(self) -> None:
        idle = with_task(HANG, STUCK, stack=("submit_bio_wait+0x1/0x2",), wchan="submit_bio_wait")
        lines = holds(idle)
        assert (lines["leader-zombie"], lines["flush-in-exit"], lines["sigkill-futile"]) == (False, False, False)

    def test_stuck_on_one_of_two_connections_is_stuck(self) -> None:
        """The points that cannot be told; that it sleeps in the exit's own FLUSH is in its stack."""
        two = with_connection(replace(HANG, mounts=(), claims=()), 50, 1)
        assert judge(resting(two)).connection is None
        assert holds(two) == ALL_HOLD


class TestSigkill:
    @pytest.mark.parametrize(
        ("pending", "shared", "expected"), [(0x100, 0, True), (0, 0x100, True), (0, 0, False), (0x200, 0x4000, False)]
    )
    def test_in_either_mask(self, pending: int, shared: int, expected: bool) -> None:
        snapshot = with_task(HANG, STUCK, pending=pending, shared_pending=shared)
        assert checked(snapshot)["sigkill-futile"].holds is expected


@pytest.mark.parametrize(
    ("entry", "expected", "evidence"),
    [
        (None, None, "not tried"),
        (Entry(errno.EPERM, None), None, "setns fails: EPERM"),
        (Entry(0, 0), False, "setns succeeds, and fork too"),
        (Entry(0, errno.ENOMEM), True, "setns succeeds, fork fails with ENOMEM"),
        (Entry(0, errno.EAGAIN), False, "setns succeeds, fork fails with EAGAIN"),
        (Entry(0, 9999), False, "setns succeeds, fork fails with 9999"),
    ],
)
def test_entering(entry: Entry | None, expected: bool | None, evidence: str) -> None:
    check = checked(HANG, entry)["no-entry"]
    assert (check.holds, check.evidence) == (expected, evidence)
