"""Parses the command line into a record. Pure; reports all errors at once.

argparse would make the start of the program a third slower, and it stops at the first error.
"""

from collections.abc import Callable, Iterator, Sequence

from fakefs.errors import FakefsError
from fakefs.mount import parse_option
from fakefs.names import nearest

HELP = """\
usage: python -m fakefs MOUNTPOINT [OPTION]...

Mounts an in-memory filesystem that misbehaves on command at MOUNTPOINT, an empty directory. Stays in the foreground;
Ctrl-C or SIGTERM releases held requests, unmounts and exits.

Rules
  --rule SPEC            OPERATIONS[@GLOB]:FAULT[=ARGUMENT][,KEY=VALUE...]; the first rule that fires wins
                           OPERATIONS  any, or names joined by + (--list-operations)
                           GLOB        for the path below MOUNTPOINT; * also matches /
                           FAULT       hang, delay=SECONDS, errno=ERRNO, die, noop (--list-faults)
                           KEYs        tid=, comm=GLOB, pid_ns=INODE   the caller
                                       nth=N    fires from the Nth match on
                                       times=N  fires at most N times
                                       when=before|after   the real operation
  --policy FILE          rules from a TOML file; those of --rule come before them

Content
  --file PATH[=TEXT]     create a file
  --from DIR             copy the files of DIR
  --hold PATH            a thread of the server itself keeps this file of its own mount open; it is created if needed
  --hold-shared PATH     the same, in the descriptor table that all threads share: any of their exits may flush the file
  --act ACTION=PATH      a thread of the server itself makes this call on its own mount (python -m fakefs.act --help)

Journal and control
  --journal FILE         append each request and its answer, as JSON lines
  --control SOCKET       listen for commands: python -m fakefs.ctl SOCKET status|release|set|clear|wait|shutdown

Mount
  --fsname NAME          the source shown in /proc/mounts (default fakefs)
  -o KEY[=VALUE]         a mount option of libfuse: direct_io, allow_other, attr_timeout=1, ...; repeatable
                         (default: attr_timeout=0 and entry_timeout=0, because no rule sees what the kernel caches)
  --single-thread        one thread answers one request at a time. There is no other thread, so neither --control nor
                         --act. Another process opens the --hold file and passes it to the server
  --locks                the server keeps fcntl locks; otherwise the kernel does, unless a --rule names `lock`

  --list-faults, --list-operations, --version, --help

Environment
  NOTIFY_SOCKET          the server sends READY=1 to this socket once it works (sd_notify)
  FAKEFS_FUSE            fusepy (libfuse 2) or mfusepy (libfuse 3): use this binding (default: the first one that loads)
  FUSE_LIBRARY_PATH      the file of libfuse

Exit status: 0 after a normal end; 2 a wrong command line or policy, or the machine does not allow the mount; 3 a defect
of fakefs.

Examples
  python -m fakefs /mnt --file /f=hello --rule 'read@/f:errno=EIO,times=1'
                                                     the first read of /f fails, then it works
  python -m fakefs /mnt --rule 'flush:hang' --control /tmp/ctl
                                                     no close() returns until: python -m fakefs.ctl /tmp/ctl release
  python -m fakefs /mnt --rule 'write+fsync:delay=0.5' --rule 'create@*.lock:errno=ENOSPC,nth=3'
  python -m fakefs /mnt --rule 'rename:die,when=after'     the server dies after the rename
"""


class UsageError(FakefsError):
    """The command line is wrong. `problems` lists every error."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Options:
    """The command line as a record.

    `show` names the text to print instead of serving: 'help', 'faults', 'operations', 'version', or '' for none.
    """

    def __init__(self) -> None:
        self.mountpoint = ""
        self.rules: list[str] = []
        self.policy: str | None = None
        self.journal: str | None = None
        self.control: str | None = None
        self.holds: list[str] = []
        self.shared_holds: list[str] = []
        self.acts: list[tuple[str, str]] = []
        self.files: list[tuple[str, str]] = []
        self.source: str | None = None
        self.fsname = "fakefs"
        self.mount: dict[str, str | bool] = {}
        self.locks = False
        self.single = False
        self.show = ""


def inside(path: str) -> str:
    """The path, if it is a normal absolute path of a file. Raises ValueError if not."""
    if not path.startswith("/") or path.endswith("/") or {".", ".."} & set(path.split("/")) or "//" in path:
        raise ValueError(f"{path!r} is not a path of the form /folder/file (as seen from the mountpoint)")
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
        raise ValueError(f"{text!r}: the name must not be empty or have spaces")
    options.fsname = text


#: Options with a value, and the function that takes it.
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

#: Options without a value, and the field that each sets, with its value.
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
    """Parse the command line.

    Args:
        argv: The arguments without the program's name.

    Raises:
        UsageError: The command line is wrong; the exception has all errors.
    """
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
        problems.append(f"needs one MOUNTPOINT, not {len(mountpoints)}: {' '.join(mountpoints)}")
    if not mountpoints and not options.show:
        problems.append("MOUNTPOINT is missing")
    problems += _alone(options)
    if problems:
        raise UsageError(problems)
    return options


def _alone(options: Options) -> Iterator[str]:
    """The options that a server with a single thread does not support."""
    if options.single:
        if options.control is not None:
            yield "--single-thread: there is no other thread for --control"
        if options.acts or options.shared_holds:
            yield "--single-thread: there is no other thread for --act or --hold-shared"
        if len(options.holds) > 1:
            yield "--single-thread: only one --hold is possible"


def _take(options: Options, word: str, words: Iterator[str]) -> Iterator[str]:
    """Take one option, with its value from `words` if needed. Yields the errors."""
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
