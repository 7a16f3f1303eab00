"""The protocol of the control socket: a UNIX stream of JSON objects, one in each line. Pure.

A request is {"command": NAME, ...}. Its answer is {"ok": true, ...} or {"ok": false, "errors": [TEXT, ...]}. These are
the parameters of the commands, and the fields of their answers:

- `status`: no parameters -> `held`, `rules`, `totals`, `journal_error`
- `release`: `id` (null: all), `errno` (a number, or null: the real operation) -> `released` [id, ...]
- `set`: `specs` -> nothing
- `clear`: no parameters -> nothing
- `wait`: `event`, `operation`, `path` (a glob), `count`, `since` (CLOCK_MONOTONIC, ns), `timeout` (s) -> `entries`
- `shutdown`: no parameters -> nothing; after the answer, the server unmounts and exits
- `exit`: no parameters -> nothing; after the answer, the server calls exit_group(2) and unmounts nothing
"""

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from fakefs.calls import OPERATIONS
from fakefs.journal import EVENTS, Entry
from fakefs.names import nearest
from fakefs.record import asdict, record
from fakefs.text import shown

#: Largest number in a request, so that each fits into 64 bits.
MAX_NUMBER = (1 << 63) - 1

#: Longest timeout of `wait`, in seconds.
MAX_SECONDS = 1e6

#: Unknown parameters that one answer lists; the others are counted.
MAX_LISTED = 20

COMMANDS = ("status", "release", "set", "clear", "wait", "shutdown", "exit")


@record(frozen=True, slots=True)
class Held:
    """A held request.

    Attributes:
        id: The request's number, by which `release` finds it; `seq` in the journal.
        operation: The operation.
        path: The path, or None if the file has none any more.
        tid: The caller's thread id in the server's PID namespace; None if there is no caller.
        comm: The caller's name, or None if it is not known.
        pid_ns: The inode number of the caller's PID namespace, or None if it is not known.
        rule: The index of the rule that fired.
        since: The time at which the wait began: CLOCK_MONOTONIC in nanoseconds.
    """

    id: int
    operation: str
    path: str | None
    tid: int | None
    comm: str | None
    pid_ns: int | None
    rule: int | None
    since: int


@record(frozen=True, slots=True)
class RuleState:
    """A rule as text, and the number of times that it matched and fired."""

    spec: str
    matched: int
    fired: int


@record(frozen=True, slots=True)
class Status:
    """The state of a server.

    Attributes:
        held: The held requests, oldest first.
        rules: The rules with their counters.
        totals: The number of calls by operation.
        journal_error: The error after which the server writes no journal file any more, or None.
    """

    held: tuple[Held, ...]
    rules: tuple[RuleState, ...]
    totals: dict[str, int]
    journal_error: str | None = None

    def record(self) -> dict[str, Any]:
        return asdict(self)


def status_of(record: dict[str, Any]) -> Status:
    return Status(
        held=tuple(Held(**one) for one in record["held"]),
        rules=tuple(RuleState(**one) for one in record["rules"]),
        totals=record["totals"],
        journal_error=record["journal_error"],
    )


def encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode("ascii") + b"\n"


def refusal(*errors: str) -> dict[str, Any]:
    return {"ok": False, "errors": list(errors)}


@record(frozen=True, slots=True)
class Wanted:
    """The entries that a `wait` counts. None matches every value; `path` is a glob, as in a rule."""

    event: str | None = None
    operation: str | None = None
    path: str | None = None
    since: int = 0

    def __call__(self, entry: Entry) -> bool:
        return (
            entry.time >= self.since
            and self.event in (None, entry.event)
            and self.operation in (None, entry.operation)
            and (self.path is None or any(one and fnmatchcase(one, self.path) for one in (entry.path, entry.other)))
        )


@record(frozen=True, slots=True)
class Request:
    """A command with its parameters. Parameters of other commands have their defaults."""

    command: str
    id: int | None = None
    errno: int | None = None
    specs: tuple[str, ...] = ()
    wanted: Wanted = Wanted()
    count: int = 1
    timeout: float = 10.0


_NUMBER: tuple[str, Callable[[object], bool]] = (
    "a whole number of 0 or more",
    lambda v: type(v) is int and 0 <= v <= MAX_NUMBER,
)
_NUMBER_OR_ALL: tuple[str, Callable[[object], bool]] = (f"{_NUMBER[0]}, or null", lambda v: v is None or _NUMBER[1](v))
_ERRNO: tuple[str, Callable[[object], bool]] = (
    "an errno from 1 to 511, or null",
    lambda v: v is None or (type(v) is int and 1 <= v <= 511),
)
_SPECS: tuple[str, Callable[[object], bool]] = (
    "a list of rule specs",
    lambda v: isinstance(v, list) and all(isinstance(one, str) for one in v),
)
_TEXT: tuple[str, Callable[[object], bool]] = ("text, or null", lambda v: v is None or isinstance(v, str))
_COUNT: tuple[str, Callable[[object], bool]] = (
    "a whole number of 1 or more",
    lambda v: type(v) is int and 1 <= v <= MAX_NUMBER,
)
_SECONDS: tuple[str, Callable[[object], bool]] = (
    "seconds, from 0 to 1e6",
    lambda v: type(v) in (int, float) and isinstance(v, int | float) and 0 <= v <= MAX_SECONDS,
)

#: The parameters of each command: name -> (description of the value, whether a value fits).
PARAMETERS: dict[str, dict[str, tuple[str, Callable[[object], bool]]]] = {
    "status": {},
    "release": {"id": _NUMBER_OR_ALL, "errno": _ERRNO},
    "set": {"specs": _SPECS},
    "clear": {},
    "wait": {
        "event": _TEXT,
        "operation": _TEXT,
        "path": _TEXT,
        "count": _COUNT,
        "since": _NUMBER,
        "timeout": _SECONDS,
    },
    "shutdown": {},
    "exit": {},
}


def parse_request(line: str | bytes) -> Request | tuple[str, ...]:
    """Parse a line.

    Returns:
        The request, or the problems if the line is not one.
    """
    try:
        message = json.loads(line)
    except ValueError as error:
        return (f"not JSON: {error}",)
    except RecursionError:
        return ("not JSON: nested too deeply",)
    if not isinstance(message, dict):
        return ("not a JSON object",)
    command = message.pop("command", None)
    if not isinstance(command, str) or command not in PARAMETERS:
        return (f"unknown command {shown(command)}{nearest(command if isinstance(command, str) else '', COMMANDS)}",)
    takes = PARAMETERS[command]
    unknown = [key for key in message if key not in takes]
    errors = [f"{command}: unknown parameter {shown(key)}{nearest(key, takes)}" for key in unknown[:MAX_LISTED]]
    if len(unknown) > MAX_LISTED:
        errors.append(f"{command}: {len(unknown) - MAX_LISTED} more unknown parameters")
    for key, (words, fits) in takes.items():
        if key in message and not fits(message[key]):
            errors.append(f"{command}: {key}: {shown(message[key])} is not {words}")
    for key, known in (("event", EVENTS), ("operation", tuple(OPERATIONS))):
        value = message.get(key)
        if isinstance(value, str) and value not in known:
            errors.append(f"{command}: {key}: unknown {key} {shown(value)}{nearest(value, known)}")
    if errors:
        return tuple(errors)
    filters = {key: message.pop(key) for key in ("event", "operation", "path", "since") if key in message}
    if "specs" in message:
        message["specs"] = tuple(message["specs"])
    return Request(command, wanted=Wanted(**filters), **message)
