"""Kernel functions that several rows share, as alternatives of a pattern.  Data: a new kernel's name is a new entry."""

from __future__ import annotations

SLEEP = (
    "schedule",
    "__schedule",
    "schedule_timeout",
    "schedule_timeout_*",
    "schedule_preempt_disabled",
    "schedule_hrtimeout*",
    "io_schedule",
    "io_schedule_*",
    "preempt_schedule*",
    "context_switch",
    "__switch_to*",
    "_cond_resched",
    "__cond_resched",
    "wait_for_completion*",
    "wait_for_common*",
    "__wait_for_common",
    "do_wait_for_common",
    "__mutex_lock*",
    "mutex_lock*",
    "__ww_mutex_lock*",
    "ww_mutex_lock*",
    "mutex_spin_on_owner",
    "rwsem_down_*",
    "call_rwsem_down_*",
    "__rwsem_*",
    "__down",
    "__down_*",
    "__down_common",
    "down",
    "down_read*",
    "down_write*",
    "down_interruptible",
    "down_killable",
    "down_timeout",
    "__rt_mutex_*",
    "rt_mutex_*",
    "rt_spin_lock*",
    "rwbase_*",
    "rtlock_slowlock*",
    "bit_wait*",
    "__wait_on_bit*",
    "wait_on_bit*",
    "out_of_line_wait_on_bit*",
    "sleep_on_buffer",
    "sleep_on_page*",
    "prepare_to_wait*",
    "finish_wait",
    "autoremove_wake_function",
    "wait_woken",
    "msleep*",
    "usleep_range*",
    "do_nanosleep",
    "get_current",
    "unwind_*",
    "arch_stack_walk",
    "dump_backtrace*",
    "show_stack*",
    "stack_trace_save*",
    "native_queued_spin_lock_slowpath",
    "__pv_queued_spin_lock_slowpath",
    "queued_spin_lock_slowpath",
    "queued_write_lock_slowpath",
    "queued_read_lock_slowpath",
    "_raw_spin_lock*",
    "_raw_write_lock*",
    "_raw_read_lock*",
    "srso_*",
    "ret_from_fork*",
)
"""The scheduler's and the locks' own functions: /proc/PID/stack leaves most of them out (`__sched` text)."""

PAGE_WAIT = (
    "folio_wait_bit*|folio_wait_writeback*|folio_wait_stable|__folio_lock*|folio_lock*|wait_on_page_bit*"
    "|wait_on_page_writeback*|wait_for_stable_page|__lock_page*|lock_page*|__filemap_fdatawait_range"
    "|filemap_fdatawait*|folio_put_wait_locked|put_and_wait_on_page_locked|sleep_on_page*"
    "|wait_on_page_locked*|folio_wait_locked*"
)
"""Waits for a page of a file: read, written or locked (mm/filemap.c, mm/page-writeback.c)."""

FAULT = (
    "exc_page_fault|asm_exc_page_fault|do_user_addr_fault|do_page_fault|__do_page_fault|handle_mm_fault"
    "|__handle_mm_fault|do_mem_abort|el0_da|el1_abort|async_page_fault|page_fault|filemap_fault|__do_fault|do_DataAbort"
)
QUEUE_FREEZE = "blk_mq_freeze_queue_wait*|blk_freeze_queue*|blk_mq_freeze_queue*"
"""Waits for all I/O of a block device (block/blk-mq.c): the driver further out says which device it is."""
EXIT = "do_exit|make_task_dead|do_group_exit|exit_files|rewind_stack_do_exit"
EXEC = "do_close_on_exec|begin_new_exec|flush_old_exec"
LOCK = "rwsem_down_*|__mutex_lock*|mutex_lock*|__rwsem_*|call_rwsem_down_*|down_read*|down_write*|rwbase_*"
FUSE_WAIT = "request_wait_answer|__fuse_request_send|^fuse_request_send|^fuse_simple_request|^__fuse_simple_request"
"""Waits for the answer of a FUSE server (fs/fuse/dev.c).  3.10 to 3.19 wait in __fuse_request_send() itself; where the
compiler put request_wait_answer() into its caller, the caller is the innermost name."""
