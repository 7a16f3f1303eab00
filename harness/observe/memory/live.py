"""The memory of the running kernel: /proc/kcore, its types by BTF, its symbols by kallsyms.

This is a reader of fusezap's own and not a pair of finders for drgn: `fusezap.pyz` is one file of Python and cannot
carry drgn's library, and production hosts seldom have it.  Nothing is lost in time or memory: measured on the BTF of
6.1, to find the types takes 0.06 s of processor time and 5 MiB, as much as `import drgn` alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.observe.memory import kallsyms, kcore
from harness.observe.memory.btf import Btf
from harness.observe.memory.kcore import Kcore
from harness.observe.memory.kernel import SYMBOLS, TYPES, UnavailableError, UnknownError

_BTF = Path("/sys/kernel/btf")
_LOCKDOWN = Path("/sys/kernel/security/lockdown")


class RunningKernel:
    """A `Kernel` (harness/observe/memory/kernel.py)."""

    source = "/proc/kcore, with the types of BTF"

    def __init__(self, core: Kcore, types: Btf, symbols: dict[str, int]) -> None:
        self._types = types
        self._symbols = symbols
        self.read = core.read
        self.size = types.size
        self.offset = types.offset
        self.enumerators = types.enumerators

    def symbol(self, name: str) -> int:
        try:
            return self._symbols[name]
        except KeyError:
            raise UnknownError(f"/proc/kallsyms has no {name}") from None


@contextmanager
def opened() -> Iterator[RunningKernel]:
    """Open the running kernel's memory; raises UnavailableError with the reason why it cannot be."""
    try:
        core = Kcore(kcore.PATH)
    except OSError as error:
        raise UnavailableError(_why_not(error)) from error
    except ValueError as error:
        raise UnavailableError(f"{kcore.PATH}: {error}") from error
    with core:
        yield RunningKernel(core, _types(), _known_symbols())


def _why_not(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{kcore.PATH} is not there (CONFIG_PROC_KCORE)"
    # open_kcore() asks security_locked_down(LOCKDOWN_KCORE), which `lockdown=confidentiality` refuses.
    try:
        if "[confidentiality]" in _LOCKDOWN.read_text():
            return f"{kcore.PATH}: the kernel is locked down (confidentiality)"
    except OSError:
        pass  # no such security module, or securityfs is not mounted
    return f"{kcore.PATH} cannot be opened: {error.strerror}"


def _types() -> Btf:
    """Those of the kernel, and of its module fuse where it is one."""
    try:
        base = Btf((_BTF / "vmlinux").read_bytes(), TYPES)
    except FileNotFoundError:
        raise UnavailableError(f"the kernel has no BTF ({_BTF}/vmlinux, CONFIG_DEBUG_INFO_BTF)") from None
    except (OSError, ValueError) as error:
        raise UnavailableError(f"{_BTF}/vmlinux: {error}") from error
    try:
        return Btf((_BTF / "fuse").read_bytes(), TYPES, base)
    except FileNotFoundError:
        pass  # it is built in, or not loaded, or its types are not there: BTF of modules came with v5.11
    except (OSError, ValueError) as error:
        raise UnavailableError(f"{_BTF}/fuse: {error}") from error
    try:
        base.size("fuse_conn")
    except UnknownError:
        if os.path.isdir("/sys/module/fuse"):
            raise UnavailableError(f"the module fuse has no BTF ({_BTF}/fuse)") from None
    return base


def _known_symbols() -> dict[str, int]:
    try:
        with open(kallsyms.PATH, "rb") as stream:
            found = kallsyms.addresses(stream.read(), SYMBOLS)
    except OSError as error:
        raise UnavailableError(f"{kallsyms.PATH}: {error.strerror}") from error
    if "fuse_conn_list" not in found and os.path.isdir("/sys/module/fuse"):
        raise UnavailableError(f"{kallsyms.PATH} has no variables (CONFIG_KALLSYMS_ALL)")
    # Without CAP_SYSLOG, or under kernel.kptr_restrict=2, every address reads as 0 (kallsyms_show_value()).
    if not found.get("init_task"):
        raise UnavailableError(f"{kallsyms.PATH} shows no addresses (kernel.kptr_restrict)")
    return found
