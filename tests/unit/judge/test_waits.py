"""Why a task does not run: each reason by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.judge.waitgraph import build, explain
from harness.judge.waits import WAITING_CONNECTIONS, View, Wait, connection_id, task_id
from harness.model.records import Need, Progress, Snapshot, Strength, Task
from tests.unit.records import (
    CONNECTION,
    HANG,
    INIT,
    LEADER,
    STUCK,
    exiting,
    killed,
    recorded,
    sleeper,
    stuck_in_call,
    unprivileged,
    with_connection,
    with_inside,
    with_others,
    with_task,
)


def _explained(tid: int, snapshot: Snapshot = HANG) -> Wait:
    view = View(snapshot)
    return explain(view.by_tid[tid], view)


def _targets(wait: Wait) -> set[str]:
    return {each.target for each in wait.targets}


def _waiting_connections(snapshot: Snapshot) -> set[str]:
    return {edge.target for edge in build(snapshot).targets(WAITING_CONNECTIONS)}


def test_init_waits_for_all_other_processes_of_its_namespace() -> None:
    wait = _explained(INIT, with_inside(HANG, sleeper(9001), sleeper(9002)))
    assert (wait.need, wait.progress) == (Need.ALL, Progress.WAITS)
    assert _targets(wait) == {task_id(LEADER), task_id(9001), task_id(9002)}
    assert {each.strength for each in wait.targets} == {Strength.OBSERVED}


def test_init_of_a_user_without_root_is_known_by_its_exit_and_its_wait_channel() -> None:
    wait = _explained(INIT, unprivileged(HANG))
    assert (wait.need, wait.progress) == (Need.ALL, Progress.WAITS)
    assert {each.strength for each in wait.targets} == {Strength.DERIVED}


def test_init_may_sleep_in_the_zap_itself() -> None:
    """When the last task came in by setns and its parent is outside, there is no child to wait for."""
    zap = with_task(HANG, INIT, stack=("zap_pid_ns_processes+0x1/0x2", "do_exit+0x1/0x2"), wchan="zap_pid_ns_processes")
    assert _targets(_explained(INIT, zap)) == {task_id(LEADER)}
    assert _targets(_explained(INIT, unprivileged(zap))) == {task_id(LEADER)}


def test_init_that_exits_somewhere_else_is_not_in_the_zap() -> None:
    wait = _explained(INIT, with_task(HANG, INIT, stack=("exit_mm+0x1/0x2", "do_exit+0x1/0x2"), state="D"))
    assert (wait.progress, wait.targets) == (Progress.UNKNOWN, ())


def test_init_that_waits_elsewhere_in_its_exit_is_not_in_the_zap() -> None:
    """The wait channel alone decides only where the stack may not be read."""
    wait = _explained(INIT, with_task(HANG, INIT, stack=("do_wait+0x1/0x2", "kernel_wait4+0x1/0x2", "do_exit+0x1/0x2")))
    assert (wait.progress, wait.targets) == (Progress.UNKNOWN, ())


def test_without_root_an_init_that_lives_is_not_in_the_zap() -> None:
    """Most of them sleep in do_wait() all their life."""
    wait = _explained(INIT, unprivileged(recorded("exit-flush-self")[0]))
    assert (wait.progress, wait.targets) == (Progress.OUTSIDE, ())


def test_a_zombie_leader_without_a_live_thread_is_reaped() -> None:
    wait = _explained(LEADER, with_task(HANG, STUCK, state="Z", stack=None, wchan=None))
    assert (wait.progress, wait.targets) == (Progress.RUNS, ())


def test_a_zombie_leader_waits_for_its_live_threads() -> None:
    wait = _explained(LEADER)
    assert (wait.need, wait.progress, _targets(wait)) == (Need.ALL, Progress.WAITS, {task_id(STUCK)})


def test_a_zombie_below_the_exiting_init_is_reaped_at_once() -> None:
    wait = _explained(9001, with_inside(HANG, exiting(sleeper(9001), state="Z", stack=None, wchan=None)))
    assert (wait.progress, wait.targets) == (Progress.RUNS, ())


def test_a_zombie_waits_for_its_parent_inside() -> None:
    zombie = sleeper(9002, state="Z", ppid=9001, stack=None, wchan=None)
    snapshot = with_inside(HANG, sleeper(9001))
    wait = _explained(9002, replace(snapshot, tasks=(*snapshot.tasks, zombie)))
    assert (wait.progress, _targets(wait)) == (Progress.WAITS, {task_id(9001)})


def test_a_zombie_waits_for_its_tracer_before_its_parent() -> None:
    zombie = sleeper(9002, state="Z", tracer=8000, stack=None, wchan=None)
    snapshot = with_others(with_inside(HANG, zombie), sleeper(8000, comm="gdb"))
    wait = _explained(9002, snapshot)
    assert (wait.progress, _targets(wait)) == (Progress.WAITS, {task_id(8000)})
    assert "tracer 8000" in wait.why


def test_a_zombie_whose_parent_was_not_seen_hangs_on_the_outside() -> None:
    zombie = sleeper(9002, state="Z", ppid=8000, stack=None, wchan=None)
    wait = _explained(9002, replace(HANG, tasks=(*HANG.tasks, zombie)))
    assert (wait.progress, wait.targets) == (Progress.OUTSIDE, ())


def test_the_stuck_thread_waits_for_the_connection_of_its_mount_namespace() -> None:
    wait = _explained(STUCK, with_connection(HANG, 50, 3, "another"))
    assert (wait.need, wait.progress) == (Need.ANY, Progress.WAITS)
    ((target, strength),) = [(each.target, each.strength) for each in wait.targets]
    assert (target, strength) == (connection_id(CONNECTION), Strength.DERIVED)


def test_without_mountinfo_every_connection_that_waits_is_kept_as_an_assumption() -> None:
    snapshot = with_connection(with_connection(replace(HANG, mounts=(), claims=()), 50, 3), 51, 0)
    (target,) = _explained(STUCK, snapshot).targets
    assert (target.target, target.strength) == (WAITING_CONNECTIONS, Strength.ASSUMED)
    assert _waiting_connections(snapshot) == {connection_id(CONNECTION), connection_id(50)}


def test_a_waiting_count_that_cannot_be_read_rules_nothing_out() -> None:
    snapshot = with_connection(replace(HANG, mounts=(), claims=()), 50, None)
    assert _waiting_connections(snapshot) == {connection_id(CONNECTION), connection_id(50)}


def test_without_any_connection_that_waits_the_reason_is_unknown() -> None:
    idle = replace(HANG, connections=tuple(replace(each, waiting=0) for each in HANG.connections))
    assert _explained(STUCK, idle).progress is Progress.UNKNOWN


def test_a_request_of_a_task_that_nobody_killed_waits_for_the_answer_too() -> None:
    """A SIGKILL might end its wait, but would make it answer nobody."""
    alive = sleeper(9001, state="D", stack=("request_wait_answer+0x1/0x2", "fuse_flush+0x1/0x2"))
    assert _explained(9001, with_inside(HANG, alive)).progress is Progress.WAITS


def test_a_killed_task_leaves_the_interruptible_wait_but_not_the_exits_own() -> None:
    """request_wait_answer() sleeps interruptibly first; an exiting task gets no signal that could end that."""
    in_call = with_task(stuck_in_call(HANG, STUCK), STUCK, state="S")
    assert _explained(STUCK, in_call).progress is Progress.RUNS
    assert _explained(STUCK, with_task(HANG, STUCK, state="S", shared_pending=0)).progress is Progress.WAITS


def test_a_killed_task_in_a_call_sleeps_on_in_state_d() -> None:
    assert _explained(STUCK, stuck_in_call(HANG, STUCK)).progress is Progress.WAITS


STOPPED_TASK = sleeper(9001, state="T", stack=("do_signal_stop+0x1/0x2",), wchan="do_signal_stop")


@pytest.mark.parametrize(
    ("task", "progress"),
    [
        (sleeper(9001), Progress.OUTSIDE),
        (sleeper(9001, state="D"), Progress.OUTSIDE),
        (killed(sleeper(9001)), Progress.RUNS),
        (killed(sleeper(9001, state="I")), Progress.RUNS),
        (killed(sleeper(9001, state="D")), Progress.UNKNOWN),
        (exiting(sleeper(9001)), Progress.UNKNOWN),
        (exiting(sleeper(9001, state="R")), Progress.RUNS),
        (killed(sleeper(9001, state="R")), Progress.RUNS),
        (STOPPED_TASK, Progress.OUTSIDE),
        (replace(STOPPED_TASK, state="t"), Progress.OUTSIDE),
        (killed(STOPPED_TASK), Progress.RUNS),
        (exiting(STOPPED_TASK), Progress.UNKNOWN),
    ],
    ids=[
        "sleeps",
        "sleeps in D",
        "killed in S",
        "killed in I",
        "killed in D",
        "exiting in S",
        "exiting and runs",
        "killed and runs",
        "stopped",
        "traced",
        "stopped and killed",
        "stopped in its exit",
    ],
)
def test_what_a_state_alone_says(task: Task, progress: Progress) -> None:
    assert _explained(9001, with_inside(HANG, task)).progress is progress


def test_a_task_that_its_cgroup_keeps_frozen_can_be_thawed() -> None:
    """cgroup v1's freezer holds it with a SIGKILL pending, in a stack that says nothing of it."""
    frozen = killed(sleeper(9001, state="D", frozen="/run/x"))
    wait = _explained(9001, with_inside(HANG, frozen))
    assert wait.progress is Progress.OUTSIDE
    assert "/run/x" in wait.why
    thawed = killed(sleeper(9001, state="S"))
    assert _explained(9001, with_inside(HANG, thawed)).progress is Progress.RUNS


INNER = exiting(
    sleeper(
        9001,
        pid_ns=4026539999,
        ns_tids=(9001, 7, 1),
        stack=("do_wait+0x1/0x2", "kernel_wait4+0x1/0x2", "zap_pid_ns_processes+0x1/0x2", "do_exit+0x1/0x2"),
    )
)
"""The init of a PID namespace inside of the one that dies."""


def _nested(*below: Task) -> Snapshot:
    tasks = tuple(replace(task, ppid=INNER.tid, pid_ns=INNER.pid_ns) for task in below)
    snapshot = with_inside(HANG, INNER)
    inner = replace(INNER, ppid=INIT)
    return replace(snapshot, tasks=(*(task for task in snapshot.tasks if task.tid != INNER.tid), inner, *tasks))


def test_the_init_of_a_nested_namespace_waits_for_those_below_it_alone() -> None:
    snapshot = _nested(sleeper(9002), sleeper(9003))
    deeper = replace(sleeper(9004), ppid=9003, pid_ns=4026538888)
    wait = _explained(INNER.tid, replace(snapshot, tasks=(*snapshot.tasks, deeper)))
    assert (wait.need, wait.progress) == (Need.ALL, Progress.WAITS)
    assert _targets(wait) == {task_id(9002), task_id(9003), task_id(9004)}


def test_a_zombie_is_reaped_at_once_by_a_nested_init_in_its_zap() -> None:
    assert _explained(9002, _nested(sleeper(9002, state="Z"))).progress is Progress.RUNS


def test_a_process_is_no_init_because_it_exits() -> None:
    alone = replace(INNER, ns_tids=(9001, 7))
    assert _explained(alone.tid, with_inside(HANG, alone)).progress is Progress.UNKNOWN
