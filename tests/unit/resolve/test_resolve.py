"""Resolvers: choosing one, and its plan, which changes nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.guard.client import HeldConnection
from harness.judge.verdict import judge
from harness.linux.process import Process, Target
from harness.model.records import Snapshot
from harness.resolve import resolver
from harness.resolve.scene import Plan, Scene
from tests.unit.records import CONNECTION, HANG, INIT, STUCK, recorded, resting

NOBODY = 2**31 - 1
"""A number that no task has: what a plan reads in /proc must not be a stranger's."""


def elsewhere(snapshot: Snapshot) -> Snapshot:
    """The record with the stuck thread and its process under numbers that this machine does not use."""
    tasks = tuple(
        replace(task, tid=NOBODY if task.tid == STUCK else task.tid, tgid=NOBODY - 1 if task.tid != INIT else INIT)
        for task in snapshot.tasks
    )
    tasks = tuple(replace(task, tid=NOBODY - 1) if task.zombie else task for task in tasks)
    mounts = tuple(replace(each, seen_by=NOBODY) for each in snapshot.mounts)
    return replace(snapshot, tasks=tasks, mounts=mounts, claims=())


@pytest.fixture
def scene() -> Scene:
    verdict = judge(resting(elsewhere(HANG)))
    return Scene(
        verdict=verdict,
        target=Target(NOBODY, 1, HANG.pid_ns),
        connection=HeldConnection(CONNECTION, "fusezap-000000000000", "/run/x/mnt", NOBODY, abort=True, unmount=False),
        abort_fd=None,
        user_ns_of=None,
        server=None,
        control=Path("/run/x/control"),
    )


@pytest.fixture
def abort_file(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "abort", os.O_CREAT | os.O_RDWR)
    yield fd
    os.close(fd)


def planned(name: str, scene: Scene) -> Plan:
    return resolver.find(name).plan(scene)


NAMES = ("abort", "kill-server", "kill-tracer", "release", "thaw", "unmount")


def test_there_are_six() -> None:
    assert resolver.names() == NAMES


def test_find_refuses_an_unknown_name_with_those_near_it() -> None:
    with pytest.raises(UsageError) as caught:
        resolver.find("umount")
    first, second = str(caught.value).splitlines()
    assert first.startswith("unknown resolver 'umount'; near: unmount")
    assert second == f"there are: {', '.join(NAMES)}"


def test_find_knows_nothing_near() -> None:
    with pytest.raises(UsageError, match=r"^unknown resolver 'zzz'\nthere are: "):
        resolver.find("zzz")


@pytest.mark.parametrize("name", resolver.names())
def test_a_resolver_is_named_as_its_file_and_says_what_it_does(name: str) -> None:
    found = resolver.find(name)
    assert found.name == name
    assert found.summary


def test_abort(scene: Scene, abort_file: int) -> None:
    plan = planned("abort", replace(scene, abort_fd=abort_file))
    assert (plan.command, plan.obstacle) == (f"echo 1 > /sys/fs/fuse/connections/{CONNECTION}/abort", None)
    assert "ECONNABORTED" in plan.effect
    assert os.fstat(abort_file).st_size == 0


def test_abort_without_an_abort_file(scene: Scene) -> None:
    assert planned("abort", scene).obstacle == "no abort file could be opened here"


LIVING = Process.of(os.getpid())
DEAD = Process(NOBODY, 1)


@pytest.mark.parametrize("name", ["kill-server", "release"])
def test_what_needs_a_server_needs_a_living_one(name: str, scene: Scene) -> None:
    assert planned(name, replace(scene, server=LIVING)).obstacle is None
    for server in (None, DEAD, replace(LIVING, start_time=LIVING.start_time + 1)):
        obstacle = planned(name, replace(scene, server=server)).obstacle
        assert obstacle is not None
        assert "dead" in obstacle


def test_what_a_person_would_type(scene: Scene) -> None:
    lives = replace(scene, server=LIVING)
    assert planned("kill-server", lives).command == f"kill -KILL {os.getpid()}"
    assert planned("release", lives).command == f"{sys.executable} -m fakefs.ctl /run/x/control release all"
    unmount = planned("unmount", scene).command
    assert f"/proc/{NOBODY - 1}/task/{NOBODY}/ns/mnt" in unmount
    assert "/run/x/mnt" in unmount


def test_unmount_without_the_stuck_tasks_mounts(scene: Scene) -> None:
    obstacle = planned("unmount", scene).obstacle
    assert obstacle is not None
    assert obstacle.startswith(f"the mounts of task {NOBODY} cannot be read")


def test_unmount_without_a_stuck_task(scene: Scene) -> None:
    released = replace(scene, verdict=judge(recorded("healthy")))
    assert planned("unmount", released).obstacle == "no stuck task gives access to the mount namespace"


def test_unmount_where_the_mount_is_not_the_verdicts(scene: Scene) -> None:
    """The stuck task is this process, which does not see the mount."""
    stuck = scene.verdict.snapshots[-1].task(NOBODY)
    assert stuck is not None
    here = os.getpid()
    snapshots = tuple(
        replace(each, tasks=tuple(replace(t, tid=here, tgid=here) if t.tid == NOBODY else t for t in each.tasks))
        for each in scene.verdict.snapshots
    )
    assert scene.verdict.graph is not None
    edges = tuple(
        replace(each, waiter=each.waiter.replace(str(NOBODY), str(here))) for each in scene.verdict.graph.edges
    )
    graph = replace(scene.verdict.graph, edges=edges)
    mine = replace(scene, verdict=replace(scene.verdict, snapshots=snapshots, graph=graph))
    assert planned("unmount", mine).obstacle == f"/run/x/mnt is not mounted any more in the namespace of task {here}"


def test_an_obstacle_is_a_resolution_that_failed(scene: Scene) -> None:
    resolution = resolver.resolve(resolver.find("abort"), scene)
    assert (resolution.released, resolution.release_ms) == (False, None)
    assert resolution.detail == "no abort file could be opened here"


def test_an_init_that_is_gone_needs_no_act(scene: Scene, abort_file: int) -> None:
    resolution = resolver.resolve(resolver.find("abort"), replace(scene, abort_fd=abort_file))
    assert (resolution.released, resolution.release_ms) == (True, 0.0)
    assert os.fstat(abort_file).st_size == 0


class TestFutile:
    def test_both_are_there(self) -> None:
        assert [each.name for each in resolver.futiles()] == ["lazy-unmount", "sigkill"]

    def test_sigkill_goes_to_init_leader_and_thread(self, scene: Scene) -> None:
        (sigkill,) = [each for each in resolver.futiles() if each.name == "sigkill"]
        assert sigkill.plan(scene) == Plan(
            f"kill -KILL {NOBODY} {NOBODY - 1} {NOBODY}",
            "nothing: no signal is delivered to a task with PF_EXITING (wants_signal())",
        )

    def test_the_only_means_to_end_the_hang_is_not_taken_away(self, scene: Scene, abort_file: int) -> None:
        (lazy,) = [each for each in resolver.futiles() if each.name == "lazy-unmount"]
        attempt = resolver.attempt(lazy, scene)
        assert attempt.answer == "not tried: it would take away the only means to end the hang"
        assert not attempt.released
        with_abort = lazy.plan(replace(scene, abort_fd=abort_file))
        assert with_abort.obstacle is not None
        assert "cannot be read" in with_abort.obstacle
