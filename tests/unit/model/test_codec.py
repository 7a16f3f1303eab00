"""Records to JSON values and back."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from harness.judge.verdict import judge
from harness.model import codec
from harness.model.records import Snapshot, Verdict
from harness.model.terms import Outcome
from harness.record import record
from tests.unit.records import HANG, recorded


@record(frozen=True, slots=True)
class _Inner:
    number: int
    text: str | None = None


@record(frozen=True, slots=True)
class _Outer:
    inner: tuple[_Inner, ...]
    outcome: Outcome
    share: float
    free: dict[str, object]
    sure: bool = False


GOOD = _Outer((_Inner(1), _Inner(2, "x")), Outcome.DEADLOCK, 1.5, {"any": [1, None]}, True)


def through_text(value: object) -> Any:
    return json.loads(json.dumps(codec.encode(value)))


def test_what_is_encoded_is_decoded_again() -> None:
    assert codec.decode(_Outer, through_text(GOOD)) == GOOD
    assert codec.decode(Snapshot, through_text(HANG)) == HANG


def test_a_verdict_with_its_graph_survives() -> None:
    verdict = judge(recorded("exit-flush-self"))
    assert verdict.graph is not None
    assert codec.decode(Verdict, through_text(verdict)) == verdict


def test_defaults_are_left_out() -> None:
    assert codec.encode(_Inner(3)) == {"number": 3}


def test_a_whole_number_is_a_float_too() -> None:
    assert codec.decode(_Outer, {**through_text(GOOD), "share": 2}).share == 2.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inner": 3}, "_Outer.inner is 3, not a list"),
        ({"inner": [{}]}, "_Outer.inner lacks 'number'"),
        ({"inner": [{"number": "1"}]}, "_Outer.inner.number is '1'"),
        ({"inner": [{"number": True}]}, "_Outer.inner.number is True"),
        ({"inner": [{"number": 1, "text": 2}]}, "_Outer.inner.text is 2"),
        ({"outcome": "fine"}, "not one of released, starved"),
        ({"share": "much"}, "_Outer.share"),
        ({"free": []}, "_Outer.free"),
        ({"more": 1}, "unknown field 'more' of a _Outer"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        codec.decode(_Outer, {**through_text(GOOD), **changes})
