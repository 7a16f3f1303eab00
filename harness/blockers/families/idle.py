"""Ordinary sleep: the task waits for somebody to call, as a service does.  Nothing is wrong with it by itself."""

from __future__ import annotations

from harness.blockers.row import Role, Row
from harness.model.terms import Progress

ORDER = 120

ROWS = (
    Row(
        kind="user-lock",
        meaning="it waits in user space's own lock or condition (a futex): the kernel only knows that nobody woke it",
        stacks=("^futex_wait*|futex_wait*|__futex_wait|do_futex|^sys_futex|futex_lock_pi*|^futex_*",),
        reference="futex_wait_queue(), kernel/futex/waitwake.c",
        example="futex_wait_queue __futex_wait futex_wait do_futex __x64_sys_futex x64_sys_call do_syscall_64 "
        "entry_SYSCALL_64_after_hwframe",
        recorded="containerd/containerd#12511",
        fault="another thread of the program, if anybody; idle threads of Go and Java look so, too",
        lossless="look at the program's own threads with its own tools (a goroutine dump, jstack, gdb)",
        innocent="not stuck in the kernel: SIGKILL ends it",
        ask="gdb -p {pid} -batch -ex 'thread apply all bt'",
        answer="the thread that holds the lock",
        threads=("containerd/containerd#12511",),
        progress=Progress.UNKNOWN,
        role=Role.IDLE,
        fallback=2,
    ),
    Row(
        kind="idle",
        meaning="it sleeps until somebody calls it: a timer, a socket, a pipe, a child",
        stacks=(
            "^poll_schedule_timeout*|^do_poll*|^do_sys_poll|^do_select|^core_sys_select|^ep_poll|^do_epoll_wait|^hrtimer_nanosleep|^common_nsleep|^do_nanosleep|^inet_csk_accept|^inet_csk_wait_*|^sk_wait_data|^tcp_recvmsg*|^skb_wait_for_more_packets|^__skb_wait_for_more_packets"
            "|^unix_stream_data_wait|^unix_stream_read_generic|^unix_wait_*|^__skb_recv_*|^skb_recv_*|^pipe_read|^pipe_wait*|^anon_pipe_read|^wait_for_partner|^fifo_open|^signalfd_*|^eventfd_*|^timerfd_*|^inotify_read|^fanotify_read|^do_sigtimedwait|^sigsuspend|^do_sigsuspend|^sys_pause|^__x64_sys_pause|^n_tty_read|^worker_thread|^kthread|^kthread_worker_fn|^rcu_gp_kthread|^rcu_gp_fqs_loop|^smpboot_thread_fn|^kauditd_thread|^kswapd|^khugepaged|^svc_recv|^unix_accept|^netlink_recvmsg|^msleep_interruptible|^devkmsg_read|^do_syslog|^syslog_print|^io_cqring_wait|^kcompactd|^rescuer_thread|^kjournald2|^nfsd|^watchdog|^oom_reaper|^kthreadd|^pipe_write|^anon_pipe_write|^sock_alloc_send_pskb|^unix_stream_sendmsg|^exit_to_user_mode*|^retint_user|^prepare_exit_to_usermode|^ep_*|^sigwait*|^__do_sys_pause|^schedule_tail|^cpu_idle*|^do_idle|^default_idle*|^mwait_idle*|^intel_idle*|^acpi_idle*|^acpi_processor_*|^acpi_safe_halt|^native_safe_halt|^cpuidle_*|^poll_idle|^start_secondary|^cpu_startup_entry",
        ),
        reference="poll_schedule_timeout(), fs/select.c; ep_poll(), fs/eventpoll.c; and others",
        example="do_poll do_sys_poll __x64_sys_poll do_syscall_64 entry_SYSCALL_64_after_hwframe",
        recorded="aws/efs-utils#374",
        fault="nobody",
        lossless="none is needed: look at the tasks in state D",
        innocent="not stuck in the kernel: SIGKILL ends it",
        progress=Progress.UNKNOWN,
        role=Role.IDLE,
        fallback=2,
    ),
)
