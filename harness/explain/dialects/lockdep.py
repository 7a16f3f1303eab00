"""lockdep's list of the locks that tasks hold: `1 lock held by NAME/PID:` and `#0: … at: f+0x1/0x2`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 35
MARKS = (
    " held by ",
    " at: ",
    "possible ",
    "acquire lock",
)
SUMMARY = "locks held by tasks, as lockdep lists them"
HINT = (
    r"locks? held by |^#\d+:? .*\bat: |\bis trying to acquire lock|but task is already holding lock|possible "
    r"(?:circular|recursive)"
)

_HELD = re.compile(r"\blocks? held by (.{1,32})/(\d+)")
_LOCK = re.compile(r"#\d+:\s.*\bat: ([A-Za-z_][\w.$]*)\+0x")


def read(text: str, builder: Builder) -> bool:
    found = _HELD.search(text)
    if found is not None:
        builder.met("lockdep")
        builder.holder(found[1], int(found[2]))
        return True
    found = _LOCK.search(text)
    if found is not None:
        builder.holder_lock(found[1])
        return True
    if "possible" in text:
        from harness.explain.dialects import messages

        return messages.read(text, builder)
    return True
