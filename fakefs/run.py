"""One run of the server, from its options to its end. Only this module connects the others."""

import os
import signal
from contextlib import ExitStack
from threading import Event, Lock, Thread, get_ident, get_native_id

from fakefs import binding
from fakefs.calls import proc_is_ours
from fakefs.control import Controller, remove
from fakefs.errors import PolicyError, SetupError
from fakefs.gate import Gate
from fakefs.hold import Holder, name_thread
from fakefs.journal import Journal
from fakefs.ledger import Ledger
from fakefs.mount import Session, check_device, check_mountpoint, mount_options
from fakefs.notify import notify, one_line
from fakefs.options import Options
from fakefs.parse import MAX_POLICY, assemble, read_specs, read_toml
from fakefs.policy import Policy
from fakefs.populate import copy_in, exists, put_file
from fakefs.program import complain
from fakefs.regular import read_text
from fakefs.server import Server
from fakefs.sockets import listening
from fakefs.tree import Owner, Tree

NAME = "fakefs"

#: Signals that stop the server.
STOP = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})

#: Interrupts libfuse's sem_wait() in the main thread, so that libfuse notices the end of the session.
NUDGE = signal.SIGUSR1

#: Seconds between two of these signals: one that arrives just before sem_wait() starts has no effect.
NUDGE_S = 0.01

#: Seconds that the close of a file of --hold may take at the end, when the gate holds no request any more.
LEAVE_S = 5.0


def read_policy(options: Options) -> Policy:
    """The rules of the command line, then those of the policy file.

    Raises:
        PolicyError: The exception has the problems of both.
    """
    written, problems = read_specs(options.rules, "--rule"), []
    if options.policy is not None:
        try:
            written += read_toml(read_text(options.policy, MAX_POLICY), options.policy)
        except UnicodeDecodeError as error:
            problems.append(f"--policy: {options.policy}: is not UTF-8: {error}")
        except OSError as error:
            problems.append(f"--policy: {error}")
        except PolicyError as error:
            problems += error.problems
    try:
        policy = assemble(written)
    except PolicyError as error:
        problems += error.problems
    if problems:
        raise PolicyError(tuple(problems))
    return policy


def fill_tree(options: Options) -> Tree:
    """Create the tree with its first files. Raises SetupError."""
    owner = Owner(os.geteuid(), os.getegid())
    tree = Tree(owner)
    try:
        if options.source is not None:
            copy_in(tree, options.source)
        for path, text in options.files:
            put_file(tree, path, os.fsencode(text), owner)
        for path in (*options.holds, *options.shared_holds):
            if not exists(tree, path):
                put_file(tree, path, b"", owner)
    except OSError as error:
        raise SetupError(f"cannot fill the tree: {error}", error.errno or 0) from None
    return tree


def open_standard() -> None:
    """Open descriptors 0, 1 and 2 if they are closed.

    Otherwise the FUSE device could get one of them, and no file could have a lower one (see `fakefs.hold`).
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


class Run:
    """The objects of one server process."""

    def __init__(self, options: Options) -> None:
        """Prepare everything up to the mount.

        Raises:
            FakefsError: The policy, the options or the machine does not allow it.
        """
        open_standard()
        self._options = options
        policy = read_policy(options)
        self._mountpoint = os.path.abspath(options.mountpoint)
        check_mountpoint(self._mountpoint, options.mount)
        check_device()
        self._session = Session(binding.load())
        self._gate = Gate()
        self._locks = options.locks or any(rule.names("lock") for rule in policy.rules)
        self._readable = proc_is_ours()
        if impossible := self._impossible(policy):
            raise PolicyError(impossible)
        self._server = Server(
            fill_tree(options),
            Ledger(policy),
            self._gate,
            Journal(self._open_journal()),
            self._session.context,
            self._session.interrupted if self._locks else None,
            self._readable,
            self._mountpoint,
        )
        self._server.on_init = self._on_init
        self._holders: list[Holder] = []
        self._begun = Event()
        self._ended = Event()
        self._stopping = Lock()
        self._main = get_ident()
        self._failure: SetupError | None = None

    def _open_journal(self) -> int | None:
        if self._options.journal is None:
            return None
        # With O_NONBLOCK, open(2) of a FIFO without a reader fails (ENXIO); without it, open(2) would wait.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        try:
            descriptor = os.open(self._options.journal, flags, 0o644)
            os.set_blocking(descriptor, True)
            return descriptor
        except OSError as error:
            raise SetupError(f"--journal: {error}; choose a writable file", error.errno or 0) from None

    def serve(self) -> None:
        """Mount, serve, and unmount. Raises FakefsError if the mount fails."""
        import prctl

        if self._options.single:
            self._serve_alone()
            return
        prctl.set_name(NAME)
        # All threads inherit this mask, so that only _wait_for_stop receives the signals. It releases held requests;
        # libfuse's own handler would first wait for its threads, which hold them (fuse_session_loop_mt()).
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
        signal.signal(NUDGE, lambda *_: None)
        with ExitStack() as stack:
            if self._options.control is not None:
                self._listen(self._options.control, stack)
            for task in (self._wait_for_stop, self._become_ready):
                Thread(target=task, daemon=True).start()
            try:
                self._session.serve(
                    self._server, self._mountpoint, mount_options(self._options.fsname, self._options.mount)
                )
            finally:
                self._ended.set()
        if self._failure is not None:
            raise self._failure

    def _serve_alone(self) -> None:
        """Serve with one thread. libfuse handles the signals that stop the server, as for every program with -s."""
        import prctl

        from fakefs.passed import PassedFile

        for path in self._options.holds:
            self._server.on_call = PassedFile(path, self._mountpoint, self._hold_received).take
        prctl.set_name(NAME)
        self._server.on_init = self._session.begun if self._options.holds else self._ready_alone
        self._session.serve(
            self._server,
            self._mountpoint,
            mount_options(self._options.fsname, {**self._options.mount, "nothreads": True}),
        )

    def _ready_alone(self) -> None:
        self._session.begun()
        notify("READY=1", f"STATUS=mounted at {one_line(self._mountpoint)}", self._mounted())

    def _hold_received(self) -> None:
        notify("READY=1", f"STATUS=mounted at {one_line(self._mountpoint)}, holds 1", self._mounted())

    def _mounted(self) -> str:
        """The assignment by which a program that listens to several others recognises the server's message."""
        return f"X_FAKEFS_MOUNTPOINT={one_line(self._mountpoint)}"

    def _listen(self, path: str, stack: ExitStack) -> None:
        try:
            listener = stack.enter_context(listening(path))
        except OSError as error:
            raise SetupError(f"--control {path}: {error.strerror or error}", error.errno or 0) from None
        # libfuse 3 changes to the root directory, in the foreground as well (fuse_daemonize(), lib/helper.c).
        stack.callback(remove, os.path.abspath(path))
        Controller(self._server, self._impossible, self._stop).listen(listener)

    def _impossible(self, policy: Policy) -> tuple[str, ...]:
        """The problems that this mount has with a policy."""
        found = []
        for number, rule in enumerate(policy.rules, start=1):
            if rule.names("lock") and not self._locks:
                found.append(
                    f"rule #{number}: operations: 'lock' never arrives, because the kernel keeps the locks; "
                    "start the server with --locks"
                )
            if (rule.comm is not None or rule.pid_ns is not None) and not self._readable:
                key = "comm" if rule.comm is not None else "pid_ns"
                found.append(
                    f"rule #{number}: {key}: callers cannot be read, because /proc shows another PID namespace; "
                    "mount the right one (unshare --mount-proc)"
                )
        return tuple(found)

    def _on_init(self) -> None:
        self._session.begun()
        self._begun.set()

    def _become_ready(self) -> None:
        """After the kernel's INIT: check that the root answers, open the files of --hold, send READY=1."""
        self._begun.wait()
        self._server.probe = get_native_id()
        try:
            # The kernel sends each STATFS to the server, and caches nothing of its answer.
            os.statvfs(self._mountpoint)
            # Rules apply to this thread's later calls, and to later threads with the same number.
            self._server.probe = None
            for path in self._options.holds:
                holder = Holder(self._mountpoint + path, os.O_RDWR)
                self._holders.append(holder)
                holder.wait_until_open()
            for path in self._options.shared_holds:
                holder = Holder(self._mountpoint + path, os.O_RDWR, shared=True)
                self._holders.append(holder)
                holder.wait_until_open()
            failed = [holder.error for holder in self._holders if holder.error is not None]
            if failed:
                self._give_up(f"--hold: {failed[0]}", failed[0].errno or 0)
                return
            for action, path in self._options.acts:
                self._act(action, path)
            held = [f"X_FAKEFS_HOLD={one_line(path)} {holder.tid}" for path, holder in self._held()]
            notify("READY=1", f"STATUS=mounted at {one_line(self._mountpoint)}", self._mounted(), *held)
        except OSError as error:
            self._give_up(f"not ready: {error}", error.errno or 0)

    def _held(self) -> list[tuple[str, Holder]]:
        return list(zip((*self._options.holds, *self._options.shared_holds), self._holders, strict=True))

    def _act(self, action: str, path: str) -> None:
        from fakefs.act import ACTIONS, NAME

        def act() -> None:
            name_thread(NAME)
            try:
                for _ in ACTIONS[action](self._mountpoint + path):
                    pass
            except OSError as error:
                complain(f"fakefs: --act: {error}")

        Thread(target=act, daemon=True).start()

    def _give_up(self, message: str, number: int) -> None:
        self._failure = SetupError(message, number)
        self._stop()

    def _wait_for_stop(self) -> None:
        signal.sigwait(STOP)
        self._stop()

    def _stop(self) -> None:
        """Release held requests, close the files of --hold, and end the session.

        Only the first call does so; it returns when the main thread has left libfuse.
        """
        if not self._stopping.acquire(blocking=False):
            return
        self._gate.close()
        self._session.ending = True
        for holder in self._holders:
            if not holder.leave(LEAVE_S):
                complain(f"fakefs: {holder.path}: its close got no answer within {LEAVE_S:g} s")
        self._session.end()
        while not self._ended.wait(NUDGE_S):
            signal.pthread_kill(self._main, NUDGE)
