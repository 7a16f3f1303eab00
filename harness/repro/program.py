"""The facts of a scenario that its C program is made of.  Pure: the template reads nothing else."""

from __future__ import annotations

import math
import re
import textwrap
from importlib import resources
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.record import record
from harness.scenario import Exercise, Holder, Kind, Place, Requirement, Scenario

if TYPE_CHECKING:
    from fakefs.policy import Rule as FakefsRule

STABLE_S = 0.1
"""Seconds for which a hang must not change where nobody is left who could end it."""
TEMPLATES = "harness.repro"
"""The package whose folder `templates` has the parts."""
_FIRST_NODE = 2  # after FUSE_ROOT_ID (include/uapi/linux/fuse.h)
_EXECUTIONS = 5


@record(frozen=True, slots=True)
class Rule:
    """A rule of the server: what it does with some requests."""

    opcode: str
    node: int | None
    """None: whatever file it concerns."""
    fault: str
    value: str
    """Microseconds of a delay, the name of an errno."""


@record(frozen=True, slots=True, kw_only=True)
class Program:
    """Everything that the template knows of a scenario; the words are those of `Scenario`."""

    name: str
    head: tuple[str, ...]
    """Lines of the comment at the top."""
    frame: str
    server: str
    """Empty: there is no FUSE in it."""
    holder: str
    caller: str
    call: str
    before: str
    programs: tuple[str, ...]
    exercise: str
    path: str
    """Below the mount, without a slash at its beginning."""
    files: tuple[str, ...]
    folder: int | None
    """The node that is a directory."""
    rules: tuple[Rule, ...]
    nest: str
    open_flags: str
    freezer: int
    stable_ms: int
    want: str
    xfail: bool
    proofs: tuple[tuple[str, str], ...]
    """A condition of arming, in words, and the function that tests it."""

    @property
    def ident(self) -> str:
        """The name as an identifier of C."""
        return self.name.replace("-", "_")

    @property
    def client(self) -> bool:
        """True where a process other than the server uses the mount."""
        return self.holder in ("process", "passed") or self.caller == "process"

    @property
    def thread(self) -> str:
        """The function of the server's second thread; empty for none."""
        if self.holder in ("server", "shared"):
            return "hold"
        return "make_call" if self.caller == "server" else ""

    @property
    def threads(self) -> bool:
        """True where the program has threads."""
        return bool(self.thread or self.nest or self.holder == "process" or "sleepers" in self.programs)

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults of the server's rules."""
        return tuple(rule.fault for rule in self.rules)

    @property
    def uses_name(self) -> bool:
        """True where the server has more than one file."""
        return len(self.files) > 1

    @property
    def uses_arg(self) -> bool:
        """True where the server looks at more of a request than its header."""
        return self.uses_name or self.call in ("write", "write-exit")

    @property
    def lookup(self) -> str:
        """The node of the name that a LOOKUP carries, in C: the names differ in their last letter."""
        if len(self.files) < 2:
            return str(_FIRST_NODE)
        return f"{_FIRST_NODE}UL + name[strlen(name) - 1] - '{self.files[0][-1]}'"


def lacking(scenario: Scenario) -> str:
    """Why there is no C program of a scenario; empty when there is one."""
    if scenario.command or scenario.commands:
        return "it runs programs of yours"
    parts = resources.files(TEMPLATES) / "templates"
    wanted = [f"programs/{name}.c" for name in scenario.programs]
    wanted += [f"calls/{scenario.call}.c"] if scenario.call else []
    wanted += [f"before/{scenario.before}.c"] if scenario.before else []
    missing = [part for part in wanted if not parts.joinpath(part).is_file()]
    return f"harness/repro/templates has no {', '.join(missing)}" if missing else ""


def derive(scenario: Scenario) -> Program:
    """Collect what the C program of a scenario needs.

    Args:
        scenario: a scenario of the catalogue.

    Returns:
        The facts for the template.

    Raises:
        UsageError: the scenario has something that no part of the template knows.
    """
    if reason := lacking(scenario):
        raise UsageError(f"there is no C program of {scenario.name}: {reason}", "`--form sh` may have a script")
    paths = _paths(scenario)
    rules, nest = _rules(scenario, paths)
    inside = scenario.server is Place.INSIDE
    return Program(
        name=scenario.name,
        head=_head(scenario),
        frame=scenario.frame.value,
        server="" if scenario.server is Place.NOWHERE else scenario.server.value,
        holder="" if scenario.holder is Holder.NOBODY else scenario.holder.value,
        caller=scenario.caller.value if scenario.caller else "",
        call=scenario.call,
        before=scenario.before.value if scenario.before else "",
        programs=scenario.programs,
        exercise=scenario.exercise.value,
        path=scenario.path.lstrip("/"),
        files=paths,
        folder=_folder(scenario, paths),
        rules=rules,
        nest=nest,
        open_flags="FOPEN_DIRECT_IO" if "direct_io" in scenario.mount_options else "0",
        freezer=1 if Requirement.FREEZER_V1 in scenario.requires else 2,
        stable_ms=math.ceil(1000 * (STABLE_S if inside else scenario.patience_s)),
        want=scenario.want.value,
        xfail=scenario.kind is Kind.BEHAVIOUR and scenario.want.name != "RELEASED",
        proofs=tuple(_proofs(scenario)),
    )


def _paths(scenario: Scenario) -> tuple[str, ...]:
    """The files of the server, by their names below the mount: nodes 2, 3, … in this order."""
    if scenario.exercise is Exercise.EXECUTED:
        return tuple(f"{scenario.path.lstrip('/')}.{number}" for number in range(_EXECUTIONS))
    if scenario.server is Place.NOWHERE:
        return ()
    named = [file.partition("=")[0].lstrip("/").partition("/")[0] for file in scenario.files]
    return tuple(dict.fromkeys(named))


def _folder(scenario: Scenario, paths: tuple[str, ...]) -> int | None:
    for file in scenario.files:
        top, _, below = file.partition("=")[0].lstrip("/").partition("/")
        if below:
            return _FIRST_NODE + paths.index(top)
    return None


def _rules(scenario: Scenario, paths: tuple[str, ...]) -> tuple[tuple[Rule, ...], str]:
    """The rules in C's words, and the file that the server opens for itself."""
    from fakefs.parse import parse_spec

    rules, nest = [], ""
    for spec in scenario.rules:
        rule = parse_spec(spec)
        if rule.fault == "nest":
            nest = str(rule.argument).lstrip("/")
        node = None if rule.path == "*" else _FIRST_NODE + paths.index(rule.path.lstrip("/"))
        rules += [Rule(_opcode(name), node, rule.fault, _value(rule)) for name in sorted(rule.operations)]
    return tuple(rules), nest


def _opcode(operation: str) -> str:
    """fakefs's getattr is the stat(2) of a path: the kernel sends LOOKUP first, and here that is held back."""
    return "FUSE_LOOKUP" if operation == "getattr" else f"FUSE_{operation.upper()}"


def _value(rule: FakefsRule) -> str:
    if rule.fault == "delay":
        return str(math.ceil(1_000_000 * float(str(rule.argument))))
    if rule.fault == "errno":
        import errno

        return errno.errorcode[int(str(rule.argument))]
    return ""


def _proofs(scenario: Scenario) -> list[tuple[str, str]]:
    found = []
    if scenario.programs:
        found.append(("programs as they have to be", "program_ready()"))
    if scenario.exercise is Exercise.FLUSH_UNKNOWN:
        found.append(("a FLUSH that the server has read", "shared->flushes"))
    if scenario.holder is not Holder.NOBODY:
        held = "shared->fd > 0 && state(shared->user) == 'S'"
        held += " &&\n\t\t   !shared->flushes" if scenario.exercise is Exercise.FILE_HELD else ""
        found.append(("a holder that sleeps", held))
    if scenario.holder is Holder.PASSED:
        found.append(("a server that is alone", _PASSED))
    if scenario.exercise is Exercise.REQUEST_HELD:
        found.append(("a request that is read and not answered", "shared->held"))
        found += _CALLERS.get(scenario.call, [("a caller that waits", _WAITS)])
    if scenario.exercise is Exercise.EXECUTED:
        found.append(("programs that were executed", "shared->executed == 5"))
    return found


_PASSED = "\n\t\t   state(shared->tasks[shared->tasks[0] == shared->server]) == 'X'"
_WAITS = "in(shared->user, WAITS)"
_CALLERS = {
    "fault": [("a caller that waits for the page", "state(shared->user) == 'D'")],
    # A kernel that does not wait for the answer to the FLUSH of an exiting task lets it go.
    "write-exit": [
        ("a server that holds a file of its own", "shared->nested"),
        ("a caller that waits in its exit, or is gone", f"{_WAITS} ||\n\t\t   state(shared->user) == 'X'"),
    ],
}
"""The sign that a caller is in its call, where that is not the wait for the answer alone."""


def _head(scenario: Scenario) -> tuple[str, ...]:
    """The comment at the top: what it shows, where it was seen, what it needs, how it is built."""
    needs = ["root", "CONFIG_STACKTRACE"]
    needs += [] if scenario.server is Place.NOWHERE else ["/dev/fuse", "sysfs"]
    needs += [each.value for each in scenario.requires if each is not Requirement.ROOT]
    lines = [*_wrapped(f"{scenario.name}: {scenario.summary}."), "", *_wrapped(scenario.why), ""]
    for each in scenario.measured:
        lines += textwrap.wrap(f"Measured: {each}.", 96, subsequent_indent="  ")
    lines += ["", *_wrapped(f"{_STATUS[scenario.kind]} It needs {', '.join(needs)}. {_PRIVATE}"), ""]
    lines += [f"  cc -o repro -Wall -Wextra -pthread {scenario.name}.c && sudo ./repro"]
    return tuple(lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(re.sub(r"\s+", " ", text).replace("*/", "* /"), 96)


_STATUS = {
    Kind.DEFECT: "Exit status: 0 free of the defect, 1 the defect, 4 not exercised.",
    Kind.CONTROL: "Exit status: 0 as it has to be, 1 not so, 4 not exercised.",
    Kind.BEHAVIOUR: "Exit status: 0 as measured (XFAIL where that is a hang) or better, 1 not so, 4 not exercised.",
}
_PRIVATE = (
    "All mounts are in a mount namespace of its own, over /tmp. It ends what hangs; with --keep, it does so when it "
    "gets a signal."
)
