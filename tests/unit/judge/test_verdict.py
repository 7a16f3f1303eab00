"""The verdict, on recorded hangs and on their neighbours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.judge.verdict import judge, stuck_task
from harness.model.holders import Awaited, Relative
from harness.model.records import Connection, Mount, Outcome, Proof, Snapshot, Verdict
from tests.unit.records import (
    CONNECTION,
    HANG,
    IN_FLIGHT,
    INIT,
    KERNELS,
    LEADER,
    SERVER,
    STARVED,
    STARVED_CONNECTION,
    STOPPED,
    STUCK,
    exiting,
    killed,
    on_kernel,
    recorded,
    resting,
    sleeper,
    stuck_in_call,
    unprivileged,
    with_connection,
    with_device,
    with_inside,
    with_others,
    with_task,
    without_claims,
)

DEAD = (f"task:{INIT}", f"task:{LEADER}", f"task:{STUCK}", f"connection:{CONNECTION}")


def judged(snapshot: Snapshot) -> Verdict:
    """As it is judged when nothing has run between two looks at it."""
    return judge(resting(snapshot))


def words(verdict: Verdict) -> str:
    return "\n".join(verdict.reasons)


class TestRecorded:
    @pytest.mark.parametrize(
        ("name", "outcome"),
        [
            ("exit-flush-self", Outcome.DEADLOCK),
            ("exit-flush-peer-outside", Outcome.STARVED),
            ("server-stopped", Outcome.STARVED),
            ("healthy", Outcome.RELEASED),
        ],
    )
    def test_outcome(self, name: str, outcome: Outcome) -> None:
        assert judge(recorded(name)).outcome is outcome

    def test_the_deadlock(self) -> None:
        verdict = judge(recorded("exit-flush-self"))
        assert verdict.dead == DEAD
        assert verdict.blockers == ()
        assert verdict.connection == CONNECTION
        assert len(verdict.snapshots) == 2
        assert f"python {STUCK}, connection {CONNECTION}" in words(verdict)
        stuck = stuck_task(verdict)
        assert stuck is not None
        assert stuck.tid == STUCK

    def test_the_armed_snapshot_alone(self) -> None:
        verdict = judge(recorded("exit-flush-self")[:1])
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert "not exiting" in words(verdict)

    def test_the_starved_name_who_could_end_it(self) -> None:
        verdict = judge(recorded("exit-flush-peer-outside"))
        assert verdict.connection == STARVED_CONNECTION
        assert f"python {SERVER} (and 3 more threads) could still end it" in words(verdict)
        assert f"task:{SERVER}" in verdict.blockers

    def test_a_stopped_server_can_be_continued(self) -> None:
        assert "stopped, and can be continued" in words(judged(STOPPED))

    def test_the_released_rests_on_the_last_snapshot_alone(self) -> None:
        verdict = judge(recorded("healthy"))
        assert (verdict.graph, verdict.dead, len(verdict.snapshots)) == (None, (), 1)


class TestKernels:
    @pytest.mark.parametrize("kernel", KERNELS)
    def test_deadlock(self, kernel: str) -> None:
        verdict = judged(on_kernel(HANG, kernel))
        assert (verdict.outcome, verdict.dead) == (Outcome.DEADLOCK, DEAD)

    @pytest.mark.parametrize("kernel", KERNELS)
    def test_deadlock_that_another_program_made(self, kernel: str) -> None:
        assert judged(without_claims(on_kernel(HANG, kernel))).outcome is Outcome.DEADLOCK

    @pytest.mark.parametrize("kernel", KERNELS)
    @pytest.mark.parametrize("snapshot", [STARVED, STOPPED], ids=["silent", "stopped"])
    def test_starved(self, snapshot: Snapshot, kernel: str) -> None:
        assert judged(on_kernel(snapshot, kernel)).outcome is Outcome.STARVED

    @pytest.mark.parametrize("kernel", KERNELS)
    @pytest.mark.parametrize("snapshot", [STARVED, STOPPED], ids=["silent", "stopped"])
    def test_starved_by_another_programs_server(self, snapshot: Snapshot, kernel: str) -> None:
        assert judged(without_claims(on_kernel(snapshot, kernel))).outcome is Outcome.STARVED

    @pytest.mark.parametrize("kernel", KERNELS)
    def test_without_root(self, kernel: str) -> None:
        dead, starved = judged(unprivileged(on_kernel(HANG, kernel))), judged(unprivileged(on_kernel(STARVED, kernel)))
        assert (dead.outcome, dead.dead) == (Outcome.DEADLOCK, DEAD)
        assert starved.outcome is Outcome.STARVED
        assert (dead.proof, dead.conditions) == (Proof.COMPLETE, ())
        foreign = judged(replace(unprivileged(on_kernel(without_claims(HANG), kernel)), relatives=()))
        assert (foreign.outcome, foreign.proof) == (Outcome.DEADLOCK, Proof.CONDITIONAL)
        assert "the waiting requests of the connections" in "\n".join(foreign.conditions)


class TestStability:
    def test_one_snapshot_proves_nothing(self) -> None:
        for snapshot in (HANG, STARVED):
            verdict = judge((snapshot,))
            assert verdict.outcome is Outcome.INCONCLUSIVE
            assert verdict.reasons == ("one snapshot alone proves nothing",)

    @pytest.mark.parametrize("tid", [INIT, LEADER, STUCK])
    @pytest.mark.parametrize(
        "changes",
        [
            {"switches": 99},
            {"start_time": 1},
            {"state": "R"},
            {"stack": ("schedule+0x1/0x2",)},
            {"wchan": "schedule"},
        ],
        ids=lambda changes: next(iter(changes)),
    )
    def test_a_task_that_ran_in_between(self, tid: int, changes: dict[str, Any]) -> None:
        before, now = resting(HANG)
        verdict = judge((with_task(before, tid, **changes), now))
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert verdict.reasons == (f"task {tid} ran between the snapshots",)

    def test_a_task_that_came_in_between(self) -> None:
        before, now = resting(HANG)
        before = replace(before, tasks=tuple(task for task in before.tasks if task.tid != STUCK))
        assert judge((before, now)).outcome is Outcome.INCONCLUSIVE

    def test_a_task_that_had_nothing_to_do_with_it_may_run(self) -> None:
        before, now = resting(with_others(HANG, sleeper(9000)))
        assert judge((with_task(before, 9000, switches=1), now)).outcome is Outcome.DEADLOCK

    def test_rest_cannot_be_told_without_the_counts_of_switches(self) -> None:
        verdict = judged(with_task(HANG, STUCK, switches=None))
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert verdict.reasons == (f"the context switches of task {STUCK} cannot be read",)

    def test_the_earlier_snapshot_must_hold_the_same_deadlock(self) -> None:
        """Nobody ran, and yet a live process showed the device before: it may have passed it on."""
        before, now = resting(HANG)
        verdict = judge((with_device(with_others(before, sleeper(9000)), 9000, CONNECTION), now))
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert verdict.reasons == ("the earlier snapshot does not hold the same deadlock",)

    def test_only_the_last_two_count(self) -> None:
        assert judge((STARVED, *resting(HANG))).outcome is Outcome.DEADLOCK
        assert judge((*resting(HANG), recorded("healthy")[-1])).outcome is Outcome.RELEASED

    def test_a_starved_task_must_rest_too(self) -> None:
        before, now = resting(STARVED)
        stuck = next(task for task in now.tasks if "request_wait_answer" in task.functions)
        verdict = judge((with_task(before, stuck.tid, switches=0), now))
        assert verdict.outcome is Outcome.INCONCLUSIVE

    def test_the_server_outside_need_not_rest(self) -> None:
        before, now = resting(STARVED)
        assert judge((with_task(before, SERVER, switches=0), now)).outcome is Outcome.STARVED


class TestNamespace:
    def test_released_when_only_zombies_are_left(self) -> None:
        zombies = replace(HANG, tasks=tuple(replace(task, state="Z", stack=None) for task in HANG.tasks))
        assert judge((zombies,)).outcome is Outcome.RELEASED

    def test_released_when_nothing_is_left(self) -> None:
        assert judge((replace(HANG, tasks=()),)).outcome is Outcome.RELEASED

    def test_not_released_while_a_task_lives_whose_init_was_not_seen(self) -> None:
        orphaned = replace(HANG, tasks=tuple(task for task in HANG.tasks if task.tid != INIT))
        assert judged(orphaned).outcome is Outcome.INCONCLUSIVE

    def test_an_init_that_is_not_exiting(self) -> None:
        alive = with_task(HANG, INIT, flags=0x400140, shared_pending=0)
        verdict = judged(alive)
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert f"init {INIT} is not exiting" in words(verdict)

    def test_another_task_stuck_for_an_unknown_reason_does_not_undo_the_proof(self) -> None:
        """init waits for ALL: one that never ends is enough, whatever the others do."""
        disk = killed(sleeper(9001, state="D", stack=("io_schedule+0x1/0x2", "submit_bio_wait+0x1/0x2")))
        assert judged(with_inside(HANG, disk)).outcome is Outcome.DEADLOCK

    @pytest.mark.parametrize(
        ("frame", "whom"), [("submit_bio_wait", "a disk"), ("rpc_wait_bit_killable", "an NFS server")]
    )
    def test_a_task_that_waits_for_something_beyond_the_machine_is_starved(self, frame: str, whom: str) -> None:
        verdict = judged(with_task(HANG, STUCK, stack=(f"{frame}+0x1/0x2", "do_exit+0x1/0x2"), wchan=frame))
        assert verdict.outcome is Outcome.STARVED
        assert f"it waits for {whom}" in words(verdict)

    def test_a_task_stuck_for_an_unknown_reason_is_no_deadlock(self) -> None:
        frame = "a_name_never_heard_of"
        verdict = judged(with_task(HANG, STUCK, stack=(f"{frame}+0x1/0x2", "do_exit+0x1/0x2"), wchan=frame))
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert "a reason that is not known here" in words(verdict)

    def test_a_zombie_that_its_tracer_does_not_reap_is_starved(self) -> None:
        """The same stack of init, and no FUSE at all."""
        zombie = exiting(sleeper(9001, state="Z", tracer=8000, stack=None, wchan=None))
        init = replace(HANG, tasks=tuple(task for task in HANG.tasks if task.tid == INIT), mounts=(), connections=())
        verdict = judged(with_others(with_inside(init, zombie), sleeper(8000, comm="tracer")))
        assert verdict.outcome is Outcome.STARVED
        assert "tracer 8000 could still end it" in words(verdict)

    def test_a_task_on_its_way_out_is_waited_for(self) -> None:
        init = replace(HANG, tasks=tuple(task for task in HANG.tasks if task.tid == INIT))
        for task in (exiting(sleeper(9001, state="R")), killed(sleeper(9001))):
            assert judged(with_inside(init, task)).outcome is Outcome.INCONCLUSIVE


def second_waiter(snapshot: Snapshot, tid: int) -> Snapshot:
    """One more thread of the stuck process, waiting just as the first one does."""
    first = next(task for task in snapshot.tasks if "request_wait_answer" in task.functions)
    return replace(snapshot, tasks=(*snapshot.tasks, replace(first, tid=tid)))


class TestWhoCanAnswer:
    def test_a_diamond_of_two_threads_on_a_living_server(self) -> None:
        verdict = judged(second_waiter(STARVED, 9001))
        assert (verdict.outcome, verdict.dead) == (Outcome.STARVED, ())

    def test_two_threads_on_a_dead_server(self) -> None:
        """Each of them may own the device, and neither can drop it."""
        verdict = judged(second_waiter(HANG, 9001))
        assert verdict.outcome is Outcome.DEADLOCK
        assert set(verdict.dead) == {*DEAD, "task:9001"}

    def test_one_of_two_holders_lives(self) -> None:
        snapshot = with_device(stuck_in_call(HANG, STUCK), LEADER, CONNECTION)
        assert judged(snapshot).outcome is Outcome.DEADLOCK
        shared = with_device(with_others(snapshot, sleeper(9000)), 9000, CONNECTION)
        verdict = judged(shared)
        assert (verdict.outcome, verdict.blockers) == (Outcome.STARVED, ("task:9000",))

    def test_the_server_hangs_in_its_own_close(self) -> None:
        """Killed in a system call, not in its exit: its table is whole and shows the device."""
        snapshot = with_device(stuck_in_call(HANG, STUCK), LEADER, CONNECTION)
        assert judged(snapshot).outcome is Outcome.DEADLOCK

    def test_a_stranger_inherited_the_device(self) -> None:
        """It will never answer, but its exit would end the connection."""
        stranger = sleeper(9000, comm="sleep", stack=("hrtimer_nanosleep+0x1/0x2",))
        verdict = judged(with_device(with_others(HANG, stranger), 9000, CONNECTION))
        assert verdict.outcome is Outcome.STARVED
        assert "sleep 9000 could still end it" in words(verdict)

    def test_a_stranger_with_another_connections_device_is_nothing_to_us(self) -> None:
        snapshot = with_connection(with_device(with_others(HANG, sleeper(9000)), 9000, 50), 50, 0)
        assert judged(snapshot).outcome is Outcome.DEADLOCK

    def test_a_holder_of_which_no_task_was_seen(self) -> None:
        """Somebody has the device; that the record lacks its tasks is no proof that it is dead."""
        assert judged(with_device(HANG, 9000, CONNECTION)).outcome is not Outcome.DEADLOCK

    def test_the_device_is_on_its_way_through_a_socket(self) -> None:
        snapshot = replace(with_others(without_claims(HANG), sleeper(9000)), holders=(IN_FLIGHT,))
        assert judged(snapshot).outcome is Outcome.STARVED

    def test_a_server_that_runs_is_slow_and_not_dead(self) -> None:
        busy = with_task(STARVED, SERVER, state="R", stack=(), wchan=None)
        assert judged(busy).outcome is not Outcome.DEADLOCK

    def test_a_live_server_that_spins_starves_the_namespace(self) -> None:
        """It lives outside, was not killed, and could answer: state R is no sign that the namespace is on its way."""
        assert judged(with_task(STARVED, SERVER, state="R", stack=(), wchan=None)).outcome is Outcome.STARVED

    def test_an_exiting_task_elsewhere_may_still_own_the_device(self) -> None:
        maybe = exiting(sleeper(9000, fd_slots=0, state="R", stack=(), wchan=None))
        verdict = judged(with_others(replace(HANG, claims=()), maybe))
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert "9000" in words(verdict)
        claimed = judged(with_others(HANG, maybe))
        assert claimed.outcome is Outcome.DEADLOCK
        assert claimed.proof is Proof.COMPLETE

    def test_an_exiting_task_elsewhere_that_is_stuck_may_still_own_the_device(self) -> None:
        maybe = exiting(sleeper(9000, fd_slots=None, state="D", stack=("submit_bio_wait+0x1/0x2",)))
        assert judged(with_others(replace(HANG, claims=()), maybe)).outcome is Outcome.STARVED

    def test_a_connection_that_is_gone(self) -> None:
        """The wait is over, the task has not woken yet."""
        before, now = resting(HANG)
        assert judge((before, replace(now, connections=()))).outcome is Outcome.INCONCLUSIVE
        assert judge((replace(before, connections=()), now)).outcome is Outcome.INCONCLUSIVE

    def test_a_connection_whose_request_has_been_answered(self) -> None:
        before, now = resting(HANG)
        answered = tuple(replace(each, waiting=0) for each in now.connections)
        assert judge((before, replace(now, connections=answered))).outcome is Outcome.INCONCLUSIVE


def two_mounts(snapshot: Snapshot) -> Snapshot:
    """The stuck task sees a second FUSE mount, on which a request waits as well."""
    second = Mount(50, "sshfs", "/mnt/ssh", STUCK)
    return with_connection(replace(snapshot, mounts=(*snapshot.mounts, second)), 50, 1, "sshfs")


class TestTwoConnections:
    def test_the_other_ones_server_lives(self) -> None:
        """The request may be that server's to answer."""
        verdict = judged(with_device(with_others(two_mounts(without_claims(HANG)), sleeper(9000)), 9000, 50))
        assert (verdict.outcome, verdict.connection) == (Outcome.STARVED, None)

    def test_neither_has_a_server(self) -> None:
        """Whichever it is, nobody answers; the proof says that it rests on both."""
        verdict = judged(two_mounts(without_claims(HANG)))
        assert verdict.outcome is Outcome.DEADLOCK
        assert verdict.connection is None
        assert "one of 2 connections" in words(verdict)

    def test_a_mount_without_waiting_requests_does_not_count(self) -> None:
        quiet = replace(two_mounts(HANG), connections=(Connection(CONNECTION, 1), Connection(50, 0)))
        verdict = judged(with_device(with_others(quiet, sleeper(9000)), 9000, 50))
        assert (verdict.outcome, verdict.connection) == (Outcome.DEADLOCK, CONNECTION)


def with_virtiofs(snapshot: Snapshot, waiting: int) -> Snapshot:
    """This machine is a virtual one, and has its root from its host."""
    return replace(snapshot, connections=(*snapshot.connections, Connection(30, waiting, None, virtiofs=True)))


class TestVirtiofs:
    def test_at_rest_it_does_not_matter(self) -> None:
        verdict = judged(with_virtiofs(HANG, 0))
        assert (verdict.outcome, verdict.connection) == (Outcome.DEADLOCK, CONNECTION)

    def test_a_request_that_may_be_on_it_can_be_answered_by_the_host(self) -> None:
        verdict = judged(with_virtiofs(without_claims(HANG), 1))
        assert (verdict.outcome, verdict.connection) == (Outcome.STARVED, None)
        assert "connection:30" in verdict.blockers


OLD = without_claims(on_kernel(HANG, "6.1"))


class TestUnnamedDevices:
    """On kernels whose fdinfo does not name the connection."""

    def test_the_launcher_knows_whose_its_devices_are(self) -> None:
        old = on_kernel(HANG, "6.1")
        verdict = judged(with_device(with_others(old, sleeper(9000)), 9000, None))
        assert (verdict.outcome, verdict.proof) == (Outcome.DEADLOCK, Proof.COMPLETE)

    def test_a_stranger_of_whom_nobody_knows_the_relations(self) -> None:
        verdict = judged(with_device(with_others(OLD, sleeper(9000)), 9000, None))
        assert (verdict.outcome, verdict.blockers) == (Outcome.STARVED, ("task:9000",))
        assert "the kernel does not say whose" in words(verdict)
        assert "stranger 9000 could still end it" in words(verdict)

    def test_another_connection_uses_up_no_device(self) -> None:
        """It may be a dead mount, which has none."""
        snapshot = with_connection(with_device(with_others(OLD, sleeper(9000)), 9000, None), 50, 0, "sshfs")
        assert judged(snapshot).outcome is Outcome.STARVED

    def test_a_relative(self) -> None:
        related = replace(OLD, relatives=(Relative(9000, 100, "an ancestor"),))
        assert judged(with_device(with_others(related, sleeper(9000)), 9000, None)).outcome is Outcome.STARVED

    def test_a_stranger_to_whom_no_way_leads_is_a_condition(self) -> None:
        snapshot = with_device(with_others(replace(OLD, relatives=()), sleeper(9000)), 9000, None)
        verdict = judged(snapshot)
        assert (verdict.outcome, verdict.proof) == (Outcome.DEADLOCK, Proof.CONDITIONAL)
        assert "1 process(es) with a FUSE device serve other connections" in "\n".join(verdict.conditions)
        (mount,) = (each for each in snapshot.mounts if each.seen_by == STUCK)
        sees = replace(snapshot, mounts=(*snapshot.mounts, replace(mount, seen_by=9000)))
        assert judged(sees).outcome is Outcome.STARVED

    def test_the_server_hangs_in_its_own_close(self) -> None:
        snapshot = with_device(stuck_in_call(OLD, STUCK), LEADER, None)
        assert judged(snapshot).outcome is Outcome.DEADLOCK


class TestHiddenReferences:
    """References that no descriptor table shows: means and a way bar the proof, means alone are a condition."""

    FOREIGN = replace(without_claims(HANG), relatives=())

    def test_means_and_a_way(self) -> None:
        verdict = judged(replace(with_others(self.FOREIGN, sleeper(9000)), holders=(IN_FLIGHT,)))
        assert verdict.outcome is Outcome.STARVED
        assert "1 open file(s) in flight on its socket" in words(verdict)

    def test_means_without_a_way(self) -> None:
        far = replace(IN_FLIGHT, way="")
        verdict = judged(replace(with_others(self.FOREIGN, sleeper(9000)), holders=(far,)))
        assert (verdict.outcome, verdict.proof) == (Outcome.DEADLOCK, Proof.CONDITIONAL)
        assert "stranger 9000" in "\n".join(verdict.conditions)

    def test_processes_that_cannot_be_seen_bar_it(self) -> None:
        blind = replace(self.FOREIGN, invisible=("processes outside of the PID namespace",))
        verdict = judged(blind)
        assert verdict.outcome is Outcome.INCONCLUSIVE
        assert "processes outside of the PID namespace" in words(verdict)
        assert judged(replace(HANG, invisible=blind.invisible)).proof is Proof.COMPLETE, "the launcher knows its own"

    def test_a_live_server_is_starved_whatever_cannot_be_seen(self) -> None:
        assert judged(replace(without_claims(STARVED), invisible=("others",))).outcome is Outcome.STARVED

    def test_a_request_timeout_ends_the_wait(self) -> None:
        verdict = judged(replace(self.FOREIGN, request_timeout=15))
        assert verdict.outcome is Outcome.STARVED
        assert "after 15 s" in words(verdict)

    def test_a_timeout_that_a_server_may_have_negotiated_is_a_condition(self) -> None:
        assert any("request timeout" in each for each in judged(replace(self.FOREIGN, request_timeout=0)).conditions)
        assert not any("request timeout" in each for each in judged(self.FOREIGN).conditions)

    def test_the_first_look_shows_an_instant_at_which_nobody_had_the_device(self) -> None:
        before, now = resting(self.FOREIGN)
        why = ("processes 9000, 9001 ran",)
        unsettled = judge((replace(before, unsettled=why), now))
        assert (unsettled.outcome, unsettled.reasons) == (Outcome.INCONCLUSIVE, why)
        assert judge((before, replace(now, unsettled=why))).outcome is Outcome.DEADLOCK, "they had none before"


class TestWhichConnection:
    """Nothing is concluded from the mounts that a task sees, unless the counts agree."""

    FOREIGN = replace(without_claims(HANG), relatives=())

    def test_another_waits_on_the_mount_that_it_sees(self) -> None:
        """One request, two tasks that see the mount: one of them waits for something that it does not see."""
        client = sleeper(9000, stack=("request_wait_answer+0x1/0x2", "fuse_lookup_name+0x1/0x2"))
        seen = Mount(CONNECTION, "fakefs", "/mnt", 9000)
        both = with_others(replace(self.FOREIGN, mounts=(*self.FOREIGN.mounts, seen)), client)
        assert judged(both).outcome is Outcome.INCONCLUSIVE or judged(both).outcome is Outcome.DEADLOCK
        lively = with_device(with_others(with_connection(both, 50, 1), sleeper(9001)), 9001, 50)
        assert judged(lively).outcome is Outcome.STARVED

    def test_the_descriptor_of_the_call_shows_it(self) -> None:
        lively = with_device(with_others(with_connection(self.FOREIGN, 50, 1), sleeper(9001)), 9001, 50)
        shown = replace(lively, awaited=(Awaited(STUCK, 50, "its call works on descriptor 3"),))
        verdict = judged(shown)
        assert (verdict.outcome, verdict.connection) == (Outcome.STARVED, 50)

    def test_a_request_that_nobody_explains_on_a_mount_that_nobody_sees(self) -> None:
        """As after `umount -l`: the task may wait for it."""
        lively = with_device(with_others(with_connection(self.FOREIGN, 50, 1), sleeper(9001)), 9001, 50)
        assert judged(lively).outcome is Outcome.STARVED
        seen = Mount(50, "sshfs", "/mnt/ssh", 9001)
        assert judged(replace(lively, mounts=(*lively.mounts, seen))).outcome is Outcome.DEADLOCK


class TestStuckTask:
    def test_none_when_it_was_released(self) -> None:
        assert stuck_task(judge(recorded("healthy"))) is None

    def test_none_while_nothing_waits_for_a_connection(self) -> None:
        assert stuck_task(judge(recorded("healthy")[:1])) is None
