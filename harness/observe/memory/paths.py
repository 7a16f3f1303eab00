"""Paths below a FUSE mount of the nodes that requests are about, of those files that the kernel has in memory."""

from __future__ import annotations

from itertools import islice

from harness.observe.memory.kernel import FaultError, Reader

MOST_INODES = 500_000
"""The most inodes of one filesystem that are searched for a node."""
_DEEPEST = 4096
"""Names in a path: more is a loop, read while it changed."""


class Paths:
    """Walks the inodes and directory entries of a connection's filesystems."""

    def __init__(self, reader: Reader) -> None:
        """Raises UnknownError on a kernel whose inodes are not what this walker knows."""
        self._reader = reader
        offset = reader.offset
        self._mounts = offset("fuse_conn", "mounts")
        self._mount_entry = offset("fuse_mount", "fc_entry")
        self._super = offset("fuse_mount", "sb")
        self._inodes = offset("super_block", "s_inodes")
        self._inode_entry = offset("inode", "i_sb_list")
        self._aliases = offset("inode", "i_dentry")
        self._inode = offset("fuse_inode", "inode")
        self._node = offset("fuse_inode", "nodeid")
        self._alias = offset("dentry", "d_u.d_alias", "d_alias")
        self._parent = offset("dentry", "d_parent")
        self._name = offset("dentry", "d_name.name", "__d_name.name")
        self._length = offset("dentry", "d_name.len", "__d_name.len")

    def of(self, connection: int, nodes: set[int]) -> dict[int, str]:
        """Find paths by node; `connection` is the address of the `struct fuse_conn`.  Raises FaultError."""
        found: dict[int, str] = {}
        read = self._reader
        for mount in read.entries(connection + self._mounts, self._mount_entry):
            head = read.u64(mount + self._super) + self._inodes
            for inode in islice(read.entries(head, self._inode_entry), MOST_INODES):
                if not nodes - found.keys():
                    return found
                node = read.u64(inode - self._inode + self._node)
                if node in nodes and node not in found:
                    alias = read.u64(inode + self._aliases)
                    if alias:
                        found[node] = self._path(alias - self._alias)
        return found

    def _path(self, dentry: int) -> str:
        names: list[bytes] = []
        for _ in range(_DEEPEST):
            parent = self._reader.u64(dentry + self._parent)
            if parent == dentry:
                return "/" + b"/".join(reversed(names)).decode("utf-8", "surrogateescape")
            length = self._reader.u32(dentry + self._length) & 0xFFFF
            names.append(self._reader.kernel.read(self._reader.u64(dentry + self._name), length))
            dentry = parent
        raise FaultError(f"the path of the dentry at {dentry:#x} does not end")
