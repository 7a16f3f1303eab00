"""One row of the table: the stacks that it explains, what they mean, whose fault it is, and what ends it.

A row's `stacks` are patterns of function names, innermost first: `a|b < c` is a stack with `a` or `b` in it and,
further out, `c`.  Names are without compiler suffix and module (`function_of`); a name that ends in `*` stands for all
names that begin so; `^a` is met only by the innermost function that is not a scheduler's or a lock's; `[zfs]` is met
by any function of that module, where the text names modules.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.terms import Progress, StrEnum
from harness.record import record


class Role(StrEnum):
    """The part that a task in this wait has among several stuck tasks."""

    CAUSE = "cause"  # what it waits for is outside the tasks that wait
    QUEUE = "queue"  # it waits for another task, which may be stuck itself
    IDLE = "idle"  # it rests: nothing is wrong with it


class Certainty(StrEnum):
    """The certainty of a matching stack.  Text never proves a deadlock: it does not show who could still answer."""

    LIKELY = "likely"
    POSSIBLE = "possible"
    UNKNOWN = "unknown"


@record(frozen=True, slots=True)
class Row:
    """One way to be stuck.

    Attributes:
        kind: The name that `diagnose` and `explain` print.
        meaning: Completes "the task …": begins with "it".
        stacks: Patterns; one of them fits (see the module).
        reference: Functions and files of the kernel's source, or the documentation's page.
        example: One stack that the row explains, innermost first; a test replays it.
        recorded: The public report, or the recording in tests/data, that `example` is a stack of; "" where it was put
            together from the functions and files of `reference`.
        fault: Who has to move.
        lossless: The remedy that loses nothing.
        destructive: The kind of remedy that loses something, and what it costs; empty where there is none.
        innocent: What it is not, where people blame the wrong thing.
        ask: A read-only command that makes it certain; `{pid}` and `{comm}` are the task's.
        answer: How to read that command's output.
        kernels: The kernels that have it, in words.
        threads: Public reports of it: owner/repository#number, or a mailing list and a subject.
        messages: Regular expressions of kernel messages that say the same without a stack.
        wchans: Wait channels, as ps and /proc/PID/wchan print them, beyond the names in `stacks`.
        progress: What the judge makes of it, of a task that no signal reaches.
        certainty: The most that a stack of this row says.
        role: Its part among several tasks.
        plain: Further patterns, which count as a plain row's where the row is a fallback.
        fallback: 1: taken only where no plain row fits, for its names say little; 2: only where no other fits.
    """

    kind: str
    meaning: str
    stacks: tuple[str, ...]
    reference: str
    example: str
    fault: str
    lossless: str
    destructive: str = ""
    innocent: str = ""
    ask: str = "cat /proc/{pid}/stack"
    answer: str = "the stack does not change between two readings"
    kernels: str = "all"
    threads: tuple[str, ...] = ()
    recorded: str = ""
    messages: tuple[str, ...] = ()
    wchans: tuple[str, ...] = ()
    progress: Progress = Progress.OUTSIDE
    certainty: Certainty = Certainty.LIKELY
    role: Role = Role.CAUSE
    fallback: int = 0
    plain: tuple[str, ...] = ()

    @property
    def remedy(self) -> str:
        return f"{self.lossless}; failing that, {self.destructive}" if self.destructive else self.lossless


class Link:
    """One step of a pattern: names that any of its alternatives meets."""

    __slots__ = ("_exact", "_modules", "_prefixes", "_top", "_top_prefixes")

    def __init__(self, text: str) -> None:
        self._exact: set[str] = set()
        self._prefixes: tuple[str, ...] = ()
        self._top: set[str] = set()
        self._top_prefixes: tuple[str, ...] = ()
        self._modules: set[str] = set()
        for each in text.split("|"):
            self._add(each.strip())

    def _add(self, name: str) -> None:
        if name.startswith("["):
            self._modules.add(name.strip("[]"))
        elif name.startswith("^"):
            if name.endswith("*"):
                self._top_prefixes += (name[1:-1],)
            else:
                self._top.add(name[1:])
        elif name.endswith("*"):
            self._prefixes += (name[:-1],)
        else:
            self._exact.add(name)

    def meets(self, name: str, module: str, top: bool) -> bool:
        if name in self._exact or (self._prefixes and name.startswith(self._prefixes)):
            return True
        if top and (name in self._top or (self._top_prefixes and name.startswith(self._top_prefixes))):
            return True
        return bool(module) and module in self._modules

    def names(self) -> set[str]:
        """Its names in full; prefixes and modules are not among them."""
        return self._exact | self._top


class Pattern:
    """A chain of links, from the innermost function outwards."""

    __slots__ = ("links",)

    def __init__(self, text: str) -> None:
        self.links = tuple(Link(each) for each in text.split(" < "))

    def place(self, functions: Sequence[str], modules: Sequence[str], top: int) -> int | None:
        """Find the chain in a stack that is innermost first; None if it does not fit.

        Args:
            functions: Names without suffix.
            modules: The module of each function, "" where it is not known; may be empty as a whole.
            top: Index of the innermost function that is not a scheduler's or a lock's.
        """
        begin: int | None = None
        at = 0
        for link in self.links:
            while at < len(functions):
                if link.meets(functions[at], modules[at] if modules else "", at == top):
                    break
                at += 1
            else:
                return None
            begin = at if begin is None else begin
            at += 1
        return begin
