"""Local filesystems: their journals, transactions and locks; stacked and watched ones."""

from __future__ import annotations

from harness.blockers.names import LOCK
from harness.blockers.row import Certainty, Role, Row
from harness.model.terms import Progress

ORDER = 40

_DISK = "the disk below the filesystem, or a task that holds the transaction open"
_LOOK = "look at the disk below: the kernel log, its I/O in flight; end what holds the transaction"
_INNOCENT = "not the container runtime's fault: it waits like any other process that uses this filesystem"
_ASK = "echo w > /proc/sysrq-trigger; dmesg"
_READ = "of the tasks listed, the one that waits for the disk itself, or for something else, holds the others up"

ROWS = (
    Row(
        kind="frozen-filesystem",
        meaning="it wants to write to a filesystem that is frozen",
        stacks=(
            "__sb_start_write|sb_start_write|freeze_super|sb_wait_write|wait_for_partially_frozen",
            "^mnt_want_write|^mnt_want_write_file",
            "percpu_rwsem_wait|__percpu_down_read < ext4_*|xfs_*|btrfs_*|ovl_*|f2fs_*|mnt_want_write*|vfs_write"
            "|vfs_writev|do_iter_write|do_open|file_update_time|touch_atime|sb_start_*",
        ),
        reference="sb_start_write(), include/linux/fs.h; freeze_super(), fs/super.c",
        example="percpu_rwsem_wait __percpu_down_read ext4_file_write_iter",
        fault="whoever froze the filesystem: fsfreeze, a snapshot, a backup agent of a hypervisor",
        lossless="`fsfreeze --unfreeze` the mount",
        innocent="not the disk: nothing is lost, writing resumes when it is thawed",
        ask="grep -l . /proc/*/wchan; ps -eo pid,state,wchan:32,comm | grep -E 'percpu|sb_start|freeze'",
        answer="several writers in the same wait and no disk error: it is frozen, not dead",
    ),
    Row(
        kind="autofs",
        meaning="it waits for the automount daemon to mount or expire a path, which does not answer",
        stacks=("autofs_*|autofs4_*|autofs_wait*",),
        reference="autofs_wait(), fs/autofs/waitq.c (autofs4_wait(), fs/autofs4/ before 4.18)",
        example="autofs4_wait autofs4_mount_wait autofs4_d_manage follow_managed lookup_fast path_lookupat "
        "filename_lookup user_path_at_empty user_path_at vfs_fstatat",
        recorded="systemd/systemd#4886",
        fault="the automount daemon: automount, or systemd for its .automount units",
        lossless="let the daemon answer: see what it waits for itself, usually the mount that it was asked for",
        destructive="end of the daemon or umount of the trigger: the waiting lookups fail",
        innocent="not the task that looks the path up: any stat() of it waits alike",
        ask="grep autofs /proc/mounts; systemctl list-units --type=automount",
        answer="the mount option pgrp= names the daemon; its own stack shows what it waits for",
        threads=("systemd/systemd#4886", "s3fs-fuse/s3fs-fuse#988"),
    ),
    Row(
        kind="fanotify",
        meaning="it waits for a fanotify listener (a virus scanner, an auditor) to permit the access",
        stacks=("fanotify_handle_event|fanotify_get_response*|fanotify_handle_permission*",),
        reference="fanotify_get_response(), fs/notify/fanotify/fanotify.c",
        example="fanotify_handle_event fsnotify do_dentry_open path_openat do_filp_open do_sys_open",
        recorded="canonical/hotsos#597",
        fault="the process that listens for fanotify permission events",
        lossless="let the listener answer",
        destructive="end of the listener: all accesses that wait are permitted",
        innocent="not the filesystem and not the disk",
        ask="grep -l fanotify /proc/*/fdinfo/*",
        answer="the process with a fanotify group that has marks is the listener",
    ),
    Row(
        kind="overlayfs",
        meaning="it waits in overlayfs: for a copy up, or for a lock of an overlay's file",
        stacks=("ovl_*", "[overlay]"),
        reference="ovl_copy_up_flags(), ovl_inode_lock(), fs/overlayfs/copy_up.c",
        example="mutex_lock_interruptible ovl_copy_up_start ovl_copy_up_one ovl_copy_up_flags ovl_open",
        fault="the task that copies up, or the layer below",
        lossless="look at what the task that copies up waits for",
        innocent=_INNOCENT,
        ask=_ASK,
        answer=_READ,
        role=Role.QUEUE,
        fallback=1,
        progress=Progress.UNKNOWN,
    ),
    Row(
        kind="jbd2",
        meaning="it waits for the journal of an ext4 filesystem (jbd2)",
        stacks=(
            "jbd2_*|__jbd2_*|wait_transaction_locked|add_transaction_credits|start_this_handle"
            "|do_get_write_access|journal_*|__log_wait_for_space|log_wait_commit|kjournald*",
            "bit_wait_io* < __wait_on_bit*|out_of_line_wait_on_bit* < do_get_write_access|jbd2_*",
            "[jbd2]|[jbd]",
        ),
        reference="jbd2_log_wait_commit(), fs/jbd2/journal.c; wait_transaction_locked(), fs/jbd2/transaction.c",
        example="wait_transaction_locked add_transaction_credits start_this_handle",
        recorded="flatcar/Flatcar#847",
        fault=_DISK,
        lossless=_LOOK,
        innocent=_INNOCENT,
        ask=_ASK,
        answer="the jbd2/DEVICE thread names the device; the task that it waits for, or the disk, holds it up",
        threads=("flatcar/Flatcar#847", "moby/moby#9862"),
        role=Role.QUEUE,
    ),
    Row(
        kind="ext4",
        meaning="it waits in ext4, for its disk or for another task that uses the same file",
        stacks=("ext4_*|__ext4_*|ext3_*|ext2_*|mb_*", "[ext4]|[ext3]"),
        reference="ext4_file_write_iter(), fs/ext4/file.c; ext4_mb_new_blocks(), fs/ext4/mballoc.c",
        example="rwsem_down_write_slowpath down_write ext4_buffered_write_iter ext4_file_write_iter vfs_write",
        fault=_DISK,
        lossless=_LOOK,
        innocent=_INNOCENT,
        ask=_ASK,
        answer=_READ,
        role=Role.QUEUE,
    ),
    Row(
        kind="xfs",
        meaning="it waits in XFS, for its log or its disk",
        stacks=("xfs_*|__xfs_*|_xfs_*|xlog_*|xfsaild*|kmem_zone_*", "[xfs]"),
        reference="xlog_wait_on_iclog(), xfs_log_force(), fs/xfs/xfs_log.c; xfs_buf_iowait(), fs/xfs/xfs_buf.c",
        example="__wait_for_common xfs_buf_iowait __xfs_buf_submit xfs_buf_read_map",
        recorded="NixOS/nixpkgs#144787",
        fault=_DISK,
        lossless=_LOOK,
        innocent=_INNOCENT,
        ask=_ASK,
        answer="`log I/O error` or `Filesystem has been shut down` in the log; otherwise the disk's I/O in flight",
        threads=("NixOS/nixpkgs#144787", "openshift/os#376"),
        messages=(
            r"XFS \(\S+\): .*(?:log I/O error|metadata I/O error|[Ff]ilesystem has been shut down|possible "
            r"memory allocation deadlock)",
        ),
        role=Role.QUEUE,
    ),
    Row(
        kind="btrfs",
        meaning="it waits in btrfs, for a transaction or its disk",
        stacks=(
            "btrfs_*|__btrfs_*|wait_current_trans|join_transaction|start_transaction|transaction_kthread"
            "|cleaner_kthread|wait_for_commit|flush_space|wait_reserve_ticket|__reserve_bytes"
            "|handle_reserve_ticket|priority_reclaim_*|lock_extent*|wait_extent_bit|find_free_extent|lock_delalloc*",
            "[btrfs]",
        ),
        reference="wait_current_trans(), btrfs_commit_transaction(), fs/btrfs/transaction.c",
        example="btrfs_wait_ordered_roots btrfs_sync_fs iterate_supers ksys_sync ksys_sync_helper pm_suspend "
        "state_store kernfs_fop_write_iter new_sync_write vfs_write",
        recorded="btrfs/linux#313",
        fault=_DISK,
        lossless=_LOOK,
        innocent=_INNOCENT,
        ask=_ASK,
        answer="btrfs-transacti in its commit names what it waits for; a balance, a scrub or snapshot removal "
        "can take long",
        threads=("btrfs/linux#313", "hhoffstaette/kernel-patches#7", "ocurrent/obuilder#47"),
        messages=(r"BTRFS (?:error|critical) \(device (?P<what>[^)]+)\)",),
        role=Role.QUEUE,
    ),
    Row(
        kind="zfs",
        meaning="it waits in ZFS, for a transaction group, a lock or the pool's I/O",
        stacks=(
            "zfs_*|zpl_*|zil_*|zio_*|txg_*|dmu_*|spa_*|dbuf_*|arc_*|dsl_*|vdev_*|zvol_*|cv_wait*|__cv_wait*"
            "|__cv_timedwait*|cv_timedwait*|taskq_*|rrw_*|dnode_*|zrl_*|spl_*",
            "[zfs]|[spl]|[zcommon]|[zavl]",
        ),
        reference="txg_wait_open(), zio_wait(), OpenZFS module/zfs (out of tree)",
        example="io_schedule_timeout cv_wait_common __cv_wait_io zio_wait dbuf_read",
        recorded="openzfs/zfs#5863",
        fault="the pool: a disk of it, or a pool that suspended its I/O",
        lossless="`zpool status`; a suspended pool resumes by `zpool clear` when its disks are back",
        innocent=_INNOCENT,
        ask="zpool status -x; cat /proc/spl/kstat/zfs/*/state",
        answer="a pool that is SUSPENDED, or a device with errors",
        threads=("openzfs/zfs#5863",),
        messages=(r"WARNING: Pool '(?P<what>[^']+)' has encountered an uncorrectable I/O failure",),
        role=Role.QUEUE,
    ),
    Row(
        kind="local-filesystem",
        meaning="it waits in a local filesystem, for its disk or for another task that uses it",
        stacks=(
            "f2fs_*|bch2_*|__bch2_*|reiserfs_*|ntfs_*|ntfs3_*|attr_*|ni_*|exfat_*|fat_*|vfat_*|udf_*|jfs_*"
            "|nilfs_*|squashfs_*|erofs_*|z_erofs_*|isofs_*|hfs_*|hfsplus_*|ubifs_*|minix_*|au_*|aufs_*|ecryptfs_*",
            "[f2fs]|[bcachefs]|[ntfs3]|[exfat]|[vfat]|[fat]|[reiserfs]|[jfs]|[nilfs2]|[squashfs]|[erofs]|[udf]"
            "|[aufs]|[ubifs]",
        ),
        reference="f2fs_issue_checkpoint(), fs/f2fs/checkpoint.c; squashfs_read_data(), fs/squashfs/block.c; "
        "and others",
        example="__closure_sync bch2_btree_update_start bch2_btree_split_leaf",
        recorded="koverstreet/bcachefs#289",
        fault=_DISK,
        lossless=_LOOK,
        innocent=_INNOCENT,
        ask=_ASK,
        answer=_READ,
        threads=("koverstreet/bcachefs#648",),
        role=Role.QUEUE,
    ),
    Row(
        kind="fscrypt",
        meaning="it waits for an encryption key of a directory, or for the key's removal",
        stacks=(
            "fscrypt_*|request_key*|wait_for_key_construction|key_wait_*|fsverity_*|construct_get_dest_keyring"
            "|call_sbin_request_key",
        ),
        reference="fscrypt_get_encryption_info(), fs/crypto/keysetup.c; request_key_and_link(), "
        "security/keys/request_key.c",
        example="wait_for_key_construction request_key_and_link request_key_tag dns_query",
        fault="the key's provider: a user process that the kernel called (request-key), or the keyring's owner",
        lossless="let the request-key program end, or provide the key",
        innocent="not the disk",
        ask="cat /proc/keys | head; ps -eo pid,ppid,comm | grep request-key",
        answer="a key under construction (state U), a request-key process that does not end",
    ),
    Row(
        kind="quota",
        meaning="it waits for a quota of a filesystem",
        stacks=("dquot_*|__dquot_*|dqget|dqput|invalidate_dquots|quota_*",),
        reference="dqput(), dquot_release(), fs/quota/dquot.c",
        example="wait_for_completion invalidate_dquots dquot_disable",
        fault=_DISK,
        lossless=_LOOK,
        fallback=1,
    ),
    Row(
        kind="vfs-lock",
        meaning="it waits for a lock of a file, a folder or a name, which another task holds while that waits "
        "for something else",
        stacks=(
            "d_alloc_parallel|d_wait_lookup|^lookup_slow|^__lookup_slow|^lookup_one*|^open_last_lookups"
            "|^do_last|^path_openat|^filename_create"
            "|^walk_component|^do_unlinkat|^do_rmdir|^do_mkdirat|^do_mknodat|^lock_rename|^do_renameat2"
            "|^vfs_unlink|^vfs_rename|^vfs_rmdir"
            "|^iterate_dir|^wrap_directory_iterator|^chmod_common|^chown_common|^vfs_setxattr|^vfs_truncate"
            "|^do_truncate|^generic_file_llseek*|^lock_two_nondirectories|^vfs_link|^do_linkat"
            "|^__fdget_pos|^fdget_pos|^generic_file_write_iter|^inode_lock|^lookup_dcache|^vfs_removexattr"
            "|^simple_recursive_removal|^debugfs_*|^proc_sys_*|^find_inode*|^__wait_on_freeing_inode"
            "|^iget_locked|^iget5_locked|^ilookup*|^wait_on_inode|^evict|^dput|^__dentry_kill",
            f"{LOCK} < path_openat|lookup_slow|filename_create|do_last|iterate_dir|vfs_unlink|vfs_rename"
            f"|do_unlinkat|vfs_fsync_range",
        ),
        plain=(f"{LOCK} < ^walk_component|^lookup_slow|^__lookup_slow|^link_path_walk|^open_last_lookups",),
        reference="inode_lock(), d_alloc_parallel(), fs/namei.c, fs/dcache.c; iterate_dir(), fs/readdir.c",
        example="rwsem_down_read_slowpath down_read lookup_slow walk_component path_lookupat filename_lookup "
        "user_path_at_empty vfs_statx __do_sys_newlstat",
        recorded="ocurrent/obuilder#47",
        fault="the task that holds the lock; the text does not show which filesystem it is on",
        lossless="find the task that holds it, and what that waits for: a FUSE or NFS server, a disk",
        innocent="this task only queues: killing it changes nothing",
        ask=_ASK,
        answer="the holder is the one task in the same folder that waits for something other than a lock",
        threads=("ocurrent/obuilder#47", "gluster/gluster-health-report#19"),
        progress=Progress.UNKNOWN,
        certainty=Certainty.POSSIBLE,
        role=Role.QUEUE,
        fallback=1,
    ),
    Row(
        kind="file-lock",
        meaning="it waits for a lock of a file (flock, fcntl) that another process holds",
        stacks=(
            "locks_lock_inode_wait|flock_lock_inode_wait|posix_lock_inode_wait|fcntl_setlk*|__break_lease"
            "|locks_*|do_lock_file_wait|^__do_sys_flock|^__x64_sys_flock",
        ),
        reference="locks_lock_inode_wait(), fs/locks.c",
        example="locks_lock_inode_wait __do_sys_flock do_syscall_64",
        recorded="tests/data/explain/stacks/waits-6.18.json",
        fault="the process that holds the lock",
        lossless="let the holder release it",
        ask="cat /proc/locks",
        answer="the line with `->` waits for the process of the line before it",
        role=Role.QUEUE,
        fallback=1,
        progress=Progress.UNKNOWN,
    ),
)
