"""Files of /proc that somebody printed: `cat /proc/N/stack` behind a prompt, titles of head and grep, wait channels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.explain.builder import Builder

ORDER = 50
MARKS = (
    "/proc/",
    "wchan",
)
SUMMARY = "/proc/PID/stack, task/*/stack, wchan, syscall, behind prompts, by head, tail, grep and loops"
HINT = r"/proc/|wchan|^[a-z_][\w.]*(?:@|$)|^\W*(?:[Pp][Ii][Dd]|[Tt][Ii][Dd]|[Tt]ask|[Tt]hread|[Pp]rocess)\W{0,3}\d+"

_PATH = re.compile(
    r"/proc/(?:self|thread-self|(\d+)|\S{1,60}?)(?:/task/(?:(\d+)|\S{1,20}?))?/(stack|wchan|status|stat|syscall"
    r"|cmdline|comm)\b(:)?"
)
_PIDOF = re.compile(r"p(?:idof|grep)\s+(?:-\w+\s+)*([\w.:+-]+)")
_INLINE = re.compile(
    r"^\s*(?:\[<[0-9a-fx]+>\]\s+)?(\?\s+)?([A-Za-z_][\w.$]*)\+0x[0-9a-f]+/0x[0-9a-f]+(?:\s+\[([\w-]+)[^\]]*\])?"
)
_WORD = re.compile(r"^([a-z_][a-z0-9_]{2,127}(?:\.[\w.]{1,32})?)(?:$|(?=\S*@)[\w.-]{1,64}@\S+[:~ ])")
_WCHAN = re.compile(r"\bwchan\W{1,4}([a-z_][a-z0-9_]{2,})")
_WEAK = re.compile(
    r"^\W*(?:pid|tid|task|thread|process|Pid|Tid|PID|TID|Task|Thread"
    r"|Process)\W{0,3}(\d{1,7})\b\W*(?:\(?([\w:/.\[\]-]{2,32})\)?)?\W*$"
)


def read(text: str, builder: Builder) -> bool:
    found = _PATH.search(text)
    if found is not None:
        return _path(found, text, builder)
    wanted = builder.wanted()
    if wanted == "wchan":
        word = _WORD.match(text)
        if word is not None:
            builder.met("proc-files")
            builder.also(wchan=word[1] if word[1] != "0" else "")
            builder.want("")
            return True
    if wanted == "comm" and re.fullmatch(r"[\w:/.\[\]-]{1,15}", text):
        builder.also(comm=text)
        builder.want("")
        return True
    word = _WCHAN.search(text)
    if (
        word is not None
        and not text.lower().startswith(("pid", "f ", "  pid"))
        and word[1] not in ("pid", "comm", "cmd", "state", "args")
    ):
        builder.met("proc-files")
        if builder.last_function() or builder.wanted() == "":
            builder.task("proc-files", wchan=word[1], **_zombie(text))
        builder.also(wchan=word[1])
        return True
    weak = _WEAK.match(text)
    if weak is not None:
        builder.task("proc-files", pid=int(weak[1]), comm=_unbracketed(weak[2] or ""))
        return True
    return False


def _unbracketed(name: str) -> str:
    """`[kthreadd]` → `kthreadd`; `runc:[1:CHILD]` stays."""
    return name[1:-1] if name.startswith("[") and name.endswith("]") else name


def _zombie(text: str) -> dict[str, object]:
    found = re.search(r"\b([DZST])-thread\b", text)
    return {"state": found[1]} if found else {}


def _path(found: re.Match[str], text: str, builder: Builder) -> bool:
    process, thread, file, colon = found.groups()
    pid = thread or process
    rest = text[found.end() :]
    pidof = _PIDOF.search(text)
    fields: dict[str, object] = {
        "pid": int(pid) if pid and len(pid) < 9 else None,
        "tgid": int(process) if thread and process and len(process) < 9 else None,
        "comm": pidof[1] if pidof else "",
    }
    frame = _INLINE.match(rest) if colon else None
    if frame is not None:
        if not builder.continues(fields["pid"]):
            builder.task("proc-files", **fields)
        builder.frame("proc-files", frame[2], frame[3] or "", bool(frame[1]))
        return True
    if colon and file == "wchan" and (word := _WORD.match(rest.strip())):
        builder.task("proc-files", wchan=word[1], **fields)
        return True
    if file in ("stat", "cmdline", "syscall") and not colon:
        builder.task("proc-files", **fields) if fields["pid"] is not None else None
        builder.want(file)
        return True
    builder.task("proc-files", **fields)
    builder.want(file)
    return True
