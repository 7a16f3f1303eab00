"""A hang that is kept in a virtual machine for the user, who has a shell in the guest until it is left."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack

from harness.errors import MachineError, UsageError
from harness.kernels import architectures
from harness.kernels.image import Image
from harness.vm import root as roots
from harness.vm import share, start
from harness.vm.accelerator import TCG, accelerator
from harness.vm.bundle import make
from harness.vm.machine import daemons
from harness.vm.root import Root
from harness.vm.session import choose, machine_command
from harness.vm.settings import Settings

_LEAVE = "Leave the shell, or type Ctrl-A X, and the machine is gone."


def open_shell(image: Image, arguments: tuple[str, ...], settings: Settings, root: Root) -> None:
    """Start the machine on this terminal.

    Args:
        image: The kernel.
        arguments: Of `fusezap run` in the guest, besides --keep.
        settings: Of the machine.
        root: The guest's root file system.

    Raises:
        UsageError: Standard input or output is no terminal.
        MachineError: The machine cannot be started, or failed.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("--shell is for a person at a terminal", "without one, see --out for the evidence")
    engine = choose(image, settings)
    with share.shared(()) as folder, ExitStack() as stack:
        run = script(arguments, architectures.of(image.machine).CONSOLE, root)
        (folder / "start").write_text(start.script(run, engine.END, make.sources(root)))
        if not root.here:
            roots.bring_sources(folder / make.SOURCES)
        accel = accelerator(settings.accel) if root.here else TCG
        command = machine_command(engine, image, settings, root, folder, accel)
        stack.enter_context(daemons(command))
        try:
            ended = subprocess.run(command.argv, check=False)
        except OSError as error:
            raise MachineError(f"{command.argv[0]} cannot be started: {error}") from error
    if ended.returncode:
        raise MachineError(f"the machine ended with status {ended.returncode}")


def script(arguments: tuple[str, ...], console: str, root: Root) -> str:
    """The shell lines that run it on the guest's terminal, which is given the type and the size of ours."""
    columns, lines = shutil.get_terminal_size()
    run = shlex.join([str(root.python), "-P", "-m", "harness", "run", *arguments, "--keep"])
    shell = f"{shutil.which('setsid')} --ctty --wait {shutil.which('bash') or '/bin/sh'} -i"
    if not root.here:
        shell = f"{root.busybox} setsid -c {root.busybox} sh -i"
    leave = shlex.quote(f"\n{_LEAVE}\n")
    return f"""\
export PATH={shlex.quote(str(root.python.parent))}:$PATH TERM={shlex.quote(os.environ.get("TERM", "linux"))}
exec </dev/{console} >/dev/{console} 2>&1
stty columns {columns} rows {lines}
{run}
printf '%s' {leave}
{shell}"""
