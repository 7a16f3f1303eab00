"""The session of `harness.run.session`, held under another kernel: the same events come to the same watcher."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from harness import __version__, registry
from harness.boundary import say as tell
from harness.errors import BugError, Interrupted, KernelError, MachineError
from harness.kernels.image import Image
from harness.kernels.progress import at_tenths
from harness.model.records import STUCK, Kernel, Result, Series, Timings, Verdict
from harness.model.terms import Outcome
from harness.printable import visible
from harness.record import record, replace
from harness.run.runner import SILENT, Listener
from harness.run.session import Plan, Watcher
from harness.run.tally import Tally
from harness.scenario import Scenario
from harness.scenario.steps import about
from harness.vm import dump, engines, share, start, wire
from harness.vm import root as roots
from harness.vm.accelerator import BOOT_S, KVM, TCG, accelerator, remember_failure
from harness.vm.bundle import make
from harness.vm.guest import Orders
from harness.vm.machine import LostError, Machine, started
from harness.vm.protocol import Course
from harness.vm.root import Root
from harness.vm.settings import Settings

if TYPE_CHECKING:
    from types import ModuleType

    from harness.launch.victim import Victim

BOOTS = 2
"""Tries to reach the guest's init: an emulator's stall is no verdict."""


@record(frozen=True, slots=True)
class _Errand:
    """What is wanted of a kernel, and who is told of it."""

    image: Image
    root: Root
    plan: Plan
    settings: Settings
    listener: Listener
    watcher: Watcher
    say: Callable[[str], None]


def carry_out(
    image: Image,
    plan: Plan,
    scenarios: tuple[Scenario, ...],
    listener: Listener,
    watcher: Watcher,
    say: Callable[[str], None],
    settings: Settings,
) -> None:
    """All in one machine, unless it is lost, or its kernel says something of itself that the rest cannot rest on.

    MachineError when no machine can be started here.  A machine that is lost is an outcome, not an error.
    """
    engine = choose(image, settings)
    root = roots.of(image.machine, at_tenths(say))
    errand = _Errand(image, root, plan, settings, listener, watcher, say)
    left = scenarios
    failed_boots = 0
    accel = accelerator(settings.accel) if root.here else TCG
    while left:
        guest = _Guest(errand, left)
        try:
            _boot(engine, errand, guest, accel)
        except LostError as lost:
            if lost.kvm_failed and settings.accel != KVM:
                remember_failure(lost.why)
                accel = TCG
                tell(f"fusezap: {lost.why}; {image.spec} is emulated now, and KVM not tried again until the next boot")
                left = left[guest.done :]
                continue
            if not lost.reached_init:
                failed_boots += 1
                accel = accel if settings.accel == KVM else TCG
                if failed_boots < BOOTS:
                    engine = _second(engine, settings)
                    say(f"{image.spec}: {lost.why}, before its init was reached; started once more")
                    continue
            guest.lost(lost)
        left = left[guest.done :]


def choose(image: Image, settings: Settings) -> ModuleType:
    """The engine that was asked for, or the first that does not refuse; MachineError tells why none will do."""
    names = [settings.engine] if settings.engine else registry.names(engines)
    reasons = []
    for engine in sorted(map(_named, names), key=lambda each: cast("int", each.ORDER)):
        why = engine.refusal(image, settings)
        if why is None:
            return engine
        reasons.append(f"{engine.__name__.rpartition('.')[2]}: {why}")
    raise MachineError(f"{image.spec} ({image.release}) cannot be started here", "\n".join(reasons))


def _named(name: str) -> ModuleType:
    return registry.chosen(engines, "engine", name, "SUMMARY", "ORDER", "refusal", "command", "END")


def _second(engine: ModuleType, settings: Settings) -> ModuleType:
    """Where it did not come up: itself, unless it names another, and the user names none."""
    other: str | None = getattr(engine, "SECOND", None)
    return engine if other is None or settings.engine else _named(other)


def _boot(engine: ModuleType, errand: _Errand, guest: _Guest, accel: str) -> None:
    plan, settings, root = errand.plan, errand.settings, errand.root
    inside = replace(plan, out=Path(engine.SHARE) / wire.EVIDENCE if plan.out else None)
    told = errand.listener is not SILENT or settings.dump is not None
    orders = Orders(inside, guest.scenarios, told, settings.dump is not None)
    with share.shared(orders) as folder:
        run = start.python(root, f"{engine.SHARE}/unbundle.py", engine.SHARE)
        (folder / "start").write_text(start.script(run, engine.END, make.sources(root)))
        shutil.copyfile(make.file(root), folder / "bundle")
        shutil.copyfile(Path(__file__).with_name("bundle") / "unbundle.py", folder / "unbundle.py")
        if not root.here:
            roots.bring_sources(folder / make.SOURCES)
        command = engine.command(errand.image, settings, root, folder, accel)
        deadline_s = settings.deadline_s + (plan.patience_s or 0.0)
        with started(command, folder, deadline_s, settings.console, BOOT_S if accel == KVM else None) as machine:
            try:
                guest.follow(machine, folder)
            finally:
                _take_evidence(folder / wire.EVIDENCE, guest.scenarios, plan.out, errand.say)


class _Guest:
    """What one machine has told so far."""

    def __init__(self, errand: _Errand, scenarios: tuple[Scenario, ...]) -> None:
        self.scenarios = scenarios
        self.done = 0
        self._plan = errand.plan
        self._listener = errand.listener
        self._watcher = errand.watcher
        self._say = errand.say
        self._settings = errand.settings
        self._symbols = dump.symbols_of(errand.image)
        self._kernel = Kernel(errand.image.release, errand.image.version, errand.image.machine)
        self._tally: Tally | None = None
        self._began = 0.0

    def follow(self, machine: Machine, share: Path) -> None:
        try:
            course = Course(tuple(each.name for each in self.scenarios), self._plan)
            for event in machine.events(course.follow):
                self._take(event)
                if isinstance(event, wire.Step) and event.name == "judged":
                    self._dump(event, share)
        except Interrupted:
            if self._tally is not None and self._tally.runs:
                self._watcher.ended(self._series(note=f"interrupted after {self._tally.runs} runs"))
            raise

    def _dump(self, step: wire.Step, share: Path) -> None:
        """The guest waits for it where something is stuck."""
        file = self._settings.dump
        if file is not None and step.verdict is not None and step.verdict.outcome in STUCK:
            dump.take(share, file)
            self._say(f"{file} has the memory of the guest, {dump.log_of(file)} its log. Look into it by:")
            for each in dump.commands(file, self._kernel.release, self._symbols):
                self._say(f"  {each}")

    def lost(self, lost: LostError) -> None:
        """The scenario under way is not to be judged; nor, where no machine came to run one, is any."""
        if self._tally is not None:
            self._end_lost(lost)
            return
        while self.done < len(self.scenarios):
            self._begin(self.scenarios[self.done], self._plan.times)
            self._end_lost(lost)

    def _end_lost(self, lost: LostError) -> None:
        assert self._tally is not None
        self._say(f"{self._tally.about.name}: the machine was lost: {lost.why}")
        self._tally.add(self._lost_result(lost))
        self._watcher.ended(self._series())
        self._tally = None
        self.done += 1

    def _lost_result(self, lost: LostError) -> Result:
        reasons = (lost.why, *lost.console)
        verdict = Verdict(Outcome.LOST_VM, reasons, None, (), (), None, ())
        scenario = self.scenarios[self.done]
        return Result(about(scenario), self._kernel, verdict, None, None, Timings(), mode="root")

    def _series(self, note: str = "") -> Series:
        assert self._tally is not None
        return self._tally.series(note=note, duration_s=time.monotonic() - self._began)

    def _begin(self, scenario: Scenario, times: int) -> None:
        self._tally = Tally(self._kernel, about(scenario), self._plan.confidence)
        self._began = time.monotonic()
        self._watcher.began(scenario, times)

    def _take(self, event: wire.Event) -> None:
        match event:
            case wire.Hello():
                self._kernel = event.kernel
                if event.version != __version__:
                    raise MachineError(f"the guest runs fusezap {event.version}, this is {__version__}")
            case wire.Began():
                self._begin(self.scenarios[self.done], event.times)
                self._listener.arming(self.scenarios[self.done])
            case wire.Counted():
                assert self._tally is not None
                if event.result is not None:
                    self._tally.add(event.result)
                elif event.error:
                    self._tally.add_error(event.error)
                self._watcher.counted(self._tally, event.result)
            case wire.Step():
                _retell(event, self._listener)
            case wire.Ended():
                self._tally = None
                self.done += 1
                self._watcher.ended(event.series)
            case wire.Said():
                self._say(event.message)
            case wire.Failed():
                kind = BugError if event.bug else KernelError
                raise kind(f"under {visible(self._kernel.release)}: {event.error}")
            case wire.Bye():
                return


class _Target:
    def __init__(self, init: int) -> None:
        self.init = init


class _Victim:
    """Of the guest's victim, what a listener is told."""

    def __init__(self, step: wire.Step) -> None:
        self.about = step.about
        self.target = _Target(step.init)


def _retell(step: wire.Step, listener: Listener) -> None:
    victim = cast("Victim", _Victim(step))
    match step:
        case wire.Step(name="armed", snapshot=snapshot) if snapshot is not None:
            listener.armed(victim, snapshot, step.took_ms)
        case wire.Step(name="killed"):
            listener.killed(victim)
        case wire.Step(name="looked", verdict=verdict) if verdict is not None:
            listener.looked(verdict)
        case wire.Step(name="judged", verdict=verdict) if verdict is not None:
            listener.judged(verdict, step.took_ms)
        case wire.Step(name="attempted", attempt=attempt) if attempt is not None:
            listener.attempted(attempt)
        case wire.Step(name="resolved", resolution=resolution) if resolution is not None:
            listener.resolved(resolution)
        case wire.Step(name="finished", result=result) if result is not None:
            listener.finished(result)


def _take_evidence(found: Path, scenarios: tuple[Scenario, ...], out: Path | None, say: Callable[[str], None]) -> None:
    """Take over what the guest kept; a name that is taken gets a number, as between runs here.

    The script that makes the hang again is written here: a program of the guest's is nothing to be run on the host.
    """
    if out is None:
        return
    from harness.launch import repro
    from harness.run.evidence import fresh_folder
    from harness.vm.evidence import take

    known = {each.name: each for each in scenarios}

    def folder_for(name: str) -> Path:
        folder = fresh_folder(out, name)
        scenario = known.get(name) or known.get(name.rpartition("-")[0])
        if scenario is not None and repro.possible(scenario):
            script = folder / "repro.sh"
            script.write_text(repro.script(scenario))
            script.chmod(0o755)
        return folder

    for each in take(found, folder_for).refused:
        say(f"of what the guest kept, this was not taken: {each}")
