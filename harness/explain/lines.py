"""Takes off a line what stands before the kernel's own words: times, hosts, levels, quotation marks, colours."""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Sequence

from harness import registry
from harness.explain import prefixes

LONGEST = 2048
"""Characters of one piece: twice the longest record of the kernel's log (PRINTKRB_RECORD_MAX, kernel/printk/printk.c,
is 1,024).  A longer line is read in pieces, so that no pattern's work grows with the square of a line."""
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\[[0-9;]{1,8}m(?=\S|\s)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\ufeff]")
_ENTITY = re.compile(r"&(?:#\d{1,6}|#x[0-9a-fA-F]{1,6}|[a-z]{2,6});")
_BREAK = re.compile(r"\s*<br\s?/?>\s*$")
_MEMBER = re.compile(r'^\s*(?:"(?:MESSAGE|message|msg|log|textPayload)"\s*:\s*)?("(?:[^"\\]|\\.)*")\s*,?\s*$')
"""A string alone on its line, as tools that indent JSON write it."""
_CALLER = re.compile(r"\[\s*(?:\d+\.\d+\])?\s*\[?\s*([TC]\d+)\]")
_NAMES = ("MESSAGE", "log", "message", "msg", "textPayload")
_SPACES = {each: " " for each in range(0x3001) if chr(each).isspace() and chr(each) != "\n"}
_GAP = " " * 32
_GAPS = re.compile(" {32,}")
_DEEPEST = 12


@functools.lru_cache(maxsize=1)
def _prefixes() -> re.Pattern[str]:
    modules = registry.modules(prefixes, "ORDER", "PATTERN", "EXAMPLES")
    found = sorted(modules, key=lambda each: int(each.ORDER))
    return re.compile(r"^\s*(?:" + "|".join(f"(?:{each.PATTERN})" for each in found) + ")")


def unwrapped(raw: str) -> str:
    """The line without JSON around it, colours, HTML entities, control characters and wide gaps."""
    text = raw
    if "{" in text[:8] and text.rstrip().endswith(("}", "},")):
        text = _of_json(text)
    elif '"' in text[:64]:
        text = _of_json_lines(text)
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    if "&" in text and ";" in text:
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    if "\r" in text:
        text = text.replace("\r", "\n")
    if "<br" in text:
        text = _BREAK.sub("", text)
    if not text.isprintable():
        text = _CONTROL.sub("", text.translate(_SPACES))
    if _GAP in text:
        text = _GAPS.sub(" " * 8, text)
    return text


def plain(raw: str) -> bool:
    """True where `unwrapped` has nothing to take off."""
    return (
        raw[:1] not in ("{", '"', " ")
        and "{" not in raw[:8]
        and raw.isprintable()
        and "&" not in raw
        and "<br" not in raw
        and _GAP not in raw
        and len(raw) <= LONGEST
    )


def pieces(text: str) -> Sequence[str]:
    """The lines of a text, each as it is; one that is longer than any of the kernel's is cut at blanks.

    Args:
        text: A line, or the lines that were in one record of JSON.

    Returns:
        Lines and pieces of lines, of at most `LONGEST` characters each.
    """
    if len(text) <= LONGEST and "\n" not in text:
        return (text,)
    found = []
    for line in text.split("\n"):
        rest = line
        while len(rest) > LONGEST:
            end = rest.rfind(" ", 1, LONGEST)
            end = LONGEST if end < 0 else end
            found.append(rest[:end])
            rest = rest[end:]
        found.append(rest)
    return found


def _of_json_lines(text: str) -> str:
    found = _MEMBER.match(text)
    if found is None:
        return text
    try:
        return str(json.loads(found[1]))
    except ValueError:
        return text


def _of_json(text: str) -> str:
    """`journalctl -o json` has MESSAGE, which is a list of bytes where it is not UTF-8; Docker's logs have `log`.

    A server-sent event begins with `data: `, a text sequence with a record separator, an array's element ends with `,`.
    """
    try:
        record = json.loads(text.lstrip("\x1e").removeprefix("data: ").rstrip().rstrip(","))
    except (ValueError, RecursionError):
        return text
    if not isinstance(record, dict):
        return text
    inner = record.get("jsonPayload")
    record = inner if isinstance(inner, dict) else record
    message = next((record[each] for each in _NAMES if each in record), None)
    if isinstance(message, list) and all(isinstance(each, int) and 0 <= each < 256 for each in message):
        message = bytes(message).decode(errors="replace")
    if not isinstance(message, str):
        return text
    if record.get("SYSLOG_IDENTIFIER") == "kernel":
        return message
    return message.rstrip("\n")


def stripped(text: str) -> str:
    """The line without its prefixes, as often as there are some; its own indentation is not kept."""
    pattern = _prefixes()
    for _ in range(_DEEPEST):
        found = pattern.match(text)
        if found is None or not found.end():
            break
        text = text[found.end() :]
    return text.strip()


def caller(text: str) -> str:
    """The task or CPU that printed the line, where the kernel was built with CONFIG_PRINTK_CALLER; else ""."""
    head = text[:80]
    if "][" not in head and not head.startswith(("[T", "[C", "[ T", "[ C")):
        return ""
    found = _CALLER.search(head)
    return found[1] if found else ""
