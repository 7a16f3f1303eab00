"""32-bit ARM's stacks: `[<c0882f18>] (callee) from [<c0883858>] (caller+0x64/0xe4)`, `callee from caller+0x64/0xe4`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 100
MARKS = (" from ",)
SUMMARY = "32-bit ARM: (callee) from (caller)"
HINT = r"\bfrom\b"

_NAME = r"([A-Za-z_][\w.$]*)(?:\+0x[0-9a-f]+(?:/0x[0-9a-f]+)?)?(?:\s+\[([\w-]+)[^\]]*\])?"
_OLD = re.compile(rf"(?:\[<[0-9a-f]+>\]\s+)?\({_NAME}\)\s+from\s+(?:\[<[0-9a-f]+>\]\s+)?(?:\({_NAME}\))?")
_NEW = re.compile(rf"(?:^|\s){_NAME}\s+from\s+([A-Za-z_][\w.$]*)\+0x[0-9a-f]+/0x[0-9a-f]+(?:\s+\[([\w-]+)[^\]]*\])?")


def read(text: str, builder: Builder) -> bool:
    found = _OLD.search(text) or _NEW.search(text)
    if found is None:
        return False
    callee, callee_module, caller, caller_module = found.groups()
    if builder.last_function() != _bare(callee):
        builder.frame("arm-frames", callee, callee_module or "")
    if caller:
        builder.frame("arm-frames", caller, caller_module or "")
    if not builder.architecture:
        builder.architecture = "armv7l"
    return True


def _bare(name: str) -> str:
    from harness.explain.builder import clean

    return clean(name)
