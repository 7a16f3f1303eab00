"""A server that says itself that it does not answer is not waited for; any other is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakefs.journal import Entry
from harness.judge.verdict import judge
from harness.judge.withheld import withheld
from harness.model.records import Connection, Outcome, Snapshot, Verdict
from tests.unit.records import HANG, SERVER, STARVED, STARVED_CONNECTION


def entry(seq: int, event: str, spec: str | None = "flush:hang") -> Entry:
    return Entry(seq=seq, time=seq, event=event, operation="flush", path="/held", spec=spec)


HELD = (entry(7, "called"), entry(7, "held"))


def waiting(number: int | None) -> Snapshot:
    connections = (*STARVED.connections, Connection(STARVED_CONNECTION + 1, 9))
    return replace(
        STARVED,
        connections=tuple(
            replace(each, waiting=number) if each.number == STARVED_CONNECTION else each for each in connections
        ),
    )


def verdict(snapshot: Snapshot = STARVED) -> Verdict:
    return judge((snapshot, replace(snapshot, taken_ns=snapshot.taken_ns + 1)))


def test_all_that_the_connection_counts_is_held_back() -> None:
    found = verdict()
    assert found.outcome is Outcome.STARVED
    assert withheld(found, HELD, SERVER) == (
        "the server holds back all of its connection's waiting requests (1) by rule flush:hang, "
        "and does not answer before it is told to"
    )


def test_each_rule_is_named_once_a_request() -> None:
    journal = (*HELD, entry(9, "held", "open@/other:hang"))
    assert "(2) by rule flush:hang, open@/other:hang" in str(withheld(verdict(waiting(2)), journal, SERVER))


@pytest.mark.parametrize(
    "journal",
    [
        (),
        (entry(7, "called"),),
        (entry(7, "held", "flush:delay=0.5"),),
        (*HELD, entry(7, "released")),
        (*HELD, entry(7, "released"), entry(7, "replied")),
        (*HELD, entry(9, "held")),
    ],
    ids=["nothing was asked", "it is being served", "a delay ends", "it was let go", "it was answered", "one too many"],
)
def test_a_request_that_may_still_be_answered_is_waited_for(journal: tuple[Entry, ...]) -> None:
    assert withheld(verdict(), journal, SERVER) is None


@pytest.mark.parametrize("number", [2, None])
def test_a_request_that_the_server_does_not_speak_of_is_waited_for(number: int | None) -> None:
    assert withheld(verdict(waiting(number)), HELD, SERVER) is None


def test_somebody_elses_answer_is_waited_for() -> None:
    assert withheld(verdict(), HELD, SERVER + 1) is None


def test_other_outcomes_need_no_patience() -> None:
    found = verdict(HANG)
    assert found.outcome is Outcome.DEADLOCK
    assert withheld(found, HELD, SERVER) is None
