"""A session under another kernel: a guest runs it, and its events are yielded here."""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, cast

from harness import __version__, registry
from harness.boundary import say
from harness.errors import BugError, Interrupted, KernelError, MachineError
from harness.kernels import options as kernel_options
from harness.kernels.image import Image
from harness.kernels.progress import Report
from harness.model.events import Began, Counted, Ended, Event, Failed, Judged, Said
from harness.model.printable import visible
from harness.model.records import STUCK, Kernel, Result, Series, Timings, Verdict
from harness.model.terms import Outcome
from harness.record import record, replace
from harness.run.session import SessionOptions
from harness.run.tally import Tally
from harness.scenario import Scenario
from harness.scenario.steps import about
from harness.vm import dump, engines, share, start, unprivileged, wire
from harness.vm import root as roots
from harness.vm.accelerator import BOOT_S, KVM, TCG, accelerator, remember_failure
from harness.vm.bundle import make
from harness.vm.command import Command
from harness.vm.guest import GuestRequest
from harness.vm.machine import LostError, Machine, started
from harness.vm.protocol import GuestProtocol
from harness.vm.root import Root
from harness.vm.settings import Settings

if TYPE_CHECKING:
    from types import ModuleType

BOOTS = 2
"""Tries to reach the guest's init: an emulator's stall is no verdict."""


@record(frozen=True, slots=True)
class VmSession:
    """A session and the machine that it needs."""

    image: Image
    root: Root
    settings: Settings
    options: SessionOptions
    scenarios: tuple[Scenario, ...]
    steps: bool = False
    """Yield each step of a run, and its whole result: for a display that follows a single run."""


def run_in_vm(session: VmSession) -> Generator[Event]:
    """Run a session under another kernel.  Closing the iterator ends the machine.

    All scenarios run in one machine, unless it is lost, or its kernel reports trouble (a warning, an oops) after which
    later runs would prove nothing: the others run in a fresh one.  A machine that is lost is an outcome, not an error.

    Args:
        session: What to run, and under which kernel.

    Yields:
        The events of `run_session`.

    Raises:
        MachineError: No machine can be started here, or the guest cannot do it at all.
        Interrupted: A signal arrived; Ended with the runs counted so far was yielded before.
    """
    engine = choose(session.image, session.settings)
    left = session.scenarios
    failed_boots = 0
    accel = accelerator(session.settings.accel) if session.root.here else TCG
    while left:
        guest = _Guest(session, left)
        try:
            yield from _boot(engine, session, guest, accel)
        except LostError as lost:
            if lost.kvm_failed and session.settings.accel != KVM:
                remember_failure(lost.why)
                accel = TCG
                spec = session.image.spec
                say(f"fusezap: {lost.why}; {spec} is emulated now, and KVM is not tried again until the next boot")
                left = left[guest.done :]
                continue
            if not lost.reached_init:
                failed_boots += 1
                accel = accel if session.settings.accel == KVM else TCG
                if failed_boots < BOOTS:
                    engine = _second(engine, session.settings)
                    yield Said(f"{session.image.spec}: {lost.why}, before its init was reached; started once more")
                    continue
            yield from guest.lost(lost)
        for each in guest.refused:
            yield Said(f"of the evidence that the guest wrote, this was not copied: {each}")
        left = left[guest.done :]


def choose(image: Image, settings: Settings) -> ModuleType:
    """The engine that the user named, or the first that does not refuse.

    Raises:
        KernelError: The kernel was built without what every machine and every run needs.
        MachineError: No engine takes it; lists why each one refuses.
    """
    lacking = kernel_options.lacking(image)
    if lacking:
        raise KernelError(f"{image.spec} ({image.release}) cannot run it: it lacks {', '.join(lacking)}")
    names = [settings.engine] if settings.engine else registry.names(engines)
    reasons = []
    for engine in sorted(map(_named, names), key=lambda each: cast("int", each.ORDER)):
        why = engine.refusal(image, settings)
        if why is None:
            return engine
        reasons.append(f"{engine.__name__.rpartition('.')[2]}: {why}")
    raise MachineError(f"{image.spec} ({image.release}) cannot be started here", "\n".join(reasons))


def root_for(image: Image, settings: Settings, report: Report) -> Root:
    """The root of a guest with that kernel, fetched where it is not this machine's.

    Args:
        image: The kernel.
        settings: Of the machine.
        report: Is called with the progress of what is fetched.

    Raises:
        MachineError: No engine takes the kernel, or there is no root for it.
    """
    choose(image, settings)
    return roots.of(image.machine, report)


def _named(name: str) -> ModuleType:
    return registry.chosen(engines, "engine", name, "SUMMARY", "ORDER", "refusal", "command", "END")


def _second(engine: ModuleType, settings: Settings) -> ModuleType:
    """The engine for the second boot: the same, unless it names another and the user named none."""
    other: str | None = getattr(engine, "SECOND", None)
    return engine if other is None or settings.engine else _named(other)


def _boot(engine: ModuleType, session: VmSession, guest: _Guest, accel: str) -> Generator[Event]:
    options, settings, root = session.options, session.settings, session.root
    inside = replace(options, out=Path(engine.SHARE) / wire.EVIDENCE if options.out else None)
    dumped = settings.dump is not None
    with share.shared(GuestRequest(inside, guest.scenarios, session.steps or dumped, dumped)) as folder:
        run = start.python(root, f"{engine.SHARE}/unbundle.py", engine.SHARE)
        (folder / "start").write_text(start.script(run, engine.END, make.sources(root)))
        shutil.copyfile(make.file(root), folder / "bundle")
        shutil.copyfile(Path(__file__).with_name("bundle") / "unbundle.py", folder / "unbundle.py")
        if not root.here:
            roots.bring_sources(folder / make.SOURCES)
        command = machine_command(engine, session.image, settings, root, folder, accel)
        deadline_s = settings.deadline_s + (options.patience_s or 0.0)
        with started(command, folder, deadline_s, settings.console, BOOT_S if accel == KVM else None) as machine:
            try:
                yield from guest.follow(machine, folder)
            finally:
                guest.refused = _take_evidence(folder / wire.EVIDENCE, guest.scenarios, options.out)


def machine_command(
    engine: ModuleType, image: Image, settings: Settings, root: Root, share: Path, accel: str
) -> Command:
    """Complete the shared folder, and return what starts the machine: as a user without rights where that works.

    Raises:
        MachineError: It cannot be started so.
    """
    user = unprivileged.user(settings, image, root, share.parent, accel, getattr(engine, "UNPRIVILEGED", False))
    if user is None:
        command: Command = engine.command(image, settings, root, share, accel)
        return command
    command = engine.command(user.readable(image, share), settings, root, share, accel)
    user.take(share)
    return user.starts(command)


class _Guest:
    """The host's account of one machine: its kernel, and the series under way, for the case that it is lost."""

    def __init__(self, session: VmSession, scenarios: tuple[Scenario, ...]) -> None:
        self.scenarios = scenarios
        self.done = 0
        self.refused: tuple[str, ...] = ()
        """Evidence of the guest that was not copied, in words."""
        self._options = session.options
        self._dump_file = session.settings.dump
        self._symbols = dump.symbols_of(session.image)
        self._kernel = Kernel(session.image.release, session.image.version, session.image.machine)
        self._tally: Tally | None = None
        self._began = 0.0

    def follow(self, machine: Machine, share: Path) -> Generator[Event]:
        protocol = GuestProtocol(tuple(each.name for each in self.scenarios), self._options)
        try:
            with closing(machine.events(protocol.follow)) as lines:
                for line in lines:
                    match line:
                        case wire.Hello():
                            self._greet(line)
                        case Failed():
                            kind = BugError if line.bug else KernelError
                            raise kind(f"under {visible(self._kernel.release)}: {line.error}")
                        case wire.Bye():
                            return
                        case _:
                            self._note(line)
                            yield line
                            if isinstance(line, Judged):
                                yield from self._dump(line.verdict, share)
        except Interrupted:
            if self._tally is not None and self._tally.runs:
                yield Ended(self._series(note=f"interrupted after {self._tally.runs} runs"))
            raise

    def _dump(self, verdict: Verdict, share: Path) -> Generator[Event]:
        """Dump the memory of the guest, which waits for that where something is stuck."""
        file = self._dump_file
        if file is not None and verdict.outcome in STUCK:
            dump.take(share, file)
            yield Said(f"{file} has the memory of the guest, {dump.log_of(file)} its log. Look into it by:")
            for each in dump.commands(file, self._kernel.release, self._symbols):
                yield Said(f"  {each}")

    def lost(self, lost: LostError) -> Generator[Event]:
        """The series under way ends as lost-vm; where no machine came up to run one, all of them do."""
        series = 1 if self._tally is not None else len(self.scenarios) - self.done
        for _ in range(series):
            if self._tally is None:
                self._begin()
            assert self._tally is not None
            yield Said(f"{self._tally.about.name}: the machine was lost: {lost.why}")
            self._tally.add(self._lost_result(lost))
            ended = Ended(self._series())
            self._note(ended)
            yield ended

    def _lost_result(self, lost: LostError) -> Result:
        reasons = (lost.why, *lost.console)
        verdict = Verdict(Outcome.LOST_VM, reasons, None, (), (), None, ())
        return Result(about(self.scenarios[self.done]), self._kernel, verdict, None, None, Timings(), mode="root")

    def _series(self, note: str = "") -> Series:
        assert self._tally is not None
        return self._tally.series(note=note, duration_s=time.monotonic() - self._began)

    def _begin(self) -> None:
        self._tally = Tally(self._kernel, about(self.scenarios[self.done]), self._options.confidence)
        self._began = time.monotonic()

    def _greet(self, hello: wire.Hello) -> None:
        self._kernel = hello.kernel
        if hello.version != __version__:
            raise MachineError(f"the guest runs fusezap {hello.version}, this is {__version__}")

    def _note(self, event: Event) -> None:
        match event:
            case Began():
                self._begin()
            case Counted(result=result):
                assert self._tally is not None
                if result is not None:
                    self._tally.add(result)
                else:
                    self._tally.add_error(event.error)
            case Ended():
                self._tally = None
                self.done += 1


def _take_evidence(found: Path, scenarios: tuple[Scenario, ...], out: Path | None) -> tuple[str, ...]:
    """Copy the evidence that the guest wrote, and return what was refused of it, in words.

    A folder whose name is taken gets a number, as between runs here.

    The script that makes the hang again is written here: a program of the guest's is nothing to be run on the host.
    """
    if out is None:
        return ()
    from harness.repro.forms import sh
    from harness.run.evidence import fresh_folder
    from harness.vm.evidence import take

    known = {each.name: each for each in scenarios}

    def folder_for(name: str) -> Path:
        folder = fresh_folder(out, name)
        scenario = known.get(name) or known.get(name.rpartition("-")[0])
        if scenario is not None and sh.possible(scenario):
            script = folder / "repro.sh"
            script.write_text(sh.script(scenario))
            script.chmod(0o755)
        return folder

    return tuple(take(found, folder_for).refused)
