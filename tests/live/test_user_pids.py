"""Processes without those that the kernel has started, on this machine."""

from __future__ import annotations

import os

from harness.linux import procfs
from harness.model.records import PF_KTHREAD


def test_ours_are_among_them_and_kernel_threads_are_not() -> None:
    found = procfs.user_pids()
    assert os.getpid() in found
    assert set(found) <= set(procfs.pids()) | {os.getpid()}
    threads = []
    for pid in found:
        try:
            threads += [pid] if procfs.read_process_stat(pid).flags & PF_KTHREAD else []
        except procfs.GONE:
            continue
    assert threads == []
