"""Every reader of foreign data, with what it may raise and what its input usually looks like."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from harness import registry
from harness.diagnosis import capture, containers, formats
from harness.diagnosis.findings import findings
from harness.diagnosis.records import Container, Diagnosis
from harness.errors import FusezapError, UsageError
from harness.explain.explanation import explain
from harness.explain.read import Reader as TextReader
from harness.explain.read import says_something
from harness.explain.stream import kept
from harness.guard import rundir
from harness.judge.form import form
from harness.judge.verdict import judge, stuck_task
from harness.kernels import apt, download
from harness.kernels import spec as kernel_spec
from harness.kernels.sources._unpack import unpack_cpio, unpack_tar
from harness.linux import cgroup, kmsg, mountinfo, procfs, sched
from harness.model import bounded_json, recording
from harness.model.events import Said
from harness.model.records import Kernel, Outcome
from harness.report.formats import json as report
from harness.vm import wire
from tests.unit.explain import texts
from tests.unit.kernels.test_unpack import entry, packed

DATA = Path(__file__).parents[1] / "data"
CORPUS = Path(__file__).with_name("corpus")
"""A folder for each reader: inputs that once broke it."""


class Reader(NamedTuple):
    """A function that takes any bytes, with the exceptions that it promises."""

    read: Callable[[bytes], object]
    raises: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]


def text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """As /proc is decoded."""
    return lambda data: read(data.decode("utf-8", "surrogateescape"))


def _recorded(data: bytes) -> None:
    """As `judge FILE` does, up to the text that it prints."""
    decoded = data.decode(errors="surrogateescape")
    if capture.is_capture(decoded):
        readings = capture.load(decoded, "it")
        diagnosis = Diagnosis(readings, findings(readings), "0", "it")
        for module in registry.modules(formats, "render"):
            module.render(diagnosis)
        return
    verdict = judge(recording.load(decoded, "it"))
    checks = form(verdict.snapshots[-1], stuck_task(verdict), None) if verdict.outcome is not Outcome.RELEASED else ()
    report.render_verdict(verdict, checks)


def _container(data: bytes) -> None:
    decoded = data.decode("utf-8", "replace")
    containers.of_state("runc", "web", "/state", decoded, (1, 2))
    for runtime in ("docker", "podman", "kubernetes"):
        containers.described(Container(runtime, "ab" * 32, "x"), "/config", decoded)


def _unpacked(unpack: Callable[[io.BytesIO, Path, str], None]) -> Callable[[bytes], object]:
    def read(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            unpack(io.BytesIO(data), Path(folder), "it")

    return read


def _explained(data: bytes) -> None:
    reader = TextReader()
    for line, skipped in kept([data], reader.says_something, says_something):
        if skipped:
            reader.gap(skipped)
        reader.feed(line)
    explain(reader.paste())


def _owner(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, rundir.OWNER).write_bytes(data)
        rundir.Owner.read(Path(folder))


def _spec(name: str) -> None:
    kernel_spec.check(name.replace("\0", ""))


def _dialects() -> tuple[bytes, ...]:
    """One text in each dialect and header of each age, and lines with each prefix."""
    stacks = ["\n".join(texts.log(texts.header_612, stack)) for stack in texts.TRACES.values()]
    headers = ["\n".join(texts.log(texts.hung(header), texts.trace)) for header in texts.HEADERS.values()]
    tools = ["\n".join(line for task in texts.TASKS for line in tool(task)) for tool in texts.TOOLS.values()]
    prefixed = [prefix("INFO: task cat:7 blocked for more than 120 seconds.") for prefix in texts.PREFIXES.values()]
    others = [
        "5 D root 4253 440 0 80 0 - 269979 reques Sep30 ? 00:00:00 /usr/bin/runc init",
        "do_exit -> exit_files -> fuse_flush -> request_wait_answer",
        "request_wait_answer\nfuse_flush\ndo_exit",
        "2 locks held by cat/7:\n #0: ffff888 (&mm->mmap_lock){++++}-{3:3}, at: exit_mm+0x1/0x2",
        "Name:\tcat\nState:\tD (disk sleep)\nPid:\t7\nPPid:\t1",
        "watchdog: BUG: soft lockup - CPU#3 stuck for 22s! [cifsd:7]\nCPU: 3 PID: 7 Comm: cifsd Not tainted 5.4.0",
    ]
    return tuple(text.encode() for text in (*stacks, *headers, *tools, *others, "\n".join(prefixed)))


_ID = "4f1c0d9e" * 8
_STATUS = (
    b"Name:\tcat\nState:\tD (disk sleep)\nTgid:\t7\nPPid:\t1\nTracerPid:\t0\nNSpid:\t7\t1\nFDSize:\t64\nThreads:\t2\n"
    b"SigPnd:\t0000000000000100\nShdPnd:\t0000000000000100\nvoluntary_ctxt_switches:\t3\nnonvoluntary_ctxt_switches:\t4\n"
)
_FDINFO = b"pos:\t0\nflags:\t0100002\nmnt_id:\t25\nino:\t11\nfuse_connection:\t42\nscm_fds: 3\n"
_MOUNTS = (
    b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
    b"59 28 0:42 / /run/a\\040b\xff rw,relatime - fuse.sshfs fusezap-0123456789ab rw,user_id=0\n"
)
_STATE = (
    b'{"init_process_pid": 1, "init_process_start": 2, "Config": {"Labels": {}}, "Name": "/web", "annotations": null}'
)
_STORAGE = json.dumps([{"id": "ab" * 32, "names": ["web"], "metadata": '{"image-name": "x"}'}]).encode()
_EVENTS: tuple[wire.Line, ...] = (wire.Hello(Kernel("6.1.0", "#1 SMP", "x86_64"), "0"), Said("word"), wire.Bye())
_CPIO = b"070701" + b"0" * 88 + b"00000002" + b"0" * 8 + b"a\0\0\0"
_URIS = b"'http://127.0.0.1/p.deb' linux-image-6.1_1_amd64.deb 12 SHA256:" + b"ab" * 32 + b"\n"
_STACK = b"[<0>] request_wait_answer+0x1/0x2 [fuse]\n[<0>] fuse_flush+0x155/0x190 [fuse]\n"
_LOG = b"INFO: task cat:7 blocked for more than 120 seconds.\ntask:cat state:D stack:0 pid:7 ppid:1\n" + _STACK

READERS: dict[str, Reader] = {
    "mountinfo": Reader(text(mountinfo.parse_mountinfo), (), (_MOUNTS,)),
    "stat": Reader(text(procfs.parse_stat), (ValueError,), (b"7 (a) b)) D 1 2 3 0 -1 4 " + b"0 " * 40,)),
    "status": Reader(text(procfs.parse_status), (ValueError,), (_STATUS,)),
    "stat-of-status": Reader(text(procfs.parse_stat_of_status), (ValueError,), (_STATUS,)),
    "stack": Reader(text(procfs.parse_stack), (), (_STACK,)),
    "fdinfo": Reader(text(procfs.parse_fdinfo_connection), (ValueError,), (_FDINFO,)),
    "fdinfo-in-flight": Reader(text(procfs.parse_fdinfo_in_flight), (ValueError,), (_FDINFO,)),
    "sched": Reader(text(sched.parse_exec_start_ms), (ValueError,), (b"cat (7, #threads: 1)\nse.exec_start : 12.5\n",)),
    "freezer": Reader(text(cgroup.parse_freezer), (), (b"6:freezer:/a/b\n0::/x\n",)),
    "cgroup": Reader(text(containers.of_cgroup), (), (f"0::/kubepods/pod/docker-{_ID}.scope\n".encode(),)),
    "container": Reader(_container, (ValueError, KeyError, TypeError, AttributeError, IndexError), (_STATE, _STORAGE)),
    "kernel-log": Reader(text(kmsg.remarkable), (), (b"6,1234,5678,-;BUG: unable to handle\n SUBSYSTEM=x",)),
    "json": Reader(bounded_json.parse, (ValueError,), (b'{"a": [1, 2.5, null, "\\ud800"]}',)),
    "recording": Reader(_recorded, (UsageError,), ((DATA / "6.18/exit-flush-self.json").read_bytes(),)),
    "capture": Reader(_recorded, (UsageError,), ((DATA / "capture-6.18.json").read_bytes(),)),
    "events": Reader(
        lambda data: wire.EventParser().feed(data + b"\n"),
        (ValueError,),
        ("".join(wire.line(number, event) for number, event in enumerate(_EVENTS)).encode(),),
    ),
    "owner": Reader(
        _owner, (), (b'{"boot": "b", "harness": {"pid": 1, "start_time": 2}, "guard": {}, "kept": false}',)
    ),
    "spec": Reader(text(_spec), (FusezapError,), (b"debian:bookworm", b"./bzImage:./modules", b"docker://a/b:c")),
    "sources": Reader(
        text(lambda found: apt.sources(found, "sid", "/k")), (ValueError,), (b"http://127.0.0.1/|bookworm|Debian",)
    ),
    "depends": Reader(text(apt.kernels_of), (), (b"  Depends: linux-image-6.1.0-56-amd64\n",)),
    "uris": Reader(text(download.remotes), (), (_URIS,)),
    "tar": Reader(_unpacked(unpack_tar), (UsageError,), (packed((entry("boot/a"), b"x" * 600)).getvalue(),)),
    "cpio": Reader(
        _unpacked(unpack_cpio), (UsageError,), (b"070701" + b"0" * 88 + b"00000002" + b"0" * 8 + b"a\0\0\0",)
    ),
    "explain": Reader(_explained, (), (_LOG, *_dialects())),
}


def check(name: str, data: bytes) -> None:
    """Read it; an exception that the reader does not promise is raised."""
    reader = READERS[name]
    try:
        reader.read(data)
    except reader.raises:
        return
