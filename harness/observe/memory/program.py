"""A kernel by drgn (`fusezap[drgn]`) and its debug information: a crash dump, or the kernel that runs."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.observe.memory import kcore, vmcoreinfo
from harness.observe.memory.kernel import FaultError, UnavailableError, UnknownError

if TYPE_CHECKING:
    from drgn import Program, Type


class ProgramKernel:
    """A `Kernel` (harness/observe/memory/kernel.py)."""

    def __init__(self, program: Program, source: str) -> None:
        self.program = program
        self.source = source

    def read(self, address: int, size: int) -> bytes:
        import drgn

        try:
            return bytes(self.program.read(address, size))
        except drgn.FaultError as error:
            raise FaultError(str(error)) from error

    def symbol(self, name: str) -> int:
        try:
            return int(self.program.symbol(name).address)
        except LookupError:
            raise UnknownError(f"there is no symbol {name}") from None

    def size(self, name: str) -> int:
        import drgn

        return int(drgn.sizeof(self._type(name)))

    def offset(self, name: str, path: str) -> int:
        import drgn

        try:
            return int(drgn.offsetof(self._type(name), path))
        except (LookupError, TypeError):
            raise UnknownError(f"struct {name} has no member {path}") from None

    def enumerators(self, name: str) -> dict[str, int]:
        try:
            found = self.program.type(f"enum {name}")
        except LookupError:
            raise UnknownError(f"there is no type {name}") from None
        return {str(each[0]): int(each[1]) for each in found.enumerators or ()}

    def _type(self, name: str) -> Type:
        for kind in ("struct", "union"):
            try:
                return self.program.type(f"{kind} {name}")
            except LookupError:
                continue
        raise UnknownError(f"there is no type {name}")


@contextmanager
def opened_dump(path: Path, folder: Path | None) -> Iterator[ProgramKernel]:
    """Open a crash dump: QEMU's ELF files and kdump's, compressed or not.

    Args:
        path: The dump.
        folder: Where debug information lies too, next to the system's own places.

    Raises:
        UnavailableError: Says what is wrong with it, or what is missing.
    """
    import_drgn()
    yield ProgramKernel(_with_debug_info(_of_dump(path), folder), f"the crash dump {path}")


@contextmanager
def opened_running(folder: Path | None) -> Iterator[ProgramKernel]:
    """Open the running kernel by its debug information; raises UnavailableError."""
    import_drgn()
    import drgn

    program = drgn.Program()
    try:
        program.set_kernel()
    except (OSError, ValueError) as error:
        raise UnavailableError(f"/proc/kcore: {error}") from error
    yield ProgramKernel(_with_debug_info(program, folder), "/proc/kcore, with debug information")


def import_drgn() -> None:
    """Raises UnavailableError where drgn is not installed."""
    if importlib.util.find_spec("drgn") is None:
        raise UnavailableError("drgn is not installed (fusezap[drgn], or the package python3-drgn)")
    logging.getLogger("drgn").disabled = True  # what it warns of is an error here, or of no interest


def _of_dump(path: Path) -> Program:
    import drgn

    try:
        _check_size(path)
        program = drgn.Program()
        try:
            program.set_core_dump(path)
        except ValueError as error:
            if "vmcoreinfo" not in str(error).lower():
                raise
            program = drgn.Program(vmcoreinfo=_information(path))
            program.set_core_dump(path)
    except (OSError, ValueError, drgn.FaultError, MemoryError) as error:
        raise UnavailableError(f"{path}: {getattr(error, 'strerror', None) or _line(error)}") from error
    if not program.flags & drgn.ProgramFlags.IS_LINUX_KERNEL:
        raise UnavailableError(f"{path} is no dump of a Linux kernel, or its VMCOREINFO is missing")
    return program


def _check_size(path: Path) -> None:
    """UnavailableError for an ELF file that ends before what its headers say; other formats have no such sum."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(kcore.HEAD)
    if head.startswith(b"\x7fELF"):
        end = max((offset + length for offset, _, length in kcore.loaded(head)), default=0)
        if end > size:
            raise UnavailableError(f"{path} is truncated: it has {size} bytes of {end}")


def _information(path: Path) -> bytes:
    """VMCOREINFO, out of the memory itself; UnavailableError where it is not there."""
    found = vmcoreinfo.find(path)
    if found is None:
        raise UnavailableError(
            f"{path} has no VMCOREINFO: QEMU ran without '-device vmcoreinfo', or its guest had not loaded qemu_fw_cfg"
        )
    return found


def _with_debug_info(program: Program, folder: Path | None) -> Program:
    """With that of the kernel and of its module fuse; raises UnavailableError."""
    import drgn

    options = program.debug_info_options
    if folder is not None:
        if not folder.is_dir():
            raise UnavailableError(f"{folder} is no folder")
        options.directories = (str(folder), *options.directories)
    try:
        for wanted in (drgn.MainModule, drgn.RelocatableModule):
            program.create_loaded_modules()  # which modules there are is known by the kernel's debug information
            modules = [each for each in program.modules() if isinstance(each, wanted) and each.name in _MODULES]
            program.load_module_debug_info(*modules)
            for module in modules:
                if module.wants_debug_file():
                    raise UnavailableError(_missing(program, module.name, module.build_id))
    except (OSError, ValueError, LookupError, drgn.FaultError, drgn.MissingDebugInfoError) as error:
        raise UnavailableError(f"debug information: {_line(error)}") from error
    return program


_MODULES = ("kernel", "fuse")


def _missing(program: Program, name: str, build_id: bytes | None) -> str:
    release = _release(program)
    number = f", build ID {build_id.hex()}" if build_id else ""
    return (
        f"no debug information of {'the kernel' if name == 'kernel' else f'its module {name}'} {release}{number} "
        f"(Debian: linux-image-{release}-dbg; or --debug-info)"
    )


def _release(program: Program) -> str:
    """`uname -r`, which VMCOREINFO has first."""
    return str(program["VMCOREINFO"].string_().decode().partition("\n")[0].partition("=")[2])


def _line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
