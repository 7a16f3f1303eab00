"""Filesystems whose server is another machine, or this virtual machine's host."""

from __future__ import annotations

from harness.blockers.names import QUEUE_FREEZE
from harness.blockers.row import Row

ORDER = 20

_LOST = "forced unmount (umount -f): its calls fail with EIO, and data that is not yet on the server is lost"
_BACK = "bring the server or the network back"
_INNOCENT = (
    "not the container's fault, and not the container runtime's: any process that touches the mount gets stuck alike"
)

ROWS = (
    Row(
        kind="nfs",
        meaning="it waits for an NFS server",
        stacks=(
            "rpc_wait_bit_killable|rpc_wait_for_completion_task|__rpc_execute|rpc_*|xprt_*",
            "nfs_*|nfs2_*|nfs3_*|nfs4_*|nfs41_*|nlmclnt_*|nlm_*|pnfs_*|ff_layout_*|_nfs4_*|__nfs_*|nlmsvc_*",
            "[nfs]|[nfsv3]|[nfsv4]|[sunrpc]|[lockd]",
        ),
        reference="rpc_wait_bit_killable(), net/sunrpc/sched.c; nfs_wait_on_request(), fs/nfs/pagelist.c",
        example="__mutex_lock_slowpath mutex_lock nfs4_discover_server_trunking",
        recorded="nfs-ganesha/nfs-ganesha#148",
        fault="the NFS server or the network to it",
        lossless=_BACK,
        destructive=_LOST,
        innocent=_INNOCENT,
        ask="grep -A3 nfs /proc/{pid}/mountstats; dmesg | grep 'not responding'",
        answer="`nfs: server … not responding` without a later `OK`, or a growing count of retransmissions",
        messages=(
            r"nfs: server (?P<what>\S+) not responding",
            r"NFS: state manager.*failed on NFSv4 server (?P<what>\S+)",
        ),
    ),
    Row(
        kind="nfsd",
        meaning="it is a thread of the kernel's NFS server, and waits for the filesystem that it exports",
        stacks=("nfsd_*|nfsd4_*|nfsd3_*|nfsd < kthread", "[nfsd]"),
        reference="nfsd(), fs/nfsd/nfssvc.c",
        example="nfsd_file_acquire nfsd4_process_open2 nfsd4_proc_compound nfsd_dispatch svc_process nfsd kthread",
        fault="the exported filesystem",
        lossless="look at the filesystem that is exported",
        fallback=1,
    ),
    Row(
        kind="smb",
        meaning="it waits for an SMB server",
        stacks=(
            "cifs_*|smb2_*|SMB2_*|smb_*|compound_send_recv|wait_for_response|wait_for_free_credits|CIFSSMB*|SendReceive*",
            "[cifs]",
        ),
        reference="wait_for_response(), fs/smb/client/transport.c (fs/cifs/ before 6.4)",
        example="wait_for_response compound_send_recv cifs_open",
        fault="the SMB server or the network to it",
        lossless=_BACK,
        destructive=_LOST,
        innocent=_INNOCENT,
        ask="cat /proc/fs/cifs/DebugData; dmesg | grep -i cifs",
        answer="`sends on sock … stuck`, `has not responded`, or requests in flight that stay",
        messages=(r"CIFS:? VFS: .*(?:has not responded|sends on sock|Error -11 sending|No writable handles)",),
    ),
    Row(
        kind="ksmbd",
        meaning="it is the kernel's SMB server, and waits for its connections to end",
        stacks=("ksmbd_*", "[ksmbd]"),
        reference="ksmbd_conn_transport_destroy(), fs/smb/server/connection.c",
        example="ksmbd_conn_transport_destroy kill_server_store kernfs_fop_write_iter vfs_write",
        fault="a client's connection that does not end",
        lossless="end the client's connection",
        kernels="5.15 and newer",
        threads=("cifsd-team/ksmbd-tools#318",),
    ),
    Row(
        kind="rbd",
        meaning="it waits for a Ceph block device (RBD)",
        stacks=("rbd_*|__rbd_*", "[rbd]", f"{QUEUE_FREEZE} < rbd_*|[rbd]"),
        reference="rbd_dev_refresh(), rbd_wait_state_locked(), drivers/block/rbd.c",
        example="wait_for_completion_timeout rbd_quiesce_lock rbd_reacquire_lock process_one_work",
        fault="the Ceph cluster or the network to it",
        lossless="bring the cluster back (ceph health, the OSDs of the image)",
        destructive="forced unmap (rbd unmap -o force): its I/O fails, unwritten data is lost",
        innocent=_INNOCENT,
        ask="cat /sys/kernel/debug/ceph/*/osdc",
        answer="requests that stay in the list wait for the OSD that is named",
        messages=(r"rbd: rbd\d+: .*(?:blacklisted|blocklisted|failed)",),
    ),
    Row(
        kind="ceph",
        meaning="it waits for a Ceph cluster",
        stacks=("ceph_*|__ceph_*|try_get_cap_refs|wait_caps_flush|wait_requests|[ceph]|[libceph]",),
        reference="ceph_mdsc_wait_request(), fs/ceph/mds_client.c; ceph_osdc_wait_request(), net/ceph/osd_client.c",
        example="ceph_mdsc_wait_request ceph_mdsc_do_request ceph_do_getattr",
        fault="the Ceph cluster (MDS or OSD) or the network to it",
        lossless="bring the cluster back (ceph health, the MDS that is named in debugfs)",
        destructive=_LOST,
        innocent=_INNOCENT,
        ask="cat /sys/kernel/debug/ceph/*/mdsc /sys/kernel/debug/ceph/*/osdc",
        answer="requests that stay in the list wait for the MDS or OSD that is named",
        messages=(
            r"libceph: (?:mon|osd|mds)\d+ .*(?:socket|session|closed|down|connect error)",
            r"ceph: mds\d+ (?:hung|caps)",
        ),
    ),
    Row(
        kind="9p",
        meaning="it waits for a 9p server, which may be this virtual machine's host",
        stacks=("p9_*|v9fs_*", "[9pnet]|[9p]|[9pnet_virtio]"),
        reference="p9_client_rpc(), net/9p/client.c",
        example="p9_client_rpc p9_client_getattr_dotl v9fs_inode_from_fid_dotl v9fs_vfs_lookup __lookup_slow "
        "walk_component link_path_walk path_openat do_filp_open do_sys_openat2",
        recorded="microsoft/WSL#9745",
        fault="the 9p server: QEMU on the host, WSL's plan9 server, gVisor, or a remote machine",
        lossless="bring the server back",
        destructive=_LOST,
        innocent=_INNOCENT,
        threads=("microsoft/WSL#9745",),
    ),
    Row(
        kind="afs",
        meaning="it waits for an AFS server",
        stacks=("afs_*|yfs_*|rxrpc_*", "[kafs]|[openafs]|[rxrpc]"),
        reference="afs_wait_for_call_to_complete(), fs/afs/rxrpc.c",
        example="afs_wait_for_call_to_complete afs_make_call",
        fault="the AFS server or the network to it",
        lossless=_BACK,
        innocent=_INNOCENT,
    ),
    Row(
        kind="lustre",
        meaning="it waits for a Lustre server",
        stacks=(
            "ptlrpc_*|ldlm_*|mdc_*|osc_*|lov_*|ll_file_*|ll_getattr*|ll_lookup_*|ll_inode_*|ll_close_*|ll_fsync|ll_statfs*|lmv_*|cl_io_*|cl_sync_*|cl_lock_*|vvp_*|lustre_*|obd_*|osp_*|mgc_*",
            "[lustre]|[ptlrpc]|[mdc]|[osc]|[lov]|[lmv]|[obdclass]|[lnet]|[mgc]|[osp]",
        ),
        reference="ptlrpc_queue_wait(), lustre/ptlrpc/client.c (out of tree)",
        example="ptlrpc_set_wait ptlrpc_queue_wait mdc_xattr_common mdc_getxattr lmv_getxattr ll_xattr_list",
        recorded="cea-hpc/robinhood#111",
        fault="the Lustre servers (MDS or OST) or the network to them",
        lossless="bring the server back: clients resume after its recovery",
        destructive="eviction or forced unmount of the client: its calls fail with EIO",
        innocent=_INNOCENT,
        ask="dmesg | grep -i lustre; lctl get_param *.*.import",
        answer="an import that is not in state FULL is the server that does not answer",
        messages=(r"Lustre(?:Error)?: .*(?:was lost|in progress operations|timed out|not responding)",),
    ),
    Row(
        kind="gpfs",
        meaning="it waits for GPFS (Storage Scale)",
        stacks=("cxi*|mmfs*|gpfs_*|kxWait*|_ZN*", "[mmfs26]|[mmfslinux]|[tracedev]"),
        reference="cxiWaitEventWait(), module mmfslinux (out of tree)",
        example="cxiWaitEventWait _ZN6ThCond12internalWaitEP16KernelSynchStatejPv gpfs_i_getattr vfs_getattr",
        fault="the GPFS daemon or its cluster",
        lossless="bring the daemon (mmfsd) or its quorum back",
        destructive="forced shutdown of the node's daemon: its calls fail with ESTALE",
        innocent=_INNOCENT,
        ask="mmdiag --waiters",
        answer="the longest waiter names the reason",
    ),
    Row(
        kind="cluster-lock",
        meaning="it waits for a cluster lock that another node holds (OCFS2, GFS2, DLM)",
        stacks=(
            "ocfs2_*|__ocfs2_*|dlm_*|gdlm_*|gfs2_*|__gfs2_*|o2net_*",
            "[ocfs2]|[gfs2]|[dlm]|[ocfs2_dlmfs]|[ocfs2_nodemanager]",
        ),
        reference="__ocfs2_cluster_lock(), fs/ocfs2/dlmglue.c; gfs2_glock_wait(), fs/gfs2/glock.c",
        example="__ocfs2_cluster_lock ocfs2_inode_lock_full_nested ocfs2_permission inode_permission",
        fault="another node of the cluster, or the cluster's membership (fencing, quorum)",
        lossless="let fencing finish, or bring the node back",
        innocent=_INNOCENT,
    ),
    Row(
        kind="network-filesystem",
        meaning="it waits for the server of a network or host filesystem",
        stacks=(
            "FhgfsOps_*|FhgfsOpsHelper_*|MessagingTk_*|orangefs_*|pvfs2_*|vboxsf_*|vbsf_*|hgfs_*|coda_*|ncp_*|netfs_*"
            "|fscache_*|cachefiles_*|mfs_*|wekafs_*|__netfs_*",
            "[beegfs]|[orangefs]|[vboxsf]|[vmhgfs]|[coda]|[wekafsio]|[wekafsgw]|[netfs]|[cachefiles]|[prl_fs]",
        ),
        reference="netfs_wait_for_request(), fs/netfs/; orangefs service_operation(), fs/orangefs/waitqueue.c",
        example="FhgfsOps_revalidateIntent lookup_fast walk_component path_lookupat",
        fault="the server of that filesystem, or the network to it",
        lossless=_BACK,
        destructive=_LOST,
        innocent=_INNOCENT,
    ),
)
