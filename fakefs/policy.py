"""Rules: which call meets which fault. Pure: nothing here acts, waits or reads.

The spec of a rule, as text:

    OPERATIONS[@GLOB]:FAULT[=ARGUMENT][,KEY=VALUE...]

- OPERATIONS: `any`, or names joined by `+`. `any` is every operation but `init` and `destroy`, which have to be named.
- GLOB: of the path below the mountpoint, which begins with `/`; `*` matches any characters, also `/`; `?` one; `[...]`
  one of a set. A rename matches by its old or its new name, a link by its new or its existing one. A request without a
  path (the file was removed while open) matches only the glob `*`.
- KEYs: `tid`, `comm` (a glob), `pid_ns` (the inode number in `readlink /proc/PID/ns/pid`): the caller. What cannot be
  known of a caller does not match. `nth`: fires from the nth match on (default 1). `times`: fires that often at most
  (default: always). `when`: `before` (default) or `after` the real operation.
- In GLOB and in values a backslash keeps `:`, `,` and `\\` from being read as syntax.

The first rule that fires wins. A rule counts a match each time that a call gets to it - no earlier rule fired - and its
operations, path and caller fit; it fires if this is its nth match or a later one and it fired less than `times` before.
A rule that matches and does not fire lets the call go on to the next rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from fakefs.calls import CALLERLESS, OPERATIONS, SESSION, Call
from fakefs.errors import PolicyError
from fakefs.fault import Argument
from fakefs.faults import FAULTS
from fakefs.names import nearest
from fakefs.text import shown

#: What `any` means.
ANY = frozenset(OPERATIONS) - SESSION

#: Most rules of a policy: their order is checked in quadratic time.
MAX_RULES = 500

#: Largest number in a rule, so that each fits into 64 bits.
MAX_NUMBER = (1 << 63) - 1

#: Longest glob of a path (PATH_MAX) and of a name, in characters.
MAX_PATH, MAX_COMM = 4096, 256

#: Unknown operations of one rule that an error lists; the others are counted.
MAX_LISTED = 20

#: Characters that a spec reads as syntax inside a glob or a value.
SYNTAX = "\\:,"


class When(Enum):
    """Before the real operation, or after it."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; see the module for what the fields mean. `Policy` refuses a bad one."""

    operations: frozenset[str]
    fault: str
    argument: Argument = None
    path: str = "*"
    tid: int | None = None
    comm: str | None = None
    pid_ns: int | None = None
    nth: int = 1
    times: int | None = None
    when: When = When.BEFORE

    def matches(self, call: Call) -> bool:
        """Whether operation, path and caller fit. The caller is asked last: its name may have to be read in /proc."""
        if call.operation not in self.operations or not self._matches_path(call):
            return False
        if self.tid is None and self.comm is None and self.pid_ns is None:
            return True
        caller = call.caller
        if caller is None or (self.tid is not None and caller.tid != self.tid):
            return False
        if self.comm is not None and (caller.comm is None or not fnmatchcase(caller.comm, self.comm)):
            return False
        return self.pid_ns is None or caller.pid_ns == self.pid_ns

    def _matches_path(self, call: Call) -> bool:
        if self.path == "*":
            return True
        return any(path is not None and fnmatchcase(path, self.path) for path in (call.path, call.other))

    def names(self, operation: str) -> bool:
        """Whether the operation is meant by its name, not as one of `any`."""
        return operation in self.operations and not (operation in ANY and self.operations >= ANY)

    def spec(self) -> str:
        """Text that `parse_spec` turns into this very rule."""
        head = "any" if self.operations == ANY else "+".join(sorted(self.operations))
        if self.path != "*":
            head += "@" + escape(self.path)
        tail = self.fault
        if self.argument is not None:
            tail += "=" + escape(FAULTS[self.fault].show(self.argument))
        for key, value in (
            ("tid", self.tid),
            ("comm", self.comm),
            ("pid_ns", self.pid_ns),
            ("nth", self.nth if self.nth != 1 else None),
            ("times", self.times),
            ("when", self.when.value if self.when is not When.BEFORE else None),
        ):
            if value is not None:
                tail += f",{key}={escape(str(value))}"
        return f"{head}:{tail}"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one key of a rule."""

    key: str
    message: str


def escape(text: str) -> str:
    """Text in which no character is read as syntax of a spec."""
    return "".join("\\" + one if one in SYNTAX else one for one in text)


def check_operations(names: frozenset[str]) -> Iterator[Problem]:
    if not names:
        yield Problem("operations", "no operation is named")
    unknown = sorted(names - OPERATIONS.keys())
    for name in unknown[:MAX_LISTED]:
        yield Problem("operations", f"unknown operation {shown(name)}{nearest(name, (*OPERATIONS, 'any'))}")
    if len(unknown) > MAX_LISTED:
        yield Problem("operations", f"{len(unknown) - MAX_LISTED} more unknown operations")


def check_path(glob: str) -> Iterator[Problem]:
    if len(glob) > MAX_PATH:
        yield Problem("path", f"is longer than {MAX_PATH} characters")
    elif not glob.startswith(("/", "*", "?", "[")):
        yield Problem("path", f"{shown(glob)} matches nothing: a path begins with '/', so perhaps {shown('/' + glob)}")
    elif glob.endswith("/") and glob != "/":
        words = f"{shown(glob)} matches nothing: a path does not end with '/', so perhaps {shown(glob + '*')}"
        yield Problem("path", words)
    if "\0" in glob:
        yield Problem("path", "a path has no NUL in it")


def check_caller(rule: Rule) -> Iterator[Problem]:
    for key, number in (("tid", rule.tid), ("pid_ns", rule.pid_ns)):
        if number is not None and number < 1:
            yield Problem(key, f"{shown(number)} is less than 1")
    if rule.comm == "":
        yield Problem("comm", "an empty name matches nothing")
    if rule.comm is not None and len(rule.comm) > MAX_COMM:
        yield Problem("comm", f"is longer than {MAX_COMM} characters")
    elif rule.comm is not None and not set(rule.comm) & set("*?[") and len(rule.comm.encode(errors="replace")) > 15:
        yield Problem(
            "comm", f"{shown(rule.comm)} matches nothing: the kernel keeps 15 bytes of a name (TASK_COMM_LEN)"
        )
    asks = [key for key in ("tid", "comm", "pid_ns") if getattr(rule, key) is not None]
    if asks and rule.operations and rule.operations <= CALLERLESS:
        names = "+".join(sorted(rule.operations))
        yield Problem(asks[0], f"never matches: the kernel sends {names} without a caller")


def check_fault(rule: Rule) -> Iterator[Problem]:
    fault = FAULTS.get(rule.fault)
    if fault is None:
        yield Problem("fault", f"unknown fault {shown(rule.fault)}{nearest(rule.fault, FAULTS)}")
        return
    if fault.parse is None and rule.argument is not None:
        yield Problem("argument", f"{fault.name} takes no argument")
    if fault.parse is not None:
        if rule.argument is None:
            yield Problem("argument", f"{fault.name} needs an argument: {fault.name}={fault.metavar}")
        else:
            try:
                fault.parse(str(rule.argument))
            except ValueError as error:
                yield Problem("argument", str(error))
    for message in fault.refuses(rule.operations, rule.when is When.AFTER):
        yield Problem("when" if rule.when is When.AFTER else "operations", message)


def check_rule(rule: Rule) -> Iterator[Problem]:
    """All that is wrong with a rule by itself."""
    yield from check_operations(rule.operations)
    yield from check_path(rule.path)
    yield from check_caller(rule)
    yield from check_fault(rule)
    if rule.nth < 1:
        yield Problem("nth", f"{shown(rule.nth)} is less than 1; matches are counted from 1")
    if rule.times is not None and rule.times < 1:
        yield Problem("times", f"{shown(rule.times)} is less than 1: the rule would never fire; leave it out")
    for key, number in (("tid", rule.tid), ("pid_ns", rule.pid_ns), ("nth", rule.nth), ("times", rule.times)):
        if number is not None and number > MAX_NUMBER:
            yield Problem(key, f"is larger than {MAX_NUMBER}")


def covers_glob(wide: str | None, narrow: str | None) -> bool:
    """Whether `wide` certainly matches all that `narrow` matches; None matches all."""
    if wide is None or wide == "*" or wide == narrow:
        return True
    return narrow is not None and not set(narrow) & set("*?[") and fnmatchcase(narrow, wide)


def covers(earlier: Rule, later: Rule) -> bool:
    """Whether `earlier` fires for each call to `later`'s path by `later`'s caller, operations aside."""
    if earlier.nth != 1 or earlier.times is not None:
        return False
    return (
        covers_glob(earlier.path, later.path)
        and covers_glob(earlier.comm, later.comm)
        and earlier.tid in (None, later.tid)
        and earlier.pid_ns in (None, later.pid_ns)
    )


def check_order(rules: tuple[Rule, ...]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Each rule that can never fire, with the earlier rules that take all of its calls (as indices)."""
    for index, rule in enumerate(rules):
        shadows = tuple(i for i in range(index) if covers(rules[i], rule) and rules[i].operations & rule.operations)
        taken: frozenset[str] = frozenset().union(*(rules[i].operations for i in shadows))
        if rule.operations and rule.operations <= taken:
            yield index, shadows


def order_problems(rules: tuple[Rule, ...], places: tuple[str, ...]) -> list[str]:
    """What is wrong with the order of these rules; `places` says where each was written."""
    return [
        f"{places[index]}: operations: never fires: {' and '.join(places[i] for i in shadows)} always fires before it"
        for index, shadows in check_order(rules)
    ]


def too_many(number: int) -> str:
    return f"{number} rules: a policy has at most {MAX_RULES}"


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules in order. Raises PolicyError with all problems, the place of each being 'rule N' (from 1)."""

    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        if len(self.rules) > MAX_RULES:
            raise PolicyError((too_many(len(self.rules)),))
        places = tuple(f"rule {number}" for number in range(1, len(self.rules) + 1))
        problems = [
            f"{place}: {problem.key}: {problem.message}"
            for rule, place in zip(self.rules, places, strict=True)
            for problem in check_rule(rule)
        ]
        problems += order_problems(self.rules, places)
        if problems:
            raise PolicyError(tuple(problems))
