"""Memory: limits, reclaim, mapping locks, page faults that somebody else serves."""

from __future__ import annotations

from harness.blockers.names import PAGE_WAIT
from harness.blockers.row import Certainty, Role, Row
from harness.model.terms import Progress

ORDER = 60

_PRESSURE = "cat /proc/pressure/memory; grep -E 'MemAvailable|Dirty|Writeback' /proc/meminfo"

ROWS = (
    Row(
        kind="userfault",
        meaning="it touched memory whose faults a userfaultfd handler serves, and that does not",
        stacks=("handle_userfault|userfaultfd_*",),
        reference="handle_userfault(), fs/userfaultfd.c",
        example="handle_userfault shmem_get_folio_gfp shmem_fault __do_fault do_fault __handle_mm_fault",
        recorded="tests/data/explain/stacks/waits-6.18.json",
        fault="the process that serves the userfaultfd: a live migration, CRIU, a sandbox's memory manager",
        lossless="let the handler answer",
        destructive="end of the handler: its exit wakes all who wait, and they fault on memory that is not there",
        innocent="not a disk and not the container runtime",
        ask="grep -l userfaultfd /proc/*/fdinfo/*",
        answer="the handler is the process that holds the userfaultfd, if not the task itself",
    ),
    Row(
        kind="memcg-oom",
        meaning="its memory control group is at its limit and nobody frees memory: the OOM killer is off in it, "
        "or its victim is stuck",
        stacks=("mem_cgroup_oom_synchronize|mem_cgroup_handle_oom|^mem_cgroup_oom|^mem_cgroup_out_of_memory",),
        reference="mem_cgroup_oom_synchronize(), mm/memcontrol.c (mm/memcontrol-v1.c from 6.11): "
        "oom_kill_disable of cgroup v1",
        example="mem_cgroup_oom_synchronize pagefault_out_of_memory mm_fault_error do_page_fault page_fault",
        fault="the container's memory limit, and whoever switched the OOM killer off (oom_kill_disable) or "
        "holds its victim",
        lossless="raise the limit of the control group (memory.limit_in_bytes, memory.max)",
        destructive="end of a process of the group: its memory is freed, its work is lost",
        innocent="not a disk and not the kernel: memory.oom_control shows under_oom 1",
        ask="cat /proc/{pid}/cgroup; grep -H . /sys/fs/cgroup/memory/PATH/memory.oom_control",
        answer="`oom_kill_disable 1` with `under_oom 1` is it",
        threads=("moby/moby#15204",),
        kernels="cgroup v1; 3.10 and newer",
    ),
    Row(
        kind="memcg-throttle",
        meaning="its memory control group is above memory.high, and the kernel slows it down",
        stacks=("mem_cgroup_handle_over_high|__mem_cgroup_handle_over_high|reclaim_high",),
        reference="mem_cgroup_handle_over_high(), mm/memcontrol.c",
        example="mem_cgroup_handle_over_high exit_to_user_mode_loop do_syscall_64",
        fault="the container's memory.high",
        lossless="raise memory.high of its control group",
        innocent="not stuck: it runs, 2 s late each time",
        ask="cat /proc/{pid}/cgroup; cat /sys/fs/cgroup/PATH/memory.pressure /sys/fs/cgroup/PATH/memory.events",
        answer="`high` in memory.events that grows",
        kernels="4.20 and newer, cgroup v2",
    ),
    Row(
        kind="reclaim",
        meaning="it waits for memory to be freed: the machine or its control group is short of it, or what "
        "would free it is stuck",
        stacks=(
            "shrink_node*|shrink_lruvec|shrink_inactive_list|shrink_page_list|shrink_folio_list|shrink_slab*"
            "|try_to_free_pages|try_to_free_mem_cgroup_pages|reclaim_throttle|throttle_direct_reclaim"
            "|throttle_vm_writeout|congestion_wait|wait_iff_congested|balance_pgdat|kswapd|do_try_to_free_pages"
            "|__alloc_pages_slowpath*|too_many_isolated|shrink_zone*|mem_cgroup_shrink_node|try_charge*"
            "|isolate_migratepages*|compact_zone*|kcompactd*|drain_all_pages|__alloc_pages_direct_*",
        ),
        reference="shrink_node(), reclaim_throttle(), mm/vmscan.c; wait_iff_congested(), mm/backing-dev.c "
        "(before 5.16)",
        example="wait_on_page_bit wait_on_page_writeback shrink_page_list shrink_inactive_list "
        "shrink_node_memcg mem_cgroup_shrink_node mem_cgroup_soft_limit_reclaim balance_pgdat kswapd "
        "kthread",
        recorded="moosefs/moosefs#566",
        fault="whatever uses the memory, or the device or server that its dirty pages go to",
        lossless="free memory, raise the limit, or bring the device or server of the dirty pages back",
        innocent="not the task that happens to allocate",
        ask=_PRESSURE,
        answer="`full` near 100 with little MemAvailable: memory; Writeback that does not fall: a dead device "
        "or server",
        threads=("moosefs/moosefs#566",),
        fallback=1,
    ),
    Row(
        kind="hugetlb",
        meaning="it waits for a lock of huge pages, or for huge pages to be freed",
        stacks=(
            "hugetlb_*|__hugetlb_*|alloc_hugetlb_*|alloc_huge_page|remove_inode_hugepages|gather_surplus_pages"
            "|hugetlbfs_*|free_huge_page|khugepaged*|collapse_*|hpage_collapse_*|__split_huge_*|split_huge_*",
        ),
        reference="hugetlb_fault(), mm/hugetlb.c; khugepaged(), mm/khugepaged.c",
        example="__mutex_lock hugetlb_fault handle_mm_fault do_user_addr_fault exc_page_fault",
        fault="another task that is in the same fault",
        lossless="find the task that holds the fault mutex, and what that waits for",
        ask="grep -i huge /proc/meminfo",
        answer="HugePages_Free 0 with reservations outstanding",
        role=Role.QUEUE,
        progress=Progress.UNKNOWN,
    ),
    Row(
        kind="mmap-lock",
        meaning="it waits for the memory map of a process (mmap_lock), which a thread of that process holds "
        "while it waits for something else",
        stacks=(
            "^do_user_addr_fault|^__do_page_fault|^do_page_fault|^exc_page_fault|^lock_mm_and_find_vma"
            "|^mmap_read_lock*|^mmap_write_lock*|^vm_mmap_pgoff|^__vm_munmap|^do_mprotect_pkey"
            "|^__access_remote_vm|^access_remote_vm|^proc_pid_cmdline_read|^get_mm_cmdline|^environ_read"
            "|^get_cmdline|^__do_sys_brk|^do_brk_flags|^sys_brk|^do_madvise*|^madvise_*|^__do_sys_munmap"
            "|^pid_maps_open|^smaps_*|^show_smaps*|^show_smap|^vm_munmap|^acct_collect|^exit_mm|^dup_mmap"
            "|^dup_mm|^task_numa_work|^__get_user_pages*|^get_user_pages*|^internal_get_user_pages*|^mm_access"
            "|^ksys_mmap_pgoff|^sys_munmap|^sys_mprotect|^sys_mmap_pgoff|^do_mem_abort|^proc_map*"
            "|^find_extend_vma|^__process_vm_*|^process_vm_*|^swap_*|^vma_start_*|^lock_vma_*|^mlock_*"
            "|^do_mlock|^apply_mlockall_flags|^expand_stack|^ksm_*|^__ksm_exit|^gup_*|^pin_user_pages*",
        ),
        reference="mmap_read_lock(), include/linux/mmap_lock.h; __access_remote_vm(), mm/memory.c",
        example="rwsem_down_failed_common rwsem_down_write_failed call_rwsem_down_write_failed sys_mmap_pgoff "
        "sys_mmap system_call_fastpath",
        recorded="collectd/collectd#2707",
        fault="the thread of the same process that holds its mmap_lock, usually in a page fault on FUSE, NFS or a disk",
        lossless="find that thread, and what it waits for",
        innocent="ps, pgrep, top and killall hang because they read cmdline: they are victims",
        ask="for t in /proc/{pid}/task/*; do echo $t; cat $t/stack; done",
        answer="the thread in a page fault or in exit_mmap() that waits for something other than a lock holds it",
        threads=("aws/efs-utils#374", "microsoft/WSL#41113"),
        certainty=Certainty.POSSIBLE,
        progress=Progress.UNKNOWN,
        role=Role.QUEUE,
        fallback=1,
    ),
    Row(
        kind="migration",
        meaning="it waits for a page that is being moved to another place in memory",
        stacks=(
            "migration_entry_wait*|__migration_entry_wait*|migrate_pages*|numa_migrate_*|do_huge_pmd_numa_page"
            "|__migration_entry_wait|softleaf_entry_wait*",
        ),
        reference="migration_entry_wait_on_locked(), mm/filemap.c; migrate_pages(), mm/migrate.c",
        example="migration_entry_wait_on_locked migration_entry_wait do_swap_page handle_mm_fault",
        fault="the task that moves the page, which may wait for a FUSE or NFS page",
        lossless="find the task in migrate_pages(), and what that waits for",
        role=Role.QUEUE,
        fallback=0,
        progress=Progress.UNKNOWN,
    ),
    Row(
        kind="page-truncate",
        meaning="it waits in page writeback or invalidation of a mapped file",
        stacks=(
            f"{PAGE_WAIT} < truncate_inode_pages*|invalidate_inode_pages2*|unmap_mapping_*",
            "truncate_inode_pages*|invalidate_inode_pages2*",
        ),
        reference="truncate_inode_pages_range(), mm/truncate.c",
        example="__folio_lock truncate_inode_pages_range evict iput",
        fault="the task that holds the page, or the file's device or server",
        lossless="find what the page's file waits for",
        role=Role.QUEUE,
        fallback=1,
        progress=Progress.UNKNOWN,
    ),
)
