"""Kernel messages that name a cause without a stack: the table's own."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from harness.blockers import table

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 800
MARKS = (
    "unregister_netdevice",
    "not responding",
    "CIFS",
    "libceph",
    "ceph:",
    "I/O error",
    "I/O to offline",
    "nvme",
    "stall",
    "lockup",
    "LOCKUP",
    "kthread",
    "Lustre",
    "drbd",
    "block nbd",
    "connection",
    "session",
    "multipath",
    "thin:",
    "XFS (",
    "BTRFS",
    "Pool '",
    "NVRM",
    "amdgpu",
    "*ERROR*",
    "GPU HANG",
    "vfio-pci",
    "pcieport",
    "xhci_hcd",
    "usb ",
    "mlx",
    "audit: backlog",
    "rbd",
    "exception Emask",
    "SRST failed",
    "hard resetting",
    "Freezing of tasks",
    "refusing to freeze",
    "NFS:",
    "timing out",
    "setns process",
    "exit event",
    "offlined",
    "rcu_tasks",
    "jiffies",
)
SUMMARY = "messages of the table: an I/O error, a server that does not respond, a stall, a device that is not released"
HINT = (
    r"unregister_netdevice|not responding|CIFS|SMB|libceph|ceph:|I/O error|rejecting I/O|nvme|stall|lockup"
    r"|LOCKUP|kthread|possible|Lustre"
    r"|drbd|nbd\d|connection\d+:|session\d+:|multipath|thin:|XFS|BTRFS|Pool '|NVRM|amdgpu|\*ERROR\*|GPU HANG"
    r"|vfio|pcieport|xhci|usb |mlx\d|audit|rbd"
    r"|Freezing of tasks|refusing to freeze|timing out|offlined|critical|NFS:|ata\d|setns process|exit event|jiffies"
    r"|rcu_tasks|tasks_rcu"
)


@functools.lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    return tuple((row.kind, literal(each), re.compile(each)) for row in table.rows() for each in row.messages)


@functools.lru_cache(maxsize=1)
def _literals() -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for _, each, _ in _patterns()))


def literal(pattern: str) -> str:
    """The longest text that each match of a pattern has in it; "" where there may be none."""
    text = re.sub(r"\\.", "\0", pattern)
    while (without := re.sub(r"\([^()]*\)", "\0", text)) != text:
        text = without
    text = re.sub(r"\[[^\]]*\]", "\0", text)
    return "" if "|" in text else max(re.findall(r"(?:[\w :',/-](?![?*{]))+", text), key=len, default="")


def may_take(raw: str) -> bool:
    """False for a line, with its prefixes, that `read` does not take."""
    return any(each in raw for each in _literals())


def read(text: str, builder: Builder) -> bool:
    for kind, part, pattern in _patterns():
        found = pattern.search(text) if part in text else None
        if found is not None:
            builder.met("messages")
            builder.message(kind, found.groupdict().get("what") or "", text)
            return True
    return False
