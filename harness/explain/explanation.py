"""Judges a text: what is stuck, who holds whom up, how sure that is, and what to run next.  Pure.

Text never shows who could still answer: the words are `likely`, `possible` and `unknown`, never `deadlock`.
"""

from __future__ import annotations

from harness.blockers import table
from harness.blockers.row import Certainty, Role, Row
from harness.explain import ages, operations
from harness.explain.answer import Explanation, Reason
from harness.explain.culprit import culprit_of
from harness.explain.grounds import agrees, ground_of, reasons
from harness.explain.judged import CERTAINTIES, FUSE, Judged, judged, named, rests
from harness.explain.missing import asked_for
from harness.explain.places import places
from harness.explain.records import Message, Paste, TaskText

_SURE_MESSAGES = frozenset(
    {"netns-cleanup", "rcu", "rcu-tasks", "soft-lockup", "nfs", "smb", "ceph", "lustre", "audit", "lock-order"}
)


_DEVICES = frozenset({"scsi", "block-device"})
"""Rows that name no particular device."""
_TRANSPORTS = frozenset({"iscsi", "nbd", "rbd", "nvme", "multipath"})
"""Rows whose message says which transport of a device failed."""


def explain(paste: Paste) -> Explanation:
    """Explains a text.

    Args:
        paste: What the dialects read.

    Returns:
        One explanation; `unknown` where nothing in it is known.
    """
    every = [judged(task) for task in paste.tasks]
    stuck = [each for each in every if not rests(each)]
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


def _owners(stuck: list[Judged]) -> list[Judged]:
    """Tasks that the kernel says wait for the lock of another: they queue, whatever their stack resembles."""
    return [each for each in stuck if each.task.owner is not None]


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
    fuse = sum(count for kind, count in counts.items() if kind.startswith(FUSE))
    others = len(found) - fuse

    def key(each: Judged) -> tuple[object, ...]:
        row = each.row
        assert row is not None
        first = each.kind.startswith(FUSE) and others < 4 * max(fuse, 1)
        return (not first, row.fallback, CERTAINTIES.index(each.certainty), -counts[each.kind], -len(each.task.frames))

    return min(found, key=key)


def _message(messages: tuple[Message, ...], main: Judged | None) -> Message | None:
    """The message that says more than the tasks do: of RCU and CPUs always, of others where no task shows a cause."""
    for kind in ("soft-lockup", "rcu"):
        found = next((each for each in messages if each.kind == kind), None)
        if found is not None and (
            main is None or main.row is None or main.row.role is Role.QUEUE or main.kind in ("rcu", "srcu", "cpu-stall")
        ):
            return found if main is None or main.kind != kind else None
    if main is not None and main.kind in _DEVICES:
        return next((each for each in messages if each.kind in _TRANSPORTS), None)
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
        reasons(running[0].functions, None, row)
        if running
        else reasons(main.task.functions, main.place, main.row)
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
    request = operations.request(task.functions) if row.kind.startswith(FUSE) else ""
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
    culprit, owner = culprit_of(main, causes, queues, paste)
    supported = agrees(main, causes, paste) or owner
    alone = len(task.frames) > 0 and not supported and not paste.messages
    return _explanation(
        row,
        main.certainty,
        sentence,
        ground_of(main, supported),
        reasons(task.functions, main.place, row),
        culprit,
        causes,
        queues,
        unexplained,
        resting,
        task,
        paste,
        alone,
    )


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
    connection, device = places(row, causes, queues, task, paste)
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
        asked_for(row, certainty, causes, unexplained, task, paste),
        paste.messages,
        alone,
    )


def _disputed(causes: list[Judged], row: Row) -> str:
    """Other causes in the same text."""
    others = dict.fromkeys(each.kind for each in causes if each.kind != row.kind)
    return f"other tasks of the text wait for something else: {', '.join(others)}" if others else ""


def _unknown(unexplained: list[Judged], every: list[Judged], resting: int, paste: Paste) -> Explanation:
    shown = next((each.task for each in unexplained if each.task.frames), None) or next(
        (each.task for each in unexplained), None
    )
    if shown is not None and shown.frames:
        top = shown.functions[table.top_of(shown.functions)]
        doing = operations.context(shown.functions, shown.syscall)
        sentence = f"{named(shown)}{', ' + doing if doing else ''}: it waits in {top}(), which is not in the table."
        because = "unknown: no row of the table explains this stack"
        why = reasons(shown.functions, None, None)
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
        why = reasons(shown.functions, None, None) if shown is not None and shown.frames else ()
    functions = tuple(dict.fromkeys(name for each in paste.tasks for name in each.functions))
    kernel = paste.kernel
    if not kernel and (estimate := ages.estimate(functions)):
        kernel = f"not named; the functions are those of {estimate}"
    pid = shown.pid if shown is not None and shown.pid is not None else "PID"
    missing = list(asked_for(None, Certainty.UNKNOWN, [], unexplained, shown, paste))
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
