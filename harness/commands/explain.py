"""`fusezap explain`: what a pasted kernel log, stack or process list says, and what to run next."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from harness import registry
from harness.errors import UsageError
from harness.explain import follow, formats, stream
from harness.explain.explanation import explain
from harness.explain.read import Reader, says_something, summaries
from harness.explain.records import Paste
from harness.explain.redact import Redactor

_COMPRESSED = (b"\x1f\x8b", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"BZh")
"""The first bytes of the files of gzip, xz, Zstandard and bzip2."""
HELP = "explain a pasted kernel log, stack or process list"
DESCRIPTION = """\
Reads what people paste when something hangs: hung task messages, sysrq-w, stacks of /proc, crash, drgn, gdb and
bpftrace, ps; with any prefix, quoted, truncated or mixed. Prints what it is, how sure that is, who has to move, what it
is not, and one read-only command to be certain. Needs no privileges and changes nothing. A text proves no deadlock:
`fusezap diagnose` on the host does.

Exit status 0: explained, likely or possible.  1: unknown.  2: error, such as a text that holds nothing of the kind.
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="read these; `-` or none: standard input")
    parser.add_argument("--format", metavar="FORMAT", help=f"{', '.join(registry.names(formats))}; default: terminal")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    parser.add_argument(
        "--redact", action="store_true", help="print the text instead, with hosts, users, paths and containers replaced"
    )
    parser.add_argument(
        "--follow",
        action="store_true",
        help="read on as lines come (a journal's pipe, /dev/kmsg), and explain each report",
    )
    parser.add_argument("--dialects", action="store_true", help="list what is looked for")


def execute(args: argparse.Namespace) -> int:
    if args.dialects:
        print("\n".join(summaries()))
        return 0
    form = registry.chosen(formats, "format", args.format or "terminal", "SUMMARY", "render")
    if args.redact and args.follow:
        raise UsageError("--redact and --follow do different things", "leave one out")
    if args.redact:
        return _redact(args.files)
    if args.follow:
        return follow.follow(
            _blocks(args.files or ["/dev/kmsg"]), lambda paste: _print(form.render(explain(paste), paste))
        )
    reader = Reader()
    for line, skipped in stream.kept(_blocks(args.files), reader.says_something, says_something):
        if skipped:
            reader.gap(skipped)
        reader.feed(line.rstrip("\r"))
    paste = reader.paste()
    if not paste.tasks and not paste.messages:
        raise UsageError(_nothing(paste), "\n".join(("looked for:", *(f"  {each}" for each in summaries()))))
    found = explain(paste)
    _print(form.render(found, paste))
    return found.status


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _nothing(paste: Paste) -> str:
    return f"no task, stack or kernel message was found in {paste.lines} line(s)"


def _redact(files: list[str]) -> int:
    redactor = Redactor()
    rest = b""
    for block in _blocks(files):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            _print(redactor.line(line.decode(errors="replace")) + "\n")
    if rest:
        _print(redactor.line(rest.decode(errors="replace")) + "\n")
    return 0


def _blocks(files: list[str]) -> Iterator[bytes]:
    """The files' bytes; a reader of /dev/kmsg gets one record a read (Documentation/ABI/testing/dev-kmsg)."""
    for name in files or ["-"]:
        if name == "-":
            yield from _of(0)
            continue
        try:
            opened = os.open(Path(name), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise UsageError(
                f"{name} cannot be read: {error.strerror}", "name a file, or - for standard input"
            ) from error
        try:
            yield from _of(opened)
        finally:
            os.close(opened)
        yield b"\n"


def _of(opened: int) -> Iterator[bytes]:
    begins = True
    while True:
        try:
            block = os.read(opened, stream.BLOCK)
        except BrokenPipeError:
            continue  # /dev/kmsg: records were overwritten meanwhile; the next read goes on after them
        except IsADirectoryError as error:
            raise UsageError("a folder cannot be read", "name the files in it") from error
        if not block:
            return
        if begins and block.startswith(_COMPRESSED):
            raise UsageError("the text is compressed", "unpack it first: zcat, xzcat or zstdcat FILE | fusezap explain")
        begins = False
        yield block
