"""/proc, as text that a kernel wrote."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.linux import procfs
from harness.linux.procfs import (
    parse_fdinfo_connection,
    parse_fdinfo_in_flight,
    parse_stack,
    parse_stat,
    parse_status,
)

SERVER_STAT = (
    "20724 (fakefs) S 20722 20722 8155 0 -1 4194560 2550 0 0 0 7 0 0 0 20 0 5 0 569050 330641408 4044 "
    "18446744073709551615 94882082603008 94882082603349 140735569807808 0 0 0 16387 16781312 16899 1 0 0 17 1 0 0 0 0 "
    "0 94882082614704 94882082615320 94882348126208 140735569812115 140735569812197 140735569812197 140735569813478 0\n"
)
ZOMBIE_STAT = (
    "18340 (a) S (b c\n) Z 18339 18028 8155 0 -1 4227148 232 0 0 0 0 0 0 0 20 0 1 0 567471 0 0 18446744073709551615 0 "
    "0 0 0 0 0 0 16781312 2 1 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
)
SERVER_STATUS = """\
Name:\tfakefs
Umask:\t0022
State:\tS (sleeping)
Tgid:\t20724
Ngid:\t0
Pid:\t20724
PPid:\t20722
TracerPid:\t0
Uid:\t0\t0\t0\t0
Gid:\t0\t0\t0\t0
FDSize:\t256
Groups:\t \nNStgid:\t20724
NSpid:\t20724
NSpgid:\t20722
NSsid:\t8155
Kthread:\t0
VmPeak:\t  380248 kB
VmSize:\t  322892 kB
Threads:\t5
SigQ:\t2/96365
SigPnd:\t0000000000000000
ShdPnd:\t0000000000000000
SigBlk:\t0000000000004003
SigIgn:\t0000000001001000
SigCgt:\t0000000100004203
Cpus_allowed_list:\t0-1
voluntary_ctxt_switches:\t7
nonvoluntary_ctxt_switches:\t39
"""
ZOMBIE_STATUS = """\
Name:\ta) S (b c\\n
State:\tZ (zombie)
Tgid:\t18340
Ngid:\t0
Pid:\t18340
PPid:\t18339
TracerPid:\t0
Uid:\t0\t0\t0\t0
Gid:\t0\t0\t0\t0
FDSize:\t0
Groups:\t \nNStgid:\t18340\t2
NSpid:\t18340\t2
NSpgid:\t18028\t0
NSsid:\t8155\t0
Threads:\t1
SigQ:\t1/96365
SigPnd:\t0000000000000000
ShdPnd:\t0000000000000100
voluntary_ctxt_switches:\t1
nonvoluntary_ctxt_switches:\t0
"""


def test_stat_of_a_server() -> None:
    stat = parse_stat(SERVER_STAT)
    assert stat == procfs.Stat("fakefs", "S", 20722, 4194560, 5, 569050, 8155, processor=1)


def test_stat_of_a_zombie_whose_name_looks_like_the_fields_behind_it() -> None:
    stat = parse_stat(ZOMBIE_STAT)
    assert stat == procfs.Stat("a) S (b c\n", "Z", 18339, 4227148, 1, 567471, 8155, processor=1)


@given(
    comm=st.text(max_size=16),
    state=st.sampled_from("RSDTtZXI"),
    ppid=st.integers(0, 2**22),
    flags=st.integers(0, 2**32 - 1),
    threads=st.integers(0, 2**22),
    start_time=st.integers(0, 2**63),
)
def test_stat_gives_back_whatever_name_a_task_has(
    comm: str, state: str, ppid: int, flags: int, threads: int, start_time: int
) -> None:
    text = f"1 ({comm}) {state} {ppid} 2 3 4 5 {flags} 0 0 0 0 0 0 0 0 20 0 {threads} 0 {start_time} 0 0 0\n"
    assert parse_stat(text) == procfs.Stat(comm, state, ppid, flags, threads, start_time, 3)


def test_status_of_a_server() -> None:
    assert parse_status(SERVER_STATUS) == procfs.Status(
        tgid=20724, tracer=0, ns_tids=(20724,), fd_slots=256, pending=0, shared_pending=0, switches=46
    )


def test_status_of_a_zombie_in_a_namespace() -> None:
    assert parse_status(ZOMBIE_STATUS) == procfs.Status(
        tgid=18340, tracer=0, ns_tids=(18340, 2), fd_slots=0, pending=0, shared_pending=0x100, switches=1
    )


def test_status_without_the_lines_that_a_dying_task_may_lack() -> None:
    text = "".join(
        line
        for line in ZOMBIE_STATUS.splitlines(keepends=True)
        if not line.startswith(("FDSize", "NSpid", "SigPnd", "ShdPnd", "voluntary", "nonvoluntary", "TracerPid"))
    )
    assert parse_status(text) == procfs.Status(
        tgid=18340, tracer=0, ns_tids=(), fd_slots=None, pending=0, shared_pending=0, switches=None
    )


def test_no_context_switches_are_a_count_and_not_a_gap() -> None:
    text = SERVER_STATUS.replace("switches:\t7", "switches:\t0").replace("switches:\t39", "switches:\t0")
    assert parse_status(text).switches == 0


def test_one_of_the_two_counts_alone_is_no_count() -> None:
    assert parse_status(SERVER_STATUS.replace("nonvoluntary_ctxt_switches", "other")).switches is None


def test_a_name_cannot_pass_for_a_line_of_its_own() -> None:
    """The kernel writes a newline in a name as two characters."""
    assert parse_status(SERVER_STATUS.replace("fakefs", "x\\nTgid:\t666")).tgid == 20724
    assert parse_status(SERVER_STATUS.replace("fakefs", "TracerPid:\t666")).tracer == 0


def test_stack_keeps_offset_module_and_compiler_suffix() -> None:
    text = (
        "[<0>] request_wait_answer+0x12c/0x220 [fuse]\n"
        "[<0>] fuse_simple_request.isra.0+0x190/0x2e0 [fuse]\n"
        "[<0>] put_files_struct.part.0+0x69/0xc0\n"
        "[<0>] do_exit+0x33f/0xad0\n"
    )
    assert parse_stack(text) == (
        "request_wait_answer+0x12c/0x220 [fuse]",
        "fuse_simple_request.isra.0+0x190/0x2e0 [fuse]",
        "put_files_struct.part.0+0x69/0xc0",
        "do_exit+0x33f/0xad0",
    )


def test_stack_of_a_task_that_runs_is_empty() -> None:
    assert parse_stack("") == ()


def test_stack_with_addresses_shown() -> None:
    assert parse_stack("[<ffffffff8a2b6c7d>] do_wait+0x53/0x120\n[<0>] 0xffffffffffffffff\n") == (
        "do_wait+0x53/0x120",
        "0xffffffffffffffff",
    )


def test_fdinfo_that_names_the_connection() -> None:
    assert parse_fdinfo_connection("pos:\t0\nflags:\t0100002\nmnt_id:\t125\nino:\t90\nfuse_connection:\t40\n") == 40


@pytest.mark.parametrize(
    "text",
    ["pos:\t0\nflags:\t02100002\nmnt_id:\t24\nino:\t90\n", "", "pos:\t0\nother_fuse_connection:\t7\n"],
    ids=["a device not mounted yet, or an older kernel", "empty", "another key"],
)
def test_fdinfo_that_names_none(text: str) -> None:
    assert parse_fdinfo_connection(text) is None


def test_fdinfo_of_a_socket() -> None:
    text = "pos:\t0\nflags:\t02000002\nmnt_id:\t10\nino:\t968407\nscm_fds: {}\n\n"
    assert parse_fdinfo_in_flight(text.format(2)) == 2
    assert parse_fdinfo_in_flight(text.format(0)) == 0
    assert parse_fdinfo_in_flight("pos:\t0\nino:\t968407\n") == 0


def test_read_reads_on_to_the_end(tmp_path: Path) -> None:
    long = tmp_path / "long"
    long.write_bytes(b"x" * 200_000 + b"\xff")
    assert procfs.read(str(long)) == "x" * 200_000 + "\udcff"


def test_what_is_read_of_ourselves() -> None:
    here = os.getpid()
    assert here in procfs.pids()
    assert here in procfs.tids(here)
    assert procfs.read_stat(here).ppid == os.getppid()
    assert procfs.read_process_stat(here).start_time == procfs.read_stat(here, here).start_time
    assert procfs.read_status(here, here).tgid == here
    assert procfs.read_namespace(here, here, "pid") == os.stat("/proc/self/ns/pid").st_ino


def test_a_task_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        procfs.read_process_stat(2**31 - 1)
    assert procfs.read_wchan(2**31 - 1, 2**31 - 1) is None
    assert procfs.read_stack(2**31 - 1, 2**31 - 1) is None


def test_a_descriptor_whose_path_is_too_long_to_be_printed(tmp_path: Path) -> None:
    """A folder is entered step by step: no path that is handed to the kernel is too long."""
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        for _ in range(20):
            os.mkdir("d" * 250, dir_fd=folder)
            deeper = os.open("d" * 250, os.O_RDONLY, dir_fd=folder)
            os.close(folder)
            folder = deeper
        assert (folder, procfs.LONG_NAME) in procfs.read_descriptors(os.getpid(), os.getpid())
    finally:
        os.close(folder)


def test_a_descriptor_that_is_a_path_alone() -> None:
    opened, path = os.open("/dev/null", os.O_RDONLY), os.open("/dev/null", os.O_PATH)
    try:
        assert not procfs.is_path_only(procfs.read_fdinfo(os.getpid(), os.getpid(), opened))
        assert procfs.is_path_only(procfs.read_fdinfo(os.getpid(), os.getpid(), path))
    finally:
        os.close(opened)
        os.close(path)
