"""Block devices, and what stands between a filesystem and a disk."""

from __future__ import annotations

from harness.blockers.names import PAGE_WAIT, QUEUE_FREEZE
from harness.blockers.row import Certainty, Role, Row
from harness.model.terms import Progress

ORDER = 30

_DEVICE = "the device, its path or its driver"
_LOOK = "look at the device: the kernel log, its multipath, `dmsetup info`, its network"
_ASK = "dmesg | grep -iE 'error|timeout|reset|offline|rejecting'; grep . /sys/block/*/inflight"
_READ = "a device whose count in flight stays above 0 does not complete its I/O"
_INNOCENT = "not the container's fault: a disk or its path does not answer, and every process that uses it waits"
_LOST = "offline or removal of the device: its I/O fails, unwritten data is lost"

ROWS = (
    Row(
        kind="drbd",
        meaning="it waits for DRBD: a peer, or a change of the resource's state",
        stacks=(
            "drbd_*|__drbd_*|dtr_*|dtt_*|change_cluster_wide_state|__end_state_change|__state_change_unlock",
            "[drbd]|[drbd_transport_tcp]|[drbd_transport_rdma]",
            f"{QUEUE_FREEZE} < drbd_*|[drbd]",
        ),
        reference="drbd_make_request(), drivers/block/drbd/drbd_req.c; drbd_adm_*(), drbd_nl.c",
        example="__wait_for_common __state_change_unlock __end_state_change",
        recorded="LINBIT/drbd#100",
        fault="the DRBD peer, the network to it, or the disk below",
        lossless="bring the peer's connection back, or let the resync end",
        destructive="drbdadm disconnect or detach: writes go to one side only, or fail",
        innocent=_INNOCENT,
        ask="cat /proc/drbd; drbdsetup status --verbose",
        answer="a connection that is not Connected, or a disk that is suspended",
        threads=("LINBIT/drbd#100", "LINBIT/drbd#58"),
        messages=(r"drbd \S+: .*(?:NetworkFailure|PingAck did not arrive|suspended)",),
    ),
    Row(
        kind="nbd",
        meaning="it waits for a network block device",
        stacks=("nbd_*|__nbd_*|recv_work|[nbd]", f"{QUEUE_FREEZE} < nbd_*|__nbd_*|[nbd]"),
        reference="nbd_send_cmd(), nbd_disconnect_and_put(), drivers/block/nbd.c",
        example="blk_mq_freeze_queue_wait queue_limits_commit_update_frozen nbd_set_size nbd_genl_reconfigure "
        "genl_family_rcv_msg_doit genl_family_rcv_msg genl_rcv_msg netlink_rcv_skb genl_rcv "
        "netlink_unicast",
        recorded="ydb-platform/nbs#6116",
        fault="the NBD server (qemu-nbd, nbdkit, a user process), which may be part of what hangs",
        lossless="bring the NBD server back",
        destructive="disconnect of the device (nbd-client -d): its I/O fails",
        innocent=_INNOCENT,
        ask=_ASK,
        answer=_READ,
        messages=(r"block nbd\d+: (?:Connection timed out|Possible stuck request|shutting down socket)",),
    ),
    Row(
        kind="iscsi",
        meaning="it waits for an iSCSI, Fibre Channel or other SCSI transport to come back",
        stacks=(
            "iscsi_*|iscsit_*|fc_block_*|fc_remote_port_*|srp_*|sas_*|qla2*|lpfc_*|core_tmr_*|transport_generic_*",
            "[iscsi_tcp]|[libiscsi]|[scsi_transport_iscsi]|[scsi_transport_fc]|[qla2xxx]|[lpfc]|[target_core_mod]",
            "async_synchronize_* < iscsi_*|__iscsi_*|fc_*",
        ),
        reference="iscsi_block_session(), drivers/scsi/scsi_transport_iscsi.c",
        example="wait_for_common wait_for_completion target_stop_task core_tmr_lun_reset",
        recorded="openzfs/zfs#641",
        fault="the target, or the network to it",
        lossless="bring the session back",
        destructive="logout of the session: its I/O fails",
        innocent=_INNOCENT,
        ask="iscsiadm -m session -P 1; dmesg | grep -iE 'iscsi|connection'",
        answer="a session that is not LOGGED_IN",
        messages=(r"connection\d+:0: (?:ping timeout|detected conn error)", r"session\d+: session recovery timed out"),
    ),
    Row(
        kind="scsi",
        meaning="it waits for a SCSI or ATA device, whose error handling is under way",
        stacks=(
            "scsi_error_handler|scsi_block_when_processing_errors|scsi_wait_scan|ata_*|scsi_execute*"
            "|__scsi_execute|sd_open|sd_check_events|sd_probe|sd_shutdown|sr_block_*|sg_new_*|sg_release"
            "|blk_execute_rq*",
            "async_synchronize_* < sd_*|scsi_*|__scsi_*",
            f"{QUEUE_FREEZE} < sd_*|scsi_*|__scsi_*",
        ),
        reference="scsi_block_when_processing_errors(), drivers/scsi/scsi_error.c",
        example="wait_for_common command_abort scsi_error_handler kthread kernel_thread_exit",
        recorded="raspberrypi/linux#309",
        fault=_DEVICE,
        lossless=_LOOK,
        destructive=_LOST,
        innocent=_INNOCENT,
        ask=_ASK,
        answer="resets that repeat, or `rejecting I/O to offline device`",
        messages=(
            r"sd \S+: .*(?:rejecting I/O to offline device|timing out command|Device offlined)",
            r"scsi \S+: .*(?:rejecting I/O to offline device|timing out command|Device offlined)",
            r"ata\d+(?:\.\d+)?: .*(?:exception|failed command|SRST failed|hard resetting link)",
        ),
    ),
    Row(
        kind="nvme",
        meaning="it waits for an NVMe controller",
        stacks=(
            "nvme_*|nvmf_*",
            "blk_mq_freeze_queue_wait* < nvme_*",
            "[nvme]|[nvme_core]|[nvme_tcp]|[nvme_rdma]|[nvme_fabrics]",
        ),
        reference="nvme_submit_sync_cmd(), nvme_wait_freeze(), drivers/nvme/host/core.c",
        example="blk_mq_freeze_queue_wait blk_mq_freeze_queue blk_freeze_queue blk_cleanup_queue "
        "nvme_rdma_destroy_admin_queue nvme_rdma_shutdown_ctrl __nvme_rdma_remove_ctrl",
        recorded="spdk/spdk#677",
        fault="the NVMe device or its fabric",
        lossless="let its reset end; look at the kernel log",
        destructive=_LOST,
        innocent=_INNOCENT,
        ask=_ASK,
        answer="`I/O timeout, aborting`, `controller is down`",
        messages=(r"nvme nvme\d+: (?:.*timeout|controller is down|Abort status|frozen state error)",),
    ),
    Row(
        kind="multipath",
        meaning="it waits for a multipath device that has no working path and queues its I/O",
        stacks=("multipath_*|__multipath_*|queue_if_no_path*", "[dm_multipath]"),
        reference="multipath_map_bio(), drivers/md/dm-mpath.c: queue_if_no_path",
        example="multipath_clone_and_map map_request dm_mq_queue_rq blk_mq_dispatch_rq_list",
        fault="the paths to the storage",
        lossless="bring a path back",
        destructive="fail instead of queue (dmsetup message DEVICE 0 fail_if_no_path): its I/O fails",
        innocent=_INNOCENT,
        ask="multipath -ll; dmsetup status",
        answer="a device with every path failed and queue_if_no_path",
        messages=(r"device-mapper: multipath: .*[Ff]ailing path",),
    ),
    Row(
        kind="dm",
        meaning="it waits for a device-mapper device: a thin pool that is full, a suspended device, an "
        "encrypted or copying one",
        stacks=(
            "dm_*|__dm_*|pool_*|thin_*|do_no_space*|kcopyd*|crypt_*|dmcrypt_*|kcryptd*|snapshot_*|dev_suspend"
            "|ctl_ioctl|process_prepared*"
            "|__split_and_process_bio|cache_map|persistent_*|do_work < process_one_work",
            f"{QUEUE_FREEZE} < dm_*|__dm_*|[dm_mod]",
            "[dm_mod]|[dm_thin_pool]|[dm_crypt]|[dm_cache]|[dm_snapshot]|[dm_bufio]|[dm_persistent_data]|[dm_raid]",
        ),
        reference="dm_suspend(), drivers/md/dm.c; do_no_space_timeout(), drivers/md/dm-thin.c",
        example="dm_wq_work process_one_work worker_thread kthread",
        fault=_DEVICE,
        lossless="`dmsetup info`: resume a suspended device, extend a thin pool that is full",
        destructive=_LOST,
        innocent=_INNOCENT,
        ask="dmsetup info; dmsetup status; lvs -a",
        answer="a device that is SUSPENDED, a pool at 100 % or out of metadata",
        messages=(r"device-mapper: thin: .*(?:out-of-data-space|no free space|switching pool)",),
    ),
    Row(
        kind="md",
        meaning="it waits for a software RAID array",
        stacks=(
            "md_*|raid5_*|raid1_*|raid10_*|raid0_*|mddev_*|__md_*|make_stripe*|wait_barrier|freeze_array"
            "|bitmap_*|raid_*",
            "[md_mod]|[raid456]|[raid1]|[raid10]",
            f"{QUEUE_FREEZE} < md_*|mddev_*|[md_mod]",
        ),
        reference="md_write_start(), drivers/md/md.c; raid5_get_active_stripe(), drivers/md/raid5.c",
        example="md_write_start raid5_make_request md_handle_request submit_bio_noacct",
        fault="a disk of the array, or the array's own state (suspended, check or reshape stuck)",
        lossless="let the sync end, or set sync_action to idle",
        destructive=_LOST,
        innocent=_INNOCENT,
        ask="cat /proc/mdstat; grep . /sys/block/md*/md/array_state",
        answer="a failed member, or a resync that makes no progress",
    ),
    Row(
        kind="loop",
        meaning="it waits for a loop device, and so for the file that is its image",
        stacks=(
            "loop_clr_fd|loop_configure|loop_process_work|loop_handle_cmd|loop_queue_work|loop_thread|lo_*"
            "|__loop_*|loop_make_request|loop_get_status*",
            "[loop]",
            f"{QUEUE_FREEZE} < loop_*|__loop_*|lo_*|[loop]",
        ),
        reference="lo_rw_aio(), loop_clr_fd(), drivers/block/loop.c",
        example="lo_rw_aio loop_process_work process_one_work worker_thread kthread",
        fault="the filesystem that the image lies on",
        lossless="look at the filesystem of the image",
        destructive=_LOST,
        innocent=_INNOCENT,
        ask="losetup -l; cat /proc/mounts",
        answer="the image's own filesystem is what hangs (FUSE, NFS, …)",
    ),
    Row(
        kind="block-freeze",
        meaning="it changes a block device's queue, and waits until all I/O of the device has ended",
        stacks=(f"{QUEUE_FREEZE}|blk_queue_enter|__bio_queue_enter|bio_queue_enter|blk_queue_start_drain",),
        reference="blk_mq_freeze_queue_wait(), blk_queue_enter(), block/blk-mq.c, block/blk-core.c",
        example="blk_mq_freeze_queue_wait blk_mq_freeze_queue_nomemsave queue_ra_store queue_attr_store "
        "sysfs_kf_write kernfs_fop_write_iter",
        recorded="linux-blktests/blktests#185",
        fault="I/O in flight that does not end, or the task that froze the queue",
        lossless=_LOOK,
        destructive=_LOST,
        innocent=_INNOCENT,
        ask=_ASK,
        answer=_READ,
    ),
    Row(
        kind="swap",
        meaning="it waits for a page from swap",
        stacks=(
            f"{PAGE_WAIT} < do_swap_page|swapin_*|read_swap_cache*|swap_readpage*|swap_read_folio*",
            "swap_readpage|swap_read_folio|swapin_readahead|read_swap_cache_async|zswap_*|zram_*|[zram]"
            "|sys_swapoff|try_to_unuse",
        ),
        reference="do_swap_page(), mm/memory.c; swap_read_folio(), mm/page_io.c",
        example="__lock_page_or_retry do_swap_page handle_mm_fault do_user_addr_fault exc_page_fault",
        fault="the swap device, or a machine that is short of memory",
        lossless="free memory; look at the swap device",
        innocent=_INNOCENT,
        ask="cat /proc/pressure/memory /proc/swaps; vmstat 1 5",
        answer="si and so that stay high: the machine is thrashing",
    ),
    Row(
        kind="bcache",
        meaning="it waits for bcache or another caching block device",
        stacks=("bch_*|cached_dev_*", "[bcache]"),
        reference="bch_data_insert(), drivers/md/bcache/request.c",
        example="closure_sync bch_btree_set_root bch_btree_insert bch_writeback_thread kthread",
        fault=_DEVICE,
        lossless=_LOOK,
        innocent=_INNOCENT,
        ask=_ASK,
        answer=_READ,
    ),
    Row(
        kind="writeback",
        meaning="it waits until dirty pages have been written: sync, or a write that is throttled",
        stacks=(
            "wb_wait_for_completion|balance_dirty_pages*|wait_sb_inodes|sync_inodes_sb|wb_*|writeback_*"
            "|__writeback_*|bdi_*|inode_sleep_on_writeback|inode_wait_for_writeback|__inode_wait_for_writeback",
        ),
        reference="balance_dirty_pages(), mm/page-writeback.c; wb_wait_for_completion(), fs/fs-writeback.c",
        example="rwsem_down_write_slowpath down_write sync_inodes_sb __sync_filesystem sync_filesystem "
        "ovl_sync_fs __sync_filesystem sync_filesystem generic_shutdown_super kill_anon_super",
        recorded="moby/moby#45675",
        fault="the slowest or dead device or server that has dirty pages: sync waits for all filesystems",
        lossless="find the filesystem that does not write: its flusher (kworker flush-MAJOR:MINOR) is stuck, too",
        innocent="not necessarily the filesystem that the caller used: sync waits for every mount, FUSE and NFS "
        "among them",
        ask="grep -E 'Dirty|Writeback' /proc/meminfo; grep . /sys/class/bdi/*/stability 2>/dev/null; ps -eo "
        "pid,state,wchan:32,comm | grep flush",
        answer="Writeback that does not fall; a flush-MAJOR:MINOR worker in state D names the device",
        role=Role.QUEUE,
        fallback=1,
        progress=Progress.UNKNOWN,
    ),
    Row(
        kind="block-device",
        meaning="it waits for a disk, or for a filesystem that waits for one",
        stacks=(
            f"{PAGE_WAIT}|^io_schedule|io_schedule|io_schedule_timeout|wait_for_completion_io*|bit_wait_io*"
            f"|sleep_on_buffer"
            " < ext4_*|ext3_*|ext2_*|xfs_*|btrfs_file_*|f2fs_*|blkdev_*|generic_file_*|fat_*|isofs_*|squashfs_*"
            "|erofs_*|ntfs_*",
            "submit_bio_wait|blkdev_*|blk_*|__blk_*|bio_*|wait_on_buffer|__wait_on_buffer|__bread_gfp"
            "|__bread_slow|sync_dirty_buffer"
            "|__sync_dirty_buffer|wbt_wait|rq_qos_wait|rq_qos_throttle|__rq_qos_throttle|bt_get|sbitmap_*"
            "|blk_mq_*|ioc_rqos_throttle|generic_make_request|submit_bio*|__submit_bio*"
            "|dio_*|__blockdev_direct_IO|iomap_*|__iomap_*|direct_io_worker|mpage_*|block_*|__block_*|bh_*"
            "|buffer_*|kmmpd|get_request",
        ),
        reference="submit_bio_wait(), block/bio.c; __wait_on_buffer(), fs/buffer.c",
        example="io_schedule_timeout io_schedule wait_on_page_bit __filemap_fdatawait_range "
        "filemap_write_and_wait_range ext4_sync_file do_fsync SyS_fsync system_call_fastpath",
        recorded="moby/moby#41676",
        fault=_DEVICE,
        lossless=_LOOK,
        destructive=_LOST,
        innocent=_INNOCENT,
        ask=_ASK,
        answer=_READ,
        messages=(
            r"(?:blk_update_request|print_req_error): .*(?:I/O|critical \w+) error, dev (?P<what>\S+)",
            r"I/O error, dev (?P<what>\S+),? ",
            r"Buffer I/O error on (?:dev|device) (?P<what>\S+)",
        ),
        threads=("moby/moby#41676",),
    ),
    Row(
        kind="block-device",
        meaning="it waits for a page of a file that is read from or written to a disk or a server; which, the "
        "stack does not say",
        stacks=(
            PAGE_WAIT,
            "^io_schedule|io_schedule|io_schedule_timeout|wait_for_completion_io*|bit_wait_io*|sleep_on_buffer",
        ),
        reference="folio_wait_bit_common(), mm/filemap.c; io_schedule(), kernel/sched/core.c",
        example="wait_on_page_bit __filemap_fdatawait_range",
        recorded="raspberrypi/linux#2482",
        fault=_DEVICE + ", or the server of the filesystem",
        lossless=_LOOK,
        innocent=_INNOCENT,
        ask=_ASK,
        answer=_READ,
        fallback=2,
        certainty=Certainty.POSSIBLE,
    ),
)
