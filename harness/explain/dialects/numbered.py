"""Debuggers' frames: drgn's `#0  context_switch (kernel/sched/core.c:5381:2)`, gdb's `#1 0x… in f (…) at file.c:1`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 46
MARKS = ("#0 ", "#1 ", "#2 ", "#3 ", "#4 ", "#5 ", "#6 ", "#7 ", "#8 ", "#9 ")
SUMMARY = "drgn's and gdb's numbered frames"
HINT = r"^#\d+\s+\S"

_DRGN = re.compile(
    r"^#(\d+)\s+([A-Za-z_][\w.$]*)(?:\+0x[0-9a-f]+/0x[0-9a-f]+)?(?:\s+\[([\w-]+)\])?(?:\s+\(((?:\./)?[\w./+-]+\.[chS]):\d+(?::\d+)?\))?\s*$"
)
_GDB = re.compile(
    r"^#(\d+)\s+(?:0x[0-9a-f]+ in )?([A-Za-z_][\w.$]*)\s*\((.*?)\)?\s*(?:at ((?:\./)?[\w./+-]+\.[chS]):\d+)?\s*$"
)
_ADDRESS = re.compile(r"^#(\d+)\s+0x[0-9a-f]+\s*$")
_KERNEL = re.compile(
    r"^(?:\./)?(?:/?\S*/)?(?:arch|block|certs|crypto|drivers|fs|include|init|io_uring|ipc|kernel|lib|mm|net"
    r"|security|sound|virt|usr)/"
)
"""Directories of the kernel's tree: a debugger's stack of a program has other files."""


def read(text: str, builder: Builder) -> bool:
    if _ADDRESS.match(text):
        return True
    found = _DRGN.match(text)
    if found is not None and (found[4] is None or _KERNEL.match(found[4])):
        _frame("drgn", found[1], found[2], found[3] or "", builder)
        return True
    found = _GDB.match(text)
    if found is not None and found[4] is not None and _KERNEL.match(found[4]) and not found[4].startswith("lib/fuse"):
        _frame("gdb", found[1], found[2], "", builder)
        return True
    return False


def _frame(dialect: str, number: str, name: str, module: str, builder: Builder) -> None:
    if number == "0":
        builder.begin_stack()
    builder.frame(dialect, name, module)
