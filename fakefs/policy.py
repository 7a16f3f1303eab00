"""Rules: the faults that the server injects into calls. Pure: nothing here acts, waits or reads.

The spec of a rule is text of this form:

    OPERATIONS[@GLOB]:FAULT[=ARGUMENT][,KEY=VALUE...]

- OPERATIONS: `any`, or names joined by `+`. `any` is every operation except `init` and `destroy`, which a rule has to
  name.
- GLOB: matches the path below the mountpoint, which begins with `/`. `*` matches any characters, including `/`; `?` one
  character; `[...]` one of a set. A rename matches by its old or its new name, a link by its new or its existing name.
  A request without a path (the file was removed while it was open) matches only the glob `*`.
- KEYs for the caller: `tid`, `comm` (a glob), `pid_ns` (the inode number in `readlink /proc/PID/ns/pid`). A value that
  is not known does not match.
- KEYs for the number of times: `nth` fires from the nth match on (default 1), `times` fires at most that many times
  (default: no limit). `when` is `before` (default) or `after` the real operation.
- In GLOB and in values, a backslash before `:`, `,` or `\\` makes it an ordinary character.

The first rule that fires applies. A rule counts a match each time that a call reaches it (no earlier rule fired) and
its operations, path and caller match. It fires if this is its nth match or a later one, and if it has fired fewer than
`times` times. If a rule matches and does not fire, the call continues with the next rule.
"""

from collections.abc import Iterator
from enum import Enum
from fnmatch import fnmatchcase

from fakefs.calls import CALLERLESS, OPERATIONS, SESSION, Call
from fakefs.errors import PolicyError
from fakefs.fault import Argument
from fakefs.faults import FAULTS
from fakefs.names import nearest
from fakefs.record import record
from fakefs.text import shown

#: The operations that `any` stands for.
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
    """The moment at which a rule fires: before the real operation, or after it."""

    BEFORE = "before"
    AFTER = "after"


@record(frozen=True, slots=True)
class Rule:
    """One rule. The module's docstring describes matching; `Policy` refuses a rule that is wrong.

    Attributes:
        operations: Names of operations, a subset of `fakefs.calls.OPERATIONS`.
        fault: The name of a fault, a key of `fakefs.faults.FAULTS`.
        argument: The argument of the fault, as its `parse` returns it; None for a fault without one.
        path: A glob for the path.
        tid: The caller's thread id in the server's PID namespace; None matches every caller, as in the next two.
        comm: A glob for the caller's name.
        pid_ns: The inode number of the caller's PID namespace.
        nth: The first match at which the rule fires, from 1.
        times: The largest number of times that the rule fires; None for no limit.
        when: Before or after the real operation.
    """

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
        """Return True where all match; the caller comes last, for its name may have to be read from /proc."""
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
        """Return True where the rule names the operation itself, and not only as a part of `any`."""
        return operation in self.operations and not (operation in ANY and self.operations >= ANY)

    def spec(self) -> str:
        """The rule as text, from which `parse_spec` makes an equal rule."""
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


@record(frozen=True, slots=True)
class Problem:
    """A problem with one key of a rule."""

    key: str
    message: str


def escape(text: str) -> str:
    """The text with backslashes, so that none of its characters is syntax of a spec."""
    return "".join("\\" + one if one in SYNTAX else one for one in text)


def check_operations(names: frozenset[str]) -> Iterator[Problem]:
    if not names:
        yield Problem("operations", "names no operation")
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
        yield Problem("path", "has a NUL character, which no path has")


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
    """Every problem with a rule by itself."""
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
    """Return True where `wide` certainly matches all that `narrow` matches.  None matches everything."""
    if wide is None or wide == "*" or wide == narrow:
        return True
    return narrow is not None and not set(narrow) & set("*?[") and fnmatchcase(narrow, wide)


def covers(earlier: Rule, later: Rule) -> bool:
    """Return True where `earlier` fires for every path and caller of `later`, whatever the operations."""
    if earlier.nth != 1 or earlier.times is not None:
        return False
    return (
        covers_glob(earlier.path, later.path)
        and covers_glob(earlier.comm, later.comm)
        and earlier.tid in (None, later.tid)
        and earlier.pid_ns in (None, later.pid_ns)
    )


def check_order(rules: tuple[Rule, ...]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The index of each rule that can never fire, with the indices of the rules that fire for all of its calls."""
    for index, rule in enumerate(rules):
        shadows = tuple(i for i in range(index) if covers(rules[i], rule) and rules[i].operations & rule.operations)
        taken: frozenset[str] = frozenset().union(*(rules[i].operations for i in shadows))
        if rule.operations and rule.operations <= taken:
            yield index, shadows


def order_problems(rules: tuple[Rule, ...], places: tuple[str, ...]) -> list[str]:
    """The problems with the order of these rules. `places` has the place of each rule, for the message."""
    return [
        f"{places[index]}: operations: never fires: {' and '.join(places[i] for i in shadows)} always fires before it"
        for index, shadows in check_order(rules)
    ]


def too_many(number: int) -> str:
    return f"{number} rules: a policy has at most {MAX_RULES}"


@record(frozen=True, slots=True)
class Policy:
    """Rules in their order.

    Attributes:
        rules: The rules; the first one that fires applies.

    Raises:
        PolicyError: A rule is wrong or can never fire. The exception has all problems; a place is 'rule N', from 1.
    """

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
