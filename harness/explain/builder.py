"""Puts together what the dialects read: frames become stacks, stacks become tasks, one task for each pid."""

from __future__ import annotations

import functools
import re
from typing import Any

from harness.blockers import table
from harness.explain.records import Frame, Message, Paste, TaskText
from harness.record import replace

MOST_TASKS = 10_000
MOST_FRAMES = 128
MOST_NAMES = 100_000
_CLONE = re.compile(r"\.(?:part|isra|constprop|cold|llvm|lto_priv|localalias)\b.*$|\.\d+$|\$\w+$")
_ENDS = (
    "entry_SYSCALL",
    "system_call_fast",
    "ret_from_fork",
    "el0_svc",
    "el0t_64_sync",
    "ret_fast_syscall",
    "__sys_trace",
)
_ENDS_WHOLE = frozenset(
    {"kthread", "tracesys", "sysenter_do_call", "syscall_call", "system_call", "system_call_exception"}
)
_NOISE = 60
"""After so many lines of something else, frames no longer belong to the header before them."""
_AGES = (
    (re.compile(r"^__arm64_|^el0|^el1|^invoke_syscall$"), "aarch64"),
    (re.compile(r"^__x64_sys|^__ia32_sys|^entry_SYSCALL_64|^x64_sys_call|^do_syscall_64"), "x86_64"),
    (re.compile(r"^ret_fast_syscall|^do_DataAbort|^__dabt_"), "armv7l"),
    (re.compile(r"^system_call_exception|^system_call_vectored|^system_call_common"), "ppc64le"),
    (re.compile(r"^__s390x_sys|^__do_syscall_s390|^__s390_sys"), "s390x"),
    (re.compile(r"^handle_exception$|^ret_from_exception$|^do_trap_ecall"), "riscv64"),
)


def clean(name: str) -> str:
    """`fuse_flush.part.0` → `fuse_flush`."""
    return _CLONE.sub("", name) if "." in name or "$" in name else name


@functools.lru_cache(maxsize=4096)
def _ended(function: str) -> bool | None:
    """True where the outermost function of a stack is this one, False where it may go on; None of all others."""
    if function == "ret_from_fork_asm" or not (function in _ENDS_WHOLE or function.startswith(_ENDS)):
        return None
    return function not in ("kthread", "ret_from_fork")


class _Task:
    """A task while it is being read."""

    __slots__ = ("at", "dialects", "ended", "fields", "frames", "noise", "wants")

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.frames: list[Frame] = []
        self.dialects: dict[str, None] = {}
        self.at = False
        """Its one frame is where the processor was: the stack follows."""
        self.ended = False
        self.noise = 0
        self.wants = ""
        """The file of /proc whose text comes next: `stack`, `wchan`, `status`."""


class Builder:
    """Collects; `paste()` is the result."""

    def __init__(self) -> None:
        self.kernel = ""
        self.architecture = ""
        self._current: dict[str, _Task] = {}
        self._origin = ""
        self._done: dict[tuple[object, ...], TaskText] = {}
        self._messages: dict[tuple[str, str], Message] = {}
        self._connections: dict[int, None] = {}
        self._mounts: dict[tuple[str, int, int], None] = {}
        self._held: dict[tuple[str, int, str], None] = {}
        self._dialects: dict[str, int] = {}
        self._frames: dict[tuple[str, str, bool], Frame] = {}
        self.lines = 0
        self._dropped = 0
        self._stacks: dict[tuple[int, ...], tuple[tuple[Frame, ...], bool]] = {}
        self._columns: tuple[str, ...] = ()
        self._columns_age = 0
        self._holder: tuple[str, int] | None = None

    # ---- what dialects call

    def from_origin(self, origin: str) -> None:
        """Lines that follow come from this CPU or task of the kernel's log: their frames are kept apart."""
        self._origin = origin

    def met(self, dialect: str) -> None:
        self._dialects[dialect] = self._dialects.get(dialect, 0) + 1

    def task(self, dialect: str, **fields: object) -> None:
        """Begins a task.  A header that follows its own announcement (the hung task's message) continues it."""
        self.met(dialect)
        now = self._current.get(self._origin)
        pid, comm = fields.get("pid"), fields.get("comm") or ""
        if now is None or now.frames or now.ended or not _same(now.fields, pid, str(comm)):
            now = self._begin()
        announced = str(now.fields.get("comm", ""))
        now.fields.update((name, value) for name, value in fields.items() if value not in (None, ""))
        if announced and str(comm).endswith(announced[:15]):
            now.fields["comm"] = announced  # what stood before it was no part of its name
        now.dialects[dialect] = None
        now.noise = 0

    def also(self, **fields: object) -> None:
        """Adds to the task under way."""
        now = self._current.get(self._origin)
        if now is not None:
            now.fields.update((name, value) for name, value in fields.items() if value not in (None, ""))

    def frame(self, dialect: str, name: str, module: str = "", guess: bool = False) -> None:
        self.add(dialect, self.known(name, module, guess))

    def known(self, name: str, module: str, guess: bool) -> Frame:
        """A frame; those that are equal are one object."""
        function = name if "." not in name and "$" not in name else clean(name)
        key = (function, module, guess)
        frame = self._frames.get(key)
        if frame is None:
            frame = Frame(function, module, guess)
            if len(self._frames) < MOST_NAMES:
                self._frames[key] = frame
        return frame

    def add(self, dialect: str, frame: Frame) -> None:
        """The next frame of the stack under way."""
        now = self._current.get(self._origin)
        if now is None or now.ended or now.noise > _NOISE:
            now = self._begin()
        now.noise = 0
        now.dialects[dialect] = None
        if len(now.frames) >= MOST_FRAMES:
            return
        now.frames.append(frame)
        if not frame.guess:
            ended = _ended(frame.function)
            if ended is not None:
                now.ended = ended
        if not self.architecture:
            self.architecture = next((name for pattern, name in _AGES if pattern.match(frame.function)), "")

    def last_function(self) -> str:
        """The function of the last frame of the task under way."""
        now = self._current.get(self._origin)
        return now.frames[-1].function if now is not None and now.frames and not now.ended else ""

    def begin_stack(self) -> None:
        """`Call Trace:`: what follows is a stack; the frames before it belonged to another."""
        now = self._current.get(self._origin)
        if now is not None and now.frames and not (now.at and len(now.frames) == 1):
            self._begin()
        elif now is not None:
            now.ended = False

    def runs(self, dialect: str, name: str, module: str) -> None:
        """The function that a processor was in: the innermost of the stack that follows."""
        self.frame(dialect, name, module)
        self._current[self._origin].at = True

    def end_stack(self) -> None:
        now = self._current.get(self._origin)
        if now is not None and now.frames:
            now.ended = True

    def want(self, file: str) -> None:
        """The text of this file of /proc comes next, of the task under way."""
        now = self._current.get(self._origin)
        if now is not None:
            now.wants = file
            now.ended = False

    def wanted(self) -> str:
        now = self._current.get(self._origin)
        return "" if now is None else now.wants

    def noise(self) -> None:
        """A line that no dialect knows."""
        now = self._current.get(self._origin)
        if now is not None:
            now.noise += 1
            now.wants = "" if now.noise > 3 else now.wants

    def pause(self) -> None:
        """Lines were skipped: no stack goes on after that."""
        for now in self._current.values():
            now.noise = _NOISE + 1

    def message(self, kind: str, what: str, text: str) -> None:
        key = (kind, what)
        known = self._messages.get(key)
        if known is not None:
            self._messages[key] = replace(known, times=known.times + 1)
        elif len(self._messages) < 1000:
            self._messages[key] = Message(kind, what, text[:300])

    def connection(self, number: int) -> None:
        if len(self._connections) < 100:
            self._connections[number] = None

    def mount(self, kind: str, major: int, minor: int) -> None:
        if len(self._mounts) < 100:
            self._mounts[kind, major, minor] = None

    def holds(self, comm: str, pid: int, function: str) -> None:
        if len(self._held) < 1000:
            self._held[comm, pid, function] = None

    def holder(self, comm: str, pid: int) -> None:
        """lockdep lists the locks of this task next."""
        self._holder = (comm, pid)
        self.end_stack()

    def holder_lock(self, function: str) -> None:
        """A lock of that task, taken in this function."""
        if self._holder is not None:
            self.holds(*self._holder, clean(function))

    def continues(self, pid: object) -> bool:
        """True where the task under way has this pid."""
        now = self._current.get(self._origin)
        return now is not None and pid is not None and now.fields.get("pid") == pid

    def end_header(self) -> None:
        """The task is whole: a stack that follows is another's, unless its header names it."""
        self._finish(self._origin)

    def status(self, state: str) -> None:
        """`State:` of a status; without `Name:` before it, a task of its own."""
        now = self._current.get(self._origin)
        if now is None or now.fields.get("state") or "proc-status" not in now.dialects:
            self.task("proc-status", state=state)
        else:
            self.also(state=state)

    def traced(self, tracer: int) -> None:
        self.also(tracer=tracer)

    def columns(self, titles: tuple[str, ...]) -> None:
        """The title line of a list of processes."""
        self._columns, self._columns_age = titles, self.lines

    def columns_now(self) -> tuple[str, ...]:
        """The titles that hold for this line; () where the list has ended."""
        if self._columns and self.lines - self._columns_age > 20_000:
            self._columns = ()
        return self._columns

    # ---- the result

    def paste(self) -> Paste:
        for origin in list(self._current):
            self._finish(origin)
        return Paste(
            tuple(_joined(list(self._done.values()))),
            tuple(self._messages.values()),
            self.kernel,
            self.architecture,
            tuple(self._connections),
            tuple(self._mounts),
            tuple(self._held),
            tuple(self._dialects.items()),
            self.lines,
            self._dropped,
        )

    def _begin(self) -> _Task:
        self._finish(self._origin)
        now = self._current[self._origin] = _Task()
        if len(self._current) > 256:
            self._finish(next(iter(self._current)))
        return now

    def _stack(self, found: list[Frame]) -> tuple[tuple[Frame, ...], bool]:
        """The frames that were called, or, where only guesses say something, all of them; and whether they are guesses.

        Equal stacks of many tasks are one object: frames are, too, so that their addresses stand for them.
        """
        key = tuple(map(id, found))
        known = self._stacks.get(key)
        if known is None:
            sure = tuple(each for each in found if not each.guess)
            guessed = bool(found) and all(table.sleeps(each.function) for each in sure)
            known = (tuple(replace(each, guess=True) for each in found) if guessed else sure, guessed)
            if len(self._stacks) < MOST_TASKS and len(self._frames) < MOST_NAMES:
                self._stacks[key] = known
        return known

    def _finish(self, origin: str) -> None:
        now = self._current.pop(origin, None)
        if now is None:
            return
        frames, guessed = self._stack(now.frames)
        fields = now.fields
        if not (frames or fields.get("wchan") or fields.get("state") or fields.get("blocked_s") is not None):
            return
        key = (fields.get("comm"), fields.get("pid"), fields.get("state"), id(frames), fields.get("wchan"))
        if key not in self._done and len(self._done) >= MOST_TASKS:
            self._dropped += 1
            return
        task = TaskText(**fields, frames=frames, guessed=guessed and bool(frames), dialects=tuple(now.dialects))
        known = self._done.get(key)
        if known is not None:
            self._done[key] = replace(
                known,
                times=known.times + 1,
                dialects=tuple(dict.fromkeys((*known.dialects, *task.dialects))),
                blocked_s=max((each for each in (known.blocked_s, task.blocked_s) if each is not None), default=None),
                owner=task.owner or known.owner,
            )
        else:
            self._done[key] = task


def _same(known: dict[str, Any], pid: object, comm: str) -> bool:
    """A header names the task that was announced just before."""
    if pid is not None and known.get("pid") is not None:
        return bool(known["pid"] == pid)
    name = known.get("comm", "")
    return not name or not comm or name[:15] == comm[:15]


def body(functions: tuple[str, ...]) -> tuple[str, ...]:
    """A stack without the functions that /proc leaves out: equal for all dialects that show the same stack."""
    return tuple(each for each in functions if not table.sleeps(each))


def _joined(tasks: list[TaskText]) -> list[TaskText]:
    """One task for each pid; a nameless stack joins the one task that has the same."""
    found: list[TaskText] = []
    at: dict[int, int] = {}
    for task in tasks:
        place = at.get(task.pid) if task.pid is not None else None
        if place is not None:
            found[place] = _merged(found[place], task)
            continue
        if task.pid is not None:
            at[task.pid] = len(found)
        found.append(task)
    named: dict[tuple[str, ...], list[int]] = {}
    for place, task in enumerate(found):
        if task.frames:
            named.setdefault(body(task.functions), []).append(place)
    gone: set[int] = set()
    for places in named.values():
        nameless = [place for place in places if found[place].pid is None and not found[place].comm]
        others = [place for place in places if place not in nameless]
        target = others[0] if len(others) == 1 else nameless[0] if nameless and not others else None
        for place in nameless:
            if target is not None and place != target:
                found[target] = _merged(found[target], found[place])
                gone.add(place)
    return [task for place, task in enumerate(found) if place not in gone]


def _merged(one: TaskText, other: TaskText) -> TaskText:
    ours, theirs = body(one.functions), body(other.functions)
    short, long = sorted((ours, theirs), key=len)
    alike = long[: len(short)] == short or not short
    better = other if (len(theirs) > len(ours) or (one.guessed and other.frames and not other.guessed)) else one
    if not alike and not other.guessed:
        better = other  # the later reading
    elif ours == theirs and len(other.frames) > len(one.frames):
        better = other
    comm = one.comm if one.comm and ("/" not in one.comm or not other.comm) else other.comm
    return TaskText(
        comm,
        one.pid if one.pid is not None else other.pid,
        one.tgid if one.tgid is not None else other.tgid,
        one.ppid if one.ppid is not None else other.ppid,
        other.state or one.state,
        better.frames,
        one.wchan or other.wchan,
        one.workqueue or other.workqueue,
        max((each for each in (one.blocked_s, other.blocked_s) if each is not None), default=None),
        other.owner or one.owner,
        one.syscall or other.syscall,
        one.tracer or other.tracer,
        one.times + other.times,
        one.moved or other.moved or not alike,
        better.guessed,
        tuple(dict.fromkeys((*one.dialects, *other.dialects))),
    )
