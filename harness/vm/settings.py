"""The options of the virtual machine."""

from __future__ import annotations

from pathlib import Path

from harness.record import record
from harness.vm.accelerator import AUTO

ALWAYS, NEVER = "always", "never"


@record(frozen=True, slots=True)
class Settings:
    engine: str | None = None
    """A file of harness/vm/engines; None: the first that does not refuse."""
    memory_mib: int = 1024
    unprivileged: str = AUTO
    """The user of a QEMU that root starts, one without rights or root: ALWAYS, NEVER, or AUTO, where it works."""
    accel: str = AUTO
    """The accelerator, by its name in `accelerator`."""
    cpus: int = 1
    """More than one makes no run faster where the processor is emulated, and some boots stall."""
    deadline_s: float = 120.0
    """Without a sign of life for so long, the machine is lost."""
    console: bool = False
    """Show what the guest prints, as it prints it."""
    shell: bool = False
    """A person looks at the hang, in the guest."""
    dump: Path | None = None
    """A crash dump of the guest is written there while it hangs (dump.py)."""
    shown: tuple[Path, ...] = ()
    """Folders with programs of the user's, which the guest sees where they are here."""
    append: str = ""
    """More of the kernel's command line: what it says last counts."""
