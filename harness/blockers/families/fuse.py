"""FUSE: the task waits for a process that serves a filesystem, or for another task that does."""

from __future__ import annotations

from harness.blockers.names import EXEC, EXIT, FAULT, FUSE_WAIT, LOCK, PAGE_WAIT
from harness.blockers.row import Role, Row
from harness.model.terms import Progress

ORDER = 10

_SERVER = "the process that serves the FUSE mount: it is gone, stuck itself, stopped or slow"
_ABORT = (
    "abort of the connection: every request in flight fails with ECONNABORTED, data not yet written is lost, and each "
    "later call on the mount fails with ENOTCONN"
)
_ANSWER = "let the server answer: continue or thaw it if it is stopped, or end what it waits for itself"
_ASK = "grep -H . /sys/fs/fuse/connections/*/waiting; cat /proc/{pid}/mountinfo"
_READ = (
    "a connection whose `waiting` stays above 0 has an unanswered request; its number is the minor of the "
    "mount's device "
    "in mountinfo. Several may match: it need not be the mount that was named in the report. `fusezap diagnose` "
    "proves it"
)
_NOT_CONTAINER = (
    "not the container runtime's fault, and not a disk: SIGKILL cannot end this wait once the server read the request"
)

ROWS = (
    Row(
        kind="fuse-virtiofs",
        meaning="it waits for virtiofsd, the server of a directory of this virtual machine's host",
        stacks=("virtio_fs_*", f"{FUSE_WAIT} < [virtiofs]", "fuse_send_destroy < virtio_kill_sb"),
        reference="virtio_fs_enqueue_req(), virtio_fs_drain_queue(), fs/fuse/virtio_fs.c; it has no entry in fusectl",
        example="virtio_fs_drain_queue virtio_fs_drain_all_queues_locked virtio_kill_sb deactivate_locked_super "
        "cleanup_mnt",
        fault="virtiofsd on the host of this virtual machine",
        lossless="look at virtiofsd on the host; restart it if the machine monitor supports reconnection",
        destructive="restart of the virtual machine: all its processes end",
        innocent="not visible in /sys/fs/fuse/connections of the guest: there is nothing to abort",
        kernels="5.4 and newer",
    ),
    Row(
        kind="fuse-copy",
        meaning="it is a thread of a FUSE server that copies a request or an answer, and faults on the way",
        stacks=(f"{PAGE_WAIT}|handle_userfault|{LOCK} < fuse_copy_*|fuse_dev_do_write|fuse_dev_write",),
        reference="fuse_copy_fill(), fuse_dev_do_write(), fs/fuse/dev.c",
        example="folio_wait_bit_common filemap_fault handle_mm_fault fuse_copy_fill fuse_dev_do_write fuse_dev_write",
        fault="whoever serves the memory that the server passed",
        lossless="see what the page is mapped from",
        destructive=_ABORT,
        progress=Progress.UNKNOWN,
    ),
    Row(
        kind="fuse-writeback",
        meaning="it waits until dirty pages of a FUSE file have been written, which the server has not done",
        stacks=(
            f"{PAGE_WAIT} < fuse_*|__fuse_*",
            "fuse_set_nowrite|fuse_sync_writes|fuse_wait_on_page_writeback|fuse_wait_on_folio_writeback",
            "fuse_writepages|fuse_writepage*|fuse_send_writepage|fuse_flush_writepages|fuse_writepages_fill",
            "wb_wait_for_completion < fuse_*",
            "fuse_page_is_writeback|fuse_range_is_writeback",
            "^write_inode_now|^filemap_write_and_wait* < fuse_*",
        ),
        reference="fuse_flush() → write_inode_now(), fuse_set_nowrite(), fuse_writepages(), fs/fuse/file.c, "
        "fs/fuse/dir.c",
        example="__lock_page write_cache_pages fuse_writepages do_writepages __writeback_single_inode",
        recorded="raspberrypi/linux#2557",
        fault=_SERVER + ", or the disk behind it (ntfs-3g and other fuseblk servers)",
        lossless=_ANSWER,
        destructive=_ABORT,
        innocent=_NOT_CONTAINER,
        ask=_ASK,
        answer=_READ,
        threads=("raspberrypi/linux#2557",),
    ),
    Row(
        kind="fuse-destroy",
        meaning="it unmounts, and waits until the FUSE server has answered DESTROY",
        stacks=(f"{FUSE_WAIT} < fuse_send_destroy", "fuse_send_destroy"),
        reference="fuse_send_destroy(), fs/fuse/inode.c: only fuseblk and virtiofs wait for it",
        example="request_wait_answer fuse_simple_request fuse_send_destroy fuse_conn_destroy fuse_kill_sb_blk",
        fault=_SERVER,
        lossless=_ANSWER,
        destructive=_ABORT,
        ask=_ASK,
        answer=_READ,
    ),
    Row(
        kind="fuse-teardown",
        meaning="it unmounts a FUSE filesystem whose connection is already aborted, and waits until the "
        "server's threads let "
        "go of the last requests that they had locked",
        stacks=("fuse_wait_aborted",),
        reference="fuse_wait_aborted() called by fuse_conn_destroy() / fuse_sb_destroy(), fs/fuse/dev.c, "
        "fs/fuse/inode.c",
        example="fuse_wait_aborted fuse_sb_destroy fuse_kill_sb_anon deactivate_locked_super cleanup_mnt "
        "task_work_run exit_to_usermode_loop do_syscall_64 entry_SYSCALL_64_after_hwframe",
        recorded="libfuse/libfuse#509",
        fault="a thread of the FUSE server that is inside a request and does not come back: look at what that "
        "thread waits for",
        lossless="end what the server's thread waits for (a slow or dead disk below it, for instance)",
        innocent="abort does not help any more: it has been done already",
        ask="for t in /proc/SERVER/task/*; do cat $t/comm $t/stack; done",
        answer="the server's thread that is in state D shows what it waits for",
        kernels="5.0 and newer",
        threads=("libfuse/libfuse#509",),
    ),
    Row(
        kind="fuse-flush-exit",
        meaning="its exit closes a FUSE file, and waits until the server has answered FLUSH",
        stacks=(f"{FUSE_WAIT} < fuse_flush|fuse_do_flush < {EXIT}",),
        reference="fuse_flush(), fs/fuse/file.c; do_exit() → exit_files()",
        example="request_wait_answer fuse_simple_request fuse_flush filp_close put_files_struct do_exit "
        "do_group_exit get_signal",
        recorded="tests/data/6.1/server-stopped.json",
        fault=_SERVER,
        lossless=_ANSWER,
        destructive=_ABORT,
        innocent=_NOT_CONTAINER,
        ask=_ASK,
        answer=_READ,
        kernels="all but 6.3 … 6.4.15 and 6.5 … 6.5.2, where 5a8bee63b10f was in before it was reverted by "
        "91ec6c85599b",
    ),
    Row(
        kind="fuse-exec",
        meaning="execve() closes a FUSE file, and waits until the server has answered FLUSH; who reads its "
        "stack waits, too",
        stacks=(f"{FUSE_WAIT} < fuse_flush|fuse_do_flush < {EXEC}",),
        reference="begin_new_exec() → do_close_on_exec(), fs/exec.c; lock_trace(), fs/proc/base.c",
        example="request_wait_answer fuse_simple_request fuse_flush filp_close do_close_on_exec begin_new_exec",
        fault=_SERVER,
        lossless=_ANSWER,
        destructive=_ABORT,
        innocent=_NOT_CONTAINER,
        ask=_ASK,
        answer=_READ,
    ),
    Row(
        kind="fuse-fault",
        meaning="it touched a page that is mapped from a FUSE file, and waits for the server's READ",
        stacks=(f"{FUSE_WAIT} < {FAULT}",),
        reference="filemap_fault() → fuse_read_folio(), fs/fuse/file.c",
        example="request_wait_answer fuse_simple_request fuse_read_folio filemap_fault exc_page_fault",
        fault=_SERVER,
        lossless=_ANSWER,
        destructive=_ABORT,
        innocent=_NOT_CONTAINER + "; whoever reads its cmdline, as ps does, waits for its mmap lock",
        ask=_ASK,
        answer=_READ,
    ),
    Row(
        kind="fuse-request",
        meaning="it sent a request to a FUSE server, and waits for the answer",
        stacks=(FUSE_WAIT, "^fuse_chan_send|^fuse_simple_background < fuse_*", "cuse_channel_open|cuse_send_init"),
        reference="request_wait_answer(), fs/fuse/dev.c",
        example="__fuse_request_send fuse_request_send fuse_flush filp_close __close_fd SyS_close system_call_fastpath",
        recorded="lxc/lxcfs#185",
        fault=_SERVER,
        lossless=_ANSWER,
        destructive=_ABORT,
        innocent=_NOT_CONTAINER,
        ask=_ASK,
        answer=_READ,
        threads=("hanwen/go-fuse#261", "astrada/google-drive-ocamlfuse#396", "lxc/lxcfs#185"),
    ),
    Row(
        kind="fuse-congestion",
        meaning="it may not yet send its FUSE request: INIT is not answered, or too many background requests "
        "are unanswered",
        stacks=("fuse_get_req*|__fuse_get_req|fuse_block_alloc|fuse_uring_get_request*",),
        reference="fuse_get_req(), fuse_block_alloc(), fs/fuse/dev.c",
        example="fuse_get_req fuse_simple_request fuse_do_getattr vfs_statx",
        fault=_SERVER,
        lossless=_ANSWER,
        destructive=_ABORT,
        innocent=_NOT_CONTAINER,
        ask=_ASK,
        answer=_READ,
    ),
    Row(
        kind="fuse-server",
        meaning="it is a thread of a FUSE server that waits for the next request: nothing is wrong with it",
        stacks=(
            "fuse_dev_do_read|fuse_dev_read|fuse_dev_splice_read|fuse_uring_cmd|fuse_dev_poll|^fuse_read_interrupt",
        ),
        reference="fuse_dev_do_read(), fs/fuse/dev.c",
        example="fuse_dev_do_read fuse_dev_read vfs_read ksys_read do_syscall_64",
        recorded="tests/data/capture-6.18.json",
        fault="nobody",
        lossless="none is needed",
        role=Role.IDLE,
        progress=Progress.UNKNOWN,
    ),
    Row(
        kind="fuse-lock",
        meaning="it waits for a lock of a FUSE file or folder, which another task holds while its own request "
        "on the same "
        "connection is not answered",
        stacks=(
            f"{LOCK} < fuse_*|__fuse_*",
            "^fuse_lock_inode",
            "^fuse_flush|^fuse_lookup|^fuse_readdir*|^fuse_file_write_iter|^fuse_cache_write_iter"
            "|^fuse_direct_write_iter"
            "|^fuse_file_fallocate|^fuse_file_read_iter|^fuse_create_open|^fuse_atomic_open|^fuse_open_common"
            "|^fuse_open"
            "|^fuse_file_llseek|^fuse_fsync|^fuse_fsync_common|^fuse_dentry_revalidate|^fuse_iget|^fuse_do_setattr"
            "|^fuse_setattr|^fuse_reverse_inval_*|^fuse_perform_write|^fuse_copy_file_range"
            "|^fuse_unlink|^fuse_rmdir|^fuse_rename*|^fuse_file_mmap|^fuse_dir_*|^fuse_advise_use_readdirplus",
        ),
        reference="fuse_lock_inode(), fs/fuse/inode.c; inode_lock() in fuse_flush() and fuse_file_write_iter(), "
        "fs/fuse/file.c",
        example="__mutex_lock fuse_lock_inode fuse_readdir_uncached fuse_readdir iterate_dir ksys_getdents64 "
        "__x64_sys_getdents64 do_syscall_64 entry_SYSCALL_64_after_hwframe",
        recorded="gluster/glusterfs#3356",
        fault="the task that holds the lock, and so the FUSE server that it waits for",
        lossless="let the server answer the request of the task that holds the lock",
        destructive=_ABORT,
        innocent="this task only queues: killing it changes nothing",
        ask="echo w > /proc/sysrq-trigger; dmesg",
        answer="of the tasks listed, the holder is one in request_wait_answer on the same mount",
        threads=("nestybox/sysbox#1002", "gluster/glusterfs#3356"),
        progress=Progress.UNKNOWN,
        role=Role.QUEUE,
    ),
)
