"""RCU, and CPUs that do not schedule."""

from __future__ import annotations

from harness.blockers.row import Role, Row

ORDER = 100

_INNOCENT = (
    "not the container's fault, and nothing of the container ends it: any task that needs a grace period waits alike"
)

ROWS = (
    Row(
        kind="srcu",
        meaning="it waits for the end of a sleeping RCU reader (SRCU): a task is stuck inside a section that it "
        "must leave first",
        stacks=(
            "synchronize_srcu*|__synchronize_srcu*|srcu_barrier|srcu_*|cleanup_srcu_struct"
            "|fsnotify_connector_destroy_workfn|fsnotify_mark_destroy_*|fsnotify_wait_*|mmu_notifier_unregister",
        ),
        reference="synchronize_srcu(), kernel/rcu/srcutree.c; fsnotify_connector_destroy_workfn(), fs/notify/mark.c",
        example="wait_for_completion synchronize_srcu fsnotify_connector_destroy_workfn process_one_work",
        recorded="raspberrypi/linux#4943",
        fault="the task that is inside the SRCU section (fsnotify, KVM, a block queue) and sleeps, or a CPU "
        "that does not run",
        lossless="find the task that is inside the section: for fsnotify, one that waits in a fanotify "
        "permission event or a filesystem",
        innocent=_INNOCENT,
        ask="echo w > /proc/sysrq-trigger; dmesg",
        answer="another blocked task inside the same subsystem is the reader",
        threads=("raspberrypi/linux#4943",),
    ),
    Row(
        kind="rcu-tasks",
        meaning="it waits for an RCU tasks grace period: a task runs or stays in the kernel without a voluntary switch",
        stacks=(
            "synchronize_rcu_tasks*|rcu_tasks_*|synchronize_rcu_mult|rcu_barrier_tasks*",
            "__wait_rcu_gp|wait_rcu_gp* < synchronize_rcu_tasks*|ftrace_shutdown*",
        ),
        reference="synchronize_rcu_tasks(), kernel/rcu/tasks.h",
        example="wait_for_completion __wait_rcu_gp synchronize_rcu_tasks ftrace_shutdown unregister_ftrace_function",
        fault="a task that does not switch voluntarily, or a CPU that does not run",
        lossless="find the task that the `rcu_tasks detected stalls` message names",
        innocent=_INNOCENT,
        ask="dmesg | grep -iE 'rcu|stall'",
        answer="a stall names the task",
        messages=(r"rcu_tasks\w* detected stalls", r"rcu_tasks\w* grace period", r"tasks_rcu_exit_srcu_stall"),
    ),
    Row(
        kind="rcu",
        meaning="it waits for an RCU grace period that does not end: a CPU is stalled, or the RCU kthread gets "
        "no CPU time",
        stacks=(
            "synchronize_rcu*|__wait_rcu_gp|wait_rcu_gp*|synchronize_sched*|synchronize_net"
            "|synchronize_rcu_expedited*|rcu_barrier*|_rcu_barrier*|wait_for_rcu*|rcu_exp_*|_synchronize_rcu_*"
            "|kvfree_rcu_barrier|kfree_rcu_*|exp_funnel_lock|cond_synchronize_rcu|synchronize_rcu_normal"
            "|rcu_sync_*|percpu_ref_*",
        ),
        reference="synchronize_rcu(), __wait_rcu_gp(), rcu_barrier(), kernel/rcu/tree.c, kernel/rcu/update.c",
        example="wait_for_completion __wait_rcu_gp synchronize_rcu",
        recorded="opencontainers/runc#3502",
        fault="a CPU that does not pass a quiescent state: a driver in a loop, a starved RCU kthread (real-time "
        "tasks, a paused or overloaded virtual machine)",
        lossless="find the CPU: the log's `rcu … stall` names it, and shows what it runs; give the RCU kthread "
        "CPU time",
        destructive="restart of the machine, where the CPU is lost",
        innocent=_INNOCENT,
        ask="dmesg | grep -iE 'rcu|stall|lockup'; ps -eLo pid,class,rtprio,stat,comm | grep -E 'rcu|FF|RR'",
        answer="`self-detected stall` or `kthread starved` names the CPU; real-time tasks above rcu's priority "
        "starve it",
        threads=("opencontainers/runc#3502", "moby/moby#34293"),
        messages=(
            r"(?:rcu: )?INFO: rcu\w* (?:self-)?detected (?:expedited )?stall",
            r"rcu\w* kthread (?:starved|timer wakeup didn't happen)",
            r"\((?:detected by \d+, )?t=\d+ jiffies",
        ),
    ),
    Row(
        kind="cpu-stall",
        meaning="it waits for a CPU that does not answer or schedule",
        stacks=(
            "smp_call_function*|generic_exec_single|on_each_cpu*|flush_tlb_*|native_flush_tlb_*|stop_one_cpu*"
            "|stop_machine*|__stop_cpus|stop_cpus|multi_cpu_stop|stop_two_cpus|csd_lock_wait"
            "|arch_tlbbatch_flush|cpus_read_lock|cpu_hotplug_*|get_online_cpus|cpuhp_*|_cpu_down|_cpu_up"
            "|cpu_maps_update_begin|takedown_cpu|text_poke_sync|kick_all_cpus_sync|migration_cpu_stop"
            "|sched_setaffinity|affine_move_task|set_cpus_allowed*",
        ),
        reference="smp_call_function_many_cond(), kernel/smp.c; stop_one_cpu(), kernel/stop_machine.c; "
        "cpus_read_lock(), kernel/cpu.c",
        example="wait_for_completion stop_one_cpu sched_exec bprm_execve do_execveat_common",
        fault="a CPU that spins with interrupts off, or one of a paused or overloaded virtual machine",
        lossless="find the CPU: soft lockup, RCU stall and NMI messages name it",
        destructive="restart of the machine, where the CPU is lost",
        innocent=_INNOCENT,
        ask="dmesg | grep -iE 'lockup|stall|NMI'",
        answer="the message names the CPU and what it runs",
    ),
    Row(
        kind="soft-lockup",
        meaning="a CPU runs in the kernel and does not switch tasks",
        stacks=("watchdog_timer_fn|watchdog_overflow_callback",),
        reference="watchdog_timer_fn(), kernel/watchdog.c",
        example="watchdog_timer_fn __hrtimer_run_queues hrtimer_interrupt __sysvec_apic_timer_interrupt",
        fault="the function that the CPU runs: a driver's loop, a spinlock that is not released, or a virtual "
        "machine that was paused",
        lossless="look at what the CPU runs (the stack of the message); after a paused machine it ends by itself",
        destructive="restart of the machine, where the CPU is lost",
        innocent="not a wait: the tasks that are blocked besides wait for this CPU",
        ask="dmesg | grep -A30 'soft lockup'",
        answer="the same function in each message is the loop; different ones are an overloaded or paused machine",
        threads=("kubernetes-csi/csi-driver-smb#772",),
        messages=(
            r"(?:watchdog: )?BUG: soft lockup - CPU#(?P<what>\d+) stuck for \d+s",
            r"Watchdog detected hard LOCKUP on cpu ?(?P<what>\d+)",
        ),
        role=Role.CAUSE,
    ),
    Row(
        kind="lock-order",
        meaning="lockdep found two tasks that take locks in different orders, or a lock taken twice",
        stacks=("print_circular_bug|check_noncircular|print_deadlock_bug",),
        reference="check_noncircular(), kernel/locking/lockdep.c",
        example="print_circular_bug check_noncircular __lock_acquire lock_acquire",
        fault="the kernel's own: a fault in a driver or filesystem",
        lossless="update the kernel; report it with the whole message",
        innocent="a warning of what may happen, not proof that it did: only tasks that stay blocked are stuck",
        ask="dmesg | grep -A60 'WARNING: possible'",
        answer="the chain of locks that the message prints",
        messages=(
            r"WARNING: possible (?:circular locking dependency|recursive locking|irq lock inversion dependency)",
            r"INFO: possible (?:circular locking dependency|recursive locking)",
        ),
    ),
)
