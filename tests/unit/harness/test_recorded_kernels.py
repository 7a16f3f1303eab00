"""What real kernels showed is judged as it was on the spot."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import recording
from harness.judge import judge, stuck_task
from harness.model import Outcome
from tests.unit.harness.records import DATA

OUTCOMES = {
    "exit-flush-self": Outcome.DEADLOCK,
    "exit-flush-peer-outside": Outcome.STARVED,
    "server-stopped": Outcome.STARVED,
    "healthy": Outcome.RELEASED,
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
