"""Records to JSON values and back, strictly: what comes from a guest, a store or a recording is evidence, not trusted.

The types are those that the records have: str, int, float, bool, None, enumerations, records, homogeneous tuples of
these, unions, and `dict[str, object]` for what has a format of its own.
"""

from __future__ import annotations

import functools
import sys
import types
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from harness.model import records
from harness.model.terms import StrEnum
from harness.record import NO_DEFAULT, defaults, is_record

UNIONS = (Union, getattr(types, "UnionType", Union))
"""`X | Y` has a type of its own from Python 3.10 on."""

T = TypeVar("T")


def encode(value: Any) -> Any:
    """Convert a record to values that `json` can write; fields with their default value are left out."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [encode(each) for each in value]
    if is_record(type(value)):
        return {
            name: encode(found) for name, default in defaults(type(value)) if (found := getattr(value, name)) != default
        }
    if isinstance(value, dict):
        return {key: encode(each) for key, each in value.items()}
    return value


_PLAIN = frozenset((str, int, float, bool, type(None)))


def decode(kind: type[T], raw: Any) -> T:
    """ValueError names the field that is wrong, missing or unknown."""
    found: T = _decode(kind, raw, kind.__name__)
    return found


@functools.cache
def _fields(kind: type) -> dict[str, tuple[Any, bool]]:
    """The type of each field by its name, and whether the field must be there."""
    # The events import the records for the type checker alone: their names are looked up here.
    hints = get_type_hints(kind, localns={**vars(records), **vars(sys.modules[kind.__module__])})
    return {name: (hints[name], default is NO_DEFAULT) for name, default in defaults(kind)}


def _decode(hint: Any, raw: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin in UNIONS:
        return _union(get_args(hint), raw, where)
    if origin is tuple:
        if not isinstance(raw, list):
            raise ValueError(f"{where} is {raw!r}, not a list")
        return tuple(_decode(get_args(hint)[0], each, where) for each in raw)
    if origin is dict or hint is object:
        return _plain(dict if origin is dict else object, raw, where)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        try:
            return hint(raw)
        except ValueError:
            raise ValueError(f"{where} is {raw!r}, not one of {', '.join(hint)}") from None
    if is_record(hint):
        return _record(hint, raw, where)
    if hint is float and type(raw) is int:
        return float(raw)
    return _plain(hint, raw, where)


def _union(hints: tuple[Any, ...], raw: Any, where: str) -> Any:
    if raw is None and type(None) in hints:
        return None
    problems = []
    for hint in hints:
        if hint is not type(None):
            try:
                return _decode(hint, raw, where)
            except ValueError as error:
                problems.append(str(error))
    raise ValueError(problems[0])


def _record(kind: Any, raw: Any, where: str) -> Any:
    if not isinstance(raw, dict):
        raise ValueError(f"{where} is {raw!r}, not a record")
    known = _fields(kind)
    for name in raw:
        if name not in known:
            raise ValueError(f"unknown field {name!r} of a {kind.__name__}")
    for name, (_, needed) in known.items():
        if needed and name not in raw:
            raise ValueError(f"{where} lacks {name!r}")
    return kind(**{name: _decode(known[name][0], value, f"{where}.{name}") for name, value in raw.items()})


def _plain(hint: type, raw: Any, where: str) -> Any:
    if not isinstance(raw, hint) or (isinstance(raw, bool) and hint not in (bool, object)):
        raise ValueError(f"{where} is {raw!r}")
    return raw
