"""The options of a command that can do its work under another kernel."""

from __future__ import annotations

import argparse
import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands import _extras
from harness.commands._numbers import seconds
from harness.errors import UsageError
from harness.model.events import Event
from harness.run.session import SessionOptions, run_session
from harness.scenario import Scenario

if TYPE_CHECKING:
    from harness.vm.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("under another kernel, in a virtual machine that sees this machine's files")
    group.add_argument("--kernel", metavar="SPEC", help="which one: see `fusezap kernels`")
    machine(group)
    group.add_argument(
        "--append", metavar="ARGS", default="", help="more of its command line, such as 'panic_on_warn=1 slub_debug=FZ'"
    )


def machine(group: argparse._ArgumentGroup) -> None:
    """The virtual machine's own."""
    group.add_argument("--engine", metavar="NAME", help="what starts it; default: the first that can")
    group.add_argument(
        "--accel",
        choices=("kvm", "tcg", "auto"),
        default="auto",
        help="what runs it: KVM, QEMU's emulator, or KVM where it works (default)",
    )
    group.add_argument(
        "--unprivileged",
        choices=("always", "never", "auto"),
        default="auto",
        help="whether QEMU runs as a user without rights where root starts it: where that works (default)",
    )
    group.add_argument("--memory", metavar="MIB", type=int, default=1024, help="of the machine (default 1024)")
    group.add_argument(
        "--deadline",
        metavar="SECONDS",
        type=seconds(0.1),
        default=120.0,
        help="silence after which it is lost (default 120)",
    )
    group.add_argument("--console", action="store_true", help="show on stderr what the machine prints")


def check(args: argparse.Namespace) -> None:
    """UsageError for what the machine cannot have; an engine that is an optional dependency is installed."""
    if args.engine == "virtme":
        _extras.ensure("virtme", "virtme", "--engine virtme")
    if not 256 <= args.memory <= 1 << 20:
        raise UsageError("--memory takes 256 MiB or more, and no more than a TiB")


def session(
    args: argparse.Namespace, options: SessionOptions, scenarios: tuple[Scenario, ...], steps: bool = False
) -> tuple[str, Generator[Event]]:
    """The session that the options ask for, under this kernel or another one, which is fetched here.

    Args:
        args: The options of the command.
        options: Of the session.
        scenarios: What to run.
        steps: Yield each step of the runs, also of those in a virtual machine.

    Returns:
        The release of the kernel, and the events; nothing runs before they are iterated over.
    """
    if args.kernel is None:
        return os.uname().release, run_session(options, scenarios)
    from harness.commands._fetching import progress_shown
    from harness.kernels import spec as kernel_spec

    with progress_shown() as report:
        image = kernel_spec.find(args.kernel, report)
        if image.is_host:
            return image.release, run_session(options, scenarios)
        from harness.vm.session import VmSession, root_for, run_in_vm

        machine = settings(args, args.append, _programs(scenarios))
        root = root_for(image, machine, report)
    return image.release, run_in_vm(VmSession(image, root, machine, options, scenarios, steps))


def _programs(scenarios: tuple[Scenario, ...]) -> tuple[Path, ...]:
    """The folders of the users' own programs, whose first words are absolute paths."""
    words = [each.command for each in scenarios if each.command]
    words += [command for each in scenarios for command in each.commands]
    return tuple(dict.fromkeys(Path(first).absolute().parent for first, *_ in words))


def open_shell(args: argparse.Namespace, arguments: tuple[str, ...], scenario: Scenario) -> None:
    """Run `fusezap run` with `arguments`, for a scenario, in a virtual machine, and give the user a shell there."""
    from harness.commands._fetching import progress_shown
    from harness.kernels import spec as kernel_spec
    from harness.record import replace
    from harness.vm import root as roots
    from harness.vm import shell

    with progress_shown() as report:
        image = kernel_spec.find(args.kernel, report)
        if image.is_host:
            raise UsageError("--shell is for another kernel", "here, --keep leaves the hang to look at")
        root = roots.of(image.machine, report)
    shell.open_shell(image, arguments, replace(settings(args, args.append, _programs((scenario,))), shell=True), root)


def settings(args: argparse.Namespace, append: str = "", shown: tuple[Path, ...] = ()) -> Settings:
    """The machine's settings by the options.

    Args:
        args: The options of the command.
        append: More of the kernel's command line.
        shown: Folders with programs of the user's, which the guest sees.
    """
    from harness.vm.settings import Settings

    return Settings(
        engine=args.engine,
        accel=args.accel,
        unprivileged=args.unprivileged,
        memory_mib=args.memory,
        deadline_s=args.deadline,
        console=args.console,
        dump=getattr(args, "dump", None),
        shown=shown,
        append=append,
    )
