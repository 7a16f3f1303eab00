"""Judges a text: what is stuck, who holds whom up, how sure that is, and what to run next.  Pure.

Text never shows who could still answer: the words are `likely`, `possible` and `unknown`, never `deadlock`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

from harness.blockers import table
from harness.blockers.row import Certainty, Role, Row
from harness.explain import ages, operations
from harness.explain.records import Message, Paste, TaskText
from harness.model import kernel_names
from harness.record import record

_SURE_MESSAGES = frozenset(
    {"netns-cleanup", "rcu", "soft-lockup", "nfs", "smb", "ceph", "lustre", "audit", "lock-order"}
)
_SERVERS = (
    "sshfs", "lxcfs", "mergerfs", "gluster", "ntfs-3g", "mount.ntfs", "sysbox-fs", "rclone", "s3fs", "goofys",
    "gcsfuse", "gvfsd", "ceph-fuse", "fuse", "bindfs", "encfs", "gocryptfs", "juicefs", "mount.exfat", "unionfs",
    "virtiofsd", "davfs", "mount.davfs", "squashfuse", "curlftpfs", "google-drive", "mount.fuse", "borgfs",
    "restic", "seaweedfs", "weed", "alluxio", "moosefs", "mfsmount", "blobfuse", "containerd-fuse", "stargz",
    "nydusd", "portal", "xdg-document", "onedriver", "fakefs", "cvmfs", "afuse", "jmtpfs",
)  # fmt: skip
"""Names that processes which serve a FUSE mount begin with."""
_CLIENTS = (
    *(
        "df",
        "ls",
        "cat",
        "cp",
        "mv",
        "rm",
        "du",
        "find",
        "stat",
        "ps",
        "top",
        "lsof",
        "fuser",
        "mount",
        "umount",
        "fusermount",
    ),
    *(
        "systemd",
        "docker",
        "containerd",
        "runc",
        "kubelet",
        "crio",
        "podman",
        "conmon",
        "bash",
        "sh",
        "sync",
        "tar",
        "git",
        "grep",
    ),
)
"""Programs that serve no mount: a wait of theirs is no server's."""
_FUSE = "fuse-"
_ENTRY = (
    "entry_",
    "do_syscall_64",
    "x64_sys_call",
    "el0_svc",
    "el0t_64",
    "invoke_syscall",
    "ret_from_fork",
    "system_call",
)
_SHOWN = 60


@record(frozen=True, slots=True)
class Judged:
    """A task and the row that explains it.

    Attributes:
        task: The task.
        row: The row; None where none explains it.
        place: Index of the frame that the row was known by; None where it was not a frame.
        certainty: How much it says.
        via: What told it: `stack`, `wchan`, `state`, `work`.
    """

    task: TaskText
    row: Row | None
    place: int | None
    certainty: Certainty
    via: str

    @property
    def kind(self) -> str:
        return "unknown" if self.row is None else self.row.kind

    @property
    def name(self) -> str:
        return named(self.task)


@record(frozen=True, slots=True)
class Reason:
    """A frame with its meaning; "" where the table has none for it."""

    function: str
    meaning: str


@record(frozen=True, slots=True)
class Explanation:
    """What a text comes to.

    Attributes:
        kind: The row's name; `unknown` where none fits.
        certainty: likely, possible or unknown.
        sentence: What it is.
        because: How sure, and why.
        why: The frames of the task that shows it, with meanings.
        culprit: Who has to move; names a task where the text shows it.
        blocks: Tasks that wait for something outside the text's tasks.
        queues: Tasks that merely wait for others.
        unexplained: Tasks in state D that no row explains.
        resting: Number of tasks that are at rest.
        innocent: What it is not.
        command: A read-only command that makes it certain.
        answer: How to read its output.
        lossless: The remedy that loses nothing.
        destructive: The kind of remedy that loses something, and what; never a command.
        kernel: The kernel, as the text gives it or as its function names allow.
        architecture: The architecture, "" where not known.
        kernels: Which kernels have this.
        references: Kernel functions and files.
        threads: Public reports of it.
        connection: The FUSE connection, where the text says; None otherwise.
        device: The block device, workqueue or server that the text names.
        missing: What to paste, too, in words.
        messages: Kernel messages that the table knows.
        stack_alone: The answer rests on one stack, and nothing else in the text supports it.
    """

    kind: str
    certainty: Certainty
    sentence: str
    because: str
    why: tuple[Reason, ...]
    culprit: str
    blocks: tuple[Judged, ...]
    queues: tuple[Judged, ...]
    unexplained: tuple[TaskText, ...]
    resting: int
    innocent: tuple[str, ...]
    command: str
    answer: str
    lossless: str
    destructive: str
    kernel: str
    architecture: str
    kernels: str
    references: tuple[str, ...]
    threads: tuple[str, ...]
    connection: int | None
    device: str
    missing: tuple[str, ...]
    messages: tuple[Message, ...]
    stack_alone: bool

    @property
    def status(self) -> int:
        """The command's exit status: 0 explained, 1 unknown."""
        return 1 if self.certainty is Certainty.UNKNOWN else 0


def named(task: TaskText) -> str:
    if task.comm and task.pid is not None:
        return f"{task.comm} {task.pid}"
    if task.comm:
        return task.comm
    return f"task {task.pid}" if task.pid is not None else "the task"


def judged(task: TaskText) -> Judged:
    """The row of one task."""
    if task.frames:
        found = table.match(task.functions, task.modules)
        if found is not None:
            certainty = _at_most(found.row.certainty, Certainty.POSSIBLE) if task.guessed else found.row.certainty
            return Judged(task, found.row, found.place, certainty, "stack")
    if task.wchan:
        row = of_wchan(task.wchan)
        if row is not None:
            return Judged(task, row, None, _at_most(row.certainty, Certainty.POSSIBLE), "wchan")
    if task.workqueue:
        functions = tuple(each for each in task.workqueue.split() if each.isidentifier())
        row = table.of_stack(functions)
        if row is not None and row.fallback == 0:
            return Judged(task, row, None, Certainty.POSSIBLE, "work")
    if task.tracer is not None or task.state == "t":
        return Judged(task, table.named("ptrace"), None, Certainty.POSSIBLE, "state")
    if task.state == "T":
        return Judged(task, table.named("stopped"), None, Certainty.LIKELY, "state")
    if task.state == "Z" and not task.frames:
        return Judged(task, table.named("dead"), None, Certainty.POSSIBLE, "state")
    return Judged(task, None, None, Certainty.UNKNOWN, "stack" if task.frames else "state")


@functools.lru_cache(maxsize=4096)
def of_wchan(wchan: str) -> Row | None:
    """The row of a wait channel, which ps cuts off and takes the leading underscores off (`refrig`).

    Args:
        wchan: As ps or /proc/PID/wchan print it.

    Returns:
        The row; None where no function of the table begins so, or those of several kinds do.
    """
    row = table.of_stack((wchan,)) or table.of_stack(("__" + wchan,))
    if row is not None:
        return row
    by_name = next((each for each in table.rows() if wchan in each.wchans), None)
    if by_name is not None or len(wchan) < 6:
        return by_name
    names = [each for each in table.vocabulary() if each.lstrip("_").startswith(wchan.rstrip("+").lstrip("_"))]
    rows = {row.kind: row for name in names if (row := table.of_stack((name,))) is not None}
    return next(iter(rows.values())) if len(rows) == 1 else None


def explain(paste: Paste) -> Explanation:
    """Explains a text.

    Args:
        paste: What the dialects read.

    Returns:
        One explanation; `unknown` where nothing in it is known.
    """
    every = [judged(task) for task in paste.tasks]
    stuck = [each for each in every if not _rests(each)]
    resting = len(every) - len(stuck)
    owned = _owners(stuck)
    causes = [each for each in stuck if each.row is not None and each.row.role is Role.CAUSE and each not in owned]
    queues = [each for each in stuck if each.row is not None and each.row.role is Role.QUEUE]
    unexplained = [each for each in stuck if each.row is None]
    main = _main(causes) or _main(queues)
    message = _message(paste.messages, main)
    if message is not None:
        return _of_message(message, main, causes, queues, unexplained, resting, paste)
    if main is None:
        return _unknown(unexplained, every, resting, paste)
    return _of_task(main, causes, queues, unexplained, resting, paste)


def _at_most(one: Certainty, other: Certainty) -> Certainty:
    order = (Certainty.LIKELY, Certainty.POSSIBLE, Certainty.UNKNOWN)
    return max(one, other, key=order.index)


def _rests(each: Judged) -> bool:
    """An ordinary sleeper, or what a CPU runs at the moment; a task in state D never rests."""
    if each.task.state == "R":
        return True
    if each.row is None:
        return each.task.state not in ("D", "") or (
            not each.task.frames and not each.task.state and not each.task.wchan
        )
    return each.row.role is Role.IDLE and not (each.task.state == "D" and each.row.fallback == 0)


def _owners(stuck: list[Judged]) -> list[Judged]:
    """Tasks that the kernel says wait for the lock of another: they queue, whatever their stack resembles."""
    return [each for each in stuck if each.task.owner is not None]


_ORDER = (Certainty.LIKELY, Certainty.POSSIBLE, Certainty.UNKNOWN)


def _main(found: list[Judged]) -> Judged | None:
    """The task that shows the cause best.

    A FUSE wait comes before a disk's: the server is one of the tasks, and the disk is what it waits for; unless many
    more wait for the disk.  Otherwise plain rows come before fallbacks, surer ones before others, and of equal ones the
    kind that most tasks have.
    """
    if not found:
        return None
    counts: dict[str, int] = {}
    for each in found:
        counts[each.kind] = counts.get(each.kind, 0) + 1
    fuse = sum(count for kind, count in counts.items() if kind.startswith(_FUSE))
    others = len(found) - fuse

    def key(each: Judged) -> tuple[object, ...]:
        row = each.row
        assert row is not None
        first = each.kind.startswith(_FUSE) and others < 4 * max(fuse, 1)
        return (not first, row.fallback, _ORDER.index(each.certainty), -counts[each.kind], -len(each.task.frames))

    return min(found, key=key)


def _message(messages: tuple[Message, ...], main: Judged | None) -> Message | None:
    """The message that says more than the tasks do: of RCU and CPUs always, of others where no task shows a cause."""
    for kind in ("soft-lockup", "rcu"):
        found = next((each for each in messages if each.kind == kind), None)
        if found is not None and (
            main is None or main.row is None or main.row.role is Role.QUEUE or main.kind in ("rcu", "srcu", "cpu-stall")
        ):
            return found if main is None or main.kind != kind else None
    if main is not None and main.row is not None and main.row.role is Role.CAUSE:
        return None
    weight = [each for each in messages if each.kind not in ("soft-lockup", "rcu")]
    if main is not None:
        weight = [each for each in weight if each.kind in _SURE_MESSAGES and each.kind != "lock-order"]
    return max(weight, key=lambda each: (each.kind in _SURE_MESSAGES, each.times), default=None)


def _of_message(
    message: Message,
    main: Judged | None,
    causes: list[Judged],
    queues: list[Judged],
    unexplained: list[Judged],
    resting: int,
    paste: Paste,
) -> Explanation:
    row = table.named(message.kind)
    certainty = Certainty.LIKELY if message.kind in _SURE_MESSAGES else Certainty.POSSIBLE
    what = f" ({message.what})" if message.what else ""
    times = f", {message.times} times" if message.times > 1 else ""
    waits = row.meaning[3:] if row.meaning.startswith("it ") else row.meaning
    sentence = (
        f"The kernel's own message says it{what}: {'a task ' + waits if row.meaning.startswith('it ') else waits}."
    )
    running = [each for each in paste.tasks if each.state == "R" and each.frames]
    why = (
        _reasons(running[0].functions, None, row)
        if running
        else _reasons(main.task.functions, main.place, main.row)
        if main
        else ()
    )
    culprit = row.fault
    if running:
        culprit = f"{named(running[0])}, on the CPU in {running[0].functions[0]}(); {row.fault}"
    return _explanation(
        row,
        certainty,
        sentence,
        f"{certainty.value}: the kernel printed `{message.text.strip()[:120]}`{times}",
        why,
        culprit,
        causes,
        queues,
        unexplained,
        resting,
        main.task if main else (running[0] if running else None),
        paste,
        False,
    )


def _of_task(
    main: Judged, causes: list[Judged], queues: list[Judged], unexplained: list[Judged], resting: int, paste: Paste
) -> Explanation:
    row = main.row
    assert row is not None
    task = main.task
    doing = operations.context(task.functions, task.syscall)
    request = operations.request(task.functions) if row.kind.startswith(_FUSE) else ""
    state = ", ".join(
        each
        for each in (
            f"state {task.state}" if task.state else "",
            f"blocked for more than {task.blocked_s} s" if task.blocked_s else "",
        )
        if each
    )
    head = named(task) + (f" ({state})" if state else "") + (f", {doing}" if doing else "")
    meaning = row.meaning + (f" (FUSE request {request})" if request and "FLUSH" not in row.meaning else "")
    sentence = f"{head}: {meaning}."
    culprit, owner = _culprit(main, causes, queues, paste)
    supported = _supported(main, causes, paste) or owner
    alone = len(task.frames) > 0 and not supported and not paste.messages
    return _explanation(
        row,
        main.certainty,
        sentence,
        _because(main, supported),
        _reasons(task.functions, main.place, row),
        culprit,
        causes,
        queues,
        unexplained,
        resting,
        task,
        paste,
        alone,
    )


def _because(main: Judged, supported: bool) -> str:
    task, row = main.task, main.row
    assert row is not None
    if main.via == "wchan":
        ground = f"only the wait channel {task.wchan} says so, which is the innermost function of a stack"
    elif main.via == "state":
        ground = "only its state says so"
    elif main.via == "work":
        ground = "only the work that it runs says so"
    elif task.guessed:
        ground = "every frame is marked `?`: they lay on the stack, and need not have been called"
    elif row.certainty is Certainty.UNKNOWN:
        ground = "the stack shows where it waits, not what for"
    elif row.role is Role.QUEUE:
        ground = "the stack shows the lock or the task that it waits for, not what holds that up"
    else:
        ground = "the stack names it"
    if main.place is not None and task.frames:
        ground += f": {task.functions[main.place]}()"
    if task.moved:
        ground += "; two readings of the stack differ, so that it may be slow, not stuck"
    if supported:
        ground += "; other lines of the text agree"
    return f"{main.certainty.value}: {ground}"


def _supported(main: Judged, causes: list[Judged], paste: Paste) -> bool:
    """Something else in the text than this one stack says the same."""
    same = [each for each in causes if each is not main and each.kind == main.kind]
    fuse = main.kind.startswith(_FUSE) and any(kind.startswith("fuse") for kind, _, _ in paste.mounts)
    return bool(same or fuse or main.task.wchan or any(each.kind == main.kind for each in paste.messages))


def _culprit(main: Judged, causes: list[Judged], queues: list[Judged], paste: Paste) -> tuple[str, bool]:
    """Who has to move, and whether the text itself names that."""
    row = main.row
    assert row is not None
    if main.task.owner is not None:
        comm, pid = main.task.owner
        known = next((each for each in (*causes, *queues) if each.task.pid == pid), None)
        does = f", which waits itself: {known.row.meaning}" if known is not None and known.row is not None else ""
        return f"{comm} {pid}, which the kernel says holds the lock{does}", True
    if row.kind.startswith(_FUSE):
        server = _server(main, causes)
        if server is not None:
            waits = f"{server.row.meaning} ({server.kind})" if server.row else "is stuck"
            sure = "" if _serves(server.task) else ", if it is the server: the text does not say"
            return f"the server's thread {server.name}: {waits}{sure}", True
        if row.role is Role.QUEUE:
            holder = _holder(main, causes)
            if holder is not None:
                return (
                    f"{holder.name}, which has a FUSE request in flight "
                    f"({operations.request(holder.task.functions) or 'some request'}) and so holds the lock, "
                    f"and the server that does not answer it",
                    True,
                )
    held = [each for each in paste.held if each[1] != main.task.pid and each[0] != "khungtaskd"]
    if row.role is Role.QUEUE and held and not causes:
        names = ", ".join(dict.fromkeys(f"{comm} {pid} (in {function}())" for comm, pid, function in held[:3]))
        return f"one of the tasks that hold locks: {names}", True
    return row.fault, False


def _server(main: Judged, causes: list[Judged]) -> Judged | None:
    """A task that waits for something other than FUSE, and may serve the mount."""
    others = [
        each
        for each in causes
        if not each.kind.startswith(_FUSE) and each is not main and not _kernel_thread(each.task)
    ]
    serving = next((each for each in others if _serves(each.task)), None)
    if serving is not None:
        return serving
    unnamed = [each for each in others if not each.task.comm.startswith(_CLIENTS)]
    return unnamed[0] if len({each.name for each in unnamed}) == 1 and len(unnamed) == len(others) else None


def _serves(task: TaskText) -> bool:
    return task.comm.lower().startswith(_SERVERS)


def _holder(main: Judged, causes: list[Judged]) -> Judged | None:
    return next((each for each in causes if each.kind.startswith(_FUSE) and each is not main), None)


def _kernel_thread(task: TaskText) -> bool:
    return (
        task.ppid == 2
        or task.comm.startswith(("kworker", "jbd2/", "xfsaild", "kswapd", "khugepaged"))
        or "kthread" in task.functions
    )


def _reasons(functions: tuple[str, ...], place: int | None, row: Row | None) -> tuple[Reason, ...]:
    """From the innermost function that says something outwards."""
    begin = table.top_of(functions) if place is None else min(place, table.top_of(functions))
    found = []
    for at, function in enumerate(functions[begin : begin + 14], begin):
        if function.startswith(_ENTRY):
            break
        meaning = kernel_names.MEANING.get(function, "")
        if not meaning and at == place and row is not None:
            meaning = row.meaning
        found.append(Reason(function, meaning))
    return tuple(found)


def _explanation(
    row: Row,
    certainty: Certainty,
    sentence: str,
    because: str,
    why: tuple[Reason, ...],
    culprit: str,
    causes: list[Judged],
    queues: list[Judged],
    unexplained: list[Judged],
    resting: int,
    task: TaskText | None,
    paste: Paste,
    alone: bool,
) -> Explanation:
    functions = tuple(dict.fromkeys(name for each in paste.tasks for name in each.functions))
    kernel = paste.kernel
    if not kernel and (estimate := ages.estimate(functions)):
        kernel = f"not named; the functions are those of {estimate}"
    connection, device = _places(row, causes, queues, task, paste)
    command = row.ask
    if task is not None:
        pid = str(task.tgid or task.pid) if task.pid is not None else "PID"
        command = command.replace("{pid}", pid).replace("{comm}", task.comm or "COMM")
    command = command.replace("{pid}", "PID").replace("{comm}", "COMM")
    return Explanation(
        row.kind,
        certainty,
        sentence,
        because,
        why,
        culprit,
        tuple(causes),
        tuple(queues),
        tuple(each.task for each in unexplained),
        resting,
        tuple(each for each in (row.innocent, _disputed(causes, row)) if each),
        command,
        row.answer,
        row.lossless,
        row.destructive,
        kernel,
        paste.architecture,
        row.kernels,
        (row.reference,),
        row.threads,
        connection,
        device,
        _missing(row, certainty, causes, unexplained, task, paste),
        paste.messages,
        alone,
    )


def _disputed(causes: list[Judged], row: Row) -> str:
    """Other causes in the same text."""
    others = dict.fromkeys(each.kind for each in causes if each.kind != row.kind)
    return f"other tasks of the text wait for something else: {', '.join(others)}" if others else ""


def _places(
    row: Row, causes: list[Judged], queues: list[Judged], task: TaskText | None, paste: Paste
) -> tuple[int | None, str]:
    """The FUSE connection and the device, where the text names them.

    fusectl names a connection by the whole dev_t, MAJOR << 20 | MINOR (fs/fuse/inode.c, fuse_conn_init()).
    """
    connection: int | None = None
    device = ""
    for kind, major, minor in paste.mounts:
        device = f"{major}:{minor}" + (f" ({kind})" if kind else "")
        if kind.startswith("fuse"):
            connection = major << 20 | minor
    if len(paste.connections) == 1 and row.kind.startswith(_FUSE):
        connection = paste.connections[0]
    if not device and task is not None:
        for each in (task, *(found.task for found in (*causes, *queues))):
            comm = each.comm
            if (
                comm.startswith(("jbd2/", "xfsaild/", "btrfs-", "md", "kjournald", "loop", "nbd", "drbd"))
                and "/" in comm
            ):
                device = comm.partition("/")[2].rsplit("-", 1)[0] or comm
                break
    what = next((each.what for each in paste.messages if each.kind == row.kind and each.what), "")
    return connection if row.kind.startswith(_FUSE) else None, device or what


def _missing(
    row: Row | None,
    certainty: Certainty,
    causes: list[Judged],
    unexplained: list[Judged],
    task: TaskText | None,
    paste: Paste,
) -> tuple[str, ...]:
    found = []
    if row is None or certainty is not Certainty.LIKELY:
        bare = [each.task for each in unexplained if not each.task.frames and each.task.pid is not None]
        if task is not None and not task.frames and task.pid is not None:
            bare.insert(0, task)
        if bare:
            pids = " ".join(dict.fromkeys(str(each.pid) for each in bare[:5]))
            found.append(f"the kernel stack: as root, `for p in {pids}; do cat /proc/$p/task/*/stack; done`")
    if task is not None and task.guessed:
        found.append(f"a stack without `?`: as root, `cat /proc/{task.pid or 'PID'}/stack`")
    if row is not None and row.role is Role.QUEUE and not causes:
        found.append(
            "the other blocked tasks, of which one holds what this one waits for: `echo w > "
            "/proc/sysrq-trigger`, then `dmesg`"
        )
    if row is not None and row.kind.startswith(_FUSE) and not paste.mounts and not paste.connections:
        pid = task.pid if task is not None and task.pid is not None else "PID"
        found.append(
            f"the mount's device number and the server: `grep fuse /proc/{pid}/mountinfo`, `ls -l /proc/*/fd "
            f"2>/dev/null | grep /dev/fuse`"
        )
    if not paste.kernel:
        found.append("the kernel: `uname -r`")
    return tuple(found)


def _unknown(unexplained: list[Judged], every: list[Judged], resting: int, paste: Paste) -> Explanation:
    shown = next((each.task for each in unexplained if each.task.frames), None) or next(
        (each.task for each in unexplained), None
    )
    if shown is not None and shown.frames:
        top = shown.functions[table.top_of(shown.functions)]
        doing = operations.context(shown.functions, shown.syscall)
        sentence = f"{named(shown)}{', ' + doing if doing else ''}: it waits in {top}(), which is not in the table."
        because = "unknown: no row of the table explains this stack"
        why = _reasons(shown.functions, None, None)
    elif shown is not None:
        channel = f", wait channel {shown.wchan}" if shown.wchan else ""
        sentence = f"{named(shown)} is in state {shown.state or '?'}{channel}; the text does not show where it waits."
        because = "unknown: there is no stack in the text"
        why = ()
    else:
        rest = [each for each in every if each.row is not None]
        idle = (
            f" All {resting} task(s) of the text are at rest or run: "
            f"{', '.join(dict.fromkeys(each.kind for each in rest))}."
            if rest
            else ""
        )
        sentence = f"Nothing in the text is stuck in the kernel.{idle}"
        because = "unknown: no task is shown that is blocked"
        shown = next((each.task for each in every), None)
        why = _reasons(shown.functions, None, None) if shown is not None and shown.frames else ()
    functions = tuple(dict.fromkeys(name for each in paste.tasks for name in each.functions))
    kernel = paste.kernel
    if not kernel and (estimate := ages.estimate(functions)):
        kernel = f"not named; the functions are those of {estimate}"
    pid = shown.pid if shown is not None and shown.pid is not None else "PID"
    missing = list(_missing(None, Certainty.UNKNOWN, [], unexplained, shown, paste))
    if not any("sysrq" in each for each in missing):
        missing.insert(0, "all blocked tasks: `echo w > /proc/sysrq-trigger`, then `dmesg`")
    return Explanation(
        "unknown",
        Certainty.UNKNOWN,
        sentence,
        because,
        why,
        "not known",
        (),
        (),
        tuple(each.task for each in unexplained),
        resting,
        (),
        f"cat /proc/{pid}/stack /proc/{pid}/status",
        "where it waits, and whether that changes",
        "none can be named",
        "",
        kernel,
        paste.architecture,
        "",
        (),
        (),
        None,
        "",
        tuple(missing),
        paste.messages,
        False,
    )


def shown(found: Iterable[Judged]) -> tuple[Judged, ...]:
    """As many as a person reads."""
    return tuple(found)[:_SHOWN]
