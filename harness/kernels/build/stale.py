"""Decides whether the image of a build tree is the one that its present sources would give.

A step of `git bisect run` must never judge the image of another revision.  The files themselves tell: kbuild writes
down what each object was compiled from (`.NAME.o.cmd`, scripts/basic/fixdep.c) and which objects each `built-in.a` is
made of, and compares their times as it is done here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from harness.kernels.compression import decompressed
from harness.record import record

_ALWAYS_WRITTEN = ("include/generated", "include/config")
"""Folders in which every make of an image writes a temporary file (filechk, scripts/Kbuild.include): their times tell
when the last one began."""
_DEPENDENCY = re.compile(r"(?: +|source_\S+ := )(?:\$\(wildcard (\S+)\)|([^\s$]+))(?: \\)?$")
_OBJECT = re.compile(r"[\w.+-]+\.o\b")
_MADE_OF = re.compile(r"^(?:saved)?cmd_\S+ := .*$", re.M)
"""The command that made a file; `savedcmd_` since commit 92215e7a801d ("kbuild: rename cmd_$@ to savedcmd_$@ in *.cmd
files") (in v6.2)."""
_ROOMS = ("fs/fuse", "fs/proc", "kernel")
"""The folders that decide about the hang: objects there are compared with each header, others with their source."""
_HEAD = 1 << 16
"""Characters of a .cmd file in which the source stands: behind the command, before the headers."""
_FUSE = Path("fs/fuse")
_MAGIC = re.compile(rb"\0vermagic=(\S+) ")


class _Times:
    """Times of files in ns, each read once; None for a file that is not there."""

    def __init__(self) -> None:
        self._known: dict[str, int | None] = {}

    def of(self, path: str | Path) -> int | None:
        name = str(path)
        if name not in self._known:
            try:
                self._known[name] = os.stat(name).st_mtime_ns
            except OSError:
                self._known[name] = None
        return self._known[name]

    def newer(self, path: str | Path, other: str | Path) -> bool:
        """Return True where both are there, and the first is the newer one."""
        first, second = self.of(path), self.of(other)
        return first is not None and second is not None and first > second


@record(frozen=True, slots=True)
class _Build:
    """A folder that make has filled."""

    tree: Path
    image: Path
    folders: tuple[Path, ...]
    """Those with objects of the kernel itself."""
    times: _Times

    def stat_name(self, name: str) -> str:
        """The path of a file by the name that make uses for it: relative to the folder that make works in."""
        return name if name.startswith("/") else f"{self.tree}/{name}"


def reason(tree: Path, image: Path) -> str | None:
    """Find out why an image may not be that of its sources.

    Args:
        tree: the folder that make has filled: a source tree, or that of `make O=FOLDER`.
        image: the image in it.

    Returns:
        The reason, with the command that helps; None where every file is as make leaves it at the end of its work.
    """
    build = _Build(tree, image, tuple(_folders(tree)), _Times())
    for check in (_running, _configuration, _compiled, _linked, _fuse_module):
        found = check(build)
        if found is not None:
            return found
    return None


def _running(build: _Build) -> str | None:
    """A make changes to the folder that it works in, also for -C and O=."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if Path(f"/proc/{pid}/comm").read_text().strip() in ("make", "gmake") and os.path.samefile(
                os.readlink(f"/proc/{pid}/cwd"), build.tree
            ):
                return f"make (process {pid}) is at work in {build.tree}"
        except OSError:
            continue  # it has ended, or belongs to somebody else
    return None


def _configuration(build: _Build) -> str | None:
    """Make reads the configuration anew where .config or a Kconfig file has changed, and asks about new symbols."""
    read = build.tree / "include/config/auto.conf"
    if build.times.newer(build.tree / ".config", read):
        return f"{build.tree}/.config was changed after make had read it; run make olddefconfig, then make"
    listed = _text(build.tree / "include/config/auto.conf.cmd")
    for name in re.findall(r"^\t(\S+?)(?: \\)?$", listed, re.M):
        if build.times.newer(build.stat_name(name), read):
            return f"{name} is newer than the configuration that make has read; run make olddefconfig, then make"
    return None


def _compiled(build: _Build) -> str | None:
    for folder in build.folders:
        archive = folder / "built-in.a"
        members = [folder / name for name in _members(folder)]
        found = _objects(build, members) or _not_compiled(build, folder, archive)
        if found is not None:
            return found
        for each in members:
            if build.times.newer(each, archive):
                return f"{_short(build, each)} is newer than built-in.a beside it: make did not finish"
    return None


def _objects(build: _Build, made: list[Path]) -> str | None:
    """Compare the objects of a folder with what they were compiled from."""
    commands = [each.with_name(f".{each.name}.cmd") for each in made]
    for each, command in zip(made, commands, strict=True):
        if build.times.of(each) is None and command.exists():
            return f"{_short(build, each)} is missing: make failed there, or did not finish"
    there = [(each, command) for each, command in zip(made, commands, strict=True) if build.times.of(each) is not None]
    if not there:
        return None
    # A thousand objects have a million lines.  Most lines stand in many of them, and few files are newer than the
    # oldest object: only those are looked for in each.
    whole = any(_within(build, there[0][0], room) for room in _ROOMS)
    lines = {each: _lines(command, whole) for each, command in there}
    oldest = min(lines, key=lambda each: build.times.of(each) or 0)
    names = {line: _name(line) for line in set().union(*lines.values())}
    newer = {line for line, name in names.items() if name and build.times.newer(build.stat_name(name), oldest)}
    for each in sorted(lines):
        for line in sorted(newer & lines[each]):
            if build.times.newer(build.stat_name(names[line]), each):
                made_of = f"{names[line]} is newer than {_short(build, each)}, which is compiled from it"
                return f"{made_of}: make was not run, or failed"
    return None


def _lines(command: Path, whole: bool) -> frozenset[str]:
    """The lines that name a file; without `whole`, the one with the source file itself."""
    text = _text(command)
    if whole:
        return frozenset(text.splitlines())
    return frozenset(line for line in text[:_HEAD].splitlines() if line.startswith("source_"))


def _name(line: str) -> str:
    found = _DEPENDENCY.match(line)
    return (found[1] or found[2]) if found else ""


def _within(build: _Build, path: Path, room: str) -> bool:
    return path.is_relative_to(build.tree / room)


def _folders(tree: Path) -> Iterator[Path]:
    """Those with objects of the kernel itself, each before those in it."""
    left = [str(tree)]
    while left:
        above = left.pop()
        try:
            entries = list(os.scandir(above))
        except OSError:
            continue
        if any(each.name == ".built-in.a.cmd" for each in entries):
            yield Path(above)
        skipped = ("Documentation", "tools", "scripts", "samples", "include", ".git") if above == str(tree) else ()
        left += [each.path for each in entries if each.is_dir(follow_symlinks=False) and each.name not in skipped]


def _members(folder: Path) -> list[str]:
    """Names of the objects in a built-in.a, by the command that made it, in each of the forms that it has had."""
    command = _MADE_OF.search(_text(folder / ".built-in.a.cmd"))
    return sorted(set(_OBJECT.findall(command[0]))) if command else []


def _not_compiled(build: _Build, folder: Path, archive: Path) -> str | None:
    """A change of a makefile, or a source that was added, since the last make, as far as this folder tells."""
    source = build.tree / "source"
    sources = (source.resolve() if source.exists() else build.tree) / folder.relative_to(build.tree)
    begun = max((build.times.of(build.tree / name) or 0 for name in _ALWAYS_WRITTEN), default=0)
    for name in ("Makefile", "Kbuild"):
        file = sources / name
        changed = build.times.of(file)
        if changed is None:
            continue
        if changed > begun > 0:
            return f"{_short(build, file)} was changed after the last make"
        if build.times.newer(file, archive):
            for added in _enabled(_text(file), _text(build.tree / ".config")):
                if build.times.newer(sources / f"{added}.c", archive) and not (folder / f"{added}.o").exists():
                    return f"{_short(build, sources / added)}.c was not compiled: make failed, or did not finish"
    return None


def _enabled(makefile: str, config: str) -> set[str]:
    """Names without `.o` of the objects that the lines of a makefile build into the kernel."""
    chosen = set(re.findall(r"^(CONFIG_\w+)=y$", config, re.M))
    found: set[str] = set()
    for line in makefile.replace("\\\n", " ").splitlines():
        target, assigned, names = line.partition("=")
        conditions = set(re.findall(r"CONFIG_\w+", target))
        if assigned and ("-y" in target or conditions & chosen):
            found.update(each.removesuffix(".o") for each in names.split() if each.endswith(".o"))
    return found


def _linked(build: _Build) -> str | None:
    kernel = build.tree / "vmlinux"
    if build.times.of(kernel) is None:
        return f"there is no vmlinux beside {build.image.name}: the last make did not finish"
    for folder in build.folders:
        if build.times.newer(folder / "built-in.a", kernel):
            return f"{_short(build, folder)}/built-in.a is newer than vmlinux: make failed, or did not finish"
    if build.times.newer(kernel, build.image):
        return (
            f"{build.image} is older than the vmlinux beside it; run make {build.image.name}, and see that it succeeds"
        )
    return None


def _fuse_module(build: _Build) -> str | None:
    """`make bzImage` builds no module: fuse.ko stays as it was."""
    if not re.search("^CONFIG_FUSE_FS=m$", _text(build.tree / ".config"), re.M):
        return None
    module = build.tree / _FUSE / "fuse.ko"
    advice = "FUSE is a module here (CONFIG_FUSE_FS=m), and make bzImage builds none; run make modules"
    if not module.exists():
        return f"there is no {_FUSE}/fuse.ko; {advice}"
    made = [command.with_name(command.name[1 : -len(".cmd")]) for command in module.parent.glob(".*.o.cmd")]
    found = _objects(build, made)
    if found is not None:
        return f"{found}; {advice}"
    for each in made:
        if build.times.newer(each, module) and not _another_module(each):
            return f"{_FUSE}/fuse.ko is older than {each.name}; {advice}"
    release = _text(build.tree / "include/config/kernel.release").strip()
    built_for = release_of(module)
    if built_for is not None and built_for != release:
        return f"{_FUSE}/fuse.ko was built for {built_for}, and the kernel is {release}; {advice}"
    return None


def _another_module(made: Path) -> bool:
    return made.name.partition(".")[0] in ("virtiofs", "virtio_fs", "cuse")


def release_of(module: Path) -> str | None:
    """The kernel that a module was built for.

    Args:
        module: the file, packed or not.

    Returns:
        `uname -r` of its kernel, of its vermagic (kernel/module, check_modinfo()); None where it does not say.
    """
    data = module.read_bytes()
    found = _MAGIC.search(data if module.suffix == ".ko" else decompressed(data) or b"")
    return found[1].decode(errors="replace") if found else None


def _short(build: _Build, path: Path) -> str:
    return str(path.relative_to(build.tree)) if path.is_relative_to(build.tree) else str(path)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
