"""bpftrace's and BCC's stacks (`schedule+46`, one a line), perf's (`ffffffff81 schedule+0x2e ([kernel.kallsyms])`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 80
MARKS = ("@[", "kallsyms")
GOES_ON = True
SUMMARY = "bpftrace's kstack, BCC's offcputime and stackcount, perf script"
HINT = (
    r"^@\w*\[|^\]?:? ?\d*$|^[A-Za-z_][\w.]*\+\d+(?:\s|$)|^[0-9a-f]{8,16}\s+[A-Za-z_][\w.]*(?:\+0x[0-9a-f]+)?\s+\(|^\]: "
)

_BEGIN = re.compile(r"^@\w*\[\s*(?:([^,]{1,32}),\s*(\d+),?)?")
_END = re.compile(r"^,?\s*([^,\]\s][^,\]]{0,31})?(?:,\s*(\d+)?)?\s*\]:\s*\d+")
_OFFSET = re.compile(r"^([A-Za-z_][\w.$]*)\+\d+(?:\s+\[([\w-]+)\])?$")
_PERF = re.compile(
    r"^[0-9a-f]{8,16}\s+([A-Za-z_][\w.$]*)(?:\+0x[0-9a-f]+)?\s+\((?:\[([\w.-]+)\]|/\S*vmlinux\S*"
    r"|/lib/modules/\S+/([\w-]+)\.ko\S*)"
)


def read(text: str, builder: Builder) -> bool:
    found = _BEGIN.match(text)
    if found is not None:
        builder.end_stack()
        builder.task("kstack", comm=(found[1] or "").strip(), pid=int(found[2]) if found[2] else None)
        return True
    found = _OFFSET.match(text)
    if found is not None:
        builder.frame("kstack", found[1], found[2] or "")
        return True
    found = _PERF.match(text)
    if found is not None:
        module = found[2] or found[3] or ""
        builder.frame("kstack", found[1], "" if module.startswith("kernel") else module)
        return True
    found = _END.match(text)
    if found is not None:
        builder.also(comm=(found[1] or "").strip(), pid=int(found[2]) if found[2] else None)
        builder.end_stack()
        return True
    return False
