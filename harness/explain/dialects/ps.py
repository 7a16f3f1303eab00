"""ps and top's columns, with or without their title, with wait channels that are cut off (`refrig`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 70
MARKS = (
    " D ",
    " Ds ",
    " D+ ",
    " Dl ",
    " D< ",
    " Dsl ",
    " Z ",
    " Zs ",
    " PID ",
    " ?  ",
)
SUMMARY = "ps aux, ps -el, ps -eo pid,stat,wchan,comm, with or without the title line"
HINT = r"\bPID\b|(?:^|\s)[DTtZ][NLsl+<]*\s"

_STATE = r"([RSDTtXZI])[NLsl+<]*"
_LONG = re.compile(rf"^\d\s+{_STATE}\s+(\S+)\s+(\d+)\s+(\d+)\s+\d+\s+-?\d+\s+(?:-?\d+|-)\s+\S+\s+\d+\s+(\S+)\s+(\S.*)$")
_LONG_Y = re.compile(
    rf"^{_STATE}\s+(\S+)\s+(\d+)\s+(\d+)\s+\d+\s+-?\d+\s+(?:-?\d+|-)\s+\d+\s+\d+\s+(\S+)\s+(\S+\s+[\d:.-]+\s+\S.*)$"
)
"""`ps -aly`: the state first, and no flags."""
_AUX = re.compile(rf"^\S+\s+(\d+)\s+[\d.]+\s+[\d.]+\s+\d+\s+\d+\s+\S+\s+{_STATE}\s+\S+\s+[\d:.-]+\s+(\S.*)$")
_SHORT = re.compile(rf"^(\d+)\s+\S+\s+{_STATE}\s+[\d:.-]+\s+(\S.*)$")
_WITH_WCHAN = re.compile(rf"^(\d+)\s+(?:\d+\s+)?(?:\S+\s+)?{_STATE}\s+([a-z_][a-z0-9_.]{{3,}})\s+(\S.*)$")
_COMM_WCHAN = re.compile(
    rf"^(\d+)\s+(?:(\d+)\s+)?(?:(\d+)\s+)?(?:\S+\s+)?(\S+)\s+{_STATE}\s+([a-z_][a-z0-9_.]{{3,}})(?:\s+.*)?$"
)
_TITLES = frozenset(
    [
        "F",
        "S",
        "UID",
        "USER",
        "PID",
        "TID",
        "LWP",
        "SPID",
        "PPID",
        "PGID",
        "SID",
        "C",
        "PRI",
        "NI",
        "ADDR",
        "SZ",
        "WCHAN",
        "STIME",
        "START",
        "STARTED",
        "TTY",
        "TT",
        "TIME",
        "CMD",
        "COMMAND",
        "COMM",
        "STAT",
        "STATE",
        "%CPU",
        "%MEM",
        "VSZ",
        "RSS",
        "NLWP",
        "CLS",
        "RTPRIO",
        "PSR",
        "TIME+",
        "VIRT",
        "RES",
        "SHR",
        "PR",
        "ELAPSED",
        "GID",
        "RUSER",
        "TGID",
        "ARGS",
        "LABEL",
        "CGROUP",
        "LSTART",
        "NS",
        "PIDNS",
    ]
)
_LAST = frozenset({"CMD", "COMMAND", "ARGS"})


def read(text: str, builder: Builder) -> bool:
    words = text.split()
    if "PID" in words or "TID" in words:
        known = [each for each in words if each.upper() in _TITLES]
        if len(known) >= 3 and len(known) >= len(words) - 1:
            builder.columns(tuple(each.upper() for each in words))
            builder.met("ps")
            return True
    if builder.columns_now() and _by_columns(text, builder):
        return True
    found = _LONG.match(text) or _LONG_Y.match(text)
    if found is not None:
        state, _, pid, ppid, wchan, rest = found.groups()
        _row(builder, pid, ppid, state, wchan, _after_time(rest))
        return True
    found = _AUX.match(text)
    if found is not None:
        _row(builder, found[1], None, found[2], "", found[3])
        return True
    found = _WITH_WCHAN.match(text)
    if found is not None:
        _row(builder, found[1], None, found[2], found[3], found[4])
        return True
    found = _COMM_WCHAN.match(text)
    if found is not None:
        _row(builder, found[2] or found[1], None, found[5], found[6], found[4])
        return True
    found = _SHORT.match(text)
    if found is not None:
        _row(builder, found[1], None, found[2], "", found[3])
        return True
    return False


def _by_columns(text: str, builder: Builder) -> bool:
    titles = builder.columns_now()
    words = text.split(None, len(titles) - 1) if titles[-1] in _LAST else text.split()
    if len(words) < min(len(titles), 3):
        return False
    row = dict(zip(titles, words))  # noqa: B905 -- Python 3.9 has no strict
    pid = row.get("TID") or row.get("LWP") or row.get("SPID") or row.get("PID") or ""
    state = (row.get("STAT") or row.get("STATE") or row.get("S") or "")[:1]
    if not pid.isdigit() or state not in tuple("RSDTtXZI"):
        return False
    wchan = row.get("WCHAN", "")
    comm = row.get("COMM") or row.get("COMMAND") or row.get("CMD") or row.get("ARGS") or ""
    tgid = row.get("PID") if pid != row.get("PID") else None
    _row(builder, pid, row.get("PPID"), state, wchan, comm, tgid)
    return True


def _after_time(rest: str) -> str:
    """`Sep30 ? 00:00:00 /usr/bin/runc init` → `/usr/bin/runc init`."""
    found = re.match(r"^.*?\s\d+:\d\d(?::\d\d)?\s+(\S.*)$", rest)
    return found[1] if found else rest


def _row(
    builder: Builder, pid: str, ppid: str | None, state: str, wchan: str, command: str, tgid: str | None = None
) -> None:
    """Tasks that are at rest are not kept: a list has hundreds of them."""
    channel = "" if wchan in ("-", "?", "0", "*") else wchan
    if state in ("R", "I") or (state == "S" and not channel):
        builder.met("ps")
        return
    if len(pid) > 8:
        return
    name = re.sub(r"^[\s\\_|`-]+", "", command)
    builder.task(
        "ps",
        pid=int(pid),
        ppid=int(ppid) if ppid and ppid.isdigit() and len(ppid) < 9 else None,
        tgid=int(tgid) if tgid and tgid.isdigit() and len(tgid) < 9 else None,
        state=state,
        wchan=channel,
        comm=_comm(name),
    )
    builder.end_header()


def _comm(command: str) -> str:
    """`/usr/local/bin/runc init` → `runc init`; `[kworker/u8:0]` → `kworker/u8:0`."""
    if command.startswith("["):
        return command.strip("[]").partition(" ")[0].rstrip("]")[:40]
    first, _, rest = command.partition(" ")
    base = first.rsplit("/", 1)[-1]
    if not base or base.startswith("grep"):
        return base
    word = rest.split(" ", 1)[0] if rest else ""
    return f"{base} {word}"[:40] if word.isalpha() else base[:40]
