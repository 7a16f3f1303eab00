"""Stacks that a person wrote: `__mmput / mmput / exit_mm`, `a <- b <- c`, `do_exit -> exit_files -> fuse_flush`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.blockers import table

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 950
SUMMARY = "hand-abbreviated stacks: a / b / c, a <- b <- c, a -> b -> c"
HINT = (
    r"(?<!\w)[a-z]\w+(?:\(\))?(?:\+0x[0-9a-fx/]+)?\s*(?:/|<-+|-+>|=>|→|←|<|>|\|)\s*[a-z_]\w+"
    r"|\[<[0-9a-fx]+>\]\s+[A-Za-z_]\w+|^[a-z_]\w+(?:\(\))?(?:, [a-z_]\w+(?:\(\))?)+$"
)
MARKS = ()

_SPLIT = re.compile(r"\s*(?:<-+|-+>|=>|→|←|/|<|>|\||,)\s*")
_NAME = re.compile(
    r"^(?:#?\d+[.:)]?\s+)?(\?\s+)?`?([A-Za-z_][\w.$]{2,})(?:\(\))?(?:\+0x[0-9a-f]+(?:/0x[0-9a-f]+)?)?`?(?:\s+\[([\w-]+)\])?$"
)
_BRACKET = re.compile(r"^\[<[0-9a-fx]+>\]\s+")
_OUTER = re.compile(
    r"^(?:do_exit|do_group_exit|get_signal|do_syscall_64|entry_\w+|ksys_\w+|__x64_sys_\w+|SyS_\w+|sys_\w+"
    r"|kthread|ret_from_fork|el0_\w+|invoke_syscall|process_one_work|worker_thread)$"
)


def read(text: str, builder: Builder) -> bool:
    found_bracket = _BRACKET.match(text)
    bracket = found_bracket is not None
    parts = _SPLIT.split(text[found_bracket.end() :] if found_bracket else text)
    names: list[tuple[str, str, bool]] = []
    for part in parts:
        found = _NAME.match(part.strip())
        if found is None:
            break
        names.append((found[2], found[3] or "", bool(found[1])))
    known = [name for name, _, _ in names if _kernel(name)]
    if not names or not (bracket or (len(names) >= 2 and len(known) * 2 >= len(names))):
        return False
    if not bracket and len(names) < len(parts) - 1:
        return False  # a path, or prose with a slash in it
    if len(names) >= 2 and _OUTER.match(names[0][0]) and not _OUTER.match(names[-1][0]):
        names.reverse()
    for name, module, guess in names:
        builder.frame("abbreviated", name, module, guess)
    return True


def _kernel(name: str) -> bool:
    return (
        name in table.vocabulary()
        or table.sleeps(name)
        or _OUTER.match(name) is not None
        or table.of_stack((name,)) is not None
    )
