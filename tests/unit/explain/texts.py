"""Makes the text of tasks in every dialect, with headers of every age and every prefix."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    comm: str
    pid: int
    ppid: int
    functions: tuple[str, ...]
    modules: dict[str, str]


TASKS = (
    Task(
        "runc:[1:CHILD]",
        4253,
        440,
        (
            "__schedule",
            "schedule",
            "request_wait_answer",
            "__fuse_simple_request",
            "fuse_flush",
            "filp_close",
            "do_exit",
        ),
        {"request_wait_answer": "fuse", "__fuse_simple_request": "fuse", "fuse_flush": "fuse"},
    ),
    Task(
        "kworker/u8:0",
        5,
        2,
        ("__schedule", "schedule", "io_schedule", "blk_mq_get_tag", "ext4_writepages", "do_writepages", "wb_workfn"),
        {},
    ),
)
BODY = {
    task.pid: tuple(each for each in task.functions if each not in ("__schedule", "schedule", "io_schedule"))
    for task in TASKS
}


def frame(task: Task, name: str) -> str:
    module = task.modules.get(name)
    return f"{name}+0x12f/0x290" + (f" [{module}]" if module else "")


def header_address(task: Task) -> list[str]:
    return [f"{task.comm[:15]:<15} D ffff880e9ebb7ba8     0 {task.pid:>5} {task.ppid:>6} 0x00000004"]


def header_plain(task: Task) -> list[str]:
    return [f"{task.comm[:15]:<15} D    0 {task.pid:>5} {task.ppid:>6} 0x00004000"]


def header_510(task: Task) -> list[str]:
    return [f"task:{task.comm:<15} state:D stack:    0 pid:{task.pid:>5} ppid:{task.ppid:>6} flags:0x00004002"]


def header_612(task: Task) -> list[str]:
    return [
        f"task:{task.comm:<15} state:D stack:0     pid:{task.pid:<5} tgid:{task.pid:<5} ppid:{task.ppid:<6} "
        "task_flags:0x400040 flags:0x00000002"
    ]


HEADERS: dict[str, Callable[[Task], list[str]]] = {
    "with an address (3.10)": header_address,
    "without (4.9)": header_plain,
    "task:, state: (5.10)": header_510,
    "tgid, task_flags (6.14)": header_612,
}


def hung(header: Callable[[Task], list[str]]) -> Callable[[Task], list[str]]:
    def lines(task: Task) -> list[str]:
        return [
            f"INFO: task {task.comm}:{task.pid} blocked for more than 120 seconds.",
            "      Tainted: P           OE      6.12.73+deb13-amd64 #1 Debian 6.12.73-1",
            '"echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.',
            *header(task),
        ]

    return lines


def trace(task: Task) -> list[str]:
    """5.x: names alone, guesses among them, raw registers at the end."""
    lines = ["Call Trace:", " <TASK>"]
    for each in task.functions:
        lines += [f" {frame(task, each)}", " ? finish_wait+0x80/0x80"]
    return [
        *lines,
        " </TASK>",
        "RIP: 0033:0x7f9605280cf7",
        "RSP: 002b:00007ffc246a1a98 EFLAGS: 00000206 ORIG_RAX: 0000000000000049",
    ]


def trace_addresses(task: Task) -> list[str]:
    """3.x, 4.x: raw stack words, addresses in brackets."""
    lines = [" ffff880e9ebb7ba8 b9145a4537de20f1 ffff8810081bb800 ffff880e42210000", "Call Trace:"]
    for each in task.functions:
        lines += [
            f" [<ffffffff818404e5>] {frame(task, each)}",
            " [<ffffffff810c4eb0>] ? wake_atomic_t_function+0x60/0x60",
        ]
    return lines


def trace_arm64(task: Task) -> list[str]:
    return ["Call trace:", *(f" {frame(task, each)}" for each in task.functions)]


def trace_build_ids(task: Task) -> list[str]:
    name = "bc7df9d851182d3b23b2da70a497331d07bf91c0"
    return ["Call Trace:", *(f" {frame(task, each).replace(']', f' {name}]')}" for each in task.functions)]


def trace_arm(task: Task) -> list[str]:
    lines = []
    for callee, caller in zip(task.functions, task.functions[1:], strict=False):
        lines.append(f"[<807762c0>] ({callee}) from [<80776938>] ({frame(task, caller)})")
    return lines


def trace_arm_new(task: Task) -> list[str]:
    return [
        f" {callee} from {frame(task, caller)}"
        for callee, caller in zip(task.functions, task.functions[1:], strict=False)
    ]


def trace_decoded(task: Task) -> list[str]:
    first, *rest = task.functions
    return [
        "Call Trace:",
        " <TASK>",
        f" context_switch kernel/sched/core.c:5381 [inline]\n {first}+0x1850/0x4c30 kernel/sched/core.c:6765",
        *(f" {frame(task, each).partition(' ')[0]} fs/fuse/dev.c:123" for each in rest),
        " </TASK>",
    ]


TRACES: dict[str, Callable[[Task], list[str]]] = {
    "names": trace,
    "addresses": trace_addresses,
    "arm64": trace_arm64,
    "build ids": trace_build_ids,
    "arm": trace_arm,
    "arm from 5.16": trace_arm_new,
    "decoded": trace_decoded,
}


def log(header: Callable[[Task], list[str]], stack: Callable[[Task], list[str]]) -> list[str]:
    lines = []
    for task in TASKS:
        for line in (*header(task), *stack(task)):
            lines += line.split("\n")
    return lines


def proc_stack(task: Task) -> list[str]:
    inner = [each for each in task.functions if each not in ("__schedule", "schedule", "io_schedule")]
    return [f"root@host1:~# cat /proc/{task.pid}/stack", *(f"[<0>] {frame(task, each)}" for each in inner)]


def grep_stack(task: Task) -> list[str]:
    return [f"/proc/{task.pid}/stack:[<0>] {frame(task, each)}" for each in BODY[task.pid]]


def head_stack(task: Task) -> list[str]:
    return [
        f"==> /proc/{task.pid}/task/{task.pid}/stack <==",
        *(f"[<0>] {frame(task, each)}" for each in BODY[task.pid]),
        "",
    ]


def crash(task: Task) -> list[str]:
    lines = [f'PID: {task.pid}    TASK: ffff9d1c4a6b8000  CPU: 3    COMMAND: "{task.comm}"']
    for number, each in enumerate(task.functions):
        module = task.modules.get(each)
        lines.append(f" #{number} [ffffb8d0c0a3fd58] {each} at ffffffff9b2d0c4b" + (f" [{module}]" if module else ""))
    return [*lines, "    RIP: 00007f1a2b3c4d5e  RSP: 00007ffd0e1f2a3b  RFLAGS: 00000246", ""]


def drgn(task: Task) -> list[str]:
    lines = [f"PID: {task.pid}  {task.comm}"] if " " in task.comm else [f"Task {task.pid} ({task.comm})"]
    return [*lines, *(f"#{number}  {each} (kernel/sched/core.c:5381:2)" for number, each in enumerate(task.functions))]


def gdb(task: Task) -> list[str]:
    return [
        f"Thread {task.pid}",
        *(
            f"#{number}  0xffffffff81c0f3b1 in {each} (req=0xffff888004b3c000) at fs/fuse/dev.c:407"
            for number, each in enumerate(task.functions)
        ),
    ]


def bpftrace(task: Task) -> list[str]:
    return [f"@[{task.comm}, {task.pid},", *(f"    {each}+256" for each in task.functions), "]: 1"]


TOOLS: dict[str, Callable[[Task], list[str]]] = {
    "cat /proc/N/stack": proc_stack,
    "grep . /proc/N/stack": grep_stack,
    "head /proc/N/task/N/stack": head_stack,
    "crash": crash,
    "drgn": drgn,
    "gdb": gdb,
    "bpftrace": bpftrace,
}


def _json(line: str) -> str:
    return json.dumps(
        {"__REALTIME_TIMESTAMP": "1", "MESSAGE": line, "SYSLOG_IDENTIFIER": "kernel", "_TRANSPORT": "kernel"}
    )


def _bytes(line: str) -> str:
    return json.dumps({"MESSAGE": list(line.encode()), "SYSLOG_IDENTIFIER": "kernel"})


PREFIXES: dict[str, Callable[[str], str]] = {
    "none": lambda line: line,
    "dmesg": lambda line: f"[ 1088.614314] {line}",
    "dmesg -d": lambda line: f"[  +0.000004] {line}",
    "dmesg with the caller": lambda line: f"[96339.352688][   T38] {line}",
    "dmesg -T": lambda line: f"[Mon Mar 28 07:46:40 2022] {line}",
    "dmesg -T, German": lambda line: f"[Mo Mär 28 07:46:40 2022] {line}",
    "dmesg -T, Chinese": lambda line: f"[四 9月 26 20:17:32 2024] {line}",
    "dmesg -x": lambda line: f"kern  :err   : [ 1088.614314] {line}",
    "syslog": lambda line: f"May 21 10:41:36 host1 kernel: {line}",
    "syslog with dmesg's time": lambda line: f"Mar  5 03:41:22 host1 kernel: [732240.608081] {line}",
    "the journal": lambda line: f"Feb 07 13:08:45 host1 kernel: {line}",
    "the journal, ISO": lambda line: f"2024-06-11T08:00:01.123456+0200 host1 kernel: {line}",
    "the journal, JSON": _json,
    "the journal, JSON of bytes": _bytes,
    "RFC 5424": lambda line: f"<3>1 2024-06-11T08:00:01.123456Z host1 kernel - - - {line}",
    "pstore": lambda line: f"<4>[   12.345678] {line}",
    "serial console": lambda line: f"[ 1088.614314] {line}\r",
    "kubectl logs": lambda line: f"2024-06-11T08:00:01.123456789Z stdout F [ 1088.614314] {line}",
    "quoted mail": lambda line: f"> > [ 1088.614314] {line}",
    "indented": lambda line: f"        [ 1088.614314] {line}",
    "colours": lambda line: f"\x1b[32m[ 1088.614314] \x1b[0m\x1b[33m{line}\x1b[0m",
    "HTML": lambda line: line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
    "Alpine's syslog": lambda line: f"2016-07-31 16:26:53 +0000 UTC kern.warn kernel: {line}",
    "a table of levels": lambda line: f" warning [129398.234280] {line}",
    "Docker Compose": lambda line: f"app-1  | [ 1088.614314] {line}",
    "grep": lambda line: f"dmesg.txt:123:[ 1088.614314] {line}",
    "grep -n": lambda line: f"12:{line}",
    "the journal, in full": lambda line: f"Di 2024-06-11 08:00:01 CEST host1 kernel: {line}",
    "the journal, export": lambda line: f"MESSAGE={line}",
    "the journal, JSON, pretty": lambda line: f'        "MESSAGE" : {json.dumps(line)},',
    "the journal, JSON, events": lambda line: f"data: {_json(line)}",
    "the journal, seconds": lambda line: f"1718092801.123456 host1 kernel: {line}",
    "dmesg -J": lambda line: f'         "msg": {json.dumps(line)}',
    "dmesg -H": lambda line: f"[Jun11 08:00] {line}",
    "/dev/kmsg": lambda line: f"3,1234,5678901,-;{line}",
    "Docker's file": lambda line: json.dumps({"log": f"{line}\n", "stream": "stdout"}),
    "Google's log": lambda line: json.dumps({"jsonPayload": {"message": line}}),
    "logcat": lambda line: f"06-11 08:00:01.123     0     0 I         : {line}",
    "Talos": lambda line: f"172.20.0.2: kern:     err: [2024-06-11T08:00:01.123Z]: {line}",
    "OpenWrt": lambda line: f"Tue Jun 11 08:00:01 2024 kern.err kernel: [ 1088.614314] {line}",
    "a list": lambda line: f"- {line}",
    "a diff": lambda line: f"+[ 1088.614314] {line}",
    "mail with initials": lambda line: f"AB> {line}",
    "HTML with breaks": lambda line: f"{html.escape(line)}<br />",
    "Panic in pstore": lambda line: f"Panic#2 Part1 <4>[ 1088.614314] {line}",
    "a date in words": lambda line: f"11 de junho 08:00:01 host1 kernel: {line}",
}
