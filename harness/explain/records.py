"""The contents of a text: tasks with their stacks, messages, a kernel.  Frozen; pids are as the text gives them."""

from __future__ import annotations

from harness.record import record


@record(frozen=True, slots=True)
class Frame:
    """One function of a stack.

    Attributes:
        function: Its name, without offset, module and compiler suffix.
        module: The module it belongs to, "" where the text names none.
        guess: The kernel marked it `?`: it was found on the stack, and need not have been called from there.
    """

    function: str
    module: str = ""
    guess: bool = False


@record(frozen=True, slots=True)
class TaskText:
    """One task, put together from every place of the text that shows it.

    Attributes:
        comm: Its name; "" where the text does not give it.
        pid: Its thread's number; None where the text does not give it.
        tgid: Its process's number, where that was given apart.
        ppid: Its parent's number.
        state: One letter, as ps and the kernel print it; "" where unknown.
        frames: Innermost first.
        wchan: The wait channel, perhaps truncated as ps does.
        workqueue: The work that a kworker runs.
        blocked_s: Seconds for which the hung task detector saw it blocked.
        owner: Name and pid of the task that the kernel says holds the lock; None where it does not say.
        syscall: The system call's name, where registers told it.
        tracer: The process that traces it.
        times: In how many places of the text it stands.
        moved: Two readings of its stack differ: it makes progress.
        guessed: Only frames marked `?` are known.
        dialects: The dialects that it was read from.
    """

    comm: str = ""
    pid: int | None = None
    tgid: int | None = None
    ppid: int | None = None
    state: str = ""
    frames: tuple[Frame, ...] = ()
    wchan: str = ""
    workqueue: str = ""
    blocked_s: int | None = None
    owner: tuple[str, int] | None = None
    syscall: str = ""
    tracer: int | None = None
    times: int = 1
    moved: bool = False
    guessed: bool = False
    dialects: tuple[str, ...] = ()

    @property
    def functions(self) -> tuple[str, ...]:
        return tuple(each.function for each in self.frames)

    @property
    def modules(self) -> tuple[str, ...]:
        found = tuple(each.module for each in self.frames)
        return found if any(found) else ()


@record(frozen=True, slots=True)
class Message:
    """A kernel message that names a cause without a stack.

    Attributes:
        kind: The row of the table.
        what: The device, server or CPU that it names; "" where none.
        text: The message.
        times: How often it stands there.
    """

    kind: str
    what: str
    text: str
    times: int = 1


@record(frozen=True, slots=True)
class Paste:
    """All that a text says.

    Attributes:
        tasks: In the order of the text.
        messages: Kernel messages that name a cause.
        kernel: The release; "" where the text does not give it.
        architecture: As `uname -m` prints it; "" where the text does not show it.
        connections: Numbers of FUSE connections that the text names.
        mounts: Filesystem types with the device numbers that flushers named: ("fuseblk", 8, 1).
        held: Locks that lockdep lists: (comm, pid, function).
        dialects: The dialects that were met, with the number of lines.
        lines: Number of lines that were read.
        dropped: Tasks that were not kept, because there were too many.
    """

    tasks: tuple[TaskText, ...] = ()
    messages: tuple[Message, ...] = ()
    kernel: str = ""
    architecture: str = ""
    connections: tuple[int, ...] = ()
    mounts: tuple[tuple[str, int, int], ...] = ()
    held: tuple[tuple[str, int, str], ...] = ()
    dialects: tuple[tuple[str, int], ...] = ()
    lines: int = 0
    dropped: int = 0
