"""The end of a task, and what other tasks do to it: execve, core dumps, tracers, children."""

from __future__ import annotations

from harness.blockers.row import Certainty, Role, Row
from harness.model.terms import Progress

ORDER = 70

ROWS = (
    Row(
        kind="namespace-init",
        meaning="it is init of a PID namespace that is being killed, and waits until every task in it has ended "
        "and been reaped",
        stacks=("zap_pid_ns_processes",),
        reference="zap_pid_ns_processes(), kernel/pid_namespace.c",
        example="zap_pid_ns_processes do_exit do_group_exit get_signal",
        fault="another task of the same PID namespace: one that does not end, or a dead one whose parent "
        "outside or tracer does not reap it",
        lossless="find the task of the namespace that is left, and what that waits for",
        innocent="init itself is not stuck: it is the last to go, and its stack does not name the cause; "
        "entering the namespace fails with ENOMEM",
        ask="n=$(readlink /proc/{pid}/ns/pid); for p in /proc/[0-9]*; do "
        '[ "$(readlink $p/ns/pid)" = "$n" ] && head -3 $p/status; done',
        answer="the tasks that are left; those in state D or Z are the cause. `fusezap diagnose` does it, and names it",
        threads=("moby/moby#31614", "moby/moby#31007"),
        progress=Progress.UNKNOWN,
        role=Role.QUEUE,
    ),
    Row(
        kind="exec-siblings",
        meaning="its execve() has killed the other threads of the process, and waits until they have ended",
        stacks=("de_thread|^flush_old_exec|^begin_new_exec",),
        reference="de_thread(), fs/exec.c: a task that waits there is killable, its siblings may not be",
        example="de_thread begin_new_exec load_elf_binary bprm_execve do_execveat_common",
        fault="the sibling thread that does not end: frozen, or stuck in a wait of its own",
        lossless="find the sibling thread, and what that waits for",
        innocent="this thread only queues; a container's exec that stays in runc:[2:INIT] looks like it",
        ask="for t in /proc/{pid}/task/*; do echo $t; grep State $t/status; cat $t/wchan; echo; done",
        answer="the thread in state D (or in the refrigerator) is the cause",
        threads=("cloudfoundry/garden-runc-release#121",),
        progress=Progress.UNKNOWN,
        role=Role.QUEUE,
    ),
    Row(
        kind="exec-lock",
        meaning="it wants to look at a process (its stack, memory or descriptors) that is in execve() or holds "
        "its cred_guard_mutex",
        stacks=(
            "^mm_access|^lock_trace|^ptrace_attach|^proc_pid_attr_*|^prepare_bprm_creds|^do_io_accounting"
            "|^proc_pid_stack|^proc_pid_syscall|^down_read_killable|^perf_event_open|^__do_sys_perf_event_open"
            "|^kcmp_*|^proc_mem_open",
        ),
        reference="lock_trace(), mm_access() → exec_update_lock, fs/proc/base.c, kernel/fork.c",
        example="down_read_killable lock_trace proc_pid_stack proc_single_show seq_read",
        fault="the process that is in execve()",
        lossless="find what the execve() waits for: usually the FLUSH of a FUSE file in do_close_on_exec()",
        innocent="the reader (ps, a monitor, diagnose) is a victim",
        ask="grep State /proc/{pid}/status",
        answer="status alone can be read without waiting",
        certainty=Certainty.POSSIBLE,
        progress=Progress.UNKNOWN,
        role=Role.QUEUE,
        fallback=1,
    ),
    Row(
        kind="core-dump",
        meaning="it writes its core, to a pipe handler that does not read or a file that does not take it",
        stacks=(
            "do_coredump|vfs_coredump|coredump_wait|dump_emit|dump_user_range|wait_for_dump_helpers"
            "|elf_core_dump|coredump_pipe|coredump_file|coredump_sock_*",
        ),
        reference="vfs_coredump() (do_coredump() before 6.17), wait_for_dump_helpers(), fs/coredump.c",
        example="pipe_write dump_emit elf_core_dump do_coredump get_signal",
        fault="the core dump's handler, or the disk that it writes to",
        lossless="let the handler read: see what it waits for",
        destructive="end of the handler that core_pattern names, or SIGKILL of the dumping process: the core is lost",
        innocent="not stuck for good: a big process takes long to dump",
        ask="cat /proc/sys/kernel/core_pattern; grep -i coredumping /proc/{pid}/status",
        answer="CoreDumping 1; the handler is the program after the pipe sign",
    ),
    Row(
        kind="core-dump",
        meaning="another thread of it writes the core, and this one waits for that",
        stacks=("coredump_task_exit < do_exit", "^exit_mm < do_exit < do_group_exit < get_signal < do_coredump"),
        reference="coredump_task_exit(), kernel/exit.c (5.16 and newer; exit_mm() before)",
        example="coredump_task_exit do_exit do_group_exit get_signal",
        fault="the core dump's handler",
        lossless="let the handler read",
        destructive="end of the handler, or SIGKILL of the dumping process: the core is lost",
        ask="cat /proc/sys/kernel/core_pattern; grep -i coredumping /proc/{pid}/status",
        answer="CoreDumping 1",
        kernels="5.16 and newer under this name",
    ),
    Row(
        kind="vfork",
        meaning="it waits until its vfork() child has executed a program or ended",
        stacks=(
            "wait_for_vfork_done",
            "wait_for_completion_killable < _do_fork|kernel_clone|do_fork < SyS_vfork|__do_sys_vfork|sys_vfork"
            "|__x64_sys_vfork",
        ),
        reference="wait_for_vfork_done(), kernel/fork.c",
        example="wait_for_vfork_done kernel_clone __do_sys_vfork",
        fault="the vfork() child",
        lossless="look at the child: it is what is stuck",
        ask="cat /proc/{pid}/task/{pid}/children; cat /proc/CHILD/stack",
        answer="the child's stack shows what it waits for",
    ),
    Row(
        kind="ptrace",
        meaning="it is stopped for its tracer, which does not let it go on",
        stacks=(
            "ptrace_stop|ptrace_notify|ptrace_do_notify|ptrace_report_syscall|ptrace_check_attach|wait_task_inactive",
        ),
        reference="ptrace_stop(), kernel/signal.c",
        example="ptrace_stop get_signal do_syscall_64",
        fault="the tracer: strace, gdb, a sandbox, a crash reporter",
        lossless="let the tracer go on or detach",
        destructive="end of the tracer: the traced task runs on, or ends with it (PTRACE_O_EXITKILL)",
        innocent="SIGCONT does nothing to it",
        ask="grep -E 'State|TracerPid' /proc/{pid}/status",
        answer="TracerPid is the tracer",
    ),
    Row(
        kind="stopped",
        meaning="it is stopped",
        stacks=("do_signal_stop|do_jobctl_trap|ptrace_signal",),
        reference="do_signal_stop(), kernel/signal.c",
        example="do_signal_stop get_signal arch_do_signal_or_restart exit_to_user_mode_loop",
        fault="whoever sent SIGSTOP",
        lossless="continue it: kill -CONT",
        ask="grep State /proc/{pid}/status",
        answer="`T (stopped)`",
        progress=Progress.UNKNOWN,
    ),
    Row(
        kind="seccomp-notify",
        meaning="it waits for the supervisor of a seccomp filter (a sandbox's or runtime's agent) to answer its "
        "system call",
        stacks=("seccomp_do_user_notification",),
        reference="seccomp_do_user_notification(), kernel/seccomp.c",
        example="seccomp_do_user_notification __seccomp_filter syscall_trace_enter do_syscall_64",
        fault="the supervisor that holds the listener: sysbox-fs, LXD, a runtime's seccomp agent",
        lossless="let the supervisor answer",
        destructive="end of the supervisor: the system call fails with ENOSYS",
        innocent="not a disk; SIGKILL ends this wait",
        ask="grep -E 'Seccomp' /proc/{pid}/status; grep -l 'seccomp notify' /proc/*/fdinfo/* 2>/dev/null",
        answer="the process whose descriptor is `anon_inode:seccomp notify` is the supervisor",
        kernels="5.0 and newer",
    ),
    Row(
        kind="exit-mmap",
        meaning="it gives its memory back and makes no progress; a live exit takes as long as it has memory, "
        "but does not stay in state D",
        stacks=(
            "^exit_mmap|exit_mmap|^__mmput|^unmap_vmas|^mmput|^exit_aio < do_exit|exit_mm|mmput|__mmput|do_group_exit",
        ),
        reference="exit_mmap(), mm/mmap.c: waits for mmap_lock, and for whatever its pages are mapped from",
        example="exit_mmap __mmput mmput exit_mm do_exit do_group_exit get_signal",
        fault="not known from this stack",
        lossless="compare two readings of its stack and of VmRSS in its status: falling is slow, standing still "
        "is stuck",
        innocent="not simply slow where it stays in state D with no mapping left",
        ask="for i in 1 2; do grep -E 'State|VmRSS' /proc/{pid}/status; cat /proc/{pid}/stack; sleep 10; done",
        answer="the frames above exit_mmap(), or another thread or driver that holds the memory map, name the cause",
        threads=("geanlabs/gean#430",),
        progress=Progress.RUNS,
        certainty=Certainty.UNKNOWN,
        fallback=2,
    ),
    Row(
        kind="slow-exit",
        meaning="it gives its memory back, which takes as long as it has much",
        stacks=(
            "unmap_vmas|free_pgtables|tlb_*|zap_pte_range|zap_p4d_range|zap_pmd_range|unmap_page_range"
            "|unmap_single_vma|free_pages_and_swap_cache|release_pages|unlink_anon_vmas|uprobe_* < do_exit"
            "|exit_mm|__mmput|mmput|exit_mmap",
            "free_pgtables|zap_pte_range|unmap_page_range",
        ),
        reference="exit_mmap(), mm/mmap.c",
        example="unmap_vmas exit_mmap __mmput exit_mm do_exit",
        fault="nobody: it runs",
        lossless="wait",
        innocent="not stuck: VmRSS falls",
        ask="grep -E 'State|VmRSS' /proc/{pid}/status",
        answer="VmRSS falls from reading to reading",
        progress=Progress.RUNS,
    ),
    Row(
        kind="futex-exit",
        meaning="its exit walks its list of robust futexes, and waits for the page that the list lies on",
        stacks=(
            "exit_robust_list|compat_exit_robust_list|futex_exit_*|futex_cleanup*|handle_futex_death|mm_release"
            "|exit_mm_release",
        ),
        reference="exit_robust_list(), kernel/futex/core.c",
        example="folio_wait_bit_common filemap_fault __do_fault handle_mm_fault exit_robust_list "
        "futex_exit_release do_exit",
        fault="the file that its memory is mapped from",
        lossless="find what the page's file waits for",
        fallback=1,
    ),
    Row(
        kind="tty",
        meaning="it waits for a terminal: its line discipline is locked, or its output does not drain",
        stacks=(
            "ldsem_*|tty_ldisc_*|tty_lock*|tty_write_lock|tty_wait_until_sent|uart_wait_until_sent|n_tty_*"
            "|tty_release*|tty_open*|tty_vhangup*|__tty_hangup*|disassociate_ctty|tty_set_ldisc|tty_reopen"
            "|pty_*|con_*|console_lock|do_con_write|vt_*|uart_*|serial8250_*|console_unlock|hvc_*"
            "|file_tty_write*|tty_write",
        ),
        reference="tty_ldisc_hangup(), drivers/tty/tty_ldisc.c; ldsem_down_write(), drivers/tty/tty_ldsem.c",
        example="ldsem_down_write tty_ldisc_lock_pair_timeout tty_ldisc_hangup __tty_hangup disassociate_ctty do_exit",
        fault="another task that uses the same terminal, or the device behind it",
        lossless="find the reader or writer of the terminal that holds its lock",
        innocent="not a filesystem",
        ask="ls -l /proc/{pid}/fd 2>/dev/null | grep -E 'tty|pts'; ps -eo pid,state,wchan:32,tty,comm | grep -E "
        "'tty|ldsem'",
        answer="the tasks that share the terminal",
        threads=("openzfs/zfs#3980",),
    ),
    Row(
        kind="io-uring",
        meaning="it ends an io_uring, and waits until the requests that were given to it have ended",
        stacks=(
            "io_uring_*|io_ring_*|io_wq_*|io_cqring_*|__io_uring_*|io_sq_*|io_worker_*|io_run_*|io_queue_*"
            "|io_issue_*|io_submit_*|io_rsrc_*|io_sqd_*|io_kill_*",
        ),
        reference="io_wq_put_and_exit(), io_uring_cancel_generic(), io_ring_exit_work(), io_uring/io_uring.c "
        "(fs/io_uring.c before 6.0)",
        example="io_wq_put_and_exit io_uring_cancel_generic do_exit do_group_exit",
        fault="the request in flight: its worker (iou-wrk-PID, a thread of the process) shows what it waits for",
        lossless="find the worker thread, and what that waits for: a FUSE server, a disk, a poll that nobody wakes",
        innocent="the leader that is seen in io_uring_cancel_generic() only queues",
        ask="for t in /proc/{pid}/task/*; do cat $t/comm $t/stack; done",
        answer="iou-wrk-… in state D shows the cause",
        kernels="5.1 and newer; workers are threads of the process from 5.12",
        threads=("axboe/liburing#327", "axboe/liburing#294", "axboe/liburing#448", "axboe/liburing#566"),
        role=Role.QUEUE,
        progress=Progress.UNKNOWN,
    ),
    Row(
        kind="aio",
        meaning="it ends its asynchronous I/O contexts, and waits until the I/O in flight has ended",
        stacks=("exit_aio|wait_on_sync_kiocb|kill_ioctx|ioctx_*|__do_sys_io_destroy|aio_*|sys_io_destroy",),
        reference="exit_aio(), fs/aio.c",
        example="wait_for_completion exit_aio mmput do_exit",
        fault="the device or server of the I/O in flight",
        lossless="find what the I/O waits for",
        innocent="not the exit itself: the I/O below it",
        ask="cat /proc/sys/fs/aio-nr; grep . /sys/block/*/inflight",
        answer="a device whose count in flight stays above 0",
    ),
    Row(
        kind="perf",
        meaning="it waits for a perf event or a tracing lock",
        stacks=(
            "perf_event_*|perf_*|sync_child_event|event_function_call|_perf_event_*|ftrace_*|tracing_*|trace_*"
            "|uprobe_*|unregister_*probe*|register_*probe*|kprobe_*|__unregister_kprobe*|kprobes_*|text_poke*"
            "|arch_jump_*|static_key_*|jump_label_*|__static_*|tracepoint_*|event_trace_*",
        ),
        reference="perf_event_exit_task(), kernel/events/core.c; jump_label_lock(), kernel/jump_label.c",
        example="__mutex_lock perf_event_exit_task do_exit do_group_exit",
        fault="the task that holds the event's context: a profiler, a tracer, a BPF agent",
        lossless="find the task that holds the mutex, and what that waits for",
        ask="echo w > /proc/sysrq-trigger; dmesg",
        answer="the holder is another task in perf or tracing functions that waits for RCU or a CPU",
        progress=Progress.UNKNOWN,
        role=Role.QUEUE,
        certainty=Certainty.POSSIBLE,
    ),
    Row(
        kind="bpf",
        meaning="it waits for a BPF program, map or trampoline to be free",
        stacks=("bpf_*|__bpf_*|__sys_bpf|__do_sys_bpf|sock_map_*|htab_*|cgroup_bpf_*|__cgroup_bpf_*|dev_map_*",),
        reference="bpf_trampoline_link_prog(), kernel/bpf/trampoline.c; __sys_bpf(), kernel/bpf/syscall.c",
        example="__mutex_lock bpf_trampoline_link_prog bpf_tracing_prog_attach link_create __sys_bpf",
        fault="another task that changes the same, or an RCU tasks grace period",
        lossless="find the task that holds the mutex: often in synchronize_rcu_tasks()",
        ask="echo w > /proc/sysrq-trigger; dmesg",
        answer="the holder waits for RCU or a CPU",
        progress=Progress.UNKNOWN,
        role=Role.QUEUE,
        certainty=Certainty.POSSIBLE,
    ),
    Row(
        kind="audit",
        meaning="it waits until the audit daemon has read its backlog",
        stacks=("audit_log_start|audit_log*|wait_for_auditd|kauditd_*|audit_receive*|audit_*",),
        reference="audit_log_start(), kernel/audit.c",
        example="audit_log_start audit_log_exit __audit_syscall_exit syscall_slow_exit_work",
        fault="auditd: it is stopped, frozen, or its disk is full",
        lossless="continue auditd, or make room on its disk",
        ask="auditctl -s",
        answer="a backlog at its limit",
        messages=(r"audit: (?:backlog limit exceeded|audit_backlog=\d+ > audit_backlog_limit)",),
    ),
    Row(
        kind="child",
        meaning="it waits for a child process to end",
        stacks=("do_wait|kernel_wait4|kernel_waitid|wait4|kernel_wait",),
        reference="do_wait(), kernel/exit.c",
        example="do_wait kernel_wait4 __do_sys_wait4 do_syscall_64",
        fault="the child, if anybody",
        lossless="look at the child",
        ask="cat /proc/{pid}/task/{pid}/children",
        answer="the children's stacks show what they wait for",
        role=Role.IDLE,
        fallback=2,
        progress=Progress.UNKNOWN,
    ),
    Row(
        kind="dead",
        meaning="it is dead: a zombie that waits for its parent to reap it",
        stacks=("^do_exit|^do_task_dead|^make_task_dead",),
        reference="do_task_dead(), kernel/sched/core.c; exit_notify(), kernel/exit.c",
        example="do_exit do_group_exit __x64_sys_exit_group do_syscall_64",
        fault="its parent, which does not wait for it; or a live thread of the same process",
        lossless="let the parent reap it: continue the parent if it is stopped",
        destructive="end of the parent: its dead children are reaped by its own parent",
        innocent="a zombie itself holds nothing; a zombie leader with a live thread is not dead yet",
        ask="grep -E 'State|PPid|Threads' /proc/{pid}/status; ls /proc/{pid}/task",
        answer="more than one thread: the process lives on in another thread; one: the parent PPid has to reap it",
        threads=("moby/moby#41323",),
        certainty=Certainty.POSSIBLE,
        fallback=2,
    ),
)
