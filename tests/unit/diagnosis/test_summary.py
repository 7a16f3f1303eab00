"""The summary of a diagnosis: one line a finding, complete commands, a stable order."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from harness.diagnosis.formats import line, terminal
from harness.diagnosis.formats._summary import WHAT, ordered, summary_row
from harness.diagnosis.records import Container, Diagnosis, Finding, Remedy
from harness.judge.blockers import kinds
from harness.model.records import Outcome
from tests.unit.diagnosis.test_findings import DIAGNOSIS, FLUSH

LONG = "a-name-that-is-longer-than-the-column-for-it"


def finding(pid: int, for_s: float | None, outcome: Outcome = Outcome.DEADLOCK) -> Finding:
    verdict = replace(FLUSH.verdict, outcome=outcome)
    return replace(FLUSH, id=f"{pid}-0123abcd", init_pid=pid, for_s=for_s, verdict=verdict)


def eight() -> Diagnosis:
    found = tuple(
        replace(
            finding(1000 + number, 90_000.0 * (number + 1)),
            kind=kind,
            container=Container("docker", "f" * 64, "its control group", f"{LONG}-{number}"),
        )
        for number, kind in enumerate(kinds()[:8])
    )
    return replace(DIAGNOSIS, findings=found)


def test_each_kind_is_described_in_six_words_at_most() -> None:
    assert set(WHAT) == set(kinds())
    assert [text for text in WHAT.values() if not 1 < len(text.split()) <= 6] == []


@pytest.mark.parametrize(("width", "lines_each"), [(80, 2), (160, 1)])
def test_eight_findings_fit_on_one_screen(monkeypatch: pytest.MonkeyPatch, width: int, lines_each: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = terminal.render(eight()).splitlines()
    assert len(lines) <= 8 * lines_each + 5
    for number in range(8):
        (command,) = [each for each in lines if f"--resolve {1000 + number}-0123abcd" in each]
        assert command.endswith(f"fusezap diagnose --resolve {1000 + number}-0123abcd")
    assert max(map(len, lines)) <= width
    assert [each for each in lines if each != each.rstrip()] == []


def test_the_worst_and_oldest_is_first() -> None:
    every = (
        finding(1, 5.0),
        finding(2, 900.0, Outcome.STARVED),
        finding(3, 70.0),
        finding(4, None),
        finding(5, 1.0, Outcome.INCONCLUSIVE),
    )
    assert [each.init_pid for each in ordered(every)] == [3, 1, 4, 2, 5]


def test_findings_of_one_age_keep_their_order_however_their_ages_are_measured() -> None:
    chance = random.Random(1)
    orders = set()
    for _ in range(200):
        every = [finding(pid, 60.0 + chance.uniform(0, 0.02)) for pid in range(1, 6)]
        chance.shuffle(every)
        orders.add(tuple(each.init_pid for each in ordered(every)))
    assert orders == {(1, 2, 3, 4, 5)}


def test_a_lossless_remedy_is_marked() -> None:
    thaw = Remedy("thaw", "echo THAWED > x", "they resume", "thaw")
    kill = Remedy("kill-tracer", "kill -KILL 7", "it ends", "kill-tracer")
    frozen = replace(FLUSH, remedies=(thaw, kill))
    assert summary_row(frozen).lossless
    assert not summary_row(replace(FLUSH, remedies=(kill,))).lossless
    text = terminal.render(replace(DIAGNOSIS, findings=(frozen,)))
    assert f"[loses nothing] fusezap diagnose --resolve {FLUSH.id}" in text


def test_what_fusezap_cannot_do_has_the_command_to_type() -> None:
    by_hand = replace(FLUSH, remedies=(Remedy("kill-parent", "kill -KILL 9", "it ends"),))
    assert summary_row(by_hand).command == "kill -KILL 9"
    nothing = replace(FLUSH, remedies=(Remedy("by hand", "", "bring the server back"),))
    assert summary_row(nothing).command == f"fusezap diagnose {FLUSH.id}"


def test_the_one_line_names_containers_and_the_command() -> None:
    pod = replace(FLUSH, container=Container("containerd", "b" * 64, "its control group", None, None, "shop/db", True))
    text = line.render(replace(DIAGNOSIS, findings=(pod,)))
    assert text.count("\n") == 1
    assert f"pod shop/db ({FLUSH.id})" in text
    claim = replace(pod, container=Container("containerd", "b" * 64, "its control group", None, None, "shop/db"))
    assert f"pod shop/db? ({FLUSH.id})" in line.render(replace(DIAGNOSIS, findings=(claim,)))
    assert text.endswith(f"fusezap diagnose --resolve {FLUSH.id}\n")
