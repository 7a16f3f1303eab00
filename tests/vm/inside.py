"""Runs a shell script in a machine of its own: what a command of ours does under another kernel."""

from __future__ import annotations

import shlex
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.kernels import spec as kernel_spec
from harness.kernels.image import Image
from harness.record import replace
from harness.vm import dump, root, session, share, start, wire
from harness.vm.accelerator import accelerator
from harness.vm.machine import started
from harness.vm.settings import Settings

FUSEZAP = shlex.join([sys.executable, "-P", "-m", "harness"])
_AWAIT = "import sys; from pathlib import Path; from harness.vm import dump; dump.await_taken(Path(sys.argv[1]))"


def told(spec: str, script: str, memory_mib: int = 1024, deadline_s: float = 300, files: Path | None = None) -> str:
    """The text that it has written to standard output and error.  LostError when it does not come to its end."""
    return of_image(kernel_spec.find(spec, lambda _: None), script, memory_mib, deadline_s, files=files)


def of_image(
    image: Image,
    script: str,
    memory_mib: int = 1024,
    deadline_s: float = 300,
    vmcore: Path | None = None,
    files: Path | None = None,
) -> str:
    """The same; `vmcore`: at the end of the script, the machine's memory is dumped there.

    `files`: a folder that the machine gets a copy of, and in which the script begins.
    """
    settings = Settings(memory_mib=memory_mib, dump=vmcore)
    engine = session.choose(image, settings)
    with ThreadPoolExecutor(1) as pool, share.shared(None) as folder:
        if vmcore is not None:
            script = f"{script}\n{shlex.join([sys.executable, '-P', '-c', _AWAIT, engine.SHARE])}"
        if files is not None:
            shutil.copytree(files, folder / "files")
            script = f"cd {engine.SHARE}/files\n{script}"
        bye = shlex.quote(wire.line(0, wire.Bye()))
        lines = f"(\n{script}\n) >{engine.SHARE}/told 2>&1\nprintf %s {bye} >>{engine.SHARE}/{wire.EVENTS}"
        (folder / "start").write_text(start.script(lines, engine.END))
        command = session.machine_command(engine, image, settings, root.own(), folder, accelerator())
        with started(command, folder, deadline_s, shown=False) as machine:
            taken = pool.submit(dump.take, folder, vmcore, deadline_s) if vmcore is not None else None
            assert list(machine.events(lambda _: True)) == [wire.Bye()]
            if taken is not None:
                taken.result()
        return (folder / "told").read_text()


def randomized(image: Image) -> Image:
    """The kernel started by its own decompressor, which is what puts it at a random address (KASLR)."""
    return replace(image, vmlinux=None)
