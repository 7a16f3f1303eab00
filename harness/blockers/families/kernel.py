"""Waits for work of the kernel's own: workers, threads, modules, helpers."""

from __future__ import annotations

from harness.blockers.row import Certainty, Role, Row
from harness.model.terms import Progress

ORDER = 110

ROWS = (
    Row(
        kind="usermode-helper",
        meaning="it waits for a program that the kernel itself has started",
        stacks=("call_usermodehelper*|__request_module|request_module*|call_modprobe",),
        reference="call_usermodehelper_exec(), kernel/umh.c (kernel/kmod.c before 4.13)",
        example="wait_for_completion call_usermodehelper_exec __request_module inet_create __sock_create",
        fault="that program: modprobe, request-key, a cgroup's release agent, or the filesystem that it lies on",
        lossless="find the program, a child of kthreadd, and what it waits for",
        ask="ps -eo pid,ppid,state,wchan:32,args | awk '$2==2 || /modprobe|request-key/'",
        answer="a modprobe or helper in state D",
    ),
    Row(
        kind="module",
        meaning="it loads or removes a kernel module, and waits for another that does so or for the module's users",
        stacks=(
            "load_module|do_init_module|idempotent_wait*|idempotent_init_module|finished_loading"
            "|add_unformed_module|try_stop_module|__do_sys_delete_module|__x64_sys_delete_module|free_module"
            "|module_patient_check_exists|do_one_initcall|async_synchronize*",
        ),
        reference="load_module(), idempotent_wait_for_completion(), kernel/module/main.c",
        example="idempotent_wait_for_completion idempotent_init_module __x64_sys_finit_module do_syscall_64",
        fault="the module's own initialization, usually a device that does not answer",
        lossless="find the modprobe whose module's init is stuck",
        ask="grep -E 'Loading|Unloading' /proc/modules",
        answer="the module that stays in Loading",
        fallback=1,
    ),
    Row(
        kind="workqueue",
        meaning="it removes a network device, and waits until a worker of each CPU has emptied its queue of packets",
        stacks=("flush_work*|__flush_work* < flush_all_backlogs|rollback_registered*|unregister_netdevice_many*",),
        reference="flush_all_backlogs(), net/core/dev.c: it queues a work on each CPU and waits for all of them",
        example="wait_for_completion __flush_work rollback_registered_many unregister_netdevice_many "
        "rtnl_delete_link rtnl_dellink rtnetlink_rcv_msg",
        recorded="moby/moby#44552",
        fault="a CPU whose worker gets no time (a real-time task, an isolated or stalled CPU)",
        lossless="give that CPU's workers time: end or throttle the real-time task that keeps it",
        innocent="not a leaked reference: the device itself is not waited for. Other tasks queue for the RTNL lock",
        ask="dmesg | grep -iE 'rcu|stall|lockup|workqueue'; ps -eLo pid,class,rtprio,psr,stat,comm | grep -E 'FF|RR'",
        answer="a task of class FF or RR that runs on one CPU all the time, or a workqueue lockup on that CPU",
        threads=("moby/moby#44552",),
    ),
    Row(
        kind="workqueue",
        meaning="it waits for a kernel worker that does not come back",
        stacks=(
            "flush_work*|__flush_work*|__flush_workqueue|flush_workqueue*|cancel_work_sync|__cancel_work*"
            "|cancel_delayed_work_sync|drain_workqueue|work_on_cpu*|schedule_on_each_cpu|destroy_workqueue"
            "|flush_rcu_work|kthread_flush_work*|kthread_stop*|kthread_park*|rescuer_thread"
            "|kthread_create_on_node|__kthread_create_on_node|flush_delayed_work|kthread_create_worker*"
            "|flush_delayed_fput",
        ),
        reference="__flush_work(), kernel/workqueue.c; kthread_stop(), kernel/kthread.c",
        example="wait_for_completion __flush_work disk_block_events bdev_open_by_dev",
        fault="the worker (kworker) that runs the work",
        lossless="find the worker, and what that waits for",
        innocent="this task only queues",
        ask="echo w > /proc/sysrq-trigger; dmesg; echo t > /proc/sysrq-trigger; dmesg | grep -A20 'Showing busy "
        "workqueues'",
        answer="a kworker in state D that runs the function of this work",
        certainty=Certainty.POSSIBLE,
        progress=Progress.UNKNOWN,
        role=Role.QUEUE,
        fallback=1,
    ),
    Row(
        kind="kernfs",
        meaning="it waits in sysfs or another kernfs for an open file's last user",
        stacks=("kernfs_drain*|kernfs_remove*|__kernfs_remove|sysfs_remove_*|sysfs_addrm_*|^kernfs_*",),
        reference="kernfs_drain(), fs/kernfs/dir.c",
        example="kernfs_drain __kernfs_remove kernfs_remove_by_name_ns remove_files sysfs_remove_group device_del",
        fault="the task that is inside a read or write of that file",
        lossless="find that task",
        ask="echo w > /proc/sysrq-trigger; dmesg",
        answer="another blocked task in kernfs_fop_* or a driver's attribute is the user",
        role=Role.QUEUE,
        certainty=Certainty.POSSIBLE,
        progress=Progress.UNKNOWN,
        fallback=1,
    ),
    Row(
        kind="suspend",
        meaning="it suspends the machine, and waits for tasks to freeze or filesystems to sync",
        stacks=(
            "pm_suspend*|ksys_sync_helper|freeze_processes|try_to_freeze_tasks|suspend_devices_and_enter"
            "|hibernate*|state_store|device_shutdown|kernel_restart|kernel_power_off|migrate_to_reboot_cpu",
        ),
        reference="pm_suspend(), kernel/power/suspend.c; try_to_freeze_tasks(), kernel/power/process.c",
        example="try_to_freeze_tasks freeze_processes pm_suspend state_store kernfs_fop_write_iter",
        fault="a task that does not freeze: one that waits for a FUSE or network server",
        lossless="let the server that the task waits for answer",
        ask="dmesg | grep -A20 'refusing to freeze'",
        answer="the tasks named there are the cause",
        messages=(r"Freezing of tasks failed after", r"tasks refusing to freeze"),
        threads=("libfuse/sshfs#137",),
        role=Role.QUEUE,
        fallback=1,
        progress=Progress.UNKNOWN,
    ),
    Row(
        kind="ipc",
        meaning="it waits for a System V semaphore, message queue or shared memory of another process",
        stacks=(
            "do_semtimedop|__do_semtimedop|do_msgrcv|do_msgsnd|sys_semtimedop|semctl*|shm_*|exit_sem|exit_shm"
            "|mq_*|do_mq_*|wq_sleep|ipc_*|free_ipc*|put_ipc_ns|__shm_close|msgctl*|shmctl*",
        ),
        reference="__do_semtimedop(), ipc/sem.c; free_ipc_ns(), ipc/namespace.c",
        example="do_msgrcv do_syscall_64",
        recorded="tests/data/explain/stacks/waits-6.18.json",
        fault="the process that has to release it, if anybody",
        lossless="look at the other processes of the same IPC namespace",
        ask="ipcs -s -p",
        answer="the last process that used it",
        role=Role.IDLE,
        fallback=1,
        progress=Progress.UNKNOWN,
    ),
    Row(
        kind="unknown-lock",
        meaning="it waits for a lock that the stack does not name",
        stacks=(
            "^seq_read*|^proc_*|^pid_*|^uevent_*|^dev_attr_*|^aa_*|^apparmor_*|^selinux_*|^security_*|^ima_*"
            "|^process_measurement|^integrity_*|^evm_*|^do_io_*|^do_prlimit|^acct_*|^pipe_*|^unix_*|^ep_*"
            "|^eventpoll_*|^__ep_*|^sock_*|^lock_sock*|^__lock_sock|^tcp_*|^inet_*|^fput|^__fput|^task_work_run"
            "|^filp_close|^filp_flush|^close_fd|^__close_fd|^exit_files|^taskstats_*|^exit_fs|^exit_task_*"
            "|^exit_notify|^release_task|^user_*|^key_*|^keyctl_*|^crypto_*",
        ),
        reference="mutex_lock(), kernel/locking/mutex.c",
        example="__mutex_lock seq_read_iter vfs_read ksys_read do_syscall_64",
        fault="the task that holds the lock",
        lossless="find the task that holds it, and what that waits for",
        innocent="this task only queues",
        ask="echo w > /proc/sysrq-trigger; dmesg",
        answer="the tasks listed: the one that does not wait for a lock holds it",
        certainty=Certainty.UNKNOWN,
        progress=Progress.UNKNOWN,
        role=Role.QUEUE,
        fallback=2,
    ),
)
