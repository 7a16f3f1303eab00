"""The options of a command that can do its work under another kernel."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.commands import _extras
from harness.commands._fetching import told
from harness.commands._numbers import seconds
from harness.errors import UsageError
from harness.run import session
from harness.run.runner import Listener
from harness.run.session import Plan, Watcher
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


def carry_out(
    args: argparse.Namespace,
    plan: Plan,
    scenarios: tuple[Scenario, ...],
    listener: Listener,
    watcher: Watcher,
    say: Callable[[str], None],
) -> str:
    """As `session.carry_out`, here or there; the release of the kernel."""
    import os

    if args.kernel is None:
        session.carry_out(plan, scenarios, listener, watcher, say)
        return os.uname().release
    from harness.kernels import spec as kernel_spec

    with told() as tell:
        image = kernel_spec.find(args.kernel, tell)
    if image.is_host:
        session.carry_out(plan, scenarios, listener, watcher, say)
    else:
        from harness.vm import session as elsewhere

        elsewhere.carry_out(image, plan, scenarios, listener, watcher, say, settings(args, args.append))
    return image.release


def attend(args: argparse.Namespace, arguments: tuple[str, ...]) -> None:
    """`fusezap run` with `arguments` there, and a shell for a person."""
    from harness.kernels import spec as kernel_spec
    from harness.record import replace
    from harness.vm import root as roots
    from harness.vm import shell

    with told() as tell:
        image = kernel_spec.find(args.kernel, tell)
        if image.is_host:
            raise UsageError("--shell is for another kernel", "here, --keep leaves the hang to look at")
        root = roots.of(image.machine, tell)
    shell.attend(image, arguments, replace(settings(args, args.append), shell=True), root)


def settings(args: argparse.Namespace, append: str = "") -> Settings:
    from harness.vm.settings import Settings

    return Settings(
        engine=args.engine,
        accel=args.accel,
        memory_mib=args.memory,
        deadline_s=args.deadline,
        console=args.console,
        dump=getattr(args, "dump", None),
        append=append,
    )
