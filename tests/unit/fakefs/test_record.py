"""Records are dataclasses to whoever asks, and are made without generated code."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import typing

import pytest

from fakefs.record import asdict, record, replace


@record(frozen=True, slots=True)
class _Point:
    x: int
    y: int = 2
    names: typing.ClassVar[tuple[str, ...]] = ("x", "y")

    @property
    def sum(self) -> int:
        return self.x + self.y


@record(frozen=True, slots=True)
class _Line:
    points: tuple[_Point, ...]
    notes: dict[str, _Point] | None = None


@record(frozen=True, slots=True, kw_only=True)
class _Named:
    unit: str = "mm"
    length: int


@record(frozen=True, slots=True)
class _Empty:
    """It has no fields."""


VALUES = (_Point(1), _Point(1, 5), _Line((_Point(1),), {"end": _Point(3)}), _Named(length=3), _Empty())


def test_values_come_by_place_by_name_or_by_default() -> None:
    assert (_Point(1).y, _Point(1, 3).y, _Point(y=4, x=1).y, _Point(1).sum) == (2, 3, 4, 3)
    assert (_Named(length=1).unit, _Named(length=1, unit="m").unit) == ("mm", "m")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: _Point(), "lacks the field 'x'"),  # type: ignore[call-arg]
        (lambda: _Point(1, 2, 3), "got 3 values"),  # type: ignore[call-arg]
        (lambda: _Point(1, x=1), "or twice: x"),  # type: ignore[misc]
        (lambda: _Point(1, z=1), "does not have"),  # type: ignore[call-arg]
        (lambda: _Point(z=1), "lacks the field 'x', and has no field z"),  # type: ignore[call-arg]
        (lambda: _Named("m"), "got 1 values without a name"),  # type: ignore[call-arg]
    ],
)
def test_values_that_do_not_fit_are_refused(make: typing.Callable[[], object], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        make()


def test_a_field_without_a_default_comes_first() -> None:
    with pytest.raises(TypeError, match="after one that has a default"):

        @record(frozen=True, slots=True)
        class _Wrong:
            first: int = 1
            second: int  # type: ignore[misc]


def test_a_record_is_its_values() -> None:
    assert _Point(1) == _Point(1, 2)
    assert _Point(1) != _Point(2)
    assert VALUES.index(_Line((_Point(1),), {"end": _Point(3)})) == 2
    assert len({_Point(1), _Point(1, 2), _Point(3)}) == 2
    assert repr(_Line((_Point(1),))) == "_Line(points=(_Point(x=1, y=2),), notes=None)"
    assert _Empty() == _Empty()


def test_a_record_does_not_change() -> None:
    point = _Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x
    assert not hasattr(point, "__dict__")
    assert replace(point, y=7) == _Point(1, 7)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_record_survives_pickle_and_copy(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value) == value


def test_a_record_is_a_dataclass_to_those_who_ask() -> None:
    line = VALUES[2]
    assert isinstance(line, _Line)
    assert dataclasses.is_dataclass(line)
    assert (
        asdict(line)
        == dataclasses.asdict(line)
        == {
            "points": ({"x": 1, "y": 2},),
            "notes": {"end": {"x": 3, "y": 2}},
        }
    )
    assert dataclasses.replace(line, notes=None) == replace(line, notes=None)
    assert [(field.name, field.default) for field in dataclasses.fields(_Point)] == [
        ("x", dataclasses.MISSING),
        ("y", 2),
    ]
    match line.points[0]:
        case _Point(x, 2):
            assert x == 1
        case _:
            raise AssertionError("the pattern does not match")
