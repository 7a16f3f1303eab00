"""The call in which a task got stuck, by the outer functions of its stack: the system call, and FUSE's request."""

from __future__ import annotations

import re

_FUSE = (
    ("FLUSH", "fuse_flush|fuse_do_flush"),
    ("FSYNC", "fuse_fsync|fuse_fsync_common"),
    ("READDIR", "fuse_readdir*|fuse_dir_read"),
    ("SETLK", "fuse_setlk|fuse_file_flock|fuse_file_lock|fuse_getlk"),
    ("LOOKUP", "fuse_lookup|fuse_lookup_name|fuse_dentry_revalidate|fuse_lookup_init"),
    ("SETATTR", "fuse_do_setattr|fuse_setattr|fuse_do_truncate|fuse_write_inode|fuse_flush_times"),
    ("GETATTR", "fuse_do_getattr|fuse_update_attributes|fuse_getattr|fuse_update_get_attr|fuse_do_statx"),
    ("CREATE", "fuse_create_open|create_new_entry|fuse_mknod|fuse_mkdir|fuse_symlink|fuse_link|fuse_create_new_entry"),
    ("OPEN", "fuse_file_open|fuse_send_open|fuse_do_open|fuse_open_common|fuse_open|fuse_dir_open|fuse_atomic_open"),
    ("WRITE", "fuse_perform_write|fuse_send_write*|fuse_writepage*|fuse_file_write_iter|fuse_direct_write_iter"
              "|fuse_cache_write_iter"),
    ("READ", "fuse_read_folio|fuse_readpage*|fuse_readahead|fuse_send_read*|fuse_file_read_iter"
             "|fuse_do_readpage|fuse_do_readfolio|fuse_direct_read_iter"),
    ("STATFS", "fuse_statfs"),
    ("UNLINK", "fuse_unlink|fuse_rmdir"),
    ("RENAME", "fuse_rename*"),
    ("IOCTL", "fuse_do_ioctl|fuse_ioctl_common|fuse_file_ioctl|fuse_priv_ioctl"),
    ("POLL", "fuse_file_poll"),
    ("ACCESS", "fuse_access|fuse_permission"),
    ("READLINK", "fuse_readlink_page|fuse_get_link|fuse_readlink_folio"),
    ("GETXATTR", "fuse_getxattr|fuse_setxattr|fuse_listxattr|fuse_xattr_*|fuse_removexattr|fuse_get_acl|fuse_set_acl"),
    ("FALLOCATE", "fuse_file_fallocate"),
    ("LSEEK", "fuse_lseek|fuse_file_llseek"),
    ("COPY_FILE_RANGE", "fuse_copy_file_range|__fuse_copy_file_range"),
    ("SYNCFS", "fuse_sync_fs"),
    ("DESTROY", "fuse_send_destroy"),
    ("RELEASE", "fuse_release*|fuse_file_put|fuse_dir_release"),
    ("INIT", "fuse_send_init|process_init_reply"),
)  # fmt: skip
"""Opcodes of include/uapi/linux/fuse.h, by the functions that send them (fs/fuse/*.c)."""

_CONTEXTS = (
    ("in its exit", "do_exit|do_group_exit|make_task_dead|exit_files|put_files_struct"),
    ("in execve()", "begin_new_exec|flush_old_exec|do_close_on_exec|load_elf_binary|bprm_execve"
                    "|do_execveat_common|do_execve|search_binary_handler|exec_binprm"),
    ("writing its core", "do_coredump|vfs_coredump"),
    ("in a page fault", "exc_page_fault|asm_exc_page_fault|do_user_addr_fault|do_page_fault|__do_page_fault"
                        "|handle_mm_fault|do_mem_abort"),
    ("unmounting", "cleanup_mnt|path_umount|do_umount|deactivate_locked_super|generic_shutdown_super"
                   "|ksys_umount|SyS_umount|__x64_sys_umount|mntput_no_expire"),
    ("mounting", "do_mount|path_mount|do_new_mount|vfs_get_tree|mount_fs|__do_sys_fsmount|do_add_mount"
                 "|do_reconfigure_mnt"),
    ("making or entering namespaces", "create_new_namespaces|copy_namespaces|unshare_nsproxy_namespaces"
                                      "|ksys_unshare|__do_sys_setns|switch_task_namespaces"),
    ("in fork() or clone()", "copy_process|kernel_clone|_do_fork|do_fork"),
    ("in sync", "iterate_supers|ksys_sync|sys_sync|sync_filesystem"),
    ("in suspend", "pm_suspend|state_store"),
    ("as a worker of the kernel", "process_one_work|worker_thread|process_scheduled_works"),
    ("reclaiming memory", "shrink_node|try_to_free_pages|balance_pgdat|kswapd"),
    ("in close()", "filp_close|filp_flush|__close_fd|close_fd|file_close_fd"),
    ("in a final close", "__fput|____fput|fput"),
    ("as a kernel thread", "kthread"),
)  # fmt: skip

_CALL = re.compile(
    r"^(?:__x64_sys_|__ia32_sys_|__arm64_sys_|__s390x_sys_|__riscv_sys_|__se_sys_|__do_sys_|SyS_|SYSC_|sys_"
    r"|ksys_|compat_sys_|__loongarch_sys_)(\w+)$"
)
_PREFIX = {
    "vfs_statx": "stat",
    "vfs_fstatat": "stat",
    "do_sys_openat2": "open",
    "do_sys_open": "open",
    "do_rmdir": "rmdir",
    "do_unlinkat": "unlink",
    "do_mkdirat": "mkdir",
}


def _table(rows: tuple[tuple[str, str], ...]) -> tuple[tuple[str, frozenset[str], tuple[str, ...]], ...]:
    return tuple(
        (
            name,
            frozenset(each for each in text.split("|") if not each.endswith("*")),
            tuple(each[:-1] for each in text.split("|") if each.endswith("*")),
        )
        for name, text in rows
    )


_OPERATIONS = _table(_FUSE)
_OUTER = _table(_CONTEXTS)


def request(functions: tuple[str, ...]) -> str:
    """The FUSE opcode that a stack sends; "" where no function tells it."""
    for function in functions:
        for name, exact, prefixes in _OPERATIONS:
            if function in exact or (prefixes and function.startswith(prefixes)):
                return name
    return ""


def context(functions: tuple[str, ...], syscall: str = "") -> str:
    """The activity of the task: `in its exit`, `in chdir()`; "" where no function shows it."""
    for name, exact, _ in _OUTER[:8]:
        if not exact.isdisjoint(functions):
            return name
    call = syscall
    for function in reversed(functions):
        found = _CALL.match(function)
        if found is not None:
            call = found[1]
            break
        if function in _PREFIX:
            call = _PREFIX[function]
    for name, exact, _ in _OUTER[8:]:
        if not exact.isdisjoint(functions) and (not call or name != "in a final close"):
            return name
    return f"in {call}()" if call else ""
