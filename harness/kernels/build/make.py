"""Builds an image by kbuild in a folder of its own (`make O=FOLDER`): the sources are only read."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
from collections import deque
from pathlib import Path

from harness.errors import KernelError, MachineError, UsageError
from harness.kernels import architectures
from harness.kernels.progress import Report
from harness.record import record

LAST_LINES = 6
"""Lines of a failed make that are reported, after the first error of the compiler."""
_KEPT_LINES = 400
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")
"""However this process ends, make ends too, and removes what it was making."""
_RECIPE = "fusezap-recipe"
"""A file in the folder: the recipe that its configuration was made by."""
_ERROR = re.compile(r"(?:fatal )?error: |undefined reference|\*\*\* ")


@record(frozen=True, slots=True)
class Recipe:
    """The way in which an image is built, whatever the revision."""

    config: str
    """The text of a configuration."""
    whole: bool = False
    """It is a whole configuration; else only what must be set, and all else is off (`make allnoconfig`)."""
    jobs: int = 1
    llvm: bool = False
    """Build with clang and its tools (`LLVM=1`)."""
    machine: str = os.uname().machine
    cross: str = ""
    """CROSS_COMPILE, such as `aarch64-linux-gnu-`."""

    @property
    def variables(self) -> tuple[str, ...]:
        """Assignments of make's command line."""
        arch = {"x86_64": "x86", "aarch64": "arm64"}[self.machine]
        compiler = () if self.llvm or shutil.which("ccache") is None else (f"CC=ccache {self.cross}gcc",)
        return (
            f"ARCH={arch}",
            *((f"CROSS_COMPILE={self.cross}",) if self.cross else ()),
            *(("LLVM=1",) if self.llvm else ()),
            *compiler,
        )

    @property
    def name(self) -> str:
        """A hash of all that decides what becomes of a source tree; the compiler's version belongs to it."""
        parts = (self.config, str(self.whole), str(self.llvm), self.machine, self.cross, _compiler(self))
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@record(frozen=True, slots=True)
class Built:
    """The results of a make that succeeded."""

    image: Path
    config: Path
    release: str
    """`uname -r` of it."""
    untaken: tuple[str, ...]
    """Lines of the configuration that was asked for and that kbuild did not take: for want of another option, say."""


def build(source: Path, folder: Path, recipe: Recipe, report: Report, lock: int) -> Built:
    """Build an image.

    Args:
        source: The sources; no file is written there.
        folder: What make fills.  What it has of an earlier revision saves time.
        recipe: How.
        report: Is called with what is done.
        lock: A locked file descriptor that the processes of make inherit: the lock lasts until the last one has ended.

    Returns:
        The image; its files are those of the folder, and change with the next build there.

    Raises:
        KernelError: The sources do not build; the last lines of make are in the message.
        MachineError: A program is missing, or make was killed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    base = ("make", "-C", str(source), f"O={folder}", *recipe.variables)
    _configure(base, folder, recipe, report, lock)
    image = architectures.of(recipe.machine).IMAGES[0]
    report(f"building {Path(image).name}")
    _make((*base, f"-j{recipe.jobs}", Path(image).name), lock)
    release = (folder / "include/config/kernel.release").read_text().strip()
    config = folder / ".config"
    return Built(folder / image, config, release, untaken(recipe.config, config.read_text("utf-8", "replace")))


def untaken(asked: str, taken: str) -> tuple[str, ...]:
    """Find what kbuild did not take of a configuration.

    Args:
        asked: The text of a configuration, or of a part of one.
        taken: The text of the configuration that kbuild has made of it.

    Returns:
        The lines that are not in the other text.
    """
    there = set(taken.splitlines())
    lines = dict.fromkeys(line.strip() for line in asked.splitlines())
    return tuple(line for line in lines if re.match(r"CONFIG_\w+=(?!n$)", line) and line not in there)


def _configure(base: tuple[str, ...], folder: Path, recipe: Recipe, report: Report, lock: int) -> None:
    """A new revision has new symbols: olddefconfig gives them their defaults, where make would ask."""
    mark = folder / _RECIPE
    if not mark.exists() or mark.read_text() != recipe.name or not (folder / ".config").exists():
        report("configuring")
        wanted = folder / "fusezap.config"
        wanted.write_text(recipe.config)
        if recipe.whole:
            shutil.copyfile(wanted, folder / ".config")
        else:
            # conf_read_simple() (scripts/kconfig/conf.c) takes the symbols of this file first.
            _make((*base, f"KCONFIG_ALLCONFIG={wanted}", "allnoconfig"), lock)
        mark.write_text(recipe.name)
    _make((*base, "olddefconfig"), lock)


def _make(argv: tuple[str, ...], lock: int) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "O")}
    try:
        process = subprocess.Popen(
            (*_ENDS_WITH_US, *argv),
            env={**environment, "LC_ALL": "C"},
            process_group=0,
            pass_fds=(lock,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except FileNotFoundError as error:
        raise MachineError("setpriv is not there", "install util-linux") from error
    with process:
        try:
            assert process.stdout is not None
            lines = deque((line.rstrip() for line in process.stdout), _KEPT_LINES)
        except BaseException:
            os.killpg(process.pid, signal.SIGTERM)
            raise
    if process.returncode == 127:
        raise MachineError(f"{argv[0]} cannot be started: {' '.join(lines)[:200]}", "install make and a compiler")
    if process.returncode < 0 or process.returncode > 128:
        raise MachineError(f"make was killed (status {process.returncode}); is there enough memory?")
    if process.returncode:
        raise KernelError(f"{' '.join(argv[-1:])} does not build: {_failure(tuple(lines))}")


def _failure(lines: tuple[str, ...]) -> str:
    """The first error and the lines after it, of what make printed."""
    first = next((number for number, line in enumerate(lines) if _ERROR.search(line)), len(lines) - LAST_LINES)
    return "; ".join(lines[max(0, first) :][:LAST_LINES]) or "it prints nothing"


def _compiler(recipe: Recipe) -> str:
    program = "clang" if recipe.llvm else f"{recipe.cross}gcc"
    try:
        ended = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise MachineError(f"{program} is not there", "install a compiler") from error
    return ended.stdout.partition("\n")[0]


def recipe_of(config: Path, whole: bool, jobs: int, llvm: bool, cross: str) -> Recipe:
    """Read a recipe from options.

    Args:
        config: The file with the configuration.
        whole: Whether it is a whole one.
        jobs: Compilers at a time.
        llvm: Build by clang.
        cross: CROSS_COMPILE, or nothing.

    Returns:
        The recipe, for this machine or, with CROSS_COMPILE, for the one that it names.

    Raises:
        UsageError: The file is no text, or CROSS_COMPILE is for a machine that is not known.
    """
    try:
        text = config.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{config} is no configuration of a kernel: it is no text in UTF-8") from error
    machine = cross.partition("-")[0] or os.uname().machine
    if machine not in architectures.known():
        raise UsageError(f"no kernel is built for {machine}", f"known: {', '.join(architectures.known())}")
    return Recipe(text, whole, jobs, llvm, machine, cross)
