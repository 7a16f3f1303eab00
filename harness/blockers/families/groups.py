"""Control groups: frozen, removed, or locked."""

from __future__ import annotations

from harness.blockers.row import Certainty, Role, Row
from harness.model.terms import Progress

ORDER = 80

ROWS = (
    Row(
        kind="freezer",
        meaning="its control group is frozen, and the kill waits until it is thawed",
        stacks=(
            "__refrigerator|refrigerator|do_freezer_trap|freezing_slow_path|try_to_freeze|cgroup_enter_frozen"
            "|cgroup_leave_frozen",
        ),
        reference="__refrigerator(), kernel/freezer.c; do_freezer_trap(), kernel/signal.c (cgroup v2, 5.2 and newer)",
        example="__refrigerator unix_stream_data_wait unix_stream_read_generic unix_stream_recvmsg sock_recvmsg "
        "sock_read_iter new_sync_read vfs_read ksys_read __x64_sys_read",
        recorded="opencontainers/runc#4481",
        fault="whoever froze the control group and did not thaw it: a runtime that was killed between the two, "
        "a pause, a snapshot",
        lossless="thaw the control group",
        innocent="not a disk, although its state is D (cgroup v1); under cgroup v2 SIGKILL ends it",
        ask="cat /proc/{pid}/cgroup; cat /sys/fs/cgroup/freezer/PATH/freezer.state /sys/fs/cgroup/PATH/cgroup.freeze",
        answer="FROZEN or FREEZING (v1), or 1 (v2), in this group or one above it",
        threads=(
            "opencontainers/runc#4481",
            "opencontainers/runc#2105",
            "cloudfoundry/garden-runc-release#121",
            "opencontainers/runc#3759",
        ),
        wchans=("refrig", "refrigerator", "__refrigerator", "freezi", "freeze"),
    ),
    Row(
        kind="cgroup-removal",
        meaning="it removes a control group, and waits until the tasks that are dying in it, or its state, are gone",
        stacks=(
            "cgroup_drain_dying|cgroup_lock_and_drain_offline|cgroup_rmdir|cgroup_destroy_*|css_killed_work_fn"
            "|css_free_*|cgroup_kill_sb|mem_cgroup_css_*|percpu_ref_switch_to_atomic_sync|cgroup_release_agent*"
            "|css_release_work_fn|cgroup_offline_*",
        ),
        reference="cgroup_rmdir(), cgroup_drain_dying(), cgroup_lock_and_drain_offline(), kernel/cgroup/cgroup.c",
        example="cgroup_drain_dying cgroup_rmdir kernfs_iop_rmdir vfs_rmdir",
        recorded="cockpit-project/bots#8970",
        fault="a task of the group that has not ended, or a kernel that counts it wrongly",
        lossless="find the tasks of the group that are still exiting, and what they wait for; update the kernel "
        "if there are none",
        innocent="systemd or the runtime that removes the group is a victim; whatever reads /proc or logs in "
        "then waits for it",
        ask="for p in /proc/[0-9]*; do grep -l PATH $p/cgroup; done 2>/dev/null; cat /sys/fs/cgroup/PATH/cgroup.events",
        answer="`populated 0` with the removal still waiting is a fault of the kernel's own",
        kernels="cgroup_drain_dying(): 6.19.11, 7.0 and newer",
        threads=("cockpit-project/bots#8970",),
    ),
    Row(
        kind="cgroup-lock",
        meaning="it waits for the lock of all control groups (cgroup_mutex, cgroup_threadgroup_rwsem), which "
        "another task holds",
        stacks=(
            "percpu_rwsem_wait|percpu_down_write|__percpu_down_read < cgroup_*|__cgroup_*|copy_process"
            "|exit_signals|do_exit|de_thread|cgroup1_*|copy_process*",
            "^cgroup_kn_lock_live|^cgroup_procs_write*|^__cgroup_procs_write|^cgroup_attach_*|^cgroup_mkdir"
            "|^cgroup_apply_*|^cgroup_post_fork|^cgroup_can_fork|^proc_cgroup_show|^proc_cgroupstats_show"
            "|^cgroup1_*|^cgroup_tasks_write|^cgroup_threads_write|^cgroup_file_*|^cgroup_subtree_control_write"
            "|^cgroup_freeze_*|^cgroup_path_*|^cgroup_do_*|^cgroup_mount|^cgroup_exit|^cgroup_get_from_*"
            "|^cgroup_transfer_*|^cgroup_pidlist_*|^cpuset_*|^update_cpumask|^cpuset_write_*|^freezer_*"
            "|^mem_cgroup_write|^mem_cgroup_resize*|^cgroup_print_*|^cgroup_seqfile_*|^memcg_*|^copy_process",
        ),
        reference="cgroup_kn_lock_live(), cgroup_procs_write_start(), kernel/cgroup/cgroup.c; "
        "cgroup_threadgroup_change_begin(), include/linux/cgroup-defs.h",
        example="percpu_rwsem_wait percpu_down_write cgroup_procs_write_start __cgroup_procs_write "
        "cgroup_procs_write kernfs_fop_write_iter",
        fault="the task that holds it: one that moves tasks, removes a group, or is stuck in fork() or exit() with it",
        lossless="find the task that holds it, and what that waits for",
        innocent="the runtime (runc, systemd) just was the next that needed it; new processes and logins hang alike",
        ask="echo w > /proc/sysrq-trigger; dmesg",
        answer="the holder is the one in cgroup functions that waits for something other than this lock, often RCU",
        certainty=Certainty.POSSIBLE,
        progress=Progress.UNKNOWN,
        role=Role.QUEUE,
    ),
)
