"""Verdicts where kernel memory gives an account of every reference to the devices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.judge import waitgraph
from harness.judge.verdict import judge
from harness.model.memory import (
    Holding,
    KernelMemory,
    OpenDevice,
    PendingRequest,
    Reference,
    ServedConnection,
)
from harness.model.records import Connection, Outcome, Proof, Snapshot
from tests.unit.records import CONNECTION, HANG, IN_FLIGHT, LEADER, STUCK, sleeper, with_others

OTHER = 9000
"""A process outside that sleeps."""
DETACHED = Reference(Holding.DETACHED_TABLE, STUCK, LEADER, 6)
REQUEST = PendingRequest(10, "FUSE_FLUSH", 2, "not read by any server", STUCK)


def served(*references: Reference, count: int = 1, **changes: bool | int) -> ServedConnection:
    whole = ServedConnection(CONNECTION, True, 1, (OpenDevice(references, count),), requests=(REQUEST,))
    return replace(whole, **changes)  # type: ignore[arg-type]


def with_memory(connection: ServedConnection) -> Snapshot:
    """HANG without anything else that tells whose device it is, next to another hang and a message under way."""
    return replace(
        with_others(HANG, sleeper(OTHER)),
        connections=(*HANG.connections, Connection(77, 1)),
        mounts=(),
        claims=(),
        holders=(replace(IN_FLIGHT, tgid=OTHER, tid=OTHER),),
        memory=KernelMemory("a test", (connection, ServedConnection(77, True, 1))),
    )


def outcome(snapshot: Snapshot) -> Outcome:
    return judge((snapshot, snapshot)).outcome


def test_what_proc_cannot_tell_apart_memory_does() -> None:
    snapshot = with_memory(served(DETACHED))
    assert outcome(replace(snapshot, memory=None)) is not Outcome.DEADLOCK
    verdict = judge((snapshot, snapshot))
    assert (verdict.outcome, verdict.connection) == (Outcome.DEADLOCK, CONNECTION)
    assert (verdict.proof, verdict.conditions) == (Proof.COMPLETE, ())


def test_a_wait_that_memory_does_not_show_is_a_condition() -> None:
    """The references are all known, but whose request it is was concluded from the mounts."""
    snapshot = with_memory(replace(served(DETACHED), requests=()))
    seen = replace(snapshot, connections=HANG.connections, mounts=HANG.mounts)
    verdict = judge((seen, seen))
    assert (verdict.outcome, verdict.proof) == (Outcome.DEADLOCK, Proof.CONDITIONAL)
    assert verdict.conditions


@pytest.mark.parametrize(
    "reference",
    [
        Reference(Holding.TABLE, OTHER, OTHER, 6),
        Reference(Holding.TABLE, STUCK, LEADER, 6, (OTHER,)),
        Reference(Holding.TASK_WORK, OTHER, OTHER),
        Reference(Holding.CALL, OTHER, OTHER),
    ],
    ids=lambda each: f"{each.holding}, {each.tid}",
)
def test_a_keeper_that_lives_could_answer(reference: Reference) -> None:
    assert outcome(with_memory(served(DETACHED, reference, count=2))) is Outcome.STARVED


def test_a_reference_that_nobody_is_known_to_keep_bars_the_proof() -> None:
    verdict = judge((with_memory(served(DETACHED, count=2)),) * 2)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "something else than a table keeps the device" in verdict.reasons[0]


def test_a_device_without_a_file_bars_it_too() -> None:
    assert outcome(with_memory(served(DETACHED, hidden=1))) is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("ended", [{"connected": False}, {"limited": True}], ids=str)
def test_what_the_kernel_ends_by_itself_is_no_deadlock(ended: dict[str, bool]) -> None:
    assert outcome(with_memory(served(DETACHED, **ended))) is Outcome.INCONCLUSIVE


def test_a_worker_of_the_kernel_that_releases_the_device_ends_it() -> None:
    assert outcome(with_memory(served(Reference(Holding.KERNEL_WORK), count=0))) is Outcome.INCONCLUSIVE


def test_the_evidence_names_kernel_memory() -> None:
    graph = waitgraph.build(with_memory(served(DETACHED)))
    (edge,) = graph.targets(f"connection:{CONNECTION}")
    assert edge.target == f"task:{STUCK}"
    assert edge.evidence.startswith("kernel memory: ")
