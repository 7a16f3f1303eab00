"""Runs a shell script in a machine of its own: what a command of ours does under another kernel."""

from __future__ import annotations

import shlex
import sys

from harness.kernels import spec as kernel_spec
from harness.vm import root, session, share, start, wire
from harness.vm.accelerator import accelerator
from harness.vm.machine import started
from harness.vm.settings import Settings

FUSEZAP = shlex.join([sys.executable, "-P", "-m", "harness"])


def told(spec: str, script: str, memory_mib: int = 1024, deadline_s: float = 300) -> str:
    """What it has written to standard output and error.  LostError when it does not come to its end."""
    image = kernel_spec.find(spec, lambda _: None)
    settings = Settings(memory_mib=memory_mib)
    engine = session.choose(image, settings)
    with share.shared(None) as folder:
        bye = shlex.quote(wire.line(0, wire.Bye()))
        lines = f"(\n{script}\n) >{engine.SHARE}/told 2>&1\nprintf %s {bye} >>{engine.SHARE}/{wire.EVENTS}"
        (folder / "start").write_text(start.script(lines, engine.END))
        command = engine.command(image, settings, root.own(), folder, accelerator())
        with started(command, folder, deadline_s, shown=False) as machine:
            assert list(machine.events(lambda _: True)) == [wire.Bye()]
        return (folder / "told").read_text()
