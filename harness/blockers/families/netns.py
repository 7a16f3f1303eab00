"""Network namespaces and network devices."""

from __future__ import annotations

from harness.blockers.row import Certainty, Role, Row
from harness.model.terms import Progress

ORDER = 90

ROWS = (
    Row(
        kind="netns-cleanup",
        meaning="it removes a network namespace, and waits until the last reference to one of its devices is gone",
        stacks=(
            "netdev_wait_allrefs*|netdev_run_todo|unregister_netdevice_*|rollback_registered*"
            "|default_device_exit*|cleanup_net|netns_*|unregister_netdev*|ops_exit_list|ops_undo_*"
            "|ip_tunnel_delete_nets|nf_tables_pre_exit_net|tcp_sk_exit_batch|fib_net_exit*|inet_twsk_purge"
            "|flush_all_backlogs|dev_deactivate_many|br_dev_delete|veth_*|__dev_close_many|napi_disable",
        ),
        reference="netdev_wait_allrefs_any() (netdev_wait_allrefs() before 5.17), netdev_run_todo(), "
        "net/core/dev.c; cleanup_net(), net/core/net_namespace.c",
        example="schedule_timeout_uninterruptible msleep netdev_run_todo rtnl_unlock default_device_exit_batch "
        "ops_exit_list cleanup_net process_one_work worker_thread kthread",
        recorded="moby/moby#5618",
        fault="a reference to a network device that is not given back: a socket, a route, a conntrack entry, a "
        "fault of the kernel",
        lossless="close the sockets that are left of the namespace; a leaked reference needs a newer kernel",
        destructive="restart of the machine, where the reference has leaked",
        innocent="not the container that starts now: it waits for the clean-up of one that ended",
        ask="dmesg | grep unregister_netdevice; lsns -t net",
        answer="`waiting for … to become free` that repeats, with a count above 0",
        threads=("moby/moby#5618", "kubernetes/kubernetes#64743", "coreos/bugs#254"),
        messages=(r"unregister_netdevice: waiting for (?P<what>\S+) to become free\.? Usage count = ?-?\d+",),
    ),
    Row(
        kind="netns-lock",
        meaning="it makes or leaves a network namespace, and waits for the clean-up of others that holds the lock",
        stacks=(
            "^copy_net_ns|^setup_net|^net_ns_net_*|^register_pernet_*|^unregister_pernet_*"
            "|^rtnl_lock_unregistering*|^get_net_ns*|^peernet2id_alloc|^register_netdevice_notifier"
            "|^unregister_netdevice_notifier",
            "copy_net_ns|setup_net",
        ),
        reference="copy_net_ns() → pernet_ops_rwsem (net_mutex before 4.17), net/core/net_namespace.c",
        example="__mutex_lock_slowpath mutex_lock copy_net_ns create_new_namespaces copy_namespaces "
        "copy_process do_fork SyS_clone",
        recorded="moby/moby#22289",
        fault="the worker in cleanup_net(), which waits for a device of a namespace that has ended",
        lossless="find what cleanup_net() waits for: the log's `unregister_netdevice: waiting for …`",
        destructive="restart of the machine, where a reference has leaked",
        innocent="the runtime that starts a container is a victim: no container with a network of its own can start",
        ask="dmesg | grep unregister_netdevice; grep -l cleanup_net /proc/[0-9]*/stack 2>/dev/null",
        answer="a kworker in cleanup_net() is the holder",
        threads=("moby/moby#22289", "moby/moby#9605", "moby/moby#5618", "opencontainers/runc#1804"),
        role=Role.QUEUE,
        progress=Progress.UNKNOWN,
    ),
    Row(
        kind="rtnl",
        meaning="it waits for the network configuration lock (RTNL), which another task holds",
        stacks=(
            "^__netlink_dump_start|^netlink_dump < rtnetlink_rcv*",
            "^reg_check_chans_work|^reg_todo|^reg_regdb_apply < process_one_work",
            "^rtnl_lock*|^rtnetlink_rcv*|^rtnl_*|^dev_ioctl|^dev_change_*|^register_netdev|^addrconf_*"
            "|^linkwatch_*|^ip_mc_*|^inet_rtm_*|^devinet_ioctl|^netlink_*|^genl_*|^rtnl_newlink|^tc_*|^bond_*"
            "|^ipv6_*|^igmp*|^devlink_*|^ethnl_*|^dev_get_*|^dev_set_*|^inetdev_*|^tun_*|^__tun_*|^packet_*"
            "|^wg_*|^ip_setsockopt|^do_ip_setsockopt|^do_ipv6_setsockopt|^ipv6_sock_*|^ip6mr_*|^ipmr_*|^vti*"
            "|^xfrm_*|^nl80211_*|^cfg80211_*|^mdio_*|^phy_*",
        ),
        reference="rtnl_lock(), net/core/rtnetlink.c",
        example="__mutex_lock __mutex_lock_slowpath mutex_lock __netlink_dump_start rtnetlink_rcv_msg "
        "netlink_rcv_skb rtnetlink_rcv netlink_unicast",
        recorded="mkubecek/vmware-host-modules#243",
        fault="the task that holds RTNL: a driver that resets a device, cleanup_net(), a device removal",
        lossless="find the task that holds it, and what that waits for",
        innocent="whatever asks for interfaces or addresses (ip, ifconfig, a CNI plugin) is a victim",
        ask="echo w > /proc/sysrq-trigger; dmesg",
        answer="the holder is the task in network functions that waits for something other than rtnl_lock()",
        certainty=Certainty.POSSIBLE,
        progress=Progress.UNKNOWN,
        role=Role.QUEUE,
        fallback=1,
    ),
    Row(
        kind="nfnetlink",
        meaning="it waits for the lock of the packet filter (nfnetlink, iptables, conntrack)",
        stacks=(
            "nfnetlink_*|nf_tables_*|nf_conntrack_*|nf_ct_*|xt_*|__xt_*|do_ipt_*|ipt_*|ip_set_*|nfnl_*"
            "|nf_unregister_*|nf_register_*|ip_vs_*|__ip_vs_*|nft_*|nf_getsockopt|nf_setsockopt|translate_table",
        ),
        reference="nfnl_lock(), net/netfilter/nfnetlink.c; xt_find_table_lock(), net/netfilter/x_tables.c",
        example="__mutex_lock nfnetlink_rcv_batch nfnetlink_rcv netlink_unicast netlink_sendmsg",
        fault="the task that changes the packet filter, or conntrack clean-up of a namespace that ended",
        lossless="find the task that holds it",
        ask="echo w > /proc/sysrq-trigger; dmesg",
        answer="the holder waits for RCU or for a set with very many entries",
        certainty=Certainty.POSSIBLE,
        progress=Progress.UNKNOWN,
        role=Role.QUEUE,
    ),
)
