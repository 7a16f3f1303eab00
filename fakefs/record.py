"""Frozen records with slots, as `dataclasses` makes them, and without the code that it generates.

For each class `dataclasses` writes the source of six methods and compiles it, and it imports `inspect`: together that
was most of what a short command spent on imports.  The classes here share one set of methods.  To all others they are
dataclasses: `dataclasses.fields()` and what rests on it works, and type checkers read `record` as `dataclass`.
Nothing here needs more than Python 3.9, which runs `diagnose` on production hosts.
"""

from __future__ import annotations

import sys
from operator import attrgetter
from typing import TYPE_CHECKING, Any

__all__ = ("NO_DEFAULT", "asdict", "defaults", "is_record", "record", "replace")

if TYPE_CHECKING:
    from dataclasses import asdict, replace
    from dataclasses import dataclass as record
else:

    def record(*, frozen, slots, kw_only=False):
        """Makes a class with annotated fields a frozen record with slots.

        Args:
            frozen: True; it stands at each class, for its readers and for the type checker.
            slots: True, likewise.
            kw_only: Values are given by name alone, and a field without a default may come after one that has one.

        Returns:
            The decorator.

        Raises:
            TypeError: A field without a default comes after one that has a default.
        """
        if not (frozen and slots):
            raise TypeError("a record is frozen and has slots")
        return _keywords_only if kw_only else _made

    def replace(value, /, **changes):
        """A copy of a record with other values in some of its fields."""
        return type(value)(**{**{name: getattr(value, name) for name in value.__slots__}, **changes})

    def asdict(value):
        """A record as a dict by field name; records below it, also in tuples and dicts, likewise."""
        if is_record(type(value)):
            return {name: asdict(getattr(value, name)) for name in value.__slots__}
        if isinstance(value, (tuple, list)):
            return type(value)(map(asdict, value))
        if isinstance(value, dict):
            return {key: asdict(each) for key, each in value.items()}
        return value


NO_DEFAULT = object()
"""In place of the default of a field that has none."""


def is_record(kind: Any) -> bool:
    """Return True where a class was made by `record`."""
    return hasattr(kind, "_record_fields")


def defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    """The fields of a record's class in their order, each with its default or NO_DEFAULT."""
    return tuple((name, default) for name, _, default in kind._record_fields)


def _keywords_only(cls: type) -> type:
    return _made(cls, positional=False)


def _made(cls: type, positional: bool = True) -> type:
    namespace = dict(vars(cls))
    annotations = namespace.get("__annotations__", {})
    if sys.version_info >= (3, 14):  # made when they are asked for, unless they are text
        annotations = cls.__annotations__
    names = tuple(name for name, kind in annotations.items() if not str(kind).partition("[")[0].endswith("ClassVar"))
    defaults = {name: namespace.pop(name, NO_DEFAULT) for name in names}
    given = [default is not NO_DEFAULT for default in defaults.values()]
    if positional and given != sorted(given):
        raise TypeError(f"{cls.__name__}: a field without a default comes after one that has a default")
    for inherited in ("__dict__", "__weakref__"):
        namespace.pop(inherited, None)
    made: Any = type(cls)(
        cls.__name__,
        cls.__bases__,
        {**_METHODS, **namespace, "__slots__": names, "__match_args__": names if positional else ()},
    )
    if hasattr(made, "__post_init__"):
        made.__init__ = _init_and_check
    made.__qualname__ = cls.__qualname__
    made._record_fields = tuple((name, vars(made)[name].__set__, default) for name, default in defaults.items())
    made._values = staticmethod(attrgetter(*names)) if names else staticmethod(lambda _: ())
    made.__dataclass_fields__ = _Fields()
    made.__signature__ = _Signature()
    return made  # type: ignore[no-any-return]


def _init(self: Any, /, *values: Any, **named: Any) -> None:
    fields = self._record_fields
    if len(values) > len(type(self).__match_args__):
        raise TypeError(f"{type(self).__name__}() got {len(values)} values without a name")
    for number, value in enumerate(values):
        fields[number][1](self, value)
    for name, put, default in fields[len(values) :]:
        value = named.pop(name, default)
        if value is NO_DEFAULT:
            unknown = ", ".join(sorted(set(named).difference(self.__slots__)))
            also = f", and has no field {unknown}" if unknown else ""
            raise TypeError(f"{type(self).__name__}() lacks the field {name!r}{also}")
        put(self, value)
    if named:
        raise TypeError(f"{type(self).__name__}() got fields that it does not have, or twice: {', '.join(named)}")


def _init_and_check(self: Any, /, *values: Any, **named: Any) -> None:
    _init(self, *values, **named)
    self.__post_init__()


def _repr(self: Any) -> str:
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__slots__)})"


def _eq(self: Any, other: object) -> bool:
    values = type(self)._values
    return bool(values(self) == values(other)) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(type(self)._values(self))


def _setattr(self: Any, name: str, _: object = None) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"{type(self).__name__}.{name} cannot be changed")


def _getstate(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name in self.__slots__)


def _setstate(self: Any, state: tuple[Any, ...]) -> None:
    fields = self._record_fields
    for number, value in enumerate(state):
        fields[number][1](self, value)


_METHODS = {
    "__init__": _init,
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _setattr,
    "__delattr__": _setattr,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
}


class _Fields:
    """`__dataclass_fields__` of a class, made when `dataclasses` first asks for it."""

    def __get__(self, _: object, cls: Any) -> dict[str, Any]:
        import dataclasses

        made: dict[str, Any] = {}
        for name, _, default in cls._record_fields:
            field: Any = dataclasses.field(default=dataclasses.MISSING if default is NO_DEFAULT else default)
            field.name, field.type, field._field_type = name, cls.__annotations__[name], dataclasses._FIELD  # type: ignore[attr-defined]
            made[name] = field
        cls.__dataclass_fields__ = made
        return made


class _Signature:
    """`__signature__` of a class, for documentation and for tests that make values of its fields' types."""

    def __get__(self, _: object, cls: Any) -> Any:
        from inspect import Parameter, Signature
        from typing import get_type_hints

        kinds = get_type_hints(cls)
        how = Parameter.POSITIONAL_OR_KEYWORD if cls.__match_args__ else Parameter.KEYWORD_ONLY
        return Signature(
            [
                Parameter(
                    name, how, default=Parameter.empty if default is NO_DEFAULT else default, annotation=kinds[name]
                )
                for name, _, default in cls._record_fields
            ]
        )
