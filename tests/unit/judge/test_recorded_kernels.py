"""Recordings of real kernels are judged as they were on the spot."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.judge.verdict import judge, stuck_task
from harness.model import recording
from harness.model.records import Outcome, Verdict
from tests.unit.records import DATA, recorded

OUTCOMES = {
    "exit-flush-self": Outcome.DEADLOCK,
    "exit-flush-peer-outside": Outcome.STARVED,
    "server-stopped": Outcome.STARVED,
    "healthy": Outcome.RELEASED,
    "exit-flush-voluntary": Outcome.DEADLOCK,
    "nested-fsync": Outcome.DEADLOCK,
    "exit-flush-nested-namespace": Outcome.DEADLOCK,
    "exit-flush-no-namespace": Outcome.DEADLOCK,
    "read-self": Outcome.DEADLOCK,
    "tracer-outside": Outcome.STARVED,
    "frozen-cgroup": Outcome.STARVED,
}
RECORDINGS = sorted(DATA.glob("*/*.json"))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_the_outcome_is_that_of_the_spot(path: Path) -> None:
    assert judge(recording.load(path.read_text(), str(path))).outcome is OUTCOMES[path.stem]


def test_on_6_1_no_descriptor_names_its_connection() -> None:
    """So the proof there rests on there being no device at all, and starvation on what the launcher knows."""
    hang = recording.load((DATA / "6.1/exit-flush-self.json").read_text(), "it")
    starved = recording.load((DATA / "6.1/exit-flush-peer-outside.json").read_text(), "it")
    assert hang[-1].devices == ()
    assert {device.connection for device in starved[-1].devices} == {None}
    stuck = stuck_task(judge(hang))
    assert stuck is not None
    assert stuck.functions[:3] == ("request_wait_answer", "fuse_simple_request", "fuse_flush")


def judged(name: str) -> Verdict:
    return judge(recorded(name))


def test_two_inits_are_in_the_zap_of_a_nested_namespace() -> None:
    verdict = judged("exit-flush-nested-namespace")
    assert verdict.graph is not None
    inits = [node for node in verdict.graph.nodes if "zap_pid_ns_processes" in node.why]
    assert len(inits) == 2
    assert all(node.id in verdict.dead for node in inits)


def test_a_process_alone_is_the_root_of_its_own_graph() -> None:
    verdict = judged("exit-flush-no-namespace")
    assert verdict.graph is not None
    assert verdict.snapshots[-1].pid_ns is None
    assert verdict.graph.nodes[0].why.startswith("state Z, with 1 live thread(s)")


def test_neither_state_d_nor_a_pending_signal_is_a_condition() -> None:
    verdict = judged("exit-flush-voluntary")
    stuck = stuck_task(verdict)
    assert stuck is not None
    assert (stuck.state, stuck.pending, stuck.shared_pending) == ("S", 0, 0)


def test_two_tasks_wait_for_one_connection() -> None:
    verdict = judged("nested-fsync")
    assert verdict.graph is not None
    waiters = {edge.waiter for edge in verdict.graph.edges if edge.target == f"connection:{verdict.connection}"}
    assert len(waiters) == 2


def test_the_blockers_without_fuse_are_named() -> None:
    tracer = judged("tracer-outside")
    assert any("fusezap-tracer" in reason for reason in tracer.reasons), tracer.reasons
    frozen = judged("frozen-cgroup")
    assert all("frozen by cgroup" in reason for reason in frozen.reasons), frozen.reasons
    assert tracer.connection is None
    assert frozen.connection is None
