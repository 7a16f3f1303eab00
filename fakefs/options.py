"""The command line's words, as a record. Pure; tells all that is wrong with them, not the first thing.

argparse would cost a third of what starting this program costs besides, and stops at the first error.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from fakefs.errors import FakefsError
from fakefs.mount import parse_option
from fakefs.names import nearest

HELP = """\
usage: python -m fakefs MOUNTPOINT [OPTION]...

An in-memory filesystem at MOUNTPOINT (an empty directory) that misbehaves on command. Stays in the foreground; Ctrl-C
or SIGTERM releases what is held, unmounts and exits.

Rules
  --rule SPEC            OPERATIONS[@GLOB]:FAULT[=ARGUMENT][,KEY=VALUE...]; the first rule that fires wins
                           OPERATIONS  any, or names joined by + (--list-operations)
                           GLOB        of the path below MOUNTPOINT; * also matches /
                           FAULT       hang, delay=SECONDS, errno=ERRNO, die, noop (--list-faults)
                           KEYs        tid=, comm=GLOB, pid_ns=INODE   who asks
                                       nth=N    fires from the Nth match on
                                       times=N  fires N times at most
                                       when=before|after   the real operation
  --policy FILE          rules from TOML; those of --rule come before them

Content
  --file PATH[=TEXT]     a file in it
  --from DIR             a copy of DIR's files in it
  --hold PATH            a thread of the server itself keeps this file of its own mount open (made if not there)
  --hold-shared PATH     the same, in the one descriptor table that all its threads share: which exit flushes is chance
  --act ACTION=PATH      a thread of the server itself makes this call on its own mount (python -m fakefs.act --help)

Watching and steering
  --journal FILE         append what happens, as JSON lines
  --control SOCKET       listen there; python -m fakefs.ctl SOCKET status|release|set|clear|wait|shutdown
  NOTIFY_SOCKET          in the environment: READY=1 is sent there (sd_notify) once all works

Mount
  --fsname NAME          the source shown in /proc/mounts (default fakefs)
  -o KEY[=VALUE]         a mount option of libfuse: direct_io, allow_other, attr_timeout=1, ... once for each
                         (default: what is remembered cannot misbehave, so attr_timeout=0 and entry_timeout=0)
  --single-thread        one thread answers, one request at a time; nothing else runs, so no --control and no --act. A
                         --hold file is opened by another process and passed to it
  --locks                fcntl locks come to the server; else only if a --rule names `lock`

  --list-faults, --list-operations, --version, --help

Examples
  python -m fakefs /mnt --file /f=hello --rule 'read@/f:errno=EIO,times=1'
                                                     the first read of /f fails, then it works
  python -m fakefs /mnt --rule 'flush:hang' --control /tmp/ctl
                                                     no close() returns until: python -m fakefs.ctl /tmp/ctl release
  python -m fakefs /mnt --rule 'write+fsync:delay=0.5' --rule 'create@*.lock:errno=ENOSPC,nth=3'
  python -m fakefs /mnt --rule 'rename:die,when=after'     the server dies, the rename was done
"""


class UsageError(FakefsError):
    """A command line that makes no sense; `problems` has all of it."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(slots=True)
class Options:
    """What was asked for. `show` is what to print in place of serving: '', 'help', 'faults', 'operations' or
    'version'."""

    mountpoint: str = ""
    rules: list[str] = field(default_factory=list)
    policy: str | None = None
    journal: str | None = None
    control: str | None = None
    holds: list[str] = field(default_factory=list)
    shared_holds: list[str] = field(default_factory=list)
    acts: list[tuple[str, str]] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)
    source: str | None = None
    fsname: str = "fakefs"
    mount: dict[str, str | bool] = field(default_factory=dict)
    locks: bool = False
    single: bool = False
    show: str = ""


def inside(path: str) -> str:
    """A normal absolute path of the tree. Raises ValueError."""
    if not path.startswith("/") or path.endswith("/") or {".", ".."} & set(path.split("/")) or "//" in path:
        raise ValueError(f"{path!r} is no path of the form /folder/file (it is seen from the mountpoint)")
    return path


def _file(options: Options, text: str) -> None:
    path, _, content = text.partition("=")
    options.files.append((inside(path), content))


def _act(options: Options, text: str) -> None:
    from fakefs.act import IN_A_THREAD

    action, equals, path = text.partition("=")
    if action not in IN_A_THREAD:
        raise ValueError(f"unknown action {action!r}{nearest(action, IN_A_THREAD)}")
    if not equals:
        raise ValueError(f"{text!r} is not ACTION=PATH")
    options.acts.append((action, inside(path)))


def _mount(options: Options, text: str) -> None:
    key, value = parse_option(text)
    options.mount[key] = value


def _once(name: str) -> Callable[[Options, str], None]:
    def put(options: Options, text: str) -> None:
        if getattr(options, name) is not None:
            raise ValueError("is given twice")
        if not text:
            raise ValueError("is empty")
        setattr(options, name, text)

    return put


def _fsname(options: Options, text: str) -> None:
    if not text or any(one.isspace() or not one.isprintable() for one in text):
        raise ValueError(f"{text!r}: a name without spaces is needed")
    options.fsname = text


#: Options with a value.
VALUES: dict[str, Callable[[Options, str], None]] = {
    "--rule": lambda options, text: options.rules.append(text),
    "--policy": _once("policy"),
    "--journal": _once("journal"),
    "--control": _once("control"),
    "--hold": lambda options, text: options.holds.append(inside(text)),
    "--hold-shared": lambda options, text: options.shared_holds.append(inside(text)),
    "--act": _act,
    "--file": _file,
    "--from": _once("source"),
    "--fsname": _fsname,
    "--option": _mount,
}

#: Options without, and the field that they set to what.
FLAGS: dict[str, tuple[str, object]] = {
    "--help": ("show", "help"),
    "--list-faults": ("show", "faults"),
    "--list-operations": ("show", "operations"),
    "--version": ("show", "version"),
    "--locks": ("locks", True),
    "--single-thread": ("single", True),
}

SHORT = {"-o": "--option", "-h": "--help"}


def parse(argv: Sequence[str]) -> Options:
    """The options. Raises UsageError."""
    options = Options()
    problems: list[str] = []
    mountpoints: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            mountpoints += words
        elif not word.startswith("-") or word == "-":
            mountpoints.append(word)
        else:
            problems += _take(options, word, words)
    options.mountpoint = mountpoints[0] if mountpoints else ""
    if len(mountpoints) > 1:
        problems.append(f"one MOUNTPOINT, not {len(mountpoints)}: {' '.join(mountpoints)}")
    if not mountpoints and not options.show:
        problems.append("MOUNTPOINT is missing")
    problems += _alone(options)
    if problems:
        raise UsageError(problems)
    return options


def _alone(options: Options) -> Iterator[str]:
    """What one thread cannot do."""
    if options.single:
        if options.control is not None:
            yield "--single-thread: nobody would listen at --control"
        if options.acts or options.shared_holds:
            yield "--single-thread: no other thread for --act or --hold-shared"
        if len(options.holds) > 1:
            yield "--single-thread: one --hold can be passed to it, not more"


def _take(options: Options, word: str, words: Iterator[str]) -> Iterator[str]:
    """Take one option, with its value from `words`; yields what is wrong with it."""
    name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
    name = SHORT.get(name, name)
    if name in FLAGS:
        if equals:
            yield f"{name}: takes no value"
        setattr(options, *FLAGS[name])
    elif name in VALUES:
        if not equals:
            found = next(words, None)
            if found is None:
                yield f"{name}: its value is missing"
                return
            value = found
        try:
            VALUES[name](options, value)
        except ValueError as error:
            yield f"{name}: {error}"
    else:
        yield f"unknown option {name}{nearest(name, (*VALUES, *FLAGS))}"
