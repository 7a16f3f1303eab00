"""Mounting, unmounting and mount namespaces."""

from __future__ import annotations

from harness.blockers.row import Certainty, Role, Row
from harness.model.terms import Progress

ORDER = 50

_ASK = "echo w > /proc/sysrq-trigger; dmesg"

ROWS = (
    Row(
        kind="superblock-lock",
        meaning="it mounts, remounts, syncs or unmounts, and waits for the lock of a superblock that another "
        "task holds",
        stacks=(
            "^ovl_sync_fs < sync_filesystem|__sync_filesystem",
            "^do_reconfigure_mnt|^do_remount*|^path_mount|^do_mount|^do_umount|^path_umount|^iterate_supers*"
            "|^sync_filesystem|^ksys_sync|^__do_sys_syncfs"
            "|^sget*|^super_lock*|^grab_super*|^get_super*|^user_get_super|^get_active_super|^deactivate_super"
            "|^deactivate_locked_super|^reconfigure_super|^mount_bdev|^get_tree_bdev*|^get_tree_*|^vfs_get_tree"
            "|^bdev_mark_dead|^fs_bdev_*|^thaw_bdev|^freeze_bdev|^drop_super*|^alloc_super|^user_statfs|^sys_quotactl",
        ),
        reference="down_write(&sb->s_umount), super_lock(), fs/super.c; do_reconfigure_mnt(), path_mount(), "
        "fs/namespace.c",
        example="rwsem_down_write_slowpath do_reconfigure_mnt __x64_sys_mount do_syscall_64 "
        "entry_SYSCALL_64_after_hwframe",
        recorded="aws-neuron/aws-neuron-sdk#887",
        fault="the task that holds s_umount: one that writes the filesystem back, syncs or unmounts it, and is "
        "stuck itself",
        lossless="find the task that holds it, and what that waits for",
        innocent="this task only queues; the container runtime just was the next to mount something",
        ask=_ASK,
        answer="the holder is a flusher, a sync or an umount of the same filesystem that waits for a device or "
        "a server",
        threads=("aws-neuron/aws-neuron-sdk#887", "systemd/systemd#28363"),
        certainty=Certainty.POSSIBLE,
        progress=Progress.UNKNOWN,
        role=Role.QUEUE,
        fallback=1,
    ),
    Row(
        kind="mount-namespace-lock",
        meaning="it waits for the lock of all mount namespaces (namespace_sem), which another task holds while "
        "it mounts or unmounts",
        stacks=(
            "^namespace_lock|^lock_mount|^do_lock_mount|^copy_mnt_ns|^copy_tree|^do_loopback"
            "|^attach_recursive_mnt|^do_move_mount*|^do_change_type|^do_add_mount|^mntns_install|^m_start"
            "|^mounts_open*|^show_mountinfo|^drop_collected_mounts|^umount_tree|^put_mnt_ns|^path_is_under"
            "|^collect_mounts|^do_new_mount*|^finish_automount|^open_detached_copy|^__do_sys_open_tree"
            "|^do_mount_setattr|^pivot_root|^__do_sys_pivot_root|^chroot_fs_refs",
        ),
        reference="namespace_lock(), lock_mount(), copy_mnt_ns(), fs/namespace.c",
        example="rwsem_down_write_slowpath down_write copy_mnt_ns create_new_namespaces unshare_nsproxy_namespaces",
        fault="the task that holds namespace_sem, most often in synchronize_rcu_expedited() or in a "
        "filesystem's teardown",
        lossless="find the task that holds it, and what that waits for",
        innocent="this task only queues: every start of a container waits alike",
        ask=_ASK,
        answer="the holder is the one in namespace_unlock(), do_umount() or a filesystem's own function",
        certainty=Certainty.POSSIBLE,
        progress=Progress.UNKNOWN,
        role=Role.QUEUE,
        fallback=1,
    ),
    Row(
        kind="umount",
        meaning="it tears a filesystem down (the last reference to a mount has gone), and waits for that",
        stacks=(
            "generic_shutdown_super|kill_block_super|kill_anon_super|kill_litter_super|cleanup_mnt"
            "|mntput_no_expire|__cleanup_mnt|delayed_mntput|evict_inodes|shrink_dcache_for_umount"
            "|invalidate_inodes|^namespace_unlock",
        ),
        reference="cleanup_mnt(), fs/namespace.c; generic_shutdown_super(), fs/super.c",
        example="evict_inodes generic_shutdown_super kill_block_super deactivate_locked_super cleanup_mnt "
        "task_work_run",
        fault="the filesystem that is torn down, its device or its server",
        lossless="find what the filesystem waits for; a lazy unmount only hides it",
        innocent="umount -l does not help: it detaches the name and waits for the same",
        ask=_ASK,
        answer="other tasks of the same device show what it waits for",
        certainty=Certainty.POSSIBLE,
        role=Role.QUEUE,
        fallback=1,
        progress=Progress.UNKNOWN,
    ),
)
